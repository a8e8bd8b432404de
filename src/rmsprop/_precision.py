"""The dtypes of accumulators, of the arithmetic between them, and of updates.

An accumulator is at least float32, whatever the parameter: in bfloat16 a sum of ones stops at 256
and an average with decay 0.999 never moves, because the increments round away.  Where bfloat16 is
asked for, every store is rounded stochastically (`_rounding`) and keeps the increments on average.
The update comes back in the gradient's dtype, which conditionals and Optax's wrappers rely on.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.typing import DTypeLike


def checked_accumulator_dtype(dtype: DTypeLike | None) -> np.dtype | None:
    """Refuses, when the optimizer is built, an accumulator dtype that cannot be honoured.

    Args:
        dtype: `None` (at least float32, depending on the parameter), `jnp.float32`, `jnp.float64`
            or `jnp.bfloat16`. An array stands for its own dtype: `optax.inject_hyperparams` takes
            the class `jnp.bfloat16` for a schedule, and passes on what it returns.

    Returns:
        The dtype, or `None`.

    Raises:
        TypeError: `dtype` is not a real floating-point dtype.
        ValueError: `dtype` is another dtype narrower than float32, or float64 while x64 is off.
    """
    if dtype is None:
        return None
    if isinstance(dtype, jax.Array | np.ndarray | np.generic):
        dtype = dtype.dtype
    try:
        accumulator = jnp.dtype(dtype)
    except TypeError:
        raise TypeError(
            f"accumulator_dtype is {dtype!r}; it must be None, jnp.float32, jnp.float64 or"
            f" jnp.bfloat16."
        ) from None
    if not jnp.issubdtype(accumulator, jnp.floating):
        raise TypeError(
            f"accumulator_dtype is {accumulator}; squares are accumulated in a real floating-point"
            f" dtype. Pass None, jnp.float32, jnp.float64 or jnp.bfloat16."
        )
    if accumulator.itemsize < 4 and accumulator != jnp.bfloat16:
        raise ValueError(
            f"accumulator_dtype is {accumulator}, which cannot hold the squares of usual gradients"
            f" (float16 ends at 65504 and begins at 6e-8). Pass jnp.bfloat16 for half the memory,"
            f" or None."
        )
    # JAX's answer is right also in a context that switches x64 on. JAX makes the attribute at run
    # time, so that type checkers do not know it.
    x64: bool = jax.config.jax_enable_x64  # pyright: ignore[reportAttributeAccessIssue]
    if accumulator.itemsize > 4 and not x64:
        raise ValueError(
            f"accumulator_dtype is {accumulator}, which JAX would silently make float32. Switch"
            f' float64 on first with jax.config.update("jax_enable_x64", True), or pass None.'
        )
    return accumulator


def is_narrow(dtype: np.dtype | None) -> bool:
    """Whether values are rounded stochastically when they are stored in this dtype."""
    return dtype is not None and dtype in (jnp.bfloat16, jnp.float16)


def squares_dtype(leaf: np.dtype, choice: np.dtype | None) -> np.dtype:
    """The dtype of an accumulator of squares for a leaf: the choice, or at least float32."""
    return choice if choice is not None else np.promote_types(real_dtype(leaf), np.float32)


def signed_accumulator_dtype(leaf: np.dtype, choice: np.dtype | None) -> np.dtype:
    """The dtype of a mean or a momentum for a leaf: `squares_dtype`, complex for a complex leaf."""
    real = squares_dtype(leaf, choice)
    return np.promote_types(real, np.complex64) if _is_complex(leaf) else real


def real_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype of the real part, which is float32 for complex64."""
    return jnp.finfo(dtype).dtype if _is_complex(dtype) else dtype


def widen(x: jax.Array, accumulator: np.dtype) -> jax.Array:
    """A gradient in the widest of its own dtype, the accumulator's and float32."""
    own = np.promote_types(x.dtype, np.float32)
    return lax.convert_element_type(x, np.promote_types(own, accumulator))


def narrow(x: jax.Array, dtype: np.dtype) -> jax.Array:
    """An update in the dtype of its gradient.

    float16 ends at 65504. A finite update beyond it saturates there instead of becoming infinite.
    An update that is not finite stays so, because `optax.apply_if_finite` has to see it.
    """
    if _is_complex(x.dtype):
        if _is_complex(dtype):
            if x.dtype == dtype:
                return x
            real, imaginary = (narrow(p, real_dtype(dtype)) for p in (lax.real(x), lax.imag(x)))
            return lax.complex(real, imaginary)
        x = lax.real(x)  # a real gradient of a complex parameter, whose mean or momentum is complex
    if jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).max < jnp.finfo(x.dtype).max:
        largest = lax.full_like(x, float(jnp.finfo(dtype).max))
        too_large = (lax.abs(x) > largest) & lax.is_finite(x)
        x = lax.select(too_large, lax.sign(x) * largest, x)
    return lax.convert_element_type(x, dtype)


def _is_complex(dtype: np.dtype) -> bool:
    return jnp.issubdtype(dtype, jnp.complexfloating)
