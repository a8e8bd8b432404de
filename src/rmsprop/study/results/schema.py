"""What the results of a comparison hold: the names, the dimensions and the types.

One `xarray.Dataset` per task, in an `xarray.DataTree` whose root has the settings and versions as
attributes. The dimensions:

* `optimizer`: what is compared; references, such as SGD, come last and may have run under one
  schedule only.
* `schedule`: of the learning rate, a factor of the comparison; tuned apart for each.
* `configuration`: a point of the grid of hyper-parameters; optimizers with fewer are padded.
* `finalist`: one of the best configurations, which run on all reporting seeds; a verdict chooses
  among them. Optimizers with fewer configurations are padded.
* `metric_name`: the metrics that are reported, the first of them the headline.
* `setting`: `tuned` for the configuration chosen; then what a user gets who tunes nothing: complete
  defaults that somebody ships, such as `torch`, or `default` for those of the function itself.
* `rate_factor`: what the chosen learning rate is multiplied by to see who forgives a wrong one.
* `seed` of the runs that are reported, `tuning_seed` of those that are raced on: never the same.
* `step`, counted from 1, and `point`: the steps after which the metrics are measured.
* `bin`: the last step of each interval, evenly spaced on a logarithmic scale, over which effective
  learning rates are summed up, by their `quantile` over some coordinates of the parameters.

Conventions:

* A diverged run is infinitely bad: `inf` where lower is better, `-inf` where higher is, in
  `tuning_score`, `finalist_choice`, `finalist_report`, `metric` and `evaluation`; `inf` in
  `online_loss`, `final_loss` and `last_loss`. `loss` holds what was seen.
* NaN in `learning_rate` and the other hyper-parameters is padding, never a result; so are numbers
  of an optimizer that did not run under a schedule or has no such setting: NaN in `metric` on all
  seeds. `view` leaves such optimizers out.
* NaN in `tuning_score` is padding, or a seed that the race did not run the configuration on.
* `finalist_configuration` is the number of a finalist's configuration, -1 for padding;
  `finalist_choice` is what each metric is chosen by, `finalist_report` the metric itself, on the
  reporting seeds, NaN for padding.
* `off_rate_report` is the headline metric on the reporting seeds of the chosen configuration with
  its learning rate multiplied by `rate_factor`; infinitely bad where it diverged, NaN on all seeds
  and factors of an optimizer that did not run so.
* The attribute `metrics` is a JSON list with an object for each reported metric: the arguments of
  `Metric`, and `choose_by`, those of the metric that it is chosen by. What is called `choose_by`
  and `report` is of the headline. `tuning_seeds` is how many seeds a verdict chooses on,
  `references` a JSON list of the names of optimizers that are references, and `defaults` holds for
  each optimizer and setting the arguments that were used.
* The attribute `versions` of a task is a JSON object, as that of the root: the versions of the
  packages by the part of a study that made the task, joined by "and" where several parts did.
  Where it is missing they are the root's.
* `at_edge` is a JSON list: the names of the hyper-parameters whose best value is the first or the
  last of its grid.
* NaN in `effective_rate` says that no coordinate had a gradient in that interval.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

import numpy as np
import xarray as xr

from rmsprop.study.lookup import suggestion

# The number of what this module says, in every file of results. Raise it with any change to the
# names, dimensions or meaning of what a file holds: older files are then refused in a sentence.
FORMAT = 4

Better = Literal["lower", "higher"]
TUNED, DEFAULT = "tuned", "default"
# In the place of a schedule: each optimizer under its own better one, chosen as all else is chosen.
OWN = "own"
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# A learning rate that is off by half a decade and by a whole one, to both sides.
RATE_FACTORS = (0.1, 10**-0.5, 10**0.5, 10.0)

_TRIALS = ("optimizer", "schedule", "configuration")
_FINALISTS = ("optimizer", "schedule", "finalist")
_FINAL_RUNS = ("optimizer", "schedule", "metric_name", "finalist", "seed")
_RUNS = ("optimizer", "schedule", "setting", "seed")
_OFF_RATE_RUNS = ("optimizer", "schedule", "rate_factor", "seed")

# name: (dimensions, dtype kind); "U" is text
COORDINATES: Mapping[str, tuple[str, str]] = {
    "optimizer": ("optimizer", "U"),
    "schedule": ("schedule", "U"),
    "configuration": ("configuration", "i"),
    "tuning_seed": ("tuning_seed", "i"),
    "finalist": ("finalist", "i"),
    "metric_name": ("metric_name", "U"),
    "setting": ("setting", "U"),
    "rate_factor": ("rate_factor", "f"),
    "seed": ("seed", "i"),
    "step": ("step", "i"),
    "point": ("point", "i"),
    "bin": ("bin", "i"),
    "quantile": ("quantile", "f"),
}
VARIABLES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "learning_rate": (_TRIALS, "f"),
    "growth": (_TRIALS, "i"),
    "tuning_score": ((*_TRIALS, "tuning_seed"), "f"),
    "tuning_diverged": ((*_TRIALS, "tuning_seed"), "b"),
    "chosen": (("optimizer", "schedule"), "i"),
    "at_edge": (("optimizer", "schedule"), "U"),
    "finalist_configuration": (_FINALISTS, "i"),
    "finalist_choice": (_FINAL_RUNS, "f"),
    "finalist_report": (_FINAL_RUNS, "f"),
    "off_rate_report": (_OFF_RATE_RUNS, "f"),
    "loss": ((*_RUNS, "step"), "f"),
    "metric": (_RUNS, "f"),
    "evaluation": ((*_RUNS, "point"), "f"),
    "online_loss": (_RUNS, "f"),
    "final_loss": (_RUNS, "f"),
    "last_loss": (_RUNS, "f"),
    "diverged": (_RUNS, "b"),
    "effective_rate": ((*_RUNS, "bin", "quantile"), "f"),
    "seconds_per_run": (("optimizer",), "f"),
    "compile_seconds": (("optimizer",), "f"),
    "state_bytes": (("optimizer",), "i"),
    "parameter_bytes": (("optimizer",), "i"),
}
PATH = ((*_RUNS, "step", "coordinate"), "f")


def worst_value(better: str) -> float:
    """What a diverged run counts as, where `better` values are the "lower" or the "higher" ones."""
    return np.inf if better == "lower" else -np.inf


def view(dataset: xr.Dataset, schedule: str | None = None, setting: str = TUNED) -> xr.Dataset:
    """The results of one task under one schedule and setting, without these two dimensions.

    Optimizers that did not run under it are left out.

    Args:
        dataset: The results of one task.
        schedule: The name of a schedule; None for the first.
        setting: "tuned", or the name of complete defaults.

    Raises:
        ValueError: there is no such schedule or setting.
    """
    schedules = names_of(dataset, "schedule")
    chosen = schedules[0] if schedule is None else schedule
    for what, name, names in (
        ("schedule", chosen, schedules),
        ("setting", setting, names_of(dataset, "setting")),
    ):
        if name not in names:
            near = suggestion(name, names)
            raise ValueError(f"{what} {name!r} is not here; name one of {', '.join(names)}.{near}")
    selection = dataset.sel(schedule=chosen, setting=setting, drop=True)
    present = selection["metric"].notnull().all("seed").values
    return selection.isel(optimizer=np.flatnonzero(present))


def names_of(dataset: xr.Dataset, dimension: str) -> tuple[str, ...]:
    """The names along a dimension, in their order."""
    return tuple(str(name) for name in dataset[dimension].values)


def tuned_names(dataset: xr.Dataset) -> dict[str, list[str]]:
    """The hyper-parameters tuned for each optimizer of a task, in the order of the optimizers.

    `learning_rate` is always among them; the others follow in the order of their importance.
    """
    tuned = json.loads(dataset.attrs["tuned"])
    return {name: tuned[name] for name in names_of(dataset, "optimizer")}


def references(dataset: xr.Dataset) -> tuple[str, ...]:
    """The names of the optimizers of a task that are references."""
    return tuple(json.loads(dataset.attrs["references"]))


def mean_tuning_scores(dataset: xr.Dataset) -> xr.DataArray:
    """Mean over the tuning seeds that a configuration ran on: what configurations are chosen by.

    Returns:
        The dimensions of `tuning_score` without `tuning_seed`; infinite as soon as one tuning seed
        diverged, NaN for padding.
    """
    return dataset["tuning_score"].mean("tuning_seed", skipna=True)


def raced_to_the_end(dataset: xr.Dataset) -> xr.DataArray:
    """Which configurations ran on all tuning seeds: of the others the race saw enough before."""
    return dataset["tuning_score"].notnull().all("tuning_seed")
