"""How often a path changes sides: the oscillation across a valley."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def side_changes(paths: ArrayLike, across: ArrayLike) -> NDArray[np.float64]:
    """How often paths cross the floor of a valley, for each step.

    Args:
        paths: The points of each path, shape (seeds, steps, 2).
        across: The unit vector across the valley, whose floor goes through the origin.

    Returns:
        For each path the number of times that it comes to the other side, divided by the number of
        steps between two finite points; NaN where there is no such step. A point on the floor is on
        the side that the path came from.

    Example:
        >>> side_changes([[[1.0, 5.0], [-1.0, 4.0], [-0.5, 3.0]]], [1.0, 0.0]).tolist()
        [0.5]
    """
    coordinate = np.asarray(paths, np.float64) @ np.asarray(across, np.float64)
    finite = np.isfinite(coordinate)
    sides = np.sign(np.where(finite, coordinate, 0))
    last = np.maximum.accumulate(np.where(sides != 0, np.arange(sides.shape[1]), 0), axis=1)
    sides = np.take_along_axis(sides, last, axis=1)
    changes = (sides[:, 1:] * sides[:, :-1] < 0).sum(axis=1)
    pairs = (finite[:, 1:] & finite[:, :-1]).sum(axis=1)
    return np.where(pairs > 0, changes / np.maximum(pairs, 1), np.nan)
