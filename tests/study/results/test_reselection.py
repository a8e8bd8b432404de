"""The estimate over all choices, against loops that spell it out and against studies made up."""

import itertools

import numpy as np
import pytest
from scipy import stats

from rmsprop.study.results.jackknife import subsets_of
from rmsprop.study.results.reselection import Finalists, expected_scores, reselect, weights


def by_loops(first, second, size, better, choose_by=None, chance=None):
    """The estimate and the probability of improvement, from the definition and in plain loops."""
    seeds = first.choice.shape[1]
    sign, turn = (1 if x == "lower" else -1 for x in (better, choose_by or better))

    def logs(which, *arrays):
        finite = [x for a in arrays for x in a.flat if np.isfinite(x)]
        if which == "lower" and min(finite) > 0:
            return [np.array([[np.log(x) for x in row] for row in a]) for a in arrays], True
        return arrays, False

    choices, _ = logs(choose_by or better, first.choice, second.choice)
    reports, logarithmic = logs(better, first.report, second.report)
    lost = [~np.isfinite(a) for a in reports]
    reports = [a.copy() for a in reports]
    for s in range(seeds):
        finite = [x for a in reports for x in a[:, s] if np.isfinite(x)]
        best, worst = (min(finite), max(finite)) if better == "lower" else (0, min(finite))
        if better == "lower":
            worst += np.log(2) if logarithmic else worst - best
        for a, bad in zip(reports, lost, strict=True):
            a[bad[:, s], s] = worst if chance is None else chance

    def chosen(choice, subset):
        """Indices of the configurations that share the choice on a subset."""
        keys = []
        for row in choice:
            finite = [turn * row[s] for s in subset if np.isfinite(row[s])]
            mean = sum(finite) / len(finite) if finite else 0.0
            keys.append((len(subset) - len(finite), round(mean, 10)))
        return [i for i, key in enumerate(keys) if key == min(keys)]

    differences, wins = [], []
    for subset in itertools.combinations(range(seeds), size):
        ours, theirs = (chosen(c, subset) for c in choices)
        for s in set(range(seeds)) - {*subset}:
            pairs = [(a, b) for a in ours for b in theirs]
            of_pair = [(reports[0][a, s], reports[1][b, s]) for a, b in pairs]
            differences.append(np.mean([a - b for a, b in of_pair]))
            costs = [
                tuple(np.inf if bad[i, s] else sign * x for i, bad, x in zip(*both, strict=True))
                for both in (
                    (pair, lost, scores) for pair, scores in zip(pairs, of_pair, strict=True)
                )
            ]
            wins.append(np.mean([a < b or 0.5 * (a == b) for a, b in costs]))
    return np.mean(differences), np.mean(wins)


def without(finalists, seed):
    return Finalists(
        np.delete(finalists.choice, seed, axis=1), np.delete(finalists.report, seed, axis=1)
    )


def some_finalists(rng, configurations, seeds, *, shift=0.0, ties=False, diverged=0.0):
    choice = rng.normal(size=(configurations, seeds)) + rng.normal(size=(configurations, 1))
    report = choice + 0.3 * rng.normal(size=choice.shape) + shift
    if ties:
        choice, report = choice.round(), report.round()
    bad = rng.random(choice.shape) < diverged
    return Finalists(np.where(bad, np.inf, choice), np.where(bad, np.nan, report))


@pytest.mark.parametrize("choose_by", ["lower", "higher"])
@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize("diverged", [0.0, 0.3])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("seeds", "size"), [(6, 3), (8, 1), (7, 4)])
def test_it_is_what_plain_loops_give(rng, seeds, size, ties, diverged, better, choose_by):
    first, second = (some_finalists(rng, n, seeds, ties=ties, diverged=diverged) for n in (4, 3))
    result = reselect(first, second, size, better, choose_by=choose_by)
    difference, improvement = by_loops(first, second, size, better, choose_by)
    assert result.difference.value == pytest.approx(difference, abs=1e-12)
    assert result.improvement.value == pytest.approx(improvement, abs=1e-12)
    assert not result.logarithmic


@pytest.mark.parametrize("diverged", [0.0, 0.2])
def test_positive_losses_are_compared_by_their_logarithms(rng, diverged):
    first, second = (some_finalists(rng, 4, 7, diverged=diverged) for _ in range(2))
    first, second = (Finalists(np.exp(x.choice), np.exp(x.report)) for x in (first, second))
    result = reselect(first, second, 3, "lower")
    assert result.logarithmic
    assert result.difference.value == pytest.approx(by_loops(first, second, 3, "lower")[0])
    # An accuracy is positive as well, and is compared as it is.
    as_accuracy = reselect(first, second, 3, "higher")
    assert not as_accuracy.logarithmic
    assert as_accuracy.difference.value == pytest.approx(by_loops(first, second, 3, "higher")[0])


