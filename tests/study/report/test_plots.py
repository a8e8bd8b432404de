"""Each figure shows the numbers it says it shows."""

import math
import re
import xml.etree.ElementTree as ElementTree
from typing import Any

import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm, to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import plots, surfaces
from rmsprop.study.report.plots import export, style
from rmsprop.study.results import schema
from rmsprop.study.results.schema import QUANTILES
from rmsprop.study.results.statistics import Estimate
from rmsprop.study.results.summary import Difference

GRIDS = {
    "rmsprop": {"learning_rate": [1e-4, 1e-2, 1e-1, 1.0], "one_minus_decay": [0.3, 0.03]},
    "adagrad": {"learning_rate": [1e-2, 1e-1]},
}


@pytest.fixture(scope="module")
def task():
    """230 steps, so 77 points of three steps each but the last, of two; an even number of seeds."""
    return _view(GRIDS, steps=230, seeds=6, path=True, diverged={"adagrad": [2]})


def _view(*arguments: Any, **options: Any) -> Any:
    """Made-up results in the form that pictures of one task take."""
    return schema.view(synthetic.task(*arguments, **options))


def _axes(figure: Figure) -> Any:
    """What matplotlib annotates as anything that can be made an array is an array here."""
    return figure.axes


def _lines(axes: Any, label: str) -> Any:
    return [line for line in axes.get_lines() if line.get_label().startswith(label)]


def test_loss_curves_are_median_and_range_of_means_of_steps(task):
    axes = _axes(plots.loss_curves(task))[0]
    (line,) = _lines(axes, "RMSprop")
    losses = task["loss"].values[0].astype(float)
    bins = [losses[:, start : start + 3].mean(axis=1) for start in range(0, 230, 3)]
    median = [sorted(seeds)[3] for seeds in bins]  # of six, the worse of the middle two
    np.testing.assert_allclose(line.get_ydata(), median, rtol=1e-12)
    np.testing.assert_allclose(line.get_xdata()[:2], [2, 5])  # the middle of steps 1, 2, 3
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(max(map(max, bins)))
    assert band[:, 1].min() == pytest.approx(min(map(min, bins)))
    assert axes.get_yscale() == "log", "a loss that falls by a factor of more than four"
    assert "mean of 3 steps" in axes.texts[0].get_text()


def test_a_diverged_run_takes_the_band_to_the_top(task):
    axes = _axes(plots.loss_curves(task))[0]
    (line,) = _lines(axes, "AdaGrad")
    assert line.get_label() == "AdaGrad (1/6 diverged)"
    top = axes.get_ylim()[1]
    band = axes.collections[1].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(top)
    assert band[band[:, 1] > 0.999 * top, 0].min() == pytest.approx(115, abs=3)  # half of the steps
    assert np.max(line.get_ydata()) < top, "five of six are fine, so the median is"
    lost = _view(GRIDS, steps=20, diverged={"adagrad": range(8)})
    axes = _axes(plots.loss_curves(lost))[0]
    (line,) = _lines(axes, "AdaGrad")
    assert line.get_ydata()[-1] == pytest.approx(axes.get_ylim()[1])


def test_learning_rates_show_mean_scores_the_choice_and_what_diverged(task):
    first, second = _axes(plots.learning_rates(task))
    assert [line.get_label() for line in first.get_lines()] == ["0.97", "0.7", "diverged", "chosen"]
    (line,) = _lines(first, "0.97")
    scores = task["tuning_score"].values[0]
    slow = [scores[2 * rate + 1].mean() for rate in range(3)]  # the last rate diverged
    np.testing.assert_allclose(line.get_xdata(), [1e-4, 1e-2, 1e-1])
    np.testing.assert_allclose(line.get_ydata(), slow, rtol=1e-12)
    (lost,) = _lines(first, "diverged")
    assert list(lost.get_xdata()) == [1.0]
    assert lost.get_ydata()[0] > 0.9, "at the bad end, which is the top"
    assert lost.get_transform() == first.get_xaxis_transform(), "so 0.9 is a share of the axes"
    (ring,) = _lines(first, "chosen")
    chosen = int(task["chosen"][0])
    assert ring.get_xdata()[0] == float(task["learning_rate"][0, chosen])
    assert ring.get_ydata()[0] == pytest.approx(scores[chosen].mean())
    assert not _lines(second, "diverged")
    assert (first.get_xscale(), first.get_yscale()) == ("log", "log")
    assert first.get_xlim() == second.get_xlim()
    assert first.get_ylim() == second.get_ylim()
    assert [a.get_legend().get_title().get_text() for a in (first, second)] == [
        "RMSprop\ndecay",
        "AdaGrad",
    ]


