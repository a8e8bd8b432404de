"""Data on which adaptive methods learn the wrong rule: T10 (Wilson et al., 2017, section 3.3)."""

import formulas
import measurements
import numpy as np
import pytest


@pytest.fixture
def data(rng, x64):
    return formulas.separable_data(rng)


def fresh_labels(rng, count=1_000):
    return np.where(rng.random(count) < 0.6, 1.0, -1.0)


def test_t10_the_data(data):
    """T10: one label, two ones, and 1 or 5 columns of its own, which no other example has.

    Lemma 3.1 of the paper needs X sign(X'y) = c y, and here c = 4.
    """
    features, labels = data
    assert features.shape == (100, 503)
    np.testing.assert_array_equal(np.sum(features[:, 3:], axis=1), np.where(labels > 0, 1, 5))
    assert np.all(np.sum(features[:, 3:], axis=0) <= 1)
    assert 50 < np.sum(labels > 0) < 80
    np.testing.assert_array_equal(features @ np.sign(features.T @ labels), 4 * labels)


@pytest.mark.parametrize("name", measurements.NOT_ADAPTIVE)
def test_t10_the_least_norm_generalizes(name, data, rng):
    """T10: both find the interpolation of least norm, and with it all of the new examples.

    600 steps of momentum leave sqrt(0.9)^600 = 2e-14 of the way.
    """
    features, labels = data
    weights = measurements.separable_run(name, features, labels)[-1]
    least = formulas.least_norm_solution(features, labels)
    np.testing.assert_allclose(weights, least, rtol=0, atol=1e-12)
    assert np.all(np.sign(features @ weights) == labels)
    assert formulas.unseen_accuracy(weights, fresh_labels(rng)) == 1.0


@pytest.mark.parametrize(
    ("name", "exact", "drift"),
    [("AdaGrad", 600, 1e-13), ("RMSprop", 5, 0.15), ("Adam", 40, 0.02)],
)
def test_t10_adaptive_weights_are_a_sign(name, exact, drift, data, rng):
    """T10: every step is proportional to sign(X'y), whatever the sizes of X'y (lemma 3.1).

    They fit the examples, and call every new one positive: the accuracy is the share of those.
    In floating point for AdaGrad all the way. RMSprop and Adam overshoot, and then amplify what
    rounding has made different between coordinates whose residual is small; it stays small.
    """
    features, labels = data
    sign = np.sign(features.T @ labels)
    weights = measurements.separable_run(name, features, labels)[1:]
    assert np.all(weights[:, sign == 0] == 0)
    along = weights[:, sign != 0] * sign[sign != 0]
    spread = np.max(along, axis=1) / np.min(along, axis=1) - 1
    assert np.max(np.abs(spread[:exact])) < 1e-13
    assert np.max(np.abs(spread)) < max(drift, 1e-13)
    np.testing.assert_allclose(along[-1], 1 / 4, rtol=max(drift, 1e-12))
    assert np.all(np.sign(features @ weights[-1]) == labels)
    fresh = fresh_labels(rng)
    assert formulas.unseen_accuracy(weights[-1], fresh) == np.mean(fresh > 0)