def test_a_diverged_run_counts_as_chance_where_higher_is_better(rng):
    first, second = (some_finalists(rng, 3, 7, diverged=d) for d in (0.4, 0.0))
    result = reselect(first, second, 3, "higher", chance=-2.0)
    expected = by_loops(first, second, 3, "higher", chance=-2.0)[0]
    assert result.difference.value == pytest.approx(expected)


def test_the_interval_is_that_of_leaving_out_one_seed_after_the_other(rng):
    first, second = (some_finalists(rng, 4, 8, diverged=0.1, ties=True) for _ in range(2))
    result = reselect(first, second, 3, "lower")
    deleted = np.array(
        [by_loops(without(first, j), without(second, j), 3, "lower")[0] for j in range(8)]
    )
    error = np.sqrt(7 / 8 * np.sum((deleted - deleted.mean()) ** 2))
    half = stats.t.ppf(0.975, 7) * error
    value = result.difference.value
    assert result.difference.low == pytest.approx(value - half)
    assert result.difference.high == pytest.approx(value + half)
    assert result.p_value == pytest.approx(2 * stats.t.sf(abs(value) / error, 7))


def test_the_second_against_the_first_is_the_same_the_other_way_round(rng):
    first, second = (some_finalists(rng, n, 9, diverged=0.1) for n in (4, 2))
    there, back = reselect(first, second, 3, "lower"), reselect(second, first, 3, "lower")
    assert back.difference.value == pytest.approx(-there.difference.value)
    assert back.difference.low == pytest.approx(-there.difference.high)
    assert back.improvement.value == pytest.approx(1 - there.improvement.value)
    assert back.diverged == there.diverged[::-1]


def test_no_choice_is_reported_on_the_seeds_that_it_was_made_on():
    """A configuration that shines on one seed each, and is worse on all others."""
    seeds = 8
    lucky = np.ones((seeds, seeds)) - 10 * np.eye(seeds)
    steady = np.zeros((1, seeds))
    result = reselect(Finalists(lucky, lucky), Finalists(steady, steady), 1, "lower")
    assert result.difference.value == 1  # never -9
    assert result.improvement.value == 0


def test_a_diverged_run_is_chosen_only_where_all_diverged():
    inf = np.inf
    choice = np.array([[0.0, 0.0, inf, 0.0], [5.0, 5.0, 5.0, 5.0], [1.0, inf, inf, 1.0]])
    three = subsets_of(4, 3)
    expected = [[0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]]
    np.testing.assert_array_equal(weights(choice, three), expected)
    # Without the second the first diverged least often on every subset.
    np.testing.assert_array_equal(weights(choice[[0, 2]], three)[:, 0], 1)


def test_configurations_that_tie_share_the_choice():
    choice = np.array([[0.1, 0.2, 0.3], [0.3, 0.1, 0.2], [0.9, 0.9, 0.9]])
    np.testing.assert_array_equal(weights(choice, subsets_of(3, 3)), [[0.5, 0.5, 0]])


@pytest.mark.parametrize("count", range(2, 25))
def test_ties_of_any_number_leave_no_rounding(count):
    """Weights of a seventh add up to less than 1: that is no difference, and no other share."""
    score, bad = np.full((count, 8), 0.97), np.full((count, 8), np.inf)
    one = Finalists(score[:1], score[:1])
    result = reselect(Finalists(score, score), one, 3, "higher")
    assert result.difference.value == result.difference.high == 0
    assert result.p_value == 1
    assert result.improvement.value == pytest.approx(0.5)
    assert reselect(Finalists(score, bad), one, 3, "higher").diverged[0].value == 1
    wins = reselect(Finalists(score, score), Finalists(score / 2, score / 2), 3, "higher")
    assert (wins.improvement.value, wins.improvement.high) == (1, 1)
    assert wins.improvement.low == pytest.approx(0.05 ** (1 / 8))


@pytest.mark.parametrize("chance", [None, 0.1])
def test_what_diverged_loses_to_what_did_not(chance):
    fine, lost = np.full((1, 8), 0.9), np.full((1, 8), -np.inf)
    result = reselect(Finalists(lost, lost), Finalists(fine, fine), 3, "higher", chance=chance)
    assert result.improvement.value == 0
    assert result.difference.value == (0 if chance is None else pytest.approx(-0.8))


def test_the_penalty_of_scores_that_may_be_negative_has_their_scale():
    """A diverged run is as far beyond the worst of its seed as that is from the best."""
    for scale in (1e-3, 1e6):
        spread = np.array([[-2.0], [-1.0]]) * np.ones((2, 8)) * scale
        lost = np.full((1, 8), np.inf)
        one = Finalists(lost, lost)
        result = reselect(one, Finalists(spread, spread), 3, "lower")
        assert result.difference.value == pytest.approx(2 * scale)  # 0 against the best, -2


def test_both_diverged_is_a_tie():
    bad = np.full((1, 6), np.nan)
    result = reselect(Finalists(bad, bad), Finalists(bad, bad), 3, "higher")
    assert (result.difference.value, result.improvement.value) == (0, 0.5)
    assert [x.value for x in result.diverged] == [1, 1]
    assert result.diverged[0].low == pytest.approx(0.025 ** (1 / 6))
    assert result.p_value == 1


