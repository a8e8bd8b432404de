"""What all tasks say together, by hand and against simulation."""

import math

import numpy as np
import pytest
from scipy import stats

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.results import across
from rmsprop.study.results.across import mean_of_strata, profile
from rmsprop.study.results.statistics import Estimate

GRIDS = {name: {"learning_rate": [0.01, 0.1]} for name in ("rmsprop", "adagrad")}


def _share(values):
    """The mean of some values with its interval of Student's t."""
    interval = stats.ttest_1samp(values, 0).confidence_interval()
    return Estimate(float(np.mean(values)), interval.low, interval.high), len(values)


def test_one_stratum_keeps_its_interval():
    values = [0.2, 0.4, 0.5, 0.9, 0.3, 0.1]
    share, _ = _share(values)
    mean = mean_of_strata([_share(values)])
    assert (mean.value, mean.low, mean.high) == pytest.approx((share.value, share.low, share.high))


def test_two_strata_are_the_interval_of_welch():
    """The difference of two means has the variance of their sum."""
    one, two = [0.2, 0.4, 0.5, 0.9, 0.3, 0.1], [0.5, 0.6, 0.55, 0.62]
    welch = stats.ttest_ind(one, two, equal_var=False).confidence_interval()
    mean = mean_of_strata([_share(one), _share(two)])
    assert mean.value == pytest.approx((np.mean(one) + np.mean(two)) / 2)
    assert mean.high - mean.low == pytest.approx((welch.high - welch.low) / 2)


def test_means_of_strata_stay_probabilities():
    sure = Estimate(1.0, 0.8, 1.0)
    mean = mean_of_strata([(sure, 13), (sure, 13)])
    assert mean.value == mean.high == 1
    assert 0.8 < mean.low < 1
    known = Estimate(0.5, 0.5, 0.5)
    assert mean_of_strata([(known, 13), (known, 13)]) == known
    none = Estimate(0.5, math.nan, math.nan)
    assert math.isnan(mean_of_strata([(sure, 13), (none, 5)]).low)


def test_intervals_of_a_mean_of_strata_hold_the_truth(rng):
    """Of 2,000 studies of four tasks, at least 93 % and at most 97 %."""
    truths, seeds = np.array([0.2, 0.5, 0.7, 0.6]), 20
    values = truths[:, None] + 0.3 * rng.standard_normal((2000, len(truths), seeds))
    interval = stats.ttest_1samp(values, 0, axis=-1).confidence_interval()
    hits = 0
    for study in zip(values.mean(axis=-1), interval.low, interval.high, strict=True):
        mean = mean_of_strata([(Estimate(*x), seeds) for x in zip(*study, strict=True)])
        hits += mean.low <= truths.mean() <= mean.high
    assert 0.93 <= hits / 2000 <= 0.97


def test_improvements_are_means_of_the_headlines():
    results = Comparison.of(
        {name: synthetic.task(steps=10, seed=seed) for seed, name in enumerate("abc")},
        synthetic.ROOT,
    )
    (row,) = across.improvements(results.headlines())
    assert (row.first, row.second, row.tasks) == ("rmsprop", "adagrad", 3)
    expected = [x.improvement.value for x in results.headlines()]
    assert row.probability.value == pytest.approx(np.mean(expected))
    assert across.improvements(synthetic.full().headlines())[0].second == "adagrad", "no references"


def _task(runs, *, better="lower", **options):
    """A task with one finalist of each optimizer, whose runs on four seeds are given."""
    task = synthetic.task(GRIDS, seeds=4, steps=10, better=better, **options)
    task["metric"].loc[{"setting": "tuned"}] = np.array(runs)[:, None]
    return synthetic.with_one_finalist(task)


def _share_within(curves, factor):
    """The shares of both optimizers at the largest factor that is not above this one."""
    return curves.share[:, np.flatnonzero(curves.factors <= factor * (1 + 1e-12))[-1]].tolist()


