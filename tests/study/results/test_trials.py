"""Expected best, learning-rate intervals and exponents, against enumeration and by hand."""

import itertools
import math

import numpy as np
import pytest

from rmsprop.study.results.exponents import exponent, exponents
from rmsprop.study.results.trials import best_by, expected_best, rate_interval

INF = math.inf


@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize(
    "scores",
    [
        [0.3],
        [2.0, 1.0],
        [3.0, 1.0, 2.0, 2.0, 5.0],
        [0.1, INF, 0.4, INF, 0.2, 0.3],
        [INF, INF],
        [7.0, -1.0, 0.0, -1.0, 2.0, 2.5, 1e-9],
    ],
)
def test_the_best_of_some_trials_by_enumeration(scores, better):
    sign = 1 if better == "lower" else -1
    values = sign * np.array(scores)
    found = expected_best(values, better)
    for k in range(1, len(scores) + 1):
        best = [min(draw) for draw in itertools.combinations(scores, k)]
        np.testing.assert_allclose(sign * found.expected[k - 1], np.mean(best), rtol=1e-12)
        # the smallest value that a quarter of the draws do not exceed
        lucky, unlucky = np.quantile(best, [0.25, 0.75], method="inverted_cdf")
        assert sign * found.lucky[k - 1] == lucky, k
        assert sign * found.unlucky[k - 1] == unlucky, k
    assert not np.isnan([found.expected, found.lucky, found.unlucky]).any()


def test_the_expectation_is_infinite_as_long_as_all_may_have_diverged():
    found = expected_best([1.0, INF, INF, 2.0], "lower")
    assert np.isinf(found.expected).tolist() == [True, True, False, False]
    assert found.expected[3] == 1


def test_many_trials_give_neither_overflow_nor_a_loss():
    scores = np.random.default_rng(0).permutation(2000).astype(float)
    found = expected_best(scores, "lower")
    # The mean of the least of k of 0, ..., n - 1 is (n - k) / (k + 1).
    k = np.arange(1, 2001)
    np.testing.assert_allclose(found.expected, (2000 - k) / (k + 1), rtol=1e-9, atol=1e-9)
    assert found.of(27) == pytest.approx(1973 / 28)
    assert found.of(2001) is None


@pytest.mark.parametrize("scores", [[], [1.0, math.nan]])
def test_bad_scores_are_refused(scores):
    with pytest.raises(ValueError, match=r"one number per trial.*infinitely bad\."):
        expected_best(scores, "lower")


def test_rates_close_to_the_best_by_hand():
    """Best 1.0, limit 1.05: half of the way to 1.1, a quarter of the way to 1.2."""
    found = rate_interval([1e-3, 1e-2, 1e-1], [1.1, 1.0, 1.2], "lower")
    assert found is not None
    assert math.log10(found.low) == pytest.approx(-2.5)
    assert math.log10(found.high) == pytest.approx(-1.75)
    assert found.decades == pytest.approx(0.75)
    assert found.bounded


def test_rates_close_to_the_best_are_one_interval_around_it():
    """A second valley, behind a ridge, does not count; an accuracy has its limit below."""
    found = rate_interval([1e-4, 1e-3, 1e-2, 1e-1, 1], [0.8, 0.4, 0.8, 0.79, -INF], "higher")
    assert found is not None
    # To the left 0.8 = 0.76 at (0.8 - 0.76) / (0.8 - 0.4) = 0.1 decades of the first of equals.
    assert found.decades == pytest.approx(0.1)
    assert not found.bounded, "the grid begins there"
    found = rate_interval([1e-3, 1e-2, 1e-1, 1], [0.4, 0.8, 0.79, -INF], "higher")
    assert found is not None
    assert math.log10(found.high) == pytest.approx(-1), "ends at once towards what diverged"
    assert found.bounded


def test_rates_of_which_all_diverged_have_no_interval():
    assert rate_interval([0.1, 1.0], [INF, INF], "lower") is None
    single = rate_interval([0.1], [0.0], "lower")
    assert single is not None
    assert (single.decades, single.bounded) == (0, False)


def test_exponents_are_those_of_power_laws():
    steps = np.unique(np.geomspace(1, 1000, 20).astype(int))
    falls = np.outer([1, 10, 0.1], steps**-0.5)
    falls[:, : len(steps) // 3] = 7.0  # the first half of the run, on a logarithmic scale
    np.testing.assert_allclose(exponents(falls, steps), -0.5, rtol=1e-9)
    falls[1, -2:] = np.nan
    falls[2] = np.nan
    np.testing.assert_allclose(exponents(falls, steps)[:2], -0.5, rtol=1e-9)
    assert np.isnan(exponents(falls, steps)[2])
    found = exponent(falls, steps)
    assert found.value == pytest.approx(-0.5)
    assert math.isnan(exponent(falls[2:], steps).value)


def test_the_best_by_one_hyperparameter():
    keys = [0.1, 0.1 * (1 + 1e-15), 0.01, 0.01, math.nan]
    values, best = best_by(keys, [3.0, 2.0, INF, INF, math.nan], "lower")
    assert values.tolist() == [0.01, 0.1]
    assert best.tolist() == [INF, 2.0]
    assert best_by(keys, [3.0, 2.0, 5.0, -INF, math.nan], "higher")[1].tolist() == [5.0, 3.0]
