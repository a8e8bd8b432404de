"""What the results of a comparison hold: the names, dimensions and types, and a check of them.

One `xarray.Dataset` per task, in an `xarray.DataTree` whose root has the settings and versions as
attributes. The dimensions:

* `optimizer`: what is compared.
* `schedule`: of the learning rate, a factor of the comparison; tuned apart for each.
* `configuration`: a point of the grid of hyper-parameters; optimizers with fewer are padded.
* `setting`: `tuned` for the configuration chosen, `default` for what a user gets who tunes nothing.
* `seed` of the runs that are reported, `tuning_seed` of those that are chosen by: never the same.
* `step`, counted from 1, and `point`: the steps after which the metrics are measured.
* `bin`: the last step of each interval, evenly spaced on a logarithmic scale, over which effective
  learning rates are summed up, by their `quantile` over some coordinates of the parameters.

Conventions:

* A diverged run is infinitely bad: `inf` where lower is better, `-inf` where higher is, in
  `tuning_score`, `metric` and `evaluation`; `inf` in `online_loss`, `final_loss` and `last_loss`.
  `loss` holds what was seen.
* NaN in `tuning_score`, `learning_rate` and the other hyper-parameters is padding, never a result.
* `at_edge` names the hyper-parameters whose best value is the first or the last of its grid, with
  spaces between them; an empty text is none.
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
FORMAT = 2

Better = Literal["lower", "higher"]
TUNED, DEFAULT = SETTINGS = ("tuned", "default")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

_TRIALS = ("optimizer", "schedule", "configuration")
_RUNS = ("optimizer", "schedule", "setting", "seed")

# name: (dimensions, dtype kind); "U" is text
COORDINATES: Mapping[str, tuple[str, str]] = {
    "optimizer": ("optimizer", "U"),
    "schedule": ("schedule", "U"),
    "configuration": ("configuration", "i"),
    "tuning_seed": ("tuning_seed", "i"),
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
    require(
        chosen in schedules, f"schedule {chosen!r} is not here; name one of {', '.join(schedules)}"
    )
    require(
        setting in SETTINGS, f"setting {setting!r} is unknown; name one of {', '.join(SETTINGS)}"
    )
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


def require(condition: bool, sentence: str) -> None:
    """Raises a ValueError of this sentence, without its full stop, where the condition fails."""
    if not condition:
        raise ValueError(f"{sentence}.")
