"""What it costs to use a learning rate that is off: the regret.

The regret of a factor `f` on a seed is the score with the learning rate `f η` minus
the score with the rate η that was chosen, all else the same and lower being better:

    r(f, s) = h(f η, s) - h(η, s)

with `h` the logarithm of a loss, so that the exponential of a regret is a ratio of losses, or
minus an accuracy.  Rates are off to both sides, and nobody knows to which: the regret at a distance
is the mean over `f` and `1 / f`.  The rate is chosen on tuning seeds and the regret is
measured on reporting seeds, so that the seeds that chose are never those that judge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from rmsprop.study.results.jackknife import Floats, mean_interval
from rmsprop.study.results.reselection import logarithms, without_divergence, without_rounding
from rmsprop.study.results.schema import RATE_FACTORS, TUNED, Better
from rmsprop.study.results.statistics import Estimate, Ratio
from rmsprop.study.results.summary import metrics_of

# The distances in words, and the factors to both sides of each.
DISTANCES = (
    ("a factor of 3", (RATE_FACTORS[1], RATE_FACTORS[2])),
    ("a factor of 10", (RATE_FACTORS[0], RATE_FACTORS[3])),
)


@dataclass(frozen=True)
class Regret:
    """The regrets of two optimizers whose learning rates are off by as much.

    Attributes:
        distance: By how much the rates are off, in words: "a factor of 3" stands for half a decade.
        first: The mean regret of the first, with its 95 % interval: a ratio of losses if
            `is_ratio`, 1 for no regret, else what is lost of the metric.
        second: That of the second.
        difference: The regret of the first beside that of the second, paired over the seeds: their
            ratio if `is_ratio`, else their difference. The ends are NaN below six seeds.
        sign: 1 where the first is shown to lose more, -1 where the second is, 0 else.
        is_ratio: Whether regrets are ratios, as those of losses are.
    """

    distance: str
    first: Estimate
    second: Estimate
    difference: Estimate
    sign: int
    is_ratio: bool


def ran_off_rate(dataset: xr.Dataset, optimizer: str, schedule: str) -> bool:
    """Whether an optimizer ran with learning rates that are off."""
    runs = dataset["off_rate_report"].sel(optimizer=optimizer, schedule=schedule)
    return bool(runs.notnull().all())


def regrets(dataset: xr.Dataset, schedule: str, first: str, second: str) -> tuple[Regret, ...]:
    """The regrets of two optimizers on a task under one schedule, in the headline metric.

    A run that diverged counts as elsewhere: as `chance` where the metric has one, else as the worst
    finite score of its seed among all runs that are compared, made worse by a factor of 2.

    Args:
        dataset: The results of a task.
        schedule: The name of a schedule that both ran under.
        first: The name of an optimizer.
        second: The name of another.

    Returns:
        One of each of `DISTANCES`.
    """
    metric = metrics_of(dataset)[0]
    better: Better = metric["better"]
    both = [_runs(dataset.sel(schedule=schedule, optimizer=name)) for name in (first, second)]
    scores, is_ratio = logarithms(both, better)
    scores = without_divergence(scores, better, metric["chance"], logarithmic=is_ratio)
    scale = max(float(np.abs(x).max()) for x in scores)
    sign = 1 if better == "lower" else -1
    costs = [sign * (x[1:] - x[0]) for x in scores]
    answer = []
    for distance, factors in DISTANCES:
        of_distance = np.isclose(dataset["rate_factor"].values[:, None], factors).any(axis=1)
        one, other = (x[of_distance].mean(axis=0) for x in costs)
        difference = mean_interval(without_rounding(one - other, scale))
        answer.append(
            Regret(
                distance,
                *(_in_units(x, is_ratio) for x in (*map(mean_interval, (one, other)), difference)),
                sign=(difference.low > 0) - (difference.high < 0),
                is_ratio=is_ratio,
            )
        )
    return tuple(answer)


def _runs(runs: xr.Dataset) -> Floats:
    """The metric with the chosen rate, and with each that is off: (1 + factors, seeds)."""
    chosen = runs["metric"].sel(setting=TUNED).values
    off = runs["off_rate_report"].transpose("rate_factor", "seed").values
    return np.concatenate([chosen[None], off]).astype(np.float64)


def _in_units(estimate: Estimate, is_ratio: bool) -> Estimate:
    return Ratio.exp(estimate) if is_ratio else estimate
