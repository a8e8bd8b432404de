"""How long a study will take, from a short measurement before it begins."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rmsprop.study.folder import StudyFolder
from rmsprop.study.problems import Problem
from rmsprop.study.running.context import executor
from rmsprop.study.running.devices import available_cores
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.plan import Plan
from rmsprop.study.running.protocol import first_engine

# Grids grow: of the runs that are planned for the tasks of the library 5 to 20 % more are made.
GROWTH = 1.1
# Pictures and numbers of a task, on one core.
REPORT_SECONDS = 3.0


@dataclass(frozen=True)
class Duration:
    """What a short measurement says of a study.

    Attributes:
        engines: The engine that was measured of each problem, by its name, to go on with.
        runs: How many runs are planned, as long as no grid grows.
        seconds: How long all of it will take on these cores.
        place: What it runs on, such as `8 cores of 2 workers`; None for the cores of this machine.
    """

    engines: Mapping[str, Engine]
    runs: int
    seconds: float
    place: str | None = None

    @classmethod
    def measured(cls, plan: Plan, folder: StudyFolder) -> Duration:
        """Compiles one program of each problem and makes a few runs with it.

        Args:
            plan: What is compared, and how.
            folder: Where runs are kept.
        """

        def measure(problem: Problem) -> tuple[Engine, float, float]:
            """An engine that is compiled, and what was measured with it."""
            started = time.perf_counter()
            engine = first_engine(problem, plan, folder)
            engine.compile()
            compiled = time.perf_counter()
            optimizer = plan.optimizers[0].within(plan.steps_of(problem))
            middle = tuple(t.grid[len(t.grid) // 2] for t in optimizer.tuned)
            seeds = plan.tuning_seed_numbers[0] + np.arange(engine.program.width)
            runs = engine.run_configurations([middle], seeds, scores_only=True)
            return engine, compiled - started, runs.seconds / len(runs)

        cores = available_cores()
        with executor(cores) as pool:
            parts = list(pool.map(measure, plan.problems))
        cluster = plan.cluster
        at_once = cores if cluster is None else cluster.threads
        total, count = 0.0, 0
        for problem, (_, compiling, each) in zip(plan.problems, parts, strict=True):
            planned = plan.runs(problem)
            programs = len(plan.optimizers) + bool(plan.shipped)
            total += planned * GROWTH * each / at_once + programs * compiling / cores
            if cluster is not None:  # each worker compiles what this process has compiled
                total += programs * compiling
            total += REPORT_SECONDS
            count += planned
        engines = {x.name: part[0] for x, part in zip(plan.problems, parts, strict=True)}
        return cls(engines, count, total, None if cluster is None else str(cluster))

    def __str__(self) -> str:
        """One sentence for whoever waits."""
        minutes = self.seconds / 60
        about = f"{minutes:.0f} minutes" if minutes >= 2 else f"{self.seconds:.0f} seconds"
        cores = available_cores()
        on = self.place or f"{cores} core{'s' if cores > 1 else ''}"
        return f"About {self.runs:,} runs on {on}: this will take about {about}."
