"""Tuning: the runs of a grid, and of more of it as long as the best point is on its edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rmsprop.study.optimizers import Optimizer
from rmsprop.study.problems import Metric
from rmsprop.study.results.schema import Better, worst_value
from rmsprop.study.running.chunks import Runs
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.progress import Progress

# Grids grow at most this often, so that a study ends.
MOST_GROWTHS = 6
# So many of the best configurations run on all reporting seeds. With few of them a verdict is still
# one of the tuning seeds that chose them: with one finalist an optimizer beats itself in 14 to 30 %
# of studies of digits, with eight in 2 to 6 % (docs/comparison.md).
FINALISTS = 8


@dataclass(frozen=True)
class Tuning:
    """How one optimizer was tuned under one schedule.

    Attributes:
        optimizer: With the grids as they have grown.
        configurations: The points that were run.
        growth: For each of them how often the grid had grown before.
        scores: Of shape (configurations, tuning seeds); infinitely bad where a run diverged.
        diverged: Of the same shape.
        chosen: Index of the best configuration.
        seconds: Time of one core for all runs.
    """

    optimizer: Optimizer
    configurations: list[tuple[float, ...]]
    growth: list[int]
    scores: np.ndarray
    diverged: np.ndarray
    chosen: int
    seconds: float

    @property
    def best(self) -> tuple[float, ...]:
        """The values of the chosen configuration."""
        return self.configurations[self.chosen]

    def finalists(self, better: Better) -> list[int]:
        """The indices of the configurations with the best mean scores, the best first.

        Args:
            better: Whether "lower" or "higher" scores are better.
        """
        means = self.scores.mean(axis=1) * (1 if better == "lower" else -1)
        return [int(index) for index in np.argsort(means, kind="stable")[:FINALISTS]]


@dataclass(frozen=True)
class TunedRuns:
    """The runs of one optimizer under one schedule.

    Attributes:
        tuning: How it was tuned.
        finalists: The indices of the configurations that verdicts choose from.
        choices: What finalists are chosen by, shape (finalists, seeds), on the reporting seeds;
            infinitely bad where a run diverged.
        scores: The reported metric of the same runs.
        reports: The reporting runs, by setting.
        seconds: Time of one core for the runs of the finalists.
    """

    tuning: Tuning
    finalists: list[int]
    choices: np.ndarray
    scores: np.ndarray
    reports: Mapping[str, Runs]
    seconds: float


def tune(
    optimizer: Optimizer,
    engine: Engine,
    metric: Metric,
    schedule: int,
    seeds: np.ndarray,
    progress: Progress,
) -> Tuning:
    """Runs the grid, and lets it grow by one value at a time where the best point is on its edge.

    Args:
        optimizer: With its first grids.
        engine: Runs it.
        metric: What configurations are chosen by: its mean over the seeds.
        schedule: The number of the schedule.
        seeds: The tuning seeds.
        progress: Is told of the runs.
    """
    configurations: list[tuple[float, ...]] = []
    growths: list[int] = []
    scores, diverged = np.empty((0, len(seeds))), np.empty((0, len(seeds)), bool)
    seconds, chosen = 0.0, 0
    for growth in range(MOST_GROWTHS + 1):
        fresh = [c for c in optimizer.configurations() if c not in configurations]
        if growth:
            progress.extend(len(fresh) * len(seeds))
        runs = engine.run_configurations(fresh, seeds, schedule, progress.advance, scores_only=True)
        seconds += runs.seconds
        bad = runs.diverged(metric.name)
        values = scores_of(runs, metric)
        configurations += fresh
        growths += [growth] * len(fresh)
        scores = np.vstack([scores, values.reshape(-1, len(seeds))])
        diverged = np.vstack([diverged, bad.reshape(-1, len(seeds))])
        means = scores.mean(axis=1)
        chosen = int(np.argmin(means) if metric.better == "lower" else np.argmax(means))
        larger = optimizer.grown(configurations[chosen])
        if larger is None or growth == MOST_GROWTHS:
            break
        optimizer = larger
    return Tuning(optimizer, configurations, growths, scores, diverged, chosen, seconds)


def scores_of(runs: Runs, metric: Metric) -> np.ndarray:
    """A metric after the last step, infinitely bad where the run diverged."""
    worst = worst_value(metric.better)
    return np.where(runs.diverged(metric.name), worst, runs.last(metric.name).astype(np.float64))
