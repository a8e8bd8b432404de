"""Second moments of one form in another: an average, a sum, a variance with its mean.

    average            `nu`, perhaps divided by a bias correction `c_t` before it is used
    sum                `sum_of_squares`, with the starting value `s_0`
    variance           `var`, with the mean `mu`
    Optax's centered   `nu` with the mean `mu`, both perhaps divided by `c_t`

What they have in common is the mean of the squares `q`:

    q  =  nu / c_t  =  (sum_of_squares - s_0) / t  =  var + |mu|^2
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rmsprop._precision import narrow


class MomentChange(NamedTuple):
    """The change of form of all leaves; pairs hold the old form and the new one.

    Attributes:
        centered: Whether there is a mean `mu`.
        fields: The name of the field of the squares.
        corrections: `c_t`, by which the averages are divided before they are used, or 1.
        steps: The number of steps taken so far, at least 1.
    """

    centered: tuple[bool, bool]
    fields: tuple[str, str]
    corrections: tuple[float, float]
    steps: int

    @property
    def factor(self) -> float:
        """By what an average is multiplied that stays one."""
        return self.corrections[1] / self.corrections[0]

    def mean(self, m: jax.Array, like: jax.Array) -> jax.Array:
        """The mean of the gradients; `like` is the array that it becomes."""
        del like
        return times(m, self.factor)

    def squares(
        self, x: jax.Array, like: jax.Array, mean: jax.Array, start: jax.Array
    ) -> jax.Array:
        """The squares in their new form.

        Args:
            x: The squares in their old form.
            like: The starting value of the new form.
            mean: The mean, where there is one.
            start: The starting value of the old form.
        """
        old, new = self.fields
        was_centered, is_centered = self.centered
        x = lax.real(x) if jnp.iscomplexobj(x) else x  # Optax's of a complex leaf
        if old == new and was_centered == is_centered:
            return times(x, self.factor)
        x = _wide(x)
        square_of_mean = jnp.square(jnp.abs(_wide(jnp.asarray(mean))))
        if old == "sum_of_squares":
            q = (x - _wide(jnp.asarray(start))) / self.steps
        elif old == "var":
            q = x + square_of_mean
        else:
            q = x / self.corrections[0]
        if new == "sum_of_squares":
            return _saturate(_wide(like) + self.steps * q)
        if new == "var":
            return jnp.maximum(q - square_of_mean / self.corrections[0] ** 2, 0)
        return _saturate(q * self.corrections[1])


def times(x: jax.Array, factor: float) -> jax.Array:
    """`factor * x`, and `x` as it is for a factor of 1."""
    return x if factor == 1 else _saturate(_wide(x) * factor)


def in_dtype(x: jax.Array, dtype: np.dtype) -> jax.Array:
    """The array in the dtype of the new state, rounded to nearest; a finite number stays finite."""
    return x if x.dtype == dtype else narrow(x, dtype)


def _wide(x: jax.Array) -> jax.Array:
    return lax.convert_element_type(x, np.promote_types(x.dtype, np.float32))


def _saturate(x: jax.Array) -> jax.Array:
    """Real numbers limited to the largest finite one, like every accumulator of squares."""
    if jnp.iscomplexobj(x):
        return x
    largest = float(jnp.finfo(x.dtype).max)
    return jnp.clip(x, -largest, largest)
