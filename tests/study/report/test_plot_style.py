"""What all pictures have in common: texts, colours, numbers on axes, SVG and PNG."""

import math
import re
import xml.etree.ElementTree as ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from plot_cases import GRIDS

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import plots
from rmsprop.study.report.plots import export, style, tuning


def _pictures(comparison, task, optimizer):
    """Every picture."""
    view = comparison.view(task)
    yield from (plots.loss_curves(view), plots.learning_rates(view), plots.path(view))
    yield from (plots.budget(view), plots.effective_rates(view), comparison.plot_memory())
    yield from (comparison.plot_schedules(task), plots.heat_map(view, optimizer))
    yield comparison.plot_differences()


@pytest.fixture(scope="module")
def pictures():
    """Every picture of several tasks: two optimizers, two schedules, and all that is unusual."""
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
    full = synthetic.full()
    everything = [*_pictures(full, "valley", "rmsprop"), full.plot_profile()]
    return everything + [
        figure
        for task, optimizer in zip(many.tasks, optimizers, strict=True)
        for figure in _pictures(many, task, optimizer)
    ]


def test_the_methods_of_a_comparison_are_the_pictures():
    comparison = synthetic.comparison()
    for figure in (
        comparison.plot_losses("digits", "linear"),
        comparison.plot_learning_rates("digits"),
        comparison.plot_heat_map("digits", "rmsprop"),
        comparison.plot_budget("digits"),
        comparison.plot_effective_rates("digits"),
        comparison.plot_path("valley", surface=synthetic.surface),
        comparison.plot_memory(),
        comparison.plot_differences(),
        comparison.plot_schedules("digits"),
        comparison.plot_profile(),
    ):
        assert isinstance(figure, Figure)
    with pytest.raises(ValueError, match="schedule 'sine' is not here"):
        comparison.plot_losses("digits", "sine")


def test_names_are_drawn_as_they_are():
    """Between two dollar signs matplotlib sees a formula, and a wrong one is an error."""
    formula = r"$\frac{$"
    odd = {formula: GRIDS["adagrad"], f"<b>&amp;{formula} is very long": GRIDS["rmsprop"]}
    task = synthetic.task(odd, steps=10, path=True, label=formula, choose_by_label=formula)
    other = Comparison.of({"t": task}, synthetic.ROOT)
    for figure in _pictures(other, "t", list(odd)[1]):
        assert export.svg(figure).startswith("<svg")


@pytest.fixture(scope="module")
def drawings(pictures):
    """Every picture, drawn, with its visible texts and the boxes around them."""
    drawings, draw = [], Text.draw

    def watched(text, renderer):
        draw(text, renderer)
        if text.get_visible() and text.get_text().strip():
            drawings[-1][1].append((text, text.get_window_extent(renderer)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", watched)
        for figure in pictures:
            drawings.append((figure, []))
            FigureCanvasAgg(figure).draw()
    return drawings


@pytest.mark.slow  # it draws every picture of a study
def test_no_text_is_left_black(drawings):
    """It would not be seen on a dark page."""
    for figure, _ in drawings:
        for text in figure.findobj(Text):
            # The ground of a cell of a heat map is the same on a dark page.
            known = {*style.DARK, tuning.ON_LIGHT, tuning.ON_DARK}
            assert not text.get_text() or to_hex(text.get_color()) in known, text


@pytest.mark.slow  # it draws every picture of a study
def test_no_text_meets_another_or_leaves_the_figure(drawings):
    for figure, drawn in drawings:
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


def test_figures_are_png_of_a_fixed_width(task):
    picture = export.png(plots.loss_curves(task))
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(picture[16:20], "big") == 675


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


def test_a_smaller_svg_shows_the_same():
    """Places are moved by hundredths of a point, scales and ids that are used are kept."""
    text = (
        '<svg  viewBox="0 0 10 10">\n <!-- no --><g id="a"><path id="b"\n d="M 1.23456 2 \n'
        'L 3 -4.5 z"'
        ' style="fill: none; stroke: #fff"/></g>\n<use xlink:href="#b" '
        'transform="scale(0.015625)"/></svg>'
    )
    assert export.compact(text) == (
        '<svg viewBox="0 0 10 10"><g><path id="b" d="M1.23 2L3 -4.5z"'
        ' style="fill:none;stroke:#fff"/></g><use href="#b" transform="scale(0.015625)"/></svg>'
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


@pytest.mark.parametrize("name", ["_mine", "__", "_child0", "_nolegend_", "$a$"])
def test_every_name_is_in_every_legend(name):
    """Matplotlib leaves out labels that begin with an underscore."""
    task = synthetic.task({name: GRIDS["adagrad"], "b": GRIDS["adagrad"]}, steps=10, path=True)
    results = Comparison.of({"t": task}, synthetic.ROOT)
    view = results.view("t")
    for figure in (
        plots.loss_curves(view),
        plots.path(view),
        plots.budget(view),
        plots.effective_rates(view),
        results.plot_memory(),
        results.plot_schedules("t"),
        results.plot_profile(),
    ):
        (legend,) = (axes.get_legend() for axes in figure.axes)
        texts = legend.get_texts()
        assert [text.get_text() for text in texts if text.get_text() in (name, "b")] == [name, "b"]
        assert not any(text.get_parse_math() for text in texts)
    titles = [axes.get_legend().get_title().get_text() for axes in plots.learning_rates(view).axes]
    assert titles == [name, "b"]


def test_numbers_near_the_end_of_double_precision_leave_the_axis():
    axes = Figure().add_subplot()
    low, high = style.fit_vertical_axis(axes, np.array([1e-200, 1e100, 1e300, -1e300, np.inf]))
    assert (math.log10(low), math.log10(high)) == pytest.approx((-224, 124))
