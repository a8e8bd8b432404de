"""Tables: the dense update from the touched rows alone, against dense loops in float64."""

import doctest
import functools
import re
import subprocess
import sys
import textwrap

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
import rmsprop
from rmsprop import _row_updates, rows

ROWS, WIDTH, BATCH, STEPS = 23, 3, 8, 200

EXACT = [
    {},
    {"eps_in_sqrt": False},
    {"initial_scale": 1.0},
    {"bias_correction": True},
    {"centered": True, "eps": 1e-3},
    {"centered": True, "eps": 1e-2, "eps_in_sqrt": False, "initial_scale": 0.5},
    {"decay": 0.0},
]
EVERY = {
    "exact": rows.rmsprop(0.1),
    "centered": rows.rmsprop(0.1, centered=True),
    "corrected": rows.rmsprop(lambda k: 0.1, bias_correction=True),
    "lazy": rows.rmsprop(0.1, semantics="lazy"),
    "lazy with momentum": rows.rmsprop(0.1, semantics="lazy", momentum=0.9, centered=True),
    "row-wise": rows.rmsprop(0.1, row_wise=True),
    "AdaGrad": rows.adagrad(0.1),
    "row-wise AdaGrad": rows.adagrad(lambda k: 0.1, row_wise=True),
}
every_optimizer = pytest.mark.parametrize("name", EVERY)
every_kind = pytest.mark.parametrize(
    "name", ["corrected", "lazy with momentum", "row-wise", "AdaGrad"]
)


@pytest.fixture
def small_chunks(monkeypatch):
    """Batches of more than four ids are worked on in several parts, as large ones are on a CPU."""
    monkeypatch.setattr(_row_updates, "IN_FLIGHT", 4 * WIDTH)


def rate(k):
    """A schedule, for arrays and for the loops in NumPy."""
    return 0.1 / (1 + 0.01 * (k.astype(float) if isinstance(k, jax.Array) else k))


def stream(rng, steps=STEPS, dtype=np.float64):
    """Random ids, among them repeated, negative and too large ones; some rows are rare."""
    ids = np.minimum(rng.geometric(0.15, (steps, BATCH)), ROWS + 2) - 2
    gradients = (rng.normal(size=(steps, BATCH, WIDTH)) * 10 ** rng.normal(size=WIDTH)).astype(
        dtype
    )
    return ids.astype(np.int32), gradients


def dense_gradient(ids, gradients, rows=ROWS):
    """The gradient of the whole table."""
    out = np.zeros((rows, *gradients.shape[ids.ndim :]), gradients.dtype)
    for row, gradient in zip(ids.ravel(), gradients.reshape(-1, *out.shape[1:]), strict=True):
        if 0 <= row < rows:
            out[row] += gradient
    return out


def trajectory(optimizer, table, ids, gradients):
    """Table and state after each step, in one scan."""

    def step(carry, batch):
        after = optimizer.step(*carry, *batch)
        return after, after

    @jax.jit
    def run(table, state):
        return jax.lax.scan(step, (table, state), (ids, gradients))

    (table, state), (tables, _) = run(table, optimizer.init(table))
    return np.asarray(tables), table, state


def run(optimizer, rng, dtype=np.float64):
    ids, gradients = stream(rng, dtype=dtype)
    table = rng.normal(size=(ROWS, WIDTH)).astype(dtype)
    tables, table_after, state = trajectory(optimizer, jnp.asarray(table), ids, gradients)
    dense = np.stack([dense_gradient(*batch) for batch in zip(ids, gradients, strict=True)])
    return table, ids, dense, tables, table_after, state


@pytest.mark.parametrize("options", EXACT, ids=str)
def test_equal_to_the_dense_loop(options, rng, x64):
    table, _, dense, tables, _, state = run(optimizer := rows.rmsprop(rate, **options), rng)
    others = {k: v for k, v in options.items() if k != "decay"}
    expected = reference.rmsprop(table, dense, rate, lambda k: options.get("decay", 0.9), **others)
    # Every step is within some 100 roundings of its size; the centered loop subtracts two averages
    # of squares, whose rounding stands beside eps.
    tolerance = 1e-9 if "centered" in options else 1e-13
    way = np.abs(np.stack(expected.updates)).sum(0)
    np.testing.assert_allclose(tables, expected.params, atol=(tolerance * way).max(), rtol=1e-13)
    moments = optimizer.to_dense(state)[0]
    if "bias_correction" not in options:
        found = moments.var if "centered" in options else moments.nu
        scale = np.square(dense).max()
        np.testing.assert_allclose(found, expected.second_moment[-1], atol=1e-14 * scale)


