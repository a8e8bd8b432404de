"""How much tuning an optimizer needs, and how its effective rate changes: functions of arrays.

* The expected best of k trials (Dodge et al. 2019, "Show your work"; Sivaprasad et al. 2020,
  "Optimizer benchmarking needs to account for hyperparameter tuning"): what someone gets who can
  afford k of the trials of a grid, drawn without replacement. It needs no further runs. The best is
  chosen on the tuning seeds, and what it is worth comes from the reporting seeds.
* The learning rates that are within 5 % of the best: a wide interval is easy to hit.
* The exponent with which the effective learning rate falls: -1/2 for AdaGrad under gradients of a
  constant size, 0 for what has settled.

Scores are `inf` where lower is better, `-inf` where higher is, for what diverged. NaN is a seed
that a configuration was not run on, for the race had seen enough of it: its score is the mean over
the seeds that it ran on, and it is never the best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rmsprop.study.results.schema import (
    Better,
    mean_tuning_scores,
    raced_to_the_end,
    worst_value,
)

TOLERANCE = 0.05
BUDGETS = (1, 3, 9, 27)


@dataclass(frozen=True)
class Budget:
    """The best of k trials, for k = 1 to all of them, on seeds that it was not chosen on.

    Attributes:
        expected: The mean over the seeds of the expectation; infinite as long as all k may have
            diverged.
        low: The lower end of its 95 % interval, of Student's t over the seeds.
        high: The upper end of its 95 % interval; infinite where `expected` is.
    """

    expected: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def of(self, trials: int) -> float | None:
        """The expected best of so many trials; None where there are fewer."""
        return float(self.expected[trials - 1]) if trials <= self.expected.size else None


def chances_to_be_best(ranks: ArrayLike, better: Better) -> NDArray[np.float64]:
    """The probability of each trial to be the best of k drawn without replacement from all n.

    With the scores in order, the best first, the i-th (from 0) is the best of k with probability

        p_i = C(n - 1 - i, k - 1) / C(n, k),

    so p_0 = k / n and p_{i+1} = p_i (n - i - k) / (n - 1 - i). Trials that tie share theirs.

    Args:
        ranks: One score per trial, at least one, in any order.
        better: Whether "lower" or "higher" scores are better.

    Returns:
        Shape (n, n): row k - 1 is of k draws, its columns are the trials in the order of `ranks`.

    Raises:
        ValueError: no score, or a NaN.
    """
    values = np.asarray(ranks, dtype=np.float64).reshape(-1)
    if values.size == 0 or np.isnan(values).any():
        raise ValueError(
            "scores must hold one number per trial, at least one, and no NaN; record a diverged"
            " trial as infinitely bad."
        )
    count = values.size
    _, group = np.unique(values if better == "lower" else -values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    trials = np.arange(1, count + 1)[:, None]
    place = np.arange(count - 1)
    steps = np.clip((count - place - trials) / (count - 1 - place), 0, None)
    first = trials / count
    chances = first * np.hstack([np.ones((count, 1)), np.cumprod(steps, axis=1)])
    alike = group[order] == np.unique(group)[:, None]  # (groups, places)
    shared = (chances @ alike.T) / alike.sum(axis=1)
    return shared[:, group]


def expected_best(
    ranks: ArrayLike, better: Better, values: ArrayLike | None = None
) -> NDArray[np.float64]:
    """What is expected of the best of k trials drawn without replacement, for k = 1 to all.

    Args:
        ranks: The score of each trial that the best is chosen by.
        better: Whether "lower" or "higher" scores are better.
        values: What the chosen one is worth, on seeds that did not choose it, of shape (trials,) or
            (trials, seeds); None for the score itself, which flatters, for the best score of
            several is a lucky one.

    Returns:
        Shape (k,) or (k, seeds). It is infinite where an infinite value may be that of the best.

    Raises:
        ValueError: no score, or a NaN.

    Example:
        >>> expected_best([1.0, 2.0, 3.0], "lower").tolist()
        [2.0, 1.3333333333333333, 1.0]
    """
    chances = chances_to_be_best(ranks, better)
    worth = np.asarray(ranks if values is None else values, dtype=np.float64)
    finite = np.isfinite(worth)
    total = chances @ np.where(finite, worth, 0.0)
    # 0 times infinity is nothing: what cannot be the best does not count.
    signs = np.where(finite, 0.0, np.sign(worth))
    infinite = chances @ signs
    return np.where(infinite == 0, total, np.copysign(np.inf, infinite))


@dataclass(frozen=True)
class RateInterval:
    """The learning rates around the best that come close to it.

    Attributes:
        low: The lowest of these rates.
        high: The highest of these rates.
        bounded: Whether both ends were seen; if not, what was run ends first and the interval may
            be wider.
    """

    low: float
    high: float
    bounded: bool

    @property
    def decades(self) -> float:
        """Width on a logarithmic scale."""
        return math.log10(self.high / self.low)


def rate_interval(
    rates: ArrayLike,
    scores: ArrayLike,
    better: Better,
    tolerance: float = TOLERANCE,
    may_be_best: NDArray[np.bool_] | None = None,
) -> RateInterval | None:
    """The learning rates around the best one whose scores are within a share of the best.

    Between two rates of the grid the score is taken to be linear in the logarithm of the rate;
    towards one that diverged the interval ends at once. Where the next rate was not run, the
    interval ends as it does at the end of the grid.

    Args:
        rates: The learning rates, positive and ascending.
        scores: For each rate the best score over the other hyper-parameters, NaN where none of
            them was run.
        better: Whether "lower" or "higher" scores are better.
        tolerance: The share of the best score's magnitude by which another may be worse.
        may_be_best: Which rates may be the best; None for all.

    Returns:
        The interval; None where every rate diverged.
    """
    logs = np.log10(np.asarray(rates, dtype=np.float64))
    costs = np.asarray(scores, dtype=np.float64) * (1 if better == "lower" else -1)
    eligible = np.isfinite(costs) if may_be_best is None else np.isfinite(costs) & may_be_best
    if not eligible.any():
        return None
    best = int(np.argmin(np.where(eligible, costs, np.inf)))
    limit = costs[best] + tolerance * abs(costs[best])

    def end(step: int) -> tuple[float, bool]:
        """The end of the interval to one side, and whether the grid shows it."""
        at = best
        while 0 <= at + step < costs.size and costs[at + step] <= limit:
            at += step
        if not 0 <= at + step < costs.size or np.isnan(costs[at + step]):
            return float(logs[at]), False
        share = (limit - costs[at]) / (costs[at + step] - costs[at])
        return float(logs[at] + share * (logs[at + step] - logs[at])), True

    (low, seen_low), (high, seen_high) = end(-1), end(1)
    return RateInterval(10**low, 10**high, seen_low and seen_high)


def six_digits(values: ArrayLike) -> NDArray[np.float64]:
    """Rounded, for a grid that grew by multiplication holds values equal up to their last bits."""
    return np.array([float(f"{value:.6g}") for value in np.ravel(values)])


def best_by(
    keys: ArrayLike,
    scores: ArrayLike,
    better: Better,
    first_choice: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The best score for each value of one hyper-parameter, whatever the others are.

    Args:
        keys: The value of the hyper-parameter in each trial; NaN for padding.
        scores: The score of each trial; NaN where it was not run.
        better: Whether "lower" or "higher" scores are better.
        first_choice: The trials among which the best is taken, for each value that has one of them;
            of the other values it is the best of all. None for all.

    Returns:
        The values to six digits, ascending, and the best score of each; NaN where none was run.
    """
    values = np.asarray(keys, dtype=np.float64).reshape(-1)
    run = np.isfinite(values)
    distinct, place = np.unique(six_digits(values[run]), return_inverse=True)
    reduce = np.fmin if better == "lower" else np.fmax
    of_run = np.asarray(scores, dtype=np.float64).reshape(-1)[run]

    def best_of(which: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The best run of each distinct value among those of `which`; NaN where there is none."""
        best = np.full(distinct.size, np.nan)
        reduce.at(best, place[which], of_run[which])
        return best

    everything = best_of(np.full(of_run.size, True))
    if first_choice is None:
        return distinct, everything
    preferred = best_of(np.asarray(first_choice).reshape(-1)[run])
    return distinct, np.where(np.isnan(preferred), everything, preferred)


def budget_of(dataset: xr.Dataset, optimizer: str) -> Budget:
    """The expected best of an optimizer's first grid, from a view of a task's results.

    The best of k trials is chosen by the tuning score. What it is worth was measured on seeds that
    did not choose it: of a finalist it is the reported metric on each reporting seed, or what it is
    chosen by where the two go in opposite directions. Of the others, which the race saw enough of,
    it is the tuning score, for nothing else is known; that flatters them a little. A finalist's run
    that diverged counts as the worst run of its seed. What came by growing the grid is left out:
    nobody who has tried k configurations would have known of it.
    """
    row = dataset.sel(optimizer=optimizer)
    better: Better = dataset.attrs["choose_by_better"]
    scores = mean_tuning_scores(row).values
    values = np.repeat(scores[:, None], dataset.sizes["seed"], axis=1)
    alike = better == dataset.attrs["report_better"]
    runs = row["finalist_report" if alike else "finalist_choice"].isel(metric_name=0).values
    numbers = row["finalist_configuration"].values
    real = numbers >= 0
    values[numbers[real]] = _diverged_as_worst(runs[real], better)
    first = row["growth"].values == 0
    curves = expected_best(scores[first], better, values[first])
    count = curves.shape[1]
    finite = np.isfinite(curves).all(axis=1)
    expected = np.full(len(curves), worst_value(better))
    half = np.zeros(len(curves))
    expected[finite] = curves[finite].mean(axis=1)
    error = curves[finite].std(axis=1, ddof=1) / math.sqrt(count)
    half[finite] = stats.t.ppf(0.975, count - 1) * error
    return Budget(expected, expected - half, expected + half)


def _diverged_as_worst(runs: NDArray[np.float64], better: Better) -> NDArray[np.float64]:
    """Runs of shape (configurations, seeds), those that diverged as the worst of their seed."""
    worst = np.where(np.isfinite(runs), runs, -worst_value(better))
    worst = worst.max(axis=0) if better == "lower" else worst.min(axis=0)
    worst = np.where(np.isfinite(worst), worst, worst_value(better))  # all of the seed diverged
    return np.where(np.isfinite(runs), runs, worst)


def rates_of(dataset: xr.Dataset, optimizer: str) -> RateInterval | None:
    """The learning rates close to an optimizer's best, from a view of a task's results.

    The score of a configuration is its mean over the tuning seeds that it ran on. The best rate is
    one that was raced to the end: what was raced out may look better on fewer seeds.
    """
    better: Better = dataset.attrs["choose_by_better"]
    row = dataset.sel(optimizer=optimizer)
    rates, scores = row["learning_rate"].values, mean_tuning_scores(row).values
    raced = raced_to_the_end(row).values
    distinct, best = best_by(rates, scores, better, raced)
    eligible = np.isin(distinct, six_digits(rates[raced]))
    return rate_interval(distinct, best, better, may_be_best=eligible)
