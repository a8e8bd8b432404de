"""Effective learning rates against what the optimizers are known to do."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from engines import engine_of

import rmsprop
from rmsprop.study.results import schema
from rmsprop.study.running import effective_rates
from tiny_problem import tiny

MEDIAN = schema.QUANTILES.index(0.5)


def _constant_gradient(better="lower"):
    """Every gradient is 2, so that both optimizers are known in closed form."""
    return tiny(loss=lambda p, noise: 2 * jnp.sum(p) + 0 * jnp.sum(noise), path=False)


def _rates(build, steps=200):
    runs = engine_of(_constant_gradient(), build, ("learning_rate",), steps).run(
        {"learning_rate": [0.5]}, [0]
    )
    return runs.effective_rate[0]


def test_adagrad_falls_as_one_over_the_root():
    """T5: on a constant gradient g the rate is lr / (|g| sqrt(t)), from an empty sum."""
    found = _rates(lambda v: rmsprop.adagrad(v["learning_rate"], 0.0, 0.0))
    steps = effective_rates.watched_steps(200)
    at_bin = np.searchsorted(effective_rates.bins(200), steps)
    expected = [np.median(0.25 / np.sqrt(steps[at_bin == k])) for k in range(len(found))]
    # A root, a quotient, the ratio: each within a unit or two of float32.
    np.testing.assert_allclose(found[:, MEDIAN], expected, rtol=2**-20)


def test_rmsprop_settles():
    """T5: lr / (|g| sqrt(1 - decay^t)), which tends to lr / |g|."""
    found = _rates(lambda v: rmsprop.rmsprop(v["learning_rate"], 0.9, 0.0))
    np.testing.assert_allclose(found[-1, MEDIAN], 0.25, rtol=2**-20)
    np.testing.assert_allclose(found[0, MEDIAN], 0.25 / np.sqrt(0.1), rtol=2**-20)


def test_a_coordinate_without_a_gradient_has_none():
    """Two coordinates, of which the second is never touched: the quantiles are the first's."""
    problem = dataclasses.replace(
        tiny(path=False), loss=lambda p, noise: 2 * p[0] + 0 * jnp.sum(noise)
    )
    build = lambda v: optax.sgd(v["learning_rate"])  # noqa: E731
    runs = engine_of(problem, build, ("learning_rate",), 20).run({"learning_rate": [0.5]}, [0])
    np.testing.assert_allclose(runs.effective_rate, 0.5, rtol=2**-22)
    still = dataclasses.replace(problem, loss=lambda p, noise: 0 * jnp.sum(p) + jnp.sum(noise) * 0)
    runs = engine_of(still, build, ("learning_rate",), 20).run({"learning_rate": [0.5]}, [0])
    assert np.isnan(runs.effective_rate).all()


@pytest.mark.parametrize("steps", [10, 100, 1234, 1_000_000])
def test_steps_and_bins_cover_the_run(steps):
    watched, bins = effective_rates.watched_steps(steps), effective_rates.bins(steps)
    for marks, most in ((watched, effective_rates.STEPS), (bins, effective_rates.BINS)):
        assert marks[0] == 1
        assert marks[-1] == steps
        assert (np.diff(marks) > 0).all()
        assert len(marks) <= most
    assert set(np.searchsorted(bins, watched)) == set(range(len(bins)))


def test_places_of_a_tree_are_read_from_its_leaves():
    tree = {"a": jnp.arange(6.0).reshape(2, 3), "b": -jnp.arange(6.0, 10.0), "c": jnp.array(-10.0)}
    places = effective_rates.watched_coordinates(tree)
    np.testing.assert_array_equal(places, np.arange(11))  # fewer than are watched: all of them
    np.testing.assert_array_equal(effective_rates.at(tree, places), np.arange(11.0))
    few = np.array([1, 5, 6, 10])
    np.testing.assert_array_equal(effective_rates.at(tree, few), few)
    many = effective_rates.watched_coordinates(jnp.zeros((100, 100)))
    assert len(set(many)) == effective_rates.COORDINATES
    assert many.max() < 10_000
