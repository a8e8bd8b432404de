"""Means over subsets of the seeds and the seeds outside of them, with jackknife intervals.

The jackknife leaves out one seed, from the subsets and from the seeds outside alike (Arvesen 1969,
"Jackknifing U-statistics").  The intervals are those of Student's t with S - 1 degrees of freedom.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from rmsprop.study.results.statistics import Estimate

# Below six seeds a jackknife of a choice on three says nothing of the spread of the choices.
LEAST_SEEDS = 6
# As many subsets as there are of three of twenty seeds, 1,140; where there are more, these many
# random ones stand for all of them.
MOST_SUBSETS = 1_200
LEVEL = 0.95

Floats = NDArray[np.float64]
Subsets = NDArray[np.bool_]


def subsets_of(seeds: int, size: int) -> Subsets:
    """Subsets of the seeds of one size, a row each, True for the seeds that are in it.

    All of them where there are at most `MOST_SUBSETS`, else as many drawn by a fixed generator.
    """
    if math.comb(seeds, size) <= MOST_SUBSETS:
        members = np.array(list(itertools.combinations(range(seeds), size)))
    else:
        order = np.random.default_rng(0).random((MOST_SUBSETS, seeds)).argsort(axis=1)
        members = order[:, :size]
    table = np.zeros((len(members), seeds), bool)
    np.put_along_axis(table, members, values=True, axis=1)
    return table


def jackknife(values: Floats, subsets: Subsets) -> tuple[float, float]:
    """The mean over subsets and the seeds outside of them, and its standard error.

    Args:
        values: Shape (subsets, seeds); what stands at a seed inside its subset is not read.
        subsets: Of the same shape.

    Returns:
        The mean, and the standard error of the jackknife that leaves out one seed; NaN where
        nothing would be left.
    """
    outside = ~subsets
    values = np.where(outside, values, 0.0)
    totals, counts = values.sum(axis=1), outside.sum(axis=1)
    # Without seed j there are the subsets that do not hold it, and of each the other seeds outside.
    sums = outside.T @ totals - values.sum(axis=0)
    mean = float(totals.sum() / counts.sum())
    rest = outside.T @ (counts - 1)
    if not rest.all():
        return mean, math.nan
    without = sums / rest
    seeds = len(without)
    variance = (seeds - 1) / seeds * np.sum((without - without.mean()) ** 2)
    return mean, float(np.sqrt(variance))


def interval_of(value: float, error: float, seeds: int) -> Estimate:
    """The 95 % interval of Student's t with S - 1 degrees of freedom; none below six seeds."""
    if seeds < LEAST_SEEDS or math.isnan(error):
        return Estimate(value, math.nan, math.nan)
    half = float(stats.t.ppf((1 + LEVEL) / 2, seeds - 1)) * error
    return Estimate(value, value - half, value + half)


def mean_interval(values: Floats) -> Estimate:
    """The mean over seeds with its 95 % interval of Student's t; no interval below six seeds.

    Args:
        values: One finite number for each seed, at least one.

    Example:
        >>> mean_interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])).value
        3.5
    """
    seeds = values.size
    error = float(values.std(ddof=1) / math.sqrt(seeds)) if seeds > 1 else math.nan
    return interval_of(float(values.mean()), error, seeds)


def share_interval(value: float, error: float, seeds: int) -> Estimate:
    """The interval of a probability, clipped to [0, 1], and open where all seeds agree."""
    plain = interval_of(value, error, seeds)
    if math.isnan(plain.low):
        return plain
    low, high = (float(np.clip(end, 0, 1)) for end in (plain.low, plain.high))
    unanimous = (1 - LEVEL) ** (1 / seeds)
    if value >= 1:
        low = unanimous
    if value <= 0:
        high = 1 - unanimous
    return Estimate(value, low, high)


def share_of_seeds(values: Floats, subsets: Subsets, seeds: int) -> Estimate:
    """A share with the interval of Clopper and Pearson (1934), its count one of seeds.

    It is exact for one configuration, and about right where choices share their seeds.
    """
    share = jackknife(values, subsets)[0]
    count, tail = share * seeds, (1 - LEVEL) / 2
    low = 0.0 if count <= 0 else float(special.betaincinv(count, seeds - count + 1, tail))
    high = 1.0 if share >= 1 else float(special.betaincinv(count + 1, seeds - count, 1 - tail))
    return Estimate(share, low, high)


def p_value(value: float, error: float, seeds: int) -> float:
    """Of the hypothesis that the value is zero, by Student's t; NaN below six seeds."""
    if seeds < LEAST_SEEDS or math.isnan(error):
        return math.nan
    if error == 0:
        return 1.0 if value == 0 else 0.0
    return float(2 * stats.t.sf(abs(value) / error, seeds - 1))
