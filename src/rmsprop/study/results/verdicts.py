"""What an interval says about two optimizers, and what several intervals say together.

A verdict needs a margin: a difference that nobody would act on.  Without one, two optimizers that
are alike for every purpose are "not shown to differ" on few seeds and "different" on many.  With
one, an interval can also show that they are equal, as in tests of equivalence (Schuirmann 1987, "A
comparison of the two one-sided tests procedure and the power approach").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from rmsprop.study.results.statistics import Estimate

Verdict = Literal["equal", "better", "slightly better", "undecided"]


def verdict(difference: Estimate, margin: float | None) -> Verdict:
    """What the interval of a difference says, whichever of the two it favours.

    Args:
        difference: The difference with its interval, in the units of the margin.
        margin: The largest difference that counts as none, above 0; None where no difference is
            too small to count.

    Returns:
        "equal" if the interval lies inside the margin, to both sides of zero or to one; "better" if
        it lies beyond the margin, on one side; "slightly better" if it excludes zero; "undecided"
        for everything else, and where there is no interval.

    Example:
        >>> verdict(Estimate(0.2, 0.1, 0.3), margin=0.05)
        'better'
        >>> verdict(Estimate(0.2, 0.01, 0.39), margin=0.05)
        'slightly better'
        >>> verdict(Estimate(0.02, 0.01, 0.03), margin=0.05)
        'equal'
    """
    low, high = difference.low, difference.high
    if math.isnan(low) or math.isnan(high):
        return "undecided"
    if margin is not None and -margin < low and high < margin:
        return "equal"
    if low > (margin or 0) or high < -(margin or 0):
        return "better"
    return "slightly better" if difference.excludes_zero() else "undecided"


def seeds_needed(difference: Estimate, margin: float | None, seeds: int) -> int | None:
    """About how many seeds would decide, if the estimate were the truth.

    The half-width of an interval shrinks with the square root of the number of seeds.  A verdict is
    there when it is below the distance from the estimate to zero, or, for "equal", below that to
    the nearer end of the margin; the distance that takes fewer seeds counts.

    Args:
        difference: The difference with its interval, on the seeds so far.
        margin: As in `verdict`.
        seeds: The number of seeds so far.

    Returns:
        The number, above `seeds`; None for an estimate of zero without a margin, of which no number
        would do, and where there is no interval.
    """
    half = (difference.high - difference.low) / 2
    size = abs(difference.value)
    distance = size if margin is None else max(size, margin - size)
    if not math.isfinite(half) or distance <= 0:
        return None
    # A number that is whole but for rounding is not rounded up.
    return max(seeds + 1, math.ceil(seeds * (half / distance) ** 2 - 1e-9))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-values of several hypotheses, adjusted so that all verdicts hold together.

    If the hypotheses whose adjusted value is at most 0.05 are given up, the probability that even
    one of them was true is at most 0.05 (Holm 1979, "A simple sequentially rejective multiple test
    procedure").

    Args:
        p_values: One of each hypothesis; NaN, where there is none, counts as 1.

    Returns:
        The adjusted values, in the same order, each at least the plain one and at most 1.

    Example:
        >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    plain = np.nan_to_num(np.asarray(p_values, np.float64), nan=1.0)
    order = np.argsort(plain, kind="stable")
    stepped = plain[order] * np.arange(len(plain), 0, -1)
    adjusted = np.empty_like(plain)
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return tuple(float(p) for p in adjusted)
