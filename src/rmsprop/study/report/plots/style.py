"""The look of the study's figures: sizes, colours and styles; figures as PNG and as SVG.

Conventions:

* Figures are made without pyplot and without touching matplotlib's settings, but for the salt of
  ids while an SVG is written, so that they can be shown in a notebook as they are.
* The colours are those of Okabe and Ito, which the colour-blind can tell apart; a colour never
  carries a meaning alone, a line style or a marker goes with it.
* Figures are 4.5 inches wide with text of 8.5 points: on a phone that is the size of small print.
* An SVG brings the colours of a dark page with it, and shows them where the reader prefers one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

WIDTH = 4.5
INK, MUTED, GRID, PAPER = "#1f2328", "#59636e", "#d1d9e0", "#ffffff"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.5, 1.2)),
    (0, (6, 1.5, 1.5, 1.5)),
    (0, (3, 1)),
)
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
    """Colour of the optimizer with this place among the optimizers."""
    return COLOURS[index % len(COLOURS)]


def dash(index: int) -> Any:
    """Line style of the optimizer with this place among the optimizers."""
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
) -> tuple[Figure, list[Axes]]:
    """A figure with axes above each other.

    The margins are fixed, for a layout engine would double the time that a figure takes.

    Args:
        height: of the figure, in inches.
        rows: number of axes.
        left: where they begin, as a share of the width.
        right: where they end, as a share of the width.
        top: margin above, in inches; see `head_height` for one with a legend.
        bottom: margin below, in inches.
        hspace: space between them, as a share of their height.
    """
    figure = Figure(figsize=(WIDTH, height))
    grid = figure.add_gridspec(
        nrows=rows,
        ncols=1,
        left=left,
        right=right,
        bottom=bottom / height,
        top=1 - top / height,
        hspace=hspace,
    )
    made = [figure.add_subplot(grid[row]) for row in range(rows)]
    for axes in made:
        quiet(axes)
        axes.set_facecolor("none")
        axes.grid(True, color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.xaxis.label.set(fontsize=9, color=INK)
    return figure, made


def head_height(entries: int) -> float:
    """Height in inches of a title and a legend of so many entries, two in a row."""
    return 0.32 + 0.18 * math.ceil(entries / 2)


def quiet(axes: Axes) -> None:
    """Ticks and spines that stand back behind the data."""
    axes.tick_params(which="both", labelsize=8.5, labelcolor=MUTED, color=GRID, length=2.5)
    for spine in axes.spines.values():
        spine.set_color(GRID)


def title(axes: Axes, text: str, entries: int = 0) -> None:
    """The label of the vertical axis, written above it: it takes no width, and reads straight.

    Args:
        axes: the uppermost.
        text: name and unit.
        entries: number of entries of a legend that stands between.
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


def logarithmic(axis: Axis, low: float, high: float) -> None:
    """Ticks of a logarithmic axis as plain numbers, between powers of ten too if there is room.

    Args:
        axis: the axis, its scale already logarithmic.
        low: its lower end, positive.
        high: its upper end.
    """
    decades = math.log10(high / low)
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


def legend(axes: Axes, **place: Any) -> None:
    """The legend, above the axes in rows of two unless said otherwise."""
    where = {"loc": "lower left", "bbox_to_anchor": (-0.02, 0.98), "ncols": 2} | place
    made = axes.legend(
        fontsize=8.5, labelcolor=INK, frameon=False, handlelength=2.4, columnspacing=1.0, **where
    )
    made.get_title().set_color(INK)
    for text in (made.get_title(), *made.get_texts()):
        text.set_parse_math(False)  # a dollar sign in a name is no formula


def ratio_scale(values: NDArray[np.float64], better: str) -> bool:
    """Whether ratios say more of these finite values than differences do.

    They do of losses and errors that span a factor of four; an accuracy stays on a plain scale.
    """
    return better == "lower" and bool(values.min() > 0 and values.max() > 4 * values.min())


def vertical(axes: Axes, values: NDArray[np.float64], better: str = "lower") -> tuple[float, float]:
    """Set scale and limits of the vertical axis for what is finite, with some room; return them."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return axes.get_ylim()
    low, high = float(finite.min()), float(finite.max())
    if ratio_scale(finite, better):
        axes.set_yscale("log")
        room = (high / low) ** 0.08
        axes.set_ylim(low / room, high * room)
        logarithmic(axes.yaxis, low, high)
    else:
        room = 0.08 * (high - low) or 0.1 * abs(high) or 0.1
        axes.set_ylim(low - room, high + room)
    return axes.get_ylim()
