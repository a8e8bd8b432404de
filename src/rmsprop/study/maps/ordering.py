"""One number against the map: how well drift times shrinking over noise orders the cells."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rmsprop.study.maps.results import Cell, MapResults

# With fewer cells there is no order to speak of.
LEAST_CELLS = 6


@dataclass(frozen=True)
class Ordering:
    """How the number orders the cells that have one, under one line of schedules.

    Attributes:
        line: "own", or a schedule.
        cells: The cells that have a number, each combination of dials once, by the number.
        correlation: The rank correlation of the number with the ratio (Spearman's).
        frontier: The fitted frontier: the first optimizer is expected to be better where the number
            is above it. NaN where the first is better nowhere or everywhere.
        right: In how many cells that is what the verdict says.
    """

    line: str
    cells: tuple[Cell, ...]
    correlation: float
    frontier: float
    right: int


def ordering_of(results: MapResults, line: str) -> Ordering | None:
    """How the number orders the cells of all planes.

    The frontier is the number that divides the cells in which the first optimizer is better by
    verdict from all others with the fewest errors, halfway on a logarithmic scale between two
    neighbours; of several that divide equally well, the middle one.

    Args:
        results: The results of a map.
        line: "own", or a schedule.

    Returns:
        The order; None where fewer than six cells have a number, or where the ratios or the
        numbers are all alike.
    """
    of_dials = {
        tuple(cell.dials.values()): cell
        for plane in results.planes
        for cell in results.cells(plane, line)
        if math.isfinite(cell.number)
    }
    cells = sorted(of_dials.values(), key=lambda cell: cell.number)
    numbers = np.array([cell.number for cell in cells])
    ratios = np.array([cell.ratio.value for cell in cells])
    if len(cells) < LEAST_CELLS or np.ptp(numbers) == 0 or np.ptp(ratios) == 0:
        return None
    first = np.array([cell.winner == results.optimizers[0] for cell in cells])
    frontier, right = _frontier(numbers, first)
    ranks = stats.rankdata(numbers), stats.rankdata(ratios)
    correlation = float(np.corrcoef(*ranks)[0, 1])  # Spearman's
    return Ordering(line, tuple(cells), correlation, frontier, right)


def _frontier(numbers: NDArray[np.float64], first: NDArray[np.bool_]) -> tuple[float, int]:
    """The number that divides best, and how many cells it divides right.

    Args:
        numbers: Of each cell, ascending.
        first: Whether the first optimizer is better there.
    """
    logs = np.unique(np.log(numbers))
    if first.all() or not first.any():
        return math.nan, len(first)
    between = (logs[1:] + logs[:-1]) / 2
    right = ((np.log(numbers) > between[:, None]) == first).sum(axis=1)
    best = between[right == right.max()]
    return float(np.exp(best[(len(best) - 1) // 2])), int(right.max())
