"""Expected best, learning-rate intervals and exponents, against enumeration and by hand."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.results import trials
from rmsprop.study.results.exponents import exponent, exponents
from rmsprop.study.results.schema import view
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
    curve = expected_best(sign * np.array(scores), better)
    for k in range(1, len(scores) + 1):
        best = [min(draw) for draw in itertools.combinations(scores, k)]
        np.testing.assert_allclose(sign * curve[k - 1], np.mean(best), rtol=1e-12)
    assert not np.isnan(curve).any()


@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize(
    "ranks", [[3.0, 1.0, 2.0, 5.0], [3.0, 1.0, 2.0, 2.0, 5.0, 2.0], [1.0, INF, 1.0, INF]]
)
def test_what_the_best_is_worth_on_other_seeds_by_enumeration(ranks, better, rng):
    """Chosen by one score, worth another; of those that tie on the first any may be chosen."""
    sign = 1 if better == "lower" else -1
    values = rng.standard_normal((len(ranks), 3))
    values[-1, 0] = sign * INF
    curves = expected_best(sign * np.array(ranks), better, values)
    assert curves.shape == (len(ranks), 3)
    for k in range(1, len(ranks) + 1):
        worth = []
        for draw in itertools.combinations(range(len(ranks)), k):
            best = min(ranks[i] for i in draw)
            worth.append(np.mean([values[i] for i in draw if ranks[i] == best], axis=0))
        np.testing.assert_allclose(curves[k - 1], np.mean(worth, axis=0), rtol=1e-11)


def test_the_expectation_is_infinite_as_long_as_all_may_have_diverged():
    curve = expected_best([1.0, INF, INF, 2.0], "lower")
    assert np.isinf(curve).tolist() == [True, True, False, False]
    assert curve[3] == 1


def test_many_trials_give_neither_overflow_nor_a_loss():
    scores = np.random.default_rng(0).permutation(2000).astype(float)
    curve = expected_best(scores, "lower")
    # The mean of the least of k of 0, ..., n - 1 is (n - k) / (k + 1).
    k = np.arange(1, 2001)
    np.testing.assert_allclose(curve, (2000 - k) / (k + 1), rtol=1e-9, atol=1e-9)


def _small(**options):
    """A view with four configurations of one optimizer, of which the last came by growing."""
    grid = {"learning_rate": [0.001, 0.01, 0.1, 1.0]}
    return view(synthetic.task({"adagrad": grid}, steps=10, **options))


def test_a_budget_is_worth_what_the_reporting_seeds_say():
    """Two finalists of three in the first grid: the third has its tuning score."""
    task = _small(seeds=3)
    task["tuning_score"][0, :, 1:] = np.nan  # the race saw enough
    task["tuning_score"][0, :, :] = np.array([3.0, 1.0, 2.0, INF])[:, None]
    task["tuning_score"][0, 0, 1:] = np.nan
    task["finalist_configuration"][0] = [1, 2, -1, -1]
    task["finalist_report"][0, 0] = np.nan
    task["finalist_report"][0, 0, :2] = [[4.0, 5.0, 6.0], [2.0, 3.0, INF]]
    budget = trials.budget_of(task, "adagrad")
    # Of two, the one chosen by 1 is there in two of three draws, the one chosen by 2 in the third;
    # the run that diverged counts as the worst of its seed, 6.
    seeds = np.array([[9, 11, 15], [10, 13, 18], [12, 15, 18]]) / 3
    np.testing.assert_allclose(budget.expected, seeds.mean(axis=1))
    for curve, low, high in zip(seeds, budget.low, budget.high, strict=True):
        interval = stats.ttest_1samp(curve, 0).confidence_interval()
        assert (low, high) == pytest.approx((interval.low, interval.high))
    assert budget.of(2) == pytest.approx(seeds[1].mean())
    assert budget.of(4) is None


def test_a_budget_chosen_by_a_loss_and_reported_by_an_accuracy_is_told_by_the_loss():
    task = _small(seeds=2, better="higher", choose_by_better="lower")
    task["tuning_score"][0, :, :] = np.array([3.0, 1.0, 2.0, INF])[:, None]
    task["finalist_configuration"][0] = [1, -1, -1, -1]
    task["finalist_choice"][0, 0, 0] = 1.5
    budget = trials.budget_of(task, "adagrad")
    assert budget.expected[2] == pytest.approx(1.5)
    assert budget.expected[0] == pytest.approx((3 + 1.5 + 2) / 3)


def test_what_was_raced_out_is_never_the_best():
    """Its only score is the best of all, on a seed that was kind to it."""
    grid = {"learning_rate": [0.001, 0.01, 0.1], "one_minus_decay": [0.1, 0.01]}
    results = Comparison.of({"t": synthetic.task({"rmsprop": grid}, steps=10)}, synthetic.ROOT)
    scores = results.task("t")["tuning_score"][0, 0]
    scores[:] = np.array([5.0, 5.0, 1.02, 2.0, 0.5, 9.0])[:, None] * [1.0, 1.1, 0.9]
    scores[4:, 1:] = np.nan
    interval = trials.rates_of(results.view("t"), "rmsprop")
    assert interval is not None
    assert interval.low == pytest.approx(10 ** (-2 - 0.05 * 1.02 / (5 - 1.02)))
    assert interval.high == pytest.approx(0.1), "0.5 on one seed is within 5 % of 1.02"
    assert not interval.bounded


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


def test_the_best_among_first_choices_where_there_are_some():
    keys, scores = [0.1, 0.1, 0.01, 0.01, 1.0], [3.0, 2.0, 4.0, math.nan, math.nan]
    first = np.array([True, False, False, True, True])
    values, best = best_by(keys, scores, "lower", first)
    assert values.tolist() == [0.01, 0.1, 1.0]
    np.testing.assert_array_equal(best, [4.0, 3.0, math.nan])
