"""What changes nothing: the unit of the loss, the sign, the order and the leaves of elements."""

import functools

import jax
import numpy as np
import pytest
from hypothesis import strategies as st
from streams import LANES, STEPS
from test_bounds import EXAMPLES, search

import rmsprop

NO_EPS = {
    "rms": lambda: rmsprop.scale_by_rms(0.9, 0.0),
    "corrected": lambda: rmsprop.scale_by_rms(0.99, 0.0, bias_correction=True),
    "rss": lambda: rmsprop.scale_by_rss(0.0, 0.0),
    "stddev": lambda: rmsprop.scale_by_stddev(0.9, 0.0),
}
MEMORY = {"rms": 10, "corrected": 100, "rss": STEPS, "stddev": 10}  # in steps
every = pytest.mark.parametrize("name", NO_EPS)
SEEDS = st.integers(0, 2**32 - 1)
FEW = EXAMPLES // 4


@functools.cache
def _program(name):
    """The updates along a stream of trees."""
    transformation = NO_EPS[name]()

    def run(gradients):
        def step(state, gradient):
            updates, state = transformation.update(gradient, state)
            return state, updates

        first = transformation.init(jax.tree.map(lambda g: g[0], gradients))
        return jax.lax.scan(step, first, gradients)[1]

    return jax.jit(run)


def _gradients(seed, shape=(STEPS, LANES)):
    """Magnitudes from 1e-6 to 1e6, whose squares and their scaled ones are normal numbers."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) * 10.0 ** rng.uniform(-6, 6, shape)).astype(np.float32)


@every
def test_the_unit_of_the_loss(name):
    """T4: times a power of two, no bit changes; times anything, roundings only."""

    @search(FEW, SEEDS, st.integers(-20, 20), st.floats(0.001, 1000.0))
    def _(seed, power, factor):
        gradients = _gradients(seed)
        plain = np.asarray(_program(name)(gradients))
        np.testing.assert_array_equal(_program(name)(gradients * np.float32(2.0**power)), plain)
        scaled = _program(name)(gradients * np.float32(factor))
        if name != "stddev":  # whose deviation from the mean may be all rounding
            # Each gradient is rounded once, and an average of squares twice as much, halved by
            # the root; the average, its root, quotient and floor are rounded besides.
            np.testing.assert_allclose(scaled, plain, rtol=2.0**-24 * (2 + 2 / (1 - 0.99)))


@every
def test_the_sign(name):
    @search(FEW, SEEDS)
    def _(seed):
        gradients = _gradients(seed)
        signs = np.random.default_rng(seed).choice([-1, 1], LANES).astype(np.float32)[None]
        np.testing.assert_array_equal(
            _program(name)(signs * gradients), signs * np.asarray(_program(name)(gradients))
        )


@every
def test_the_order_of_the_elements(name):
    @search(FEW, SEEDS)
    def _(seed):
        gradients = _gradients(seed)
        order = np.random.default_rng(seed).permutation(LANES)
        np.testing.assert_array_equal(
            _program(name)(gradients[:, order]), np.asarray(_program(name)(gradients))[:, order]
        )


@every
def test_the_leaves_that_the_elements_are_in(name):
    """One leaf, several, other shapes."""

    @search(FEW, SEEDS)
    def _(seed):
        gradients = _gradients(seed)
        plain = np.asarray(_program(name)(gradients))
        split = {"a": gradients[:, :1], "b": gradients[:, 1:7], "c": gradients[:, 7:]}
        found = np.concatenate(list(_program(name)(split).values()), axis=1)
        matrix = np.asarray(_program(name)(gradients.reshape(STEPS, 4, -1))).reshape(STEPS, -1)
        # XLA fuses a product and the sum for some shapes and not for others: a rounding more or
        # less at each of the steps that mean, average or sum remember, and two for the centered.
        unlike = 2.0**-24 * 2 * MEMORY[name]
        for other in (found, matrix):
            assert np.all(np.abs(other - plain) <= unlike * np.max(np.abs(plain), axis=0)[None])


@pytest.mark.parametrize("momentum", [None, 0.9])
def test_a_step_is_proportional_to_the_learning_rate(momentum):
    @jax.jit
    def run(gradients, rate):
        optimizer = rmsprop.rmsprop(rate, momentum=momentum)

        def step(state, gradient):
            updates, state = optimizer.update(gradient, state)
            return state, updates

        return jax.lax.scan(step, optimizer.init(gradients[0]), gradients)[1]

    @search(FEW, SEEDS, st.integers(-10, 10), st.floats(0.001, 1000.0))
    def _(seed, power, factor):
        gradients = _gradients(seed)
        plain = np.asarray(run(gradients, 0.01))
        np.testing.assert_array_equal(
            run(gradients, np.float32(0.01) * 2.0**power), plain * 2.0**power
        )
        rate = np.float32(0.01) * np.float32(factor)
        # The rate and each product are rounded; in a buffer the products of 1 / (1 - momentum)
        # steps, relative to the largest of them.
        largest = np.max(np.abs(plain), axis=0, keepdims=True) * float(rate / np.float32(0.01))
        difference = run(gradients, rate) - plain * np.float64(rate) / np.float64(np.float32(0.01))
        assert np.all(np.abs(difference) <= 2.0**-24 * 4 / (1 - (momentum or 0)) * largest)
