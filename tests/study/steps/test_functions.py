"""The functions that `rmsprop steps` minimises: what they are there to show."""

import numpy as np
import pytest

from rmsprop.study.steps.functions import FUNCTIONS, valley
from rmsprop.study.steps.minimise import minimise


def test_value_and_start():
    run = minimise(valley(10), steps=3)
    np.testing.assert_array_equal(run.x[0], [4.0, 1.0])
    assert run.value[0] == 13.0
    # Three roundings.
    np.testing.assert_allclose(
        run.value, (run.x[:, 0] ** 2 + 10 * run.x[:, 1] ** 2) / 2, rtol=1e-15
    )


@pytest.mark.parametrize("optimizer", ["rmsprop", "adagrad"])
def test_two_weights_move_alike(optimizer):
    """T14: gradients 0.1 and 10, effective learning rates a factor of 100 apart."""
    run = minimise(FUNCTIONS["two-weights"], None, optimizer, learning_rate=0.1, eps=0.0, steps=300)
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
    run = minimise(FUNCTIONS["two-weights"], None, "sgd", learning_rate=0.1, steps=10)
    # x = 4 - 10 steps of 0.1 * 0.1 and of 0.1 * 10; ten roundings of up to 4.4e-16.
    np.testing.assert_allclose(run.x[-1], [3.9, -6.0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("condition", [2.0, 100.0, 1000.0])
def test_gradient_descent_zigzags_across_the_valley_at_its_default_rate(condition):
    """At the limit 2 / condition it would go from wall to wall for ever; beyond, further out."""
    objective = valley(condition)
    run = minimise(objective, None, "sgd")
    across = run.x[:, 1]
    assert (across[1:] * across[:-1] < 0).all()
    # 1 - rate * condition = -0.9; the learning rate and 30 steps round it, by 30 * 2 units.
    np.testing.assert_allclose(across, (-0.9) ** np.arange(31), rtol=1e-12)
    limit = objective.stable.value
    for factor, grows in ((0.999, False), (1.001, True)):
        run = minimise(objective, None, "sgd", learning_rate=factor * limit)
        assert (np.diff(np.abs(run.x[:, 1])) > 0).all() == grows


def test_the_largest_stable_rate_of_the_square():
    limit = FUNCTIONS["square"].stable.value
    for factor, grows in ((0.999, False), (1.001, True)):
        run = minimise(FUNCTIONS["square"], None, "sgd", learning_rate=factor * limit)
        assert (np.diff(np.abs(run.x[:, 0])) > 0).all() == grows


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "rmsprop"])
def test_runs_come_near_the_minimum_of_rosenbrock_by_default(optimizer):
    run = minimise(FUNCTIONS["rosenbrock"], None, optimizer)
    assert run.value[0] == pytest.approx(24.2, rel=1e-14)
    # 0.07, 0.05 and 0.04: a few thousandths of the start, and around the bend of the valley.
    assert run.value[-1] < 0.1
    assert run.x[-1, 0] > 0.7


def test_only_the_two_weights_fall_for_ever():
    assert [name for name, each in FUNCTIONS.items() if not each.bounded] == ["two-weights"]
