"""Adds updates to parameters, in half precision with stochastic rounding."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.typing import ArrayLike

from rmsprop._precision import is_narrow
from rmsprop._rounding import Noise, noise_of_leaves, seed_of_key, stochastic_round
from rmsprop._states import check_fields, increment, zero_count
from rmsprop._trees import is_no_gradient, leaf_path, tree_mismatch
from rmsprop._typing import Tree

Params = TypeVar("Params")


def apply_updates(params: Params, updates: Tree, *, key: jax.Array | None = None) -> Params:
    """Adds updates to parameters as `optax.apply_updates`, or with stochastic rounding.

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
    return _map_pairs(_add, _add_to_nearest, params, updates, _checked_key(key))


class RoundStochasticallyState(NamedTuple):
    """State of `round_stochastically`.

    Attributes:
        count: The number of steps taken so far, int32, shape ().
    """

    count: jax.Array  # pyright: ignore[reportIncompatibleMethodOverride] (Optax's name)


def round_stochastically(seed: int | jax.Array) -> optax.GradientTransformation:
    """The last link of a chain, after which `optax.apply_updates` rounds stochastically.

    Training loops such as Flax's `TrainState` and `nnx.Optimizer` add updates to parameters by
    themselves, and in half precision they round to nearest (see `apply_updates`). This link turns
    the update `u` of a parameter `p` in bfloat16 or float16 into::

        round(p + u) - p

    in float32, where the sum is rounded stochastically. What is then added to `p` in float32 is
    `round(p + u)`, and it is a number of the dtype of `p` already. The parameters after the `k`-th
    step, the first of which is 0, have the bits of
    `apply_updates(params, updates, key=jax.random.fold_in(jax.random.key(seed), k))`.

    The link stands last in the chain, because what comes after it would be rounded to nearest. It
    stands inside of no conditional, whose branches return one dtype, and so after
    `optax.apply_if_finite` and `optax.MultiSteps`:
    `optax.chain(optax.MultiSteps(optimizer, 2), rmsprop.round_stochastically(0))`. Updates of other
    parameters pass through it.

    `eqx.apply_updates` of Equinox does not return to the dtype of the parameter, which would become
    float32 in its first step; `rmsprop.apply_updates(model, updates)` adds them to a module.

    Args:
        seed: The seed of the random numbers, an integer that fits into 64 bits, or a traced one. It
            is an argument of the whole run; the count of steps is in the state.

    Returns:
        A `GradientTransformation` whose `update` needs the parameters. The updates of parameters in
        half precision are float32, whatever the dtype of the gradients. Its state has the field
        `count`.

    Raises:
        TypeError: `seed` is not an integer.
        ValueError: `seed` has more than 64 bits; or, of `update`, there are no parameters, or they
            do not match the updates.

    Example:
        >>> import jax.numpy as jnp, optax, rmsprop
        >>> optimizer = optax.chain(rmsprop.rmsprop(1e-3), rmsprop.round_stochastically(seed=0))
        >>> params = jnp.ones(10_000, jnp.bfloat16)
        >>> state = optimizer.init(params)
        >>> updates, state = optimizer.update(params, state, params)
        >>> after = optax.apply_updates(params, updates)
        >>> print(after.dtype, f"{after.astype(jnp.float32).mean():.4f}")
        bfloat16 0.9968

    Differs from `apply_updates` with a key: two differences are no numbers of float32. Where `|u|`
    is beyond 3.3e38 the difference may be larger than all of them, and the sum is rounded to
    nearest. Where it is below 1.2e-38, which happens to parameters below 1e-35, a processor that
    flushes such numbers to zero leaves the parameter as it is.

    References:
        Gupta, Agrawal, Gopalakrishnan and Narayanan, "Deep learning with limited numerical
        precision", 2015. https://arxiv.org/abs/1502.02551
    """
    checked = _checked_seed(seed)

    def init_fn(params: optax.Params) -> RoundStochasticallyState:
        del params
        return RoundStochasticallyState(zero_count())

    def update_fn(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None
    ) -> tuple[optax.Updates, Tree]:
        check_fields(state, RoundStochasticallyState._fields)
        if params is None:
            raise ValueError(
                "round_stochastically needs the parameters, and update() was called without them."
                " Call optimizer.update(gradients, state, params)."
            )
        key = jax.random.fold_in(jax.random.key(checked), state.count)
        changes = _map_pairs(_difference, _update, params, updates, key, missing=_update)
        return changes, state._replace(count=increment(state.count))

    return optax.GradientTransformation(init_fn, update_fn)


