"""Any ids, shapes, dtypes and gradients: what a batch may hold."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from row_runs import (
    BATCH,
    EVERY,
    KINDS,
    ROWS,
    WIDTH,
    dense_gradient,
    every_kind,
    jitted,
)

import rmsprop
from rmsprop import rows


@settings(max_examples=60, deadline=None)
@given(
    ids=st.lists(st.integers(-3, ROWS + 3), min_size=BATCH, max_size=BATCH),
    name=st.sampled_from(["exact", "centered", "AdaGrad"]),
    seed=st.integers(0, 2**31),
)
def test_any_batch_of_ids(ids, name, seed):
    rng = np.random.default_rng(seed)
    table, ids = rng.normal(size=(ROWS, WIDTH)).astype(np.float32), np.array(ids, np.int32)
    gradients = rng.normal(size=(BATCH, WIDTH)).astype(np.float32)
    dense = {
        "exact": rmsprop.rmsprop(0.1),
        "centered": rmsprop.rmsprop(0.1, centered=True),
        "AdaGrad": rmsprop.adagrad(0.1),
    }[name]
    expected, _ = dense.update(jnp.asarray(dense_gradient(ids, gradients)), dense.init(table))
    found, _ = jitted(name)(table, EVERY[name].init(table), ids, gradients)
    # Sums of up to 8 numbers, in which half a unit in the last place is lost at each.
    np.testing.assert_allclose(found, table + np.asarray(expected), atol=2e-5, rtol=1e-6)
    untouched = np.setdiff1d(np.arange(ROWS), ids)
    np.testing.assert_array_equal(found[untouched], table[untouched])


def _together(*optimizers):
    """A step of each of these optimizers, with its table and state, in one compiled program."""

    @jax.jit
    def step(tables, states, ids, gradients):
        parts = zip(optimizers, tables, states, strict=True)
        return [x.step(table, state, ids, gradients) for x, table, state in parts]

    return step


@pytest.mark.parametrize("count", [0, 5])
def test_batches_of_every_size(count, small_chunks):
    """Also none at all, which is a step in which no row is touched."""
    optimizers, table = [EVERY[name] for name in KINDS], jnp.ones((ROWS, WIDTH))
    ids, gradients = jnp.arange(count), jnp.ones((count, WIDTH))
    states = [optimizer.init(table) for optimizer in optimizers]
    together = _together(*optimizers)([table] * len(states), states, ids, gradients)
    for state, (after, state_after) in zip(states, together, strict=True):
        _check_batch(count, state, after, state_after)


def _check_batch(count, state, after, state_after):
    chex.assert_trees_all_equal_shapes_and_dtypes(state_after, state)
    assert (np.asarray(after[:count]) < 1).all()
    assert (np.asarray(after[count:]) == 1).all()
    if state.count is not None:
        assert state_after.count == 1
        np.testing.assert_array_equal(state_after.seen, np.arange(ROWS) < count)
    counts = [x for x in jax.tree.leaves(state_after.dense) if x.ndim == 0]
    assert all(x == 1 for x in counts)


def test_duplicates_are_added_before_they_are_squared():
    optimizer = rows.adagrad(1.0, 0.0, 0.0)
    table = jnp.zeros((4, 1))
    step = functools.partial(optimizer.step, table, optimizer.init(table), jnp.array([2, 0, 2]))
    _, state = step(jnp.array([[3.0], [1.0], [4.0]]))
    np.testing.assert_array_equal(state.dense[0].sum_of_squares[:, 0], [1, 0, 49, 0])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint32, np.int64])
def test_ids_of_every_dtype(dtype, x64):
    """Compared before they are narrowed: 2**32 is not row 0, and -1 not the last row."""
    optimizer, table = rows.adagrad(1.0), jnp.ones((300, 1))
    step = jax.jit(optimizer.step)
    last = np.iinfo(dtype).max
    ids = np.array([3, 0, last, last - 1], dtype)
    if dtype == np.int64:
        ids = np.array([3, 0, 2**32, 2**32 + 7], dtype)
    after, _ = step(table, optimizer.init(table), ids, np.ones((4, 1), np.float32))
    moved = [0, 3] + [int(i) for i in ids[2:] if i < 300]
    assert set(np.flatnonzero(np.asarray(after)[:, 0] < 1)) == set(moved)
    if np.iinfo(dtype).min < 0:
        minus = np.array([-1, -100, np.iinfo(dtype).min, 5], dtype)
        after, _ = step(table, optimizer.init(table), minus, np.ones((4, 1), np.float32))
        assert np.flatnonzero(np.asarray(after)[:, 0] < 1).tolist() == [5]
        np.testing.assert_array_equal(rows.gather(table, minus)[:, 0], [0, 0, 0, 1])


@pytest.mark.parametrize("shape", [(7,), (7, 2, 3), (7, 0)])
@pytest.mark.parametrize("name", ["corrected", "row-wise"])
def test_tables_of_every_rank(name, shape):
    table = jnp.ones(shape)
    optimizer = EVERY[name]
    state = optimizer.init(table)
    ids = jnp.array([[3, 3], [-1, 1]])
    gradients = rows.gather(table, ids)
    assert gradients.shape == (2, 2, *shape[1:])
    after, state_after = jitted(name)(table, state, ids, gradients)
    chex.assert_trees_all_equal_shapes_and_dtypes((after, state_after), (table, state))
    assert np.isfinite(after).all()
    if after.size:
        assert set(np.unique(np.nonzero(np.asarray(after) != 1)[0])) == {1, 3}


@pytest.mark.parametrize(
    "name",
    [name if name in KINDS else pytest.param(name, marks=pytest.mark.slow) for name in EVERY],
)
@pytest.mark.parametrize(
    ("dtype", "accumulator"),
    [
        (jnp.float16, jnp.float32),
        (jnp.bfloat16, jnp.float32),
        (jnp.float32, jnp.float32),
        (jnp.float64, jnp.float64),
        (jnp.complex64, jnp.float32),
    ],
)
@pytest.mark.parametrize("gradient", [jnp.float16, jnp.float32])
def test_dtypes(name, dtype, accumulator, gradient, x64):
    """The state is at least float32 and real, and never changes; neither does the table."""
    optimizer, table = EVERY[name], jnp.ones((5, 2), dtype)
    state = optimizer.init(table)
    floats = [x for x in jax.tree.leaves(state.dense) if x.dtype.kind == "f"]
    assert floats
    assert all(x.dtype == accumulator for x in floats)
    ids, gradients = jnp.array([1, 3, 1]), jnp.ones((3, 2), gradient)
    after, state_after = jax.eval_shape(optimizer.step, table, state, ids, gradients)
    chex.assert_trees_all_equal_shapes_and_dtypes((after, state_after), (table, state))
    flushed = jax.eval_shape(optimizer.flush, state_after)
    chex.assert_trees_all_equal_shapes_and_dtypes(flushed, state)


def test_complex_rows(rng, x64):
    """|g|^2, as the dense optimizers have it."""
    g = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
    table, ids = jnp.zeros((5, 2), complex), jnp.array([4, 0, 2])
    optimizer = rows.adagrad(1.0, 0.0, 0.0)
    after, _ = jax.jit(optimizer.step)(table, optimizer.init(table), ids, g)
    np.testing.assert_allclose(after[ids], -g / np.abs(g), rtol=1e-14)
    optimizer = rows.adagrad(1.0, 0.0, 0.0, row_wise=True)
    after, _ = jax.jit(optimizer.step)(table, optimizer.init(table), ids, g)
    size = np.sqrt(np.mean(np.abs(g) ** 2, axis=1, keepdims=True))
    np.testing.assert_allclose(after[ids], -g / size, rtol=1e-14)


def test_a_half_precision_table_is_rounded_once(rng):
    """The sum of its duplicates, the step and the table's row are float32 in between."""
    table = jnp.asarray(rng.normal(size=(5, 2000)), jnp.bfloat16)
    gradients = jnp.asarray(rng.normal(size=(16, 2000)), jnp.bfloat16)
    optimizer = rows.rmsprop(0.1)
    step = jax.jit(optimizer.step)
    after, _ = step(table, optimizer.init(table), jnp.zeros(16, jnp.int32), gradients)
    g = np.asarray(gradients, np.float64).sum(0)
    expected = np.asarray(table[0], np.float64) - 0.1 * g / np.sqrt(0.1 * g**2 + 1e-8)
    rounded = jnp.asarray(expected, jnp.float32).astype(jnp.bfloat16)
    # A few are so near the middle of two that float32 decides; rounded twice, a quarter differ.
    assert np.mean(np.asarray(after[0] != rounded)) < 0.01


