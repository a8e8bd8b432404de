"""Steps of a table at the cost of the rows touched, against dense Optax steps of the whole table.

Every step has new random ids, so that rows come from memory and not from a cache.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rmsprop import rows

WIDTH = 64
TOUCHED = 4096

OPTIMIZERS = {
    "RMSprop": lambda: rows.rmsprop(1e-3),
    "RMSprop, centered": lambda: rows.rmsprop(1e-3, centered=True),
    "RMSprop, row-wise": lambda: rows.rmsprop(1e-3, row_wise=True),
    "RMSprop, lazy": lambda: rows.rmsprop(1e-3, semantics="lazy"),
    "AdaGrad": lambda: rows.adagrad(1e-3),
    "AdaGrad, row-wise": lambda: rows.adagrad(1e-3, row_wise=True),
}


class _Dense:
    """`optax.rmsprop` and `apply_updates`, table and state donated."""

    def __init__(self, table_rows):
        optimizer = optax.rmsprop(1e-3)

        def step(table, state, gradient):
            updates, state = optimizer.update(gradient, state)
            return optax.apply_updates(table, updates), state

        table = jnp.ones((table_rows, WIDTH))
        self.gradient = jnp.full_like(table, 0.1)
        self.step = jax.jit(step, donate_argnums=(0, 1))
        self.carry = table, optimizer.init(table)

    def __call__(self):
        self.carry = jax.block_until_ready(self.step(*self.carry, self.gradient))


class _Sparse:
    """A step of this library, with the ids of the next of some batches."""

    def __init__(self, optimizer, table_rows, touched, *, distinct=True):
        rng = np.random.default_rng(0)
        draw = functools.partial(rng.choice, table_rows, touched, replace=not distinct)
        batches = [jnp.asarray(draw(), jnp.int32) for _ in range(16)]
        self.ids = itertools.cycle(batches)
        self.gradients = jnp.asarray(rng.normal(size=(touched, WIDTH)), jnp.float32)
        table = jnp.ones((table_rows, WIDTH))
        carry = table, optimizer.init(table)
        step = jax.jit(optimizer.step, donate_argnums=(0, 1))
        self.compiled = step.lower(*carry, batches[0], self.gradients).compile()
        self.carry = carry

    def __call__(self):
        batch = next(self.ids), self.gradients
        self.carry = jax.block_until_ready(self.compiled(*self.carry, *batch))


def test_a_million_rows(race):
    contenders = {"Optax, dense": _Dense(1_000_000)}
    for name, make in OPTIMIZERS.items():
        contenders[name] = _Sparse(make(), 1_000_000, TOUCHED)
    contenders["RMSprop, repeated ids"] = _Sparse(
        rows.rmsprop(1e-3), 1_000_000, TOUCHED, distinct=False
    )
    title = f"1,000,000 rows of {WIDTH}, {TOUCHED} touched"
    race(title, contenders, rounds=40, unit="step")


@pytest.mark.parametrize("table_rows", [10_000, 100_000, 1_000_000])
def test_a_tenth_of_the_rows(race, table_rows):
    contenders = {
        "Optax, dense": _Dense(table_rows),
        "RMSprop": _Sparse(rows.rmsprop(1e-3), table_rows, table_rows // 10),
        "AdaGrad": _Sparse(rows.adagrad(1e-3), table_rows, table_rows // 10),
    }
    race(f"{table_rows:,} rows, a tenth touched", contenders, rounds=30, unit="step")


def test_tables_of_every_size(race):
    """The same rows touched in larger and larger tables: what grows are cache misses alone."""
    contenders = {
        f"{table_rows:,} rows": _Sparse(rows.rmsprop(1e-3), table_rows, 1000)
        for table_rows in (10_000, 100_000, 1_000_000)
    }
    race("1,000 rows touched", contenders, rounds=60, unit="step")
