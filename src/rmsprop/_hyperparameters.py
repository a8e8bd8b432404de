"""Reads hyper-parameters, and refuses wrong concrete values when the optimizer is built.

Python and NumPy numbers are checked by value and become Python floats, which JAX treats as weakly
typed: they never widen or narrow the arrays that they are combined with.  Of a `jax.Array` or a
tracer only the dtype and the shape are checked, because reading its value would wait for the device
or is impossible.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import ArrayLike

Scalar: TypeAlias = float | jax.Array
ScalarLike: TypeAlias = ArrayLike
# The type `optax.Schedule`, written out for type checkers that find no types in Optax.
Schedule: TypeAlias = Callable[[ArrayLike], ArrayLike]
ScalarOrSchedule: TypeAlias = ScalarLike | Schedule


def learning_rate(name: str, value: ScalarLike) -> Scalar:
    """A learning rate: finite. A negative one climbs, as in Optax."""
    return _scalar(name, value, "of either sign", lambda x: True)


def decay(name: str, value: ScalarLike) -> Scalar:
    """A decay of the running average: at least 0 and below 1, at which the average stands still."""
    return _scalar(name, value, "at least 0 and below 1", lambda x: 0 <= x < 1)


def momentum(name: str, value: ScalarLike) -> Scalar:
    """A momentum coefficient: at least 0 and below 1, at which the buffer never forgets."""
    return _scalar(name, value, "at least 0 and below 1", lambda x: 0 <= x < 1)


def epsilon(name: str, value: ScalarLike) -> Scalar:
    """The small constant of the denominator: finite and at least 0."""
    return nonnegative(name, value)


def weight_decay(name: str, value: ScalarLike) -> Scalar:
    """A coefficient of weight decay: finite and at least 0."""
    return nonnegative(name, value)


def nonnegative(name: str, value: ScalarLike) -> Scalar:
    """A coefficient that may be zero, such as that of a falling rate: finite and at least 0."""
    return _scalar(name, value, "at least 0", lambda x: x >= 0)


def positive(name: str, value: ScalarLike) -> Scalar:
    """A limit or a scale: finite and above 0."""
    return _scalar(name, value, "above 0", lambda x: x > 0)


def lowest(name: str, value: ScalarLike) -> Scalar:
    """The lower end of an interval around zero: finite and at most 0."""
    return _scalar(name, value, "at most 0", lambda x: x <= 0)


def fraction(name: str, value: ScalarLike) -> Scalar:
    """A fraction: above 0 and at most 1."""
    return _scalar(name, value, "above 0 and at most 1", lambda x: 0 < x <= 1)


def initial_value(name: str, value: ScalarLike) -> Scalar:
    """The starting value of an accumulator of squares: finite and at least 0."""
    return _scalar(name, value, "at least 0, as a mean or sum of squares is", lambda x: x >= 0)


def flag(name: str, value: object) -> bool:
    """A switch: a plain boolean, because it decides which program is compiled."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(
            f"{name} is {value!r}; it chooses the formula and must be True or False, known when the"
            f" optimizer is built. Pass a Python bool."
        )
    return bool(value)


def _scalar(name: str, value: ScalarLike, allowed: str, valid: Callable[[float], bool]) -> Scalar:
    dtype = _dtype(name, value)
    if np.shape(value) != ():
        raise ValueError(
            f"{name} has shape {np.shape(value)}; one number is allowed. For one value for each"
            f" group of parameters, give each group an optimizer of its own with optax.partition."
            f" To try several values at once, build the optimizer inside a function and jax.vmap"
            f" that function over them."
        )
    if isinstance(value, jax.Array):
        if jnp.issubdtype(dtype, jnp.complexfloating):
            return lax.real(value)
        if not jnp.issubdtype(dtype, jnp.floating):
            return lax.convert_element_type(value, jnp.float32)
        return value
    number = float(np.real(value))
    if not (math.isfinite(number) and valid(number)):
        raise ValueError(f"{name} is {number}; it must be a finite number, {allowed}.")
    widest = jnp.finfo(jax.dtypes.canonicalize_dtype(np.float64))
    if abs(number) > float(widest.max):  # as infinity it would make NaN of a gradient of zero
        raise ValueError(
            f"{name} is {number}, which is infinite in {widest.dtype}; it must be at most"
            f" {float(widest.max):.2g} in size, {allowed}."
        )
    return number


def _dtype(name: str, value: ScalarLike) -> np.dtype:
    """The dtype of a number; other objects, and dtypes that are too narrow, are refused."""
    try:
        dtype = value.dtype if isinstance(value, jax.Array) else np.asarray(value).dtype
    except (TypeError, ValueError):
        dtype = np.dtype(object)
    if not jnp.issubdtype(dtype, jnp.number):
        raise TypeError(
            f"{name} is {value!r}, of type {type(value).__name__}; it must be a number (a Python"
            f" or NumPy number, or a JAX array of shape ()). Pass for example {name}=0.1."
        )
    is_half = jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize < 4
    # A Python integer that a wrapper made an array is weakly typed; an array that was cast is not.
    is_cast = jnp.issubdtype(dtype, jnp.integer) and not getattr(value, "weak_type", True)
    if is_cast:
        raise TypeError(
            f"{name} has arrived in {dtype}; it must be a real number. Pass a Python number or a"
            f" float32 array, and let a schedule return floats."
        )
    if is_half:
        raise TypeError(
            f"{name} has arrived in {dtype}, which cannot hold it: a decay of 0.999 is 1.0 in"
            f" bfloat16 and an eps of 1e-8 is 0.0 in float16. Pass a Python float or a float32"
            f" array; with Optax's wrapper that is"
            f" optax.inject_hyperparams(..., hyperparam_dtype=jnp.float32)."
        )
    return dtype
