"""Orders of the rows of a data set: which are for training, validation and test, and in which turn.

An order reads row (a * i + b) mod n at position i, where n is the number of rows, and a and b are
random numbers, a coprime to n. This map is a permutation. It costs a few integer operations for the
rows that are read, where a shuffle would sort all n rows. The rows of the data are in a random
order already. The product a * i must fit into 32 bits, so a is below min(n, 2^32 / n), which leaves
thousands of orders for 2^18 rows.

The seed of a run draws one order of all rows: the first positions are for training, the next for
validation and the last for test. Each epoch draws an order of the positions for training.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from rmsprop.study.problems import Params

# Above, few multipliers would be left.
LARGEST = 2**20


class Model(NamedTuple):
    """What a task with data calls its parameters: those of its network, and its split of the data.

    Attributes:
        params: The tree that is trained.
        split: Integers, which are not trained: the order of the rows that `order_of` draws, or
            where a text begins.
    """

    params: Params
    split: Array


def order_of(key: Array, count: int) -> Array:
    """Draws an order of rows: the multiplier a and the shift b, uint32 of shape (2,).

    Args:
        key: The key that decides the order.
        count: The number of rows n, from 1 to 2^20 - 1.

    Raises:
        ValueError: `count` is out of range.

    Example:
        >>> order = order_of(jax.random.key(0), 6)
        >>> sorted(rows_at(order, jnp.arange(6), 6).tolist())
        [0, 1, 2, 3, 4, 5]
    """
    if not 1 <= count < LARGEST:
        raise ValueError(f"count is {count}; it must be from 1 to {LARGEST - 1} rows.")
    multipliers = np.flatnonzero(np.gcd(np.arange(min(count, 2**32 // count)), count) == 1)
    first, second = jax.random.bits(key, (2,), jnp.uint32)
    a = jnp.asarray(multipliers, jnp.uint32)[first % len(multipliers)]
    return jnp.stack([a, second % count])


def rows_at(order: Array, positions: Array, count: int) -> Array:
    """The rows (a * i + b) mod `count` at some positions i of an order.

    Args:
        order: The order, as `order_of` draws it for `count` rows.
        positions: Integers of any shape, from 0 to `count` - 1.
        count: The number of rows.

    Returns:
        The numbers of the rows, int32, as many as positions.
    """
    a, b = order
    return ((a * positions.astype(jnp.uint32) % count + b) % count).astype(jnp.int32)
