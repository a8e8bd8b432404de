"""In which dtype things are kept: accumulators, the arithmetic between them, and the update.

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
        dtype: `None` (at least float32, by the parameter), `jnp.float32`, `jnp.float64` or
            `jnp.bfloat16`.

    Returns:
        The dtype, or `None`.

    Raises:
        TypeError: for anything that is not a real floating-point dtype.
        ValueError: for other dtypes narrower than float32, and for float64 while x64 is off.
    """
    if dtype is None:
        return None
    try:
        wanted = jnp.dtype(dtype)
    except TypeError:
        raise TypeError(
            f"accumulator_dtype is {dtype!r}; it must be None, jnp.float32, jnp.float64 or"
            f" jnp.bfloat16."
        ) from None
    if not jnp.issubdtype(wanted, jnp.floating):
        raise TypeError(
            f"accumulator_dtype is {wanted}; squares are accumulated in a real floating-point"
            f" dtype. Pass None, jnp.float32, jnp.float64 or jnp.bfloat16."
        )
    if wanted.itemsize < 4 and wanted != jnp.bfloat16:
        raise ValueError(
            f"accumulator_dtype is {wanted}, which cannot hold the squares of usual gradients"
            f" (float16 ends at 65504 and begins at 6e-8). Pass jnp.bfloat16 for half the memory,"
            f" or None."
        )
    # As JAX says it, also within a context that switches it on; made at run time, hence unknown.
    x64: bool = jax.config.jax_enable_x64  # pyright: ignore[reportAttributeAccessIssue]
    if wanted.itemsize > 4 and not x64:
        raise ValueError(
            f"accumulator_dtype is {wanted}, which JAX would silently make float32. Switch it on"
            f' first with jax.config.update("jax_enable_x64", True), or pass None.'
        )
    return wanted


def is_narrow(dtype: np.dtype | None) -> bool:
    """Whether what is stored in this dtype is to be rounded stochastically."""
    return dtype is not None and dtype in (jnp.bfloat16, jnp.float16)


def squares_dtype(leaf: np.dtype, wanted: np.dtype | None) -> np.dtype:
    """The dtype of an accumulator of squares for a leaf: what is wanted, else at least float32."""
    return wanted if wanted is not None else np.promote_types(real_dtype(leaf), np.float32)


def signed_accumulator_dtype(leaf: np.dtype, wanted: np.dtype | None) -> np.dtype:
    """As `squares_dtype`, for a mean or a momentum: complex where the leaf is complex."""
    real = squares_dtype(leaf, wanted)
    return np.promote_types(real, np.complex64) if _is_complex(leaf) else real


def real_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype of the real part: complex64 has float32."""
    return jnp.finfo(dtype).dtype if _is_complex(dtype) else dtype


def widen(x: jax.Array, accumulator: np.dtype) -> jax.Array:
    """A gradient in the precision of the arithmetic: its own, the accumulator's, or float32."""
    at_least = np.promote_types(x.dtype, np.float32)
    return lax.convert_element_type(x, np.promote_types(at_least, accumulator))


def narrow(x: jax.Array, dtype: np.dtype) -> jax.Array:
    """An update in the dtype of its gradient.

    float16 ends at 65504, which a finite update may pass; it saturates there instead of becoming
    infinite. What is not finite stays so, for `optax.apply_if_finite` has to see it.
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
