"""Studies that are drawn from tables of runs, by the code that makes them of live runs."""

import functools
import itertools
import json
import math
import pathlib
from dataclasses import asdict, dataclass

import numpy as np
import xarray as xr
from recording import SCHEDULES, Records, metrics_of

from rmsprop.study import tasks
from rmsprop.study.contenders import CONTENDERS
from rmsprop.study.problems import Problem
from rmsprop.study.results.schema import OWN, TUNED, worst_value
from rmsprop.study.results.summary import Line, difference
from rmsprop.study.running.chunks import Runs
from rmsprop.study.running.progress import Silent
from rmsprop.study.running.tuning import scores_of, tune

DIGITS = pathlib.Path(__file__).with_name("digits.npz")
RACING_SEEDS, TUNING_SEEDS = 3, 3
CHOICE, REPORT = "validation_loss", "test_loss"  # of the headline of digits


class TableEngine:
    """An engine of one optimizer that reads its runs from tables.

    Args:
        tables: `Records` of each schedule, in the order of their numbers.
        worst: What a run counts as that is in no table, by the name of a metric.
        streams: The stream of each seed of the tables, shape (seeds,); None for the first.
    """

    def __init__(self, tables, worst, streams=None):
        self._places = [{_key(x): i for i, x in enumerate(t.configurations)} for t in tables]
        self._values = [
            {
                name: np.concatenate([v, np.full_like(v[:, :1], worst[name])], axis=1)
                for name, v in t.values.items()
            }
            for t in tables
        ]
        count = next(iter(tables[0].values.values())).shape[-1]
        self.streams = np.zeros(count, int) if streams is None else streams

    def in_streams(self, streams):
        """The same tables with other streams."""
        other = object.__new__(TableEngine)
        other.__dict__.update(self.__dict__, streams=streams)
        return other

    def run_configurations(
        self, configurations, seeds, schedule=0, advance=None, *, scores_only=True
    ):
        assert scores_only
        places = self._places[schedule]
        rows = np.array([places.get(_key(point), -1) for point in configurations])
        metrics = {
            name: values[self.streams[seeds], rows[:, None], seeds].reshape(-1, 1)
            for name, values in self._values[schedule].items()
        }
        finite = np.all([np.isfinite(values[:, 0]) for values in metrics.values()], axis=0)
        return Runs(metrics, finite, None, None, None, 0.0)


def _key(point):
    """A point of a grid without the last bits."""
    return tuple(round(math.log10(x), 6) for x in point)


