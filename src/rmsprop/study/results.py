"""The labelled results of a comparison: saved, loaded, summed up.

A comparison is an `xarray.DataTree` that follows `rmsprop.study.schema`, checked before saving and
after loading. The file is netCDF, so that any tool can read it.

The first optimizer is compared with each of the others. Which pairs are compared is thus fixed
before there is a result, and no pair is chosen for being the most different.
"""

from __future__ import annotations

import functools
import math
import os
import pathlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from rmsprop.study.schema import Better, check_task_name, check_tree, tuned_names, worst_value
from rmsprop.study.statistics import (
    Estimate,
    bootstrap_interval,
    paired_difference,
    probability_of_improvement,
)

FILE_NAME = "results.nc"
# Below these an interval does not cover, see `rmsprop.study.statistics`.
LEAST_SEEDS = 5


def save(tree: xr.DataTree, file: str | os.PathLike[str]) -> None:
    """Write a comparison to a netCDF file, whole or not at all.

    Args:
        tree: one group per task, as `rmsprop.study.schema` says.
        file: where to; an earlier file is replaced at the end, at once.

    Raises:
        ValueError: the tree does not follow the schema.
        OSError: the file cannot be written; an earlier one is then as it was.
    """
    check_tree(tree)
    target = pathlib.Path(file)
    partial = target.with_name(f".rmsprop-{os.getpid()}-{secrets.token_hex(4)}.nc")
    try:
        tree.to_netcdf(partial, engine="h5netcdf")
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


def load(file: str | os.PathLike[str]) -> xr.DataTree:
    """Read what `save` wrote, into memory, and check it.

    Args:
        file: a netCDF file.

    Returns:
        The tree, equal to the one saved: values, dtypes, attributes and their types.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no netCDF file, or does not hold the results of a comparison.
    """
    path = pathlib.Path(file)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; name a {FILE_NAME} that was saved before.")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as opened:
            tree = xr.DataTree.from_dict(
                {node.path: _plain(node.to_dataset(inherit=False)) for node in opened.subtree}
            )
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is damaged or no netCDF file ({error}); make it anew.") from error
    try:
        check_tree(tree)
    except ValueError as error:
        raise ValueError(f"{path} does not hold the results of a comparison: {error}") from error
    return tree


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """In memory, as it was before saving: Python's own numbers, no trace of the file."""
    dataset = dataset.load().drop_encoding()
    dataset.attrs = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in dataset.attrs.items()
    }
    texts = {
        name: variable.astype(str)
        for name, variable in dataset.variables.items()
        if variable.dtype.kind in "OT"
    }
    return dataset.assign(texts)


@dataclass(frozen=True)
class Row:
    """One optimizer on one task, over the reporting seeds.

    Attributes:
        task: name of the task.
        optimizer: name of the optimizer.
        hyperparameters: the chosen configuration: hyper-parameter -> value.
        at_edge: "" or which of them is still at the limit of its grid.
        metric: interquartile mean of the reported metric, with its 95 % interval.
        mean: mean of the same values; infinite where a run diverged.
        median: median of the same values.
        final_loss: training loss over the last tenth of the steps, as `metric`.
        online_loss: training loss over all steps, as `metric`.
        diverged: number of reporting runs that diverged.
        runs: number of reporting runs.
        seconds_per_run: wall-clock time of a run, without compilation; NaN where it is unknown.
        state_bytes: size of the optimizer's state.
    """

    task: str
    optimizer: str
    hyperparameters: Mapping[str, float]
    at_edge: str
    metric: Estimate
    mean: float
    median: float
    final_loss: Estimate
    online_loss: Estimate
    diverged: int
    runs: int
    seconds_per_run: float
    state_bytes: int


@dataclass(frozen=True)
class Difference:
    """Two optimizers on one task, compared seed by seed.

    Attributes:
        task: name of the task.
        first: name of an optimizer.
        second: name of another.
        better: whether "lower" or "higher" values of the metric are better.
        metric: first minus second, with its 95 % interval.
        improvement: probability that `first` beats `second` on a new seed, with its interval.
        seeds: number of pairs.
    """

    task: str
    first: str
    second: str
    better: Better
    metric: Estimate
    improvement: Estimate
    seeds: int

    @property
    def too_few(self) -> bool:
        """Whether there are too few seeds for a verdict, whatever the interval."""
        return self.seeds < LEAST_SEEDS

    @property
    def winner(self) -> str | None:
        """The better of the two, or None where that is not shown.

        That is where the interval of the difference holds zero, and below five seeds: an optimizer
        compared with itself would win in 13 of 100 comparisons on four seeds and in 50 on two
        (simulated, normal values), for no interval inside the range of so few values can hold.
        """
        if self.too_few or not self.metric.excludes_zero():
            return None
        return self.first if (self.metric.high < 0) == (self.better == "lower") else self.second


