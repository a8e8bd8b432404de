"""The loss of two parameters as a surface, below the paths that optimizers take on it."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmsprop.study.problems import Problem

Surface = Callable[[NDArray[np.float64]], ArrayLike]
"""A loss of two parameters: takes points of shape (..., 2), returns values of shape (...)."""


def surface_of(problem: Problem) -> Surface:
    """The loss of a problem whose parameters are an array of shape (2,), on its first batch.

    Args:
        problem: The problem whose loss is drawn; `is_plane` says whether its parameters fit.

    Returns:
        The loss as a function of points in the plane.
    """
    batch = problem.sample(jax.random.key(0), jnp.asarray(0))
    losses = jax.vmap(problem.loss, in_axes=(0, None))

    def surface(points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The loss on one batch at points of shape (..., 2)."""
        flat = jnp.asarray(points.reshape(-1, 2), dtype=jnp.float32)
        return np.asarray(losses(flat, batch), dtype=np.float64).reshape(points.shape[:-1])

    return surface


def is_plane(problem: Problem) -> bool:
    """Whether the parameters of a problem are an array of shape (2,), so that they have a map."""
    if problem.path is None:
        return False
    params = jax.eval_shape(problem.init, jax.random.key(0))
    return getattr(params, "shape", None) == (2,)
