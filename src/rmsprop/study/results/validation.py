"""The check of results against the schema, one sentence for the first thing that is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from rmsprop.study.results.schema import (
    COORDINATES,
    FORMAT,
    PATH,
    SETTINGS,
    VARIABLES,
    tuned_names,
    worst_value,
)

TEXT_ATTRIBUTES = (
    "title",
    "citation",
    "data_sha256",
    "tuned",
    "defaults",
    "choose_by",
    "choose_by_label",
    "choose_by_better",
    "report",
    "report_label",
    "report_better",
)
NUMBER_ATTRIBUTES = ("steps", "target", "width", "margin", "chance")
# Attributes of a task and of the root; those that hold more than a word are JSON.
ROOT_TEXT = ("created", "command", "versions", "device", "settings")
ROOT_NUMBERS = ("format", "cores", "seconds")
KINDS = {"U": "text", "i": "integers", "f": "floating-point numbers", "b": "booleans"}


def check_tree(tree: xr.DataTree) -> None:
    """Checks the results of a whole study: the root's attributes and the results of every task.

    Args:
        tree: The results, one group per task; further attributes of the root are allowed.

    Raises:
        ValueError: one sentence that names the first thing that is wrong, and its task.
    """
    _check_attributes(tree.attrs, ROOT_TEXT, ROOT_NUMBERS)
    _require(tree.attrs["format"] == FORMAT, f"format must be {FORMAT}")
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
    """Checks that a task's name is a word: it is typed after --tasks and begins names of files."""
    _require(
        re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name) is not None,
        f"a task's name must be one word of letters, digits, '_', '-' and '.', but is {name!r}",
    )


def validate(dataset: xr.Dataset) -> None:
    """Checks the results of one task against the schema.

    Args:
        dataset: The results; further variables and attributes than the schema's are allowed.

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
    _check_finalists(dataset)
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
    _require(dataset.sizes["seed"] > 1, "seed holds one value; there must be at least two")
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
        for edges in row["at_edge"].values:
            _require(
                _is_list_of(edges, names),
                f"at_edge must be a JSON list of hyper-parameters that were tuned for {optimizer},"
                f" of {', '.join(names)}, but is {str(edges)!r}",
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


def _check_finalists(dataset: xr.Dataset) -> None:
    numbers = dataset["finalist_configuration"].values
    real = numbers >= 0
    most = dataset.sizes["configuration"]
    flat = numbers.reshape(-1, numbers.shape[-1])
    _require(
        bool(((numbers >= -1) & (numbers < most)).all())
        and all(_is_padded_list_of_numbers(row.tolist()) for row in flat),
        f"finalist_configuration must hold different numbers of configurations, below {most}, and"
        f" -1 behind them, but is {numbers.tolist()}",
    )
    rates = dataset["learning_rate"].values
    _require(
        not np.isnan(np.take_along_axis(rates, np.maximum(numbers, 0), axis=-1)[real]).any(),
        "finalist_configuration must hold numbers of configurations that were run",
    )
    for name, key in (("finalist_choice", "choose_by"), ("finalist_report", "report")):
        values = dataset[name].values
        best = -worst_value(dataset.attrs[f"{key}_better"])
        _require(not (values == best).any(), f"{name} must not be {best}, which no run can reach")
        _require(
            np.array_equal(np.isnan(values), np.broadcast_to(~real[..., None], values.shape)),
            f"{name} must be NaN where finalist_configuration is -1, and only there; a diverged run"
            f" is infinitely bad",
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
    attributes: Mapping[Hashable, object], texts: Iterable[str], numbers: Iterable[str]
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


def _json_object(attributes: Mapping[Hashable, object], name: str) -> dict[str, Any]:
    try:
        value = json.loads(str(attributes[name]))
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"attribute {name} must be a JSON object, but is {attributes[name]!r}.")
    return value


def _is_padded_list_of_numbers(values: Sequence[int]) -> bool:
    """Whether a list begins with different numbers, one at least, and ends with -1 alone."""
    numbers = [value for value in values if value >= 0]
    return len(set(numbers)) == len(numbers) > 0 and [*values[: len(numbers)]] == numbers


def _is_list_of(text: str, names: Sequence[str]) -> bool:
    """Whether a text is a JSON list of some of these names."""
    try:
        values = json.loads(str(text))
    except json.JSONDecodeError:
        return False
    return isinstance(values, list) and all(value in names for value in values)


def _require(condition: bool, sentence: str) -> None:
    """Raises a ValueError of this sentence, without its full stop, where the condition fails."""
    if not condition:
        raise ValueError(f"{sentence}.")
