"""The difference of two optimizers on a new seed, each tuned on K seeds.

A study runs the finalists of both optimizers on the same S seeds.  One choice of each, made on some
seeds, would be one draw: the same optimizer, tuned twice on other seeds, would differ from itself
more often than an interval around that draw allows.  So every choice is made that the seeds allow.
For a subset `T` of K seeds let `c(T)` be the configuration of the first optimizer with
the best mean score on `T`, and `c'(T)` that of the second.  The estimate is the mean

    mean of h(c(T), s) - h'(c'(T), s)

over all subsets and all seeds `s` outside of them, `h` the reported score.  That is a
U-statistic (Hoeffding 1948, "A class of statistics with asymptotically normal distribution"): it
has no bias for the difference on a new seed when each optimizer is tuned on K seeds.  Its standard
error is the jackknife that leaves out one seed, which deletes the seed from the choices and from
the reports alike (Arvesen 1969, "Jackknifing U-statistics"), and its interval that of Student's t
with S - 1 degrees of freedom.  The subset that a choice is made on is never the seed that it is
reported on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rmsprop.study.results.jackknife import (
    Floats,
    Subsets,
    interval_of,
    jackknife,
    p_value,
    share_interval,
    share_of_seeds,
    subsets_of,
)
from rmsprop.study.results.schema import Better
from rmsprop.study.results.statistics import Estimate

# What a diverged run is worse by than the worst run of its seed that did not, on a scale of
# logarithms: a factor of two. With a factor of e^100 the intervals cover 70 to 80 times in 100.
PENALTY = math.log(2)
# Weights of configurations that tie, such as thirds, sum up to 1 but for a few of the last bits.
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Finalists:
    """The runs of one optimizer that choices are made from, on one metric.

    Attributes:
        choice: What configurations are chosen by, shape (configurations, seeds). It is not finite
            where a run diverged.
        report: What is reported of the same runs, of the same shape.

    Raises:
        ValueError: the shapes differ, or there is no run.
    """

    choice: Floats
    report: Floats

    def __post_init__(self) -> None:
        for name in ("choice", "report"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64))
        if self.choice.ndim != 2 or not self.choice.size or self.choice.shape != self.report.shape:
            raise ValueError(
                f"choice has the shape {self.choice.shape} and report {self.report.shape}; both"
                f" must be (configurations, seeds), with at least one of each."
            )


@dataclass(frozen=True, eq=False)
class Reselection:
    """Two optimizers on one metric, over all choices that the seeds allow.

    Attributes:
        difference: The score of the first minus that of the second, with its 95 % interval; in
            logarithms of the metric if `logarithmic`. The ends are NaN below six seeds.
        improvement: The probability that the first is better than the second on a new seed, with
            its 95 % interval; the ends are NaN below six seeds.
        diverged: For each of the two the share of choices and seeds in which the chosen run
            diverged, with a binomial interval.
        p_value: Of the hypothesis that the difference is zero; NaN below six seeds.
        logarithmic: Whether the difference is one of logarithms, so that its exponential is a
            ratio.
        seeds: The number of seeds.
        tuning_seeds: The number of seeds that a choice is made on.
    """

    difference: Estimate
    improvement: Estimate
    diverged: tuple[Estimate, Estimate]
    p_value: float
    logarithmic: bool
    seeds: int
    tuning_seeds: int


def reselect(
    first: Finalists,
    second: Finalists,
    tuning_seeds: int,
    better: Better,
    *,
    choose_by: Better | None = None,
    chance: float | None = None,
) -> Reselection:
    """Compares two optimizers over all choices that their seeds allow.

    Losses are compared by their logarithms where all are positive, everything else as it is.  A
    run that diverged is chosen only if every configuration diverged on the subset, and then one
    that diverged least often.  Its reported score is `chance` if that is known; else the worst
    finite score of its seed among all finalists, for losses made worse by a factor of 2, or by the
    range of the seed's scores where they are compared as they are.

    Args:
        first: The finalists of the first optimizer.
        second: The finalists of the second, on the same seeds in the same order.
        tuning_seeds: The number K of seeds of a choice, at least 1 and at most S - 1.
        better: Whether "lower" or "higher" values of the report are better.
        choose_by: Whether "lower" or "higher" values of the choice are better; None for `better`.
        chance: The score of a run that has learnt nothing, for metrics of which higher values are
            better; None where it is not known.

    Raises:
        ValueError: the optimizers have other numbers of seeds, or `tuning_seeds` is out of range.

    Example:
        >>> import numpy as np
        >>> losses = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
        >>> twice = Finalists(2 * losses, 2 * losses)
        >>> result = reselect(twice, Finalists(losses, losses), 3, "lower")
        >>> print(f"{np.exp(result.difference.value):.2f}, {result.improvement.value:.0f}")
        2.00, 0
    """
    runs = _chosen(first, second, tuning_seeds, better, choose_by=choose_by, chance=chance)
    sign = 1 if better == "lower" else -1
    order = [
        np.where(np.isfinite(x), sign * y, np.inf)
        for x, y in zip(runs.reports, runs.scores, strict=True)
    ]
    wins = _wins(*order)
    against_each = np.tensordot(runs.weights[0], wins, axes=1)  # (subsets, configurations, seeds)
    improvements = _snapped(np.matmul(runs.weights[1][:, None], against_each)[:, 0])
    seeds = runs.subsets.shape[1]
    difference, p = _difference(runs)
    return Reselection(
        difference,
        share_interval(*jackknife(improvements, runs.subsets), seeds),
        _diverged(runs),
        p,
        runs.logarithmic,
        seeds,
        tuning_seeds,
    )


def difference_of(
    first: Finalists, second: Finalists, tuning_seeds: int, better: Better
) -> tuple[Estimate, float, tuple[Estimate, Estimate]]:
    """What `reselect` says but for the improvement, which costs the most with many configurations.

    Args:
        first: The configurations of the first optimizer.
        second: Those of the second, on the same seeds in the same order.
        tuning_seeds: The number K of seeds of a choice, at least 1 and at most S - 1.
        better: Whether "lower" or "higher" values are better.

    Returns:
        `difference`, `p_value` and `diverged` of a `Reselection`.

    Raises:
        ValueError: as `reselect`.
    """
    runs = _chosen(first, second, tuning_seeds, better)
    return *_difference(runs), _diverged(runs)


@dataclass(frozen=True, eq=False)
class _Chosen:
    """All choices of two optimizers, and what is reported of them; a list has one item of each.

    Attributes:
        weights: How much of each choice falls to each configuration, as `weights` makes them.
        reports: What is reported, in logarithms if `logarithmic`; not finite where it diverged.
        scores: The same with a finite score where it diverged.
        subsets: The seeds of each choice.
        logarithmic: Whether reports and scores are logarithms.
    """

    weights: list[Floats]
    reports: list[Floats]
    scores: list[Floats]
    subsets: Subsets
    logarithmic: bool


def _chosen(
    first: Finalists,
    second: Finalists,
    tuning_seeds: int,
    better: Better,
    *,
    choose_by: Better | None = None,
    chance: float | None = None,
) -> _Chosen:
    """Makes all choices; the arguments are those of `reselect`."""
    seeds = first.choice.shape[1]
    if second.choice.shape[1] != seeds:
        raise ValueError(
            f"the first optimizer has {seeds} seeds and the second {second.choice.shape[1]}; both"
            f" must have the same ones."
        )
    if not 1 <= tuning_seeds < seeds:
        raise ValueError(
            f"tuning_seeds is {tuning_seeds}; of {seeds} seeds it must be at least 1 and at most"
            f" {seeds - 1}, for one is needed to report on."
        )
    both = (first, second)
    subsets = subsets_of(seeds, tuning_seeds)
    choices, _ = logarithms([x.choice for x in both], choose_by or better)
    turn = 1 if (choose_by or better) == "lower" else -1
    chosen = [weights(turn * x, subsets) for x in choices]
    reports, logarithmic = logarithms([x.report for x in both], better)
    scores = without_divergence(reports, better, chance, logarithmic=logarithmic)
    return _Chosen(chosen, reports, scores, subsets, logarithmic)


def _difference(runs: _Chosen) -> tuple[Estimate, float]:
    """The score of the first minus that of the second with its interval, and its p-value."""
    one, other = (w @ x for w, x in zip(runs.weights, runs.scores, strict=True))
    scale = max(float(np.abs(x).max()) for x in runs.scores)
    seeds = runs.subsets.shape[1]
    value, error = jackknife(without_rounding(one - other, scale), runs.subsets)
    return interval_of(value, error, seeds), p_value(value, error, seeds)


def _diverged(runs: _Chosen) -> tuple[Estimate, Estimate]:
    """For each of the two the share of choices and seeds in which the chosen run diverged."""
    seeds = runs.subsets.shape[1]
    one, other = (
        share_of_seeds(_snapped(w @ ~np.isfinite(x)), runs.subsets, seeds)
        for w, x in zip(runs.weights, runs.reports, strict=True)
    )
    return one, other


def expected_scores(
    optimizers: Sequence[Finalists],
    tuning_seeds: int,
    better: Better,
    *,
    choose_by: Better | None = None,
    chance: float | None = None,
) -> list[Estimate]:
    """What each optimizer reaches on a new seed, over all choices that the seeds allow.

    These are the means that `reselect` takes differences of: two optimizers have the ratio, or the
    difference, that it gives for them.

    Args:
        optimizers: The finalists of each optimizer, all on the same seeds in the same order.
        tuning_seeds: The number K of seeds of a choice; at most S - 1.
        better: Whether "lower" or "higher" values of the report are better.
        choose_by: Whether "lower" or "higher" values of the choice are better; None for `better`.
        chance: The score of a run that has learnt nothing; None where it is not known.

    Returns:
        The score of each with its 95 % interval, whose ends are NaN below six seeds: a geometric
        mean of losses that are all positive, else a mean. All three are infinite, on the bad side,
        where every chosen run diverged, or where every run of a seed did and nothing stands for it.

    Example:
        >>> import numpy as np
        >>> losses = np.array([[1.0, 4.0, 2.0, 2.0, 1.0, 4.0], [9.0, 9.0, 9.0, 9.0, 9.0, 9.0]])
        >>> (score,) = expected_scores([Finalists(losses, losses)], 3, "lower")
        >>> print(f"{score.value:.2f}")
        2.00
    """
    turn = 1 if (choose_by or better) == "lower" else -1
    choices, _ = logarithms([x.choice for x in optimizers], choose_by or better)
    reports, logarithmic = logarithms([x.report for x in optimizers], better)
    scores = without_divergence(reports, better, chance, logarithmic=logarithmic)
    seeds = optimizers[0].choice.shape[1]
    subsets = subsets_of(seeds, tuning_seeds)
    stand_in = better == "higher" and chance is not None
    unknown = not stand_in and not np.isfinite(np.concatenate(reports)).any(axis=0).all()
    estimates = []
    for choice, report, score in zip(choices, reports, scores, strict=True):
        chosen = weights(turn * choice, subsets)
        lost = jackknife(_snapped(chosen @ ~np.isfinite(report)), subsets)[0] >= 1
        if unknown or lost:
            worst = math.inf if better == "lower" else -math.inf
            estimates.append(Estimate(worst, worst, worst))
            continue
        mean = interval_of(*jackknife(chosen @ score, subsets), seeds)
        ends = (mean.value, mean.low, mean.high)
        estimates.append(Estimate(*map(math.exp, ends)) if logarithmic else mean)
    return estimates


def weights(choice: Floats, subsets: Subsets) -> Floats:
    """How much of the choice on each subset falls to each configuration.

    Args:
        choice: Scores of which the lowest mean is the best, shape (configurations, seeds); not
            finite where a run diverged.
        subsets: Shape (subsets, seeds).

    Returns:
        Shape (subsets, configurations), the sum of each row 1: configurations that tie share it.
    """
    diverged = ~np.isfinite(choice)
    members = subsets.astype(np.float64)
    count = members @ diverged.T
    total = members @ np.where(diverged, 0, choice).T
    size = members.sum(axis=1, keepdims=True)
    means = total / np.maximum(size - count, 1)
    means[count > count.min(axis=1, keepdims=True)] = np.inf
    best = means.min(axis=1, keepdims=True)
    # Equal scores in another order of summation differ in the last of 53 bits.
    ties = means <= best + 1e-12 * np.abs(best)
    return ties / ties.sum(axis=1, keepdims=True)


def logarithms(arrays: Sequence[Floats], better: Better) -> tuple[list[Floats], bool]:
    """Logarithms of losses where all that are finite are positive; and whether they are.

    Args:
        arrays: Scores, not finite where a run diverged.
        better: Whether "lower" or "higher" scores are better; only lower ones are losses.
    """
    finite = np.concatenate([x[np.isfinite(x)] for x in arrays])
    logarithmic = better == "lower" and bool((finite > 0).all())
    if not logarithmic:
        return [*arrays], False
    return [np.log(x, where=np.isfinite(x), out=np.full_like(x, np.inf)) for x in arrays], True


def without_divergence(
    arrays: Sequence[Floats], better: Better, chance: float | None, *, logarithmic: bool
) -> list[Floats]:
    """Scores with a finite one in the place of each diverged run, as `reselect` says.

    Args:
        arrays: Scores of the shape (configurations, seeds), of all that is compared.
        better: Whether "lower" or "higher" scores are better.
        chance: The score of a run that has learnt nothing, or None.
        logarithmic: Whether the scores are logarithms.
    """
    together = np.concatenate(arrays)
    finite = np.isfinite(together)
    sign = 1 if better == "lower" else -1
    worst = sign * np.where(finite, sign * together, -np.inf).max(axis=0)
    best = sign * np.where(finite, sign * together, np.inf).min(axis=0)
    nothing = ~np.isfinite(worst)  # every run of the seed diverged
    worst, best = (np.where(nothing, 0.0, x) for x in (worst, best))
    if better == "higher" and chance is not None:
        worst = np.full_like(worst, chance)
    elif better == "lower":
        worst = worst + (PENALTY if logarithmic else worst - best)
    return [np.where(np.isfinite(x), x, worst) for x in arrays]


def without_rounding(differences: Floats, scale: float) -> Floats:
    """Differences of scores as large as `scale`, with 0 in the place of what rounding left."""
    return np.where(np.abs(differences) <= ROUNDING * scale, 0.0, differences)


def _wins(first: Floats, second: Floats) -> Floats:
    """Whether each of the first beats each of the second on each seed; ties count one half.

    Lower is better, and what diverged is infinite: it loses to what did not.
    """
    a, b = first[:, None], second[None]
    return np.where(a == b, 0.5, a < b)


def _snapped(shares: Floats) -> Floats:
    """Shares without the rounding of weights such as three thirds."""
    whole = np.round(shares)
    return np.where(np.abs(shares - whole) <= ROUNDING, whole, shares)
