"""Adds updates to parameters, in half precision with stochastic rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.typing import ArrayLike

from rmsprop._precision import is_narrow, widen
from rmsprop._rounding import Noise, noise_of_leaves, seed_of_key, stochastic_round
from rmsprop._trees import is_no_gradient, leaf_path, tree_mismatch
from rmsprop._typing import Tree

Params = TypeVar("Params")


def apply_updates(params: Params, updates: Tree, *, key: jax.Array | None = None) -> Params:
    r"""Adds updates to parameters as `optax.apply_updates`, or with stochastic rounding.

    bfloat16 has eight significant bits: an update of 0.003 does not move a parameter of 1, because
    the sum rounds back to 1. With a key, parameters in half precision are rounded stochastically:
    the sum is computed in float32 and becomes one of its two neighbours, the nearer one more often,
    so that its expected value is right. Such rounding replaces a float32 master copy of the
    parameters. A sum that is finite in float32 stays finite: beyond the largest float16 it becomes
    the largest float16.

    Args:
        params: The parameters.
        updates: The updates, a tree of the same structure. A parameter whose update is None or of
            JAX's dtype `float0` stays as it is.
        key: A key of `jax.random`, a new one at each step (`jax.random.fold_in(key, step)`); None
            rounds to nearest, as Optax does.

    Returns:
        The new parameters, each in the dtype that it had, in a tree of the same type.

    Differs from `optax.apply_updates` without a key: a parameter without an update stays as it is,
    where Optax refuses None and `float0`.

    Raises:
        TypeError: `key` is not a key of `jax.random`; or, with a key, an update is not an array, or
            is complex while its parameter is real.
        ValueError: With a key, the updates have another structure or other shapes than the
            parameters.

    Example:
        >>> import jax, jax.numpy as jnp, rmsprop
        >>> params, updates = jnp.ones(10_000, jnp.bfloat16), jnp.full(10_000, 0.001)
        >>> print(rmsprop.apply_updates(params, updates).astype(jnp.float32).mean())
        1.0
        >>> after = rmsprop.apply_updates(params, updates, key=jax.random.key(0))
        >>> print(f"{after.astype(jnp.float32).mean():.3f}")
        1.001

    References:
        Gupta, Agrawal, Gopalakrishnan and Narayanan, "Deep learning with limited numerical
        precision", 2015. https://arxiv.org/abs/1502.02551
    """
    if key is None:
        return jax.tree.map(_add_to_nearest, params, updates, is_leaf=_is_none)
    seed = seed_of_key(_checked_key(key))
    leaves, treedef = jax.tree.flatten(params, is_leaf=_is_none)
    try:
        changes = treedef.flatten_up_to(updates)
    except (ValueError, TypeError, KeyError):
        names, remedy = ("updates", "parameters"), "Pass the updates made for these parameters."
        raise ValueError(tree_mismatch(updates, params, names, remedy)) from None
    sums = []
    for index, (p, u, noise) in enumerate(
        zip(leaves, changes, noise_of_leaves(params, seed), strict=True)
    ):
        if p is None or is_no_gradient(u):
            sums.append(p)
            continue
        _check_pair(p, u, lambda i=index: leaf_path(params, i))
        if is_narrow(jnp.result_type(p)):
            sums.append(_add(p, u, noise))
        else:
            sums.append(_add_to_nearest(p, u))
    return treedef.unflatten(sums)


def _checked_key(key: jax.Array) -> jax.Array:
    dtype = getattr(key, "dtype", None)
    is_typed = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key) and key.ndim == 0
    if not (is_typed or (dtype == jnp.uint32 and np.ndim(key) == 1)):
        raise TypeError(
            f"key is {key!r}; it must be one key of JAX's random generators, new at each step."
            f" Pass jax.random.fold_in(jax.random.key(seed), step)."
        )
    return key


def _check_pair(parameter: jax.Array, update: ArrayLike, where: Callable[[], str]) -> None:
    try:
        dtype, shape = jnp.result_type(update), np.shape(update)
    except (TypeError, ValueError):
        raise TypeError(
            f"the update of parameter{where()} is a {type(update).__name__}, not an array. Pass the"
            f" updates made for these parameters."
        ) from None
    if shape != np.shape(parameter):
        raise ValueError(
            f"parameter{where()} has shape {np.shape(parameter)}, and its update has shape"
            f" {shape}. Pass the updates made for these parameters."
        )
    kind = jnp.result_type(parameter)
    if jnp.issubdtype(dtype, jnp.complexfloating) and not jnp.issubdtype(kind, jnp.complexfloating):
        raise TypeError(
            f"parameter{where()} is {kind}, and its update is {dtype}. Pass the real part, or keep"
            f" the parameter complex."
        )


def _add_to_nearest(parameter: Tree, update: Tree) -> Tree:
    """One parameter and its update, as `optax.apply_updates` adds them."""
    if parameter is None or is_no_gradient(update):
        return parameter
    return optax.apply_updates(parameter, update)


@jax.jit
def _add(parameter: jax.Array, update: jax.Array, noise: Noise) -> jax.Array:
    single = jnp.dtype(jnp.float32)
    total = widen(parameter, single) + jnp.asarray(update).astype(single)
    return stochastic_round(total, noise, parameter)


def _is_none(leaf: object) -> bool:
    return leaf is None
