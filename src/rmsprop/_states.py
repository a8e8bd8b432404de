"""What the state of a transformation is made of: accumulators, a count, and the check of both."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from rmsprop._hyperparameters import Scalar
from rmsprop._precision import signed_accumulator_dtype, squares_dtype
from rmsprop._trees import inexact_dtype, leaf_path


def check_fields(state: Any, fields: tuple[str, ...]) -> None:
    """Refuses the state of another transformation, such as Optax's centered one.

    Raises:
        ValueError: the state does not have exactly these fields.
    """
    found = getattr(state, "_fields", None)
    if found != fields:
        raise ValueError(
            f"the optimizer state is a {type(state).__name__} with the fields"
            f" {', '.join(found) if found else 'of no named tuple'}, but this transformation keeps"
            f" {', '.join(fields)}. Use the state that its own init() made, with the same options."
        )


def signed_accumulators(params: optax.Params, dtype: np.dtype | None) -> Any:
    """Zeros that can hold a mean or a momentum of the gradients of each parameter."""
    return _fill(params, 0.0, lambda leaf: signed_accumulator_dtype(leaf, dtype))


def accumulators(params: optax.Params, initial: Scalar, dtype: np.dtype | None) -> Any:
    """Real arrays of the parameters' shapes, for squares."""
    return _fill(params, initial, lambda leaf: squares_dtype(leaf, dtype))


def _fill(params: optax.Params, value: Scalar, dtype: Callable[[np.dtype], np.dtype]) -> Any:
    leaves, treedef = jax.tree.flatten(params)
    filled = []
    for index, leaf in enumerate(leaves):
        own = inexact_dtype(leaf, lambda i=index: "parameter" + leaf_path(params, i))
        filled.append(jnp.full_like(leaf, value, dtype=dtype(own)))
    return treedef.unflatten(filled)


def zero_count() -> jax.Array:
    """The step count before the first step."""
    return jnp.zeros([], jnp.int32)


def increment(count: jax.Array) -> jax.Array:
    """The following step count; it stops at the largest int32 instead of wrapping around."""
    return jnp.asarray(optax.safe_increment(count))
