"""Tuning on a plane: a race decides how far the grids grow, then all of it runs on other seeds.

The grid is the same in all cells that have the same number of steps.  It grows as in a comparison,
by half a decade behind a best point on its edge, in whatever cell and under whatever schedule that
is: a plane has no cell whose best point is on an edge that could still grow, and no optimizer has a
larger grid because its cells are harder.

All configurations run on all reporting seeds.  With the best eight or sixteen of the race alone,
which three tuning seeds are is still in the verdicts: in a cell with little noise and no drift
RMSprop was then better than itself in a quarter to four tenths of 60 maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rmsprop.study.folder import StudyFolder
from rmsprop.study.maps.dials import OF_GRADIENT
from rmsprop.study.maps.plan import held
from rmsprop.study.maps.program import MapProgram, Points, Seeds, sweep
from rmsprop.study.optimizers import Optimizer
from rmsprop.study.running.cores import Workforce
from rmsprop.study.running.engine import Advance
from rmsprop.study.running.tuning import MOST_GROWTHS


@dataclass(frozen=True)
class Contest:
    """What runs one optimizer in the cells of a plane.

    Attributes:
        optimizer: The optimizer, with its first grids.
        schedules: How many schedules there are.
        race: The program for the tuning seeds.
        report: The program for the reporting seeds.
        tuning: The tuning seeds.
        reporting: The reporting seeds.
        workforce: What makes the runs.
        folder: Where risks are kept.
        advance: Is called with the number of runs that have ended.
        extend: Is called with the number of runs that there are more than was said.
    """

    optimizer: Optimizer
    schedules: int
    race: MapProgram
    report: MapProgram
    tuning: Seeds
    reporting: Seeds
    workforce: Workforce
    folder: StudyFolder
    advance: Advance
    extend: Advance


@dataclass(frozen=True)
class TunedCells:
    """How one optimizer was tuned in cells with the same number of steps, and what it reached.

    Attributes:
        names: The names of the hyper-parameters.
        configurations: Their values, shape (configurations, hyper-parameters).
        risks: On the reporting seeds, shape (schedules, cells, configurations, seeds); infinite
            where a run diverged.
        edges: For each schedule and cell the names of what is on the edge of its grid at the best
            point of the race.
    """

    names: tuple[str, ...]
    configurations: NDArray[np.float64]
    risks: NDArray[np.float64]
    edges: list[list[tuple[str, ...]]]


def tune(contest: Contest, cells: Sequence[dict[str, float]], steps: int) -> TunedCells:
    """Races an optimizer in cells until its grids hold, and runs all on the reporting seeds.

    Args:
        contest: What runs it.
        cells: The dials of each cell.
        steps: Steps of every run.
    """
    optimizer = held(contest.optimizer).within(steps)
    configurations: list[tuple[float, ...]] = []
    scores = np.empty((contest.schedules, len(cells), 0))
    fresh = optimizer.configurations()
    for growth in range(MOST_GROWTHS + 1):
        if growth:
            seeds = len(contest.tuning.draws.start) + len(contest.reporting.draws.start)
            contest.extend(len(fresh) * len(cells) * contest.schedules * seeds)
        risks = _risks(contest, fresh, cells, steps, is_race=True)
        scores = np.concatenate([scores, np.log(risks).mean(axis=-1)], axis=-1)
        configurations += fresh
        best = {configurations[i] for i in np.unique(scores.argmin(axis=-1))}
        larger = _grown(optimizer, best)
        known = {*configurations}
        fresh = [point for point in larger.configurations() if point not in known]
        if not fresh or growth == MOST_GROWTHS:
            break
        optimizer = larger
    edges = [[optimizer.edges(configurations[i]) for i in row] for row in scores.argmin(axis=-1)]
    risks = _risks(contest, configurations, cells, steps, is_race=False)
    values = np.array(configurations)
    return TunedCells(optimizer.names, values, risks, edges)


def _risks(
    contest: Contest,
    configurations: Sequence[tuple[float, ...]],
    cells: Sequence[dict[str, float]],
    steps: int,
    *,
    is_race: bool,
) -> NDArray[np.float64]:
    """The risks on the tuning or the reporting seeds.

    Returns:
        Shape (schedules, cells, configurations, seeds); infinite where a run diverged.
    """
    names, shape = contest.optimizer.names, (contest.schedules, len(cells), len(configurations))
    schedule, cell, number = (each.ravel() for each in np.indices(shape))
    dials = {name: np.array([each[name] for each in cells], np.float32) for name in OF_GRADIENT}
    values = np.array(configurations, np.float32)[number]
    points = Points(
        {name: column[cell] for name, column in dials.items()},
        dict(zip(names, values.T, strict=True)),
        schedule.astype(np.int32),
    )
    risks = sweep(
        contest.race if is_race else contest.report,
        points,
        steps,
        contest.tuning if is_race else contest.reporting,
        workforce=contest.workforce,
        folder=contest.folder,
        advance=contest.advance,
    )
    return risks.reshape(*shape, -1)


def _grown(optimizer: Optimizer, best: set[tuple[float, ...]]) -> Optimizer:
    """The optimizer with larger grids behind every best point on an edge, to both sides."""
    larger = optimizer
    for place, tunable in enumerate(optimizer.tuned):
        reached = {point[place] for point in best}
        for end in {tunable.grid[0], tunable.grid[-1]} & reached:
            grown = larger.tuned[place].grown(end)
            tuned = (*larger.tuned[:place], grown, *larger.tuned[place + 1 :])
            larger = replace(larger, tuned=tuned)
    return larger
