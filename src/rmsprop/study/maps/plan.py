"""What is fixed before the first run of a map: planes, the two optimizers, seeds; and its check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax
import numpy as np

from rmsprop.study import names
from rmsprop.study.contenders import LEAST_DAMPING, MOST_DAMPING
from rmsprop.study.maps.dials import COORDINATES
from rmsprop.study.maps.planes import Plane
from rmsprop.study.optimizers import Optimizer
from rmsprop.study.problems import Problem
from rmsprop.study.running.checks import check_optimizer
from rmsprop.study.running.context import numerics
from rmsprop.study.running.devices import device
from rmsprop.study.running.plan import RESERVED, SEEDS_END, TUNING_SEED_OFFSET
from rmsprop.study.running.schedules import check_schedules, scheduled

MOST_SEEDS = 1_000


@dataclass(frozen=True)
class MapPlan:
    """What is fixed before the first run of a map.

    Attributes:
        planes: The planes.
        optimizers: The two optimizers: the risk of the second is divided by that of the first.
        seeds: Number of reporting seeds.
        tuning_seeds: Number of seeds that configurations race on, and that a verdict chooses on.
        first_seed: The first reporting seed; the tuning seeds begin 10,000 after it.
        schedules: Names of the schedules of the learning rate.
        streams: The stream of the draws of each optimizer: where they differ, the two race on other
            tuning seeds and see other noise, as in a comparison of an optimizer with itself.
    """

    planes: Sequence[Plane]
    optimizers: tuple[Optimizer, Optimizer]
    seeds: int
    tuning_seeds: int
    first_seed: int
    schedules: tuple[str, ...]
    streams: tuple[int, int] = (0, 0)

    @property
    def reporting_seed_numbers(self) -> list[int]:
        """The seeds that are reported."""
        return [self.first_seed + k for k in range(self.seeds)]

    def tuning_seed_numbers(self, stream: int) -> list[int]:
        """The seeds that configurations race on, none of which is reported."""
        first = self.first_seed + TUNING_SEED_OFFSET + stream * self.tuning_seeds
        return [first + k for k in range(self.tuning_seeds)]

    def runs(self, plane: Plane) -> int:
        """How many runs a plane takes, as long as no grid grows."""
        total = 0
        for cell in plane.cells():
            for optimizer in self.optimizers:
                within = optimizer.within(int(cell["horizon"]))
                total += len(within.configurations()) * (self.tuning_seeds + self.seeds)
        return total * len(self.schedules)

    def check(self) -> None:
        """Refuses what cannot be run or would say nothing.

        Raises:
            TypeError: a number that is no integer, or something else than optimizers.
            ValueError: a number out of its range, two optimizers of a name, or one that fails.
        """
        for name, least, most in (
            ("seeds", 2, MOST_SEEDS),
            ("tuning_seeds", 1, self.seeds // 2 if isinstance(self.seeds, int) else 1),
            ("first_seed", 0, SEEDS_END - 2 * TUNING_SEED_OFFSET),
        ):
            number = getattr(self, name)
            if not isinstance(number, int) or isinstance(number, bool):
                raise TypeError(
                    f"{name} is {names.excerpt(number)}; it must be an integer of Python."
                )
            if not least <= number <= most:
                half = ", half of the seeds" if name == "tuning_seeds" else ""
                raise ValueError(
                    f"{name} is {number}; it must be at least {least} and at most {most:,}{half}."
                )
        check_schedules(self.schedules)
        if len(self.optimizers) != 2:
            raise ValueError(
                f"optimizers holds {len(self.optimizers)}; a map is of two, such as RMSprop and"
                f" AdaGrad."
            )
        first, second = self.optimizers
        if first.name == second.name:
            raise ValueError(f"optimizer {first.name} is named twice; give each its own name.")
        for optimizer in self.optimizers:
            self._check_optimizer(optimizer)

    def _check_optimizer(self, optimizer: Optimizer) -> None:
        taken = sorted((RESERVED | {"risk", "ratio", "x", "y"}) & {*optimizer.names})
        if taken:
            raise ValueError(
                f"optimizer {optimizer.name!r} tunes {taken[0]}, a name that the results use; wrap"
                f" its function in one whose argument has another name."
            )
        problem = Problem(
            "map",
            init=lambda key: jax.random.normal(key, (COORDINATES,)),
            loss=lambda params, batch: ((params - batch) ** 2).sum(),
            sample=lambda key, step: jax.random.normal(key, (COORDINATES,)),
        )
        check_optimizer(
            optimizer.name,
            optimizer.names,
            lambda values, schedule: optimizer.build(
                values, scheduled(values["learning_rate"], self.schedules, schedule, 10)
            ),
            problem,
            under_schedule=self.schedules != ("constant",),
        )

    def definition(self, command: str) -> dict[str, object]:
        """What makes this map another than one with other settings, for its folder.

        Args:
            command: What makes these planes.
        """
        optimizers = {
            optimizer.name: {
                "grids": {t.name: list(t.grid) for t in optimizer.tuned},
                "defaults": [],
                "schedules": [*self.schedules],
                "reference": False,
            }
            for optimizer in self.optimizers
        }
        return {
            "kind": "map",
            "seeds": self.seeds,
            "tuning_seeds": self.tuning_seeds,
            "first_seed": self.first_seed,
            "schedules": list(self.schedules),
            "tasks": {
                plane.name: {
                    "dials": {
                        plane.x: [*plane.x_values],
                        plane.y: [*plane.y_values],
                        **plane.base,
                    },
                    "optimizers": optimizers,
                    "command": command,
                }
                for plane in self.planes
            },
            "device": device(),
            "numerics": numerics(),
        }


def held(optimizer: Optimizer) -> Optimizer:
    """The optimizer with a damping that does not grow beyond its first grid.

    On a small quadratic the best damping may be far larger than any gradient.  RMSprop and AdaGrad
    are then both SGD, and a map of the two would be a map of SGD against itself.

    Args:
        optimizer: With grids as `rmsprop.study.contenders` or a user gives them.
    """
    tuned = [
        replace(each, lowest=each.grid[0], highest=each.grid[-1])
        if (each.lowest, each.highest) == (LEAST_DAMPING, MOST_DAMPING)
        else each
        for each in optimizer.tuned
    ]
    return replace(optimizer, tuned=tuple(tuned))


def cells_by_horizon(plane: Plane) -> dict[int, np.ndarray]:
    """The numbers of the cells of a plane by the steps of their runs."""
    horizons = np.array([int(cell["horizon"]) for cell in plane.cells()])
    return {int(steps): np.flatnonzero(horizons == steps) for steps in np.unique(horizons)}
