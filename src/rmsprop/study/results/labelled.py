"""The labelled results of a comparison: saved, loaded, summed up.

They are an `xarray.DataTree` that follows `rmsprop.study.results.schema`, which is checked before
saving and after loading. The file is netCDF, so that any tool can read it.

The first optimizer is compared with each of the others. Which pairs are compared is thus fixed
before there is a result, and no pair is chosen for being the most different.
"""

from __future__ import annotations

import functools
import math
import os
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr

from rmsprop.study.lookup import suggestion
from rmsprop.study.names import check_task_name, excerpt
from rmsprop.study.results import netcdf, summary
from rmsprop.study.results.netcdf import FILE_NAME
from rmsprop.study.results.schema import (
    FORMAT,
    OWN,
    TUNED,
    names_of,
    references,
    tuned_names,
    view,
    worst_value,
)
from rmsprop.study.results.summary import Difference, Line, Row
from rmsprop.study.results.validation import check_tree


def save(tree: xr.DataTree, file: str | os.PathLike[str]) -> None:
    """Writes results to a netCDF file, whole or not at all.

    Args:
        tree: The results, one group per task, as `rmsprop.study.results.schema` says.
        file: The file to write, in a folder that is made where it is missing; an earlier file is
            replaced at the end, at once.

    Raises:
        ValueError: the tree does not follow the schema.
        WriteError: the file cannot be written; an earlier one is then as it was.
    """
    check_tree(tree)
    netcdf.write(tree, file)


def load(file: str | os.PathLike[str]) -> xr.DataTree:
    """Reads what `save` wrote into memory, and checks it.

    Args:
        file: The netCDF file to read.

    Returns:
        The tree, equal to the one saved: values, dtypes, attributes and their types.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no netCDF file, has another format than this version writes, or does not
            hold the results of a comparison.
    """
    path = pathlib.Path(file)
    tree = netcdf.read(path)
    # The first format had no number; what has no time of its making either is no file of ours.
    number = tree.attrs.get("format", 1 if "created" in tree.attrs else FORMAT)
    if np.ndim(number) or number != FORMAT:
        raise ValueError(
            f"{path} has format {excerpt(number)}, and this version of rmsprop reads format"
            f" {FORMAT}; run the comparison again with another folder, or read it with the version"
            f" that wrote it."
        )
    try:
        check_tree(tree)
    except ValueError as error:
        raise ValueError(f"{path} does not hold the results of a comparison: {error}") from error
    return tree


