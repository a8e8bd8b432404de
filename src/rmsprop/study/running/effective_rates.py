"""Effective learning rates: how far a coordinate moves for a unit of its gradient.

For RMSprop and AdaGrad that is `learning_rate / sqrt(accumulator)`, what the background says
shrinks for the one and settles for the other. It is measured as |update| / |gradient|, which
needs no state of a known kind and so is the same for every optimizer of Optax; with momentum or
weight decay it is what the step of the moment comes to. It is seen on some coordinates of the
parameters, the same for every run, and in some steps, evenly spaced on a logarithmic scale; a
coordinate without a gradient in a step has none there.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import Array

from rmsprop.study.problems import Params, Tree
from rmsprop.study.results.schema import QUANTILES

COORDINATES = 64  # watched at most
STEPS = 160  # watched at most
BINS = 20  # at most


def watched_steps(steps: int) -> npt.NDArray[np.int64]:
    """The steps that are watched, from 1: the first, the last, and between them in even ratios.

    Args:
        steps: The steps of a run.
    """
    return np.unique(np.geomspace(1, steps, STEPS).round().astype(np.int64))


def bins(steps: int) -> npt.NDArray[np.int64]:
    """The last step of each bin over which effective rates are summed up."""
    return np.unique(np.geomspace(1, steps, BINS).round().astype(np.int64))


def watched_coordinates(params: Params) -> npt.NDArray[np.int64]:
    """The places watched, counted over all leaves of the parameters: a fixed random choice.

    Args:
        params: A tree of arrays, or of their shapes.
    """
    count = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))
    return np.sort(np.random.default_rng(0).permutation(count)[:COORDINATES])


def at(tree: Tree, places: npt.NDArray[np.int64]) -> Array:
    """The watched coordinates of a tree, float32 of shape (coordinates,).

    The places are known when this is traced, so that each leaf is read at its own few alone.
    """
    parts, first = [], 0
    for leaf in jax.tree.leaves(tree):
        inside = places[(places >= first) & (places < first + leaf.size)] - first
        if inside.size:
            parts.append(jnp.abs(leaf.reshape(-1)[inside]).astype(jnp.float32))
        first += leaf.size
    return jnp.concatenate(parts)


def ratio(updates: Tree, gradients: Tree, places: npt.NDArray[np.int64]) -> Array:
    """|update| / |gradient| at the watched coordinates, NaN where the gradient is zero."""
    gradient = at(gradients, places)
    nonzero = gradient > 0
    return jnp.where(nonzero, at(updates, places) / jnp.where(nonzero, gradient, 1), jnp.nan)


def quantiles(rates: npt.NDArray[np.float32], steps: int) -> npt.NDArray[np.float32]:
    """Quantiles over the coordinates and steps of each bin.

    Args:
        rates: Ratios of shape (runs, watched steps, coordinates), NaN where there was no gradient.
        steps: The steps of a run.

    Returns:
        An array of shape (runs, bins, quantiles), NaN where a bin holds no rate that is finite.
    """
    at_bin = np.searchsorted(bins(steps), watched_steps(steps))
    table = np.full((len(rates), len(bins(steps)), len(QUANTILES)), np.nan, np.float32)
    for run, bin_ in np.ndindex(table.shape[:2]):
        values = rates[run, at_bin == bin_]
        values = values[np.isfinite(values)]
        if values.size:
            table[run, bin_] = np.quantile(values, QUANTILES)
    return table
