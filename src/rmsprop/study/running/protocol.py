"""The protocol: tune on some seeds, report on others, the same way for every optimizer.

1. Every optimizer sees the same initial parameters and batches for a seed: comparisons are paired.
2. Every optimizer begins with the same number of trials, unless its grids were chosen by hand; they
   grow by a value as long as the best point is on their edge; how many were tried, and what is
   still on the edge at the limit, is said.
3. The best configurations by the mean score over the tuning seeds, on validation data, are the
   finalists. They run on all reporting seeds, and a verdict chooses among them on some of those
   seeds and reports on the others, over all such choices or many of them
   (`results.reselection`): one choice on a few tuning seeds would be a draw, by which an
   optimizer can beat itself.
4. The first of the finalists is what pictures and rows show, beside what a user gets who tunes
   nothing.
5. All of this for each schedule of the learning rate.
6. A run that diverges is infinitely bad, and never dropped.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr

from rmsprop.study.folder import StudyFolder
from rmsprop.study.optimizers import Optimizer
from rmsprop.study.problems import Problem
from rmsprop.study.results.schema import DEFAULT, TUNED
from rmsprop.study.running import labelling
from rmsprop.study.running.devices import available_cores
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.plan import Plan
from rmsprop.study.running.program import Program, default_width
from rmsprop.study.running.progress import Progress
from rmsprop.study.running.tuning import FINALISTS, TunedRuns, scores_of, tune


def compare_on(problem: Problem, plan: Plan, folder: StudyFolder, progress: Progress) -> xr.Dataset:
    """Tunes and reports every optimizer on one problem under every schedule.

    Args:
        problem: What is minimised, one of the plan's.
        plan: What is compared, and how.
        folder: Where runs that have ended are kept.
        progress: Is told of the runs.

    Returns:
        The results of the problem, as `rmsprop.study.results.schema` says.

    Raises:
        ValueError: not even one run fits into memory.
        OSError: the folder cannot be written to; what has ended is kept.
    """
    engines = _engines(problem, plan, folder)
    seeds, tuning_seeds = plan.reporting_seed_numbers, plan.tuning_seed_numbers

    def runs_of(optimizer: Optimizer, engine: Engine, schedule: int) -> TunedRuns:
        tuning = tune(optimizer, engine, problem.choices[0], schedule, tuning_seeds, progress)
        finalists = tuning.finalists(problem.choices[0].better)
        planned = min(FINALISTS, len(optimizer.configurations()))
        progress.extend((len(finalists) - planned) * len(seeds))  # where a small grid has grown
        finals = engine.run_configurations(
            [tuning.configurations[index] for index in finalists],
            seeds,
            schedule,
            progress.advance,
            scores_only=True,
        )
        choices, scores = (
            scores_of(finals, metric).reshape(len(finalists), len(seeds))
            for metric in (problem.choices[0], problem.reports[0])
        )
        settings = {TUNED: tuning.best, DEFAULT: tuple(optimizer.defaults.values())}
        reports = {
            setting: engine.run_configurations([values], seeds, schedule, progress.advance)
            for setting, values in settings.items()
        }
        return TunedRuns(tuning, finalists, choices, scores, reports, finals.seconds)

    runs = [
        [runs_of(optimizer, engine, number) for number in range(len(plan.schedules))]
        for optimizer, engine in zip(plan.optimizers, engines, strict=True)
    ]
    return labelling.dataset(
        problem, plan.steps_of(problem), plan.schedules, runs, engines, tuning_seeds, seeds
    )


def _engines(problem: Problem, plan: Plan, folder: StudyFolder) -> list[Engine]:
    """An engine for each optimizer, of a width that fits into memory.

    The width that a study began with is kept in its folder: it decides the last bits.
    """
    record = f"width-{problem.name}"
    earlier = folder.get(record)
    if earlier is not None:
        return _engines_of_width(problem, plan, folder, int(earlier["width"]))
    width = default_width(problem)
    while True:
        engines = _engines_of_width(problem, plan, folder, width)
        with ThreadPoolExecutor(available_cores()) as pool:
            list(pool.map(Engine.compile, engines))
        most = max(engine.program.chunk_bytes for engine in engines)
        if most <= plan.memory:
            break
        if width == 1:
            raise ValueError(
                f"problem {problem.name!r}: one run needs {most / 1e6:,.0f} MB, and memory allows"
                f" {plan.memory / 1e6:,.0f} MB; allow more with --memory (memory= in Python), or"
                f" make the problem smaller."
            )
        width //= 2
    folder.put(record, {"width": np.array(width)})
    return engines


def _engines_of_width(
    problem: Problem, plan: Plan, folder: StudyFolder, width: int
) -> list[Engine]:
    steps = plan.steps_of(problem)

    def engine(optimizer: Optimizer) -> Engine:
        build = plan.build(optimizer, steps)
        program = Program.of(problem, build, optimizer.names, steps, width)
        return Engine(program, memory=plan.memory, folder=folder)

    with ThreadPoolExecutor(available_cores()) as pool:
        return list(pool.map(engine, plan.optimizers))
