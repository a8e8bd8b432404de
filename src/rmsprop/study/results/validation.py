"""The check of results against the schema, one sentence for the first thing that is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from rmsprop.study import names
from rmsprop.study.names import check_task_name
from rmsprop.study.results.attributes import (
    check_attributes,
    check_choice,
    check_defaults,
    check_references,
    check_whole,
    is_list_of,
    json_object,
    json_of,
    metrics_of,
    require,
)
from rmsprop.study.results.schema import (
    COORDINATES,
    FORMAT,
    OWN,
    PATH,
    QUANTILES,
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
# Names that are no hyper-parameters.
RESERVED = {*VARIABLES, *COORDINATES, "path", "coordinate"} - {"learning_rate"}
# Seeds and counts are int32.
SEEDS_END = 2**31
KINDS = {"U": "text", "i": "integers", "f": "floating-point numbers", "b": "booleans"}


def check_tree(tree: xr.DataTree) -> None:
    """Checks the results of a whole study: the root's attributes and the results of every task.

    Args:
        tree: The results, one group per task; further attributes of the root are allowed.

    Raises:
        ValueError: one sentence that names the first thing that is wrong, and its task.
    """
    check_attributes(tree.attrs, ROOT_TEXT, ROOT_NUMBERS)
    require(tree.attrs["format"] == FORMAT, f"format must be {FORMAT}")
    for name in ("versions", "settings"):
        json_object(tree.attrs, name)
    for name in ("cores", "seconds"):
        require(
            names.is_number(tree.attrs[name]) and tree.attrs[name] >= 0,
            f"attribute {name} must be finite and not negative, but is {tree.attrs[name]!r}",
        )
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
    check_attributes(dataset.attrs, TEXT_ATTRIBUTES, NUMBER_ATTRIBUTES)
    for name in ("choose_by_better", "report_better"):
        check_choice(dataset.attrs, name, "lower", "higher")
    for name in ("steps", "width", "tuning_seeds"):
        check_whole(dataset.attrs, name, 1)
    for name, (dimension, kind) in COORDINATES.items():
        _check_variable(dataset, name, (dimension,), kind)
        values = dataset[name].values
        require(values.size > 0, f"{name} is empty; there must be at least one")
        require(np.unique(values).size == values.size, f"{name} holds a value twice")
    for name, (dimensions, kind) in VARIABLES.items():
        _check_variable(dataset, name, dimensions, kind)
    _check_coordinates(dataset)
    _check_tuned(dataset)
    metrics_of(dataset.attrs, names_of(dataset, "metric_name"))
    if "path" in dataset:
        _check_variable(dataset, "path", *PATH)
        require(dataset.sizes["coordinate"] == 2, "path must have two coordinates")
    _check_seeds_and_steps(dataset)
    _check_tuning(dataset)
    _check_finalists(dataset)
    _check_off_rates(dataset)
    _check_runs(dataset)
    _check_growth(dataset)
    _check_costs(dataset)


def _check_coordinates(dataset: xr.Dataset) -> None:
    for name, (dimension, kind) in COORDINATES.items():
        if kind == "U":
            for text in names_of(dataset, dimension):
                names.check_line(f"a name in {name}", text)
        elif kind == "i":
            values = dataset[name].values
            require(
                bool((values >= 0).all() and (values < SEEDS_END).all()),
                f"{name} must hold 32-bit integers of at least 0, but is {_excerpt(values)}",
            )
    for name in ("configuration", "finalist"):
        values = dataset[name].values
        require(
            np.array_equal(values, np.arange(values.size)),
            f"{name} must count from 0, but is {_excerpt(values)}",
        )
    quantiles = dataset["quantile"].values
    require(
        np.array_equal(quantiles, QUANTILES),
        f"quantile must be {QUANTILES}, but is {_excerpt(quantiles)}",
    )
    settings = names_of(dataset, "setting")
    require(settings[0] == TUNED, f"setting must begin with {TUNED!r}, but is {settings}")
    require(OWN not in names_of(dataset, "schedule"), f"schedule must not hold {OWN!r}")


def _check_costs(dataset: xr.Dataset) -> None:
    for name in ("seconds_per_run", "compile_seconds", "state_bytes", "parameter_bytes"):
        values = dataset[name].values
        require(
            bool(((values >= 0) | np.isnan(values)).all() and not np.isinf(values).any()),
            f"{name} must be finite and not negative, but is {_excerpt(values)}",
        )


def _check_growth(dataset: xr.Dataset) -> None:
    growth, real = dataset["growth"].values, dataset["learning_rate"].notnull().values
    first = (growth == 0).any(axis=-1)
    require(
        np.array_equal(growth >= 0, real) and bool((growth[~real] == -1).all()),
        "growth must be at least 0 where learning_rate has a value, and -1 where that is NaN",
    )
    require(
        np.array_equal(first, real.any(axis=-1)),
        "growth must be 0 for a configuration of each optimizer and schedule that was run, for each"
        " grid begins with one",
    )


def _check_tuned(dataset: xr.Dataset) -> None:
    tuned = json_object(dataset.attrs, "tuned")
    optimizers = names_of(dataset, "optimizer")
    require(
        sorted(tuned) == sorted(optimizers),
        f"attribute tuned must name the optimizers {list(optimizers)}, but names"
        f" {names.excerpt(sorted(tuned))}",
    )
    for optimizer, listed in tuned.items():
        require(
            isinstance(listed, list)
            and is_list_of(listed, [x for x in listed if str(x) not in RESERVED])
            and "learning_rate" in listed,
            f"attribute tuned must list learning_rate for {optimizer}, and other names of"
            f" hyper-parameters once each, but has {names.excerpt(listed)}",
        )
        for name in listed:
            _check_variable(dataset, name, *VARIABLES["learning_rate"])
    check_references(dataset.attrs, optimizers)
    present = dataset["metric"].notnull().any(("seed", "schedule"))
    pairs = [
        (optimizer, setting)
        for optimizer in optimizers
        for setting in names_of(dataset, "setting")[1:]
        if present.sel(optimizer=optimizer, setting=setting)
    ]
    check_defaults(dataset.attrs, pairs, ("fixed",))
    if "versions" in dataset.attrs:
        json_object(dataset.attrs, "versions")


def _check_seeds_and_steps(dataset: xr.Dataset) -> None:
    shared = np.intersect1d(dataset["seed"].values, dataset["tuning_seed"].values)
    require(
        shared.size == 0,
        f"seed and tuning_seed must differ, but share {shared.tolist()}; a configuration must not "
        "be reported on the seeds it was chosen on",
    )
    require(dataset.sizes["seed"] > 1, "seed holds one value; there must be at least two")
    steps = dataset["step"].values
    require(
        np.array_equal(steps, np.arange(1, steps.size + 1))
        and steps.size == dataset.attrs["steps"],
        f"step must count from 1 to the attribute steps ({dataset.attrs['steps']}), but goes from "
        f"{steps[0]} to {steps[-1]}",
    )
    for name in ("point", "bin"):
        marks = dataset[name].values
        require(
            bool((np.diff(marks) > 0).all()) and marks[0] >= 1 and marks[-1] == steps[-1],
            f"{name} must hold ascending steps, the last of them {steps[-1]}, but is "
            f"{marks.tolist()}",
        )


def _check_tuning(dataset: xr.Dataset) -> None:
    rates = dataset["learning_rate"].values
    real = ~np.isnan(rates)
    require(
        bool(((rates[real] > 0) & (rates[real] < np.inf)).all()),
        "learning_rate must be positive and finite",
    )
    scores = dataset["tuning_score"].values
    require(
        np.array_equal(np.isnan(scores[..., 0]), ~real)
        and bool((np.isnan(scores[..., 1:]) | real[..., None]).all()),
        "tuning_score must have a value on the first tuning seed where learning_rate has one, and"
        " be NaN where that is NaN; a diverged run is infinitely bad",
    )
    for optimizer, tuned in tuned_names(dataset).items():
        row = dataset.sel(optimizer=optimizer)
        for name in tuned:
            require(
                np.array_equal(row[name].notnull(), row["learning_rate"].notnull()),
                f"{name} must have a value for each configuration of {optimizer}",
            )
            require(
                not np.isinf(row[name].values).any(),
                f"{name} must be finite for each configuration of {optimizer}",
            )
        for edges in row["at_edge"].values:
            require(
                is_list_of(json_of(edges), tuned),
                f"at_edge must be a JSON list of hyper-parameters that were tuned for {optimizer},"
                f" of {', '.join(tuned)}, but is {names.excerpt(str(edges))}",
            )
    worst = worst_value(dataset.attrs["choose_by_better"])
    require(
        bool((scores[dataset["tuning_diverged"].values] == worst).all()),
        f"tuning_score must be {worst} where tuning_diverged is true",
    )
    chosen, ran = dataset["chosen"].values, real.any(axis=-1)
    require(
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
    require(
        bool(((numbers >= -1) & (numbers < most)).all())
        and all(_is_padded_list_of_numbers(row.tolist()) for row in numbers[ran])
        and bool((numbers[~ran] == -1).all()),
        f"finalist_configuration must hold different numbers of configurations, below {most}, and"
        f" -1 behind them, but is {numbers.tolist()}",
    )
    require(
        not np.isnan(np.take_along_axis(rates, np.maximum(numbers, 0), axis=-1)[real]).any(),
        "finalist_configuration must hold numbers of configurations that were run",
    )
    for metric in metrics_of(dataset.attrs, names_of(dataset, "metric_name")):
        for name, part in (("finalist_choice", metric["choose_by"]), ("finalist_report", metric)):
            values = dataset[name].sel(metric_name=metric["name"]).values
            best = -worst_value(part["better"])
            require(
                not (values == best).any(), f"{name} must not be {best}, which no run can reach"
            )
            require(
                np.array_equal(np.isnan(values), np.broadcast_to(~real[..., None], values.shape)),
                f"{name} must be NaN where finalist_configuration is -1, and only there; a diverged"
                f" run is infinitely bad",
            )


def _check_off_rates(dataset: xr.Dataset) -> None:
    factors = dataset["rate_factor"].values
    require(
        factors.shape == (len(RATE_FACTORS),) and bool(np.allclose(factors, RATE_FACTORS)),
        f"rate_factor must be {RATE_FACTORS}, but is {factors.tolist()}",
    )
    values = dataset["off_rate_report"].values
    missing = np.isnan(values)
    require(
        np.array_equal(missing.any(axis=(-2, -1)), missing.all(axis=(-2, -1)))
        and bool(missing[dataset["chosen"].values < 0].all()),
        "off_rate_report must be NaN on all factors and seeds or on none, and where chosen is -1; a"
        " diverged run is infinitely bad",
    )
    best = -worst_value(dataset.attrs["report_better"])
    require(
        not (values == best).any(), f"off_rate_report must not be {best}, which no run can reach"
    )


def _check_runs(dataset: xr.Dataset) -> None:
    diverged = dataset["diverged"].values
    missing = np.isnan(dataset["metric"].values)
    require(
        np.array_equal(missing.any(axis=-1), missing.all(axis=-1)) and not diverged[missing].any(),
        "metric must be NaN on all seeds or on none, and what is not there cannot have diverged",
    )
    worst = worst_value(dataset.attrs["report_better"])
    losses = dict.fromkeys(("online_loss", "final_loss", "last_loss"), np.inf)
    for name, value in {"metric": worst, **losses}.items():
        runs = dataset[name].values
        require(
            bool((runs[diverged] == value).all()), f"{name} must be {value} where diverged is true"
        )
        require(
            bool(np.isfinite(runs[~diverged & ~missing]).all()),
            f"{name} must be finite where a run is not diverged",
        )


def _check_variable(dataset: xr.Dataset, name: str, dims: tuple[str, ...], kind: str) -> None:
    require(name in dataset.variables, f"variable {name} is missing")
    variable = dataset.variables[name]
    require(
        variable.dims == dims, f"{name} must have the dimensions {dims}, but has {variable.dims}"
    )
    require(
        variable.dtype.kind == kind,
        f"{name} must hold {KINDS[kind]}, but its dtype is {variable.dtype}",
    )


def _is_padded_list_of_numbers(values: Sequence[int]) -> bool:
    """Whether a list begins with different numbers, one at least, and ends with -1 alone."""
    numbers = [value for value in values if value >= 0]
    return len(set(numbers)) == len(numbers) > 0 and [*values[: len(numbers)]] == numbers


def _excerpt(values: np.ndarray) -> str:
    return names.excerpt(values.tolist())
