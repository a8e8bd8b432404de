"""The devices of the rows: a table that is sharded by rows stays so."""

from collections.abc import Callable

import jax
import jax.core
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike

from rmsprop._experimental import sharded_like
from rmsprop._typing import Tree


def one_a_row(table: jax.Array, dtype: DTypeLike) -> jax.Array:
    """Zeros of shape (rows,), on the devices of the table's rows."""
    traced = isinstance(table, jax.core.Tracer)
    sharding = _explicit_sharding(table) if traced else getattr(table, "sharding", None)
    if isinstance(sharding, jax.sharding.NamedSharding):
        spec = jax.sharding.PartitionSpec(*sharding.spec[:1])
        sharding = jax.sharding.NamedSharding(sharding.mesh, spec)
    else:
        sharding = None
    zeros = jnp.zeros(table.shape[:1], dtype, device=sharding)
    return sharded_like(_first_column(table) if traced else sharding, zeros)


def model_of_rows(table: jax.Array, dtype: DTypeLike) -> jax.Array:
    """An array of shape (rows,), on the devices of the table's rows, whose values are of no use."""
    if not isinstance(table, jax.core.Tracer):
        return one_a_row(table, dtype)
    return lax.convert_element_type(lax.abs(_first_column(table)), dtype)


def _first_column(table: jax.Array) -> jax.Array:
    """One number of each row. XLA takes its devices from the table, and does not compute it."""
    if 0 in table.shape:  # rows of no numbers
        return jnp.zeros(table.shape[:1], table.dtype)
    return table[(slice(None), *(0,) * (table.ndim - 1))]


def partitioned(function: Callable[..., Tree], like: Tree, table: jax.Array, *rest: Tree) -> Tree:
    """`function(table, *rest)`, sharded as the tree `like`, also where shardings are explicit.

    JAX cannot tell how the result of a scatter into sharded rows is sharded. XLA can: each device
    keeps its rows, and no more than the rows of the batch is exchanged.
    """
    sharding = _explicit_sharding(table)
    if sharding is None or not hasattr(jax.sharding, "auto_axes"):  # JAX before 0.7
        return function(table, *rest)
    replicated = jax.sharding.NamedSharding(sharding.mesh, jax.sharding.PartitionSpec())
    shardings = jax.tree.map(lambda x: _explicit_sharding(x) or replicated, like)
    return jax.sharding.auto_axes(function, out_sharding=shardings)(table, *rest)


def gathered_like(table: jax.Array, ids: jax.Array) -> jax.ShapeDtypeStruct:
    """The shape, dtype and sharding of the rows with these ids."""
    shape = ids.shape + table.shape[1:]
    sharding = _explicit_sharding(table)
    if sharding is not None:
        of_ids = _explicit_sharding(ids)
        spec = (
            [None] * ids.ndim if of_ids is None else [*of_ids.spec, *[None] * ids.ndim][: ids.ndim]
        )
        spec = jax.sharding.PartitionSpec(*spec, *sharding.spec[1:])
        sharding = jax.sharding.NamedSharding(sharding.mesh, spec)
    return jax.ShapeDtypeStruct(shape, table.dtype, sharding=sharding)


def _explicit_sharding(
    array: jax.Array | jax.ShapeDtypeStruct,
) -> jax.sharding.NamedSharding | None:
    """The sharding that is part of an array's type, on a mesh with explicit axes; or None."""
    if isinstance(array, jax.ShapeDtypeStruct):
        return array.sharding
    sharding = getattr(jax.typeof(array), "sharding", None)
    types = getattr(getattr(sharding, "mesh", None), "axis_types", ())
    return sharding if jax.sharding.AxisType.Explicit in types else None
