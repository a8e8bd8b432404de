"""What the results of a comparison hold: the names, the dimensions and the types.

One `xarray.Dataset` per task, in an `xarray.DataTree` whose root has the settings and versions as
attributes. The dimensions:

* `optimizer`: what is compared.
* `schedule`: of the learning rate, a factor of the comparison; tuned apart for each.
* `configuration`: a point of the grid of hyper-parameters; optimizers with fewer are padded.
* `finalist`: one of the best configurations, which run on all reporting seeds; a verdict chooses
  among them. Optimizers with fewer configurations are padded.
* `setting`: `tuned` for the configuration chosen, `default` for what a user gets who tunes nothing.
* `seed` of the runs that are reported, `tuning_seed` of those that are chosen by: never the same.
* `step`, counted from 1, and `point`: the steps after which the metrics are measured.
* `bin`: the last step of each interval, evenly spaced on a logarithmic scale, over which effective
  learning rates are summed up, by their `quantile` over some coordinates of the parameters.

Conventions:

* A diverged run is infinitely bad: `inf` where lower is better, `-inf` where higher is, in
  `tuning_score`, `finalist_choice`, `finalist_report`, `metric` and `evaluation`; `inf` in
  `online_loss`, `final_loss` and `last_loss`. `loss` holds what was seen.
* NaN in `tuning_score`, `learning_rate` and the other hyper-parameters is padding, never a result.
* `finalist_configuration` is the number of a finalist's configuration, -1 for padding;
  `finalist_choice` is the metric that configurations are chosen by, `finalist_report` the one that
  is reported, on the same reporting seeds, NaN for padding. The attributes `margin` and `chance`
  are those of the reported metric (`Metric`), NaN for None.
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

# The number of what this module says, in every file of results. Raise it with any change to the
# names, dimensions or meaning of what a file holds: older files are then refused in a sentence.
FORMAT = 3

Better = Literal["lower", "higher"]
TUNED, DEFAULT = SETTINGS = ("tuned", "default")
# In the place of a schedule: each optimizer under its own better one, chosen as all else is chosen.
OWN = "own"
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

_TRIALS = ("optimizer", "schedule", "configuration")
_FINALISTS = ("optimizer", "schedule", "finalist")
_RUNS = ("optimizer", "schedule", "setting", "seed")

# name: (dimensions, dtype kind); "U" is text
COORDINATES: Mapping[str, tuple[str, str]] = {
    "optimizer": ("optimizer", "U"),
    "schedule": ("schedule", "U"),
    "configuration": ("configuration", "i"),
    "tuning_seed": ("tuning_seed", "i"),
    "finalist": ("finalist", "i"),
    "setting": ("setting", "U"),
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
    "finalist_choice": ((*_FINALISTS, "seed"), "f"),
    "finalist_report": ((*_FINALISTS, "seed"), "f"),
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

    Args:
        dataset: The results of one task.
        schedule: The name of a schedule; None for the first.
        setting: "tuned" or "default".

    Raises:
        ValueError: there is no such schedule or setting.
    """
    schedules = [str(name) for name in dataset["schedule"].values]
    chosen = schedules[0] if schedule is None else schedule
    for what, name, names in (
        ("schedule", chosen, schedules),
        ("setting", setting, SETTINGS),
    ):
        if name not in names:
            raise ValueError(f"{what} {name!r} is not here; name one of {', '.join(names)}.")
    return dataset.sel(schedule=chosen, setting=setting, drop=True)


def tuned_names(dataset: xr.Dataset) -> dict[str, list[str]]:
    """The hyper-parameters tuned for each optimizer of a task, in the order of the optimizers.

    `learning_rate` is always among them; the others follow in the order of their importance.
    """
    tuned = json.loads(dataset.attrs["tuned"])
    return {str(name): tuned[str(name)] for name in dataset["optimizer"].values}


def mean_tuning_scores(dataset: xr.Dataset) -> xr.DataArray:
    """Mean over the tuning seeds: what configurations are chosen by.

    Returns:
        The dimensions of `tuning_score` without `tuning_seed`; infinite as soon as one tuning seed
        diverged, NaN for padding.
    """
    return dataset["tuning_score"].mean("tuning_seed", skipna=False)
