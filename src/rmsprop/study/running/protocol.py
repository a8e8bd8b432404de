"""The protocol: tune on some seeds, choose, report on others, the same way for every optimizer.

1. Every optimizer sees the same initial parameters and batches for a seed: comparisons are paired.
2. Every optimizer begins with the same number of trials, unless its grids were chosen by hand; they
   grow by a value as long as the best point is on their edge; how many were tried, and what is
   still on the edge at the limit, is said.
3. A configuration is chosen by its mean score over the tuning seeds, on validation data, and
   reported on other seeds, on test data. What a user gets who tunes nothing is reported beside it.
4. All of this for each schedule of the learning rate.
5. A run that diverges is infinitely bad, and never dropped.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr

from rmsprop.study.folder import StudyFolder
from rmsprop.study.optimizers import Optimizer
from rmsprop.study.problems import Problem
from rmsprop.study.results.schema import DEFAULT, TUNED
from rmsprop.study.running import labelling, tuning
from rmsprop.study.running.devices import available_cores
from rmsprop.study.running.engine import Engine, columns
from rmsprop.study.running.plan import FIRST_TUNING_SEED, Plan
from rmsprop.study.running.program import default_width
from rmsprop.study.running.progress import Progress
from rmsprop.study.running.tuning import tune


def _compare_on(problem: Problem, plan: Plan, folder: StudyFolder, shown: Progress) -> xr.Dataset:
    """Tunes and reports every optimizer on one problem under every schedule."""
    engines = _engines(problem, plan, folder)
    seeds = np.arange(plan.seeds)
    tuning_seeds = np.arange(FIRST_TUNING_SEED, FIRST_TUNING_SEED + plan.tuning_seeds)
    found: list[list[tuning.Found]] = []
    for optimizer, engine in zip(plan.optimizers, engines, strict=True):
        of_schedules = []
        for number in range(len(plan.schedules)):
            tuned = tune(optimizer, engine, problem.choose_by, number, tuning_seeds, shown)
            settings = {TUNED: tuned.best, DEFAULT: tuple(optimizer.defaults.values())}
            reports = {
                setting: engine.run(columns(engine, [at], plan.seeds, number), seeds, shown.advance)
                for setting, at in settings.items()
            }
            of_schedules.append(tuning.Found(tuned, reports))
        found.append(of_schedules)
    return labelling.dataset(
        problem, plan.steps_of(problem), plan.schedules, found, engines, tuning_seeds, seeds
    )


def _engines(problem: Problem, plan: Plan, folder: StudyFolder) -> list[Engine]:
    """An engine for each optimizer, of a width that fits into memory.

    The width that a study began with is kept in its folder: it decides the last bits.
    """
    record = f"width-{problem.name}"
    kept = folder.get(record)
    if kept is not None:
        return _engines_of(problem, plan, folder, int(kept["width"]))
    width = default_width(problem)
    while True:
        engines = _engines_of(problem, plan, folder, width)
        with ThreadPoolExecutor(available_cores()) as pool:
            list(pool.map(Engine.compile, engines))
        most = max(engine.chunk_bytes for engine in engines)
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


def _engines_of(problem: Problem, plan: Plan, folder: StudyFolder, width: int) -> list[Engine]:
    steps = plan.steps_of(problem)

    def engine(optimizer: Optimizer) -> Engine:
        build, names = plan.build(optimizer, steps)
        return Engine(problem, build, names, steps, width=width, memory=plan.memory, folder=folder)

    with ThreadPoolExecutor(available_cores()) as pool:
        return list(pool.map(engine, plan.optimizers))
