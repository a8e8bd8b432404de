"""Statements that one optimizer is another one: T1, T2, T12."""

import formulas
import jax.numpy as jnp
import measurements
import numpy as np
import optax
import pytest

import reference
import rmsprop

ROUNDING = 2.0**-53


def test_t1_rmsprop_becomes_adagrad(rng, x64):
    """T1: decay 1 - 1/t and rate lr / sqrt(t) (Mukkamala and Hein, 2017, section 4).

    The average of t terms is their sum over t. A step rounds 1/t, decay, two products and a sum,
    each by at most 2^-53; the average of T steps forgets old errors as slowly as old squares, so
    that they add up at random: 5 * sqrt(2000) roundings, halved by the root, 1.2e-14.
    """
    gradients = rng.normal(size=(2_000, 16))
    distances = measurements.distances_from_adagrad(gradients)
    bound = 5 / 2 * np.sqrt(2_000) * ROUNDING
    assert np.max(distances["1 − 1/t"]) < bound
    # A schedule in float32 rounds 2^29 times coarser, and costs that.
    assert 1e4 * bound < np.max(distances["1 − 1/t in float32"]) < 2.0**29 * bound
    # A fixed decay is another optimizer: 1,000 and more steps away it still differs by a tenth.
    assert np.max(distances["0.99"][1_000:]) > 0.1
    ours = measurements.steps(rmsprop.adagrad(0.1, 0.0, 0.0), gradients)
    np.testing.assert_allclose(ours, 0.1 * formulas.adagrad_steps(gradients), rtol=bound)


@pytest.mark.parametrize(("decay", "eps"), [(0.9, 0.0), (0.999, 1e-3)])
def test_t2_bias_correction_is_adam_without_momentum(decay, eps, rng, x64):
    """T2: algorithm 1 of Kingma and Ba, 2015, with beta1 = 0; and Optax's Adam.

    With d = 0.999 the correction 1 - d^t begins at 1e-3 and cancels 3 digits of 16: 1e-13 / 2 in
    the root; the recurrence adds a few roundings a step of its memory, 1 / (1 - d).
    """
    gradients = rng.normal(size=(300, 8))
    ours = measurements.steps(
        rmsprop.scale_by_rms(decay, eps, bias_correction=True, eps_in_sqrt=False), gradients
    )
    expected = -formulas.adam_steps_without_momentum(gradients, decay, eps)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)
    with measurements.optax_promotion():
        adam = measurements.steps(optax.scale_by_adam(b1=0.0, b2=decay, eps=eps), gradients)
    np.testing.assert_allclose(ours, adam, rtol=1e-12)


def test_t2_the_correction_matters_at_the_start(rng, x64):
    """T2: without it the first step is 1 / sqrt(1 - decay) times as long, with it exactly 1."""
    gradients = rng.normal(size=(1, 8))
    plain = measurements.steps(rmsprop.scale_by_rms(0.999, 0.0), gradients)
    corrected = measurements.steps(
        rmsprop.scale_by_rms(0.999, 0.0, bias_correction=True), gradients
    )
    np.testing.assert_allclose(np.abs(corrected), 1.0, rtol=1e-13)
    np.testing.assert_allclose(plain / corrected, np.sqrt(1000), rtol=1e-13)


@pytest.mark.parametrize("inside", [True, False])
def test_t12_the_place_of_the_rate(inside, rng, x64):
    """T12: each placement against its loop, across a drop of the rate by 10."""
    gradients = rng.normal(size=(120, 5))
    ours = measurements.steps_across_a_drop(gradients, 60, inside)
    loop = reference.rmsprop(
        np.zeros(5),
        gradients,
        lambda k: 1.0 if k < 60 else 0.1,
        lambda k: 0.9,
        eps=0.0,
        momentum=measurements.MOMENTUM,
        lr_in_momentum=inside,
    )
    # Momentum can cancel steps of size 1 to a small one: absolute, at 1 / (1 - 0.9) of them.
    np.testing.assert_allclose(-ours, loop.updates, rtol=0, atol=1e-13)


def test_t12_equal_until_the_rate_drops(rng, x64):
    """T12: after n steps of the new rate the difference is what is left of the old buffer.

    Inside, momentum^n * B of the buffer still carries the old rate; outside, the new one.
    """
    gradients = rng.normal(size=(120, 5))
    inside = measurements.steps_across_a_drop(gradients, 60, True)
    outside = measurements.steps_across_a_drop(gradients, 60, False)
    np.testing.assert_allclose(inside[:60], outside[:60], rtol=0, atol=1e-13)
    buffer = outside[59]  # of the rate 1, and so in units of it
    left = measurements.MOMENTUM ** np.arange(1, 61)[:, None] * buffer
    np.testing.assert_allclose((inside - outside)[60:], (1 - 0.1) * left, rtol=0, atol=1e-13)


def test_t12_the_ratio_of_a_full_buffer(x64):
    """T12: 1 + 9 * momentum^n for a rate that drops by 10: 9.1 at first with momentum 0.9.

    Equal steps of size 1 for 400 steps leave 0.9^400 = 5e-19 of the buffer to be filled.
    """
    gradients = np.full((440, 1), 2.0)
    inside, outside = (
        measurements.steps_across_a_drop(gradients, 400, place, initial_scale=4.0)
        for place in (True, False)
    )
    n = np.arange(1, 41)
    expected = formulas.buffer_ratio(n, measurements.MOMENTUM)
    np.testing.assert_allclose((inside / outside)[400:, 0], expected, rtol=1e-12)
    np.testing.assert_allclose(expected[0], 9.1, rtol=1e-14)
    np.testing.assert_allclose(outside[400:, 0], jnp.full(40, 1.0), rtol=1e-12)
