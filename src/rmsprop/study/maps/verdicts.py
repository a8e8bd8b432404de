"""What the runs of a cell say: the ratio of risks, its interval and its verdict.

The estimator is that of a comparison (`rmsprop.study.results.reselection`): a U-statistic over all
choices of a configuration that the reporting seeds allow, with a jackknife interval.  Holm's
correction goes over all cells of a plane under one line of schedules.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmsprop.study.results.reselection import Finalists, difference_of
from rmsprop.study.results.statistics import Ratio
from rmsprop.study.results.verdicts import Verdict, holm, verdict

# Risks whose ratio is within 5 % count as equal.
MARGIN = math.log(1.05)
# The probability with which even one of the verdicts of a plane may be wrong.
ALPHA = 0.05


@dataclass(frozen=True)
class CellVerdict:
    """What the runs of one cell say under one line of schedules.

    Attributes:
        ratio: The risk of the second optimizer over that of the first, with its 95 % interval,
            which is not corrected.
        p_value: Of the hypothesis that the ratio is 1; NaN below six seeds.
        adjusted: The same after Holm's correction over the plane.
        plain: What the interval says, uncorrected.
        diverged: For each of the two the share of choices and seeds in which the run diverged.
    """

    ratio: Ratio
    p_value: float
    adjusted: float
    plain: Verdict
    diverged: tuple[float, float]

    @property
    def verdict(self) -> Verdict:
        """What the cell says: "undecided" where a difference does not survive the correction."""
        differs = self.plain in ("better", "slightly better")
        return "undecided" if differs and self.adjusted > ALPHA else self.plain

    @property
    def winner(self) -> int | None:
        """The number of the better optimizer, 0 or 1; None where there is none."""
        if self.verdict not in ("better", "slightly better"):
            return None
        return 0 if self.ratio.value > 1 else 1


def undominated(risks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The configurations that may be the best on some seeds: no other is better on every seed.

    Those that are left out, most of a wide grid, are the choice of no subset of the seeds.

    Args:
        risks: Shape (configurations, seeds); infinite where a run diverged.

    Returns:
        The rows that are left, in their order; at least one.

    Example:
        >>> undominated(np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 4.0]])).tolist()
        [[1.0, 3.0], [2.0, 2.0]]
    """
    worse = (risks[:, None] > risks[None]).all(axis=-1).any(axis=-1)
    return risks[~worse]


def judge(
    first: Sequence[NDArray[np.float64]],
    second: Sequence[NDArray[np.float64]],
    tuning_seeds: int,
) -> list[CellVerdict]:
    """The verdicts of the cells of a plane.

    Args:
        first: The risks of the configurations of the first optimizer in each cell, shape
            (configurations, seeds), infinite where a run diverged.
        second: Those of the second, on the same seeds.
        tuning_seeds: The number of seeds of a choice.
    """
    raw = []
    for one, other in zip(first, second, strict=True):
        pair = [Finalists(x, x) for x in (undominated(other), undominated(one))]
        raw.append(difference_of(pair[0], pair[1], tuning_seeds, "lower"))
    adjusted = holm([p for _, p, _ in raw])
    return [
        CellVerdict(
            Ratio.exp(difference),
            p,
            corrected,
            verdict(difference, MARGIN),
            (diverged[1].value, diverged[0].value),
        )
        for (difference, p, diverged), corrected in zip(raw, adjusted, strict=True)
    ]
