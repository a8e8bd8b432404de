"""The check of results against the schema, one sentence for the first thing that is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from rmsprop.study.names import check_task_name
from rmsprop.study.results.schema import (
    COORDINATES,
    FORMAT,
    PATH,
    RATE_FACTORS,
    TUNED,
    VARIABLES,
    names_of,
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
    "metrics",
    "references",
)
NUMBER_ATTRIBUTES = ("steps", "target", "width", "tuning_seeds")
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
    settings = names_of(dataset, "setting")
    _require(settings[0] == TUNED, f"setting must begin with {TUNED!r}, but is {settings}")
    _check_metrics(dataset)
    if "path" in dataset:
        _check_variable(dataset, "path", *PATH)
        _require(dataset.sizes["coordinate"] == 2, "path must have two coordinates")
    _check_seeds_and_steps(dataset)
    _check_tuning(dataset)
    _check_finalists(dataset)
    _check_off_rates(dataset)
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
    references = json.loads(dataset.attrs["references"])
    _require(
        isinstance(references, list) and set(references) < set(optimizers),
        f"attribute references must list some of the optimizers {optimizers}, but is"
        f" {references!r}",
    )
    defaults = _json_object(dataset.attrs, "defaults")
    present = dataset["metric"].notnull().any(("seed", "schedule"))
    for optimizer in optimizers:
        for setting in names_of(dataset, "setting")[1:]:
            there = bool(present.sel(optimizer=optimizer, setting=setting))
            arguments = defaults.get(optimizer, {}).get(setting)
            _require(
                isinstance(arguments, dict) or not there,
                f"attribute defaults must hold the arguments of {optimizer} with the defaults"
                f" {setting}, but has {arguments!r}",
            )


def _check_metrics(dataset: xr.Dataset) -> None:
    metrics = json.loads(dataset.attrs["metrics"])
    names = names_of(dataset, "metric_name")
    _require(
        isinstance(metrics, list) and [metric.get("name") for metric in metrics] == [*names],
        f"attribute metrics must describe the metrics {names}, but is {dataset.attrs['metrics']}",
    )
    for metric in metrics:
        for part in (metric, metric.get("choose_by", {})):
            _require(
                {"name", "label", "better"} <= part.keys()
                and part["better"] in ("lower", "higher"),
                f"attribute metrics must say name, label and better of {metric['name']} and of what"
                f" it is chosen by, but says {part!r}",
            )
        for key in ("margin", "chance"):
            _require(
                key in metric and _is_number_or_none(metric[key]),
                f"attribute metrics must hold a finite number or null as the {key} of"
                f" {metric['name']}, but holds {metric.get(key, 'nothing')!r}",
            )
    headline = metrics[0]
    _require(
        (headline["name"], headline["better"], headline["choose_by"]["better"])
        == tuple(dataset.attrs[key] for key in ("report", "report_better", "choose_by_better")),
        "attributes report and choose_by must be those of the first of metrics",
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
        np.array_equal(np.isnan(scores[..., 0]), ~real)
        and bool((np.isnan(scores[..., 1:]) | real[..., None]).all()),
        "tuning_score must have a value on the first tuning seed where learning_rate has one, and"
        " be NaN where that is NaN; a diverged run is infinitely bad",
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
    chosen, ran = dataset["chosen"].values, real.any(axis=-1)
    _require(
        bool(((chosen >= 0) & (chosen < rates.shape[-1]))[ran].all())
        and bool((chosen[~ran] == -1).all())
        and bool(np.take_along_axis(real, np.maximum(chosen, 0)[..., None], axis=-1)[ran].all()),
        f"chosen must be the number of a configuration that was run, and -1 where none was, but is"
        f" {chosen.tolist()}",
    )


def _check_finalists(dataset: xr.Dataset) -> None:
    numbers = dataset["finalist_configuration"].values
    real = numbers >= 0
    most = dataset.sizes["configuration"]
    rates = dataset["learning_rate"].values
    ran = ~np.isnan(rates).all(axis=-1)
    _require(
        bool(((numbers >= -1) & (numbers < most)).all())
        and all(_is_padded_list_of_numbers(row.tolist()) for row in numbers[ran])
        and bool((numbers[~ran] == -1).all()),
        f"finalist_configuration must hold different numbers of configurations, below {most}, and"
        f" -1 behind them, but is {numbers.tolist()}",
    )
    _require(
        not np.isnan(np.take_along_axis(rates, np.maximum(numbers, 0), axis=-1)[real]).any(),
        "finalist_configuration must hold numbers of configurations that were run",
    )
    for metric in json.loads(dataset.attrs["metrics"]):
        for name, part in (("finalist_choice", metric["choose_by"]), ("finalist_report", metric)):
            values = dataset[name].sel(metric_name=metric["name"]).values
            best = -worst_value(part["better"])
            _require(
                not (values == best).any(), f"{name} must not be {best}, which no run can reach"
            )
            _require(
                np.array_equal(np.isnan(values), np.broadcast_to(~real[..., None], values.shape)),
                f"{name} must be NaN where finalist_configuration is -1, and only there; a diverged"
                f" run is infinitely bad",
            )


def _check_off_rates(dataset: xr.Dataset) -> None:
    factors = dataset["rate_factor"].values
    _require(
        factors.shape == (len(RATE_FACTORS),) and bool(np.allclose(factors, RATE_FACTORS)),
        f"rate_factor must be {RATE_FACTORS}, but is {factors.tolist()}",
    )
    values = dataset["off_rate_report"].values
    missing = np.isnan(values)
    _require(
        np.array_equal(missing.any(axis=(-2, -1)), missing.all(axis=(-2, -1)))
        and bool(missing[dataset["chosen"].values < 0].all()),
        "off_rate_report must be NaN on all factors and seeds or on none, and where chosen is -1; a"
        " diverged run is infinitely bad",
    )
    best = -worst_value(dataset.attrs["report_better"])
    _require(
        not (values == best).any(), f"off_rate_report must not be {best}, which no run can reach"
    )


def _check_runs(dataset: xr.Dataset) -> None:
    diverged = dataset["diverged"].values
    missing = np.isnan(dataset["metric"].values)
    _require(
        np.array_equal(missing.any(axis=-1), missing.all(axis=-1)) and not diverged[missing].any(),
        "metric must be NaN on all seeds or on none, and what is not there cannot have diverged",
    )
    worst = worst_value(dataset.attrs["report_better"])
    losses = dict.fromkeys(("online_loss", "final_loss", "last_loss"), np.inf)
    for name, value in {"metric": worst, **losses}.items():
        runs = dataset[name].values
        _require(
            bool((runs[diverged] == value).all()), f"{name} must be {value} where diverged is true"
        )
        _require(
            bool(np.isfinite(runs[~diverged & ~missing]).all()),
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


def _is_number_or_none(value: object) -> bool:
    """Whether a value out of JSON is null or a number, not NaN or infinite."""
    if value is None:
        return True
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


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
