"""The coordinates that are looked at: a lattice of at most so many places in each array.

The lattice has about as many places along each axis.  A step of constant width through the flat
array would come back to the same column of a matrix again and again.  The places are known when a
program is traced, so that an array is read at these places alone, and no axis is reshaped, which
would gather an array that is divided over devices.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rmsprop._experimental import undivided
from rmsprop._precision import real_dtype
from rmsprop._trees import trained_dtype
from rmsprop._typing import Tree


def lattice(shape: tuple[int, ...], coordinates: int) -> tuple[int, ...]:
    """How many places are looked at along each axis, with a product of at most `coordinates`."""
    counts = [*shape]
    while math.prod(counts) > coordinates:
        axis = int(np.argmax(counts))
        others = math.prod(counts) // counts[axis]
        # At most halved at a time, so that other axes are shortened too.
        counts[axis] = max(coordinates // others, (counts[axis] + 1) // 2)
    return tuple(counts)


def sample(array: jax.Array, coordinates: int) -> jax.Array:
    """The array at the places of its lattice, of shape (places,) and its own dtype, undivided."""
    counts = lattice(array.shape, coordinates)
    steps = [size // count for size, count in zip(array.shape, counts, strict=True)]
    spans = [(count - 1) * step + 1 for count, step in zip(counts, steps, strict=True)]
    starts = [(size - span) // 2 for size, span in zip(array.shape, spans, strict=True)]
    ends = [start + span for start, span in zip(starts, spans, strict=True)]
    return undivided(lambda x: lax.slice(x, starts, ends, steps).reshape(-1), array)


def is_watched(parameter: Tree, path: tuple[Any, ...]) -> bool:
    """Whether there is something to look at: a number that is trained.

    Raises:
        TypeError: The parameter is no array.
    """
    where = "parameter" + jax.tree_util.keystr(path)
    return trained_dtype(parameter, lambda: where) is not None and np.size(parameter) > 0


def record_dtype(parameter: jax.Array) -> np.dtype:
    """Real, and at least float32."""
    own = jax.dtypes.canonicalize_dtype(jnp.result_type(parameter))
    return np.promote_types(real_dtype(own), np.float32)


def magnitudes(array: jax.Array, dtype: np.dtype) -> jax.Array:
    """The absolute values in a real dtype."""
    wide = array if jnp.iscomplexobj(array) else lax.convert_element_type(array, dtype)
    return lax.convert_element_type(lax.abs(wide), dtype)


def by_path(tree: Tree) -> dict[str, jax.Array]:
    """The arrays of a tree by their paths, as they are written in Python."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}
