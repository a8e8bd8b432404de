"""How much tuning an optimizer needs, and how its effective rate changes: functions of arrays.

* The expected best of k trials (Dodge et al. 2019, "Show your work"; Sivaprasad et al. 2020,
  "Optimizer benchmarking needs to account for hyperparameter tuning"): what someone gets who can
  afford k of the trials of a grid, drawn without replacement. It needs no further runs.
* The learning rates that are within 5 % of the best: a wide interval is easy to hit.
* The exponent with which the effective learning rate falls: -1/2 for AdaGrad under gradients of a
  constant size, 0 for what has settled.

Scores are `inf` where lower is better, `-inf` where higher is, for what diverged; never NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from rmsprop.study.schema import Better, mean_tuning_scores, worst_value
from rmsprop.study.statistics import Estimate, bootstrap_interval

TOLERANCE = 0.05
BUDGETS = (1, 3, 9, 27)


@dataclass(frozen=True)
class Budget:
    """The best score among k trials, for k = 1 to all of them.

    Attributes:
        expected: its expectation; infinite as long as all k may have diverged.
        lucky: a quarter of all draws are at least as good.
        unlucky: three quarters of all draws are at least as good.
    """

    expected: NDArray[np.float64]
    lucky: NDArray[np.float64]
    unlucky: NDArray[np.float64]

    def of(self, trials: int) -> float | None:
        """The expected best of so many trials; None where there are fewer."""
        return float(self.expected[trials - 1]) if trials <= self.expected.size else None


def expected_best(scores: ArrayLike, better: Better) -> Budget:
    """The best of k trials drawn without replacement from all n, in closed form.

    With the scores in order, the best first, the i-th (from 0) is the best of k with probability

        p_i = C(n - 1 - i, k - 1) / C(n, k),

    so p_0 = k / n and p_{i+1} = p_i (n - i - k) / (n - 1 - i).

    Args:
        scores: one per trial, at least one, in any order.
        better: which of them are.

    Raises:
        ValueError: no score, or a NaN.

    Example:
        >>> expected_best([1.0, 2.0, 3.0], "lower").expected.tolist()
        [2.0, 1.3333333333333333, 1.0]
    """
    values = np.asarray(scores, dtype=np.float64).reshape(-1)
    if values.size == 0 or np.isnan(values).any():
        raise ValueError(
            "scores must hold one number per trial, at least one, and no NaN; record a diverged"
            " trial as infinitely bad."
        )
    count = values.size
    ordered = np.sort(values) if better == "lower" else np.sort(values)[::-1]
    trials = np.arange(1, count + 1)[:, None]
    place = np.arange(count - 1)
    steps = np.clip((count - place - trials) / (count - 1 - place), 0, None)
    first = trials / count
    chances = first * np.hstack([np.ones((count, 1)), np.cumprod(steps, axis=1)])
    # 0 times infinity is nothing: what cannot be the best does not count.
    weighted = np.multiply(chances, ordered, out=np.zeros_like(chances), where=chances > 0)
    # A hair below each level, for the chances are sums of rounded numbers.
    reached = np.cumsum(chances, axis=1) + 1e-12
    return Budget(
        weighted.sum(axis=1),
        ordered[(reached >= 0.25).argmax(axis=1)],
        ordered[(reached >= 0.75).argmax(axis=1)],
    )


@dataclass(frozen=True)
class RateInterval:
    """The learning rates around the best that come close to it.

    Attributes:
        low: the lowest of them.
        high: the highest.
        bounded: whether both ends were seen; if not, the grid ends first and the interval may be
            wider.
    """

    low: float
    high: float
    bounded: bool

    @property
    def decades(self) -> float:
        """Width on a logarithmic scale."""
        return math.log10(self.high / self.low)


def rate_interval(
    rates: ArrayLike, scores: ArrayLike, better: Better, tolerance: float = TOLERANCE
) -> RateInterval | None:
    """The learning rates around the best one whose scores are within a share of the best.

    Between two rates of the grid the score is taken to be linear in the logarithm of the rate;
    towards one that diverged the interval ends at once.

    Args:
        rates: ascending, positive.
        scores: for each rate the best over the other hyper-parameters.
        better: which of them are.
        tolerance: share of the best score's magnitude by which another may be worse.

    Returns:
        The interval; None where every rate diverged.
    """
    logs = np.log10(np.asarray(rates, dtype=np.float64))
    costs = np.asarray(scores, dtype=np.float64) * (1 if better == "lower" else -1)
    best = int(np.argmin(costs))
    if not np.isfinite(costs[best]):
        return None
    limit = costs[best] + tolerance * abs(costs[best])

    def end(step: int) -> tuple[float, bool]:
        at = best
        while 0 <= at + step < costs.size and costs[at + step] <= limit:
            at += step
        if not 0 <= at + step < costs.size:
            return float(logs[at]), False
        share = (limit - costs[at]) / (costs[at + step] - costs[at])
        return float(logs[at] + share * (logs[at + step] - logs[at])), True

    (low, seen_low), (high, seen_high) = end(-1), end(1)
    return RateInterval(10**low, 10**high, seen_low and seen_high)


def exponents(rates: ArrayLike, steps: ArrayLike) -> NDArray[np.float64]:
    """Slope of log(effective rate) on log(step) in the second half of a run, on that scale.

    Args:
        rates: of shape (seeds, bins), the medians over coordinates; NaN where there is none.
        steps: of shape (bins,), ascending from 1 or more.

    Returns:
        One per seed by least squares; NaN where fewer than two bins have a positive rate.
    """
    at = np.log(np.asarray(steps, dtype=np.float64))
    late = at >= (at[0] + at[-1]) / 2
    found = []
    for run in np.asarray(rates, dtype=np.float64):
        seen = late & np.isfinite(run) & (run > 0)
        slope = np.polyfit(at[seen], np.log(run[seen]), 1)[0] if seen.sum() > 1 else math.nan
        found.append(float(slope))
    return np.array(found)


def exponent(rates: ArrayLike, steps: ArrayLike) -> Estimate:
    """The interquartile mean of `exponents` with its interval.

    A seed without a slope is left out, unlike a diverged run elsewhere: it is no bad result but
    none. The estimate is NaN where no seed has one.
    """
    slopes = exponents(rates, steps)
    slopes = slopes[np.isfinite(slopes)]
    if slopes.size == 0:
        return Estimate(math.nan, math.nan, math.nan)
    return bootstrap_interval(slopes)


def six_digits(values: ArrayLike) -> NDArray[np.float64]:
    """Rounded, for a grid that grew by multiplication holds values equal up to their last bits."""
    return np.array([float(f"{value:.6g}") for value in np.ravel(values)])


def best_by(
    keys: ArrayLike, scores: ArrayLike, better: Better
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The best score for each value of one hyper-parameter, whatever the others are.

    Args:
        keys: its value in each trial; NaN for padding.
        scores: of each trial.
        better: which of them are.

    Returns:
        The values to six digits, ascending, and the best score of each.
    """
    values = np.asarray(keys, dtype=np.float64).reshape(-1)
    run = np.isfinite(values)
    found, place = np.unique(six_digits(values[run]), return_inverse=True)
    best = np.full(found.size, worst_value(better))
    reduce = np.minimum if better == "lower" else np.maximum
    reduce.at(best, place, np.asarray(scores, dtype=np.float64).reshape(-1)[run])
    return found, best


def budget_of(dataset: xr.Dataset, optimizer: str) -> Budget:
    """The expected best of an optimizer's first grid, from a view of a task's results.

    What came by growing is left out: nobody who has tried k of them would have known of it.
    """
    first = dataset["growth"].sel(optimizer=optimizer).values == 0
    scores = mean_tuning_scores(dataset).sel(optimizer=optimizer).values[first]
    return expected_best(scores, dataset.attrs["choose_by_better"])


def rates_of(dataset: xr.Dataset, optimizer: str) -> RateInterval | None:
    """The learning rates close to an optimizer's best, from a view of a task's results."""
    better: Better = dataset.attrs["choose_by_better"]
    scores = mean_tuning_scores(dataset).sel(optimizer=optimizer)
    rates, best = best_by(dataset["learning_rate"].sel(optimizer=optimizer), scores, better)
    return rate_interval(rates, best, better)


def exponent_of(dataset: xr.Dataset, optimizer: str) -> Estimate:
    """The exponent of an optimizer's median effective rate, from a view of a task's results."""
    median = dataset["effective_rate"].sel(optimizer=optimizer, quantile=0.5)
    return exponent(median, dataset["bin"])
