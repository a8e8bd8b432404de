"""One line of results each: an optimizer on a task, and two optimizers compared on it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from rmsprop.study.results.reselection import LEAST_SEEDS, Finalists, reselect
from rmsprop.study.results.schema import OWN, TUNED, Better, tuned_names, view
from rmsprop.study.results.statistics import Estimate, Ratio, bootstrap_interval
from rmsprop.study.results.verdicts import Verdict, seeds_needed, verdict

# Two losses are equal if they are shown to differ by less than 5 %, unless a metric says otherwise.
LOSS_MARGIN = 0.05


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
    """Two optimizers on one task, over all choices that their seeds allow; see `reselection`.

    Attributes:
        task: The name of the task.
        schedule: The schedule of the learning rate; "own" where each optimizer chooses its own.
        setting: The setting, "tuned" or "default".
        first: The name of an optimizer.
        second: The name of another.
        better: Whether "lower" or "higher" values of the metric are better.
        metric: The metric of the first divided by that of the second if `is_ratio`, else the first
            minus the second, on a new seed, with its 95 % interval.
        is_ratio: Whether the two are compared by their ratio, as losses are.
        improvement: The probability that `first` beats `second` on a new seed, with its interval.
        diverged: For each of the two the share of choices whose run diverged, with its interval.
        p_value: Of the hypothesis that the two are equal; NaN below six seeds.
        margin: The largest difference that counts as none: a share if `is_ratio`, in units of the
            metric else; None where none does.
        verdict: What the interval says: "equal", "better", "slightly better" or "undecided".
        seeds: The number of seeds.
        tuning_seeds: The number of them that a choice is made on.
        seeds_needed: About how many seeds would decide; None where a verdict is there, or where no
            number would.
    """

    task: str
    schedule: str
    setting: str
    first: str
    second: str
    better: Better
    metric: Estimate
    is_ratio: bool
    improvement: Estimate
    diverged: tuple[Estimate, Estimate]
    p_value: float
    margin: float | None
    verdict: Verdict
    seeds: int
    tuning_seeds: int
    seeds_needed: int | None

    @property
    def too_few(self) -> bool:
        """Whether there are too few seeds for a verdict, whatever the interval."""
        return self.seeds < LEAST_SEEDS

    @property
    def winner(self) -> str | None:
        """The better of the two, or None where that is not shown."""
        if self.verdict not in ("better", "slightly better"):
            return None
        lower = self.metric.value < (1 if self.is_ratio else 0)
        return self.first if lower == (self.better == "lower") else self.second


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
        at_edge=tuple(json.loads(str(runs["at_edge"].values))) if was_tuned else (),
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
    dataset: xr.Dataset, place: tuple[str, str, str], first: str, second: str
) -> Difference:
    """Two optimizers compared over all choices that their seeds allow.

    Args:
        dataset: The results of a task.
        place: The task, the schedule or "own", and the setting.
        first: The name of an optimizer.
        second: The name of another.
    """
    _, schedule, setting = place
    better: Better = dataset.attrs["report_better"]
    seeds, tuning_seeds = dataset.sizes["seed"], dataset.sizes["tuning_seed"]
    size = max(1, min(tuning_seeds, seeds // 2))
    result = reselect(
        finalists(dataset, first, schedule, setting),
        finalists(dataset, second, schedule, setting),
        size,
        better,
        choose_by=dataset.attrs["choose_by_better"] if setting == TUNED else better,
        chance=_number(dataset, "chance"),
    )
    margin = _margin(dataset, logarithmic=result.logarithmic)
    scaled = math.log1p(margin) if margin is not None and result.logarithmic else margin
    # Where every run diverged the two are alike, and nothing is known of them.
    nothing = all(share.value >= 1 for share in result.diverged)
    conclusion = "undecided" if nothing else verdict(result.difference, scaled)
    if conclusion == "equal" and result.diverged[0].value != result.diverged[1].value:
        conclusion = "undecided"  # one of them diverges more often
    undecided = conclusion == "undecided"
    return Difference(
        *place,
        first,
        second,
        better,
        Ratio.exp(result.difference) if result.logarithmic else result.difference,
        result.logarithmic,
        result.improvement,
        result.diverged,
        result.p_value,
        margin,
        conclusion,
        seeds,
        size,
        seeds_needed(result.difference, scaled, seeds) if undecided and not nothing else None,
    )


def finalists(dataset: xr.Dataset, optimizer: str, schedule: str, setting: str) -> Finalists:
    """What a verdict chooses from: the finalists of an optimizer, or its default setting.

    Args:
        dataset: The results of a task.
        optimizer: The name of the optimizer.
        schedule: The name of a schedule; "own" for those of all schedules together.
        setting: "tuned" or "default"; of the default setting there is one to choose from.
    """
    runs = dataset.sel(optimizer=optimizer)
    names = [str(name) for name in dataset["schedule"].values] if schedule == OWN else [schedule]
    if setting != TUNED:
        metric = runs.sel(schedule=names, setting=setting)["metric"].values
        return Finalists(metric, metric)
    of_schedules = runs.sel(schedule=names)
    real = of_schedules["finalist_configuration"].values >= 0
    return Finalists(
        of_schedules["finalist_choice"].values[real], of_schedules["finalist_report"].values[real]
    )


def _margin(dataset: xr.Dataset, *, logarithmic: bool) -> float | None:
    """The margin of the reported metric: a share of a ratio, or in units of the metric."""
    margin = _number(dataset, "margin")
    if logarithmic:
        return LOSS_MARGIN if margin is None else margin
    # The margin of a loss is a share, which means nothing where the loss may be zero or negative.
    return None if dataset.attrs["report_better"] == "lower" else margin


def _number(dataset: xr.Dataset, name: str) -> float | None:
    """A number among the attributes, None for NaN."""
    value = float(dataset.attrs[name])
    return None if math.isnan(value) else value
