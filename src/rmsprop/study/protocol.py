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

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import optax
import xarray as xr

import rmsprop
from rmsprop.study import sweeps, tabulation
from rmsprop.study.engine import Engine, available_cores, available_memory, default_width
from rmsprop.study.folder import StudyFolder
from rmsprop.study.plan import FIRST_TUNING_SEED, Plan
from rmsprop.study.problems import Problem
from rmsprop.study.progress import Progress, Silent
from rmsprop.study.provenance import Provenance
from rmsprop.study.results import Comparison
from rmsprop.study.schema import DEFAULT, TUNED
from rmsprop.study.sweeps import Optimizer
from rmsprop.study.tuning import columns, tune

Factory = Callable[..., optax.GradientTransformation]


def compare(
    problem: Problem | Sequence[Problem],
    optimizers: Mapping[str, Factory | Optimizer] | Sequence[Optimizer] | None = None,
    *,
    seeds: int = 10,
    tuning_seeds: int = 3,
    steps: int | None = None,
    schedules: Sequence[str] = ("constant",),
    folder: str | os.PathLike[str] | None = None,
    memory: int | None = None,
    command: str = "rmsprop.study.compare",
    progress: Progress | None = None,
) -> Comparison:
    """Compares optimizers on problems: tunes each, chooses, and reports on fresh seeds.

    Args:
        problem: What is minimised: your own `Problem`, a task (`rmsprop.study.task`), or several.
        optimizers: What is compared, by name: functions that make an Optax transformation from a
            learning rate, such as `optax.adam`, or `rmsprop.study.optimizer` where you choose what
            is tuned. The first is compared with each of the others. None for `rmsprop.rmsprop` and
            `rmsprop.adagrad`.
        seeds: Number of reporting seeds, 2 at least, 6 for a verdict; 10 by default.
        tuning_seeds: Number of seeds, others, that configurations are chosen on; 3 by default.
        steps: Steps of every run, a multiple of 10; None for each problem's own number.
        schedules: Of the learning rate: "constant", "linear" (to 0) and "inverse_sqrt"
            (1/sqrt(t)). Each optimizer is tuned under each of them.
        folder: Where runs that have ended are kept. The same call with the same folder goes on
            where it was stopped, and ends with the same numbers bit for bit. Runs of a problem that
            calls back into Python are made again, for what they call is not known. None for
            nowhere.
        memory: Bytes that the runs under way may take; None for half of what there is. A problem
            of which not even one run fits is refused when its turn comes.
        command: What made the comparison, for its record.
        progress: Where to show how far it is; None for nowhere.

    Returns:
        The labelled results.

    Raises:
        ValueError: an argument out of its range, a problem or an optimizer that cannot be run, or a
            folder with a study of other settings; before anything long has begun.
        TypeError: what is no function that makes an optimizer.
        OSError: the folder cannot be written to; what has ended is kept.

    Example:
        >>> import jax, optax
        >>> from rmsprop import study
        >>> bowl = study.Problem(
        ...     "bowl",
        ...     init=lambda key: jax.random.normal(key, (2,)),
        ...     loss=lambda params, batch: ((params - batch) ** 2).sum(),
        ...     sample=lambda key, step: jax.random.normal(jax.random.fold_in(key, step), (2,)),
        ...     steps=20,
        ... )
        >>> result = study.compare(
        ...     bowl, {"sgd": optax.sgd, "rmsprop": optax.rmsprop}, seeds=2, tuning_seeds=1
        ... )
        >>> [row.optimizer for row in result.summary("bowl")]
        ['sgd', 'rmsprop']
    """
    problems = [problem] if isinstance(problem, Problem) else list(problem)
    for each in problems:
        if not isinstance(each, Problem):
            raise TypeError(
                f"problem holds {each!r}; give a rmsprop.study.Problem, for a task"
                f' rmsprop.study.task("digits"), or a list of them.'
            )
    schedules = (schedules,) if isinstance(schedules, str) else tuple(schedules)
    plan = Plan(
        problems,
        _optimizers(optimizers),
        seeds,
        tuning_seeds,
        steps,
        schedules,
        available_memory() if memory is None else memory,
    )
    plan.check()
    shown = progress if progress is not None else Silent()
    kept = StudyFolder(folder)
    kept.begin(plan.definition())
    provenance = Provenance.begin()
    results: dict[str, xr.Dataset] = {}
    for each in problems:
        with shown.task(each.title, plan.runs()):
            results[each.name] = _compare_on(each, plan, kept, shown)
    for file in kept.damaged:
        shown.say(f"{file} was damaged and has been made again.")
    settings = {
        "seeds": seeds,
        "tuning_seeds": tuning_seeds,
        "steps": steps,
        "schedules": list(plan.schedules),
        "tasks": [each.name for each in problems],
        "optimizers": [optimizer.name for optimizer in plan.optimizers],
    }
    return Comparison.of(results, provenance.attributes(command, settings))


def _optimizers(
    given: Mapping[str, Factory | Optimizer] | Sequence[Optimizer] | None,
) -> list[Optimizer]:
    if given is None:
        given = {"rmsprop": rmsprop.rmsprop, "adagrad": rmsprop.adagrad}
    if not isinstance(given, Mapping):
        for each in given:
            if not isinstance(each, Optimizer):
                raise TypeError(
                    f"optimizers holds {each!r}; give a dictionary of names and functions, such as"
                    f' {{"adam": optax.adam}}, or a list of rmsprop.study.optimizer(...).'
                )
        return list(given)
    return [
        replace(factory, name=name)
        if isinstance(factory, Optimizer)
        else sweeps.optimizer(name, factory)
        for name, factory in given.items()
    ]


def _compare_on(problem: Problem, plan: Plan, folder: StudyFolder, shown: Progress) -> xr.Dataset:
    """Tunes and reports every optimizer on one problem under every schedule."""
    engines = _engines(problem, plan, folder)
    seeds = np.arange(plan.seeds)
    tuning_seeds = np.arange(FIRST_TUNING_SEED, FIRST_TUNING_SEED + plan.tuning_seeds)
    found: list[list[tabulation.Found]] = []
    for optimizer, engine in zip(plan.optimizers, engines, strict=True):
        of_schedules = []
        for number in range(len(plan.schedules)):
            tuned = tune(optimizer, engine, problem.choose_by, number, tuning_seeds, shown)
            settings = {TUNED: tuned.best, DEFAULT: tuple(optimizer.defaults.values())}
            reports = {
                setting: engine.run(columns(engine, [at], plan.seeds, number), seeds, shown.advance)
                for setting, at in settings.items()
            }
            of_schedules.append(tabulation.Found(tuned, reports))
        found.append(of_schedules)
    return tabulation.dataset(
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
