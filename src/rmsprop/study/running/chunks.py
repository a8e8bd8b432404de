"""What runs leave behind, whichever chunk they ran in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Raise it with any change to what `_Chunk.kept` makes of an outcome.
KEPT = "1"


@dataclass(frozen=True)
class Runs:
    """What runs leave behind; the first dimension of every array counts the runs.

    Attributes:
        metrics: What was measured after each tenth of the steps, each of shape (runs, 10);
            `training_loss`, the mean loss of the tenth, is always among them.
        finite: Whether the loss was finite in every step.
        loss: Training loss before each step, shape (runs, steps); None of scores alone.
        effective_rate: Quantiles of the effective learning rate, shape (runs, bins, quantiles);
            None of scores alone.
        path: Parameters before each step, shape (runs, steps, 2), for two-dimensional problems;
            None for others, and of scores alone.
        seconds: Time of one core or device for all of them, without compilation.
    """

    metrics: Mapping[str, npt.NDArray[np.float32]]
    finite: npt.NDArray[np.bool_]
    loss: npt.NDArray[np.float32] | None
    effective_rate: npt.NDArray[np.float32] | None
    path: npt.NDArray[np.float32] | None
    seconds: float

    def __len__(self) -> int:
        return len(self.finite)

    def last(self, metric: str) -> npt.NDArray[np.float32]:
        """A metric after the last step."""
        return self.metrics[metric][:, -1]

    def diverged(self, metric: str) -> npt.NDArray[np.bool_]:
        """Which runs met a loss, or ended with a value of this metric, that is not finite."""
        return np.logical_not(np.logical_and(self.finite, np.isfinite(self.last(metric))))
