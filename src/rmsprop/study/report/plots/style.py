"""The look of the study's figures: sizes, colours, styles, axes and their texts.

Conventions:

* Figures are drawn without pyplot and without touching matplotlib's settings, so that they can be
  displayed in a notebook as they are; `export` sets the salt of ids while it writes an SVG.
* The colours are those of Okabe and Ito, which the colour-blind can tell apart; a colour never
  carries a meaning alone, a line style or a marker goes with it.
* Figures are 4.5 inches wide with text of 8.5 points: on a phone that is the size of small print.
* An SVG brings the colours of a dark page (`DARK`) with it, for readers who prefer one.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from rmsprop.study import spelling
from rmsprop.study.report.plots.values import ReadableFigure

WIDTH = 4.5
INK, MUTED, GRID, PAPER = "#1f2328", "#59636e", "#d1d9e0", "#ffffff"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
Dash = str | tuple[float, tuple[float, ...]]
"""A line style of matplotlib: its name, or an offset and lengths of dashes and gaps in points."""

DASHES: tuple[Dash, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.5, 1.2)),
    (0, (6, 1.5, 1.5, 1.5)),
    (0, (3, 1)),
)
# Values from here on lie beyond every axis: runs in double precision end so before they overflow.
FARTHEST = 1e150
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DARK = {
    INK: "#e6edf3",
    MUTED: "#9aa4af",
    GRID: "#3a424c",
    PAPER: "#161b22",
    "#0072b2": "#4ea8de",
    "#d55e00": "#f28e4b",
    "#009e73": "#2fbf95",
    "#cc79a7": "#dc9cc0",
    "#e69f00": "#e9b44c",
    "#56b4e9": "#8fd0f5",
}


def colour(index: int) -> str:
    """The colour of the optimizer with this place among the optimizers."""
    return COLOURS[index % len(COLOURS)]


def dash(index: int) -> Dash:
    """The line style of the optimizer with this place among the optimizers."""
    return DASHES[index % len(DASHES)]


def panels(
    height: float,
    rows: int = 1,
    *,
    left: float = 0.14,
    right: float = 0.965,
    top: float = 0.32,
    bottom: float = 0.45,
    hspace: float = 0.25,
) -> tuple[ReadableFigure, list[Axes]]:
    """A figure with axes above each other.

    The margins are fixed, for a layout engine would double the time that a figure takes.

    Args:
        height: The height of the figure, in inches.
        rows: The number of axes.
        left: The left end of the axes, as a share of the width.
        right: The right end of the axes, as a share of the width.
        top: The margin above, in inches; `head_height` is that of a title and a legend.
        bottom: The margin below, in inches.
        hspace: The space between axes, as a share of their height.

    Returns:
        The figure, and its axes from above.
    """
    figure = ReadableFigure((WIDTH, height))
    grid = figure.add_gridspec(
        nrows=rows,
        ncols=1,
        left=left,
        right=right,
        bottom=bottom / height,
        top=1 - top / height,
        hspace=hspace,
    )
    column = [figure.add_subplot(grid[row]) for row in range(rows)]
    for axes in column:
        soften(axes)
        axes.set_facecolor("none")
        axes.grid(True, color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.label.set(fontsize=9, color=INK)
    return figure, column


def head_height(entries: int) -> float:
    """The height in inches of a title and a legend of so many entries, two in a row."""
    return 0.32 + 0.18 * math.ceil(entries / 2)


def point(
    axes: Axes,
    x: float,
    y: float,
    marker: str,
    colour: str,
    *,
    size: float = 6.0,
    face: str | None = None,
    edge: str | None = None,
    label: str | None = None,
    zorder: float = 2.0,
) -> None:
    """Draws one marker, also where it reaches beyond the axes.

    Args:
        axes: The axes to draw on.
        x: The horizontal place.
        y: The vertical place.
        marker: The form, as matplotlib names it.
        colour: The colour.
        size: The size in points.
        face: The colour inside; None for `colour`.
        edge: The colour of the edge; None for `colour`.
        label: The entry of the legend; None for no entry.
        zorder: The layer: what has a higher one lies above.
    """
    axes.plot(
        x,
        y,
        marker,
        color=colour,
        markersize=size,
        mfc=face or colour,
        mec=edge or colour,
        label=label,
        zorder=zorder,
        clip_on=False,
    )


def soften(axes: Axes) -> None:
    """Makes ticks and spines pale and short, so that they stand back behind the data."""
    axes.tick_params(which="both", labelsize=8.5, labelcolor=MUTED, color=GRID, length=2.5)
    for spine in axes.spines.values():
        spine.set_color(GRID)


def title(axes: Axes, text: str, entries: int = 0) -> None:
    """Writes the label of the vertical axis above it: it takes no width, and reads straight.

    Args:
        axes: The uppermost axes of a figure.
        text: The name and the unit of what is drawn.
        entries: The number of entries of a legend that stands between.
    """
    left = axes.get_position().x0 * WIDTH * 72
    axes.annotate(
        text,
        (0, 1),
        (11.4 - left, 72 * head_height(entries) - 13),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=9,
        color=INK,
        va="center",
        parse_math=False,
    )


def logarithmic_ticks(axis: Axis, low: float, high: float) -> None:
    """Labels a logarithmic axis with plain numbers, between powers of ten too if there is room.

    Args:
        axis: The axis, its scale already logarithmic.
        low: The lower end of the axis, positive.
        high: The upper end of the axis.
    """
    decades = math.log10(high) - math.log10(low)
    subs = (1, 1.5, 2, 3, 4, 5, 7) if decades < 0.7 else (1, 2, 5) if decades < 2.5 else (1,)
    axis.set_major_locator(LogLocator(subs=subs, numticks=8))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    axis.set_minor_locator(NullLocator())


def plain(number: float) -> str:
    """A number for an axis: `0.002`, and `10` to a power where there would be many zeros."""
    if number == 0 or 1e-4 <= abs(number) < 1e5:
        return f"{number:.2g}" if abs(number) < 100 else f"{number:.0f}"
    exponent = math.floor(math.log10(abs(number)) + 1e-9)
    factor = f"{number / 10**exponent:.2g}"
    return f"$10^{{{exponent}}}$" if factor == "1" else f"${factor}·10^{{{exponent}}}$"


def entry(optimizer: str) -> str:
    """The label of what is drawn of an optimizer: its name, as `legend` shows it.

    A space before it keeps matplotlib from leaving out names that begin with an underscore.
    """
    name = spelling.short(optimizer)
    return f" {name}" if name.startswith("_") else name


def legend(axes: Axes, title: str | None = None) -> None:
    """Draws the legend: above the axes in rows of two, or beside them in a column with a title."""
    draw = functools.partial(
        axes.legend,
        fontsize=8.5,
        labelcolor=INK,
        frameon=False,
        handlelength=2.4,
        columnspacing=1.0,
    )
    if title is None:
        frame = draw(loc="lower left", bbox_to_anchor=(-0.02, 0.98), ncols=2)
    else:
        frame = draw(
            loc="upper left",
            bbox_to_anchor=(1.0, 1.04),
            title=title,
            title_fontsize=9,
            alignment="left",
        )
    frame.get_title().set_color(INK)
    for text in (frame.get_title(), *frame.get_texts()):
        text.set_text(text.get_text().removeprefix(" "))  # that of `entry`
        text.set_parse_math(False)  # a dollar sign in a name is no formula


def ratio_scale(values: NDArray[np.float64], better: str) -> bool:
    """Whether ratios say more of these finite values than differences do.

    They do of losses and errors that span a factor of four; an accuracy stays on a plain scale.
    """
    return better == "lower" and bool(values.min() > 0 and values.max() > 4 * values.min())


def fit_vertical_axis(
    axes: Axes, values: NDArray[np.float64], better: str = "lower"
) -> tuple[float, float]:
    """Sets the scale and the limits of the vertical axis for the finite values, with some room.

    Args:
        axes: The axes to set.
        values: The values that are drawn; without a finite one the axis stays as it is.
        better: Which values are better, "lower" or "higher"; see `ratio_scale`.

    Returns:
        The lower and the upper limit.
    """
    finite = values[np.abs(values) < FARTHEST]
    if finite.size == 0:
        return axes.get_ylim()
    low, high = float(finite.min()), float(finite.max())
    if ratio_scale(finite, better):
        axes.set_yscale("log")
        room = 10 ** (0.08 * (math.log10(high) - math.log10(low)))
        axes.set_ylim(low / room, high * room)
        logarithmic_ticks(axes.yaxis, low, high)
    else:
        room = 0.08 * (high - low) or 0.1 * abs(high) or 0.1
        axes.set_ylim(low - room, high + room)
    return axes.get_ylim()
