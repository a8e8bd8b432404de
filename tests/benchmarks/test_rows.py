"""Steps of a table at the cost of the rows touched, against dense Optax steps of the whole table.

Every step has new random ids, so that rows come from memory and not from a cache. The dense step is
timed twice: from the ids and the gradients of their rows, as this library's, so that it makes the
gradient of the whole table first, as `jax.grad` of a lookup does; and from a dense gradient that
somebody has made already.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import trees

from rmsprop import rows

WIDTH = 64
ON_CPU = jax.default_backend() == "cpu"
# Rows of the table, and of them touched.
LARGE = {
    "small": (100_000, 4096),
    "usual": (1_000_000, 4096),
    "full": (1_000_000, 4096) if ON_CPU else (10_000_000, 8192),
}
TENTHS = {"small": (10_000,), "usual": (10_000, 100_000, 1_000_000)}
TENTHS["full"] = TENTHS["usual"]
TOUCHED = 1000  # of the tables that are raced against each other
TABLES = {
    "small": (10_000, 100_000),
    "usual": (10_000, 100_000, 1_000_000),
    "full": (10_000, 100_000, 1_000_000, 10_000_000),
}

OPTIMIZERS = {
    "RMSprop": lambda: rows.rmsprop(1e-3),
    "RMSprop, centered": lambda: rows.rmsprop(1e-3, centered=True),
    "RMSprop, row-wise": lambda: rows.rmsprop(1e-3, row_wise=True),
    "RMSprop, lazy": lambda: rows.rmsprop(1e-3, semantics="lazy"),
    "AdaGrad": lambda: rows.adagrad(1e-3),
    "AdaGrad, row-wise": lambda: rows.adagrad(1e-3, row_wise=True),
}


def _batches(table_rows, touched, *, distinct=True):
    """The ids of 16 batches, and the gradients of the rows."""
    rng = np.random.default_rng(0)
    draw = functools.partial(rng.choice, table_rows, touched, replace=not distinct)
    ids = [jnp.asarray(draw(), jnp.int32) for _ in range(16)]
    return ids, jnp.asarray(rng.normal(size=(touched, WIDTH)), jnp.float32)


def _dense_step(table, state, gradient):
    """Of `optax.rmsprop`."""
    updates, state = optax.rmsprop(1e-3).update(gradient, state)
    return optax.apply_updates(table, updates), state


def _dense_step_from_rows(table, state, ids, row_gradients):
    return _dense_step(table, state, jnp.zeros_like(table).at[ids].add(row_gradients))


class _Dense:
    """`optax.rmsprop` and `apply_updates`, table and state donated."""

    def __init__(self, table_rows, touched=None):
        table = jnp.ones((table_rows, WIDTH))
        if touched is None:
            self.ids, self.gradient = None, jnp.full_like(table, 0.1)
            self.step = jax.jit(_dense_step, donate_argnums=(0, 1))
        else:
            ids, self.gradient = _batches(table_rows, touched)
            self.ids = itertools.cycle(ids)
            self.step = jax.jit(_dense_step_from_rows, donate_argnums=(0, 1))
        self.carry = table, optax.rmsprop(1e-3).init(table)

    def __call__(self):
        batch = (self.gradient,) if self.ids is None else (next(self.ids), self.gradient)
        self.carry = jax.block_until_ready(self.step(*self.carry, *batch))


class _Sparse:
    """A step of this library, with the ids of the next of some batches."""

    def __init__(self, optimizer, table_rows, touched, *, distinct=True):
        ids, self.gradients = _batches(table_rows, touched, distinct=distinct)
        self.ids = itertools.cycle(ids)
        table = jnp.ones((table_rows, WIDTH))
        carry = table, optimizer.init(table)
        step = jax.jit(optimizer.step, donate_argnums=(0, 1))
        self.compiled = step.lower(*carry, ids[0], self.gradients).compile()
        self.carry = carry

    def __call__(self):
        batch = next(self.ids), self.gradients
        self.carry = jax.block_until_ready(self.compiled(*self.carry, *batch))


def in_one_program(size):
    """Contenders that take a step for each of 16 batches in one program, and their number."""
    table_rows, touched = LARGE[size]
    batches, gradients = _batches(table_rows, touched)

    def contender(step, init):
        def steps(table, state, batches, gradients):
            def one(carry, ids):
                return step(*carry, ids, gradients), None

            return jax.lax.scan(one, (table, state), batches)[0]

        table = jnp.ones((table_rows, WIDTH))
        program = jax.jit(steps, donate_argnums=(0, 1))
        return trees.Step(program, (table, init(table)), jnp.stack(batches), gradients)

    dense = contender(_dense_step_from_rows, optax.rmsprop(1e-3).init)
    contenders = {"Optax, dense, from row gradients": dense}
    for name, make in OPTIMIZERS.items():
        contenders[name] = contender(make().step, make().init)
    return contenders, len(batches)


def test_a_large_table(race, size):
    table_rows, touched = LARGE[size]
    contenders = {
        "Optax, dense, from row gradients": _Dense(table_rows, touched),
        "Optax, dense, gradient given": _Dense(table_rows),
    }
    for name, make in OPTIMIZERS.items():
        contenders[name] = _Sparse(make(), table_rows, touched)
    contenders["RMSprop, repeated ids"] = _Sparse(
        rows.rmsprop(1e-3), table_rows, touched, distinct=False
    )
    title = f"{table_rows:,} rows of {WIDTH}, {touched} touched"
    race(title, contenders, rounds=40, unit="step")


@pytest.fixture
def in_this_size(size):
    """The table of that number, of those raced in this size of the benchmarks; or skips."""

    def table_of(tables, number):
        if number >= len(tables[size]):
            pytest.skip("a table of this size is not raced in this size of the benchmarks")
        return tables[size][number]

    return table_of


@pytest.mark.parametrize("number", range(3))
def test_a_tenth_of_the_rows(race, in_this_size, number):
    table_rows = in_this_size(TENTHS, number)
    contenders = {
        "Optax, dense, gradient given": _Dense(table_rows),
        "RMSprop": _Sparse(rows.rmsprop(1e-3), table_rows, table_rows // 10),
        "AdaGrad": _Sparse(rows.adagrad(1e-3), table_rows, table_rows // 10),
    }
    race(f"{table_rows:,} rows, a tenth touched", contenders, rounds=30, unit="step")


@pytest.mark.parametrize("number", range(4))
def test_dense_and_rows_as_tables_grow(race, in_this_size, number):
    """The dense step grows with the table, this one does not. A race each, for want of memory."""
    table_rows = in_this_size(TABLES, number)
    contenders = {
        "Optax, dense, from row gradients": _Dense(table_rows, TOUCHED),
        "RMSprop": _Sparse(rows.rmsprop(1e-3), table_rows, TOUCHED),
    }
    race(f"{table_rows:,} rows, {TOUCHED:,} touched", contenders, rounds=10, unit="step")


def test_rows_as_tables_grow(race, size):
    """The same rows touched in larger and larger tables: what grows are cache misses alone."""
    contenders = {
        f"{table_rows:,} rows": _Sparse(rows.rmsprop(1e-3), table_rows, TOUCHED)
        for table_rows in TABLES[size]
    }
    race(f"{TOUCHED:,} rows touched", contenders, rounds=60, unit="step")
