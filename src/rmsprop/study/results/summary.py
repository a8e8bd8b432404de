"""One line of results each: an optimizer on a task, and two optimizers compared on it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from rmsprop.study.lookup import suggestion
from rmsprop.study.results.jackknife import LEAST_SEEDS
from rmsprop.study.results.reselection import Finalists, Reselection, expected_scores, reselect
from rmsprop.study.results.schema import (
    OWN,
    TUNED,
    Better,
    names_of,
    references,
    tuned_names,
    view,
)
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
        setting: The setting: "tuned", or the name of complete defaults.
        hyperparameters: The configuration, the value of each hyper-parameter by its name; of
            complete defaults the arguments of whoever ships them.
        at_edge: The names of those whose value is still at the limit of its grid.
        trials: The number of configurations that were tried; 0 for defaults.
        growths: The number of times that the grid grew; 0 for defaults.
        metric: What the headline metric is on a new seed, over all choices that the seeds allow,
            with its 95 % interval: a geometric mean of losses that are all positive, else a mean.
            Two rows have the ratio or the difference of `Difference.interval` under the schedule.
        mean: The mean of the metric of this configuration; infinite where a run diverged.
        median: The median of the same values.
        final_loss: The training loss over the last tenth of the steps: the interquartile mean of
            the reporting runs of this configuration, with its 95 % interval.
        last_loss: The training loss of the last step, as `final_loss`.
        online_loss: The training loss over all steps, as `final_loss`.
        steps_to_target: The first step after which the metric, measured ten times in a run, has
            reached the target, as `final_loss`; infinite where it never did, NaN without a target.
        diverged: The number of reporting runs of this configuration that diverged.
        runs: The number of its reporting runs.
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
        setting: The setting: "tuned", or the name of complete defaults.
        metric_name: The name of the metric.
        metric_label: The name of the metric in words.
        first: The name of an optimizer.
        second: The name of another.
        better: Whether "lower" or "higher" values of the metric are better.
        interval: The metric of the first divided by that of the second if `is_ratio`, else the
            first minus the second, on a new seed, with its 95 % interval; its three numbers are
            `estimate`, `low` and `high`.
        is_ratio: Whether the two are compared by their ratio, as losses are.
        well_tuned: The same where each is tuned on half of the seeds; None where the choice is on
            half of them already, or of complete defaults.
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
        is_reference: Whether one of the two is a reference.
    """

    task: str
    schedule: str
    setting: str
    metric_name: str
    metric_label: str
    first: str
    second: str
    better: Better
    interval: Estimate
    is_ratio: bool
    well_tuned: Estimate | None
    improvement: Estimate
    diverged: tuple[Estimate, Estimate]
    p_value: float
    margin: float | None
    verdict: Verdict
    seeds: int
    tuning_seeds: int
    seeds_needed: int | None
    is_reference: bool

    @property
    def estimate(self) -> float:
        """The ratio or the difference."""
        return self.interval.value

    @property
    def low(self) -> float:
        """The lower end of its 95 % interval; NaN where there is none."""
        return self.interval.low

    @property
    def high(self) -> float:
        """The upper end of its 95 % interval; NaN where there is none."""
        return self.interval.high

    @property
    def too_few(self) -> bool:
        """Whether there are too few seeds for a verdict, whatever the interval."""
        return self.seeds < LEAST_SEEDS

    @property
    def winner(self) -> str | None:
        """The better of the two, or None where that is not shown."""
        if self.verdict not in ("better", "slightly better"):
            return None
        lower = self.interval.value < (1 if self.is_ratio else 0)
        return self.first if lower == (self.better == "lower") else self.second


@dataclass(frozen=True)
class Line:
    """What one comparison is of: a line among the differences.

    Attributes:
        task: The name of the task.
        schedule: The schedule; "own" where each optimizer chooses its own.
        setting: The setting: "tuned", or the name of complete defaults.
        metric_name: The name of a reported metric.
        first: The name of an optimizer.
        second: The name of another.
    """

    task: str
    schedule: str
    setting: str
    metric_name: str
    first: str
    second: str


def rows(dataset: xr.Dataset, task: str, schedule: str, setting: str) -> tuple[Row, ...]:
    """The rows of a task under one schedule and setting, one per optimizer."""
    results = view(dataset, schedule, setting)
    optimizers = tuned_names(results)
    scores = _scores(dataset, (task, schedule, setting), list(optimizers))
    return tuple(
        _row((task, name, schedule, setting), results.sel(optimizer=name), tuned, scores[name])
        for name, tuned in optimizers.items()
    )


def _scores(
    dataset: xr.Dataset, place: tuple[str, str, str], optimizers: list[str]
) -> dict[str, Estimate]:
    """What each optimizer reaches by the headline metric under one schedule and setting."""
    if not optimizers:
        return {}
    metric = metrics_of(dataset)[0]
    better: Better = metric["better"]
    choose_by: Better = metric["choose_by"]["better"] if place[2] == TUNED else better
    runs = [finalists(dataset, x, Line(*place, metric["name"], x, x)) for x in optimizers]
    options = {"choose_by": choose_by, "chance": metric["chance"]}
    scores = expected_scores(runs, _tuning_seeds(dataset), better, **options)
    return dict(zip(optimizers, scores, strict=True))


