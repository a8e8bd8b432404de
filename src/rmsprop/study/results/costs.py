"""What the runs of a study cost, over all parts in which it was run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from rmsprop.study.results.schema import TUNED, names_of


@dataclass(frozen=True)
class Costs:
    """The runs of a task, or of several, and their time.

    Attributes:
        runs: The number of runs: of races, of finalists, of defaults and of wrong learning rates.
        seconds: The time of one core or device for them, with compilation. A run counts once,
            in whatever part of a study it was made; what was computed twice because a run was
            interrupted does not count.
    """

    runs: int
    seconds: float

    def __add__(self, other: Costs) -> Costs:
        """The costs of both."""
        return Costs(self.runs + other.runs, self.seconds + other.seconds)


def costs_of(dataset: xr.Dataset) -> Costs:
    """The costs of a task, from its results."""
    counts = _runs(dataset)
    seconds = counts * dataset["seconds_per_run"].values + dataset["compile_seconds"].values
    return Costs(int(counts.sum()), float(np.nansum(seconds)))


def _runs(dataset: xr.Dataset) -> np.ndarray:
    """The number of runs of each optimizer."""
    seeds = dataset.sizes["seed"]
    raced = dataset["tuning_score"].notnull()
    finalists = seeds * (dataset["finalist_configuration"] >= 0)
    others = [name for name in names_of(dataset, "setting") if name != TUNED]
    defaults = dataset["metric"].sel(setting=others).notnull()
    off_rates = dataset["off_rate_report"].notnull()
    parts = (raced, finalists, defaults, off_rates)
    return np.sum([part.sum([x for x in part.dims if x != "optimizer"]) for part in parts], axis=0)
