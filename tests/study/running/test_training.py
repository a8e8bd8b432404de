"""One run: what it trains, measures and leaves behind, against one plain Python loop."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from engines import NAMES, build, engine_of

from rmsprop.study.folder import StudyFolder
from rmsprop.study.running.training import Trained, start_of
from tiny_problem import tiny


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
    runs = engine_of(problem, build, NAMES, 20).run(
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
        np.testing.assert_allclose(runs.last("final")[row], final, atol=tolerance)
        means = runs.loss[row].reshape(10, 2).mean(axis=1, dtype=np.float64).astype(np.float32)
        np.testing.assert_array_equal(runs.metrics["training_loss"][row], means)


def test_averages_are_means_over_the_steps_of_each_tenth():
    """Each step counts with the value that it ends with."""
    problem = dataclasses.replace(
        tiny(width=1, steps=50), averages=lambda p: {"square": jnp.sum(p**2)}
    )
    runs = engine_of(problem, build, NAMES, 50).run(dict.fromkeys(NAMES, np.full(1, 0.1)), [0])
    squares = (runs.path[0].astype(np.float64) ** 2).sum(axis=1)  # before each step
    means = squares[1:46].reshape(9, 5).mean(axis=1)  # after each step, all tenths but the last
    # Two roundings of each square and sum, and at most five of the mean, each 2^-24.
    np.testing.assert_allclose(runs.metrics["square"][0, :-1], means, rtol=7 * 2**-24)
    assert runs.metrics["square"].shape == (1, 10)
    assert runs.metrics["square"].dtype == np.float32
    assert set(runs.metrics) == {"final", "square", "training_loss"}


def test_metrics_are_measured_after_every_tenth():
    """After step 2k, which is the k-th tenth: the value at the place that the next step starts."""
    problem = tiny(width=1)
    runs = engine_of(problem, build, NAMES, 20).run(dict.fromkeys(NAMES, np.full(1, 0.1)), [0])
    places = runs.path[0, 2::2]  # before steps 3, 5, ..., so after 2, 4, ...
    # Half a sum of squares: one rounding of each square, one of the sum, within 2^-23 in all.
    values = 0.5 * (places.astype(np.float64) ** 2).sum(axis=1)
    np.testing.assert_allclose(runs.metrics["final"][0, :-1], values, rtol=2**-22)


def test_what_is_no_array_of_numbers_is_not_trained():
    """As in modules that hold functions and sizes among their leaves."""
    problem = dataclasses.replace(
        tiny(path=False),
        init=lambda key: {"w": jnp.ones(2), "f": jnp.tanh, "n": 3, "k": jnp.arange(2)},
        loss=lambda p, noise: jnp.sum(p["f"](p["w"] - noise) ** 2) * p["n"] * p["k"].size,
        metrics=lambda p: {"final": jnp.sum(p["w"] ** 2)},
    )
    engine = engine_of(problem, build, NAMES, 20)
    assert engine.program.sizes.parameters == 2 * 4
    runs = engine.run({"learning_rate": [0.05], "one_minus_decay": [0.1]}, [0])
    assert runs.last("final")[0] < 0.5


def test_starts_that_factor_matrices_are_those_of_each_run():
    """Made one after the other, with leaves of every kind in their places."""

    def init(key):
        first, second = jax.random.split(key)
        return {
            "count": jax.random.randint(first, (2,), 0, 100),
            "factors": jax.nn.initializers.orthogonal()(first, (5, 5)),
            "function": jnp.tanh,
            "noise": jax.random.normal(second, (3,)),
        }

    problem = dataclasses.replace(tiny(path=False), init=init)
    whole = jax.vmap(lambda key: _arrays(start_of(problem, key)))
    keys = jax.random.split(jax.random.key(0), 4)
    expected = [_arrays(Trained.of(init(key))) for key in keys]
    jax.tree.map(
        np.testing.assert_array_equal,
        jax.jit(whole)(keys),
        jax.tree.map(lambda *each: np.stack(each), *expected),
    )


def _arrays(start):
    tree = start.whole(start.params)
    assert tree.pop("function") is jnp.tanh
    return tree


@pytest.mark.slow
@pytest.mark.standard_promotion("SGD of Optax multiplies complex numbers by a real one")
def test_complex_parameters_go_downhill():
    """The derivative of half of |p|^2 in both parts is p, so that each step leaves 0.9 of it."""
    problem = dataclasses.replace(
        tiny(path=False),
        init=lambda key: jnp.array([1 + 1j], jnp.complex64),
        loss=lambda p, noise: 0.5 * jnp.sum(jnp.abs(p) ** 2) + 0 * jnp.sum(noise),
        metrics=lambda p: {"final": jnp.sum(jnp.abs(p))},
    )
    runs = engine_of(problem, lambda v: optax.sgd(v["learning_rate"]), NAMES[:1], 20).run(
        {"learning_rate": [0.1]}, [0]
    )
    # Each of the 20 steps rounds twice.
    np.testing.assert_allclose(runs.loss[0], 0.81 ** np.arange(20), rtol=20 * 2**-22)


def test_results_are_kept_in_float32(tmp_path):
    """What is narrower would not come back from disk as it was."""
    problem = dataclasses.replace(
        tiny(),
        loss=lambda p, noise: jnp.sum((p - noise) ** 2).astype(jnp.bfloat16),
        metrics=lambda p: {"final": jnp.sum(p**2).astype(jnp.bfloat16)},
    )
    columns = dict.fromkeys(NAMES, np.full(2, 0.1))
    found = [
        engine_of(problem, build, NAMES, 20, folder=StudyFolder(tmp_path)).run(columns, [0, 1])
        for _ in range(2)
    ]
    for runs in found:
        for values in (runs.loss, runs.path, *runs.metrics.values()):
            assert values.dtype == np.float32
    np.testing.assert_array_equal(found[0].loss, found[1].loss)


def test_diverged_runs_are_found():
    problem = tiny(loss=lambda p, noise: jnp.sum(p**4))
    engine = engine_of(problem, lambda v: optax.sgd(v["learning_rate"]), NAMES[:1], 20)
    runs = engine.run({"learning_rate": [0.01, 100.0]}, [0, 0])
    np.testing.assert_array_equal(runs.diverged("final"), [False, True])


def test_a_metric_that_means_nothing_is_no_divergence():
    """Only the loss and the metric that is asked about decide."""
    problem = tiny()
    with_nan = dataclasses.replace(
        problem, metrics=lambda p: {**problem.metrics(p), "extra": jnp.float32(jnp.nan)}
    )
    runs = engine_of(with_nan, build, NAMES, 20).run(dict.fromkeys(NAMES, np.full(1, 0.1)), [0])
    assert not runs.diverged("final")
    assert runs.diverged("extra")
