"""What is fixed before the first run of a study: optimizers, seeds, schedules; and its check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import optax
from jax import Array

from rmsprop.study import names
from rmsprop.study.optimizers import Defaults, Optimizer
from rmsprop.study.problems import TENTHS, Problem
from rmsprop.study.results.schema import (
    COORDINATES,
    DEFAULT,
    RATE_FACTORS,
    TUNED,
    VARIABLES,
)
from rmsprop.study.running.checks import check_optimizer, check_problem
from rmsprop.study.running.cluster import Cluster
from rmsprop.study.running.context import executor, numerics
from rmsprop.study.running.devices import available_cores, device
from rmsprop.study.running.schedules import check_schedules, scheduled
from rmsprop.study.running.shipped import NUMBER, build_of
from rmsprop.study.running.training import Build
from rmsprop.study.running.tuning import LEAST_TUNING_SEEDS, planned_finalists, race_runs

# From the first reporting seed to the first tuning seed.
TUNING_SEED_OFFSET = 10_000
# Seeds are int32.
SEEDS_END = 2**31
MOST_STEPS = 1_000_000
# The schedule that references run under, where a study has it: the one that most people train with.
REFERENCE_SCHEDULE = "linear"
# Names that the results use for something else than a hyper-parameter.
RESERVED = {*VARIABLES, *COORDINATES, "path", "coordinate"} - {"learning_rate"}


@dataclass(frozen=True)
class Plan:
    """What is fixed before the first run of a study.

    Attributes:
        problems: What is minimised.
        optimizers: What is compared.
        seeds: Number of reporting seeds.
        tuning_seeds: Number of seeds that a verdict chooses on.
        first_seed: The first reporting seed.
        steps: Of every run; None for each problem's own.
        schedules: Names of the schedules of the learning rate.
        memory: Bytes that the runs under way may take, on each worker where there is a cluster.
        cluster: Whose workers make the runs; None for the threads of this process.
    """

    problems: Sequence[Problem]
    optimizers: Sequence[Optimizer]
    seeds: int
    tuning_seeds: int
    first_seed: int
    steps: int | None
    schedules: Sequence[str]
    memory: int
    cluster: Cluster | None = None

    def steps_of(self, problem: Problem) -> int:
        """The steps of a run of a problem."""
        return problem.steps if self.steps is None else self.steps

    @property
    def reporting_seed_numbers(self) -> np.ndarray:
        """The seeds that are reported."""
        return self.first_seed + np.arange(self.seeds)

    @property
    def tuning_seed_numbers(self) -> np.ndarray:
        """The seeds that configurations race on, none of which is reported."""
        count = max(LEAST_TUNING_SEEDS, self.tuning_seeds)
        return self.first_seed + TUNING_SEED_OFFSET + np.arange(count)

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of all settings, "tuned" first."""
        others = [name for optimizer in self.optimizers for name in self.defaults_of(optimizer)]
        return tuple(dict.fromkeys([TUNED, *others]))

    @property
    def shipped(self) -> list[tuple[str, str, Defaults]]:
        """All complete defaults: the optimizer, who ships them, and what they are."""
        return [
            (optimizer.name, name, defaults)
            for optimizer in self.optimizers
            for name, defaults in optimizer.shipped.items()
        ]

    def defaults_of(self, optimizer: Optimizer) -> tuple[str, ...]:
        """The names of the defaults that an optimizer runs with under the first schedule."""
        if optimizer.is_reference:
            return ()
        return tuple(optimizer.shipped) or (DEFAULT,)

    def schedules_of(self, optimizer: Optimizer) -> tuple[str, ...]:
        """The schedules that an optimizer is tuned under."""
        if not optimizer.is_reference:
            return tuple(self.schedules)
        known = REFERENCE_SCHEDULE in self.schedules
        return (REFERENCE_SCHEDULE if known else self.schedules[0],)

    def build(self, optimizer: Optimizer, steps: int) -> Build:
        """How an optimizer is made in a run of so many steps, under the schedule of that run."""

        # What is sent to a worker holds no more of the plan than this.
        schedules = tuple(self.schedules)

        def build(values: Mapping[str, Array], schedule: Array) -> optax.GradientTransformation:
            """The optimizer of one run."""
            rate = scheduled(values["learning_rate"], schedules, schedule, steps)
            return optimizer.build(values, rate)

        return build

    def runs(self, problem: Problem) -> int:
        """How many there are for a problem, as long as no grid grows, about."""
        steps, seeds, total = self.steps_of(problem), len(self.tuning_seed_numbers), 0
        for optimizer in self.optimizers:
            grids = optimizer.within(steps)
            of_each = race_runs(grids, seeds) + planned_finalists(grids) * self.seeds
            others = 0 if optimizer.is_reference else len(RATE_FACTORS)
            others += len(self.defaults_of(optimizer))
            total += of_each * len(self.schedules_of(optimizer)) + others * self.seeds
        return total

    def check(self) -> None:
        """Refuses what cannot be run or would say nothing.

        Raises:
            TypeError: a number that is no integer.
            ValueError: a number out of its range, two of a name, or a problem or an optimizer that
                fails; nothing long has begun.
        """
        for what, named in (("task", self.problems), ("optimizer", self.optimizers)):
            each = [x.name for x in named]
            if not each:
                raise ValueError(f"there is no {what} to compare; name at least one.")
            twice = sorted({name for name in each if each.count(name) > 1})
            if twice:
                raise ValueError(
                    f"{what} {', '.join(twice)} is named twice; give each its own name."
                )
        self._check_numbers()
        self._check_tuned_names()
        check_schedules(self.schedules)
        with executor(available_cores()) as pool:
            # Each compiles its loss, which takes longer than all other checks together.
            list(pool.map(check_problem, self.problems))
        for problem in self.problems:
            for optimizer in self.optimizers:
                build = self.build(optimizer, self.steps_of(problem))
                under_schedule = tuple(self.schedules) != ("constant",)
                check_optimizer(
                    optimizer.name,
                    optimizer.names,
                    build,
                    problem,
                    under_schedule=under_schedule,
                )

        # The defaults on one problem only: they depend on its parameters less than they cost.
        for optimizer, name, defaults in self.shipped:
            check_optimizer(
                f"{optimizer} with the defaults {name}",
                (NUMBER,),
                build_of([defaults], self.schedules, self.steps_of(self.problems[0])),
                self.problems[0],
                under_schedule=tuple(self.schedules) != ("constant",),
            )

    def _check_numbers(self) -> None:
        for argument in ("seeds", "tuning_seeds", "first_seed", "steps", "memory"):
            number = getattr(self, argument)
            if argument == "steps" and number is None:
                continue
            if not isinstance(number, int) or isinstance(number, bool):
                raise TypeError(
                    f"{argument} is {names.excerpt(number)}; it must be an integer of Python."
                )
        for name, number, least, default in (
            ("seeds", self.seeds, 2, 20),
            ("tuning_seeds", self.tuning_seeds, 1, 3),
        ):
            if number < least:
                raise ValueError(
                    f"{name} is {number}; it must be at least {least}. The default is {default}."
                )
        if self.seeds >= TUNING_SEED_OFFSET:
            raise ValueError(f"seeds is {self.seeds}; it must be below {TUNING_SEED_OFFSET}.")
        end = SEEDS_END - TUNING_SEED_OFFSET - self.tuning_seeds
        if not 0 <= self.first_seed <= end:
            raise ValueError(
                f"first_seed is {self.first_seed}; it must be at least 0 and at most {end:,}, for"
                f" seeds are 32-bit integers. The default is 0."
            )
        if self.memory < 1:
            raise ValueError(f"memory is {self.memory} bytes; it must be positive.")
        for problem in self.problems:
            steps = self.steps_of(problem)
            if not 10 <= steps <= MOST_STEPS or steps % TENTHS:
                raise ValueError(
                    f"steps is {steps}; it must be a multiple of {TENTHS}, for every tenth of a run"
                    f" is measured, of at least 10 and at most {MOST_STEPS:,}."
                )

    def _check_tuned_names(self) -> None:
        for optimizer in self.optimizers:
            taken = sorted(RESERVED & {*optimizer.names})
            if taken:
                raise ValueError(
                    f"optimizer {optimizer.name!r} tunes {taken[0]}, a name that the results use;"
                    f" wrap its function in one whose argument has another name."
                )

    def definition(self, command: str) -> dict[str, object]:
        """What makes this study another than one with other settings, for its folder.

        Args:
            command: What runs these tasks.
        """
        optimizers = {
            optimizer.name: {
                "grids": {t.name: list(t.grid) for t in optimizer.tuned},
                "defaults": [*self.defaults_of(optimizer)],
                "schedules": [*self.schedules_of(optimizer)],
                "reference": optimizer.is_reference,
            }
            for optimizer in self.optimizers
        }
        return {
            "seeds": self.seeds,
            "tuning_seeds": self.tuning_seeds,
            "first_seed": self.first_seed,
            "schedules": list(self.schedules),
            "tasks": {
                problem.name: {
                    "steps": self.steps_of(problem),
                    "data_sha256": problem.data_sha256,
                    "choose_by": [metric.name for metric in problem.choices],
                    "report": [metric.name for metric in problem.reports],
                    "optimizers": optimizers,
                    "command": command,
                }
                for problem in self.problems
            },
            "device": device(),
            "numerics": numerics(),
        }
