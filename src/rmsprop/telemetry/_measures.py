"""What is measured on a sample: the formulas, once, for all leaves at the same time.

Samples are matrices with a row for each leaf, filled up with `NOTHING`.  A coordinate of a leaf
with `N` elements of which `n` are looked at stands for `N / n` of them, also in what is said of all
leaves:

    effective learning rate     |u| / |g|       quantiles, where the gradient is not zero
    update to weight            sqrt(sum u^2 / sum p^2)
    gradient norm               sqrt(sum N / n * g^2)
    zero gradients              the share of the coordinates with g = 0
    eps dominates               the share of the coordinates whose second moment is below eps
"""

from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Matrix: TypeAlias = jax.Array | np.ndarray

QUANTILES = (5, 50, 95)
RATES = tuple(f"effective_learning_rate_{percent}" for percent in QUANTILES)
NAMES = (*RATES, "update_to_weight", "gradient_norm", "zero_gradients", "eps_dominates")
OVERALL = "all"
# In the place of a magnitude, where a leaf has no gradient, no second moment, or no more places.
NOTHING = -1.0


class Samples(NamedTuple):
    """What was looked at of each leaf, matrices of shape (leaves, places).

    Attributes:
        gradient: The magnitudes of the gradients; `NOTHING` where there is none.
        parameter: The magnitudes of the parameters before the step.
        update: The magnitudes of the updates.
        squares: The second moments after the step, or `NOTHING`.
    """

    gradient: Matrix
    parameter: Matrix
    update: Matrix
    squares: Matrix


@jax.jit
def measures(samples: Samples, sizes: Matrix, eps: Matrix) -> jax.Array:
    """All measures, of shape (leaves + 1, measures); the last row is that of all leaves.

    Args:
        samples: What was looked at.
        sizes: The number of elements of each leaf, shape (leaves,).
        eps: The second moment of each leaf below which eps is the larger one, or `NOTHING`.
    """
    seen = ~(samples.gradient < 0)  # a gradient that is NaN is one
    places = jnp.sum(seen, axis=1)
    dtype = samples.gradient.dtype
    each = sizes.astype(dtype) / jnp.maximum(places, 1).astype(dtype)
    weights = jnp.where(seen, each[:, None], jnp.zeros_like(samples.gradient))
    below = jnp.where(
        (samples.squares < 0) | (eps < 0)[:, None],
        jnp.full_like(weights, jnp.nan),
        (samples.squares < eps[:, None].astype(weights.dtype)).astype(weights.dtype),
    )
    rows = jax.vmap(_measures)(samples, weights, below)
    flat = jax.tree.map(lambda x: x.reshape(-1), (samples, weights, below))
    return jnp.concatenate([rows, _measures(*flat)[None]])


def _measures(samples: Samples, weights: jax.Array, below: jax.Array) -> jax.Array:
    gradient, parameter, update = samples[:3]
    moving = (weights > 0) & (gradient > 0)
    rate = jnp.where(moving, update / jnp.where(moving, gradient, jnp.ones_like(gradient)), jnp.nan)
    return jnp.stack(
        [
            *_quantiles(rate, weights),
            _norm(update, weights) / _norm(parameter, weights),
            jnp.where(jnp.any(weights > 0), _norm(gradient, weights), jnp.nan),
            _share(
                jnp.where(weights > 0, (gradient == 0).astype(gradient.dtype), jnp.nan), weights
            ),
            _share(below, weights),
        ]
    )


def _sum(values: Matrix, weights: jax.Array) -> jax.Array:
    """The weighted sum; what is not finite shows, except where nothing is looked at."""
    return jnp.sum(jnp.where(weights > 0, values, jnp.zeros_like(values)) * weights)


def _norm(magnitudes: Matrix, weights: jax.Array) -> jax.Array:
    """The root of the weighted sum of squares, of which none leaves the range of the dtype."""
    largest = jnp.max(magnitudes, initial=0, where=weights > 0)
    unit = jnp.where((largest > 0) & jnp.isfinite(largest), largest, jnp.ones_like(largest))
    ratios = magnitudes / unit
    return unit * jnp.sqrt(_sum(ratios * ratios, weights))


def _share(values: jax.Array, weights: jax.Array) -> jax.Array:
    """The weighted mean of the values that are known; NaN where none is."""
    known = jnp.where(jnp.isnan(values), jnp.zeros_like(weights), weights)
    return _sum(values, known) / jnp.sum(known)


def _quantiles(values: jax.Array, weights: jax.Array) -> list[jax.Array]:
    """The smallest value that so large a share of the weight does not exceed; NaN is left out."""
    weights = jnp.where(jnp.isnan(values), jnp.zeros_like(weights), weights)
    values, weights = lax.sort([values, weights], num_keys=1)  # NaN comes last
    total = jnp.cumsum(weights)
    known = total[-1] > 0
    found = []
    for percent in QUANTILES:
        # Half of the smallest weight is more than the sum is rounded by.
        index = jnp.sum(total < total[-1] * (percent / 100) * (1 - 1e-6))
        value = values[jnp.minimum(index, len(values) - 1)]
        found.append(jnp.where(known, value, jnp.nan))
    return found