def test_where_higher_is_better_the_bad_end_is_below():
    axes = _axes(plots.learning_rates(_view(GRIDS, steps=10, better="higher")))[0]
    (lost,) = _lines(axes, "diverged")
    assert lost.get_ydata()[0] < 0.1
    assert axes.get_yscale() == "linear"


def test_heat_map_cells_by_hand():
    """Three hyper-parameters: the best over the third; a combination that was not run is empty."""
    grid = {"learning_rate": [0.1, 0.01], "one_minus_decay": [0.3, 0.03, 0.003], "eps": [1e-8, 1]}
    task = _view({"rmsprop": grid}, steps=10)
    # as (rate, 1 - decay, eps): 12 configurations, the score of each tuning seed the same
    scores = np.array([8, 7, 4, 5, 3, 9, 60, 50, np.inf, np.inf, np.inf, 20], dtype=float)
    task["tuning_score"][0] = scores[:, None]
    task["learning_rate"][0, 6:8] = np.nan  # not run
    mesh = _axes(plots.heat_map(task, "rmsprop"))[0].collections[0]
    expected = np.ma.masked_invalid([[20, 3], [np.inf, 4], [np.nan, 7]])  # rates 0.01, 0.1
    np.testing.assert_array_equal(mesh.get_array().mask, expected.mask)
    np.testing.assert_array_equal(mesh.get_array().compressed(), [20, 3, 4, 7])
    assert isinstance(mesh.norm, LogNorm)
    axes = _axes(plots.heat_map(task, "rmsprop"))[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0.01", "0.1"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["0.003", "0.03", "0.3"]
    (frame,) = axes.patches
    assert frame.get_xy() == (1, 0), "3 is the best"
    (cross,) = axes.get_lines()
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (0.5, 1.5)
    assert "1 - decay" in axes.texts[0].get_text()


def test_heat_map_of_a_better_higher_score_frames_the_highest():
    task = _view(GRIDS, steps=10, better="higher")
    axes = _axes(plots.heat_map(task, "rmsprop"))[0]
    means = task["tuning_score"].values[0].mean(axis=1)
    rate, decay = divmod(int(np.argmax(means)), 2)
    assert axes.patches[0].get_xy() == (rate, 1 - decay), "decays ascend, the grid descends"
    assert axes.collections[0].get_cmap().name == "viridis_r"


def test_values_of_a_grown_grid_that_differ_in_the_last_bits_are_one():
    task = _view(GRIDS, steps=10)
    task["learning_rate"][0, 1] *= 1 + 1e-15
    mesh = _axes(plots.heat_map(task, "rmsprop"))[0].collections[0]
    assert mesh.get_array().shape == (2, 4)


def test_a_heat_map_needs_two_hyperparameters(task):
    with pytest.raises(ValueError, match="adagrad has only its learning_rate tuned"):
        plots.heat_map(task, "adagrad")


def test_paths_of_the_first_seed_from_the_common_start(task):
    axes = _axes(plots.path(task, synthetic.surface))[0]
    (line,) = _lines(axes, "AdaGrad")
    np.testing.assert_allclose(np.transpose(line.get_data()), task["path"].values[1, 0])
    start = axes.get_lines()[-1]
    np.testing.assert_allclose(np.ravel(start.get_data()), task["path"].values[0, 0, 0])
    contours = axes.collections[0]
    assert len(contours.get_paths()) > 5
    for x, y in task["path"].values[:, 0].reshape(-1, 2):
        assert axes.get_xlim()[0] < x < axes.get_xlim()[1]
        assert axes.get_ylim()[0] < y < axes.get_ylim()[1]
    width, height = np.diff(axes.get_xlim())[0], np.diff(axes.get_ylim())[0]
    box = axes.get_window_extent()
    assert width / box.width == pytest.approx(height / box.height), "one scale for both"


def test_contours_lie_on_the_loss(task):
    figure = plots.path(task, synthetic.surface)
    axes = _axes(figure)[0]
    contours = axes.collections[0]
    levels = contours.levels
    ratios = levels[1:] / levels[:-1]
    np.testing.assert_allclose(ratios, ratios[0])
    limits = axes.get_xlim(), axes.get_ylim()
    x, y = np.meshgrid(*(np.linspace(*ends, num=120) for ends in limits))
    lowest = synthetic.surface(np.stack([x, y], axis=-1)).min()
    path = contours.get_paths()[-1].vertices
    heights = synthetic.surface(path) - lowest
    # Linear interpolation in a grid of 120 points of a quadratic function: the error is at most
    # an eighth of its largest second derivative, 100, times the squared distance of points.
    error = 100 / 8 * ((x[0, 1] - x[0, 0]) ** 2 + (y[1, 0] - y[0, 0]) ** 2)
    np.testing.assert_allclose(heights, levels[-1], atol=error)


def test_a_diverged_path_does_not_hide_the_others(task):
    lost = task.copy(deep=True)
    lost["path"][0, 0, 10:] = np.nan
    lost["path"][0, 0, 5:10] = 1e30
    axes = _axes(plots.path(lost))[0]
    assert max(map(abs, (*axes.get_xlim(), *axes.get_ylim()))) < 100
    (line,) = _lines(axes, "RMSprop")
    assert np.isfinite(line.get_xydata()).all()
    export.png(plots.path(lost))


def test_only_two_parameters_have_a_path(task):
    with pytest.raises(ValueError, match="no variable path"):
        plots.path(task.drop_vars("path"))


def test_the_surface_of_a_problem_is_its_loss():
    class Bowl:
        def sample(self, key, step):
            return jnp.array([1.0, 2.0])

        def loss(self, parameters, batch):
            return jnp.sum((parameters - batch) ** 2)

    points = np.array([[[1.0, 2.0], [1.0, 0.0]], [[0.0, 2.0], [4.0, 6.0]]])
    found = np.asarray(surfaces.surface_of(Bowl())(points))
    np.testing.assert_allclose(found, [[0, 4], [1, 25]])


@pytest.fixture(scope="module")
def comparison():
    """Differences whose intervals we know: a winner, none, none known, and one without end."""
    names = ("a", "b", "c", "d")
    tasks = {
        name: synthetic.task(GRIDS, steps=10, better="higher" if name == "b" else "lower")
        for name in names
    }
    made = Comparison.of(tasks, synthetic.ROOT)
    estimates = (
        Estimate(-2.0, -3.0, -1.0),
        Estimate(0.5, -1.0, 2.0),
        Estimate(1.0, math.nan, math.nan),
        Estimate(1.0, -1.0, math.inf),
    )
    improvement = Estimate(0.5, 0.0, 1.0)
    place = ("constant", "tuned")
    made._kept.update(
        {
            ("pair", name, *place, "rmsprop", "adagrad"): Difference(
                *(name, *place, "rmsprop", "adagrad", tasks[name].report_better),
                *(found, improvement, 10),
            )
            for name, found in zip(names, estimates, strict=True)
        }
    )
    return made


def test_differences_are_drawn_as_they_are(comparison):
    a, b, c, d = _axes(plots.differences(comparison))
    zero, interval, value = a.get_lines()
    assert list(interval.get_xdata()) == [-3, -1]
    assert list(value.get_xdata()) == [-2]
    assert list(zero.get_xdata()) == [0, 0]
    assert to_hex(interval.get_color()) == style.colour(0), "the colour of the winner, RMSprop"
    assert a.get_xlim()[0] < 0 < a.get_xlim()[1]
    assert b.get_xlim()[0] > 0 > b.get_xlim()[1], "where higher is better, the axis is turned"
    assert to_hex(b.get_lines()[1].get_color()) == style.INK
    assert len(c.get_lines()) == 2, "no interval"
    assert list(d.get_lines()[1].get_xdata()) == [-1, d.get_xlim()[1]]
    assert d.get_lines()[2].get_marker() == ">"
    assert [text.get_text() for text in a.texts] == ["◂ RMSprop better", "AdaGrad better ▸"]


def test_one_optimizer_has_no_difference():
    one = {"adagrad": GRIDS["adagrad"]}
    alone = Comparison.of({"t": synthetic.task(one, steps=10)}, synthetic.ROOT)
    with pytest.raises(ValueError, match="compare at least two"):
        plots.differences(alone)


def test_names_are_drawn_as_they_are():
    """Between two dollar signs matplotlib sees a formula, and a wrong one is an error."""
    formula = r"$\frac{$"
    odd = {formula: GRIDS["adagrad"], f"<b>&amp;{formula} is very long": GRIDS["rmsprop"]}
    task = synthetic.task(odd, steps=10, path=True, label=formula, choose_by_label=formula)
    other = Comparison.of({"t": task}, synthetic.ROOT)
    for figure in _all(other, "t", list(odd)[1]):
        assert export.svg(figure).startswith("<svg")


def test_figures_are_png_of_a_fixed_width(task):
    picture = export.png(plots.loss_curves(task))
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(picture[16:20], "big") == 675


def _all(comparison, task, optimizer):
    """Every picture."""
    shown = comparison.view(task)
    yield from (plots.loss_curves(shown), plots.learning_rates(shown), plots.path(shown))
    yield from (plots.budget(shown), plots.effective_rates(shown), plots.memory(comparison))
    yield from (plots.schedules(comparison, task), plots.heat_map(shown, optimizer))
    yield plots.differences(comparison)


@pytest.fixture(scope="module")
def every():
    """Every picture of three tasks: two optimizers, two schedules, and all that is unusual."""
    many = Comparison.of(
        {
            "unusual": synthetic.unusual(),
            "several": synthetic.task(
                {
                    f"{name} with a name": grid
                    for name, grid in (GRIDS | {"x": GRIDS["adagrad"]}).items()
                },
                steps=10,
                path=True,
                schedules=("constant", "linear", "inverse_sqrt"),
                choose_by_label="mean squared error of the validation set",
            ),
            "lost": synthetic.task(
                GRIDS, seeds=5, steps=10, path=True, diverged={"rmsprop": range(5)}
            ),
        },
        synthetic.ROOT,
    )
    optimizers = ("rmsprop", "rmsprop with a name", "rmsprop")
    return [
        figure
        for task, optimizer in zip(many.tasks, optimizers, strict=True)
        for figure in _all(many, task, optimizer)
    ]


def test_no_text_is_left_black(every):
    """It would not be seen on a dark page."""
    for figure in every:
        export.png(figure)  # makes the texts of the ticks
        for text in figure.findobj(Text):
            assert not text.get_text() or to_hex(text.get_color()) in style.DARK, text


def test_no_text_meets_another_or_leaves_the_figure(every, monkeypatch):
    drawn, draw = [], Text.draw

    def watched(text, renderer):
        draw(text, renderer)
        if text.get_visible() and text.get_text().strip():
            drawn.append((text, text.get_window_extent(renderer)))

    monkeypatch.setattr(Text, "draw", watched)
    for figure in every:
        drawn.clear()
        FigureCanvasAgg(figure).draw()
        assert drawn
        for index, (text, box) in enumerate(drawn):
            assert box.x0 >= 0, text
            assert box.x1 <= figure.bbox.width, text
            assert box.y0 >= 0, text
            assert box.y1 <= figure.bbox.height, text
            for other, place in drawn[:index]:
                # Of slanted labels the boxes meet where the letters do not.
                if {text.get_rotation(), other.get_rotation()} == {0}:
                    assert not box.padded(-1).overlaps(place.padded(-1)), (text, other)


def test_svg_follows_the_readers_choice_of_light_or_dark(task):
    text = export.svg(plots.heat_map(task, "rmsprop"))
    ElementTree.fromstring(text)
    assert "prefers-color-scheme:dark" in text
    body = text[text.index("</style>") :]
    assert not [colour for colour in style.DARK if colour in body], "all of them are variables"
    used = set(re.findall(r"var\((--c\d+)\)", body))
    assert used, "the colours are used"
    for name in used:
        assert text.count(f"{name}:#") == 2, "once light, once dark"
    assert "http" not in re.sub(
        r'xmlns(:\w+)?="[^"]*"|<metadata>.*?</metadata>', "", text, flags=re.S
    )


def _contrast(one, other):
    """Contrast ratio of two colours as WCAG 2 defines it."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_and_the_two_main_colours_can_be_seen_light_and_dark():
    """WCAG AA: 4.5 for text, 3 for graphics."""
    for ink in (style.INK, style.MUTED):
        assert _contrast(ink, style.PAPER) >= 4.5
        assert _contrast(style.DARK[ink], style.DARK[style.PAPER]) >= 4.5
    for colour in style.COLOURS[:3]:
        assert _contrast(colour, style.PAPER) >= 3
        assert _contrast(style.DARK[colour], style.DARK[style.PAPER]) >= 3


def test_optimizers_differ_in_more_than_colour():
    assert len({str(style.dash(i)) for i in range(5)}) == 5
    assert len({style.colour(i) for i in range(6)}) == 6


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (0.1, "0.1"),
        (0.00316, "0.0032"),
        (1e-4, "0.0001"),
        (20, "20"),
        (1000, "1000"),
        (1e-6, "$10^{-6}$"),
        (2e7, "$2·10^{7}$"),
        (-3e-5, "$-3·10^{-5}$"),
    ],
)
def test_numbers_on_axes_are_plain(number, text):
    assert style.plain(number) == text


def test_no_global_state_is_touched(task):
    settings, figures = dict(mpl.rcParams), pyplot.get_fignums()
    export.svg(plots.learning_rates(task))
    export.png(plots.heat_map(task, "rmsprop"))
    assert dict(mpl.rcParams) == settings
    assert pyplot.get_fignums() == figures


def test_the_expected_best_and_its_quartiles_are_drawn(task):
    axes = _axes(plots.budget(task))[0]
    (line,) = _lines(axes, "AdaGrad")
    scores = np.sort(task["tuning_score"].values[1, :2].mean(axis=-1))
    # Of two trials, one drawn alone is either; both drawn hold the better.
    np.testing.assert_allclose(line.get_ydata(), [scores.mean(), scores[0]])
    assert list(line.get_xdata()) == [1, 2]
    band = axes.collections[1].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(scores[0])
    assert band[:, 1].max() == pytest.approx(scores[1])
    (line,) = _lines(axes, "RMSprop")
    # Two of eight configurations diverged: with three drawn or more, one at least did not; and
    # the rate of 1 came by growing, so there are six.
    assert line.get_xdata().size == 6


def test_what_may_all_have_diverged_has_no_expectation():
    lost = _view(GRIDS, steps=10)
    lost["tuning_score"][1, 0] = np.inf
    axes = _axes(plots.budget(lost))[0]
    (line,) = _lines(axes, "AdaGrad")
    assert np.isnan(line.get_ydata()).tolist() == [True, False]


def test_effective_rates_are_medians_over_seeds_of_quantiles_over_coordinates(task):
    rates = task.copy(deep=True)
    rates["effective_rate"][0, 1:3] = np.nan
    rates["effective_rate"][1, :, 2] = np.nan
    axes = _axes(plots.effective_rates(rates))[0]
    (line,) = _lines(axes, "RMSprop")
    half = QUANTILES.index(0.5)
    expected = np.median(task["effective_rate"].values[0, [0, 3, 4, 5], :, half], axis=0)
    np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-6)
    (line,) = _lines(axes, "AdaGrad")
    assert np.isnan(line.get_ydata()).nonzero()[0].tolist() == [2]
    (guide,) = _lines(axes, "slope")
    steps, values = guide.get_data()
    np.testing.assert_allclose(values[0] / values, np.sqrt(steps / steps[0]))
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    band = axes.collections[0].get_paths()[0].vertices
    low, high = (np.median(task["effective_rate"].values[0, [0, 3, 4, 5], :, i], 0) for i in (1, 3))
    assert band[:, 1].min() == pytest.approx(low.min(), rel=1e-6)
    assert band[:, 1].max() == pytest.approx(high.max(), rel=1e-6)


def test_a_task_without_any_effective_rate_is_drawn(task):
    rates = task.copy(deep=True)
    rates["effective_rate"][:] = np.nan
    assert export.png(plots.effective_rates(rates))


def test_schedules_show_tuned_and_default_with_their_intervals():
    several = synthetic.task(GRIDS, seeds=5, steps=10, schedules=("constant", "linear"))
    several["metric"][1, 1, 0] = np.inf
    several["diverged"][1, 1, 0] = True
    for name in ("online_loss", "final_loss", "last_loss"):
        several[name][1, 1, 0] = np.inf
    made = Comparison.of({"t": several}, synthetic.ROOT)
    axes = _axes(plots.schedules(made, "t"))[0]
    points = [line for line in axes.get_lines() if len(line.get_xdata()) == 1]
    assert len(points) == 8
    rows = [
        row
        for schedule in ("constant", "linear")
        for setting in ("tuned", "default")
        for row in made.summary("t", schedule=schedule, setting=setting)
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
    one = _axes(plots.schedules(made, "t", "linear"))[0]
    assert [text.get_text() for text in one.get_xticklabels()] == ["linear to 0"]


def test_memory_is_state_beside_parameters():
    one, two = (synthetic.task(GRIDS, steps=10) for _ in range(2))
    one["state_bytes"][:] = [2000, 0]
    one["parameter_bytes"][:] = 1000
    axes = _axes(plots.memory(Comparison.of({"one": one, "two": two}, synthetic.ROOT)))[0]
    (bar,) = _lines(axes, "parameters")
    assert list(bar.get_xdata()) == [1000, 1000]
    (state,) = _lines(axes, "RMSprop")
    assert list(state.get_xdata()) == [2000]
    (none,) = _lines(axes, "AdaGrad")
    assert none.get_xdata()[0] == axes.get_xlim()[0], "nothing stands at the edge"
    assert [text.get_text() for text in axes.texts[:4]] == ["2 ×", "0 ×", "1 ×", "1 ×"]


def test_a_smaller_svg_shows_the_same():
    """Places are moved by hundredths of a point, scales and ids that are used are kept."""
    text = (
        '<svg  viewBox="0 0 10 10">\n <!-- no --><g id="a"><path id="b"\n d="M 1.23456 2 \n'
        'L 3 -4.5 z"'
        ' style="fill: none; stroke: #fff"/></g>\n<use xlink:href="#b" '
        'transform="scale(0.015625)"/></svg>'
    )
    assert export._smaller(text) == (
        '<svg viewBox="0 0 10 10"><g><path id="b" d="M1.23 2L3 -4.5z"'
        ' style="fill:none;stroke:#fff"/></g><use href="#b" transform="scale(0.015625)"/></svg>'
    )


def test_the_methods_of_a_comparison_are_the_pictures():
    made = synthetic.comparison()
    for figure in (
        made.plot_losses("digits", "linear"),
        made.plot_learning_rates("digits"),
        made.plot_heat_map("digits", "rmsprop"),
        made.plot_budget("digits"),
        made.plot_effective_rates("digits"),
        made.plot_path("valley", surface=synthetic.surface),
        made.plot_memory(),
        made.plot_differences(),
        made.plot_schedules("digits"),
    ):
        assert isinstance(figure, Figure)
    with pytest.raises(ValueError, match="schedule 'sine' is not here"):
        made.plot_losses("digits", "sine")
