"""Checks of the shapes and dtypes of table, ids, gradients and state while a step is traced."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from rmsprop._precision import checked_accumulator_dtype, is_narrow
from rmsprop._typing import Tree


def check_table(table: jax.Array) -> None:
    """Refuses an object that cannot be a table of parameters.

    Raises:
        TypeError: The table is not a floating-point or complex array.
        ValueError: The table has no rows.
    """
    dtype = getattr(table, "dtype", None)
    if dtype is None or not jnp.issubdtype(dtype, jnp.inexact):
        kind = f"has dtype {dtype}" if dtype is not None else f"is a {type(table).__name__}"
        raise TypeError(
            f"the table {kind}; it must be one array of floating-point or complex numbers, whose"
            f" first axis counts the rows. Keep one state for each table, and optimize what is not"
            f" a table with the dense optimizer."
        )
    if table.shape[:1] in ((), (0,)):
        raise ValueError(
            f"the table has shape {table.shape}; its first axis must count the rows, and there must"
            f" be one at least. Pass an array of shape (rows, ...)."
        )


def check_batch(table: jax.Array, ids: jax.Array, gradients: jax.Array) -> None:
    """Refuses ids and gradients that do not fit each other or the table.

    Raises:
        TypeError: The ids are not integers, or the gradients cannot be those of the table.
        ValueError: The shape of the gradients is not that of the ids followed by that of a row, or
            there are too many rows and ids to count in int32.
    """
    check_ids(ids)
    expected = ids.shape + table.shape[1:]
    if gradients.shape != expected:
        raise ValueError(
            f"row_gradients has shape {gradients.shape}; for ids of shape {ids.shape} and a table"
            f" of shape {table.shape} it must be {expected}: one row for each id. Take gradients"
            f" with rmsprop.rows.value_and_grad, not of the whole table."
        )
    dtype = gradients.dtype
    real_table = not jnp.issubdtype(table.dtype, jnp.complexfloating)
    if not jnp.issubdtype(dtype, jnp.floating if real_table else jnp.inexact):
        raise TypeError(
            f"row_gradients has dtype {dtype}, which cannot be that of the gradient of a"
            f" {table.dtype} table. Pass the gradient of a real loss with respect to the gathered"
            f" rows."
        )
    if table.shape[0] + ids.size > np.iinfo(np.int32).max:
        raise ValueError(
            f"the table has {table.shape[0]} rows and the batch {ids.size} ids; together they must"
            f" stay below 2**31, for rows are counted in int32. Split the table."
        )


def check_ids(ids: jax.Array) -> None:
    """Refuses ids that are not integers.

    Raises:
        TypeError: The ids have another dtype.
    """
    if not jnp.issubdtype(ids.dtype, jnp.integer):
        raise TypeError(
            f"ids has dtype {ids.dtype}; rows are chosen by integers. Convert a mask with"
            f" jnp.flatnonzero(mask, size=...), and round floats before they are cast."
        )


def check_same_rows(dense: Tree, seen: jax.Array | None, shape: tuple[int, ...]) -> None:
    """Refuses a state that was made for another table.

    Raises:
        ValueError: An array of the state is neither a count nor of the table's shape.
    """
    for path, leaf in jax.tree_util.tree_flatten_with_path(dense)[0]:
        if np.shape(leaf) not in ((), shape):
            raise ValueError(
                f"dense{jax.tree_util.keystr(path)} of the state has shape {np.shape(leaf)}, but"
                f" this table needs {shape}. Use the state that init() made for this table, with"
                f" the same options."
            )
    if seen is not None and np.shape(seen) != shape[:1]:
        raise ValueError(
            f"seen of the state has shape {np.shape(seen)}, but this table needs {shape[:1]}. Use"
            f" the state that init() made for this table."
        )


def check_accumulators(dtype: DTypeLike | None) -> DTypeLike | None:
    """Refuses bfloat16, in which a row cannot catch up because `decay**missed` is rounded.

    Raises:
        ValueError: The dtype is bfloat16.
    """
    if is_narrow(checked_accumulator_dtype(dtype)):
        raise ValueError(
            "accumulator_dtype is bfloat16; the accumulators of a table are at least float32,"
            " because each row multiplies its own by decay**missed. Pass None, or row_wise=True,"
            " which keeps one number a row."
        )
    return dtype
