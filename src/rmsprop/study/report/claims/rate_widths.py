"""How wide the ranges of good learning rates of the two optimizers are, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmsprop.study.report import sentences
from rmsprop.study.report.claims.claim import ADAGRAD, RMSPROP
from rmsprop.study.results import trials
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.statistics import Estimate, paired_difference
from rmsprop.study.results.trials import TOLERANCE


@dataclass(frozen=True, eq=False)
class RateWidths:
    """The widths of the ranges of good learning rates, in decades, on each tuning seed.

    Attributes:
        adagrad: The widths of AdaGrad's ranges; NaN on a seed where every rate diverged.
        rmsprop: The widths of RMSprop's ranges, likewise.
        adagrad_bounded: Whether the grid shows both ends of all of AdaGrad's ranges.
        rmsprop_bounded: Whether the grid shows both ends of all of RMSprop's ranges.
        difference: The paired difference, AdaGrad's minus RMSprop's; None where a width is NaN.
    """

    adagrad: NDArray[np.float64]
    rmsprop: NDArray[np.float64]
    adagrad_bounded: bool
    rmsprop_bounded: bool
    difference: Estimate | None

    @classmethod
    def of(cls, results: Results, task: str) -> RateWidths:
        """The widths on one task."""
        adagrad, adagrad_bounded = trials.widths(trials.trials_of(results, task, ADAGRAD))
        rmsprop, rmsprop_bounded = trials.widths(trials.trials_of(results, task, RMSPROP))
        unknown = np.isnan(adagrad).any() or np.isnan(rmsprop).any()
        difference = None if unknown else paired_difference(adagrad, rmsprop)
        return cls(adagrad, rmsprop, adagrad_bounded, rmsprop_bounded, difference)

    def figures(self) -> str:
        """The widths and their difference in words."""
        if self.difference is None:
            return "on some tuning seed every rate diverged"
        return (
            f"{sentences.width_in_decades(self.adagrad, self.adagrad_bounded)} of learning rates "
            f"are within {100 * TOLERANCE:.0f} % of the best for AdaGrad and "
            f"{sentences.width_in_decades(self.rmsprop, self.rmsprop_bounded)} for RMSprop, a "
            f"difference of {self.difference} ({sentences.tuning_seeds(self.adagrad)})"
        )
