"""A program of a map: the runs of one optimizer as XLA compiles them, many cells at a time.

Dials, hyper-parameters, schedule and the number of steps are arguments, so that one program serves
all planes.  A point is a cell with a configuration and a schedule; a call runs `width` points on
every seed.  On a CPU a thread per core feeds points to the same program.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from rmsprop.study.folder import StudyFolder, digest
from rmsprop.study.maps.dials import COORDINATES, OF_GRADIENT
from rmsprop.study.maps.family import Draws, run_of
from rmsprop.study.optimizers import Optimizer
from rmsprop.study.running.cores import Workforce
from rmsprop.study.running.devices import device, on_cpu
from rmsprop.study.running.engine import Advance
from rmsprop.study.running.program import planned_bytes
from rmsprop.study.running.schedules import scheduled
from rmsprop.study.running.training import Build
from rmsprop.study.spelling import size

# Runs of one call: on a CPU so many that their states stay in the cache of a core.
RUNS_ON_CPU, RUNS_ON_ACCELERATOR = 2_560, 81_920


class Points(NamedTuple):
    """Cells with a configuration and a schedule each; the first axis of every array counts them.

    Attributes:
        dials: The dials of the gradient by name, float32.
        values: The hyper-parameters by name, float32.
        schedules: The number of each schedule, int32.
    """

    dials: Mapping[str, NDArray[np.float32]]
    values: Mapping[str, NDArray[np.float32]]
    schedules: NDArray[np.int32]

    def rows(self, index: NDArray[np.intp]) -> Points:
        """The points with these numbers."""
        return jax.tree.map(lambda column: column[index], self)


class Seeds(NamedTuple):
    """Seeds, and how they draw.

    Attributes:
        numbers: The seeds.
        steps: The most steps of a run.
        stream: As in `Draws.of`.
    """

    numbers: tuple[int, ...]
    steps: int
    stream: int

    @classmethod
    def of(cls, seeds: Sequence[int], steps: int, stream: int) -> Seeds:
        """These seeds, for runs of at most so many steps; see `Draws.of`."""
        return cls(tuple(map(int, seeds)), steps, stream)

    @property
    def name(self) -> str:
        """A name for all that decides what they draw."""
        return repr(([*self.numbers], self.steps, self.stream))

    @property
    def draws(self) -> Draws:
        """What they draw; a worker draws it itself, which takes less time than sending it."""
        with _drawing:
            return _draws(self)


# The draws of a map are those of the tuning and the reporting seeds, 10 MB for 40 seeds and 1000
# steps.
_drawing = threading.Lock()


@functools.lru_cache(maxsize=8)
def _draws(seeds: Seeds) -> Draws:
    return Draws.of(seeds.numbers, seeds.steps, seeds.stream)


class MapProgram:
    """What runs one optimizer on the family of problems, on a number of seeds at once.

    Args:
        optimizer: The optimizer.
        schedules: The names of the schedules of the learning rate.
        steps: The most steps of a run.
        seeds: The number of seeds.
        rotated: Whether the dial of the rotation is obeyed.
        memory: Bytes that the calls under way may take; None for no bound.

    Attributes:
        calls_back: Whether the optimizer calls back into Python.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedules: Sequence[str],
        steps: int,
        seeds: int,
        *,
        rotated: bool,
        memory: int | None = None,
    ) -> None:
        self._seeds, self._steps, self._memory = seeds, steps, memory
        self._origin = (optimizer, tuple(schedules), steps, seeds, rotated)
        runs = RUNS_ON_CPU if on_cpu() else RUNS_ON_ACCELERATOR
        self.names, self.width = optimizer.names, max(1, runs // seeds)
        self._lock = threading.Lock()
        build = functools.partial(_build, optimizer, tuple(schedules))
        run = run_of(build, rotated=rotated)
        on_seeds = jax.vmap(run, (None, None, None, None, 0))
        on_points = jax.vmap(on_seeds, (0, 0, 0, None, None))
        column = jax.ShapeDtypeStruct((self.width,), jnp.float32)
        integers = jax.ShapeDtypeStruct((self.width,), jnp.int32)
        draws = jax.eval_shape(lambda: _blank(seeds, steps))
        self._lowered = jax.jit(on_points).lower(
            dict.fromkeys(OF_GRADIENT, column),
            dict.fromkeys(self.names, column),
            integers,
            jax.ShapeDtypeStruct((), jnp.int32),
            draws,
        )
        versions = (version("jax"), version("jaxlib"))
        text = self._lowered.as_text()
        self.calls_back = "callback" in text
        self.fingerprint = digest(text, device(), *versions)

    def __reduce__(self) -> tuple[Callable[..., MapProgram], tuple[object, ...]]:
        """Pickled as what it is made from; how many calls run at once is a worker's to say."""
        return _made, self._origin

    def compile(self) -> None:
        """Compiles now what else is compiled at the first call."""
        with self._lock:
            _ = self._compiled

    @property
    def call_bytes(self) -> int:
        """Memory of one call under way, as XLA plans it."""
        return planned_bytes(self._compiled[0])

    def work(self, points: Points, steps: int, seeds: Seeds) -> NDArray[np.float32]:
        """The risks of points on seeds, as `__call__` has them."""
        return self(points, steps, seeds.draws)

    def __call__(self, points: Points, steps: int, draws: Draws) -> NDArray[np.float32]:
        """The risks of at most `width` points, of shape (points, seeds)."""
        count = len(points.schedules)
        compiled, turns = self._compiled
        padded = points.rows(np.append(np.arange(count), np.zeros(self.width - count, np.intp)))
        with turns:
            return np.asarray(compiled(*padded, np.int32(steps), draws))[:count]

    @functools.cached_property
    def _compiled(self) -> tuple[jax.stages.Compiled, AbstractContextManager[object]]:
        """The executable, and what lets only so many calls run at once as memory allows."""
        # The threads are ours: with XLA's own beside them cores would be handed to and fro.
        options: dict[str, str | bool] = {"xla_cpu_multi_thread_eigen": False} if on_cpu() else {}
        compiled = self._lowered.compile(compiler_options=options)
        if self._memory is None:
            return compiled, nullcontext()
        needed = planned_bytes(compiled)
        if needed > self._memory:
            raise ValueError(
                f"the runs of {self._steps:,} steps on {self._seeds} seeds need {size(needed)}, and"
                f" memory allows {size(self._memory)}; allow more with --memory (memory= in"
                f" Python), or ask for fewer seeds."
            )
        return compiled, threading.BoundedSemaphore(self._memory // needed)


def _made(
    optimizer: Optimizer, schedules: tuple[str, ...], steps: int, seeds: int, rotated: bool
) -> MapProgram:
    return MapProgram(optimizer, schedules, steps, seeds, rotated=rotated)


def _blank(seeds: int, steps: int) -> Draws:
    """Draws of the shapes that a program takes."""
    table = jnp.zeros((seeds, steps, COORDINATES), jnp.float32)
    return Draws(table[:, 0], table, table, table, table)


def _build(optimizer: Optimizer, schedules: tuple[str, ...], steps: Array) -> Build:
    """How an optimizer is made in a run of so many steps."""
    return lambda values, schedule: optimizer.build(
        values, scheduled(values["learning_rate"], schedules, schedule, steps)
    )


def sweep(
    program: MapProgram,
    points: Points,
    steps: int,
    seeds: Seeds,
    *,
    workforce: Workforce,
    folder: StudyFolder,
    advance: Advance,
) -> NDArray[np.float64]:
    """Runs points on seeds, over all cores or workers, and keeps what has ended.

    Args:
        program: What runs them.
        points: The points.
        steps: Steps of every run.
        seeds: The seeds.
        workforce: The threads, or the workers of a cluster.
        folder: Where risks are kept.
        advance: Is called with the number of runs that have ended.

    Returns:
        The risks, shape (points, seeds); infinite where a run diverged.

    Raises:
        OSError: the folder cannot be written to.
    """

    count, width = len(points.schedules), program.width
    risks = np.full((count, len(seeds.numbers)), np.inf)

    def note(start: int, risk: NDArray[np.float32]) -> None:
        """Puts the risks of a call in their place."""
        risks[start : start + len(risk)] = np.where(np.isfinite(risk), risk, np.inf)
        advance(risk.size)

    def keep(name: str, risk: NDArray[np.float32]) -> None:
        """Keeps the risks of a call, before anybody waits for them."""
        folder.put(name, {"risk": risk})

    calls: dict[Future[NDArray[np.float32]], int] = {}
    try:
        for start in range(0, count, width):
            part = points.rows(np.arange(start, min(start + width, count)))
            columns = [*part.dials.values(), *part.values.values(), part.schedules]
            content = (x.tobytes() for x in columns)
            name = digest(program.fingerprint, seeds.name, str(steps), *content)
            if (kept := folder.get(name)) is not None:
                note(start, kept["risk"])
                continue
            call = workforce.work(program, (part, steps, seeds), functools.partial(keep, name))
            calls[call] = start
        for ended in as_completed(calls):
            note(calls[ended], ended.result())
    finally:
        for each in calls:
            each.cancel()
    return risks
