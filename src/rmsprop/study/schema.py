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
* NaN in `effective_rate` says that no coordinate had a gradient in that interval.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import xarray as xr

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
TEXT_ATTRIBUTES = (
    *("title", "citation", "data_sha256", "tuned", "defaults"),
    *("choose_by", "choose_by_label", "choose_by_better"),
    *("report", "report_label", "report_better"),
)
NUMBER_ATTRIBUTES = ("steps", "target", "width")
# Attributes of a task and of the root; those that hold more than a word are JSON.
ROOT_TEXT = ("created", "command", "versions", "device", "settings")
ROOT_NUMBERS = ("cores", "seconds")
KINDS = {"U": "text", "i": "integers", "f": "floating-point numbers", "b": "booleans"}


def worst_value(better: str) -> float:
    """What a diverged run counts as, where `better` values are the "lower" or the "higher" ones."""
    return np.inf if better == "lower" else -np.inf


def view(dataset: xr.Dataset, schedule: str | None = None, setting: str = TUNED) -> xr.Dataset:
    """The results of one task under one schedule and setting, without these two dimensions.

    Args:
        dataset: results of one task.
        schedule: of those in it; None for the first.
        setting: `tuned` or `default`.

    Raises:
        ValueError: there is no such schedule or setting.
    """
    schedules = [str(name) for name in dataset["schedule"].values]
    chosen = schedules[0] if schedule is None else schedule
    _require(
        chosen in schedules, f"schedule {chosen!r} is not here; name one of {', '.join(schedules)}"
    )
    _require(
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


def check_tree(tree: xr.DataTree) -> None:
    """Check a whole comparison: the root's attributes and the results of every task.

    Args:
        tree: one group per task; further root attributes than the schema's are allowed.

    Raises:
        ValueError: one sentence that names the first thing that is wrong, and its task.
    """
    _check_attributes(tree.attrs, ROOT_TEXT, ROOT_NUMBERS)
    for name in ("versions", "settings"):
        _json_object(tree.attrs, name)
    if not tree.children:
        raise ValueError("there is no task; a comparison needs at least one.")
    for name, node in tree.children.items():
        check_task_name(str(name))
        try:
            validate(node.to_dataset(inherit=False))
        except ValueError as error:
            raise ValueError(f"task {name!r}: {error}") from error


def check_task_name(name: str) -> None:
    """Check that a task's name is a word: it is typed after --tasks and begins names of files."""
    _require(
        re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name) is not None,
        f"a task's name must be one word of letters, digits, '_', '-' and '.', but is {name!r}",
    )


def validate(dataset: xr.Dataset) -> None:
    """Check the results of one task against the schema.

    Args:
        dataset: the results; further variables and attributes than the schema's are allowed.

    Raises:
        ValueError: one sentence that names the first variable or attribute that is wrong.
    """
    _check_attributes(dataset.attrs, TEXT_ATTRIBUTES, NUMBER_ATTRIBUTES)
    for name in ("choose_by_better", "report_better"):
        _require(
            dataset.attrs[name] in ("lower", "higher"),
            f"attribute {name} must be 'lower' or 'higher', but is {dataset.attrs[name]!r}",
        )
    for name, (dimension, kind) in COORDINATES.items():
        _check_variable(dataset, name, (dimension,), kind)
        values = dataset[name].values
        _require(values.size > 0, f"{name} is empty; there must be at least one")
        _require(np.unique(values).size == values.size, f"{name} holds a value twice")
    _check_tuned(dataset)
    for name, (dimensions, kind) in VARIABLES.items():
        _check_variable(dataset, name, dimensions, kind)
    _require(
        tuple(dataset["setting"].values) == SETTINGS,
        f"setting must be {SETTINGS}, but is {tuple(dataset['setting'].values)}",
    )
    if "path" in dataset:
        _check_variable(dataset, "path", *PATH)
        _require(dataset.sizes["coordinate"] == 2, "path must have two coordinates")
    _check_seeds_and_steps(dataset)
    _check_tuning(dataset)
    _check_runs(dataset)


def _check_tuned(dataset: xr.Dataset) -> None:
    tuned = _json_object(dataset.attrs, "tuned")
    optimizers = [str(name) for name in dataset["optimizer"].values]
    _require(
        sorted(tuned) == sorted(optimizers),
        f"attribute tuned must name the optimizers {optimizers}, but names {sorted(tuned)}",
    )
    for optimizer, names in tuned.items():
        _require(
            isinstance(names, list) and "learning_rate" in names,
            f"attribute tuned must list learning_rate for {optimizer}, but has {names!r}",
        )
        for name in names:
            _check_variable(dataset, name, *VARIABLES["learning_rate"])
    defaults = _json_object(dataset.attrs, "defaults")
    for optimizer in optimizers:
        _require(
            isinstance(defaults.get(optimizer), dict) and "learning_rate" in defaults[optimizer],
            f"attribute defaults must hold the default hyper-parameters of {optimizer}, its"
            f" learning_rate among them, but has {defaults.get(optimizer)!r}",
        )


