"""How an effective learning rate falls: its exponent, as a slope on logarithmic scales."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from rmsprop.study.results.statistics import Estimate, bootstrap_interval


def exponents(rates: ArrayLike, steps: ArrayLike) -> NDArray[np.float64]:
    """Slope of log(effective rate) on log(step) in the second half of a run, on that scale.

    Args:
        rates: The medians over coordinates, of shape (seeds, bins); NaN where there is none.
        steps: The last step of each bin, of shape (bins,), ascending from 1 or more.

    Returns:
        One per seed by least squares; NaN where fewer than two bins have a positive rate.
    """
    at = np.log(np.asarray(steps, dtype=np.float64))
    late = at >= (at[0] + at[-1]) / 2
    slopes = []
    for run in np.asarray(rates, dtype=np.float64):
        usable = late & np.isfinite(run) & (run > 0)
        slope = np.polyfit(at[usable], np.log(run[usable]), 1)[0] if usable.sum() > 1 else math.nan
        slopes.append(float(slope))
    return np.array(slopes)


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


def exponent_of(dataset: xr.Dataset, optimizer: str) -> Estimate:
    """The exponent of an optimizer's median effective rate, from a view of a task's results."""
    median = dataset["effective_rate"].sel(optimizer=optimizer, quantile=0.5)
    return exponent(median, dataset["bin"])
