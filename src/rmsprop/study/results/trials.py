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

from rmsprop.study import spelling
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.schema import Better, mean_tuning_scores, tuned_names, worst_value

TOLERANCE = 0.05
BUDGETS = (1, 3, 9, 27)


@dataclass(frozen=True)
class Budget:
    """The best score among k trials, for k = 1 to all of them.

    Attributes:
        expected: The expectation; infinite as long as all k may have diverged.
        lucky: A quarter of all draws are at least as good.
        unlucky: Three quarters of all draws are at least as good.
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
        scores: One score per trial, at least one, in any order.
        better: Whether "lower" or "higher" scores are better.

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
        low: The lowest of these rates.
        high: The highest of these rates.
        bounded: Whether both ends were seen; if not, the grid ends first and the interval may be
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
        rates: The learning rates, positive and ascending.
        scores: For each rate the best score over the other hyper-parameters.
        better: Whether "lower" or "higher" scores are better.
        tolerance: The share of the best score's magnitude by which another may be worse.

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


def six_digits(values: ArrayLike) -> NDArray[np.float64]:
    """Rounded, for a grid that grew by multiplication holds values equal up to their last bits."""
    return np.array([float(f"{value:.6g}") for value in np.ravel(values)])


def best_by(
    keys: ArrayLike, scores: ArrayLike, better: Better
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The best score for each value of one hyper-parameter, whatever the others are.

    Args:
        keys: The value of the hyper-parameter in each trial; NaN for padding.
        scores: The score of each trial.
        better: Whether "lower" or "higher" scores are better.

    Returns:
        The values to six digits, ascending, and the best score of each.
    """
    values = np.asarray(keys, dtype=np.float64).reshape(-1)
    run = np.isfinite(values)
    distinct, place = np.unique(six_digits(values[run]), return_inverse=True)
    best = np.full(distinct.size, worst_value(better))
    reduce = np.minimum if better == "lower" else np.maximum
    reduce.at(best, place, np.asarray(scores, dtype=np.float64).reshape(-1)[run])
    return distinct, best


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


def trials_of(comparison: Results, task: str, optimizer: str) -> xr.Dataset:
    """The configurations of an optimizer, without padding."""
    row = comparison.view(task).sel(optimizer=optimizer)
    return row.isel(configuration=np.flatnonzero(row["learning_rate"].notnull().values))


def best_scores(trials: xr.Dataset, where: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Scores of the configuration with the best mean, of all or of some."""
    scores = trials["tuning_score"].values.astype(np.float64)
    scores = scores if where is None else scores[where]
    mean = scores.mean(axis=-1)
    lower = trials.attrs["choose_by_better"] == "lower"
    return scores[int(mean.argmin() if lower else mean.argmax())]


def by_decay(comparison: Results, task: str) -> dict[str, NDArray[np.float64]]:
    """The best scores of RMSprop for each decay that was tried, the shortest memory first.

    Decays are searched as one minus themselves, whatever the argument is called.
    """
    trials = trials_of(comparison, task, "rmsprop")
    names = [x for x in tuned_names(comparison.task(task))["rmsprop"] if x in one_minus(trials)]
    if not names:
        return {}
    rest = six_digits(trials[names[0]])
    return {
        spelling.value(names[0], x): best_scores(trials, rest == x) for x in np.unique(rest)[::-1]
    }


def one_minus(trials: xr.Dataset) -> list[str]:
    """The hyper-parameters that were searched as one minus themselves."""
    return [str(name) for name in trials if str(name).startswith(spelling.ONE_MINUS)]


def apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far two scores are from each other, seed by seed."""
    return np.abs(minus(a, b))


def minus(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Their difference; where both are infinite alike there is none."""
    return np.subtract(a, b, out=np.zeros_like(a), where=a != b)


def widths(trials: xr.Dataset) -> tuple[NDArray[np.float64], bool]:
    """Decades of good learning rates on each tuning seed, and whether all their ends were seen."""
    better = trials.attrs["choose_by_better"]
    scores = trials["tuning_score"].values
    intervals = [
        rate_interval(*best_by(trials["learning_rate"].values, scores[:, seed], better), better)
        for seed in range(scores.shape[-1])
    ]
    decades = [math.nan if interval is None else interval.decades for interval in intervals]
    return np.array(decades), all(
        interval is not None and interval.bounded for interval in intervals
    )