def test_a_profile_by_hand():
    """Losses of mean 2 and 4 on one task; on another error rates of .1 and .15."""
    losses = _task([[1.0, 2.0, 2.0, 3.0], [2.0, 4.0, 4.0, 6.0]])
    points = _task([[0.9] * 4, [0.9, 0.85, 0.85, 0.8]], better="higher")
    curves = profile(Comparison.of({"a": losses, "b": points}, synthetic.ROOT))
    assert curves is not None
    assert (curves.optimizers, curves.tasks) == (("rmsprop", "adagrad"), ("a", "b"))
    assert _share_within(curves, 1.0) == [(3 / 4 + 1) / 2, (1 / 4 + 1 / 4) / 2]
    assert _share_within(curves, 1.49) == [(3 / 4 + 1) / 2, (1 / 4 + 1 / 4) / 2]
    assert _share_within(curves, 1.52) == [1, (1 / 4 + 3 / 4) / 2]
    assert _share_within(curves, 2.02) == [1, (3 / 4 + 1) / 2]
    assert _share_within(curves, 4.0) == [1, 1]
    assert (np.diff(curves.share, axis=1) >= 0).all()
    assert (curves.low <= curves.share + 1e-9).all()
    assert (curves.high >= curves.share - 1e-9).all()


def test_a_run_is_of_what_is_best_on_the_other_seeds():
    """Two schedules: the second is better on three of four seeds by what it is chosen by."""
    task = synthetic.task(GRIDS, seeds=4, steps=10, schedules=("constant", "linear"))
    task = synthetic.with_one_finalist(task).copy(deep=True)
    for name, values in (
        ("finalist_choice", [[1.0, 1.0, 1.0, 1.0], [0.5, 0.5, 0.5, 1.9]]),
        ("finalist_report", [[1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0]]),
    ):
        task[name][:, :, 0, 0] = np.array(values)
    # Without one of the first three seeds the second schedule costs 0.5 x 0.5 x 1.9 < 1.
    curves = profile(Comparison.of({"t": task}, synthetic.ROOT))
    assert curves is not None
    assert _share_within(curves, 1.0) == [1, 1], "all runs are 2, of the second schedule"
    task["finalist_choice"][0, 1, 0, 0] = [0.5, 0.5, 0.5, 9.0]
    # Without the last seed the second schedule is chosen, without another one the first.
    curves = profile(Comparison.of({"t": task}, synthetic.ROOT))
    assert curves is not None
    assert _share_within(curves, 1.0) == [3 / 4, 0]
    assert _share_within(curves, 1.64) == [1, 1], "the best mean is 1.25"


def test_diverged_runs_count_nowhere_and_take_their_optimizer_from_the_best():
    runs = [[1.0, 1.0, 1.0, math.inf], [2.0, 2.0, 2.0, 2.0]]
    task = _task(runs, diverged={"rmsprop": [3]})
    curves = profile(Comparison.of({"t": task}, synthetic.ROOT))
    assert curves is not None
    assert _share_within(curves, 1.0) == [3 / 4, 1]
    assert _share_within(curves, 4.0) == [3 / 4, 1]
    both = _task([[1.0, 1.0, 1.0, math.inf], [math.inf, 2.0, 2.0, 2.0]])
    assert across._within(both["finalist_report"].values[:, 0, 0])[:, 0, 0].tolist() == [0.75, 0]
    lost = np.full((2, 1, 4), math.inf)
    assert (across._within(lost) == 0).all()


def test_a_profile_leaves_out_what_has_no_ratios():
    negative = _task([[-1.0, 2.0, 2.0, 3.0], [2.0, 4.0, 4.0, 6.0]])
    assert profile(Comparison.of({"t": negative}, synthetic.ROOT)) is None
    results = Comparison.of({"t": negative, "u": _task([[1.0] * 4] * 2)}, synthetic.ROOT)
    curves = profile(results)
    assert curves is not None
    assert curves.tasks == ("u",)


def test_the_band_of_a_profile_covers_and_follows_its_generator():
    results = synthetic.full()
    one, again, other = (
        profile(results, None if seed is None else np.random.default_rng(seed))
        for seed in (None, 0, 1)
    )
    assert one is not None
    assert again is not None
    assert other is not None
    assert one.optimizers == ("rmsprop", "adagrad", "sgd", "adam"), "references too"
    np.testing.assert_array_equal(one.low, again.low)
    assert not np.array_equal(one.low, other.low)
    np.testing.assert_allclose(one.low, other.low, atol=0.03)
    assert (one.high - one.low).max() > 0.05
