"""Tuning: a race of the configurations of a grid, and of more of it around the best one.

Every configuration runs on the first tuning seed, and the best third on all of them.  Where the
best one by the headline is on the edge of a grid, the grid grows and its neighbours join the race,
until it has neighbours on all sides.  Other metrics choose in the first grid alone: whether a point
beyond it is tried is a draw of the race's seeds, and by training loss, of which such points may
have a hundredth, an optimizer then beats itself in half of the studies of digits.  A race costs
little and loses little: of the configurations that are best on many seeds 97 to 100 % come through
the first one (measured on digits).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmsprop.study.optimizers import Optimizer
from rmsprop.study.problems import Metric
from rmsprop.study.results.schema import worst_value
from rmsprop.study.running.chunks import Runs
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.progress import Progress

# A grid grows at most this often, so that a study ends.
MOST_GROWTHS = 6
# Tuning seeds of a race: one would be a draw.
LEAST_TUNING_SEEDS = 3
# The share of configurations that run on more seeds than the first: the best by the headline, and
# by each other metric, for the best by validation loss and by training loss are seldom the same.
THIRD, NINTH = 3, 9
# So many of the best configurations run on all reporting seeds. With few of them a verdict is still
# one of the tuning seeds that chose them: by test loss an optimizer beats itself in 7 to 26 % of
# studies of digits with one finalist, in 4 to 6 % with eight (docs/comparison.md).
FINALISTS = 8
# And with them so many of the best by each other metric.
OTHER_FINALISTS = 4


@dataclass(frozen=True)
class Tuning:
    """How one optimizer was tuned under one schedule.

    Attributes:
        optimizer: With the grids as they have grown.
        configurations: The points that were run.
        growth: For each of them how often the grid had grown before.
        scores: What the headline is chosen by, of shape (configurations, tuning seeds): NaN on the
            seeds that a configuration did not reach, infinitely bad where a run diverged.
        diverged: Of the same shape.
        finalists: The indices of the best configurations, the best of all first.
        seconds: Time of one core for all runs.
        runs: How many there were.
    """

    optimizer: Optimizer
    configurations: list[tuple[float, ...]]
    growth: list[int]
    scores: NDArray[np.float64]
    diverged: NDArray[np.bool_]
    finalists: list[int]
    seconds: float
    runs: int

    @property
    def chosen(self) -> int:
        """The index of the best configuration."""
        return self.finalists[0]

    @property
    def best(self) -> tuple[float, ...]:
        """The values of the best configuration."""
        return self.configurations[self.chosen]


@dataclass(frozen=True)
class TunedRuns:
    """The runs of one optimizer under one schedule.

    Attributes:
        tuning: How it was tuned.
        choices: What finalists are chosen by, shape (metrics, finalists, seeds), on the reporting
            seeds; infinitely bad where a run diverged.
        scores: The reported metrics of the same runs.
        off_rates: The headline of the best configuration with its learning rate off by each of
            `results.schema.RATE_FACTORS`, shape (factors, seeds); None where that was not run.
        reports: The reporting runs, by setting.
        seconds: Time of one core for all runs of its program, tuning among them.
        runs: How many there were.
    """

    tuning: Tuning
    choices: NDArray[np.float64]
    scores: NDArray[np.float64]
    off_rates: NDArray[np.float64] | None
    reports: Mapping[str, Runs]
    seconds: float
    runs: int


class Race:
    """The configurations of one optimizer under one schedule, and their scores on tuning seeds.

    Args:
        engine: Runs them.
        choices: What each reported metric is chosen by, the headline first.
        schedule: The number of the schedule.
        seeds: The tuning seeds.
        progress: Is told of the runs.
    """

    def __init__(
        self,
        engine: Engine,
        choices: Sequence[Metric],
        schedule: int,
        seeds: NDArray[np.int64],
        progress: Progress,
    ) -> None:
        self._engine, self._choices, self._schedule = engine, choices, schedule
        self._seeds, self._progress = seeds, progress
        self.configurations: list[tuple[float, ...]] = []
        self.growth: list[int] = []
        self.scores = np.empty((len(choices), 0, len(seeds)))
        self.diverged = np.empty((0, len(seeds)), bool)
        self.seconds, self.runs = 0.0, 0

    def join(self, fresh: Sequence[tuple[float, ...]], growth: int) -> None:
        """Runs configurations on the first seed, and whoever is among the best then on all."""
        first = len(self.configurations)
        self.configurations += fresh
        self.growth += [growth] * len(fresh)
        more = (len(self._choices), len(fresh), len(self._seeds))
        self.scores = np.concatenate([self.scores, np.full(more, np.nan)], axis=1)
        self.diverged = np.concatenate([self.diverged, np.zeros(more[1:], bool)])
        self._run(list(range(first, len(self.configurations))), slice(0, 1))
        if len(self._seeds) > 1:
            self._run(
                [i for i in self._leaders() if np.isnan(self.scores[0, i, 1])], slice(1, None)
            )

    def finalists(self) -> list[int]:
        """The best by the headline, the best of all first, and the best by each other metric.

        The latter are of the first grid.
        """
        through = [i for i, row in enumerate(self.scores[0]) if not np.isnan(row).any()]
        best = [through[i] for i in self._order(0, self.scores[0, through])[:FINALISTS]]
        first = [i for i in through if self.growth[i] == 0]
        for number in range(1, len(self._choices)):
            order = self._order(number, self.scores[number, first])[:OTHER_FINALISTS]
            best += [first[i] for i in order if first[i] not in best]
        return best

    def _leaders(self) -> list[int]:
        """The configurations that are among the best on the first seed, by one metric or more."""
        leaders: list[int] = []
        for number in range(len(self._choices)):
            order = self._order(number, self.scores[number, :, :1])
            order = order[: leaders_of(len(self.configurations), headline=number == 0)]
            leaders += [i for i in order if i not in leaders]
        return leaders

    def _order(self, number: int, scores: NDArray[np.float64]) -> list[int]:
        """The rows by the mean of their scores, or of the logarithms of losses, the best first."""
        metric = self._choices[number]
        finite = scores[np.isfinite(scores)]
        if metric.better == "higher":
            scores = -scores
        elif bool((finite > 0).all()):
            scores = np.log(scores, where=np.isfinite(scores), out=np.full_like(scores, np.inf))
        return [int(i) for i in np.argsort(scores.mean(axis=1), kind="stable")]

    def _run(self, indices: list[int], columns: slice) -> None:
        """Runs some configurations on some of the seeds."""
        seeds = self._seeds[columns]
        if not indices:
            return
        configurations = [self.configurations[i] for i in indices]
        runs = self._engine.run_configurations(
            configurations, seeds, self._schedule, self._progress.advance, scores_only=True
        )
        shape = (len(indices), len(seeds))
        for number, metric in enumerate(self._choices):
            self.scores[number, indices, columns] = scores_of(runs, metric).reshape(shape)
        self.diverged[indices, columns] = runs.diverged(self._choices[0].name).reshape(shape)
        self.seconds += runs.seconds
        self.runs += len(runs)


def tune(
    optimizer: Optimizer,
    engine: Engine,
    choices: Sequence[Metric],
    schedule: int,
    seeds: NDArray[np.int64],
    progress: Progress,
) -> Tuning:
    """Races the grid, and the neighbours of the best point as long as some have not run.

    Args:
        optimizer: With its first grids.
        engine: Runs it.
        choices: What each reported metric is chosen by, the headline first.
        schedule: The number of the schedule.
        seeds: The tuning seeds.
        progress: Is told of the runs.
    """
    race = Race(engine, choices, schedule, seeds, progress)
    fresh, planned = optimizer.configurations(), race_runs(optimizer, len(seeds))
    for growth in range(MOST_GROWTHS + 1):
        race.join(fresh, growth)
        best = race.configurations[race.finalists()[0]]
        larger = optimizer.grown(best)
        fresh = [point for point in larger.around(best) if point not in race.configurations]
        if not fresh or growth == MOST_GROWTHS:
            break
        optimizer = larger
        progress.extend(race.runs + len(fresh) - planned)
        planned = race.runs + len(fresh)
    progress.extend(race.runs - planned)
    return Tuning(
        optimizer,
        race.configurations,
        race.growth,
        race.scores[0],
        race.diverged,
        race.finalists(),
        race.seconds,
        race.runs,
    )


def race_runs(optimizer: Optimizer, seeds: int) -> int:
    """How many runs a race takes on so many seeds, as long as no grid grows, about."""
    count = len(optimizer.configurations())
    return count + min(count, leaders_of(count)) * (seeds - 1)


def leaders_of(configurations: int, *, headline: bool = True) -> int:
    """How many of so many configurations run on all tuning seeds: no fewer than may be finalists.

    Args:
        configurations: How many ran on the first one.
        headline: Whether they are the best by the headline, or by another metric.
    """
    share, least = (THIRD, FINALISTS) if headline else (NINTH, OTHER_FINALISTS)
    return max(least, math.ceil(configurations / share))


def planned_finalists(optimizer: Optimizer) -> int:
    """How many finalists there are at least, as long as each metric has the same ones."""
    return min(FINALISTS, len(optimizer.configurations()))


def scores_of(runs: Runs, metric: Metric) -> NDArray[np.float64]:
    """A metric after the last step, infinitely bad where the run diverged."""
    worst = worst_value(metric.better)
    return np.where(runs.diverged(metric.name), worst, runs.last(metric.name).astype(np.float64))
