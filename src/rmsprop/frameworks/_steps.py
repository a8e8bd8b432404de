"""Changes of the step that few frameworks make: dampening, caution, limits of the parameters."""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from rmsprop._chain import wide_inside
from rmsprop._hyperparameters import Scalar
from rmsprop._states import check_fields
from rmsprop._typing import Tree
from rmsprop.frameworks._gradients import between, scale_gradients


def dampen(momentum: Scalar) -> optax.GradientTransformation:
    """Multiplies updates by `1 - momentum`, which makes a momentum buffer after it an average."""
    return scale_gradients(1 - momentum)


class CautiousState(NamedTuple):
    """State of `cautious`.

    Attributes:
        inner: The state of the optimizer.
        before: The state of the transformation whose gradient the step is compared with.
    """

    inner: Tree
    before: Tree


def cautious(
    inner: optax.GradientTransformationExtraArgs, before: optax.GradientTransformation
) -> optax.GradientTransformationExtraArgs:
    r"""Sets the elements of a step to zero that the gradient contradicts, and scales the others.

    The update becomes::

        m  =  1 where u g < 0, and 0 elsewhere
        u <-  u m / max(mean(m), 0.001)

    for every leaf, where `u` is the update that is added (hence `< 0`) and `g` the gradient with
    coupled weight decay. The momentum buffer is not changed. The rule is that of Liang et al.,
    2024, arXiv:2411.16085.

    Args:
        inner: The optimizer.
        before: The transformation of the gradient before it is squared.
    """

    def init_fn(params: optax.Params) -> CautiousState:
        return CautiousState(inner.init(params), before.init(params))

    def update_fn(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None, **extra: object
    ) -> tuple[optax.Updates, CautiousState]:
        check_fields(state, CautiousState._fields)
        gradient, before_state = before.update(updates, state.before, params)
        updates, inner_state = inner.update(updates, state.inner, params, **extra)
        return jax.tree.map(_agreeing, updates, gradient), CautiousState(inner_state, before_state)

    return wide_inside(optax.GradientTransformationExtraArgs(init_fn, update_fn))


@jax.jit
def _agreeing(update: jax.Array, gradient: jax.Array) -> jax.Array:
    agree = lax.convert_element_type(update * gradient < 0, update.dtype)
    return update * (agree / lax.max(jnp.mean(agree), jnp.asarray(1e-3, update.dtype)))


@dataclass(frozen=True)
class ClipWeights:
    """A wrapper that makes a step of an optimizer lead to the nearest parameters within a limit.

    Attributes:
        limit: The largest magnitude of a parameter, above 0.
    """

    limit: Scalar

    def __call__(
        self, inner: optax.GradientTransformationExtraArgs
    ) -> optax.GradientTransformationExtraArgs:
        def update_fn(
            updates: optax.Updates, state: Tree, params: optax.Params | None = None, **extra: object
        ) -> tuple[optax.Updates, Tree]:
            if params is None:
                raise ValueError(
                    "clip_weights limits the parameters, and update() was called without them."
                    " Call optimizer.update(gradients, state, params)."
                )
            updates, state = inner.update(updates, state, params, **extra)
            updates = jax.tree.map(
                lambda u, p: None if u is None else _within(u, p, self.limit),
                updates,
                params,
                is_leaf=lambda leaf: leaf is None,
            )
            return updates, state

        return wide_inside(optax.GradientTransformationExtraArgs(inner.init, update_fn))


@jax.jit
def _within(update: jax.Array, parameter: jax.Array, limit: Scalar) -> jax.Array:
    """The update, which is changed (and rounded) only where the parameter would pass the limit."""
    top = lax.convert_element_type(limit, update.dtype)
    p = lax.convert_element_type(parameter, update.dtype)
    return lax.select(abs(p + update) <= top, update, between(-top, p + update, top) - p)
