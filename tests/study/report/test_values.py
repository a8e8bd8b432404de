"""The values that a reader of a picture can ask for are the numbers of the results."""

import itertools
import json
import math

import numpy as np
from plot_cases import GRIDS, axes_of, lines_of, view_of

import synthetic_results as synthetic
from rmsprop.study import spelling
from rmsprop.study.report import plots
from rmsprop.study.report.plots import export, style, values
from rmsprop.study.results import across, trials
from rmsprop.study.results.schema import QUANTILES

PARTS = ("name", "key", "left", "top", "where", "values", "band", "low", "high")


def series_of(figure):
    """What a browser reads of a figure: a dictionary for each series, with a list of words each."""
    export.svg(figure)
    series, before = [], []
    for part in json.loads(values.of(figure)):
        before = [before[place] if each == 0 else each for place, each in enumerate(part)]
        apart = [
            each.split(" ") if place not in (0, 1, 6) and isinstance(each, str) else each
            for place, each in enumerate(before)
        ]
        series.append(dict(zip(PARTS, apart, strict=False)))
        lengths = {len(apart[place]) for place in (2, 3, 4, 5, 7, 8) if place < len(apart)}
        assert len(lengths) == 1, "a word for each point"
    return series


def digits_of(numbers):
    """Three significant digits of each number, zeros included."""
    return ["∞" if math.isinf(x) else f"{x:#.3g}".rstrip(".") for x in numbers]


def assert_places(figure, axes, x, y, series):
    """The places are those of the points, in thousandths of the picture."""
    pixels = axes.transData.transform(np.stack([x, y], axis=-1)) / figure.bbox.size
    np.testing.assert_allclose([int(each) for each in series["left"]], 1000 * pixels[:, 0], atol=1)
    top = 1000 * (1 - pixels[:, 1])
    np.testing.assert_allclose([int(each) for each in series["top"]], top, atol=1)


def test_loss_curves(task):
    figure = plots.loss_curves(task)
    rmsprop, adagrad = series_of(figure)
    assert (rmsprop["name"], adagrad["name"]) == ("RMSprop", "AdaGrad")
    losses = task["loss"].values[0].astype(float)
    bins = [losses[:, start : start + 3].mean(axis=1) for start in range(0, 230, 3)]
    median = [sorted(seeds)[3] for seeds in bins]
    assert rmsprop["values"] == digits_of(median)
    assert rmsprop["low"] == digits_of(map(min, bins))
    assert rmsprop["high"] == digits_of(map(max, bins))
    assert (rmsprop["key"], rmsprop["band"]) == ("steps", "best to worst seed")
    assert rmsprop["where"][:2] == ["1–3", "4–6"]
    assert rmsprop["where"][-1] == "229–230", "the last point stands for two steps"
    assert adagrad["high"][-1] == "∞", "a seed has diverged"
    axes = axes_of(figure)[0]
    (line,) = lines_of(axes, "RMSprop")
    assert_places(figure, axes, line.get_xdata(), median, rmsprop)


def test_a_loss_beyond_the_axes_lies_at_their_edge():
    lost = view_of(GRIDS, steps=20, diverged={"adagrad": range(8)})
    figure = plots.loss_curves(lost)
    adagrad = series_of(figure)[1]
    assert adagrad["values"][-1] == "∞"
    axes = axes_of(figure)[0]
    assert_places(figure, axes, [20], [axes.get_ylim()[1]], {k: v[-1:] for k, v in adagrad.items()})


def test_effective_rates(task):
    rates = task.copy(deep=True)
    rates["effective_rate"][1, :, 2] = np.nan
    figure = plots.effective_rates(rates)
    rmsprop, adagrad = series_of(figure)
    for part, level in (("values", 0.5), ("low", 0.25), ("high", 0.75)):
        quantile = task["effective_rate"].values[0, :, :, QUANTILES.index(level)]
        assert rmsprop[part] == digits_of(np.median(quantile.astype(float), axis=0))
    steps = task["bin"].values
    firsts = [1, *(steps[:-1] + 1)]
    where = [f"{a}–{b}" if b > a else str(b) for a, b in zip(firsts, steps, strict=True)]
    assert rmsprop["where"] == where
    assert adagrad["where"] == [*where[:2], *where[3:]], "without a number"
    assert rmsprop["key"] == "steps"
    (line,) = lines_of(axes_of(figure)[0], "RMSprop")
    assert_places(figure, axes_of(figure)[0], steps, line.get_ydata(), rmsprop)


def test_steps_are_not_rounded():
    """A mean over the steps 957 to 1407 is said to be one of them, to the step."""
    figure = plots.effective_rates(view_of(GRIDS, steps=1407))
    where = series_of(figure)[0]["where"]
    ends = [[int(x) for x in each.split("–")] for each in where]
    assert ends[0][0] == 1
    assert ends[-1][-1] == 1407
    assert all(after[0] == before[-1] + 1 for before, after in itertools.pairwise(ends))


