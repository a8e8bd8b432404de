"""Differences, schedules and memory show the numbers that they say they show."""

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex
from plot_cases import GRIDS, axes_of, lines_of

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import plots
from rmsprop.study.report.plots import outcomes, style
from rmsprop.study.results.statistics import Estimate
from rmsprop.study.results.summary import Difference


@pytest.fixture(scope="module")
def known_differences():
    """Differences whose intervals we know: a winner, none, none known, and one of a ratio."""
    names = ("a", "b", "c", "d")
    tasks = {
        name: synthetic.task(GRIDS, steps=10, better="higher" if name == "b" else "lower")
        for name in names
    }
    estimates = (
        Estimate(-2.0, -3.0, -1.0),
        Estimate(0.5, -1.0, 2.0),
        Estimate(1.0, math.nan, math.nan),
        Estimate(1.2, 0.8, 1.8),
    )
    pair = ("constant", "tuned", "rmsprop", "adagrad")
    none = Estimate(0.0, 0.0, 0.1)

    def difference(name, metric):
        return Difference(
            name,
            *pair,
            tasks[name].report_better,
            metric,
            is_ratio=name == "d",
            improvement=Estimate(0.5, 0.0, 1.0),
            diverged=(none, none),
            p_value=0.5,
            margin=None,
            verdict="better" if name == "a" else "undecided",
            seeds=10,
            tuning_seeds=3,
            seeds_needed=None,
        )

    class Given(Comparison):
        def differences(self, *_, **__):
            return tuple(map(difference, names, estimates))

    return Given.of(tasks, synthetic.ROOT)


def test_differences_are_drawn_as_they_are(known_differences):
    a, b, c, d = axes_of(plots.differences(known_differences))
    zero, interval, value = a.get_lines()
    assert list(interval.get_xdata()) == [-3, -1]
    assert list(value.get_xdata()) == [-2]
    assert list(zero.get_xdata()) == [0, 0]
    assert to_hex(interval.get_color()) == style.colour(0), "the colour of the winner, RMSprop"
    assert a.get_xlim()[0] < 0 < a.get_xlim()[1]
    assert b.get_xlim()[0] > 0 > b.get_xlim()[1], "where higher is better, the axis is turned"
    assert to_hex(b.get_lines()[1].get_color()) == style.INK
    assert len(c.get_lines()) == 2, "no interval"
    # A ratio is drawn by its logarithm, 1 in the middle, and labelled as it is.
    assert list(d.get_lines()[1].get_xdata()) == pytest.approx([math.log(0.8), math.log(1.8)])
    assert list(d.get_lines()[2].get_xdata()) == pytest.approx([math.log(1.2)])
    assert d.get_xlim() == pytest.approx([-1.25 * math.log(1.8), 1.25 * math.log(1.8)])
    d.figure.canvas.draw()
    labels = {
        x: text.get_text() for x, text in zip(d.get_xticks(), d.get_xticklabels(), strict=True)
    }
    assert labels[0] == "1"
    for x, text in labels.items():
        assert float(text) == pytest.approx(math.exp(x), rel=1e-2)
    assert [text.get_text() for text in a.texts] == ["◂ RMSprop better", "AdaGrad better ▸"]


def test_one_optimizer_has_no_difference():
    one = {"adagrad": GRIDS["adagrad"]}
    alone = Comparison.of({"t": synthetic.task(one, steps=10)}, synthetic.ROOT)
    with pytest.raises(ValueError, match="compare at least two"):
        plots.differences(alone)


def test_schedules_show_tuned_and_default_with_their_intervals():
    several = synthetic.task(GRIDS, seeds=5, steps=10, schedules=("constant", "linear"))
    several["metric"][1, 1, 0] = np.inf
    several["diverged"][1, 1, 0] = True
    for name in ("online_loss", "final_loss", "last_loss"):
        several[name][1, 1, 0] = np.inf
    comparison = Comparison.of({"t": several}, synthetic.ROOT)
    axes = axes_of(plots.schedules(comparison, "t"))[0]
    points = [line for line in axes.get_lines() if len(line.get_xdata()) == 1]
    assert len(points) == 8
    rows = [
        row
        for schedule in ("constant", "linear")
        for setting in ("tuned", "default")
        for row in comparison.summary("t", schedule=schedule, setting=setting)
    ]
    for point, row in zip(points, rows, strict=True):
        filled = to_hex(point.get_markerfacecolor()) != style.PAPER
        assert filled == (row.setting == "tuned")
        if math.isfinite(row.metric.value):
            assert point.get_ydata()[0] == row.metric.value
        else:
            assert (point.get_marker(), point.get_ydata()[0]) == ("x", axes.get_ylim()[1])
    ends = [line.get_ydata() for line in axes.get_lines() if len(line.get_xdata()) == 2]
    assert list(ends[0]) == [rows[0].metric.low, rows[0].metric.high]
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert labels == ["constant", "linear to 0"]
    one = axes_of(plots.schedules(comparison, "t", "linear"))[0]
    assert [text.get_text() for text in one.get_xticklabels()] == ["linear to 0"]


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
    ticks, labels = outcomes._ratio_ticks(reach)
    assert 0 in ticks
    assert labels[ticks.index(0)] == "1"
    assert ticks == sorted(ticks)
    assert 2 < len(ticks) <= 9
    assert len(set(labels)) == len(labels)
    assert max(abs(tick) for tick in ticks) <= reach
    assert [float(label) for label in labels] == pytest.approx(np.exp(ticks), rel=1e-3)
