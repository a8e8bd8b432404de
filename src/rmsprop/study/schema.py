"""What the results of a comparison hold: the names, dimensions and types, and a check of them.

One `xarray.Dataset` per task, in an `xarray.DataTree` whose root has the settings and versions as
attributes. Each reporting run has a place (optimizer, seed), each tuning run one (optimizer,
configuration, tuning_seed); optimizers with fewer configurations than others are padded.

Conventions:

* A diverged run is infinitely bad: `inf` where lower is better, `-inf` where higher is, in
  `tuning_score` and `metric`; `inf` in `online_loss` and `final_loss`. `loss` holds what was seen.
* NaN in `tuning_score`, `learning_rate` and the other hyper-parameters is padding, never a result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import xarray as xr

Better = Literal["lower", "higher"]

# name: (dimensions, dtype kind); "U" is text
COORDINATES: Mapping[str, tuple[str, str]] = {
    "optimizer": ("optimizer", "U"),
    "configuration": ("configuration", "i"),
    "tuning_seed": ("tuning_seed", "i"),
    "seed": ("seed", "i"),
    "step": ("step", "i"),
}
VARIABLES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "learning_rate": (("optimizer", "configuration"), "f"),
    "tuning_score": (("optimizer", "configuration", "tuning_seed"), "f"),
    "tuning_diverged": (("optimizer", "configuration", "tuning_seed"), "b"),
    "chosen": (("optimizer",), "i"),
    "at_edge": (("optimizer",), "U"),
    "loss": (("optimizer", "seed", "step"), "f"),
    "metric": (("optimizer", "seed"), "f"),
    "online_loss": (("optimizer", "seed"), "f"),
    "final_loss": (("optimizer", "seed"), "f"),
    "diverged": (("optimizer", "seed"), "b"),
    "seconds_per_run": (("optimizer",), "f"),
    "compile_seconds": (("optimizer",), "f"),
    "state_bytes": (("optimizer",), "i"),
}
PATH = (("optimizer", "seed", "step", "coordinate"), "f")
TEXT_ATTRIBUTES = (
    *("title", "citation", "data_sha256", "tuned"),
    *("choose_by", "choose_by_label", "choose_by_better"),
    *("report", "report_label", "report_better"),
)
NUMBER_ATTRIBUTES = ("steps", "target")
# Attributes of a task and of the root; those that hold more than a word are JSON.
ROOT_TEXT = ("created", "command", "versions", "device", "settings")
ROOT_NUMBERS = ("cores", "seconds")
KINDS = {"U": "text", "i": "integers", "f": "floating-point numbers", "b": "booleans"}


def worst_value(better: str) -> float:
    """What a diverged run counts as, where `better` values are the "lower" or the "higher" ones."""
    return np.inf if better == "lower" else -np.inf


def tuned_names(dataset: xr.Dataset) -> dict[str, list[str]]:
    """The hyper-parameters tuned for each optimizer of a task, in the order of the optimizers.

    `learning_rate` is always among them; the others follow in the order of their importance.
    """
    tuned = json.loads(dataset.attrs["tuned"])
    return {str(name): tuned[str(name)] for name in dataset["optimizer"].values}


def mean_tuning_scores(dataset: xr.Dataset) -> xr.DataArray:
    """Mean over the tuning seeds: what configurations are chosen by.

    Returns:
        Dimensions (optimizer, configuration); infinite as soon as one tuning seed diverged, NaN for
        padding.
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
        bool(((chosen >= 0) & (chosen < rates.shape[1])).all())
        and bool(np.take_along_axis(real, chosen[:, None], axis=1).all()),
        f"chosen must be the number of a configuration that was run, but is {chosen.tolist()}",
    )


def _check_runs(dataset: xr.Dataset) -> None:
    diverged = dataset["diverged"].values
    worst = worst_value(dataset.attrs["report_better"])
    for name, value in {"metric": worst, "online_loss": np.inf, "final_loss": np.inf}.items():
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