def _map_pairs(
    narrow_leaf: Callable[[jax.Array, ArrayLike, Noise], jax.Array],
    other_leaf: Callable[[Tree, Tree], Tree],
    params: Tree,
    updates: Tree,
    key: jax.Array,
    *,
    missing: Callable[[Tree, Tree], Tree] = lambda parameter, update: parameter,
) -> Tree:
    """Applies a function to each parameter and its update.

    Args:
        narrow_leaf: The function of parameters in half precision, of their updates and their noise.
        other_leaf: The function of other parameters and their updates.
        params: The parameters.
        updates: The updates.
        key: The key of the noise.
        missing: The function where there is no parameter or no update.

    Raises:
        ValueError: The trees or the shapes of their leaves differ.
        TypeError: An update is no array, or is complex while its parameter is real.
    """
    leaves, treedef = jax.tree.flatten(params, is_leaf=_is_none)
    try:
        changes = treedef.flatten_up_to(updates)
    except (ValueError, TypeError, KeyError):
        names, remedy = ("updates", "parameters"), "Pass the updates made for these parameters."
        raise ValueError(tree_mismatch(updates, params, names, remedy)) from None
    results = []
    for index, (p, u, noise) in enumerate(
        zip(leaves, changes, noise_of_leaves(params, seed_of_key(key)), strict=True)
    ):
        if p is None or is_no_gradient(u):
            results.append(missing(p, u))
            continue
        _check_pair(p, u, lambda i=index: leaf_path(params, i))
        if is_narrow(jnp.result_type(p)):
            results.append(narrow_leaf(p, u, noise))
        else:
            results.append(other_leaf(p, u))
    return treedef.unflatten(results)


def _checked_key(key: jax.Array) -> jax.Array:
    dtype = getattr(key, "dtype", None)
    is_typed = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key) and key.ndim == 0
    if not (is_typed or (dtype == jnp.uint32 and np.ndim(key) == 1)):
        raise TypeError(
            f"key is {key!r}; it must be one key of JAX's random generators, new at each step."
            f" Pass jax.random.fold_in(jax.random.key(seed), step)."
        )
    return key


def _checked_seed(seed: int | jax.Array) -> int | jax.Array:
    allowed = "it must be an integer, the same for the whole run; pass for example 0"
    if isinstance(seed, jax.Array):
        if not jnp.issubdtype(seed.dtype, jnp.integer) or seed.ndim:
            raise TypeError(f"seed is an array {seed.dtype}{[*seed.shape]}; {allowed}.")
        return seed
    if isinstance(seed, bool | np.bool_):
        raise TypeError(f"seed is {seed!r}; {allowed}.")
    try:
        number = operator.index(seed)
    except TypeError:
        raise TypeError(f"seed is {seed!r}; {allowed}.") from None
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"seed is {number}; it must be an integer from -2**63 to 2**63 - 1.")
    return number


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
def _add(parameter: jax.Array, update: ArrayLike, noise: Noise) -> jax.Array:
    total = _single(parameter) + _single(update)
    return stochastic_round(total, noise, parameter)


@jax.jit
def _difference(parameter: jax.Array, update: ArrayLike, noise: Noise) -> jax.Array:
    """What has to be added to the parameter in float32 so that it becomes `_add`.

    With `q` the rounded sum, `q - p` is exact or `q` is not much smaller than `p`: after a large
    cancellation `p + u` is exact and has few bits, and so has `q - p`. What is not exact is off by
    some 2^-24 of the larger one of `p` and `q`, far below half a unit in the last place of `q`, and
    is rounded back when it has been added.

    The update itself is right where the sum is not finite, or is a zero, which keeps its sign. It
    also takes the place of a difference that overflows.
    """
    p, u = _single(parameter), _single(update)
    total = p + u
    change = _single(stochastic_round(total, noise, parameter)) - p
    return lax.select((total == 0) | ~lax.is_finite(change), u, change)


def _single(x: ArrayLike) -> jax.Array:
    """The number in float32, as it would be read from memory.

    XLA leaves out a rounding to bfloat16 and back, and contracts a product and a sum that follows
    it, so that the same sum would have other bits in a program that computes its update as well. A
    rounding that is asked for stays, and nothing is contracted through a choice.
    """
    array = jnp.asarray(x)
    wide = array.astype(jnp.float32)
    if array.dtype == jnp.bfloat16:
        return lax.reduce_precision(wide, exponent_bits=8, mantissa_bits=7)
    return lax.select(lax.is_finite(wide), wide, wide + wide)


def _update(parameter: Tree, update: Tree) -> Tree:
    del parameter
    return update


def _is_none(leaf: object) -> bool:
    return leaf is None
