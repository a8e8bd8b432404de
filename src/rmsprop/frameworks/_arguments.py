"""Arguments of several frameworks: learning rates, their decay with time, a momentum of zero."""

import math
from dataclasses import dataclass

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
    return learning_rate if is_zero(coefficient) else InverseTime(learning_rate, coefficient)


@dataclass(frozen=True)
class InverseTime:
    """A schedule of rates that falls with the inverse of time.

    Attributes:
        learning_rate: The rate, a number or a schedule, that falls.
        decay: The coefficient by which it falls.
    """

    learning_rate: Rate
    decay: Scalar

    def __call__(self, count: ArrayLike) -> Scalar:
        """The rate after so many steps."""
        steps = lax.convert_element_type(count, jnp.result_type(self.decay))
        rate = self.learning_rate
        start = rate(count) if callable(rate) else rate
        return start / (1 + self.decay * steps)


def parts_of_rate(learning_rate: Rate) -> tuple[Rate, Scalar]:
    """The rate without its decay with time, and the coefficient of that decay or 0."""
    if isinstance(learning_rate, InverseTime):
        return learning_rate.learning_rate, learning_rate.decay
    return learning_rate, 0.0


def unless_zero(coefficient: Scalar) -> Scalar | None:
    """The momentum coefficient, or None for zero, for which frameworks keep no buffer."""
    return None if is_zero(coefficient) else coefficient


def check_label(name: str | None) -> None:
    """Refuses a label of a wrong type; no number depends on a framework's label."""
    if not (name is None or isinstance(name, str)):
        raise TypeError(f"name is {name!r}; it is a label and must be a string.")
