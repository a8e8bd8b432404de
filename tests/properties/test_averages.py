"""The averages against the same recurrence in extended precision, within a derived bound."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st
from streams import LANES
from test_bounds import EXAMPLES, search

import rmsprop

needs_extended = pytest.mark.skipif(
    np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps,
    reason="no floating-point numbers here are wider than float64, which is to be checked",
)


def _ours(transformation, gradients):
    @jax.jit
    def run(gradients):
        step = lambda state, g: (transformation.update(g, state)[1], None)  # noqa: E731
        return jax.lax.scan(step, transformation.init(gradients[0]), gradients)[0]

    return run(jnp.asarray(gradients))


def _reference(gradients, decay, dtype, keep=None):
    """`v <- decay * v + (1 - decay) * g^2`, as it is written; `keep` is the decay as it is kept."""
    keep, add = dtype(decay if keep is None else keep), 1 - dtype(decay)
    v = np.zeros(gradients.shape[1:], dtype)
    for g in gradients.astype(dtype):
        v = keep * v + add * g * g
    return v


def _assert_close(found, gradients, decay, unit, kept, wide, tiny):
    """To what roundings can do, and to the promise of 2^-23 / (1 - decay) for float32.

    A step rounds the product with the old average and the sum, by a unit each, and the average has
    the roundings of `memory` steps; the new square is rounded three times, once for all. What is
    below the normal numbers is flushed to zero, at each step.
    """
    found = np.asarray(found).astype(wide)
    expected = _reference(gradients, decay, wide, kept(decay))
    memory = (1 - decay ** len(gradients)) / (1 - decay)
    flushed = tiny * memory
    assert np.all(np.abs(found - expected) <= unit * (2 * memory + 3) * expected + flushed)
    promised = _reference(gradients, decay, wide)
    assert np.all(np.abs(found - promised) <= 2 * unit / (1 - decay) * promised + flushed)


def _single(found, gradients, decay):
    tiny = float(np.finfo(np.float32).tiny)
    _assert_close(found, gradients, decay, 2.0**-24, np.float32, np.float64, tiny)


def _double(found, gradients, decay):
    tiny = float(np.finfo(np.float64).tiny)
    _assert_close(found, gradients, decay, 2.0**-53, np.float64, np.longdouble, tiny)


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.99, 0.999, 0.9999, 1 - 1e-5])
def test_float32(decay):
    transformation = rmsprop.scale_by_rms(decay)

    @search(EXAMPLES // 8, st.integers(0, 2**32 - 1))
    def _(seed):
        rng = np.random.default_rng(seed)
        shape = (2_000, LANES)
        gradients = rng.normal(size=shape) * 10.0 ** rng.uniform(-18, 18, shape[1:])[None]
        gradients = gradients.astype(np.float32)
        _single(_ours(transformation, gradients).nu, gradients, decay)


@needs_extended
@pytest.mark.parametrize("decay", [0.9, 0.999, 1 - 1e-5, 1 - 1e-7])
def test_float64(decay, x64, rng):
    gradients = rng.normal(size=(5_000, LANES)) * 10.0 ** rng.uniform(-150, 150, LANES)[None]
    _double(_ours(rmsprop.scale_by_rms(decay), gradients).nu, gradients, decay)


@pytest.mark.slow
@pytest.mark.parametrize("decay", [0.999, 1 - 1e-4, 1 - 1e-5])
def test_float32_for_many_times_its_memory(decay, rng):
    """Roundings that all fell to one side would add up here; ones and noise."""
    steps = 400_000
    gradients = np.ones((steps, 2), np.float32)
    gradients[:, 1] = rng.normal(size=steps)
    _single(_ours(rmsprop.scale_by_rms(decay), gradients).nu, gradients, decay)


@needs_extended
@pytest.mark.slow
def test_float64_for_as_long_as_its_memory(x64, rng):
    gradients = rng.normal(size=(1_000_000, 2))
    decay = 1 - 2e-6
    _double(_ours(rmsprop.scale_by_rms(decay), gradients).nu, gradients, decay)


@pytest.mark.parametrize("steps", [100, 5_000])
def test_the_sum(steps, rng):
    """Each addition rounds by half a unit of the sum so far: by 2^-24 of the last at most."""
    gradients = rng.normal(size=(steps, LANES)).astype(np.float32)
    expected = np.sum(gradients.astype(np.float64) ** 2, axis=0)
    found = np.asarray(_ours(rmsprop.scale_by_rss(0.0), gradients).sum_of_squares, np.float64)
    # And each square is rounded once, and the square times one.
    assert np.all(np.abs(found - expected) <= 2.0**-24 * (steps + 1) * expected)


def test_the_variance(rng):
    """Centered: that of the two averages E[g^2] - E[g]^2 in float64, which has digits to spare."""
    decay = 0.99
    gradients = (3.0 + rng.normal(size=(3_000, LANES))).astype(np.float32)
    state = _ours(rmsprop.scale_by_stddev(decay), gradients)
    squares, mean = _reference(gradients, decay, np.float64), np.zeros(LANES)
    for g in gradients.astype(np.float64):
        mean = decay * mean + (1 - decay) * g
    expected = squares - mean**2
    # The mean is off by 2^-23 / (1 - decay) of |g|, of about 4, and a deviation by that; its
    # square by twice that times the deviation. The rest is as in the average.
    error = 2.0**-23 / (1 - decay)
    tolerance = error * expected + 2 * 4 * error * np.sqrt(expected)
    assert np.all(np.abs(np.asarray(state.var, np.float64) - expected) <= tolerance)
