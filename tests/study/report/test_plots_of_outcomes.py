"""Differences, schedules and memory show the numbers that they say they show."""

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from plot_cases import GRIDS, axes_of, lines_of

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import effects
from rmsprop.study.report.plots import style
from rmsprop.study.results import across
from rmsprop.study.results.digest import digests
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
    """The intervals and the estimates that are drawn, from above."""
    lines = [line for line in axes.get_lines() if list(line.get_xdata()) != [0, 0]]
    by_height = sorted(lines, key=lambda line: line.get_ydata()[0])
    intervals = [line for line in by_height if len(line.get_xdata()) == 2]
    return intervals, [line for line in by_height if len(line.get_xdata()) == 1]


def test_all_differences_are_on_one_axis_of_margins(known_differences):
    (axes,) = axes_of(known_differences.plot_differences())
    intervals, values = _marks(axes)
    assert len(values) == 1 + 1 + 1 + 3, "no reference"
    assert len(intervals) == len(values) - 1, "c has no interval"
    sizes = [effects.effect_of(row) for row in effects.lines(digests(known_differences))]
    reach = effects.reach_of(sizes)
    for line, size in zip(values, sizes, strict=True):
        assert line.get_xdata()[0] == pytest.approx(effects.place(size.value, reach))
    with_interval = [size for size in sizes if not math.isnan(size.low)]
    for line, size in zip(intervals, with_interval, strict=True):
        ends = [effects.place(size.low, reach), effects.place(size.high, reach)]
        assert list(line.get_xdata()) == pytest.approx(ends)
    assert to_hex(values[0].get_color()) == style.colour(0), "the colour of RMSprop, the winner"
    assert to_hex(values[1].get_color()) == style.INK
    assert to_hex(values[1].get_markerfacecolor()) == style.PAPER, "empty: nothing is decided"
    bands = [x for x in axes.collections if isinstance(x, PolyCollection)]
    assert len(bands) == 4, "of b and of each line of d, which have a margin"
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the headline is above"
    texts = [text.get_text() for text in axes.texts]
    assert texts[:2] == ["◂ RMSprop better", "AdaGrad better ▸"]
    assert "-2.0 [-3.0, -1.0]" in texts
    assert "d: test error" in texts
    one = axes_of(known_differences.plot_differences("constant"))[0]
    assert len(_marks(one)[1]) == 1


def test_an_effect_is_counted_in_margins_by_hand():
    """Two margins of a ratio of 1.05; half a point of an accuracy of which more is better."""
    none = Estimate(0.0, 0.0, 0.1)
    row = Difference(
        *("t", "own", "tuned", "m", "m", "a", "b", "lower", Estimate(1.05**2, 1 / 1.05, 1.05**3)),
        is_ratio=True,
        well_tuned=None,
        improvement=none,
        diverged=(none, none),
        p_value=0.5,
        margin=0.05,
        verdict="undecided",
        seeds=10,
        tuning_seeds=3,
        seeds_needed=None,
        is_reference=False,
    )
    size = effects.effect_of(row)
    assert [size.low, size.value, size.high] == pytest.approx([-1, 2, 3])
    points = replace(
        row, interval=Estimate(0.01, -0.005, 0.02), is_ratio=False, margin=0.005, better="higher"
    )
    size = effects.effect_of(points)
    assert [size.low, size.value, size.high] == pytest.approx([-4, -2, 1]), "more is better"
    without = effects.effect_of(replace(points, margin=None))
    assert not without.in_margins
    assert without.reach == pytest.approx(effects.WITHOUT_MARGIN)
    flat = effects.effect_of(replace(points, margin=None, interval=Estimate(0.0, 0.0, 0.0)))
    assert flat.value == 0


def test_the_axis_of_margins_is_symmetric_and_ends():
    assert effects.reach_of([]) == effects.LEAST
    assert effects.place(0, 30) == 0
    assert effects.place(30, 30) == 1
    assert effects.place(-3, 30) == -effects.place(3, 30) == -math.log(4) / math.log(31)
    assert effects.place(math.inf, 30) == 1, "what is infinite lies at the end"
    assert math.isnan(effects.place(math.nan, 30))
    assert effects.ticks(12) == [1, 3, 10]
    assert effects.ticks(1000) == [1, 10, 100, 1000]


def test_one_optimizer_has_no_difference():
    one = {"adagrad": GRIDS["adagrad"]}
    alone = Comparison.of({"t": synthetic.task(one, steps=10)}, synthetic.ROOT)
    with pytest.raises(ValueError, match="compare at least two"):
        alone.plot_differences()


def test_schedules_show_tuned_and_default_settings_with_their_intervals(full):
    axes = axes_of(full.plot_schedules("valley"))[0]
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
    one = axes_of(full.plot_schedules("valley", "linear"))[0]
    assert [text.get_text() for text in one.get_xticklabels()] == ["linear to 0"]
    assert one.get_xlabel() == "filled: tuned under this schedule"


def test_what_diverged_is_a_cross_at_the_bad_end():
    several = synthetic.task(GRIDS, seeds=5, steps=10, schedules=("constant", "linear"))
    several["metric"][1, 1] = np.inf
    several["diverged"][1, 1] = True
    for name in ("online_loss", "final_loss", "last_loss"):
        several[name][1, 1] = np.inf
    several = synthetic.with_one_finalist(several)
    axes = axes_of(Comparison.of({"t": several}, synthetic.ROOT).plot_schedules("t"))[0]
    (cross,) = [line for line in axes.get_lines() if line.get_marker() == "x"]
    assert cross.get_ydata()[0] == axes.get_ylim()[1]


def test_a_profile_is_drawn_as_it_is(full):
    axes = axes_of(full.plot_profile())[0]
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
        Comparison.of({"t": negative}, synthetic.ROOT).plot_profile()


def test_memory_is_state_beside_parameters():
    one, two = (synthetic.task(GRIDS, steps=10) for _ in range(2))
    one["state_bytes"][:] = [2000, 0]
    one["parameter_bytes"][:] = 1000
    axes = axes_of(Comparison.of({"one": one, "two": two}, synthetic.ROOT).plot_memory())[0]
    (bar,) = lines_of(axes, "parameters")
    assert list(bar.get_xdata()) == [1000, 1000]
    (state,) = lines_of(axes, "RMSprop")
    assert list(state.get_xdata()) == [2000]
    (none,) = lines_of(axes, "AdaGrad")
    assert none.get_xdata()[0] == axes.get_xlim()[0], "nothing stands at the edge"
    assert [text.get_text() for text in axes.texts[:4]] == ["2 ×", "0 ×", "1 ×", "1 ×"]
