"""Keras' averages around a step: of gradients before it, and of parameters after it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.core import Tracer
from jax.typing import ArrayLike

from rmsprop._experimental import sharded_like
from rmsprop._hyperparameters import Scalar
from rmsprop._precision import narrow, signed_accumulator_dtype, widen
from rmsprop._states import check_fields, increment, signed_accumulators, zero_count
from rmsprop._trees import map_leaves, trained_dtype
from rmsprop._typing import Tree
from rmsprop.frameworks._convention import Rate


class AccumulatedGradientsState(NamedTuple):
    """State of `AccumulateGradients`.

    Attributes:
        inner: The state of the optimizer.
        gradients: The sum of the gradients since the last step.
        position: The number of gradients in that sum.
    """

    inner: Tree
    gradients: Tree
    position: jax.Array


class AveragedParametersState(NamedTuple):
    """State of `AverageParameters`.

    Attributes:
        inner: The state of the optimizer.
        average: The average of the parameters; before the first call it is the parameters
            themselves.
        calls: The number of calls of `update` so far.
    """

    inner: Tree
    average: Tree
    calls: jax.Array


@dataclass(frozen=True)
class AccumulateGradients:
    """A wrapper that makes one step for every `steps` calls, with the mean of their gradients.

    The other calls return zero updates and leave the state of the optimizer alone.
    `optax.MultiSteps` differs by rounding: it keeps a running mean, Keras a sum.

    Attributes:
        steps: The number of calls that make one step.
    """

    steps: int

    def __call__(
        self, inner: optax.GradientTransformationExtraArgs
    ) -> optax.GradientTransformationExtraArgs:
        def init_fn(params: optax.Params) -> AccumulatedGradientsState:
            # The optimizer comes first, because it refuses parameters with a better message.
            state = inner.init(params)
            return AccumulatedGradientsState(state, signed_accumulators(params, None), zero_count())

        def update_fn(
            updates: optax.Updates, state: Tree, params: optax.Params | None = None, **extra: object
        ) -> tuple[optax.Updates, AccumulatedGradientsState]:
            check_fields(state, AccumulatedGradientsState._fields)
            sums, total = map_leaves(_add, updates, state.gradients)

            def step() -> tuple[optax.Updates, Tree, Tree]:
                mean = jax.tree.map(lambda total: total / self.steps, sums)
                changes, inner_state = inner.update(mean, state.inner, params, **extra)
                changes = jax.tree.map(lambda u, g: narrow(u, jnp.result_type(g)), changes, updates)
                _, zeros = map_leaves(lambda g, s: (g, jnp.zeros_like(s)), updates, total)
                return changes, inner_state, zeros

            def wait() -> tuple[optax.Updates, Tree, Tree]:
                return jax.tree.map(jnp.zeros_like, updates), state.inner, total

            last = state.position == self.steps - 1
            updates, inner_state, total = _either(last, step, wait)
            position = lax.select(last, zero_count(), state.position + 1)
            return updates, AccumulatedGradientsState(inner_state, total, position)

        return optax.GradientTransformationExtraArgs(init_fn, update_fn)


def rate_of_every(steps: int, learning_rate: Rate) -> Rate:
    """The rate of an accumulated step if a schedule counts calls: that of its last call."""
    if not callable(learning_rate):
        return learning_rate
    return lambda count: learning_rate(count * steps + (steps - 1))


@dataclass(frozen=True)
class AverageParameters:
    """A wrapper that averages the parameters, and may replace them by their average at times.

    After each step::

        a <- m a + (1 - m) θ    from a = θ after the first step

    Attributes:
        momentum: The coefficient `m`.
        overwrite_every: The number of steps after which an update leads to the average; None for
            never.
        calls_per_step: The number of calls that make one step. As in Keras, the average moves at
            each call, also when the parameters do not, and equals the parameters until the first
            step is done. All calls of a step that overwrites lead to the average.
    """

    momentum: Scalar
    overwrite_every: int | None
    calls_per_step: int = 1

    def __call__(
        self, inner: optax.GradientTransformationExtraArgs
    ) -> optax.GradientTransformationExtraArgs:
        def init_fn(params: optax.Params) -> AveragedParametersState:
            state = inner.init(params)
            return AveragedParametersState(state, jax.tree.map(_copy, params), zero_count())

        def update_fn(
            updates: optax.Updates, state: Tree, params: optax.Params | None = None, **extra: object
        ) -> tuple[optax.Updates, AveragedParametersState]:
            if params is None:
                raise ValueError(
                    "use_ema=True averages the parameters, and update() was called without them."
                    " Call optimizer.update(gradients, state, params)."
                )
            check_fields(state, AveragedParametersState._fields)
            updates, inner_state = inner.update(updates, state.inner, params, **extra)
            step = state.calls // self.calls_per_step
            overwrite = (
                None if self.overwrite_every is None else (step + 1) % self.overwrite_every == 0
            )
            average = jax.tree.map(
                lambda u, p, a: _follow(u, p, a, self.momentum, step == 0),
                updates,
                params,
                state.average,
                is_leaf=_is_none,
            )
            if overwrite is not None:
                updates = jax.tree.map(
                    lambda u, p, a: None if u is None else _lead_to(u, p, a, overwrite),
                    updates,
                    params,
                    average,
                    is_leaf=_is_none,
                )
            calls = increment(state.calls)
            return updates, AveragedParametersState(inner_state, average, calls)

        return optax.GradientTransformationExtraArgs(init_fn, update_fn)


def _is_none(leaf: object) -> bool:
    return leaf is None


def _add(gradient: jax.Array, total: jax.Array) -> tuple[jax.Array, jax.Array]:
    new_total = lax.convert_element_type(gradient, total.dtype) + total
    return new_total, new_total


def _either(which: jax.Array, yes: Callable[[], Tree], no: Callable[[], Tree]) -> Tree:
    """`lax.cond`, but only for tracers: elsewhere it would compile both sides at every call."""
    if isinstance(which, Tracer):
        return lax.cond(which, yes, no)
    return yes() if which else no()


def _copy(parameter: ArrayLike) -> jax.Array | None:
    """A copy of a parameter, so that parameters and state can both be donated.

    What is not trained has no average.
    """
    own = trained_dtype(parameter, lambda: "a parameter")
    if own is None:
        return None
    copy = jnp.array(parameter, signed_accumulator_dtype(own, None), copy=True)
    return sharded_like(parameter, copy)


def _follow(
    update: ArrayLike | None,
    parameter: ArrayLike | None,
    average: jax.Array | None,
    momentum: Scalar,
    first: jax.Array,
) -> jax.Array | None:
    """The next average; a parameter without a gradient stays where it is and is averaged too."""
    if parameter is None or average is None:
        return None
    value = jnp.asarray(parameter)
    if update is not None:  # with the rounding of optax.apply_updates
        u = widen(jnp.asarray(update), np.promote_types(value.dtype, np.float32))
        total = lax.convert_element_type(value, u.dtype) + u
        value = lax.convert_element_type(total, value.dtype)
    value = widen(value, average.dtype)
    m = lax.convert_element_type(momentum, average.dtype)
    # Keras computes 1 - m in the parameter's dtype, with an error of 1e-6 of it in float32.
    return jnp.where(first, value, m * average + (1 - m) * value)


def _lead_to(
    update: jax.Array, parameter: jax.Array, average: jax.Array, overwrite: jax.Array
) -> jax.Array:
    distance = average - widen(jnp.asarray(parameter), average.dtype)
    return jnp.where(overwrite, narrow(distance, update.dtype), update)