@dataclass(frozen=True, eq=False)
class Results:
    """The results of all tasks.

    Attributes:
        tree: The results, one group per task, as `rmsprop.study.results.schema` says. It is not to
            be changed.

    Raises:
        ValueError: the tree does not follow the schema.
    """

    tree: xr.DataTree

    def __post_init__(self) -> None:
        check_tree(self.tree)

    @classmethod
    def of(cls, tasks: Mapping[str, xr.Dataset], attributes: Mapping[str, object]) -> Self:
        """Puts the results of tasks together.

        Args:
            tasks: The results of each task by its name, which becomes the name of a group.
            attributes: The attributes of the root: settings and versions.

        Raises:
            ValueError: as the class.
        """
        for name in tasks:
            check_task_name(name)  # before xarray, which takes a slash for a path
        children = {name: xr.DataTree(dataset) for name, dataset in tasks.items()}
        attrs = {"format": FORMAT, **attributes}
        return cls(xr.DataTree(xr.Dataset(attrs=attrs), children))

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Reads `results.nc` out of a folder; raises what `load` does."""
        return cls(load(pathlib.Path(folder) / FILE_NAME))

    def save(self, folder: str | os.PathLike[str]) -> pathlib.Path:
        """Writes `results.nc` into a folder, made where it is missing, and returns the file."""
        file = pathlib.Path(folder) / FILE_NAME
        save(self.tree, file)
        return file

    @property
    def extent(self) -> dict[str, tuple[int, tuple[str, ...]]]:
        """Of each task the number of its seeds and the names of its optimizers."""
        datasets = {name: self.task(name) for name in self.tasks}
        return {
            name: (dataset.sizes["seed"], names_of(dataset, "optimizer"))
            for name, dataset in datasets.items()
        }

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, in the order they were given."""
        return tuple(self.tree.children)

    def task(self, name: str) -> xr.Dataset:
        """Results of one task; ValueError where there is no such task."""
        if name not in self.tasks:
            near = suggestion(name, self.tasks)
            raise ValueError(
                f"task {name!r} is not here; name one of {', '.join(self.tasks)}.{near}"
            )
        return self.tree.children[name].to_dataset(inherit=False)

    def view(self, task: str, schedule: str | None = None, setting: str = TUNED) -> xr.Dataset:
        """Results of one task under one schedule (None: the first) and setting."""
        return view(self.task(task), schedule, setting)

    def schedules(self, task: str) -> tuple[str, ...]:
        """Names of the schedules of a task, in the order they were given."""
        return names_of(self.task(task), "schedule")

    def summary(
        self, task: str | None = None, *, schedule: str | None = None, setting: str = TUNED
    ) -> tuple[Row, ...]:
        """One row per task and optimizer, in the order of the results.

        Args:
            task: The name of a task; None for all tasks.
            schedule: The schedule of the learning rate; None for the first.
            setting: "tuned", or the name of complete defaults; optimizers without them have no row.

        Raises:
            ValueError: there is no such task, schedule or setting.
        """
        return tuple(
            row
            for name in self._chosen(task)
            for row in self._rows(name, self._schedule(name, schedule), setting)
        )

    def best(self, task: str, *, schedule: str | None = None, setting: str = TUNED) -> Row:
        """The row with the best reported metric on a task; of equals, the first.

        Whether it is better than the others beyond chance is what `differences` says. An
        undetermined metric counts as the worst.
        """
        rows = self.summary(task, schedule=schedule, setting=setting)
        worst = worst_value(self.task(task).attrs["report_better"])
        values = [worst if math.isnan(row.metric.value) else row.metric.value for row in rows]
        return rows[values.index(min(values) if worst > 0 else max(values))]

    def differences(
        self,
        task: str | None = None,
        *,
        schedule: str | None = None,
        metric: str | None = None,
        setting: str = TUNED,
    ) -> tuple[Difference, ...]:
        """The first optimizer compared with each of the others, wherever both ran.

        Args:
            task: The name of a task; None for all tasks.
            schedule: The schedule of the learning rate; "own" for each optimizer under its own
                better one; None for "own" and then every schedule.
            metric: The name of a reported metric; None for all of a task, the headline first.
            setting: "tuned", or the name of complete defaults, of which there is no "own" and no
                metric but the headline.

        Raises:
            ValueError: there is no such task, schedule, metric or setting.
        """
        return tuple(
            row
            for name in self._chosen(task)
            for place in self._places(name, schedule, setting)
            for row in self._differences(name, place, metric, setting)
        )

    def headlines(self, task: str | None = None) -> tuple[Difference, ...]:
        """The comparisons that verdicts are about: own schedule, first metric, no references."""
        return tuple(
            row
            for name in self._chosen(task)
            for row in self._differences(name, OWN, self.metrics(name)[0], TUNED)
            if not row.is_reference
        )

    def pair(
        self,
        task: str,
        first: str,
        second: str,
        *,
        schedule: str | None = None,
        metric: str | None = None,
        setting: str = TUNED,
    ) -> Difference:
        """Two optimizers of a task compared, whichever; `differences` says which were planned.

        Args:
            task: The name of a task.
            first: The name of an optimizer.
            second: The name of another.
            schedule: The schedule of the learning rate, or "own"; None for the first.
            metric: The name of a reported metric; None for the headline.
            setting: "tuned", or the name of complete defaults.

        Raises:
            ValueError: there is no such task, schedule, metric or setting, or an optimizer did not
                run there.
        """
        headline = self.metrics(task)[0]
        place = self._schedule(task, schedule)
        line = Line(task, place, setting, metric or headline, first, second)
        if line not in self._pairs_by_line:
            self._check_line(line)
            # What half of the seeds would choose is told of the headline alone, for it takes time.
            difference = summary.difference(
                self.task(task), line, well_tuned=line.metric_name == headline
            )
            self._pairs_by_line[line] = difference
        return self._pairs_by_line[line]

    def metrics(self, task: str) -> tuple[str, ...]:
        """Names of the reported metrics of a task, the headline first."""
        return names_of(self.task(task), "metric_name")

    def settings(self, task: str) -> tuple[str, ...]:
        """Names of the settings of a task, "tuned" first."""
        return names_of(self.task(task), "setting")

    def optimizers(
        self, task: str, schedule: str | None = None, setting: str = TUNED
    ) -> tuple[str, ...]:
        """Names of the optimizers that ran under a schedule (None: the first) and setting."""
        if schedule == OWN:
            return tuple(tuned_names(self.task(task)))
        return tuple(tuned_names(self.view(task, schedule, setting)))

    def _check_line(self, line: Line) -> None:
        if line.schedule == OWN and line.setting != TUNED:
            raise ValueError(
                f"setting is {line.setting!r}; it must be {TUNED!r} where each optimizer chooses"
                f" its own schedule, for nothing is chosen by default."
            )
        headline = self.metrics(line.task)[0]
        if line.setting != TUNED and line.metric_name != headline:
            summary.metric_of(self.task(line.task), line.metric_name)  # refuses an unknown name
            raise ValueError(
                f"metric is {line.metric_name!r}; of complete defaults there is {headline!r} alone."
            )
        there = self.optimizers(line.task, line.schedule, line.setting)
        for optimizer in (line.first, line.second):
            if optimizer not in there:
                raise ValueError(
                    f"optimizer {optimizer!r} did not run on {line.task} under {line.schedule},"
                    f" {line.setting}; name one of {', '.join(there) or 'none'}."
                )

    def _places(self, task: str, schedule: str | None, setting: str) -> tuple[str, ...]:
        if schedule is not None:
            return (schedule,)
        names = self.schedules(task)
        return (OWN, *names) if setting == TUNED else names

    def _chosen(self, task: str | None) -> tuple[str, ...]:
        if task is None:
            return self.tasks
        self.task(task)  # refuses an unknown name
        return (task,)

    def _schedule(self, task: str, schedule: str | None) -> str:
        return self.schedules(task)[0] if schedule is None else schedule

    # Each row takes some 100 ms of resampling and is asked for many times.
    @functools.cached_property
    def _rows_by_place(self) -> dict[tuple[str, str, str], tuple[Row, ...]]:
        return {}

    @functools.cached_property
    def _pairs_by_line(self) -> dict[Line, Difference]:
        return {}

    def _rows(self, task: str, schedule: str, setting: str) -> tuple[Row, ...]:
        place = (task, schedule, setting)
        if place not in self._rows_by_place:
            self._rows_by_place[place] = summary.rows(self.task(task), *place)
        return self._rows_by_place[place]

    def _differences(
        self, task: str, schedule: str, metric: str | None, setting: str
    ) -> tuple[Difference, ...]:
        known = self.metrics(task) if setting == TUNED else self.metrics(task)[:1]
        metrics = known if metric is None else (metric,)
        names = self.optimizers(task, schedule, setting)
        # References ran under one schedule, so that they have none of their own.
        if schedule == OWN:
            names = tuple(x for x in names if x not in references(self.task(task)))
        return tuple(
            self.pair(task, names[0], second, schedule=schedule, metric=name, setting=setting)
            for name in metrics
            for second in names[1:]
        )
