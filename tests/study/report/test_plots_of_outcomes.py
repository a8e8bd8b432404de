"""Differences, schedules and memory show the numbers that they say they show."""

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex
from plot_cases import GRIDS, axes_of, lines_of

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import plots
from rmsprop.study.report.plots import forest, style
from rmsprop.study.results import across
from rmsprop.study.results.statistics import Estimate
from rmsprop.study.results.summary import Difference


@pytest.fixture(scope="module")
def known_differences():
    """Differences whose intervals we know: a winner, none, none known, and two of a ratio."""
    names = ("a", "b", "c", "d")
    tasks = {
        name: synthetic.task(
            GRIDS,
            steps=10,
            better="higher" if name == "b" else "lower",
            schedules=("constant", "linear") if name == "d" else ("constant",),
        )
        for name in names
    }
    none = Estimate(0.0, 0.0, 0.1)

    def difference(name, interval, schedule="own", margin=None):
        return Difference(
            name,
            schedule,
            "tuned",
            "test_error",
            "test error",
            "rmsprop",
            "adagrad",
            tasks[name].report_better,
            interval,
            is_ratio=name == "d",
            well_tuned=None,
            improvement=Estimate(0.5, 0.0, 1.0),
            diverged=(none, none),
            p_value=0.5,
            margin=margin,
            verdict="better" if name == "a" else "undecided",
            seeds=10,
            tuning_seeds=3,
            seeds_needed=None,
            is_reference=False,
        )

    rows = {
        "a": [difference("a", Estimate(-2.0, -3.0, -1.0))],
        "b": [difference("b", Estimate(0.5, -1.0, 2.0), margin=0.25)],
        "c": [difference("c", Estimate(1.0, math.nan, math.nan))],
        "d": [
            difference("d", Estimate(1.2, 0.8, 1.8), margin=0.05),
            difference("d", Estimate(1.1, 0.7, 1.6), "constant", margin=0.05),
            difference("d", Estimate(0.9, 0.6, 1.5), "linear", margin=0.05),
            replace(difference("d", Estimate(9.0, 8.0, 10.0), "linear"), is_reference=True),
        ],
    }

    class Given(Comparison):
        def differences(self, task=None, *, schedule=None, **_):
            return tuple(row for row in rows[task] if schedule in (None, row.schedule))

    return Given.of(tasks, synthetic.ROOT)


def _marks(axes):
    """The intervals and the estimates that are drawn, by their row."""
    lines = axes.get_lines()[1:]  # the first is at equality
    intervals = {line.get_ydata()[0]: line for line in lines if len(line.get_xdata()) == 2}
    return intervals, {line.get_ydata()[0]: line for line in lines if len(line.get_xdata()) == 1}


def test_differences_are_drawn_as_they_are(known_differences):
    a, b, c, _ = axes_of(plots.differences(known_differences))
    assert list(a.get_lines()[0].get_xdata()) == [0, 0]
    intervals, values = _marks(a)
    assert list(intervals[0].get_xdata()) == [-3, -1]
    assert list(values[0].get_xdata()) == [-2]
    assert to_hex(intervals[0].get_color()) == style.colour(0), "the colour of RMSprop, the winner"
    assert a.get_xlim()[0] < 0 < a.get_xlim()[1]
    assert not a.patches, "no margin"
    assert b.get_xlim()[0] > 0 > b.get_xlim()[1], "where higher is better, the axis is turned"
    assert to_hex(_marks(b)[0][0].get_color()) == style.INK
    (band,) = b.patches
    width = band.get_window_extent().width / b.get_window_extent().width
    assert width == pytest.approx(0.25 / (1.15 * 2.0))
    assert _marks(c)[0] == {}, "no interval"
    assert [text.get_text() for text in a.texts] == [
        "◂ RMSprop better",
        "AdaGrad better ▸",
        "a: test error",
    ]
    assert [label.get_text() for label in a.get_yticklabels()] == [], "one row needs no name"


def test_a_panel_has_the_headline_and_a_row_for_each_schedule(known_differences):
    """A ratio is drawn by its logarithm, 1 in the middle, and labelled as it is."""
    d = axes_of(plots.differences(known_differences))[3]
    intervals, values = _marks(d)
    labels = [label.get_text() for label in d.get_yticklabels()]
    assert labels == ["each its own", "constant", "linear to 0"]
    ends = [[0.8, 1.8], [0.7, 1.6], [0.6, 1.5]]
    for row, (end, value) in enumerate(zip(ends, (1.2, 1.1, 0.9), strict=True)):
        assert list(intervals[row].get_xdata()) == pytest.approx(np.log(end))
        assert list(values[row].get_xdata()) == pytest.approx([math.log(value)])
    assert len(values) == 3, "no reference"
    assert d.get_ylim()[0] > d.get_ylim()[1], "the headline is above"
    assert d.get_xlim() == pytest.approx([-1.15 * math.log(1.8), 1.15 * math.log(1.8)])
    (band,) = d.patches
    width = band.get_window_extent().width / d.get_window_extent().width
    assert width == pytest.approx(math.log(1.05) / (1.15 * math.log(1.8)))
    d.figure.canvas.draw()
    ticks = {
        x: text.get_text() for x, text in zip(d.get_xticks(), d.get_xticklabels(), strict=True)
    }
    assert ticks[0] == "1"
    for x, text in ticks.items():
        assert float(text) == pytest.approx(math.exp(x), rel=1e-2)
    one = axes_of(plots.differences(known_differences, "linear"))
    assert len(one) == 1
    assert len(_marks(one[0])[1]) == 1


