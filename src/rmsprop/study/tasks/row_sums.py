"""Sums of the rows of a table, for features of which each example has few: words, categories."""

import jax
import jax.numpy as jnp
from jax import Array, lax


@jax.custom_vjp
def sum_of_rows(table: Array, numbers: Array) -> Array:
    """For each list of row numbers, the sum of these rows of a table.

    Only the rows named are read. What XLA makes for a CPU of the one-line formulas, which are right
    for an accelerator, takes several times as long as plain loops that read or write in place.

    Args:
        table: of shape (rows, columns).
        numbers: int32 of shape (n, k), not negative; what is not below `rows` counts as no row.

    Returns:
        Array of shape (n, columns). It has a gradient in `table`, in reverse mode only.
    """
    return lax.platform_dependent(table, numbers, cpu=_take_in_turn, default=_take_at_once)


def _take_at_once(table: Array, numbers: Array) -> Array:
    return table.at[numbers].get(mode="fill", fill_value=0).sum(axis=1)


def _take_in_turn(table: Array, numbers: Array) -> Array:
    def take(position: Array, total: Array) -> Array:
        return total + table.at[numbers[:, position]].get(mode="fill", fill_value=0)

    nothing = jnp.zeros((len(numbers), table.shape[1]), table.dtype)
    return lax.fori_loop(0, numbers.shape[1], take, nothing)


def _add_at_once(table: Array, numbers: Array, added: Array) -> Array:
    each = jnp.broadcast_to(added[:, None], (*numbers.shape, added.shape[1]))
    return table.at[numbers].add(each, mode="drop")


def _add_in_turn(table: Array, numbers: Array, added: Array) -> Array:
    width = numbers.shape[1]
    # "No row" is one more row here, so that the loop has nothing to ask.
    longer = jnp.pad(table, ((0, 1), (0, 0)))
    numbers = jnp.minimum(numbers, len(table))

    def add(position: Array, longer: Array) -> Array:
        example, word = jnp.divmod(position, width)
        return longer.at[numbers[example, word]].add(added[example], mode="promise_in_bounds")

    return lax.fori_loop(0, numbers.size, add, longer)[:-1]


def _sum_of_rows_forward(table: Array, numbers: Array) -> tuple[Array, tuple[Array, Array]]:
    return sum_of_rows(table, numbers), (table, numbers)


def _sum_of_rows_backward(residuals: tuple[Array, Array], gradient: Array) -> tuple[Array, None]:
    table, numbers = residuals
    zeros = jnp.zeros_like(table)
    added = lax.platform_dependent(zeros, numbers, gradient, cpu=_add_in_turn, default=_add_at_once)
    return added, None


sum_of_rows.defvjp(_sum_of_rows_forward, _sum_of_rows_backward)
