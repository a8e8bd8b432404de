"""What the results of one task say, in one record that sentences, tables and pictures share."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass

import xarray as xr

from rmsprop.study.results import exponents, trials
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.schema import OWN, TUNED, Better, references
from rmsprop.study.results.statistics import Estimate
from rmsprop.study.results.summary import Difference, Row
from rmsprop.study.results.trials import Budget, RateInterval

Place = tuple[str, str]
"""A schedule, and a setting or an optimizer under it."""


@dataclass(frozen=True, eq=False)
class Digest:
    """What the results of one task say.

    It is made once for a page or a table and handed to all that tell of the task. Each part is
    computed when it is first asked for, since a table for a terminal needs few of them, and once.

    Attributes:
        results: The results that the task is one of.
        task: The name of the task.
    """

    results: Results
    task: str

    @functools.cached_property
    def dataset(self) -> xr.Dataset:
        """The labelled results of the task."""
        return self.results.task(self.task)

    @property
    def title(self) -> str:
        """The name of the task in words."""
        return self.dataset.attrs["title"]

    @property
    def steps(self) -> int:
        """The number of steps of a run."""
        return self.dataset.attrs["steps"]

    @property
    def label(self) -> str:
        """The name of the headline metric in words."""
        return self.dataset.attrs["report_label"]

    @property
    def better(self) -> Better:
        """Which values of the headline metric are better."""
        return self.dataset.attrs["report_better"]

    @functools.cached_property
    def schedules(self) -> tuple[str, ...]:
        """The names of the schedules."""
        return self.results.schedules(self.task)

    @functools.cached_property
    def settings(self) -> tuple[str, ...]:
        """The names of the settings, "tuned" first."""
        return self.results.settings(self.task)

    @functools.cached_property
    def metrics(self) -> tuple[str, ...]:
        """The names of the reported metrics, the headline first."""
        return self.results.metrics(self.task)

    @functools.cached_property
    def references(self) -> tuple[str, ...]:
        """The names of the optimizers that are references."""
        return references(self.dataset)

    @functools.cached_property
    def fixed(self) -> Mapping[str, Mapping[str, object]]:
        """The arguments of each optimizer that are not tuned; empty where they are not known."""
        return json.loads(self.dataset.attrs.get("fixed", "{}"))

    @functools.cached_property
    def versions(self) -> Mapping[str, str]:
        """The versions of the packages that made the results of the task."""
        of_all = self.results.tree.attrs["versions"]
        return json.loads(self.dataset.attrs.get("versions", of_all))

    @functools.cached_property
    def views(self) -> Mapping[str, xr.Dataset]:
        """The tuned results under each schedule."""
        return {name: self.results.view(self.task, name) for name in self.schedules}

    @property
    def view(self) -> xr.Dataset:
        """The tuned results under the first schedule, which pictures are of."""
        return self.views[self.schedules[0]]

    @functools.cached_property
    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        """The tuned optimizers under each schedule."""
        return {
            name: self.results.summary(self.task, schedule=name, setting=TUNED)
            for name in self.schedules
        }

    @property
    def tuned_rows(self) -> list[Row]:
        """The tuned optimizers under all schedules."""
        return [row for rows in self.rows.values() for row in rows]

    @functools.cached_property
    def defaults(self) -> Mapping[Place, tuple[Row, ...]]:
        """The optimizers with complete defaults, by schedule and setting; no place without any."""
        places = [(name, setting) for name in self.schedules for setting in self.settings[1:]]
        rows = {
            place: self.results.summary(self.task, schedule=place[0], setting=place[1])
            for place in places
        }
        return {place: of_place for place, of_place in rows.items() if of_place}

    @functools.cached_property
    def own_lines(self) -> tuple[Difference, ...]:
        """The comparisons by the headline metric, each optimizer under its own better schedule."""
        return self.results.differences(self.task, schedule=OWN, metric=self.metrics[0])

    @property
    def headlines(self) -> tuple[Difference, ...]:
        """The comparisons that verdicts are about."""
        return tuple(row for row in self.own_lines if not row.is_reference)

    @functools.cached_property
    def lines(self) -> Mapping[str, tuple[Difference, ...]]:
        """The comparisons by the headline metric under "own" and each schedule."""
        headline = self.metrics[0]
        under_one = {
            name: self.results.differences(self.task, schedule=name, metric=headline)
            for name in self.schedules
        }
        return {OWN: self.own_lines, **under_one}

    @functools.cached_property
    def differences(self) -> tuple[Difference, ...]:
        """All comparisons, by schedule and metric."""
        rows: list[Difference] = []
        for name, lines in self.lines.items():
            rows += lines
            for metric in self.metrics[1:]:
                rows += self.results.differences(self.task, schedule=name, metric=metric)
        return tuple(rows)

    def pair(self, first: str, second: str, schedule: str) -> Difference:
        """Two optimizers compared by the headline metric, planned or not.

        Args:
            first: The name of an optimizer.
            second: The name of another.
            schedule: The schedule of the learning rate, or "own".
        """
        place = (schedule, first, second)
        if place not in self._pairs:
            self._pairs[place] = self.results.pair(self.task, first, second, schedule=schedule)
        return self._pairs[place]

    @functools.cached_property
    def _pairs(self) -> dict[tuple[str, str, str], Difference]:
        """The comparisons by the headline metric that are known, by schedule and optimizers."""
        return {
            (schedule, row.first, row.second): row
            for schedule, rows in self.lines.items()
            for row in rows
        }

    @functools.cached_property
    def exponents(self) -> Mapping[Place, Estimate]:
        """The exponent of each effective learning rate, by schedule and optimizer."""
        return {
            (name, row.optimizer): exponents.exponent_of(self.views[name], row.optimizer)
            for name, rows in self.rows.items()
            for row in rows
        }

    @functools.cached_property
    def budgets(self) -> Mapping[Place, Budget]:
        """What small budgets buy, by schedule and optimizer."""
        return {
            (name, row.optimizer): trials.budget_of(self.views[name], row.optimizer)
            for name, rows in self.rows.items()
            for row in rows
        }

    @functools.cached_property
    def rates(self) -> Mapping[Place, RateInterval | None]:
        """The learning rates that are close to the best, by schedule and optimizer."""
        return {
            (name, row.optimizer): trials.rates_of(self.views[name], row.optimizer)
            for name, rows in self.rows.items()
            for row in rows
        }


def digests(results: Results) -> tuple[Digest, ...]:
    """The digest of each task, in the order of the tasks.

    Args:
        results: The results of a comparison.
    """
    return tuple(Digest(results, task) for task in results.tasks)
