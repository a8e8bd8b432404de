"""Summaries of runs over seeds, each with an interval.

Conventions:

* One value per seed. Where two optimizers are compared, position `i` of both arrays is the same
  seed, so the same initial parameters and the same batches: the comparison is paired.
* A diverged run is recorded as infinitely bad (`inf` where lower is better, `-inf` where higher is)
  and is never dropped. The summary is therefore the interquartile mean: like a median it has a
  meaning for any order of values, infinite ones included (up to a quarter of the seeds may
  diverge before it is infinite), and it wastes less of the data than a median
  (Agarwal et al. 2021, "Deep reinforcement learning at the edge of the statistical precipice").
* Intervals are bootstrap percentile intervals whose levels are widened for the few seeds there
  are (Hesterberg 2014, arXiv:1411.5279, the expanded percentile interval). With five values the
  plain percentile interval of a mean covers it 83 times in 100, not 95; the expanded one 92 times,
  and 94 times for the interquartile mean (simulated, normal values). From seven seeds on it covers
  at least 94 times in 100. Below five seeds no interval inside the range of the data can do so.
  Two sets of runs of one optimizer are found to differ in 6 of 100 comparisons on five seeds, in 4
  on six and on seven (simulated, 6,000 repeats, standard error 0.3).
* Same values and same seed give the same interval, on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Statistic = Callable[..., np.floating | NDArray[np.floating]]
"""A function `(values, axis) -> values without that axis`, such as `numpy.mean`."""

RESAMPLES = 9_999

# Stands for infinity inside scipy's bootstrap, which squares and sums the resampled statistics: far
# beyond every float32 result, and its square times the number of resamples is still finite.
HUGE = 1e150


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: The estimate; NaN where infinite values of both signs leave it undetermined.
        low: The lower end of the interval, `value >= low`; NaN where there is no interval.
        high: The upper end of the interval; NaN where there is no interval.
    """

    value: float
    low: float
    high: float

    def excludes_zero(self) -> bool:
        """Whether zero lies outside the interval; without an interval, False."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        """`0.0310 [0.0284, 0.0341]`: two significant digits of the width of the interval."""
        write = _writer(self)
        if math.isnan(self.low) or math.isnan(self.high):
            return f"{write(self.value)} [no interval]"
        return f"{write(self.value)} [{write(self.low)}, {write(self.high)}]"


class Ratio(Estimate):
    """A ratio with its interval, all above 0; 1 says that two are equal."""

    @classmethod
    def exp(cls, logarithm: Estimate) -> Ratio:
        """The ratio of a difference of logarithms."""
        return cls(*(math.exp(x) for x in (logarithm.value, logarithm.low, logarithm.high)))

    def __str__(self) -> str:
        """`1.01 [0.93, 1.10]`: as many digits as the width of the interval allows.

        The three numbers have the same decimals, or where the ends are more than a factor of 100
        apart, the same number of significant digits: at least two, and so many that an end that is
        not 1 does not look like 1. Where one needs a power of ten, all have one.
        """
        if math.isnan(self.low) or math.isnan(self.high):
            return f"{_significant(self.value, 2)} [no interval]"
        width = math.log(self.high / self.low) if self.low > 0 else math.inf
        digits = 2
        if 0 < width < 1:
            digits = min(max(2, 2 - math.floor(math.log10(width) + 0.5)), 6)
        excludes = self.low > 1 or self.high < 1
        while excludes and digits < 6 and self._looks_equal(digits):
            digits += 1
        value, low, high = self._written(digits)
        return f"{value} [{low}, {high}]"

    def _written(self, digits: int) -> list[str]:
        """The value, which gets so many significant digits, and the ends."""
        numbers = (self.value, self.low, self.high)
        if not all(_is_plain(number) for number in numbers):
            return [_with_power(number, digits) for number in numbers]
        if self.high > 100 * self.low:
            return [_significant(number, digits) for number in numbers]
        decimals = max(_decimals(self.value, digits), _decimals(self.low, 1))
        return [f"{number:.{decimals}f}" for number in numbers]

    def _looks_equal(self, digits: int) -> bool:
        return any(end != "∞" and float(end) == 1 for end in self._written(digits)[1:])


def _significant(number: float, digits: int) -> str:
    """A positive number with so many significant digits, trailing zeros included."""
    if not _is_plain(number):
        return _with_power(number, digits)
    rounded = float(f"{number:.{digits - 1}e}")
    return f"{rounded:.{_decimals(rounded, digits)}f}"


def _is_plain(number: float) -> bool:
    """Whether a number above 0 needs no power of ten."""
    return 1e-4 <= number < 1e6


def _with_power(number: float, digits: int) -> str:
    """A number with so many significant digits and a power of ten; 0 and infinity as they are."""
    if math.isinf(number):
        return "∞"
    return f"{number:.{digits - 1}e}" if number else "0"


def _decimals(number: float, digits: int) -> int:
    """The decimals with which a positive number has so many significant digits."""
    return max(0, digits - 1 - math.floor(math.log10(number)))


def _writer(estimate: Estimate) -> Callable[[float], str]:
    """One format for the three numbers of an estimate, so that they can be read as a column."""
    finite = [abs(x) for x in (estimate.value, estimate.low, estimate.high) if math.isfinite(x)]
    largest = max(finite, default=0.0)
    width = estimate.high - estimate.low
    if math.isfinite(width) and width > 1e-12 * largest:  # below that it is rounding
        decimals = 1 - math.floor(math.log10(width))
    else:
        decimals = 2 - math.floor(math.log10(largest)) if largest else 0
    decimals = min(max(decimals, 0), 6)

    def write(number: float) -> str:
        """The number in words or digits."""
        if math.isnan(number):
            return "undetermined"
        if math.isinf(number):
            return "∞" if number > 0 else "-∞"
        if number and not 1e-3 <= largest < 1e5:
            return f"{number:.2e}"
        return f"{number:.{decimals}f}"

    return write


def interquartile_mean(values: ArrayLike, axis: int = -1) -> np.floating | NDArray[np.floating]:
    """Mean of what is left when the lowest and the highest quarter of the values are left out.

    `n // 4` values are left out at each end, so with fewer than four it is the mean.

    Args:
        values: An array of any shape; infinite values are allowed.
        axis: The axis that counts the seeds.

    Returns:
        An array without that axis (a float for one dimension); NaN where infinities of both signs
        are among the values kept.

    Example:
        >>> float(interquartile_mean([1.0, 2.0, 3.0, 4.0, float("inf")]))
        3.0
    """
    with np.errstate(invalid="ignore"):
        return stats.trim_mean(np.asarray(values, dtype=np.float64), 0.25, axis=axis)


def bootstrap_interval(
    values: ArrayLike,
    statistic: Statistic = interquartile_mean,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """A statistic of one value per seed, with its bootstrap interval.

    The interval lies between two order statistics of the resampled statistic, at the levels

        alpha' = Phi(-sqrt(n / (n - 1)) t)    and    1 - alpha',

    `t` the `(1 + confidence) / 2` quantile of Student's distribution with `n - 1` degrees of
    freedom. Order statistics are not interpolated, so that an infinite end stays infinite.

    Args:
        values: One value per seed, at least one; infinite for a diverged run, never NaN.
        statistic: A vectorized function `(values, axis) -> values`, such as `numpy.mean`.
        confidence: The level of the interval, strictly between 0 and 1.
        seed: The seed of the resampling.

    Returns:
        The estimate. With a single value both ends are NaN: one value says nothing about the
        spread. With equal values both ends are that value.

    Raises:
        ValueError: no value, more than one dimension, a NaN, or a confidence out of range.

    Example:
        >>> bootstrap_interval([1.0, 1.0, 1.0])
        Estimate(value=1.0, low=1.0, high=1.0)
    """
    return _interval((_checked("values", values),), statistic, confidence, seed)


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    statistic: Statistic = interquartile_mean,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Difference of two optimizers, `statistic(a) - statistic(b)`, with its own interval.

    The seeds are resampled in pairs, so what a seed does to both optimizers alike cancels, and
    where `a` is lower on every seed the whole interval is below zero. The difference is that of
    the two numbers shown, which the interquartile mean of `a - b` is not.

    Args:
        a: One value per seed.
        b: One value per seed, in the same order of seeds.
        statistic: As in `bootstrap_interval`.
        confidence: The level of the interval, strictly between 0 and 1.
        seed: The seed of the resampling.

    Returns:
        The estimate, negative where `a` is lower. Where both are infinite alike it is a tie, 0.

    Raises:
        ValueError: as `bootstrap_interval`, or `a` and `b` have different lengths.

    Example:
        >>> paired_difference([1.0, 2.0], [1.5, 2.5])
        Estimate(value=-0.5, low=-0.5, high=-0.5)
    """

    def difference(
        first: NDArray[np.float64], second: NDArray[np.float64], axis: int
    ) -> NDArray[np.float64]:
        """The statistic of the first minus that of the second, 0 where the two are equal."""
        of_first, of_second = (np.asarray(statistic(x, axis=axis)) for x in (first, second))
        return np.where(of_first == of_second, 0.0, of_first - of_second)

    return _interval(_pair(a, b), difference, confidence, seed)


