"""One line of results each: an optimizer on a task, and two optimizers compared on it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from rmsprop.study.results.schema import TUNED, Better, tuned_names, view
from rmsprop.study.results.statistics import (
    Estimate,
    bootstrap_interval,
    paired_difference,
    probability_of_improvement,
)

# On fewer an optimizer differs from itself in more than 5 of 100 comparisons, see `statistics`.
LEAST_SEEDS = 6


@dataclass(frozen=True)
class Row:
    """One optimizer on one task under one schedule and setting, over the reporting seeds.

    Attributes:
        task: The name of the task.
        optimizer: The name of the optimizer.
        schedule: The schedule of the learning rate.
        setting: The setting, "tuned" or "default".
        hyperparameters: The configuration, the value of each hyper-parameter by its name.
        at_edge: The names of those whose value is still at the limit of its grid.
        trials: The number of configurations that were tried; 0 for the default setting.
        growths: The number of times that the grid grew; 0 for the default setting.
        metric: The interquartile mean of the reported metric, with its 95 % interval.
        mean: The mean of the same values; infinite where a run diverged.
        median: The median of the same values.
        final_loss: The training loss over the last tenth of the steps, as `metric`.
        last_loss: The training loss of the last step, as `metric`.
        online_loss: The training loss over all steps, as `metric`.
        steps_to_target: The first step after which the metric, measured ten times in a run, has
            reached the target, as `metric`; infinite where it never did, NaN without a target.
        diverged: The number of reporting runs that diverged.
        runs: The number of reporting runs.
        seconds_per_run: The time of one core or device for a run, without compilation.
        compile_seconds: The wall-clock time of compilation, once for all runs, or of reading the
            program from JAX's cache of such on disk.
        state_bytes: The size of the optimizer's state.
        parameter_bytes: The size of the parameters.
    """

    task: str
    optimizer: str
    schedule: str
    setting: str
    hyperparameters: Mapping[str, float]
    at_edge: tuple[str, ...]
    trials: int
    growths: int
    metric: Estimate
    mean: float
    median: float
    final_loss: Estimate
    last_loss: Estimate
    online_loss: Estimate
    steps_to_target: Estimate
    diverged: int
    runs: int
    seconds_per_run: float
    compile_seconds: float
    state_bytes: int
    parameter_bytes: int


@dataclass(frozen=True)
class Difference:
    """Two optimizers on one task, compared seed by seed.

    Attributes:
        task: The name of the task.
        schedule: The schedule of the learning rate.
        setting: The setting, "tuned" or "default".
        first: The name of an optimizer.
        second: The name of another.
        better: Whether "lower" or "higher" values of the metric are better.
        metric: The first minus the second, with its 95 % interval.
        improvement: The probability that `first` beats `second` on a new seed, with its interval.
        seeds: The number of pairs.
    """

    task: str
    schedule: str
    setting: str
    first: str
    second: str
    better: Better
    metric: Estimate
    improvement: Estimate
    seeds: int

    @property
    def too_few(self) -> bool:
        """Whether there are too few seeds for a verdict, whatever the interval."""
        return self.seeds < LEAST_SEEDS

    @property
    def winner(self) -> str | None:
        """The better of the two, or None where that is not shown.

        That is where the interval of the difference holds zero, and below six seeds: an optimizer
        compared with itself would win in 6 of 100 comparisons on five seeds, in 13 on four and in
        50 on two (simulated, normal values), for no interval inside the range of so few values can
        hold.
        """
        if self.too_few or not self.metric.excludes_zero():
            return None
        return self.first if (self.metric.high < 0) == (self.better == "lower") else self.second


def rows(dataset: xr.Dataset, task: str, schedule: str, setting: str) -> tuple[Row, ...]:
    """The rows of a task under one schedule and setting, one per optimizer."""
    results = view(dataset, schedule, setting)
    return tuple(
        _row((task, name, schedule, setting), results.sel(optimizer=name), tuned)
        for name, tuned in tuned_names(dataset).items()
    )


def _row(place: tuple[str, str, str, str], runs: xr.Dataset, tuned: list[str]) -> Row:
    task, optimizer, schedule, setting = place
    metric = runs["metric"].values.astype(np.float64)
    if setting == TUNED:
        chosen = runs.isel(configuration=int(runs["chosen"]))
        hyperparameters = {name: float(chosen[name]) for name in tuned}
    else:
        hyperparameters = json.loads(runs.attrs["defaults"])[optimizer]
    was_tuned = setting == TUNED
    return Row(
        task,
        optimizer,
        schedule,
        setting,
        hyperparameters,
        at_edge=tuple(str(runs["at_edge"].values).split()) if was_tuned else (),
        trials=int(runs["learning_rate"].notnull().sum()) if was_tuned else 0,
        growths=int(runs["growth"].max()) if was_tuned else 0,
        metric=bootstrap_interval(metric),
        mean=float(metric.mean()),
        median=float(np.median(metric)),
        final_loss=bootstrap_interval(runs["final_loss"].values),
        last_loss=bootstrap_interval(runs["last_loss"].values),
        online_loss=bootstrap_interval(runs["online_loss"].values),
        steps_to_target=_steps_to_target(runs),
        diverged=int(runs["diverged"].sum()),
        runs=metric.size,
        seconds_per_run=float(runs["seconds_per_run"]),
        compile_seconds=float(runs["compile_seconds"]),
        state_bytes=int(runs["state_bytes"]),
        parameter_bytes=int(runs["parameter_bytes"]),
    )


def _steps_to_target(runs: xr.Dataset) -> Estimate:
    target = runs.attrs["target"]
    if math.isnan(target):
        return Estimate(math.nan, math.nan, math.nan)
    measured = runs["evaluation"].values
    lower = runs.attrs["report_better"] == "lower"
    reached = measured <= target if lower else measured >= target
    first = runs["point"].values[reached.argmax(axis=-1)].astype(np.float64)
    return bootstrap_interval(np.where(reached.any(axis=-1), first, np.inf))


def difference(
    results: xr.Dataset, place: tuple[str, str, str], first: str, second: str
) -> Difference:
    """Two optimizers compared, from a view of results and its task, schedule and setting."""
    better: Better = results.attrs["report_better"]
    a, b = (results["metric"].sel(optimizer=name).values for name in (first, second))
    return Difference(
        *place,
        first,
        second,
        better,
        paired_difference(a, b),
        probability_of_improvement(a, b, better),
        a.size,
    )