def _check_seeds_and_steps(dataset: xr.Dataset) -> None:
    shared = np.intersect1d(dataset["seed"].values, dataset["tuning_seed"].values)
    _require(
        shared.size == 0,
        f"seed and tuning_seed must differ, but share {shared.tolist()}; a configuration must not "
        "be reported on the seeds it was chosen on",
    )
    steps = dataset["step"].values
    _require(
        np.array_equal(steps, np.arange(1, steps.size + 1))
        and steps.size == dataset.attrs["steps"],
        f"step must count from 1 to the attribute steps ({dataset.attrs['steps']}), but goes from "
        f"{steps[0]} to {steps[-1]}",
    )
    for name in ("point", "bin"):
        marks = dataset[name].values
        _require(
            bool((np.diff(marks) > 0).all()) and marks[0] >= 1 and marks[-1] == steps[-1],
            f"{name} must hold ascending steps, the last of them {steps[-1]}, but is "
            f"{marks.tolist()}",
        )


def _check_tuning(dataset: xr.Dataset) -> None:
    rates = dataset["learning_rate"].values
    real = ~np.isnan(rates)
    _require(bool((rates[real] > 0).all()), "learning_rate must be positive")
    scores = dataset["tuning_score"].values
    _require(
        np.array_equal(np.isnan(scores), np.broadcast_to(~real[..., None], scores.shape)),
        "tuning_score must be NaN where learning_rate is, and only there; a diverged run is "
        "infinitely bad",
    )
    for optimizer, names in tuned_names(dataset).items():
        row = dataset.sel(optimizer=optimizer)
        for name in names:
            _require(
                np.array_equal(row[name].notnull(), row["learning_rate"].notnull()),
                f"{name} must have a value for each configuration of {optimizer}",
            )
    worst = worst_value(dataset.attrs["choose_by_better"])
    _require(
        bool((scores[dataset["tuning_diverged"].values] == worst).all()),
        f"tuning_score must be {worst} where tuning_diverged is true",
    )
    chosen = dataset["chosen"].values
    _require(
        bool(((chosen >= 0) & (chosen < rates.shape[-1])).all())
        and bool(np.take_along_axis(real, chosen[..., None], axis=-1).all()),
        f"chosen must be the number of a configuration that was run, but is {chosen.tolist()}",
    )


def _check_runs(dataset: xr.Dataset) -> None:
    diverged = dataset["diverged"].values
    worst = worst_value(dataset.attrs["report_better"])
    losses = dict.fromkeys(("online_loss", "final_loss", "last_loss"), np.inf)
    for name, value in {"metric": worst, **losses}.items():
        runs = dataset[name].values
        _require(
            bool((runs[diverged] == value).all()), f"{name} must be {value} where diverged is true"
        )
        _require(
            bool(np.isfinite(runs[~diverged]).all()),
            f"{name} must be finite where a run is not diverged",
        )


def _check_variable(dataset: xr.Dataset, name: str, dims: tuple[str, ...], kind: str) -> None:
    _require(name in dataset.variables, f"variable {name} is missing")
    variable = dataset.variables[name]
    _require(
        variable.dims == dims, f"{name} must have the dimensions {dims}, but has {variable.dims}"
    )
    _require(
        variable.dtype.kind == kind,
        f"{name} must hold {KINDS[kind]}, but its dtype is {variable.dtype}",
    )


def _check_attributes(
    attributes: Mapping[Any, Any], texts: Iterable[str], numbers: Iterable[str]
) -> None:
    for name, value in attributes.items():
        # netCDF has no booleans, dictionaries or None among its attributes
        _require(
            isinstance(value, (str, int, float)) and not isinstance(value, bool),
            f"attribute {name} must be text or a number, but is {value!r}; anything else goes in "
            "as JSON",
        )
    for names, kind, word in ((texts, str, "text"), (numbers, (int, float), "a number")):
        for name in names:
            _require(name in attributes, f"attribute {name} is missing")
            _require(
                isinstance(attributes[name], kind),
                f"attribute {name} must be {word}, but is {attributes[name]!r}",
            )


def _json_object(attributes: Mapping[Any, Any], name: str) -> dict[str, Any]:
    try:
        found = json.loads(attributes[name])
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"attribute {name} must be a JSON object, but is {attributes[name]!r}.")
    return found


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ValueError(f"{sentence}.")
