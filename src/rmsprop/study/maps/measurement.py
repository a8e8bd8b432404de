"""What was measured of a problem: the numbers that place it on the map, and others beside."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rmsprop.study import spelling
from rmsprop.study.maps.observing import Observations, lag_of
from rmsprop.study.maps.predicting import sentences_of
from rmsprop.study.problems import TENTHS
from rmsprop.study.report.table import WIDTH

# With no drift, one is seen by mistake in one of a thousand problems.
MISTAKE = 0.001
# With a lag of one step a drift is not told from the noise.
LEAST_LAG = 2


@dataclass(frozen=True)
class Measurement:
    """The numbers of a problem, from short runs on one seed.

    "Early" is the first tenth of the steps, "late" the last.  Sums go over all coordinates.

    Attributes:
        problem: The name of the problem.
        steps: Steps of a run.
        seed: What drew the initial parameters and the batches.
        shrinking: The scale of the gradients, the root of their mean square, early over late.
        noise_early: The ratio of noise to signal early: the root of the mean power of the noise
            over that of the signal. Infinite where no signal is seen.
        noise_late: The same late.
        seen: The share of coordinates whose gradient is not 0 in a step, from 0 to 1.
        drift: How far the mean gradient walks per step at held parameters, in units of the noise,
            `δ / σ`; 0 where no drift is seen, NaN where none could be, in fewer
            than 40 steps.
        drift_limit: The largest drift, in the same unit, that the runs do not exclude (97.5 %).
        number: What orders the map: drift times shrinking.
        unevenness: How differently the coordinates' gradients shrink: the standard deviation of the
            natural logarithm of their scales, early over late.
        late_distance: How much of the way is left: the distance that the parameters move in the
            second half of the run, over that from the initial to the last ones.
        trials: For each schedule how many times as good RMSprop is as AdaGrad, each at its best on
            a coarse grid and one seed, by what the problem chooses by: AdaGrad's loss over
            RMSprop's, or RMSprop's accuracy over AdaGrad's. Above 1 RMSprop is better there.
    """

    problem: str
    steps: int
    seed: int
    shrinking: float
    noise_early: float
    noise_late: float
    seen: float
    drift: float
    drift_limit: float
    number: float
    unevenness: float
    late_distance: float
    trials: Mapping[str, float]

    @classmethod
    def of(
        cls,
        problem: str,
        steps: int,
        seed: int,
        observations: Observations,
        trials: Mapping[str, float],
    ) -> Measurement:
        """The numbers from what runs show.

        Args:
            problem: The name of the problem.
            steps: Steps of a run.
            seed: What drew the initial parameters and the batches.
            observations: What one run shows, in NumPy.
            trials: For each schedule how many times as good RMSprop's best run is.
        """
        tenth = steps // TENTHS
        early, late = slice(0, tenth), slice(steps - tenth, steps)
        in_double = (np.asarray(column, np.float64) for column in observations)
        _, power, signal, noise, seen, squares, moved, near, far = in_double
        shrinking = _root(power[early].mean(), power[late].mean())
        drift, limit = drift_of(near, far, lag_of(steps))
        distance = np.sqrt(moved)
        return cls(
            problem=problem,
            steps=steps,
            seed=seed,
            shrinking=shrinking,
            noise_early=_root(noise[early].mean(), signal[early].mean()),
            noise_late=_root(noise[late].mean(), signal[late].mean()),
            seen=float(seen.mean()),
            drift=drift,
            drift_limit=limit,
            number=drift * shrinking if drift != 0 else 0.0,
            unevenness=_unevenness(squares),
            late_distance=(float(distance[TENTHS // 2] / distance[0]) if distance[0] else math.nan),
            trials=dict(trials),
        )

    @property
    def sentences(self) -> tuple[str, ...]:
        """What follows from the numbers, and how sure it is."""
        return tuple(sentences_of(self))

    def rows(self) -> dict[str, str]:
        """The numbers in words, by what they are."""
        number = spelling.number
        trials = {
            f"RMSprop over AdaGrad, short run, {spelling.schedule(name)}": number(ratio)
            for name, ratio in self.trials.items()
        }
        return {
            "scale of the gradients, early over late": number(self.shrinking),
            "noise over signal, early": number(self.noise_early),
            "noise over signal, late": number(self.noise_late),
            "coordinates that have a gradient": f"{100 * self.seen:.3g} %",
            "drift of the gradient per step, over the noise": number(self.drift),
            "x, drift times shrinking over noise": number(self.number),
            "spread of the coordinates' shrinking": number(self.unevenness),
            "way that is left at half time": number(self.late_distance),
            **trials,
        }

    def __str__(self) -> str:
        """The numbers and the sentences, in lines of at most 80 characters."""
        rows = self.rows()
        width = max(map(len, rows))
        head = f"{self.problem}, {self.steps} steps, seed {self.seed}"
        lines = [f"{what:<{width}}  {words}" for what, words in rows.items()]
        told = [line for sentence in self.sentences for line in textwrap.wrap(sentence, WIDTH)]
        return "\n".join([head, *lines, "", *told])


def drift_of(near: NDArray[np.float64], far: NDArray[np.float64], lag: int) -> tuple[float, float]:
    """The drift of the mean gradient per step, in units of the noise.

    Where the mean gradient walks by δ per step, half the squared difference of two
    gradients that are `l` steps apart has the mean `σ^2 + l δ^2 / 2`.  Each
    tenth of the run is one estimate of `δ^2 / (σ^2 + δ^2 / 2)`, in which
    gradients may shrink from tenth to tenth;
    the drift is that of their mean if a t-test says that it is above 0.

    Args:
        near: Half the squared differences of gradients one step apart, shape (tenths, pairs).
        far: Of those `lag` steps apart, of the same shape.
        lag: The steps between those that are far apart.

    Returns:
        The drift, 0 where none is seen and NaN where none could be, and the largest that is not
        excluded.

    Example:
        >>> noise, square = np.ones((10, 4)), 0.01
        >>> drift, limit = drift_of(noise + square / 2, noise + 26 * square / 2, 26)
        >>> f"{drift:.3f}"
        '0.100'
    """
    here, there = near.mean(axis=1), far.mean(axis=1)
    if not (here > 0).all():  # without noise in every tenth there is no unit
        return (math.inf, math.inf) if (there > here).any() else (0.0, 0.0)
    if lag < LEAST_LAG:
        return math.nan, math.inf
    squares = 2 * (there - here) / (here * (lag - 1))
    mean, error = squares.mean(), squares.std(ddof=1) / math.sqrt(len(squares))
    least = stats.t.ppf(1 - MISTAKE, len(squares) - 1) * error
    most = max(mean, 0.0) + stats.t.ppf(0.975, len(squares) - 1) * error
    return (_of_noise(mean) if mean > least else 0.0), _of_noise(most)


def _of_noise(square: float) -> float:
    """The drift over the noise, from its square over the half squared difference at one step.

    One step of the drift is in that difference: it is the noise and half of the squared drift.
    """
    return math.sqrt(square / (1 - square / 2)) if square < 2 else math.inf


def _root(above: float, below: float) -> float:
    """The root of a quotient of powers; infinite where nothing is below."""
    if above <= 0:
        return 0.0 if below > 0 else math.nan
    return math.sqrt(above / below) if below > 0 else math.inf


def _unevenness(squares: NDArray[np.float64]) -> float:
    """The spread of the logarithm by which coordinates shrink; NaN with fewer than two of them."""
    early, late = squares[0], squares[-1]
    both = (early > 0) & (late > 0)
    if both.sum() < 2:
        return math.nan
    return float(np.std(np.log(early[both] / late[both]) / 2))