@dataclass(frozen=True)
class Contest:
    """Runs of a problem that studies are drawn from.

    Attributes:
        problem: With its metrics.
        engines: The engine of each optimizer by its name, of tables or of live runs.
        racing: The numbers of the seeds that races are drawn from.
        reporting: The numbers of the seeds that reports are drawn from.
    """

    problem: Problem
    engines: dict
    racing: np.ndarray
    reporting: np.ndarray

    @classmethod
    def of(cls, problem, records, racing, reporting):
        """From `Records` by optimizer and schedule."""
        worst = worst_of(problem)
        engines = {
            name: TableEngine([records[name, schedule] for schedule in SCHEDULES], worst)
            for name in CONTENDERS
        }
        return cls(problem, engines, racing, reporting)

    def study(self, sides, reporting):
        """The results of a study, as far as its differences are made of them.

        Args:
            sides: The name of an optimizer, an engine and the seeds of its race, for each of the
                two that are compared; they are "first" and "second" in the results.
            reporting: The seeds that are reported.
        """
        finals = [
            self._finals(name, engine, number, racing, reporting)
            for name, engine, racing in sides
            for number in range(len(SCHEDULES))
        ]
        longest = max(choice.shape[1] for choice, _, _ in finals)
        shape = (len(sides), len(SCHEDULES))
        numbers = np.arange(longest)
        real = np.array([numbers < choice.shape[1] for choice, _, _ in finals])
        choices, reports = (
            np.stack([_padded(final[i], longest) for final in finals]) for i in range(2)
        )
        growth = np.stack([np.pad(final[2], (0, longest - len(final[2]))) for final in finals])
        of_each = ("optimizer", "schedule", "metric_name", "finalist", "seed")
        pairs = zip(self.problem.reports, self.problem.choices, strict=True)
        metrics = [{**asdict(x), "choose_by": asdict(y)} for x, y in pairs]
        return xr.Dataset(
            {
                "finalist_configuration": (
                    of_each[:2] + of_each[3:4],
                    np.where(real, numbers, -1).reshape(*shape, longest),
                ),
                "growth": ((*of_each[:2], "configuration"), growth.reshape(*shape, longest)),
                "finalist_choice": (of_each, choices.reshape(*shape, *choices.shape[1:])),
                "finalist_report": (of_each, reports.reshape(*shape, *reports.shape[1:])),
            },
            {
                "optimizer": ["first", "second"],
                "schedule": list(SCHEDULES),
                "metric_name": [metric.name for metric in self.problem.reports],
            },
            {
                "metrics": json.dumps(metrics),
                "tuning_seeds": TUNING_SEEDS,
                "references": json.dumps([]),
            },
        )

    def _finals(self, name, engine, number, racing, reporting):
        """Choices and reports of the finalists, (metrics, finalists, seeds), and their growth."""
        grids = CONTENDERS[name].within(self.problem.steps)
        tuning = tune(grids, engine, self.problem.choices, number, racing, Silent())
        points = [tuning.configurations[i] for i in tuning.finalists]
        runs = engine.run_configurations(points, reporting, number, scores_only=True)
        values = [
            np.stack([scores_of(runs, metric).reshape(len(points), -1) for metric in metrics])
            for metrics in (self.problem.choices, self.problem.reports)
        ]
        return [*values, np.array([tuning.growth[i] for i in tuning.finalists])]

    def lines(self):
        """The schedule and the metric of each line of a study."""
        schedules = (*SCHEDULES, OWN)
        return [(x, metric.name) for x in schedules for metric in self.problem.reports]

    def differences(self, study):
        """The difference of each line of a study."""
        return [
            difference(study, Line("", schedule, TUNED, metric, "first", "second"))
            for schedule, metric in self.lines()
        ]


def _padded(values, longest):
    missing = longest - values.shape[1]
    return np.pad(values, [(0, 0), (0, missing), (0, 0)], constant_values=np.nan)


def worst_of(problem):
    """What a diverged run counts as, by the name of a metric."""
    return {name: worst_value(metric.better) for name, metric in metrics_of(problem).items()}


@functools.cache
def recorded(kind):
    """The `Records` of digits by optimizer and schedule: "recorded" or "screened"."""
    with np.load(DIGITS) as arrays:
        records = {}
        for optimizer, schedule in itertools.product(CONTENDERS, SCHEDULES):
            start = f"{optimizer}/{schedule}/{kind}/"
            values = {
                key.removeprefix(start): arrays[key].astype(np.float64)
                for key in arrays.files
                if key.startswith(start)
            }
            points = [tuple(x) for x in values.pop("configurations").tolist()]
            records[optimizer, schedule] = Records(points, values)
    return records


def digits():
    """Studies of digits from the recorded table.

    They race on the seeds on which all points were screened, and report on those on which the best
    of them were recorded. There a finalist that was not recorded counts as diverged, and is never
    chosen.
    """
    problem = tasks.task("digits")
    worst = worst_of(problem)
    tables = {}
    for place, screened in recorded("screened").items():
        best = recorded("recorded")[place]
        rows = [screened.configurations.index(point) for point in best.configurations]
        values = {}
        for name, of_best in best.values.items():
            streams, _, seeds = of_best.shape
            whole = np.full((streams, len(screened.configurations), seeds), worst[name])
            whole[:, rows] = of_best
            # Nothing is reported on the seeds of a race.
            of_race = screened.values.get(name, np.zeros_like(screened.values[CHOICE]))
            both = np.repeat(of_race, streams, axis=0)
            values[name] = np.concatenate([whole, both], axis=2)
        tables[place] = Records(screened.configurations, values)
    return Contest.of(problem, tables, seeds + np.arange(of_race.shape[-1]), np.arange(seeds))
