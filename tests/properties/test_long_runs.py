"""Streams that go on: gradients that settle, never change, or have been counted for long."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from cases import CASES, Case
from test_bounds import _unit

import rmsprop

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def _run(transformation, gradients, state=None):
    @jax.jit
    def run(state, gradients):
        def step(state, gradient):
            updates, state = transformation.update(gradient, state)
            return state, (updates, state)

        return jax.lax.scan(step, state, gradients)[1]

    first = transformation.init(gradients[0]) if state is None else state
    return run(first, gradients)


def _check(case, gradients, updates, states, first=1):
    for leaf in jax.tree.leaves((updates, states)):
        assert np.isfinite(np.asarray(leaf)).all()
    t = np.arange(first, first + len(gradients), dtype=float)[:, None]
    bound = case.longest(t, np.abs(np.asarray(gradients, float)))
    assert np.all(np.abs(np.asarray(updates, float)) <= bound * (1 + _unit(jnp.float32)))
    if case.keeps_sign:
        assert (np.asarray(updates) * np.sign(gradients) >= 0).all()


# What settles, at four scales: 3 for 50 steps, then 1. And what never changes: 10.0.
_SETTLING = np.where(np.arange(5_000) < 50, 3.0, 1.0)[:, None] * [1e-12, 1e-4, 1.0, 1e6]
GRADIENTS = jnp.asarray(np.hstack([_SETTLING, np.full((5_000, 1), 10.0)]), jnp.float32)


@functools.cache
def _runs():
    """All cases along the same gradients, in one compiled program."""

    @jax.jit
    def run(gradients):
        return {case.name: _run(case.make(), gradients) for case in CASES}

    return run(GRADIENTS)


@every_case
def test_gradients_that_settle_or_never_change(case: Case):
    """Far beyond the memory of the averages, whose difference is zero in exact arithmetic.

    What subtracts the average's square from the average of the squares takes the root of a negative
    number here.
    """
    _check(case, GRADIENTS, *_runs()[case.name])


@pytest.mark.parametrize("eps", [0.0, 1e-8])
def test_a_constant_ten_with_decay_99(eps):
    """Where PyTorch's and Optax's centered averages go NaN; a step tends to |g| / sqrt(eps)."""
    gradients = jnp.full((20_000, 1), 10.0)
    updates, states = _run(rmsprop.scale_by_stddev(0.99, eps), gradients)
    assert np.isfinite(updates).all()
    assert (np.asarray(states.var) >= 0).all()
    assert np.max(updates) <= (2.0**64 if eps == 0 else 10 / np.sqrt(eps)) * (1 + 2**-22)


def _with_count(state, count):
    return optax.tree_utils.tree_set(state, count=jnp.asarray(count, jnp.int32))


@pytest.mark.parametrize("count", [10_000_000, 2**31 - 5])
@pytest.mark.parametrize("decay", [0.9, 0.999, 1 - 1e-7])
def test_ten_million_steps_of_the_counter_and_its_end(count, decay):
    """Bias correction by 1 - decay^t late in a run; the count stops at the largest int32."""
    transformation = rmsprop.scale_by_rms(decay, bias_correction=True)
    first = _with_count(transformation.init(jnp.zeros(1)), count)
    first = first._replace(nu=jnp.ones(1))
    updates, states = _run(transformation, jnp.ones((10, 1)), first)
    counts = [min(count + k, 2**31 - 1) for k in range(1, 11)]
    np.testing.assert_array_equal(states.count, counts)
    # An average of ones that has been one: the correction alone is left. Its power of the decay is
    # at most 1 / e here, and XLA's is right to some four units of it, which is two of the
    # correction; its root, the product with it and the quotient round by half a unit each.
    exact = np.sqrt(1 - float(np.float32(decay)) ** np.asarray(counts, float))
    tolerance = 2.0**-23 * 4
    np.testing.assert_allclose(np.asarray(updates)[:, 0], exact, rtol=tolerance)


@pytest.mark.parametrize("count", [10_000_000, 2**31 - 5])
def test_schedules_late_in_a_run(count):
    """The decay and the rate that make RMSprop AdaGrad, after as many steps."""
    optimizer = rmsprop.rmsprop(
        lambda k: 1 / jnp.sqrt(1 + k.astype(jnp.float32)),
        lambda k: 1 - 1 / (1 + k.astype(jnp.float32)),
    )
    first = _with_count(optimizer.init(jnp.zeros(2)), count)
    updates, states = _run(optimizer, jnp.ones((10, 2)), first)
    assert np.isfinite(updates).all()
    assert optax.tree_utils.tree_get(states[0], "count")[-1] == min(count + 10, 2**31 - 1)
