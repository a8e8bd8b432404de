"""Arguments of several frameworks: learning rates, their decay with time, a momentum of zero."""

import math

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import Scalar, ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._convention import Rate, is_zero

NEGATED_LOSS = "Negate the loss to maximise."


def rate(name: str, value: ScalarOrSchedule, *, ascent: str | None = None) -> Rate:
    """A learning rate or a schedule of them, checked under the framework's name for it.

    Args:
        name: The name.
        value: The rate. A negative one climbs, unless the framework refuses it.
        ascent: Where the framework refuses a negative number, how to maximise there: a sentence.
            No framework looks at what a scheduler makes of the rate later.
    """
    if callable(value):
        return lambda count: hyperparameters.learning_rate(name, value(count))
    if ascent is None:
        return hyperparameters.learning_rate(name, value)
    try:
        return hyperparameters.nonnegative(name, value)
    except ValueError as error:
        if np.ndim(value) == 0 and -math.inf < np.real(value) < 0:
            raise ValueError(f"{error} {ascent}") from None
        raise


def inverse_time(learning_rate: Rate, name: str, decay: ScalarLike) -> Rate:
    """The rate `learning_rate / (1 + decay * k)` after `k` steps; unchanged if `decay` is zero."""
    coefficient = hyperparameters.nonnegative(name, decay)
    if is_zero(coefficient):
        return learning_rate

    def rate_at(count: ArrayLike) -> Scalar:
        steps = lax.convert_element_type(count, jnp.result_type(coefficient))
        start = learning_rate(count) if callable(learning_rate) else learning_rate
        return start / (1 + coefficient * steps)

    return rate_at


def unless_zero(coefficient: Scalar) -> Scalar | None:
    """The momentum coefficient, or None for zero, for which frameworks keep no buffer."""
    return None if is_zero(coefficient) else coefficient


def check_label(name: str | None) -> None:
    """Refuses a label of a wrong type; no number depends on a framework's label."""
    if not (name is None or isinstance(name, str)):
        raise TypeError(f"name is {name!r}; it is a label and must be a string.")
