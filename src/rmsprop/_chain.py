"""The links of a chain other than the rescaling: learning rate, momentum and weight decay.

They replace those of Optax, whose scaling by a schedule rounds the rate to the gradient's dtype
(1e-3 becomes 9.9945e-4 in bfloat16) and whose momentum buffer changes its dtype.  Their states are
Optax's classes, except `TraceWithCountState`.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.typing import DTypeLike

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import Scalar, ScalarLike, ScalarOrSchedule
from rmsprop._moments import store
from rmsprop._precision import checked_accumulator_dtype, is_narrow, narrow, widen
from rmsprop._rounding import Noise
from rmsprop._states import (
    check_fields,
    check_links,
    increment,
    leafwise,
    signed_accumulators,
    zero_count,
)
from rmsprop._trees import check_gradients, map_leaves, without_float0
from rmsprop._typing import Tree

_MOMENTUM = 1  # the number of its stream of random bits; that of the squares is 0


class TraceWithCountState(NamedTuple):
    """State of a momentum buffer in bfloat16, whose rounding differs from step to step.

    Attributes:
        count: The number of steps taken so far, int32, shape ().
        trace: The momentum buffer, a tree with the structure of the parameters.
    """

    count: jax.Array  # pyright: ignore[reportIncompatibleMethodOverride] (Optax's name)
    trace: optax.Params


def checked_chain(
    *links: optax.GradientTransformation,
) -> optax.GradientTransformationExtraArgs:
    """`optax.chain`, which refuses the state of another chain with what can be done."""
    chain = optax.chain(*links)

    def update_fn(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None, **extra: object
    ) -> tuple[optax.Updates, Tree]:
        check_links(state, len(links))
        return chain.update(updates, state, params, **extra)

    return optax.GradientTransformationExtraArgs(chain.init, update_fn)


def stateless(
    function: Callable[[optax.Updates, optax.Params | None], optax.Updates],
) -> optax.GradientTransformation:
    """`optax.stateless`, which refuses a state with content instead of dropping it."""

    def update_fn(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None
    ) -> tuple[optax.Updates, Tree]:
        check_fields(state, ())
        return function(updates, params), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update_fn)


def identity() -> optax.GradientTransformation:
    """`optax.identity`, which refuses a state with content: the place of an option that is off."""
    return stateless(lambda updates, params: updates)


def scale_by_learning_rate(learning_rate: ScalarOrSchedule) -> optax.GradientTransformation:
    """Multiplies updates by `-learning_rate`, in at least float32 whatever their dtype."""
    return _at_rate(learning_rate, lambda updates, params, rate: _scale_tree(updates, -rate))


def add_decayed_weights(weight_decay: ScalarLike) -> optax.GradientTransformation:
    """Coupled weight decay: `g + weight_decay * p` instead of `g`."""
    factor = hyperparameters.weight_decay("weight_decay", weight_decay)
    return stateless(
        lambda updates, params: _add_scaled_tree(updates, params, factor),
    )


def decouple_decayed_weights(
    learning_rate: ScalarOrSchedule, weight_decay: ScalarLike
) -> optax.GradientTransformation:
    """Decoupled weight decay: subtracts `learning_rate * weight_decay * p` from the update.

    This link is the last one, so that weight decay enters neither the average nor the momentum. The
    rule is that of Loshchilov and Hutter, "Decoupled weight decay regularization", 2019,
    https://arxiv.org/abs/1711.05101.
    """
    factor = hyperparameters.weight_decay("weight_decay", weight_decay)
    if isinstance(learning_rate, float) and isinstance(factor, float):
        hyperparameters.learning_rate("learning_rate * weight_decay", learning_rate * factor)
    return _at_rate(
        learning_rate,
        lambda updates, params, rate: _add_scaled_tree(updates, params, -rate * factor),
    )


def _at_rate(
    learning_rate: ScalarOrSchedule,
    function: Callable[[optax.Updates, optax.Params | None, Scalar], optax.Updates],
) -> optax.GradientTransformation:
    """The link `function(updates, params, rate)`; its state counts steps if there is a schedule."""
    if not callable(learning_rate):
        constant = hyperparameters.learning_rate("learning_rate", learning_rate)
        return stateless(lambda updates, params: function(updates, params, constant))

    def init_fn(params: optax.Params) -> optax.ScaleByScheduleState:
        del params
        return optax.ScaleByScheduleState(count=zero_count())

    def update_fn(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None
    ) -> tuple[optax.Updates, Tree]:
        check_fields(state, optax.ScaleByScheduleState._fields)
        rate = hyperparameters.learning_rate("learning_rate", learning_rate(state.count))
        updates = function(updates, params, rate)
        return updates, optax.ScaleByScheduleState(count=increment(state.count))

    return optax.GradientTransformation(init_fn, update_fn)


def trace(
    momentum: ScalarLike,
    *,
    nesterov: bool = False,
    accumulator_dtype: DTypeLike | None = None,
) -> optax.GradientTransformation:
    """Heavy-ball momentum `b <- u + momentum * b` (Nesterov: returns `u + momentum * b`)."""
    coefficient = hyperparameters.momentum("momentum", momentum)
    dtype = checked_accumulator_dtype(accumulator_dtype)
    rounded = is_narrow(dtype)
    return leafwise(
        lambda count: (
            lambda u, b, noise=None: _add_momentum(u, b, coefficient, noise, nesterov=nesterov)
        ),
        lambda params: (signed_accumulators(params, dtype),),
        TraceWithCountState if rounded else optax.TraceState,
        stream=_MOMENTUM if rounded else None,
    )


def wide_inside(
    chain: optax.GradientTransformationExtraArgs,
) -> optax.GradientTransformationExtraArgs:
    """The chain with half-precision gradients widened before it and updates narrowed after it.

    Every link returns the dtype that it is given. Without the widening a float16 quotient would
    saturate before a small rate is applied to it, and rounded products would enter the momentum
    buffer. `float0` gradients are None inside (`without_float0`).
    """

    def update_wide(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None, **extra: object
    ) -> tuple[optax.Updates, Tree]:
        dtypes = jax.tree.map(jnp.result_type, updates)
        (wide_updates,) = map_leaves(lambda u: (_to_float32(u),), updates)
        wide_updates, state = chain.update(wide_updates, state, params, **extra)
        return jax.tree.map(narrow, wide_updates, dtypes), state

    wide = without_float0(optax.GradientTransformationExtraArgs(chain.init, update_wide))

    def update_fn(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None, **extra: object
    ) -> tuple[optax.Updates, Tree]:
        needs_care = any(_below_32_bits(leaf) for leaf in jax.tree.leaves(updates))
        return (wide if needs_care else chain).update(updates, state, params, **extra)

    return optax.GradientTransformationExtraArgs(chain.init, update_fn)


def _below_32_bits(leaf: object) -> bool:
    """Whether an array is in half precision, or `float0`, which has no bits at all."""
    dtype = getattr(leaf, "dtype", None)
    return dtype is not None and dtype.itemsize < 4


def _to_float32(update: jax.Array) -> jax.Array:
    return widen(jnp.asarray(update), np.dtype(np.float32))


def _scale_tree(updates: optax.Updates, factor: Scalar) -> optax.Updates:
    (scaled,) = map_leaves(lambda u: (_scale(u, factor),), updates)
    return scaled


def _add_scaled_tree(
    updates: optax.Updates, params: optax.Params | None, factor: Scalar
) -> optax.Updates:
    if params is None:
        raise ValueError(
            "weight decay needs the parameters, and update() was called without them. Call"
            " optimizer.update(gradients, state, params)."
        )
    check_gradients(updates)
    return jax.tree.map(
        lambda u, p: None if u is None else _add_scaled(u, p, factor),
        updates,
        params,
        is_leaf=lambda leaf: leaf is None,
    )


@jax.jit
def _scale(update: jax.Array, factor: Scalar) -> jax.Array:
    u = _to_float32(update)
    return narrow(u * lax.convert_element_type(factor, u.dtype), update.dtype)


@jax.jit
def _add_scaled(update: jax.Array, parameter: jax.Array, factor: Scalar) -> jax.Array:
    u = _to_float32(update)
    p = lax.convert_element_type(parameter, u.dtype)
    return narrow(u + lax.convert_element_type(factor, u.dtype) * p, update.dtype)


@functools.partial(jax.jit, static_argnames="nesterov")
def _add_momentum(
    update: jax.Array, buffer: jax.Array, momentum: Scalar, noise: Noise | None, *, nesterov: bool
) -> tuple[jax.Array, jax.Array]:
    u = widen(update, buffer.dtype)
    coefficient = lax.convert_element_type(momentum, u.dtype)
    b = lax.add(u, coefficient * lax.convert_element_type(buffer, u.dtype))
    buffer = store(b, buffer, noise)
    if noise is not None:
        b = lax.convert_element_type(buffer, u.dtype)
    step = lax.add(u, coefficient * b) if nesterov else b
    return narrow(step, update.dtype), buffer
