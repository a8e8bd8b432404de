"""The loss of two parameters as a landscape, for the paths that optimizers take in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from rmsprop.study import style

Surface = Callable[[NDArray[np.float64]], ArrayLike]
"""A loss of two parameters: points of shape (..., 2) -> values of shape (...)."""

CONTOURS = 14


def surface_of(problem: Any) -> Surface:
    """The loss of a problem whose parameters are an array of shape (2,), on its first batch.

    Args:
        problem: has `sample(key, step)` and `loss(parameters, batch)`, as the study's problems.
    """
    batch = problem.sample(jax.random.key(0), jnp.asarray(0))
    losses = jax.vmap(problem.loss, in_axes=(0, None))

    def surface(points: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = jnp.asarray(points.reshape(-1, 2), dtype=jnp.float32)
        return np.asarray(losses(flat, batch), dtype=np.float64).reshape(points.shape[:-1])

    return surface


def is_plane(problem: Any) -> bool:
    """Whether the parameters of a problem are an array of shape (2,), so that they have a map."""
    if problem.path is None:
        return False
    params = jax.eval_shape(problem.init, jax.random.key(0))
    return getattr(params, "shape", None) == (2,)


def frame(
    paths: NDArray[np.float64], inches: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners of what is shown of paths: all with some room, in one scale for both parameters.

    What went further from the start than ten times its distance from zero has diverged, and would
    leave the rest too small to see.

    Args:
        paths: of shape (optimizers, steps, 2), from the same start.
        inches: width and height of the axes.

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


def draw(axes: Axes, surface: Surface, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
    """Draw contours; from one to the next the height above the lowest point grows alike.

    Args:
        axes: what to draw on.
        surface: the loss.
        low: lower left corner of what is shown.
        high: upper right corner.
    """
    x, y = (np.linspace(low[i], high[i], 120) for i in range(2))
    values = np.asarray(surface(np.stack(np.meshgrid(x, y), axis=-1)), dtype=np.float64)
    height = values - np.nanmin(values)
    top = np.nanmax(height)
    levels = top * np.logspace(-4, 0, CONTOURS, endpoint=False)
    axes.contour(x, y, height, levels=levels, colors=style.MUTED, linewidths=0.5, alpha=0.7)