@pytest.mark.parametrize("lost", [0, 1, 5, 12])
def test_the_share_of_diverged_runs_has_an_exact_interval(lost):
    runs = np.ones((1, 12))
    runs[0, :lost] = np.inf
    one = Finalists(np.ones((1, 12)), runs)  # chosen by something else than what diverged
    share = reselect(one, one, 1, "lower").diverged[0]
    exact = stats.binomtest(lost, 12).proportion_ci(0.95, method="exact")
    assert share.value == pytest.approx(lost / 12)
    assert (share.low, share.high) == pytest.approx((exact.low, exact.high))


def test_ties_count_one_half():
    one = np.array([[1.0, 2.0, 3.0, 4.0]])
    two = np.array([[1.0, 2.0, 2.0, 5.0]])
    result = reselect(Finalists(one, one), Finalists(two, two), 1, "lower")
    assert result.improvement.value == (0.5 + 0.5 + 0 + 1) / 4


def test_unanimous_seeds_leave_room_for_a_seed_that_is_not():
    one, two = (np.full((1, 20), x) for x in (1.0, 2.0))
    result = reselect(Finalists(one, one), Finalists(two, two), 3, "lower")
    assert result.improvement.value == result.improvement.high == 1
    assert result.improvement.low == pytest.approx(0.05 ** (1 / 20))
    assert result.p_value < 1e-12  # all but zero: the logarithms are rounded


def test_fewer_than_six_seeds_have_no_interval(rng):
    first, second = (some_finalists(rng, 2, 5) for _ in range(2))
    result = reselect(first, second, 3, "lower")
    assert np.isnan([result.difference.low, result.difference.high, result.p_value]).all()
    assert np.isnan([result.improvement.low, result.improvement.high]).all()
    assert np.isfinite(result.difference.value)
    flat = np.ones((1, 5))
    unanimous = reselect(Finalists(flat, flat), Finalists(2 * flat, 2 * flat), 2, "lower")
    assert np.isnan([unanimous.improvement.low, unanimous.improvement.high]).all()


@pytest.mark.parametrize(("seeds", "size", "count"), [(20, 3, 1140), (20, 10, 1200), (6, 3, 20)])
def test_all_subsets_or_some_1200(seeds, size, count):
    subsets = subsets_of(seeds, size)
    assert subsets.shape == (count, seeds)
    assert (subsets.sum(axis=1) == size).all()
    if count != 1200:
        assert len({tuple(row) for row in subsets.tolist()}) == count
    np.testing.assert_array_equal(subsets, subsets_of(seeds, size))


def test_what_cannot_be_compared(rng):
    six, seven = (some_finalists(rng, 2, n) for n in (6, 7))
    with pytest.raises(ValueError, match="the first optimizer has 6 seeds and the second 7"):
        reselect(six, seven, 3, "lower")
    with pytest.raises(ValueError, match=r"tuning_seeds is 6; of 6 seeds .* at most 5"):
        reselect(six, six, 6, "lower")
    with pytest.raises(ValueError, match=r"choice has the shape \(2, 3\) and report \(2, 4\)"):
        Finalists(np.zeros((2, 3)), np.zeros((2, 4)))


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_scores_are_the_means_whose_differences_are_the_estimate(better, rng):
    first, second = (
        Finalists(*np.exp(rng.normal(size=(2, configurations, 8)))) for configurations in (4, 3)
    )
    second.report[1, 2] = np.inf  # the worst of its seed stands for it, whoever reached it
    one, other = expected_scores([first, second], 3, better, choose_by="lower")
    estimate = by_loops(first, second, 3, better, "lower")[0]
    score = np.log if better == "lower" else float
    assert score(one.value) - score(other.value) == pytest.approx(estimate, rel=1e-12)
    means, subsets = [], [*itertools.combinations(range(8), 3)]
    for subset in subsets:
        best = min(range(4), key=lambda i: np.log(first.choice[i, subset]).mean())
        means += [score(first.report[best, s]) for s in set(range(8)) - {*subset}]
    assert score(one.value) == pytest.approx(np.mean(means), rel=1e-12)
    assert one.low < one.value < one.high
    few = Finalists(first.choice[:, :5], first.report[:, :5])
    assert np.isnan(expected_scores([few], 2, better)[0].low), "five seeds have no interval"


def test_a_score_is_infinite_where_all_that_is_chosen_diverged(rng):
    good, bad = rng.uniform(1, 2, (2, 3, 8))
    bad[:] = np.inf
    both = [Finalists(good, good), Finalists(bad, bad)]
    scores = expected_scores(both, 3, "lower")
    assert np.isfinite(scores[0].value)
    assert scores[1].value == np.inf
    good[:, 0] = np.inf  # of this seed no run has a loss that could stand for it
    assert expected_scores([Finalists(good, good)], 3, "lower")[0].value == np.inf
    assert expected_scores([Finalists(-good, -good)], 3, "higher", chance=-9.0)[0].value > -9