def _interval(
    samples: tuple[NDArray[np.float64], ...], statistic: Statistic, confidence: float, seed: int
) -> Estimate:
    """A statistic of one sample, or of several whose positions belong together."""
    _check_confidence(confidence)
    with np.errstate(invalid="ignore"):  # inf - inf is NaN: undetermined, see below
        value = float(statistic(*samples, axis=-1))
    count = samples[0].size
    if count < 2:
        return Estimate(value, math.nan, math.nan)
    level = _expanded_level(count, confidence)
    # A resample with infinities of both signs is undetermined: it may lie at either end.
    lower = _replicates(samples, statistic, seed, undetermined=-HUGE)
    finite = all(np.isfinite(sample).all() for sample in samples)
    upper = lower if finite else _replicates(samples, statistic, seed, undetermined=HUGE)
    return Estimate(value, _quantile(lower, level), _quantile(upper, 1 - level))


def _replicates(
    samples: tuple[NDArray[np.float64], ...], statistic: Statistic, seed: int, undetermined: float
) -> NDArray[np.float64]:
    """The statistic of every resample; infinities travel through scipy as `HUGE`."""

    def finite(*resampled: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        """The statistic with large numbers in the place of infinite ones."""
        with np.errstate(invalid="ignore"):
            values = statistic(*resampled, axis=axis)
        return np.nan_to_num(
            np.asarray(values, np.float64), nan=undetermined, posinf=HUGE, neginf=-HUGE
        )

    # The standard error, for which nothing here asks, overflows where values are near its end.
    with np.errstate(over="ignore"):
        return stats.bootstrap(
            samples,
            finite,
            n_resamples=RESAMPLES,
            method="percentile",
            vectorized=True,
            paired=len(samples) > 1,
            rng=np.random.default_rng(seed),
        ).bootstrap_distribution


def _quantile(replicates: NDArray[np.float64], level: float) -> float:
    end = float(np.quantile(replicates, level, method="inverted_cdf"))
    return math.copysign(math.inf, end) if abs(end) >= HUGE else end


def _expanded_level(count: int, confidence: float) -> float:
    """Level of the lower end of the expanded percentile interval of `count` values."""
    quantile = stats.t.ppf((1 + confidence) / 2, count - 1)
    return float(stats.norm.cdf(-math.sqrt(count / (count - 1)) * quantile))


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(
            f"confidence must lie strictly between 0 and 1, but is {confidence}; use 0.95 for 95 %."
        )


def _checked(name: str, values: ArrayLike) -> NDArray[np.float64]:
    runs = np.asarray(values, dtype=np.float64)
    if runs.ndim != 1 or runs.size == 0:
        raise ValueError(
            f"{name} must hold one value per seed, at least one, but has shape {runs.shape}."
        )
    if np.isnan(runs).any():
        raise ValueError(
            f"{name} holds NaN; record a diverged run as inf where lower is better, "
            "as -inf where higher is."
        )
    return runs


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = _checked("a", a), _checked("b", b)
    if first.size != second.size:
        raise ValueError(
            f"a and b must hold the same seeds in the same order, but have {first.size} and "
            f"{second.size} values."
        )
    return first, second
