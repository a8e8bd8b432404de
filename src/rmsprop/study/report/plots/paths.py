"""The picture of the paths of two parameters, on the contours of their loss."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from rmsprop.study import spelling
from rmsprop.study.report.plots import style, values
from rmsprop.study.report.surfaces import Surface

CONTOURS = 14


def frame(
    paths: NDArray[np.float64], inches: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The part of the plane that is drawn: all paths with some room, in one scale for both axes.

    A point whose distance from the start is more than ten times one plus the distance of the start
    from zero has diverged. It is left out, for the rest would be too small to see.

    Args:
        paths: The paths from the same start, of shape (optimizers, steps, 2).
        inches: The width and the height of the axes.

    Returns:
        The lower left and the upper right corner.
    """
    start = paths[0, 0]
    points = paths.reshape(-1, 2)
    near = np.linalg.norm(points - start, axis=-1) <= 10 * (1 + np.linalg.norm(start))
    low, high = points[near].min(axis=0), points[near].max(axis=0)
    scale = max(1e-3, float(np.max((high - low) / inches)))  # of parameters per inch
    half = 0.5 * 1.2 * scale * inches
    return (low + high) / 2 - half, (low + high) / 2 + half


def contours(
    axes: Axes, surface: Surface, low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    """Draws contours; the height above the lowest point grows by one factor between neighbours.

    Args:
        axes: The axes of the contours.
        surface: The loss.
        low: The lower left corner of the part that is drawn.
        high: The upper right corner of the part that is drawn.
    """
    x, y = (np.linspace(low[i], high[i], 120) for i in range(2))
    values = np.asarray(surface(np.stack(np.meshgrid(x, y), axis=-1)), dtype=np.float64)
    height = values - np.nanmin(values)
    top = np.nanmax(height)
    levels = top * np.logspace(-4, 0, CONTOURS, endpoint=False)
    axes.contour(x, y, height, levels=levels, colors=style.MUTED, linewidths=0.5, alpha=0.7)


def path(dataset: xr.Dataset, surface: Surface | None = None) -> Figure:
    """The paths of two parameters on the first reporting seed, on the contours of the loss.

    Every optimizer starts at the circle; a square is where it ends. From one contour to the next,
    the height above the lowest point of the picture grows by the same factor.

    Args:
        dataset: A view of the results of a task with two parameters, so with the variable `path`.
        surface: The loss; without it the paths are drawn alone.

    Raises:
        ValueError: The task has no `path`.
    """
    if "path" not in dataset:
        raise ValueError("this task has no variable path; only a task of two parameters has one.")
    paths = dataset["path"].isel(seed=0).values.astype(np.float64)
    entries = len(paths)
    figure, (axes,) = style.panels(3.1 + style.head_height(entries), top=style.head_height(entries))
    low, high = frame(paths, figure.get_size_inches() * axes.get_position().size)
    if surface is not None:
        contours(axes, surface, low, high)
    reach = 10 * (high - low)  # beyond the axes, but not beyond what can be drawn
    for index, optimizer in enumerate(dataset["optimizer"].values):
        line = np.clip(np.nan_to_num(paths[index], nan=np.inf), low - reach, high + reach)
        colour, label = style.colour(index), style.entry(str(optimizer))
        width = max(1.2, 2.4 - 0.7 * index)  # the next, on top, leaves the edges of this one
        name, steps = spelling.name(str(optimizer)), [str(step) for step in range(len(line))]
        places = [f"({spelling.number(x)}, {spelling.number(y)})" for x, y in paths[index]]
        values.note(values.Series(axes, name, line[:, 0], line[:, 1], "step", steps, places))
        axes.plot(*line.T, ls=style.dash(index), color=colour, lw=width, label=label, zorder=3)
        axes.plot(*line[-1], "s", color=colour, markersize=6, mec=style.PAPER, zorder=5)
    axes.plot(*paths[0, 0], "o", color=style.PAPER, mec=style.INK, markersize=7, zorder=4)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_xlabel("first parameter")
    style.title(axes, "second parameter", entries)
    style.legend(axes)
    return figure
