"""Updating only the rows of a table that a step touches: T8."""

import formulas
import measurements
import numpy as np
import pytest

import rmsprop


@pytest.mark.parametrize(("decay", "eps"), [(0.9, 1e-2), (0.99, 0.0)])
def test_t8_caught_up_is_dense(decay, eps, rng, x64):
    """T8: multiplied by decay^(steps missed) at the next touch, a row's average is the dense one.

    Exactly so but for rounding: a row missed for m steps was rounded m times in the dense average
    and once in the power. Rows are touched every 2nd to every 300th step: 300 * 2^-53 / 2.
    """
    gaps = np.array([2, 5, 20, 100, 300])
    touched = rng.random((1_500, 5)) < 1 / gaps
    gradients = rng.normal(size=(1_500, 5, 3)) * touched[:, :, None]
    loop = formulas.steps_of_touched_rows(gradients, touched, decay, eps)
    dense = -measurements.steps(rmsprop.scale_by_rms(decay, eps), gradients)
    caught_up = -measurements.touched_row_steps(gradients, touched, decay, eps, catch_up=True)
    np.testing.assert_allclose(dense, loop, rtol=1e-13)
    np.testing.assert_allclose(caught_up, loop, rtol=1e-13)
    assert np.all(np.sum(touched, axis=0) > 1)
    behind = -measurements.touched_row_steps(gradients, touched, decay, eps, catch_up=False)
    assert np.max(np.abs(behind - dense)) > 0.1


@pytest.mark.parametrize("gap", [1, 10, 100])
def test_t8_without_catching_up_the_step_tends_to_the_rate(gap, x64):
    """T8: on gradients of one size, the average of the touched steps alone tends to g^2.

    The n-th touch steps 1 / sqrt(1 - decay^n), as if the feature were seen every time; the dense
    step is sqrt((1 - decay^gap) / (1 - decay)) times as long, and they agree at gap 1 only.
    """
    decay, sights = 0.9, 200
    touched = np.zeros((gap * sights, 1), bool)
    touched[::gap] = True
    gradients = 3.0 * touched[:, :, None]
    behind = measurements.touched_row_steps(gradients, touched, decay, 0.0, catch_up=False)
    n = np.arange(1, sights + 1)
    lazy = behind[::gap, 0, 0]
    np.testing.assert_allclose(lazy, formulas.constant_gradient_step(n, decay), rtol=1e-13)
    np.testing.assert_allclose(lazy[-1], 1.0, rtol=decay**sights)
    dense = measurements.steps(rmsprop.scale_by_rms(decay, 0.0), gradients)[::gap, 0, 0]
    ratio = np.sqrt((1 - decay**gap) / (1 - decay))
    np.testing.assert_allclose(dense[-1] / lazy[-1], ratio, rtol=1e-8)
