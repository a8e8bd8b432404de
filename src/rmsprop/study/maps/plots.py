"""The pictures of a map: the planes as heat maps, and the one number against the ratio.

A colour never stands alone: each cell has its ratio and a mark, and the colours go from dark, where
the second optimizer is better, to light, where the first is, so that they are read in grey as well.
Undecided cells have no colour but stripes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rmsprop.study import spelling
from rmsprop.study.maps import sentences
from rmsprop.study.maps.dials import DIALS
from rmsprop.study.maps.ordering import Ordering
from rmsprop.study.maps.results import Cell, MapResults
from rmsprop.study.report.plots import style, values
from rmsprop.study.report.plots.tuning import ON_DARK, ON_LIGHT

# Ratios from a tenth to ten times have colours of their own.
COLOURS = Normalize(-1, 1, clip=True)


def marks(results: MapResults) -> dict[str, str]:
    """The mark of each optimizer in a cell: its first letter; 1 and 2 where both have the same."""
    first, second = (spelling.name(name)[0].upper() for name in results.optimizers)
    letters = ("1", "2") if first == second else (first, second)
    return dict(zip(results.optimizers, letters, strict=True))


def mark_of(cell: Cell, letters: dict[str, str]) -> str:
    """The verdict of a cell: a letter, in brackets where it is slight, `=`, or `?`."""
    if cell.winner:
        letter = letters[cell.winner]
        return letter if cell.verdict == "better" else f"({letter})"
    return "=" if cell.verdict == sentences.EQUAL else "?"


def ratio_words(ratio: float) -> str:
    """A ratio of two digits for a cell: `0.52`, `5.9`, `21`, `1e+05`."""
    if not 0.005 <= ratio < 999.5:
        return f"{ratio:.0e}".replace("e+0", "e").replace("e-0", "e-")
    return f"{ratio:.2f}" if ratio < 1.995 else f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:.0f}"


def plane(results: MapResults, name: str, line: str) -> Figure:
    """A plane as a heat map under one line of schedules.

    Args:
        results: The results of a map.
        name: The name of the plane.
        line: "own", or a schedule.

    Raises:
        ValueError: there is no such plane or line.
    """
    cells, definition = results.cells(name, line), results.definition(name)
    letters = marks(results)
    rows, columns = definition.shape
    figure, (axes,) = style.panels(
        0.45 + style.head_height(2) + 0.36 * rows, top=style.head_height(2), left=0.17
    )
    axes.set_xlim(0, columns)
    axes.set_ylim(0, rows)
    for cell in cells:
        _cell(axes, cell, mark_of(cell, letters), columns)
    axes.grid(False)
    ticks = ((axes.set_xticks, definition.x_values), (axes.set_yticks, definition.y_values))
    for put, numbers in ticks:
        put(np.arange(len(numbers)) + 0.5, [f"{number:g}" for number in numbers])
    axes.tick_params(labelcolor=style.INK)
    axes.set_xlabel(DIALS[definition.x].label)
    style.title(axes, f"upwards: {DIALS[definition.y].label}", 2)
    first, second = results.optimizers
    key = (
        f"{letters[first]} {spelling.short(first)} better, {letters[second]}"
        f" {spelling.short(second)} better, = equal, ? undecided"
    )
    axes.annotate(
        key,
        (0, 1),
        (11.4 - axes.get_position().x0 * style.WIDTH * 72, 8),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=8,
        color=style.MUTED,
        va="center",
        parse_math=False,
    )
    _note(axes, results, cells, definition.y, definition.y_values, definition.x_values)
    return figure


def _cell(axes: Axes, cell: Cell, mark: str, columns: int) -> None:
    """One cell: its colour or stripes, its ratio, and its mark."""
    y, x = cell.place
    decided = cell.verdict != sentences.UNDECIDED
    log = math.log10(cell.ratio.value) if cell.ratio.value > 0 else -math.inf
    red, green, blue, _ = colormaps["cividis"](COLOURS(log))
    light = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > 0.18
    if decided:
        ground = {"facecolor": (red, green, blue), "edgecolor": style.PAPER, "linewidth": 1}
        ink = ON_LIGHT if light else ON_DARK
    else:
        ground = {"facecolor": "none", "edgecolor": style.GRID, "hatch": "////", "linewidth": 0}
        ink = style.INK
    axes.add_patch(Rectangle((x, y), 1, 1, **ground))
    words = {"ha": "center", "va": "center", "color": ink, "clip_on": True}
    size = min(8.5, 50 / columns)
    axes.text(x + 0.5, y + 0.64, ratio_words(cell.ratio.value), fontsize=size, **words)
    axes.text(x + 0.5, y + 0.26, mark, fontsize=size - 1, **words)


def _note(
    axes: Axes,
    results: MapResults,
    cells: Sequence[Cell],
    dial: str,
    rows: Sequence[float],
    columns: Sequence[float],
) -> None:
    """The numbers of the cells, for those who ask for them."""
    for row, value in enumerate(rows):
        there = [cell for cell in cells if cell.place[0] == row]
        series = values.Series(
            axes,
            f"{dial} {value:g}",
            np.arange(len(columns)) + 0.5,
            np.full(len(columns), row + 0.5),
            "",
            [f"{results.definition(cells[0].plane).x} {column:g}" for column in columns],
            [f"{cell.ratio}, {cell_words(cell)}" for cell in there],
        )
        values.note(series)


def cell_words(cell: Cell) -> str:
    """The verdict of a cell in words: `RMSprop better`, `equal`, `undecided`."""
    return f"{spelling.name(cell.winner)} {cell.verdict}" if cell.winner else cell.verdict


def order(results: MapResults, ordering: Ordering) -> Figure:
    """The one number against the ratio, a point for each cell, with the fitted frontier.

    Args:
        results: The results of a map.
        ordering: How the number orders the cells, by `ordering_of`.
    """
    kinds = [*results.optimizers, sentences.EQUAL, sentences.UNDECIDED]
    figure, (axes,) = style.panels(2.4 + style.head_height(4), top=style.head_height(4))
    axes.set_xscale("log")
    axes.set_yscale("log")
    labels = [*(f"{spelling.short(name)} better" for name in kinds[:2]), *kinds[2:]]
    for index, (kind, label) in enumerate(zip(kinds, labels, strict=True)):
        there = [cell for cell in ordering.cells if (cell.winner or cell.verdict) == kind]
        x, y = [cell.number for cell in there], [cell.ratio.value for cell in there]
        colour = style.MUTED if index >= 2 else style.colour(index)
        face = "none" if index >= 2 else colour
        marker = style.MARKERS[index]
        axes.plot(x, y, marker, ms=4.5, label=label, color=colour, mfc=face)
        if there:
            where = [f"x {cell.number:.3g}" for cell in there]
            words = [str(cell.ratio) for cell in there]
            values.note(values.Series(axes, label, x, y, "", where, words))
    axes.axhline(1, color=style.MUTED, lw=0.8)
    if math.isfinite(ordering.frontier):
        axes.axvline(ordering.frontier, color=style.INK, lw=1, ls=style.dash(1))
    ratios = [cell.ratio.value for cell in ordering.cells]
    style.logarithmic_ticks(axes.xaxis, ordering.cells[0].number, ordering.cells[-1].number)
    style.logarithmic_ticks(axes.yaxis, min(ratios), max(ratios))
    axes.set_xlabel("x = drift per step x shrinking / noise; dashed: the frontier")
    style.title(axes, f"{sentences.measured(results)}, {spelling.schedule(ordering.line)}", 4)
    style.legend(axes)
    return figure