def test_equal_to_the_dense_loop_in_chunks(rng, x64, small_chunks):
    table, _, dense, tables, _, _ = run(rows.rmsprop(rate, bias_correction=True), rng)
    expected = reference.rmsprop(table, dense, rate, lambda k: 0.9, bias_correction=True)
    np.testing.assert_allclose(tables, expected.params, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("eps_in_sqrt", [True, False])
def test_adagrad_is_equal_to_the_dense_loop(eps_in_sqrt, rng, x64):
    optimizer = rows.adagrad(rate, eps_in_sqrt=eps_in_sqrt)
    table, _, dense, tables, _, state = run(optimizer, rng)
    expected = reference.adagrad(table, dense, rate, eps_in_sqrt=eps_in_sqrt)
    np.testing.assert_allclose(tables, expected.params, rtol=1e-12, atol=1e-12)
    sums = optimizer.to_dense(state)[0].sum_of_squares
    np.testing.assert_allclose(sums, expected.second_moment[-1], rtol=1e-12)


@pytest.mark.parametrize("library", [rmsprop, optax])
@pytest.mark.parametrize("options", [{}, {"decay": 0.999}], ids=str)
def test_equal_to_the_dense_optimizer_in_float32(library, options, rng):
    table, _, dense, tables, _, _ = run(rows.rmsprop(1e-2, **options), rng, np.float32)
    optimizer = library.rmsprop(1e-2, **options)

    def step(carry, gradient):
        table, state = carry
        updates, state = optimizer.update(gradient, state)
        table = optax.apply_updates(table, updates)
        return (table, state), (table, updates)

    table = jnp.asarray(table)
    _, (expected, updates) = jax.lax.scan(step, (table, optimizer.init(table)), dense)
    # The dense average of a row that was missed 200 times has been rounded 200 times: 200 * 2^-24,
    # and half of that in the root. The table itself is rounded at every step.
    way = np.abs(updates).sum(0)
    tolerance = 100 * 2**-24 * way + np.sqrt(STEPS) * 2**-24 * np.abs(expected).max(0)
    assert (np.abs(tables - expected) <= 4 * tolerance).all()


@pytest.mark.parametrize("options", [{}, {"eps_in_sqrt": False}, {"centered": True}], ids=str)
@pytest.mark.parametrize("momentum", [None, 0.9])
def test_lazy_rows_stand_still_as_in_tensorflow(options, momentum, rng, x64):
    """The sparse kernels of TensorFlow 1: average, mean and buffer of touched rows only."""
    optimizer = rows.rmsprop(
        rate, 0.9, 1e-3, initial_scale=1.0, semantics="lazy", momentum=momentum, **options
    )
    p, ids, dense, tables, _, _ = run(optimizer, rng)
    v, mean, buffer = np.ones_like(p), np.zeros_like(p), np.zeros_like(p)
    for k, g in enumerate(dense):
        touched = np.isin(np.arange(ROWS), ids[k])
        for row in np.flatnonzero(touched):
            v[row] = 0.9 * v[row] + 0.1 * g[row] ** 2
            mean[row] = 0.9 * mean[row] + 0.1 * g[row]
            # From v = 1 and mean = 0: the part of the 1 that is left belongs to the variance too.
            d = v[row] - mean[row] ** 2 if options.get("centered") else v[row]
            root = np.sqrt(d + 1e-3) if options.get("eps_in_sqrt", True) else np.sqrt(d) + 1e-3
            buffer[row] = (momentum or 0.0) * buffer[row] + rate(k) * g[row] / root
            p[row] = p[row] - buffer[row]
        np.testing.assert_allclose(tables[k], p, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("semantics", ["exact", "lazy", "AdaGrad"])
@pytest.mark.parametrize("eps_in_sqrt", [True, False])
def test_one_accumulator_a_row(semantics, eps_in_sqrt, rng, x64):
    """FBGEMM's exact row-wise AdaGrad (`eps_in_sqrt=False`), and RMSprop likewise."""
    if semantics == "AdaGrad":
        optimizer = rows.adagrad(rate, 0.0, 1e-8, eps_in_sqrt=eps_in_sqrt, row_wise=True)
    else:
        optimizer = rows.rmsprop(rate, eps_in_sqrt=eps_in_sqrt, semantics=semantics, row_wise=True)
    p, ids, dense, tables, _, state = run(optimizer, rng)
    v = np.zeros(ROWS)
    for k, g in enumerate(dense):
        for row in range(ROWS):
            keep, add = (1, 1) if semantics == "AdaGrad" else (0.9, 0.1)
            if semantics != "lazy" or row in ids[k]:
                v[row] = keep * v[row] + add * np.mean(g[row] ** 2)
            root = np.sqrt(v[row] + 1e-8) if eps_in_sqrt else np.sqrt(v[row]) + 1e-8
            p[row] = p[row] - rate(k) * g[row] / root
        np.testing.assert_allclose(tables[k], p, rtol=1e-12, atol=1e-12)
    (found,) = (x for x in jax.tree.leaves(optimizer.flush(state).dense) if x.ndim)
    np.testing.assert_allclose(found, v, rtol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
def test_missed_steps_in_closed_form(decay, rng, x64):
    """The variance after k steps with a zero gradient, as the module's docstring derives it."""
    m, var = rng.normal(size=(6, 2)), rng.uniform(size=(6, 2))
    missed = np.array([0, 1, 2, 7, 100, 1000], np.int32)
    state = rmsprop.ScaleByStddevState(jnp.asarray(m), jnp.asarray(var))
    found = _row_updates.catch_up(state, jnp.asarray(missed), decay)
    for row, k in enumerate(missed):
        for _ in range(k):
            var[row] = decay * var[row] + decay * (1 - decay) * m[row] ** 2
            m[row] = decay * m[row]
    np.testing.assert_allclose(found.mu, m, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(found.var, var, rtol=1e-12, atol=1e-300)


def test_missed_steps_in_float32():
    ten_million = 10_000_000
    closest = 1 - 2**-24  # to 1, in float32
    state = optax.ScaleByRmsState(jnp.ones((3, 1)))
    missed = jnp.array([0, 1, ten_million], jnp.int32)
    nu = _row_updates.catch_up(state, missed, closest).nu[:, 0]
    np.testing.assert_allclose(nu, [1, closest, closest**ten_million], rtol=3 * 2**-24)
    assert _row_updates.catch_up(state, missed, 0.9).nu[2, 0] == 0
    # A settled gradient leaves hardly a variance; one missed step then makes decay * (1 - decay).
    settled = rmsprop.ScaleByStddevState(jnp.ones((1, 1)), jnp.zeros((1, 1)))
    var = _row_updates.catch_up(settled, jnp.ones(1, jnp.int32), 0.999).var
    np.testing.assert_allclose(var, 0.999 * 0.001, rtol=1e-6)


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
    found, _ = _jitted(name)(table, EVERY[name].init(table), ids, gradients)
    # Sums of up to 8 numbers, in which half a unit in the last place is lost at each.
    np.testing.assert_allclose(found, table + np.asarray(expected), atol=2e-5, rtol=1e-6)
    untouched = np.setdiff1d(np.arange(ROWS), ids)
    np.testing.assert_array_equal(found[untouched], table[untouched])


@functools.cache
def _jitted(name):
    return jax.jit(EVERY[name].step)


@every_kind
@pytest.mark.parametrize("count", [0, 5])
def test_batches_of_every_size(name, count, small_chunks):
    """Also none at all, which is a step in which no row is touched."""
    optimizer, table = EVERY[name], jnp.ones((ROWS, WIDTH))
    ids, gradients = jnp.arange(count), jnp.ones((count, WIDTH))
    state = optimizer.init(table)
    after, state_after = jax.jit(optimizer.step)(table, state, ids, gradients)
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
    after, state_after = _jitted(name)(table, state, ids, gradients)
    chex.assert_trees_all_equal_shapes_and_dtypes((after, state_after), (table, state))
    assert np.isfinite(after).all()
    if after.size:
        assert set(np.unique(np.nonzero(np.asarray(after) != 1)[0])) == {1, 3}


@every_optimizer
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
    after, _ = optimizer.step(table, optimizer.init(table), ids, g)
    np.testing.assert_allclose(after[ids], -g / np.abs(g), rtol=1e-14)
    optimizer = rows.adagrad(1.0, 0.0, 0.0, row_wise=True)
    after, _ = optimizer.step(table, optimizer.init(table), ids, g)
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


@pytest.mark.parametrize(
    "optimizer",
    [
        rows.rmsprop(0.1, eps=0.0),
        rows.rmsprop(0.1, eps=0.0, centered=True),
        rows.rmsprop(0.1, eps=0.0, row_wise=True),
        rows.adagrad(0.1, 0.0, 0.0),
        rows.adagrad(0.1, 0.0, 0.0, row_wise=True),
    ],
    ids=["exact", "centered", "row-wise", "AdaGrad", "row-wise AdaGrad"],
)
def test_a_zero_gradient_moves_nothing(optimizer):
    table = jnp.ones((3, 2), jnp.float16)
    state = optimizer.init(table)
    step = jax.jit(optimizer.step)
    for _ in range(3):
        table, state = step(table, state, jnp.array([0, 2]), jnp.zeros((2, 2), jnp.float16))
    np.testing.assert_array_equal(table, np.ones((3, 2)))
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(state))


@pytest.mark.parametrize("row_wise", [False, True])
@pytest.mark.parametrize("size", [1e-30, 3e38])
def test_the_square_may_overflow_and_the_step_not(size, row_wise):
    """Its length is that of any other first step: lr / sqrt(1 - decay), and lr for AdaGrad."""
    for optimizer, length in (
        (rows.rmsprop(0.1, 0.9, 0.0, row_wise=row_wise), 0.1 / np.sqrt(0.1)),
        (rows.adagrad(0.1, 0.0, 0.0, row_wise=row_wise), 0.1),
    ):
        table = jnp.zeros((4, 2))
        gradients = jnp.full((1, 2), size, jnp.float32)
        step = jax.jit(optimizer.step)
        table, state = step(table, optimizer.init(table), jnp.array([1]), gradients)
        np.testing.assert_allclose(table[1], -length, rtol=1e-6)
        assert all(np.isfinite(x).all() for x in jax.tree.leaves(state))


@every_kind
def test_what_is_not_finite_stays_in_its_row(name):
    optimizer, table = EVERY[name], jnp.ones((4, 2))
    gradients = jnp.array([[np.nan, 1.0], [1.0, 1.0], [np.inf, 1.0]])
    ids = jnp.array([0, 1, -1])  # the infinite one is padding
    table, state = _jitted(name)(table, optimizer.init(table), ids, gradients)
    assert np.isnan(table[0]).any()
    assert np.isfinite(table[1:]).all()
    for leaf in jax.tree.leaves(state.dense):
        assert leaf.ndim == 0 or np.isfinite(leaf[1:]).all()


def test_the_count_saturates():
    optimizer, table = rows.rmsprop(0.1), jnp.ones((3, 1))
    last = np.iinfo(np.int32).max
    state = optimizer.init(table)
    state = state._replace(count=jnp.asarray(last, jnp.int32))
    step = jax.jit(optimizer.step)
    for _ in range(2):
        table, state = step(table, state, jnp.array([1]), jnp.ones((1, 1)))
        assert state.count == last
        np.testing.assert_array_equal(state.seen, [0, last, 0])
        np.testing.assert_array_equal(optimizer.flush(state).seen, [last] * 3)


@pytest.mark.parametrize("options", EXACT[2:6], ids=str)
def test_to_and_from_the_dense_optimizer(options, rng):
    """Sparse, dense and sparse again: the same as dense all the way, and the same state."""
    sparse, dense = rows.rmsprop(rate, **options), rmsprop.rmsprop(rate, **options)
    ids, gradients = stream(rng, 30, np.float32)
    table = expected = jnp.asarray(rng.normal(size=(ROWS, WIDTH)), jnp.float32)
    dense_state = dense.init(table)
    state = sparse.init(table)
    chex.assert_trees_all_equal_structs(sparse.to_dense(state), dense_state)
    step, update = jax.jit(sparse.step), jax.jit(dense.update)
    for k in range(30):
        whole = jnp.asarray(dense_gradient(ids[k], gradients[k]))
        changes, dense_state = update(whole, dense_state)
        expected = optax.apply_updates(expected, changes)
        if 10 <= k < 20:
            if k == 10:
                going_on = sparse.to_dense(state)
            changes, going_on = update(whole, going_on)
            table = optax.apply_updates(table, changes)
            state = sparse.from_dense(going_on)
        else:
            table, state = step(table, state, ids[k], gradients[k])
    np.testing.assert_allclose(table, expected, rtol=1e-5, atol=2e-4)
    found = sparse.to_dense(state)
    chex.assert_trees_all_equal_shapes_and_dtypes(found, dense_state)
    scale = float(np.square(gradients).max())
    chex.assert_trees_all_close(found, dense_state, rtol=1e-5, atol=1e-6 * scale)


def test_adagrad_and_lazy_states_are_the_dense_ones():
    table = jnp.ones((5, 2))
    for sparse, dense in (
        (rows.adagrad(0.1), rmsprop.adagrad(0.1)),
        (rows.adagrad(rate), optax.adagrad(rate)),
        (
            rows.rmsprop(0.1, semantics="lazy", momentum=0.9),
            rmsprop.rmsprop(0.1, momentum=0.9),
        ),
        (rows.rmsprop(0.1), optax.rmsprop(0.1)),
    ):
        state = dense.init(table)
        chex.assert_trees_all_equal(sparse.to_dense(sparse.from_dense(state)), state)
        chex.assert_trees_all_equal_structs(sparse.from_dense(state), sparse.init(table))
    with pytest.raises(ValueError, match=r"one accumulator a row.*Save flush\(state\)"):
        rows.adagrad(0.1, row_wise=True).to_dense(rows.adagrad(0.1, row_wise=True).init(table))


def test_gradients_with_respect_to_rows(rng):
    """They scatter to the gradient of the table, of whose size nothing is made on the way."""
    table = jnp.asarray(rng.normal(size=(1000, 4)), jnp.float32)
    ids = jnp.array([[7, 2], [7, -1]])
    weights = jnp.asarray(rng.normal(size=(4,)), jnp.float32)

    def loss(rows_, weights, power):
        return ((rows_ @ weights) ** power).sum(), rows_.shape

    take = rows.value_and_grad(loss, (0, 1), has_aux=True)
    (value, shape), (row_gradients, weight_gradient) = take(table, ids, weights, 2)
    assert shape == (2, 2, 4)

    def of_table(table, weights):
        padded = jnp.concatenate([table, jnp.zeros((1, 4))])
        return loss(padded[ids], weights, 2)[0]

    expected, (dense, weight) = jax.value_and_grad(of_table, (0, 1))(table, weights)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(weight_gradient, weight, rtol=1e-6)
    found = dense_gradient(np.asarray(ids), np.asarray(row_gradients), 1000)
    np.testing.assert_allclose(found, dense, rtol=1e-6)
    jaxpr = str(jax.make_jaxpr(lambda t: take(t, ids, weights, 2))(table))
    assert len(re.findall(r":f32\[1000,4\]", jaxpr)) <= 2  # the argument, of both functions


def test_several_tables_and_the_dense_rest(rng):
    """A tree of tables beside dense parameters, one compiled step, all donated."""
    tables = {"user": jnp.ones((50, 4)), "item": jnp.ones((30, 4))}
    params = {"w": jnp.ones(4)}
    sparse, dense = rows.rmsprop(0.01), rmsprop.rmsprop(0.01)
    ids = {"user": jnp.array([1, 2, 1]), "item": jnp.array([0, 29, -1])}

    def loss(rows_, params):
        return jnp.mean((rows_["user"] * rows_["item"]) @ params["w"])

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2, 3))
    def step(tables, states, params, dense_state):
        value, (row_gradients, gradients) = rows.value_and_grad(loss, (0, 1))(tables, ids, params)
        for name in tables:
            tables[name], states[name] = sparse.step(
                tables[name], states[name], ids[name], row_gradients[name]
            )
        changes, dense_state = dense.update(gradients, dense_state, params)
        return tables, states, optax.apply_updates(params, changes), dense_state, value

    carry = tables, {k: sparse.init(t) for k, t in tables.items()}, params, dense.init(params)
    values = []
    for _ in range(5):
        *carry, value = step(*carry)
        values.append(float(value))
    assert values == sorted(values, reverse=True)
    assert np.flatnonzero(np.asarray(carry[0]["item"])[:, 0] != 1).tolist() == [0, 29]


@pytest.mark.parametrize(
    ("name", "dtype", "batch"),
    [(name, jnp.float32, 8) for name in ("exact", "centered", "lazy with momentum", "row-wise")]
    + [("exact", jnp.bfloat16, 8), ("exact", jnp.float32, 4), ("AdaGrad", jnp.bfloat16, 4)],
)
def test_the_table_is_updated_in_place(name, dtype, batch, small_chunks):
    """No copy of what has as many rows as the table, though the batch is worked on in parts."""
    optimizer = EVERY[name]
    table = jax.ShapeDtypeStruct((1003, 5), dtype)
    state = jax.eval_shape(optimizer.init, table)
    ids = jax.ShapeDtypeStruct((batch,), jnp.int32)
    gradients = jax.ShapeDtypeStruct((batch, 5), dtype)
    step = jax.jit(optimizer.step, donate_argnums=(0, 1))
    compiled = step.lower(table, state, ids, gradients).compile().as_text()
    assert "[1003" in compiled
    assert re.findall(r"= \S*\[1003\S* copy(?:-start)?\(", compiled) == []


@every_kind
def test_one_trace(name):
    """One trace for every step; with strict promotion of dtypes and ranks."""
    optimizer, table = EVERY[name], jnp.ones((6, 2), jnp.bfloat16)
    ids, gradients = jnp.array([0, 5, 0]), jnp.ones((3, 2), jnp.bfloat16)
    traces = []

    @jax.jit
    def step(*arguments):
        traces.append(arguments)
        return optimizer.step(*arguments)

    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        state = optimizer.init(table)
        for _ in range(3):
            table, state = step(table, state, ids, gradients)
        optimizer.flush(state)
        rows.gather(table, ids)
    assert len(traces) == 1


def test_traced_hyper_parameters(rng):
    """A sweep is one vmap; a traced decay is as good as a number."""
    table, (ids, gradients) = jnp.ones((ROWS, WIDTH)), stream(rng, 10, np.float32)

    def last(learning_rate, decay):
        optimizer = rows.rmsprop(learning_rate, decay, centered=True, eps=1e-2)
        return trajectory_of(optimizer, table, ids, gradients)

    def trajectory_of(optimizer, table, ids, gradients):
        carry = table, optimizer.init(table)
        return jax.lax.scan(lambda c, b: (optimizer.step(*c, *b), None), carry, (ids, gradients))[
            0
        ][0]

    rates, decays = jnp.array([0.1, 0.01]), jnp.array([0.9, 0.99])
    swept = jax.jit(jax.vmap(last))(rates, decays)
    for k in range(2):
        alone = jax.jit(functools.partial(last, float(rates[k]), float(decays[k])))()
        np.testing.assert_allclose(swept[k], alone, rtol=1e-5, atol=1e-5)


REFUSED = [
    ({"momentum": 0.9}, r"momentum is 0.9, .* every row read after such a step would be stale"),
    ({"decay": lambda k: 0.9}, r"decay is a schedule, .* decay\*\*missed, which needs one decay"),
    ({"semantics": "sparse"}, r"semantics is 'sparse'; it must be \"exact\" .* or \"lazy\""),
    ({"semantics": "lazy", "bias_correction": True}, r"only those that touched it"),
    ({"row_wise": True, "centered": True}, r"row_wise=True keeps one number a row, and centered"),
    ({"row_wise": True, "semantics": "lazy", "momentum": 0.9}, r"one number a row, and momentum"),
    ({"centered": True, "bias_correction": True}, r"corrected variance"),
    ({"decay": 1.0}, r"decay is 1.0"),
    ({"eps": -1.0}, r"eps is -1.0"),
    ({"initial_scale": -1.0}, r"initial_scale is -1.0"),
    ({"accumulator_dtype": jnp.bfloat16}, r"accumulator_dtype is bfloat16; .*at least float32"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[str(k) for k in range(len(REFUSED))])
def test_options_that_cannot_be_right(options, message):
    with pytest.raises(ValueError, match=message):
        rows.rmsprop(0.1, **options)


def test_options_of_the_wrong_type():
    with pytest.raises(TypeError, match="row_wise is 1"):
        rows.rmsprop(0.1, row_wise=1)
    with pytest.raises(TypeError, match="row_wise is 'yes'"):
        rows.adagrad(0.1, row_wise="yes")
    with pytest.raises(TypeError, match="float16"):
        rows.rmsprop(0.1, decay=np.float16(0.9))
    with pytest.raises(TypeError, match="nesterov"):
        rows.rmsprop(0.1, nesterov=True)


def test_batches_and_states_that_do_not_fit():
    optimizer, table = rows.rmsprop(0.1), jnp.ones((5, 2))
    state, ids, gradients = optimizer.init(table), jnp.array([1, 2]), jnp.ones((2, 2))
    step = jax.jit(optimizer.step)
    with pytest.raises(ValueError, match=r"shape \(2,\).* must be \(2, 2\): one row for each id"):
        step(table, state, ids, jnp.ones(2))
    with pytest.raises(ValueError, match=r"row_gradients has shape \(5, 2\)"):
        step(table, state, ids, table)
    with pytest.raises(TypeError, match=r"ids has dtype float32; rows are chosen by integers"):
        step(table, state, ids.astype(float), gradients)
    with pytest.raises(TypeError, match=r"ids has dtype bool"):
        rows.gather(table, jnp.array([True]))
    with pytest.raises(TypeError, match=r"row_gradients has dtype int32"):
        step(table, state, ids, gradients.astype(int))
    with pytest.raises(TypeError, match=r"row_gradients has dtype complex64, .* float32 table"):
        step(table, state, ids, gradients.astype(jnp.complex64))
    with pytest.raises(TypeError, match=r"the table has dtype int32; .* the dense optimizer"):
        optimizer.init(jnp.arange(4))
    with pytest.raises(TypeError, match=r"the table is a dict; .* one state for each table"):
        optimizer.init({"a": table})
    with pytest.raises(ValueError, match=r"the table has shape \(\)"):
        optimizer.init(jnp.ones(()))
    with pytest.raises(ValueError, match=r"the table has shape \(0, 2\); .* one at least"):
        optimizer.init(jnp.ones((0, 2)))
    with pytest.raises(ValueError, match=r"dense\[0\].nu of the state has shape \(5, 2\), but"):
        step(jnp.ones((6, 2)), state, ids, gradients)
    with pytest.raises(ValueError, match=r"seen of the state has shape \(6,\), but .* \(5,\)"):
        step(table, state._replace(seen=jnp.zeros(6, jnp.int32)), ids, gradients)
    lazy = rows.rmsprop(0.1, semantics="lazy")
    with pytest.raises(ValueError, match=r"the state counts no steps, .* exact RMSprop counts"):
        step(table, lazy.init(table), ids, gradients)
    with pytest.raises(ValueError, match=r"the state counts steps, .* has no use for that"):
        lazy.step(table, state, ids, gradients)
    with pytest.raises(ValueError, match=r"keeps sum_of_squares"):
        rows.adagrad(0.1).step(table, lazy.init(table), ids, gradients)
    with pytest.raises(ValueError, match=r"keeps dense, count, seen"):
        step(table, optax.rmsprop(0.1).init(table)[0], ids, gradients)
    with pytest.raises(ValueError, match=r"keeps nu"):
        optimizer.from_dense(rmsprop.adagrad(0.1).init(table))
    narrow = optax.rmsprop(0.1).init(table.astype(jnp.bfloat16))
    with pytest.raises(TypeError, match=r"bfloat16, in which a running average stalls"):
        step(table, optimizer.from_dense(narrow), ids, gradients)


SHARDED = """
    import jax, jax.numpy as jnp, numpy as np, re
    from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec as P
    from rmsprop import _row_updates, rows

    _row_updates.IN_FLIGHT = 16 * 4
    rng = np.random.default_rng(0)
    start = rng.normal(size=(808, 4)).astype(np.float32)
    ids = rng.integers(-3, 811, (4, 50)).astype(np.int32)
    gradients = rng.normal(size=(4, 50, 4)).astype(np.float32)
    meshes = {"automatic": Mesh(np.array(jax.devices()), ("rows",))}
    if hasattr(jax.sharding, "auto_axes"):
        explicit = (AxisType.Explicit,)
        meshes["explicit"] = jax.make_mesh((8,), ("rows",), axis_types=explicit)
    optimizers = {
        ("exact", "automatic"): rows.rmsprop(0.1),
        ("centered", "explicit"): rows.rmsprop(lambda k: 0.1, centered=True),
        ("row-wise AdaGrad", "explicit"): rows.adagrad(0.1, row_wise=True),
    }
    for kind, mesh in meshes.items():
        for name, optimizer in ((k[0], o) for k, o in optimizers.items() if k[1] == kind):
            step = jax.jit(optimizer.step, donate_argnums=(0, 1))
            sharding = NamedSharding(mesh, P("rows", None))
            table, sharded = jnp.asarray(start), jax.device_put(start, sharding)
            state, sharded_state = optimizer.init(table), optimizer.init(sharded)
            lowered = step.lower(sharded, sharded_state, ids[0], gradients[0])
            program = lowered.compile().as_text()
            moved = re.findall(r"= (.*?) (?:all-\\w+|collective-\\w+|reduce-scatter)[(]", program)
            for shape in re.findall(r"\\[([\\d,]*)\\]", " ".join(moved)):
                assert 101 not in map(int, filter(None, shape.split(","))), (kind, name, shape)
                assert np.prod([int(n) for n in shape.split(",") if n]) <= 50 * 4, shape
            for k in range(4):
                table, state = step(table, state, ids[k], gradients[k])
                sharded, sharded_state = step(sharded, sharded_state, ids[k], gradients[k])
            assert sharded.sharding.spec == P("rows", None)
            for leaf in jax.tree.leaves(optimizer.flush(sharded_state)):
                assert leaf.ndim == 0 or leaf.sharding.spec[0] == "rows"
                assert leaf.ndim == 0 or leaf.addressable_shards[0].data.shape[0] == 101
            found, expected = jax.tree.map(np.asarray, ((sharded, sharded_state), (table, state)))
            for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
            rows_of = rows.gather(sharded, jnp.asarray(ids[0]))
            alone = rows.gather(jnp.asarray(np.asarray(sharded)), ids[0])
            np.testing.assert_array_equal(rows_of, alone)
    print("equal on", len(jax.devices()), "devices")
"""


@pytest.mark.slow
def test_sharded_by_rows(monkeypatch):
    """The same on eight devices as on one; no more than the batch goes from one to another."""
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
    code = [sys.executable, "-W", "error", "-c", textwrap.dedent(SHARDED)]
    out = subprocess.run(code, capture_output=True, text=True)
    assert out.stdout == "equal on 8 devices\n", out.stderr


def test_untouched_rows_and_lazy_ones_differ(rng):
    """T8: a row touched every tenth step moves by sqrt(10) times the rate of lazy semantics."""
    ids = np.where(np.arange(400) % 10 == 0, 0, -1)[:, None].astype(np.int32)
    gradients = np.ones((400, 1, 1), np.float32)
    table, decay = jnp.zeros((2, 1)), 0.99
    steps = {}
    for semantics in ("exact", "lazy"):
        optimizer = rows.rmsprop(1.0, decay, semantics=semantics)
        tables, _, _ = trajectory(optimizer, table, ids, gradients)
        steps[semantics] = tables[389, 0, 0] - tables[390, 0, 0]
    often = (1 - decay) * sum(decay ** (10 * k) for k in range(40))
    np.testing.assert_allclose(steps["exact"], 1 / np.sqrt(often), rtol=1e-5)
    np.testing.assert_allclose(steps["lazy"], 1 / np.sqrt(1 - decay**40), rtol=1e-5)


def test_examples_in_docstrings():
    results = doctest.testmod(rows)
    assert results.failed == 0
    assert results.attempted > 10
    assert "rows" in dir(rmsprop)
