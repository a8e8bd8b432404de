"""The values that a picture shows, for readers who point at it or go along its points by keys.

A function that draws says which points a reader can ask for (`note`). A page reads them once the
picture is drawn (`of`): each with its place as a thousandth of the picture's width and height, and
with its numbers as words, so that a browser has nothing to compute and nothing to format.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from rmsprop.study import spelling

# The largest number of points of a series: more could not be told apart by a finger.
POINTS = 100


@dataclass(frozen=True, eq=False)
class Series:
    """The points of a picture that belong together, such as those of a line.

    The words of a point are read as `NAME, KEY WHERE: VALUE, BAND LOW to HIGH`.

    Attributes:
        axes: The axes that the points are drawn on.
        name: What the points are of, such as an optimizer.
        x: The horizontal place of each point, in units of the axes.
        y: The vertical place of each point. What is infinite lies at the edge of the axes; a point
            without a number is left out.
        key: What `where` counts, such as "step"; empty where `where` says it.
        where: The horizontal place of each point in words.
        values: The value of each point in words.
        band: What reaches from `low` to `high`; empty where there is no band.
        low: The lower end of the band at each point, in words.
        high: The upper end of the band at each point, in words.
    """

    axes: Axes
    name: str
    x: ArrayLike
    y: ArrayLike
    key: str
    where: Sequence[str]
    values: Sequence[str]
    band: str = ""
    low: Sequence[str] = ()
    high: Sequence[str] = ()


class ReadableFigure(Figure):
    """A figure that knows the values of its points.

    Attributes:
        series: The points that a reader can ask for.
    """

    def __init__(self, figsize: tuple[float, float]) -> None:
        """Makes an empty figure.

        Args:
            figsize: The width and the height, in inches.
        """
        super().__init__(figsize=figsize)
        self.series: list[Series] = []


def note(series: Series) -> None:
    """Says that a reader can ask for the points of a series."""
    figure = series.axes.get_figure()
    assert isinstance(figure, ReadableFigure), "`style.panels` makes the figures of the study"
    figure.series.append(series)


def words(numbers: ArrayLike) -> list[str]:
    """Numbers as `rmsprop.study.spelling.number` writes them, of three significant digits."""
    return [spelling.number(x) for x in np.asarray(numbers, dtype=np.float64).tolist()]


def of(figure: Figure) -> str:
    """The points that a reader of a drawn figure can ask for, as JSON; empty where there are none.

    It is a list with a list for each series: name, key, left, top, where, values, band, low, high.
    The last three are missing where there is no band. A part with a word for each point is the
    words with a space between them, or a list of them where a word has a space inside, or 0 where
    it is that of the series before.

    Args:
        figure: The figure, with its final limits.
    """
    parts: list[list[object]] = []
    earlier: list[object] = []
    for series in figure.series if isinstance(figure, ReadableFigure) else ():
        part = _part(figure, series)
        if not part:
            continue
        parts.append(
            [
                0 if place > 1 and earlier[place : place + 1] == [item] else item
                for place, item in enumerate(part)
            ]
        )
        earlier = part
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":")) if parts else ""


def _part(figure: Figure, series: Series) -> list[object]:
    """One series as a list of names and words; empty for a series without a point."""
    x, y = (np.asarray(each, dtype=np.float64) for each in (series.x, series.y))
    indices = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
    if indices.size == 0:
        return []
    if indices.size > POINTS:
        indices = indices[np.unique(np.linspace(0, indices.size - 1, POINTS).round().astype(int))]

    def of_points(words: Sequence[str]) -> str | list[str]:
        """The words of the points that are written."""
        return _joined([words[index] for index in indices.tolist()])

    places = [_joined(each) for each in _places(figure, series.axes, x[indices], y[indices])]
    part = [series.name, series.key, *places, of_points(series.where), of_points(series.values)]
    band = [series.band, of_points(series.low), of_points(series.high)] if series.band else []
    return [*part, *band]


def _places(
    figure: Figure, axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[list[str], list[str]]:
    """The places of points from the left and from the top, in thousandths of the figure."""
    inside = [
        np.clip(each, min(limits), max(limits))
        for each, limits in ((x, axes.get_xlim()), (y, axes.get_ylim()))
    ]
    pixels = axes.transData.transform(np.stack(inside, axis=-1))
    across, up = (1000 * pixels / figure.bbox.size).T
    return [f"{at:.0f}" for at in across], [f"{1000 - at:.0f}" for at in up]


def _joined(each: Sequence[str]) -> str | list[str]:
    """Words with a space between them, or as they are where one has a space inside."""
    return [*each] if any(" " in one or not one for one in each) else " ".join(each)
