"""What the tuning runs of a task say beyond the configuration that was chosen.

Scores are arrays over the tuning seeds, of which there are few: intervals of them cover less than
they say (`rmsprop.study.statistics`), so that whoever shows one names their number.
"""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from rmsprop.study import wording
from rmsprop.study.results import Comparison
from rmsprop.study.schema import tuned_names
from rmsprop.study.sensitivity import best_by, rate_interval, six_digits
from rmsprop.study.statistics import bootstrap_interval


def trials_of(comparison: Comparison, task: str, optimizer: str) -> xr.Dataset:
    """The configurations of an optimizer, without padding."""
    row = comparison.view(task).sel(optimizer=optimizer)
    return row.isel(configuration=np.flatnonzero(row["learning_rate"].notnull().values))


def best_scores(trials: xr.Dataset, where: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Scores of the configuration with the best mean, of all or of some."""
    scores = trials["tuning_score"].values.astype(np.float64)
    scores = scores if where is None else scores[where]
    mean = scores.mean(axis=-1)
    lower = trials.attrs["choose_by_better"] == "lower"
    return scores[int(mean.argmin() if lower else mean.argmax())]


def by_decay(comparison: Comparison, task: str) -> dict[str, NDArray[np.float64]]:
    """The best scores of RMSprop for each decay that was tried, the shortest memory first.

    Decays are searched as one minus themselves, whatever the argument is called.
    """
    trials = trials_of(comparison, task, "rmsprop")
    names = [x for x in tuned_names(comparison.task(task))["rmsprop"] if x in one_minus(trials)]
    if not names:
        return {}
    rest = six_digits(trials[names[0]])
    return {
        wording.value(names[0], x): best_scores(trials, rest == x) for x in np.unique(rest)[::-1]
    }


def one_minus(trials: xr.Dataset) -> list[str]:
    """The hyper-parameters that were searched as one minus themselves."""
    return [str(name) for name in trials if str(name).startswith(wording.ONE_MINUS)]


def apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far two scores are from each other, seed by seed."""
    return np.abs(minus(a, b))


def minus(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Their difference; where both are infinite alike there is none."""
    return np.subtract(a, b, out=np.zeros_like(a), where=a != b)


def seeds(scores: NDArray[np.float64]) -> str:
    """Their number in words."""
    return f"{scores.size} tuning seed{'s' if scores.size > 1 else ''}"


def widths(trials: xr.Dataset) -> tuple[NDArray[np.float64], bool]:
    """Decades of good learning rates on each tuning seed, and whether all their ends were seen."""
    better = trials.attrs["choose_by_better"]
    scores = trials["tuning_score"].values
    found = [
        rate_interval(*best_by(trials["learning_rate"].values, scores[:, seed], better), better)
        for seed in range(scores.shape[-1])
    ]
    decades = [math.nan if interval is None else interval.decades for interval in found]
    return np.array(decades), all(interval is not None and interval.bounded for interval in found)


def width(decades: NDArray[np.float64], seen: bool) -> str:
    """Decades of good learning rates in words; at least so many where an end was not seen."""
    return f"{'' if seen else 'at least '}{bootstrap_interval(decades)} decades"