def _tuning_seeds(dataset: xr.Dataset) -> int:
    """The number of seeds that a choice is made on: at most half of them."""
    return max(1, min(int(dataset.attrs["tuning_seeds"]), dataset.sizes["seed"] // 2))


def _row(
    place: tuple[str, str, str, str], runs: xr.Dataset, tuned: list[str], score: Estimate
) -> Row:
    task, optimizer, schedule, setting = place
    values = runs["metric"].values.astype(np.float64)
    if setting == TUNED:
        chosen = runs.isel(configuration=int(runs["chosen"]))
        hyperparameters = {name: float(chosen[name]) for name in tuned}
    else:
        hyperparameters = json.loads(runs.attrs["defaults"])[optimizer][setting]
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
        metric=score,
        mean=float(values.mean()),
        median=float(np.median(values)),
        final_loss=bootstrap_interval(runs["final_loss"].values),
        last_loss=bootstrap_interval(runs["last_loss"].values),
        online_loss=bootstrap_interval(runs["online_loss"].values),
        steps_to_target=_steps_to_target(runs),
        diverged=int(runs["diverged"].sum()),
        runs=values.size,
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


def difference(dataset: xr.Dataset, line: Line, *, well_tuned: bool = False) -> Difference:
    """Two optimizers compared over all choices that their seeds allow.

    Args:
        dataset: The results of a task.
        line: What is compared.
        well_tuned: Whether the comparison is also made with choices on half of the seeds.
    """
    metric = metric_of(dataset, line.metric_name)
    better: Better = metric["better"]
    seeds = dataset.sizes["seed"]
    half, size = max(1, seeds // 2), _tuning_seeds(dataset)
    tuned = line.setting == TUNED
    both = finalists(dataset, line.first, line), finalists(dataset, line.second, line)
    choose_by: Better = metric["choose_by"]["better"] if tuned else better
    options = {"choose_by": choose_by, "chance": metric["chance"]}
    result = reselect(*both, size, better, **options)
    margin = _margin(metric, logarithmic=result.logarithmic)
    scaled = math.log1p(margin) if margin is not None and result.logarithmic else margin
    # Where every run diverged the two are alike, and nothing is known of them.
    nothing = all(share.value >= 1 for share in result.diverged)
    conclusion = "undecided" if nothing else verdict(result.difference, scaled)
    if conclusion == "equal" and result.diverged[0].value != result.diverged[1].value:
        conclusion = "undecided"  # one of them diverges more often
    undecided = conclusion == "undecided"
    again = well_tuned and tuned and half > size
    return Difference(
        task=line.task,
        schedule=line.schedule,
        setting=line.setting,
        metric_name=line.metric_name,
        metric_label=metric["label"],
        first=line.first,
        second=line.second,
        better=better,
        interval=_in_units(result),
        is_ratio=result.logarithmic,
        well_tuned=_in_units(reselect(*both, half, better, **options)) if again else None,
        improvement=result.improvement,
        diverged=result.diverged,
        p_value=result.p_value,
        margin=margin,
        verdict=conclusion,
        seeds=seeds,
        tuning_seeds=size,
        seeds_needed=seeds_needed(result.difference, scaled, seeds)
        if undecided and not nothing
        else None,
        is_reference=bool({line.first, line.second} & {*references(dataset)}),
    )


def _in_units(result: Reselection) -> Estimate:
    """The difference as it is told: a ratio, or a difference in units of the metric."""
    return Ratio.exp(result.difference) if result.logarithmic else result.difference


def finalists(dataset: xr.Dataset, optimizer: str, line: Line) -> Finalists:
    """What a verdict chooses from: the finalists of an optimizer, or its complete defaults.

    Args:
        dataset: The results of a task.
        optimizer: The name of the optimizer.
        line: What is compared; under "own" the finalists of all schedules stand together, and of
            complete defaults there is one to choose from. What a grid grew by is chosen from by the
            headline alone, for which it grew: by another metric whether such a point was tried at
            all would be a draw of the race's seeds, which no interval over other seeds can hold.
    """
    runs = dataset.sel(optimizer=optimizer)
    schedules = names_of(dataset, "schedule") if line.schedule == OWN else [line.schedule]
    of_schedules = runs.sel(schedule=list(schedules))
    if line.setting != TUNED:
        metric = of_schedules.sel(setting=line.setting)["metric"].values
        return Finalists(metric, metric)
    numbers = of_schedules["finalist_configuration"].values
    real = numbers >= 0
    if line.metric_name != names_of(dataset, "metric_name")[0]:
        growth = of_schedules["growth"].values
        real &= np.take_along_axis(growth, np.maximum(numbers, 0), axis=-1) == 0
    of_metric = of_schedules.sel(metric_name=line.metric_name)
    return Finalists(
        of_metric["finalist_choice"].values[real], of_metric["finalist_report"].values[real]
    )


def metrics_of(dataset: xr.Dataset) -> list[dict[str, Any]]:
    """The reported metrics of a task, the headline first, as the attribute `metrics` holds them."""
    return json.loads(dataset.attrs["metrics"])


def metric_of(dataset: xr.Dataset, name: str) -> dict[str, Any]:
    """One reported metric of a task; ValueError where there is none of this name."""
    metrics = {metric["name"]: metric for metric in metrics_of(dataset)}
    if name not in metrics:
        near = suggestion(name, metrics)
        raise ValueError(f"metric {name!r} is not here; name one of {', '.join(metrics)}.{near}")
    return metrics[name]


def _margin(metric: dict[str, Any], *, logarithmic: bool) -> float | None:
    """The margin of a reported metric: a share of a ratio, or in units of the metric."""
    margin = metric["margin"]
    if logarithmic:
        return LOSS_MARGIN if margin is None else margin
    # The margin of a loss is a share, which means nothing where the loss may be zero or negative.
    return None if metric["better"] == "lower" else margin