def test_one_optimizer_has_no_difference():
    one = {"adagrad": GRIDS["adagrad"]}
    alone = Comparison.of({"t": synthetic.task(one, steps=10)}, synthetic.ROOT)
    with pytest.raises(ValueError, match="compare at least two"):
        plots.differences(alone)


def test_schedules_show_tuned_and_default_settings_with_their_intervals(full):
    axes = axes_of(plots.schedules(full, "valley"))[0]
    points = [line for line in axes.get_lines() if len(line.get_xdata()) == 1]
    assert len(points) == 2 + 4 + 2 + 1
    rows = [
        (place, row)
        for place, (schedule, setting) in enumerate(
            [
                ("constant", "tuned"),
                ("linear", "tuned"),
                ("constant", "torch"),
                ("constant", "keras"),
            ]
        )
        for row in full.summary("valley", schedule=schedule, setting=setting)
    ]
    by_place = sorted(points, key=lambda point: point.get_xdata()[0])
    for point, (place, row) in zip(by_place, rows, strict=True):
        assert abs(point.get_xdata()[0] - place) < 0.4
        assert point.get_ydata()[0] == row.metric.value
        filled = to_hex(point.get_markerfacecolor()) != style.PAPER
        assert filled == (row.setting == "tuned")
        index = ("rmsprop", "adagrad", "sgd", "adam").index(row.optimizer)
        assert to_hex(point.get_color()) == style.colour(index)
    ends = [tuple(x.get_ydata()) for x in axes.get_lines() if len(x.get_xdata()) == 2]
    assert sorted(ends) == sorted((row.metric.low, row.metric.high) for _, row in rows)
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert labels == ["constant", "linear to 0", "PyTorch", "Keras"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        *("RMSprop", "AdaGrad", "SGD", "Adam")
    ]
    one = axes_of(plots.schedules(full, "valley", "linear"))[0]
    assert [text.get_text() for text in one.get_xticklabels()] == ["linear to 0"]
    assert one.get_xlabel() == "filled: tuned under this schedule"


def test_what_diverged_is_a_cross_at_the_bad_end():
    several = synthetic.task(GRIDS, seeds=5, steps=10, schedules=("constant", "linear"))
    several["metric"][1, 1] = np.inf
    several["diverged"][1, 1] = True
    for name in ("online_loss", "final_loss", "last_loss"):
        several[name][1, 1] = np.inf
    several = synthetic.with_one_finalist(several)
    axes = axes_of(plots.schedules(Comparison.of({"t": several}, synthetic.ROOT), "t"))[0]
    (cross,) = [line for line in axes.get_lines() if line.get_marker() == "x"]
    assert cross.get_ydata()[0] == axes.get_ylim()[1]


def test_a_profile_is_drawn_as_it_is(full):
    axes = axes_of(plots.profile(full))[0]
    curves = across.profile(full)
    for index, name in enumerate(("RMSprop", "AdaGrad", "SGD", "Adam")):
        (line,) = lines_of(axes, name)
        assert list(line.get_ydata()) == curves.share[index].tolist()
        assert list(line.get_xdata()) == curves.factors.tolist()
        band = axes.collections[index].get_paths()[0].vertices[:, 1]
        assert band.min() == curves.low[index].min()
        assert band.max() == curves.high[index].max()
    assert axes.get_xlim() == pytest.approx((1, 4))
    negative = synthetic.task(GRIDS, steps=10)
    for name in ("finalist_report", "metric"):
        negative[name] = negative[name] - 100
    with pytest.raises(ValueError, match="show differences instead"):
        plots.profile(Comparison.of({"t": negative}, synthetic.ROOT))


def test_memory_is_state_beside_parameters():
    one, two = (synthetic.task(GRIDS, steps=10) for _ in range(2))
    one["state_bytes"][:] = [2000, 0]
    one["parameter_bytes"][:] = 1000
    axes = axes_of(plots.memory(Comparison.of({"one": one, "two": two}, synthetic.ROOT)))[0]
    (bar,) = lines_of(axes, "parameters")
    assert list(bar.get_xdata()) == [1000, 1000]
    (state,) = lines_of(axes, "RMSprop")
    assert list(state.get_xdata()) == [2000]
    (none,) = lines_of(axes, "AdaGrad")
    assert none.get_xdata()[0] == axes.get_xlim()[0], "nothing stands at the edge"
    assert [text.get_text() for text in axes.texts[:4]] == ["2 ×", "0 ×", "1 ×", "1 ×"]


@pytest.mark.parametrize(
    "reach", [1e-5, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.5, 0.69, 0.7, 2.0, 5.0, 20.0]
)
def test_a_ratio_of_one_has_a_tick(reach):
    ticks, labels = forest._ratio_ticks(reach)
    assert 0 in ticks
    assert labels[ticks.index(0)] == "1"
    assert ticks == sorted(ticks)
    assert 2 < len(ticks) <= 9
    assert len(set(labels)) == len(labels)
    assert max(abs(tick) for tick in ticks) <= reach
    assert [float(label) for label in labels] == pytest.approx(np.exp(ticks), rel=1e-3)
