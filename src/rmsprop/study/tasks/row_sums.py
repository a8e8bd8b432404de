"""Sums of some rows of a table: the linear layer of features such as words, few in an example."""

import jax
import jax.numpy as jnp
from jax import Array, lax


@jax.custom_vjp
def sum_of_rows(table: Array, numbers: Array) -> Array:
    """For each list of row numbers, the sum of these rows of a table.

    The equation is y_i = sum_j table[numbers_ij]. Only these rows are read. The one-line formulas
    suit an accelerator. On a CPU, what XLA compiles from them takes several times as long as loops
    that read or write in place, so there the sums and their gradient are computed in loops.

    Args:
        table: The table, shape (rows, columns).
        numbers: The row numbers, int32 of shape (n, k), at least 0. A number that is not below
            `rows` stands for no row.

    Returns:
        The sums, shape (n, columns). They have a gradient in `table`, in reverse mode only.

    Example:
        >>> table = jnp.array([[1.0], [10.0], [100.0]])
        >>> sum_of_rows(table, jnp.array([[0, 2], [1, 3]])).tolist()
        [[101.0], [10.0]]
    """
    return lax.platform_dependent(table, numbers, cpu=_take_in_turn, default=_take_at_once)


def _take_at_once(table: Array, numbers: Array) -> Array:
    return table.at[numbers].get(mode="fill", fill_value=0).sum(axis=1)


def _take_in_turn(table: Array, numbers: Array) -> Array:
    def take(position: Array, total: Array) -> Array:
        """The sums with the rows at one position of each list."""
        return total + table.at[numbers[:, position]].get(mode="fill", fill_value=0)

    zeros = jnp.zeros((len(numbers), table.shape[1]), table.dtype)
    return lax.fori_loop(0, numbers.shape[1], take, zeros)


def _add_at_once(table: Array, numbers: Array, summands: Array) -> Array:
    each = jnp.broadcast_to(summands[:, None], (*numbers.shape, summands.shape[1]))
    return table.at[numbers].add(each, mode="drop")


def _add_in_turn(table: Array, numbers: Array, summands: Array) -> Array:
    width = numbers.shape[1]
    # "No row" is one more row at the end here, so that the loop needs no condition.
    extended = jnp.pad(table, ((0, 1), (0, 0)))
    numbers = jnp.minimum(numbers, len(table))

    def add(position: Array, total: Array) -> Array:
        """The table with one summand added to one row."""
        example, word = jnp.divmod(position, width)
        return total.at[numbers[example, word]].add(summands[example], mode="promise_in_bounds")

    return lax.fori_loop(0, numbers.size, add, extended)[:-1]


def _sum_of_rows_forward(table: Array, numbers: Array) -> tuple[Array, tuple[Array, Array]]:
    return sum_of_rows(table, numbers), (table, numbers)


def _sum_of_rows_backward(residuals: tuple[Array, Array], gradient: Array) -> tuple[Array, None]:
    table, numbers = residuals
    zeros = jnp.zeros_like(table)
    of_table = lax.platform_dependent(
        zeros, numbers, gradient, cpu=_add_in_turn, default=_add_at_once
    )
    return of_table, None


sum_of_rows.defvjp(_sum_of_rows_forward, _sum_of_rows_backward)
