"""What all tasks say together: the probability of improvement, and a performance profile.

Both weigh the tasks alike, and treat them as fixed: their intervals are of what other seeds of the
same tasks would give, not of other tasks (Agarwal et al. 2021, "Deep reinforcement learning at the
edge of the statistical precipice").  Tasks are the strata of both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from rmsprop.study.results.jackknife import LEVEL
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.reselection import Finalists, weights
from rmsprop.study.results.schema import OWN, TUNED, names_of
from rmsprop.study.results.statistics import Estimate
from rmsprop.study.results.summary import Difference, Line, finalists, metric_of

FACTORS = np.geomspace(1, 4, 61)
RESAMPLES = 2_000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Improvement:
    """The probability that one optimizer beats another on a new seed, averaged over tasks.

    Attributes:
        first: The name of an optimizer.
        second: The name of another.
        probability: That `first` is the better one, with its 95 % interval.
        tasks: The number of tasks.
    """

    first: str
    second: str
    probability: Estimate
    tasks: int


def improvements(headlines: Iterable[Difference]) -> tuple[Improvement, ...]:
    """The probability of improvement of each pair, over the headlines of all tasks."""
    pairs: dict[tuple[str, str], list[Difference]] = {}
    for row in headlines:
        pairs.setdefault((row.first, row.second), []).append(row)
    return tuple(
        Improvement(*pair, mean_of_strata([(x.improvement, x.seeds) for x in rows]), len(rows))
        for pair, rows in pairs.items()
    )


def mean_of_strata(strata: Sequence[tuple[Estimate, int]]) -> Estimate:
    """The mean of shares that were estimated apart, with its interval.

    With a share `p[i]` and its standard error `e[i]` on `S[i]` seeds in each of m
    strata, the mean has the variance `sum(e^2) / m^2`, for the strata have no run in
    common.  Its interval is Student's t with the degrees of freedom of Welch and Satterthwaite,

        sum(e^2)^2 / sum(e^4 / (S - 1)),

    clipped to [0, 1].  A standard error is the longer side of the share's own interval divided by
    the quantile that it was made with; where all seeds agree, that side reaches as far as the exact
    bound.

    Args:
        strata: A share with its 95 % interval, and the number of seeds, of each stratum.

    Returns:
        The mean; its ends are NaN where a share has no interval.

    Example:
        >>> mean_of_strata([(Estimate(0.5, math.nan, math.nan), 4)])
        Estimate(value=0.5, low=nan, high=nan)
    """
    mean = float(np.mean([share.value for share, _ in strata]))
    freedom = np.array([seeds - 1 for _, seeds in strata], dtype=np.float64)
    sides = np.array([max(x.high - x.value, x.value - x.low) for x, _ in strata])
    if np.isnan(sides).any():
        return Estimate(mean, math.nan, math.nan)
    variances = (sides / stats.t.ppf((1 + LEVEL) / 2, freedom)) ** 2
    total = variances.sum()
    if total == 0:
        return Estimate(mean, mean, mean)
    degrees = total**2 / (variances**2 / freedom).sum()
    half = float(stats.t.ppf((1 + LEVEL) / 2, degrees) * math.sqrt(total) / len(strata))
    return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half))


@dataclass(frozen=True, eq=False)
class Profile:
    """For each optimizer the share of runs that come within a factor of the best optimizer.

    Attributes:
        factors: The factors, ascending from 1.
        optimizers: The names of the optimizers that ran on every task.
        tasks: The names of the tasks whose metric has a ratio.
        share: Shape (optimizers, factors).
        low: The lower ends of 95 % intervals, of the same shape.
        high: The upper ends.
    """

    factors: Floats
    optimizers: tuple[str, ...]
    tasks: tuple[str, ...]
    share: Floats
    low: Floats
    high: Floats


def profile(results: Results, rng: np.random.Generator | None = None) -> Profile | None:
    """The performance profile of all optimizers over all tasks.

    On a task, the run of a seed is that of the configuration, and of the schedule, that is the best
    on all other seeds by validation data: each optimizer is under its own better schedule, and no
    run has chosen itself. Its cost is the headline metric if lower is better, else the error
    `1 - metric`; the run counts if it is at most a factor times the lowest mean cost of an
    optimizer on that task. The band is between the 2.5 % and the 97.5 % quantile of a bootstrap
    that resamples the seeds of each task apart, the same for all optimizers.

    Args:
        results: The results of a comparison.
        rng: The generator of the bootstrap; None for a fixed one.

    Returns:
        The profile; None where no optimizer ran on every task, or where no task has costs with a
        ratio, so none that are all at least 0.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    optimizers = tuple(
        name
        for name in names_of(results.task(results.tasks[0]), "optimizer")
        if all(name in names_of(results.task(task), "optimizer") for task in results.tasks)
    )
    if not optimizers:
        return None
    costs = {task: _costs(results.task(task), optimizers) for task in results.tasks}
    costs = {task: values for task, values in costs.items() if (values >= 0).all()}
    if not costs:
        return None
    shares, resampled = [], []
    for values in costs.values():
        shares.append(_within(values[:, None])[:, 0])
        seeds = values.shape[1]
        resampled.append(_within(values[:, rng.integers(seeds, size=(RESAMPLES, seeds))]))
    ends = np.quantile(np.mean(resampled, axis=0), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    return Profile(FACTORS, optimizers, tuple(costs), np.mean(shares, axis=0), *ends)


def _costs(dataset: xr.Dataset, optimizers: Sequence[str]) -> Floats:
    """The cost of a run on each seed, shape (optimizers, seeds); infinite where it diverged."""
    metric = metric_of(dataset, names_of(dataset, "metric_name")[0])
    turn = metric["choose_by"]["better"]
    rows = []
    for name in optimizers:
        runs = finalists(dataset, name, Line("", OWN, TUNED, metric["name"], name, name))
        seeds = runs.choice.shape[1]
        chosen = weights(_scores(runs, turn), ~np.eye(seeds, dtype=bool)).argmax(axis=1)
        rows.append(runs.report[chosen, np.arange(seeds)])
    reports = np.array(rows)
    return reports if metric["better"] == "lower" else 1 - reports


def _scores(runs: Finalists, better: str) -> Floats:
    """What configurations are chosen by, lower the better: the logarithms of positive losses."""
    if better == "higher":
        return -runs.choice
    positive = bool((runs.choice > 0).all())
    return np.log(runs.choice) if positive else runs.choice


def _within(costs: Floats) -> Floats:
    """The share of runs within each factor of the best mean.

    Args:
        costs: Shape (optimizers, resamples, seeds).

    Returns:
        Shape (optimizers, resamples, factors).
    """
    best = costs.mean(axis=-1).min(axis=0)  # infinite means are those with a diverged run
    if np.isinf(best).any():  # every optimizer has one: the best mean of what did not diverge
        count = np.isfinite(costs).sum(axis=-1)
        total = np.where(np.isfinite(costs), costs, 0.0).sum(axis=-1)
        means = np.divide(total, count, out=np.full_like(total, np.inf), where=count > 0)
        best = np.where(np.isinf(best), means.min(axis=0), best)
    # A factor at a time: all of them at once would take 61 times the memory.
    limits = np.where(np.isinf(best), -1.0, best)[None, :, None]  # -1: nothing counts
    shares = [(costs <= factor * limits).mean(axis=-1) for factor in FACTORS]
    return np.stack(shares, axis=-1)
