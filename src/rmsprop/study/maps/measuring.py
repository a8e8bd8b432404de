"""Measuring a problem by short runs: the numbers that place it on the map, and others beside."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from rmsprop.study import names
from rmsprop.study.contenders import CONTENDERS, DAMPINGS
from rmsprop.study.maps.measurement import Measurement
from rmsprop.study.maps.observing import Observations, observed_run
from rmsprop.study.optimizers import HALF_DECADES, Optimizer
from rmsprop.study.problems import TENTHS, Problem
from rmsprop.study.running.checks import check_problem
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.factoring import called
from rmsprop.study.running.plan import SEEDS_END
from rmsprop.study.running.program import Program
from rmsprop.study.running.schedules import scheduled
from rmsprop.study.running.training import Build

SCHEDULES = ("constant", "linear")
# A problem is measured in so many steps, or in its own number where that is less.
MOST_STEPS = 500
LEAST_STEPS = 20
# What is added under the root: the middle one of the grid of the comparison.
DAMPING = DAMPINGS[1]


def measure(problem: Problem, *, steps: int | None = None, seed: int = 0) -> Measurement:
    """Places a problem on the map by numbers measured in short runs.

    RMSprop and AdaGrad run once on a coarse grid of learning rates, under a constant rate and under
    linear decay.  The best RMSprop run under linear decay, by what the problem chooses by, is made
    again with a second batch in each step, and the numbers of a `Measurement` are taken from it.
    Public as `rmsprop.study.measure`.

    Args:
        problem: The problem, as `rmsprop.study.compare` takes it.
        steps: Steps of a run, a multiple of 10 from 20; None for those of the problem, 500 at most.
        seed: What draws the initial parameters and the batches, at least 0.

    Returns:
        The numbers, and the sentences that follow from them; `print` shows both.

    Raises:
        TypeError: what is no problem, or no integer.
        ValueError: an argument out of its range, a problem that cannot be run, or one on which
            every run diverges.

    Example:
        >>> import jax
        >>> from rmsprop import study
        >>> bowl = study.Problem(
        ...     "bowl",
        ...     init=lambda key: jax.random.normal(key, (3,)),
        ...     loss=lambda params, batch: ((params - batch) ** 2).sum(),
        ...     sample=lambda key, step: jax.random.normal(jax.random.fold_in(key, step), (3,)),
        ... )
        >>> measurement = study.measure(bowl, steps=100)
        >>> measurement.number  # its optimum is at rest
        0.0
    """
    if not isinstance(problem, Problem):
        raise TypeError(
            f"problem is {names.excerpt(problem)}; it must be a rmsprop.study.Problem, for example"
            f' rmsprop.study.task("digits").'
        )
    total = _checked(problem, steps, seed)
    check_problem(problem)
    metric = problem.choices[0]
    sign = 1 if metric.better == "lower" else -1
    scores: dict[str, dict[str, float]] = {}
    best: tuple[float, ...] = ()
    for name, optimizer in CONTENDERS.items():
        program = Program.of(problem, _build(optimizer, total), optimizer.names, total)
        engine, points = Engine(program), _points(optimizer, total)
        scores[name] = {}
        for number, schedule in enumerate(SCHEDULES):
            runs = engine.run_configurations(points, [seed], number, scores_only=True)
            ends = sign * runs.last(metric.name)
            ends = np.where(runs.diverged(metric.name), np.inf, ends)
            place = int(np.argmin(ends))
            if not np.isfinite(ends[place]):
                raise ValueError(
                    f"problem {problem.name!r}: {name} diverges in {total} steps at every learning"
                    f" rate from {HALF_DECADES[0]:g} to {HALF_DECADES[-1]:g}; nothing can be"
                    f" measured. Scale the loss or the parameters, or give fewer steps."
                )
            scores[name][schedule] = sign * float(ends[place])
            if (name, schedule) == ("rmsprop", "linear"):
                best = points[place]
    observations = _observed(problem, total, best, seed)
    trials = {
        schedule: _times_better(scores, schedule, higher=metric.better == "higher")
        for schedule in SCHEDULES
    }
    return Measurement.of(problem.name, total, seed, observations, trials)


def _observed(problem: Problem, steps: int, point: tuple[float, ...], seed: int) -> Observations:
    """What a run of RMSprop under linear decay shows."""
    optimizer = CONTENDERS["rmsprop"]
    run = observed_run(problem, _build(optimizer, steps), steps)
    values = {name: jnp.float32(value) for name, value in zip(optimizer.names, point, strict=True)}
    schedule = jnp.int32(SCHEDULES.index("linear"))
    observations = called(run, values, schedule, jnp.int32(seed))
    return jax.tree.map(np.asarray, observations)


def _times_better(
    scores: Mapping[str, Mapping[str, float]], schedule: str, *, higher: bool
) -> float:
    """How many times as good RMSprop's best score is as AdaGrad's; NaN unless both are above 0."""
    ours, theirs = (scores[name][schedule] for name in ("rmsprop", "adagrad"))
    if not (ours > 0 and theirs > 0):
        return math.nan
    return ours / theirs if higher else theirs / ours


def _build(optimizer: Optimizer, steps: int) -> Build:
    """How an optimizer is made in runs of so many steps."""

    def build(values: Mapping[str, Array], schedule: Array) -> optax.GradientTransformation:
        """The optimizer of one run."""
        rate = scheduled(values["learning_rate"], SCHEDULES, schedule, steps)
        return optimizer.build(values, rate)

    return build


def _points(optimizer: Optimizer, steps: int) -> list[tuple[float, ...]]:
    """The coarse grid: half decades of rates, the shortest and the longest memory, one damping."""
    learning_rate, *others = optimizer.within(steps).tuned
    rates = [rate for rate in learning_rate.grid if np.isclose(rate, HALF_DECADES).any()]
    grids = [
        (DAMPING,) if DAMPING in tunable.grid else (tunable.grid[0], tunable.grid[-1])
        for tunable in others
    ]
    return list(dict.fromkeys(itertools.product(rates, *grids)))


def _checked(problem: Problem, steps: int | None, seed: int) -> int:
    """The steps of a run, after the check of all numbers."""
    for argument, number in (("steps", steps), ("seed", seed)):
        if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
            raise TypeError(f"{argument} is {names.excerpt(number)}; it must be an integer.")
    if not 0 <= seed < SEEDS_END:
        raise ValueError(f"seed is {seed}; it must be at least 0 and below {SEEDS_END:,}.")
    total = min(problem.steps, MOST_STEPS) if steps is None else steps
    if total < LEAST_STEPS or total % TENTHS:
        raise ValueError(
            f"steps is {total}; it must be a multiple of {TENTHS} of at least {LEAST_STEPS}, for"
            f" the first and the last tenth of a run are compared."
        )
    return total