@dataclass(frozen=True, eq=False)
class Comparison:
    """The results of all tasks.

    Attributes:
        tree: one group per task, as `rmsprop.study.schema` says; not to be changed.

    Raises:
        ValueError: the tree does not follow the schema.
    """

    tree: xr.DataTree

    def __post_init__(self) -> None:
        check_tree(self.tree)

    @classmethod
    def of(cls, tasks: Mapping[str, xr.Dataset], attributes: Mapping[str, Any]) -> Comparison:
        """Put the results of tasks together.

        Args:
            tasks: name -> results; a name becomes the name of a group.
            attributes: of the root: settings and versions.

        Raises:
            ValueError: as the class.
        """
        for name in tasks:
            check_task_name(name)  # before xarray, which takes a slash for a path
        children = {name: xr.DataTree(dataset) for name, dataset in tasks.items()}
        return cls(xr.DataTree(xr.Dataset(attrs=dict(attributes)), children))

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Comparison:
        """Read `results.nc` out of a folder; raises what `rmsprop.study.results.load` does."""
        return cls(load(pathlib.Path(folder) / FILE_NAME))

    def save(self, folder: str | os.PathLike[str]) -> pathlib.Path:
        """Write `results.nc` into a folder, made where it is missing; returns the file."""
        file = pathlib.Path(folder) / FILE_NAME
        file.parent.mkdir(parents=True, exist_ok=True)
        save(self.tree, file)
        return file

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, in the order they were given."""
        return tuple(self.tree.children)

    def task(self, name: str) -> xr.Dataset:
        """Results of one task; ValueError where there is no such task."""
        if name not in self.tasks:
            raise ValueError(f"task {name!r} is not here; name one of {', '.join(self.tasks)}.")
        return self.tree.children[name].to_dataset(inherit=False)

    def summary(self, task: str | None = None) -> tuple[Row, ...]:
        """One row per task and optimizer, or those of one task; in the order of the results."""
        return tuple(row for name in self._chosen(task) for row in self._rows[name])

    def best(self, task: str) -> Row:
        """The row with the best reported metric on a task; of equals, the first.

        Whether it is better than the others beyond chance is what `differences` says. An
        undetermined metric counts as the worst.
        """
        rows = self.summary(task)
        worst = worst_value(self.task(task).attrs["report_better"])
        values = [worst if math.isnan(row.metric.value) else row.metric.value for row in rows]
        return rows[values.index(min(values) if worst > 0 else max(values))]

    def differences(self, task: str | None = None) -> tuple[Difference, ...]:
        """The first optimizer compared with each of the others, on every task or on one."""
        return tuple(row for name in self._chosen(task) for row in self._differences[name])

    def _chosen(self, task: str | None) -> tuple[str, ...]:
        if task is None:
            return self.tasks
        self.task(task)  # refuses an unknown name
        return (task,)

    # Kept, since each row takes some 30 ms of resampling and is asked for many times.
    @functools.cached_property
    def _rows(self) -> dict[str, tuple[Row, ...]]:
        return {name: _rows(name, self.task(name)) for name in self.tasks}

    @functools.cached_property
    def _differences(self) -> dict[str, tuple[Difference, ...]]:
        return {name: _differences(name, self.task(name)) for name in self.tasks}


def _rows(task: str, dataset: xr.Dataset) -> tuple[Row, ...]:
    return tuple(
        _row(task, name, dataset.sel(optimizer=name), tuned)
        for name, tuned in tuned_names(dataset).items()
    )


def _row(task: str, optimizer: str, runs: xr.Dataset, tuned: list[str]) -> Row:
    chosen = runs.isel(configuration=int(runs["chosen"]))
    metric = runs["metric"].values.astype(np.float64)
    return Row(
        task=task,
        optimizer=optimizer,
        hyperparameters={name: float(chosen[name]) for name in tuned},
        at_edge=str(runs["at_edge"].values),
        metric=bootstrap_interval(metric),
        mean=float(metric.mean()),
        median=float(np.median(metric)),
        final_loss=bootstrap_interval(runs["final_loss"].values),
        online_loss=bootstrap_interval(runs["online_loss"].values),
        diverged=int(runs["diverged"].sum()),
        runs=metric.size,
        seconds_per_run=float(runs["seconds_per_run"]),
        state_bytes=int(runs["state_bytes"]),
    )


def _differences(task: str, dataset: xr.Dataset) -> tuple[Difference, ...]:
    better: Better = dataset.attrs["report_better"]
    first, *others = tuned_names(dataset)
    runs = {name: dataset["metric"].sel(optimizer=name).values for name in (first, *others)}
    return tuple(
        Difference(
            task,
            first,
            second,
            better,
            paired_difference(runs[first], runs[second]),
            probability_of_improvement(runs[first], runs[second], better),
            runs[first].size,
        )
        for second in others
    )
