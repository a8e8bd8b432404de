"""The protocol: race on some seeds, report on others, the same way for every optimizer.

1. Every optimizer sees the same initial parameters, the same split of the data and the same batches
   for a seed: comparisons are paired, and the seed draws the split, so that an interval over seeds
   holds the luck of the test data as well (Bouthillier et al. 2021, "Accounting for variance in
   machine learning benchmarks").
2. Every optimizer begins with the same number of trials, unless its grids were chosen by hand; they
   grow, by the same rule, as long as the best point is on their edge; how many were tried, and what
   is still on the edge at the limit, is said.
3. All trials race on tuning seeds and validation data (`running.tuning`). The best of them are the
   finalists, by the headline and by each other reported metric. They run on all reporting seeds,
   and a verdict chooses among them on some of those seeds and reports on the others, over all such
   choices or many of them (`results.reselection`): one choice on a few tuning seeds would be a
   draw, by which an optimizer can beat itself.
4. The best of the finalists is what pictures and rows show, beside what a user gets who tunes
   nothing: complete defaults that somebody ships.
5. All of this for each schedule of the learning rate. The headline is each optimizer under its own
   better schedule, chosen as all else is chosen.
6. References, SGD with momentum and Adam, are tuned likewise under one schedule. They show where
   the others stand, and no verdict is about them.
7. A run that diverges is infinitely bad, and never dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from rmsprop.study.folder import StudyFolder
from rmsprop.study.optimizers import Optimizer
from rmsprop.study.problems import Metric, Problem
from rmsprop.study.results.schema import DEFAULT, RATE_FACTORS, TUNED
from rmsprop.study.running import labelling, shipped
from rmsprop.study.running.chunks import Runs
from rmsprop.study.running.context import executor
from rmsprop.study.running.cores import Cores
from rmsprop.study.running.devices import available_cores, on_cpu
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.plan import Plan
from rmsprop.study.running.program import Program, default_width
from rmsprop.study.running.progress import Progress
from rmsprop.study.running.training import Build
from rmsprop.study.running.tuning import (
    TunedRuns,
    Tuning,
    planned_finalists,
    scores_of,
    tune,
)
from rmsprop.study.spelling import size

_T = TypeVar("_T")


@dataclass(frozen=True)
class Engines:
    """What runs the optimizers of a plan on one problem.

    Attributes:
        tuned: The engine of each optimizer, by its name.
        shipped: That of all complete defaults together; None where there are none.
    """

    tuned: dict[str, Engine]
    shipped: Engine | None

    @property
    def all(self) -> list[Engine]:
        """All of them."""
        return [*self.tuned.values(), *([self.shipped] if self.shipped else [])]


def compare_on(
    problem: Problem,
    plan: Plan,
    folder: StudyFolder,
    progress: Progress,
    ready: Engine | None = None,
) -> xr.Dataset:
    """Tunes and reports every optimizer on one problem under every schedule.

    Args:
        problem: What is minimised, one of the plan's.
        plan: What is compared, and how.
        folder: Where runs that have ended are kept.
        progress: Is told of the runs.
        ready: What `first_engine` made, if it did.

    Returns:
        The results of the problem, as `rmsprop.study.results.schema` says.

    Raises:
        ValueError: not even one run fits into memory.
        OSError: the folder cannot be written to; what has ended is kept.
    """
    engines = engines_of(problem, plan, folder, ready)
    contests = [
        _Contest(problem, plan, engines, optimizer, schedule, progress)
        for optimizer in plan.optimizers
        for schedule in plan.schedules
    ]
    results = _side_by_side([contest.run for contest in contests], engines.all, plan)
    count = len(plan.schedules)
    rows = [results[i : i + count] for i in range(0, len(results), count)]
    return labelling.dataset(problem, plan, rows, engines.tuned)


@dataclass(frozen=True)
class _Contest:
    """The runs of one optimizer under one schedule, from the first trial to the last report."""

    problem: Problem
    plan: Plan
    engines: Engines
    optimizer: Optimizer
    schedule: str
    progress: Progress

    def run(self) -> TunedRuns | None:
        """All runs; None where the optimizer does not run under this schedule."""
        plan, problem = self.plan, self.problem
        if self.schedule not in plan.schedules_of(self.optimizer):
            return None
        grids = self.optimizer.within(plan.steps_of(problem))
        tuning_seeds = plan.tuning_seed_numbers
        tuning = tune(
            grids, self._engine, problem.choices, self._number, tuning_seeds, self.progress
        )
        finalists = [tuning.configurations[index] for index in tuning.finalists]
        self.progress.extend((len(finalists) - planned_finalists(grids)) * plan.seeds)
        # The best one leaves behind all that pictures need, the others their scores.
        best = self._on_reporting_seeds(finalists[:1], scores_only=False)
        others = [self._on_reporting_seeds(finalists[1:])] if finalists[1:] else []
        choices, scores = (
            np.stack([self._scores([best, *others], metric) for metric in metrics])
            for metrics in (problem.choices, problem.reports)
        )
        reports, off_rates = {TUNED: best}, None
        seconds, runs = tuning.seconds + best.seconds, tuning.runs + len(best)
        if self.schedule == plan.schedules[0] and not self.optimizer.is_reference:
            reports |= self._defaults()
            off = self._on_reporting_seeds(self._off_rates(tuning))
            off_rates = self._scores([off], problem.reports[0])
            others.append(off)
        for each in others:
            seconds, runs = seconds + each.seconds, runs + len(each)
        return TunedRuns(tuning, choices, scores, off_rates, reports, seconds, runs)

    @property
    def _engine(self) -> Engine:
        return self.engines.tuned[self.optimizer.name]

    @property
    def _number(self) -> int:
        return self.plan.schedules.index(self.schedule)

    def _on_reporting_seeds(
        self, configurations: Sequence[tuple[float, ...]], *, scores_only: bool = True
    ) -> Runs:
        return self._engine.run_configurations(
            configurations,
            self.plan.reporting_seed_numbers,
            self._number,
            self.progress.advance,
            scores_only=scores_only,
        )

    def _scores(self, runs: Sequence[Runs], metric: Metric) -> NDArray[np.float64]:
        """A metric of runs, a row for each configuration."""
        values = np.concatenate([scores_of(each, metric) for each in runs])
        return values.reshape(-1, self.plan.seeds)

    def _off_rates(self, tuning: Tuning) -> list[tuple[float, ...]]:
        """The best configuration with its learning rate off by each factor."""
        rate, *others = tuning.best
        return [(rate * factor, *others) for factor in RATE_FACTORS]

    def _defaults(self) -> dict[str, Runs]:
        """What a user gets who tunes nothing, by the name of whoever ships it."""
        seeds = self.plan.reporting_seed_numbers
        if not self.optimizer.shipped:
            values = tuple(self.optimizer.defaults.values())
            return {DEFAULT: self._on_reporting_seeds([values], scores_only=False)}
        assert self.engines.shipped is not None
        return {
            name: self.engines.shipped.run_configurations(
                [(float(number),)], seeds, self._number, self.progress.advance
            )
            for number, (optimizer, name, _) in enumerate(self.plan.shipped)
            if optimizer == self.optimizer.name
        }


def _side_by_side(
    jobs: Sequence[Callable[[], _T]], engines: Sequence[Engine], plan: Plan
) -> list[_T]:
    """The results of jobs that share the cores, so that none of them is idle at the end of one.

    The first failure, or Ctrl-C, ends all of them: chunks that wait are never begun.
    """
    # The calls of an accelerator wait for each other, and side by side they would count twice.
    together = len(jobs) if on_cpu() or plan.cluster else 1
    with ExitStack() as stack:
        if plan.cluster is None:
            cores = Cores(min(engine.threads() for engine in engines))
        else:
            cores = plan.cluster.cores(plan.memory)
        outer = executor(together)
        stack.callback(outer.shutdown, wait=True, cancel_futures=True)
        stack.callback(cores.stop)
        for engine in engines:
            engine.share(cores)
        futures = [outer.submit(job) for job in jobs]
        for future in as_completed(futures):
            future.result()
        return [future.result() for future in futures]


def first_engine(problem: Problem, plan: Plan, folder: StudyFolder) -> Engine:
    """The engine of the first optimizer, of the width that most likely is that of the study."""
    width = _width_in(folder, problem) or default_width(problem)
    optimizer, steps = plan.optimizers[0], plan.steps_of(problem)
    build = plan.build(optimizer, steps)
    program = Program.of(problem, build, optimizer.names, steps, width)
    return Engine(program, memory=plan.memory, folder=folder, cluster=plan.cluster)


def engines_of(
    problem: Problem, plan: Plan, folder: StudyFolder, ready: Engine | None = None
) -> Engines:
    """Engines for all optimizers and defaults, of a width that fits into memory.

    The width that a study began with is kept in its folder: it decides the last bits.

    Args:
        problem: What they train on.
        plan: What is compared.
        folder: Where their runs are kept.
        ready: The engine of the first optimizer, if there is one already; it is taken if its width
            is that of the others.

    Raises:
        ValueError: not even one run fits into memory.
    """
    known = _width_in(folder, problem)
    if known is not None:
        return _engines_of_width(problem, plan, folder, known, ready)
    width = default_width(problem)
    while True:
        engines = _engines_of_width(problem, plan, folder, width, ready)
        with executor(available_cores()) as pool:
            list(pool.map(Engine.compile, engines.all))
        most = max(engine.program.chunk_bytes for engine in engines.all)
        if most <= plan.memory:
            break
        if width == 1:
            raise ValueError(
                f"problem {problem.name!r}: one run needs {size(most)}, and memory allows"
                f" {size(plan.memory)}; allow more with --memory (memory= in Python), or"
                f" make the problem smaller."
            )
        width //= 2
    folder.put(_width_record(problem), {"width": np.array(width)})
    return engines


def _width_record(problem: Problem) -> str:
    return f"width-{problem.name}"


def _width_in(folder: StudyFolder, problem: Problem) -> int | None:
    """The width that the study in a folder began with; None where it has not begun."""
    earlier = folder.get(_width_record(problem))
    return None if earlier is None else int(earlier["width"])


def _engines_of_width(
    problem: Problem, plan: Plan, folder: StudyFolder, width: int, ready: Engine | None
) -> Engines:
    steps = plan.steps_of(problem)
    builds = [(plan.build(each, steps), each.names) for each in plan.optimizers]
    defaults = [each for _, _, each in plan.shipped]
    if defaults:
        builds.append((shipped.build_of(defaults, plan.schedules, steps), (shipped.NUMBER,)))

    def engine(parts: tuple[Build, tuple[str, ...]]) -> Engine:
        """The engine of one program, which is traced here."""
        build, names = parts
        program = Program.of(problem, build, names, steps, width)
        return Engine(program, memory=plan.memory, folder=folder, cluster=plan.cluster)

    first = [ready] if ready is not None and ready.program.width == width else []
    with executor(available_cores()) as pool:
        engines = [*first, *pool.map(engine, builds[len(first) :])]
    tuned = {each.name: x for each, x in zip(plan.optimizers, engines, strict=False)}
    return Engines(tuned, engines[-1] if defaults else None)