def test_a_zero_gradient_moves_nothing():
    optimizers = (
        rows.rmsprop(0.1, eps=0.0),
        rows.rmsprop(0.1, eps=0.0, centered=True),
        rows.rmsprop(0.1, eps=0.0, row_wise=True),
        rows.adagrad(0.1, 0.0, 0.0),
        rows.adagrad(0.1, 0.0, 0.0, row_wise=True),
    )
    table = jnp.ones((3, 2), jnp.float16)
    tables, states = [table] * len(optimizers), [x.init(table) for x in optimizers]
    step = _together(*optimizers)
    for _ in range(3):
        tables, states = zip(
            *step(tables, states, jnp.array([0, 2]), jnp.zeros((2, 2), jnp.float16)), strict=True
        )
        for after in tables:
            np.testing.assert_array_equal(after, np.ones((3, 2)))
    for state in states:
        assert all(np.isfinite(x).all() for x in jax.tree.leaves(state))


def test_the_square_may_overflow_and_the_step_not():
    """Its length is that of any other first step: lr / sqrt(1 - decay), and lr for AdaGrad."""
    optimizers, lengths = [], []
    for row_wise in (False, True):
        optimizers.append(rows.rmsprop(0.1, 0.9, 0.0, row_wise=row_wise))
        optimizers.append(rows.adagrad(0.1, 0.0, 0.0, row_wise=row_wise))
        lengths += [0.1 / np.sqrt(0.1), 0.1]
    table, step = jnp.zeros((4, 2)), _together(*optimizers)
    states = [x.init(table) for x in optimizers]
    for size in (1e-30, 3e38):
        gradients = jnp.full((1, 2), size, jnp.float32)
        moved = step([table] * len(states), states, jnp.array([1]), gradients)
        for length, (after, state) in zip(lengths, moved, strict=True):
            np.testing.assert_allclose(after[1], -length, rtol=1e-6)
            assert all(np.isfinite(x).all() for x in jax.tree.leaves(state))


@every_kind
def test_what_is_not_finite_stays_in_its_row(name):
    optimizer, table = EVERY[name], jnp.ones((4, 2))
    gradients = jnp.array([[np.nan, 1.0], [1.0, 1.0], [np.inf, 1.0]])
    ids = jnp.array([0, 1, -1])  # the infinite one is padding
    table, state = jitted(name)(table, optimizer.init(table), ids, gradients)
    assert np.isnan(table[0]).any()
    assert np.isfinite(table[1:]).all()
    for leaf in jax.tree.leaves(state.dense):
        assert leaf.ndim == 0 or np.isfinite(leaf[1:]).all()
