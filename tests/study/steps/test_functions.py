"""The functions that `rmsprop steps` minimises: what they are there to show."""

import numpy as np
import pytest

from rmsprop.study.steps.functions import FUNCTIONS, valley
from rmsprop.study.steps.minimise import minimise


def test_value_and_start():
    run = minimise(valley(10), steps=3)
    np.testing.assert_array_equal(run.start, [4.0, 1.0])
    assert run.start_value == 13.0
    # Three roundings.
    np.testing.assert_allclose(
        run.value, (run.x[:, 0] ** 2 + 10 * run.x[:, 1] ** 2) / 2, rtol=1e-15
    )


@pytest.mark.parametrize("optimizer", ["rmsprop", "adagrad"])
def test_two_weights_move_alike(optimizer):
    """T14: gradients 0.1 and 10, effective learning rates a factor of 100 apart."""
    run = minimise(FUNCTIONS["two-weights"], None, optimizer, eps=0.0, steps=300)
    rates = run.effective_learning_rate
    # Exact but for the roundings of the update, of its quotient, and of 0.1 itself.
    np.testing.assert_allclose(rates[:, 0] / rates[:, 1], 100, rtol=1e-14)
    np.testing.assert_allclose(run.update[:, 0], run.update[:, 1], rtol=1e-14)
    if optimizer == "rmsprop":
        # After 300 steps the average is short of the square by 0.9^300 = 2e-14 of it.
        np.testing.assert_allclose(rates[-1], [0.1 / 0.1, 0.1 / 10], rtol=1e-12)
    else:
        np.testing.assert_allclose(rates[-1] * np.sqrt(300), [1.0, 0.01], rtol=1e-12)


def test_two_weights_with_sgd_do_not_move_alike():
    run = minimise(FUNCTIONS["two-weights"], None, "sgd", steps=10)
    # x = 4 - 10 steps of 0.1 * 0.1 and of 0.1 * 10; ten roundings of up to 4.4e-16.
    np.testing.assert_allclose(run.x[-1], [3.9, -6.0], rtol=0, atol=1e-14)