def test_results_by_schedule():
    comparison = synthetic.full()
    figure = comparison.plot_schedules("digits")
    rmsprop = series_of(figure)[0]
    names = [spelling.schedule(name) for name in comparison.schedules("digits")]
    expected = {
        f"{spelling.schedule(schedule)}, tuned": comparison.summary("digits", schedule=schedule)
        for schedule in comparison.schedules("digits")
    }
    for setting in comparison.settings("digits")[1:]:
        rows = comparison.summary("digits", schedule="constant", setting=setting)
        expected[spelling.defaults(setting)] = rows
    words = {where: str(rows[0].metric) for where, rows in expected.items()}
    assert dict(zip(rmsprop["where"], rmsprop["values"], strict=True)) == words
    assert rmsprop["where"][: len(names)] == [f"{name}, tuned" for name in names]
    heights = [rows[0].metric.value for rows in expected.values()]
    places = np.arange(len(heights)) - 0.225  # the first of four optimizers
    assert_places(figure, axes_of(figure)[0], places, heights, rmsprop)


def test_heat_map_cells(task):
    figure = plots.heat_map(task, "rmsprop")
    rows = series_of(figure)
    means = task["tuning_score"].values[0].mean(axis=1)
    chosen = int(task["chosen"][0])
    rates = ["0.0001", "0.01", "0.1", "1"]
    assert [row["name"] for row in rows] == [f"RMSprop, learning rate {rate}" for rate in rates]
    for place, row in enumerate(rows):
        assert (row["key"], row["where"]) == ("decay", ["0.97", "0.7"])
        words = [
            ("diverged" if math.isinf(means[index]) else digits_of([means[index]])[0])
            + (", the chosen configuration lies in this cell" if index == chosen else "")
            for index in (2 * place + 1, 2 * place)
        ]
        assert row["values"] == words
        assert_places(figure, axes_of(figure)[0], [0.5, 1.5], [place + 0.5] * 2, row)
    assert "diverged" in rows[-1]["values"]
    assert any("chosen" in word for row in rows for word in row["values"])


def test_learning_rates(task):
    figure = plots.learning_rates(task)
    slow, fast, adagrad = series_of(figure)
    assert [each["name"] for each in (slow, fast, adagrad)] == [
        "RMSprop, decay 0.97",
        "RMSprop, decay 0.7",
        "AdaGrad",
    ]
    scores = [task["tuning_score"].values[0][2 * rate + 1].mean() for rate in range(3)]
    assert slow["values"] == [*digits_of(scores), "diverged"]
    assert slow["where"] == ["0.0001", "0.01", "0.1", "1"]
    axes = axes_of(figure)[0]
    low, high = np.log(axes.get_ylim())
    cross = math.exp(low + 0.95 * (high - low))
    assert_places(figure, axes, [1e-4, 1e-2, 1e-1, 1.0], [*scores, cross], slow)
    assert all(int(place) > 500 for place in adagrad["top"]), "the lower panel"


def test_budgets():
    view = synthetic.full().view("digits")
    names = ("rmsprop", "adagrad")
    for name, each in zip(names, series_of(plots.budget(view)), strict=True):
        budget = trials.budget_of(view, name)
        finite = np.isfinite(budget.expected)
        assert finite.any()
        assert each["values"] == digits_of(budget.expected[finite])
        assert each["low"] == digits_of(budget.low[finite])
        assert each["high"] == digits_of(budget.high[finite])
        assert each["where"] == [str(k + 1) for k in np.flatnonzero(finite)]
        assert (each["name"], each["key"]) == (spelling.name(name), "best of")


def test_a_line_without_a_number_has_no_points(task):
    assert not np.isfinite(trials.budget_of(task, "adagrad").expected).any()
    assert [each["name"] for each in series_of(plots.budget(task))] == ["RMSprop"]


def test_memory_and_profile():
    comparison = synthetic.full()
    figure = comparison.plot_memory()
    rows = series_of(figure)
    assert [row["name"] for row in rows] == [*comparison.tasks]
    for place, (task, row) in enumerate(zip(comparison.tasks, rows, strict=True)):
        summary = comparison.summary(task)[: len(row["where"]) - 1]
        sizes = [summary[0].parameter_bytes, *(each.state_bytes for each in summary)]
        assert row["values"] == [spelling.size(size) for size in sizes]
        assert row["where"][:2] == ["parameters", "RMSprop"]
        states = [
            line for line in axes_of(figure)[0].get_lines() if line.get_marker() in style.MARKERS
        ]
        heights = [line.get_ydata()[0] for line in states if abs(line.get_ydata()[0] - place) < 0.5]
        assert_places(figure, axes_of(figure)[0], sizes, [place, *heights], row)
    curves = across.profile(comparison)
    for index, each in enumerate(series_of(comparison.plot_profile())):
        assert each["name"] == spelling.name(curves.optimizers[index])
        assert each["values"][0] == f"{100 * curves.share[index, 0]:.0f} %"
        assert each["where"][-1] == f"{curves.factors[-1]:.3g}"


def test_a_path_has_a_hundred_points_at_most(task):
    rmsprop = series_of(plots.path(task))[0]
    assert len(rmsprop["where"]) == values.POINTS < task["path"].sizes["step"]
    path = task["path"].values[0, 0]
    for step, place in zip(rmsprop["where"], rmsprop["values"], strict=True):
        assert place == "({}, {})".format(*digits_of(path[int(step)]))
    assert (rmsprop["where"][0], rmsprop["where"][-1]) == ("0", str(len(path) - 1))


def test_the_same_picture_has_the_same_bytes(task):
    first, second = (plots.loss_curves(task) for _ in range(2))
    assert export.svg(first) == export.svg(second)
    assert values.of(first) == values.of(second)
    plain = plots.loss_curves(task)
    plain.series.clear()
    assert export.svg(plain) == export.svg(first), "values leave no trace in the picture"
    assert values.of(plain) == ""
