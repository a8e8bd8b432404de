"""Tables: the dense update from the touched rows alone, against dense loops in float64."""

import functools
import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from row_runs import ROWS, STEPS, WIDTH, dense_gradient, rate, run, runs, stream

import reference
import rmsprop
from rmsprop import rows
from rmsprop.rows import _updates

pytestmark = pytest.mark.optimized("compares with the dense update as it is compiled for use")

EXACT = [
    {},
    {"eps_in_sqrt": False},
    {"initial_scale": 1.0},
    {"bias_correction": True},
    {"centered": True, "eps": 1e-3},
    {"centered": True, "eps": 1e-2, "eps_in_sqrt": False, "initial_scale": 0.5},
    {"decay": 0.0},
]


@functools.cache
def _runs():
    """The optimizers by their options, and their runs over the same batches in one program."""
    optimizers = {str(options): rows.rmsprop(rate, **options) for options in EXACT}
    for inside in (True, False):
        optimizers[f"adagrad {inside}"] = rows.adagrad(rate, eps_in_sqrt=inside)
    return optimizers, runs(optimizers, np.random.default_rng(0))


@pytest.mark.parametrize("options", EXACT, ids=str)
def test_equal_to_the_dense_loop(options, x64):
    optimizers, (table, _, dense, along) = _runs()
    optimizer, (tables, _, state) = optimizers[str(options)], along[str(options)]
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
def test_adagrad_is_equal_to_the_dense_loop(eps_in_sqrt, x64):
    optimizers, (table, _, dense, along) = _runs()
    name = f"adagrad {eps_in_sqrt}"
    optimizer, (tables, _, state) = optimizers[name], along[name]
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


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
def test_missed_steps_in_closed_form(decay, rng, x64):
    """The variance after k steps with a zero gradient, as the module's docstring derives it."""
    m, var = rng.normal(size=(6, 2)), rng.uniform(size=(6, 2))
    missed = np.array([0, 1, 2, 7, 100, 1000], np.int32)
    state = rmsprop.ScaleByStddevState(jnp.asarray(m), jnp.asarray(var))
    found = _updates.catch_up(state, jnp.asarray(missed), decay)
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
    nu = _updates.catch_up(state, missed, closest).nu[:, 0]
    np.testing.assert_allclose(nu, [1, closest, closest**ten_million], rtol=3 * 2**-24)
    assert _updates.catch_up(state, missed, 0.9).nu[2, 0] == 0
    # A settled gradient leaves hardly a variance; one missed step then makes decay * (1 - decay).
    settled = rmsprop.ScaleByStddevState(jnp.ones((1, 1)), jnp.zeros((1, 1)))
    var = _updates.catch_up(settled, jnp.ones(1, jnp.int32), 0.999).var
    np.testing.assert_allclose(var, 0.999 * 0.001, rtol=1e-6)


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


@pytest.mark.parametrize("library", [rows.rmsprop, rows.adagrad])
@pytest.mark.parametrize("restore", ["device_get", "from_dense"])
def test_a_restored_state_of_numpy_takes_a_step_outside_jit(library, restore):
    """As `jax.device_get`, msgpack and NumPy files give it."""
    optimizer, table = library(0.1), jnp.ones((5, 3))
    ids, gradients = jnp.array([1, 4]), jnp.full((2, 3), 0.5)
    state = optimizer.step(table, optimizer.init(table), ids, gradients)[1]
    if restore == "from_dense":
        restored = optimizer.from_dense(jax.device_get(optimizer.to_dense(state)))
    else:
        restored = jax.device_get(state)
    after, flushed = (
        (optimizer.step(rows_before, before, ids, gradients)[0], optimizer.flush(before).dense)
        for rows_before, before in ((np.ones((5, 3), np.float32), restored), (table, state))
    )
    chex.assert_trees_all_close(after, flushed, rtol=2**-20)


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
