"""The compiled program of many runs against one plain Python loop."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tiny import tiny

import rmsprop
from rmsprop.study import engine
from rmsprop.study.engine import Engine


def _build(values):
    return rmsprop.rmsprop(values["learning_rate"], 1 - values["one_minus_decay"])


NAMES = ("learning_rate", "one_minus_decay")


def _loop(problem, rate, rest, seed, steps):
    """One run as one would write it by hand, with Optax's own optimizer."""
    initial, batches = jax.random.split(jax.random.key(seed))
    optimizer = optax.rmsprop(rate, 1 - rest)
    params = problem.init(initial)
    state = optimizer.init(params)
    losses, places = [], []
    for step in range(steps):
        batch = problem.sample(batches, jnp.int32(step))
        loss, gradient = jax.value_and_grad(problem.loss)(params, batch)
        losses.append(loss)
        places.append(params)
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    return np.array(losses), np.array(places), problem.metrics(params)["final"]


@pytest.mark.parametrize("width", [1, 4])
def test_runs_are_those_of_a_plain_loop(width):
    problem = tiny(width=width)
    rates, rests, seeds = np.array([0.1, 0.01, 0.03]), np.array([0.1, 0.01, 0.1]), np.arange(3)
    runs = Engine(problem, _build, NAMES, 20).run(
        dict(zip(NAMES, (rates, rests), strict=True)), seeds
    )
    assert len(runs) == 3
    for row in range(3):
        loss, path, final = _loop(problem, rates[row], rests[row], seeds[row], 20)
        # 1 - decay is made in float32 here, 2^-24 / 0.01 relative, over 20 steps, and Optax's
        # rsqrt is good to 2^-22; all of it relative to the parameters, which begin at 1.
        tolerance = 20 * (2**-24 / 0.01 + 2**-21)
        np.testing.assert_allclose(runs.loss[row], loss, atol=tolerance)
        np.testing.assert_allclose(runs.path[row], path, atol=tolerance)
        np.testing.assert_allclose(runs.metrics["final"][row], final, atol=tolerance)


def test_padding_threads_and_neighbours_change_nothing():
    """Five runs in chunks of four: the same bits alone, together, and on one thread."""
    problem = tiny(width=4)
    columns = {"learning_rate": np.logspace(-3, -1, 5), "one_minus_decay": np.full(5, 0.1)}
    two = Engine(problem, _build, NAMES, 20, cores=2).run(columns, np.arange(5))
    one = Engine(problem, _build, NAMES, 20, cores=1).run(columns, np.arange(5))
    last = Engine(problem, _build, NAMES, 20).run({n: c[4:] for n, c in columns.items()}, [4])
    np.testing.assert_array_equal(two.loss, one.loss)
    np.testing.assert_array_equal(two.loss[4:], last.loss)


def test_one_program_whatever_the_grid():
    built = []

    def build(values):
        built.append(values)
        return _build(values)

    program = Engine(tiny(), build, NAMES, 20)
    traces = len(built)
    for count in (1, 4, 9):
        program.run(dict.fromkeys(NAMES, np.full(count, 0.1)), np.arange(count))
    assert len(built) == traces


def test_progress_counts_runs_without_padding():
    seen = []
    columns = dict.fromkeys(NAMES, np.full(6, 0.1))
    Engine(tiny(width=4), _build, NAMES, 20).run(columns, np.arange(6), seen.append)
    assert sorted(seen) == [2, 4]


def test_diverged_runs_are_found():
    problem = tiny(loss=lambda p, noise: jnp.sum(p**4))
    program = Engine(problem, lambda v: optax.sgd(v["learning_rate"]), NAMES[:1], 20)
    runs = program.run({"learning_rate": [0.01, 100.0]}, [0, 0])
    np.testing.assert_array_equal(runs.diverged("final"), [False, True])


def test_state_bytes_are_counted():
    program = Engine(tiny(), _build, NAMES, 20)
    assert program.state_bytes == 2 * 4  # one float32 average of two parameters
    with_count = Engine(
        tiny(), lambda v: rmsprop.rmsprop(v["learning_rate"], bias_correction=True), NAMES[:1], 20
    )
    assert with_count.state_bytes == 2 * 4 + 4


def test_an_error_in_a_run_is_raised_and_the_threads_end(monkeypatch):
    program = Engine(tiny(width=1), _build, NAMES, 20, cores=2)

    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        program.run(dict.fromkeys(NAMES, np.full(50, 0.1)), np.arange(50), interrupt)


def test_available_cores():
    assert 1 <= engine.available_cores() <= 4096


def test_a_metric_that_means_nothing_is_no_divergence():
    """Only the loss and the metric that is asked about decide."""
    problem = tiny()
    with_nan = dataclasses.replace(
        problem, metrics=lambda p: {**problem.metrics(p), "extra": jnp.float32(jnp.nan)}
    )
    runs = Engine(with_nan, _build, NAMES, 20).run(dict.fromkeys(NAMES, np.full(1, 0.1)), [0])
    assert not runs.diverged("final")
    assert runs.diverged("extra")
