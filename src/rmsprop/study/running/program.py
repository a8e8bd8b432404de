"""A program: the runs of one optimizer on one problem as XLA compiles them, `width` at a time.

The hyper-parameters, the schedule and the seed of each run are arguments, so that one program
serves a whole sweep.  `width` runs are mapped together with `vmap`, or made one after the other on
a CPU where they factor matrices.  The width changes the last bits of the numbers, and so it belongs
to the definition of a study.
"""

from __future__ import annotations

import contextlib
import functools
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.sharding import Mesh, PartitionSpec

from rmsprop._experimental import shard_map
from rmsprop.study.folder import digest
from rmsprop.study.problems import Problem
from rmsprop.study.running.devices import device, on_cpu
from rmsprop.study.running.factoring import ONE_AT_A_TIME, factors_batches, one_after_the_other
from rmsprop.study.running.training import Build, Outcome, sizes, training_run

# Runs mapped together on an accelerator, where a chunk should fill the device.
ACCELERATOR_WIDTH = 256

# One run, or several that are mapped: hyper-parameters by name, schedule, seed.
Run = Callable[[Mapping[str, Array], Array, Array], Outcome]
Shapes = tuple[dict[str, jax.ShapeDtypeStruct], jax.ShapeDtypeStruct, jax.ShapeDtypeStruct]


class Sizes(NamedTuple):
    """What one run keeps in memory, in bytes.

    Attributes:
        parameters: The trained parameters.
        state: The state of the optimizer.
    """

    parameters: int
    state: int


class Program:
    """What runs one optimizer on one problem, traced when it is made and compiled when it is used.

    Args:
        run: One run, as `training_run` makes it.
        names: The hyper-parameters that differ between runs.
        steps: Steps of every run.
        width: Runs mapped together.
        sizes: What one run keeps in memory.
        data_sha256: Of the file that the problem's data come from; empty where there is none.
        origin: The arguments of `Program.of` that make the same program in another process.

    Attributes:
        fingerprint: A name for all that decides the numbers of a run but its arguments: the
            program with its constants, the data, the device and the versions of JAX.
        calls_back: Whether the program calls back into Python.
    """

    def __init__(
        self,
        run: Run,
        names: Sequence[str],
        steps: int,
        width: int,
        *,
        sizes: Sizes,
        data_sha256: str = "",
        origin: tuple[Problem, Build, Sequence[str], int, int],
    ) -> None:
        self.names, self.steps, self.width, self.sizes = tuple(names), steps, width, sizes
        self._origin = origin
        self._lock = threading.Lock()
        started = time.perf_counter()
        self._mapped = _mapped(run, width)
        self._lowered = jax.jit(self._mapped).lower(*self._shapes(width))
        text = self._lowered.as_text()
        if width > 1 and on_cpu() and factors_batches(text):
            self._mapped = _in_turn(run)
            self._lowered = jax.jit(self._mapped).lower(*self._shapes(width))
            text = self._lowered.as_text()
        self._trace_seconds = time.perf_counter() - started
        # What is left are batches that a run has of its own.
        self._factors_batches = on_cpu() and factors_batches(text)
        # What a callback into Python does is not in the text: no run is taken for an earlier one.
        self.calls_back = "callback" in text
        hidden = secrets.token_hex(16) if self.calls_back else ""
        self.fingerprint = digest(
            text, hidden, data_sha256, device(), version("jax"), version("jaxlib")
        )

    @classmethod
    def of(
        cls,
        problem: Problem,
        build: Build,
        names: Sequence[str],
        steps: int,
        width: int | None = None,
    ) -> Program:
        """The program that trains with an optimizer on a problem.

        Args:
            problem: What is minimised.
            build: Makes the optimizer of a run from its hyper-parameters and schedule.
            names: The hyper-parameters that differ between runs.
            steps: Steps of every run, a multiple of 10.
            width: Runs mapped together; None for the problem's own on a CPU, else 256.
        """
        width = default_width(problem) if width is None else width
        return cls(
            training_run(problem, build, steps),
            names,
            steps,
            width,
            sizes=Sizes(*sizes(problem, build, tuple(names))),
            data_sha256=problem.data_sha256,
            origin=(problem, build, tuple(names), steps, width),
        )

    def __reduce__(self) -> tuple[Callable[..., Program], tuple[object, ...]]:
        """Pickled as what it is made from: it is traced and compiled where it is unpickled."""
        return Program.of, self._origin

    @property
    def devices(self) -> int:
        """How many devices a call of the program runs on, each with a chunk of its own."""
        return 1 if on_cpu() else len(jax.local_devices())

    @property
    def compile_seconds(self) -> float:
        """Wall-clock time of tracing and compiling, in seconds.

        Where JAX keeps compiled programs on disk, as the command line lets it, that may be the time
        of reading one.
        """
        return self._compiled[1]

    @property
    def chunk_bytes(self) -> int:
        """Memory of one chunk under way, as XLA plans it."""
        return planned_bytes(self._compiled[0])

    def compile(self) -> None:
        """Compiles now what else is compiled at the first call."""
        with self._lock:
            _ = self._compiled

    def __call__(
        self, columns: Mapping[str, np.ndarray], schedules: np.ndarray, seeds: np.ndarray
    ) -> Outcome:
        """Runs as many chunks as there are devices.

        Args:
            columns: For every name of the program the values of `devices * width` runs, float32.
            schedules: The number of each run's schedule, int32.
            seeds: The seed of each run, int32.

        Returns:
            The outcome of the runs in memory of the host, the first axis counting them.
        """
        with ONE_AT_A_TIME if self._factors_batches else contextlib.nullcontext():
            return jax.tree.map(np.asarray, self._compiled[0](columns, schedules, seeds))

    @functools.cached_property
    def _compiled(self) -> tuple[jax.stages.Compiled, float]:
        """The executable, and the seconds that it took to make."""
        started = time.perf_counter()
        options: dict[str, str | bool] = {}
        lowered = self._lowered
        if on_cpu():
            # The threads are ours: with XLA's own beside them cores would be handed to and fro.
            options["xla_cpu_multi_thread_eigen"] = False
            if self._factors_batches:
                options.update(one_after_the_other())
        elif self.devices > 1:
            lowered = self._on_all_devices()
        executable = lowered.compile(compiler_options=options)
        return executable, self._trace_seconds + time.perf_counter() - started

    def _on_all_devices(self) -> jax.stages.Lowered:
        """The program over all devices, each with a chunk of its own."""
        mesh, runs = Mesh(np.array(jax.local_devices()), ("runs",)), PartitionSpec("runs")
        spread = shard_map(self._mapped, mesh=mesh, in_specs=runs, out_specs=runs)
        return jax.jit(spread).lower(*self._shapes(self.width * self.devices))

    def _shapes(self, width: int) -> Shapes:
        columns = {name: jax.ShapeDtypeStruct((width,), jnp.float32) for name in self.names}
        integers = jax.ShapeDtypeStruct((width,), jnp.int32)
        return columns, integers, integers


def planned_bytes(compiled: jax.stages.Compiled) -> int:
    """Memory of one call of a program, as XLA plans it."""
    plan = compiled.memory_analysis()
    parts = ("argument", "output", "temp")
    return sum(int(getattr(plan, f"{part}_size_in_bytes", 0)) for part in parts)


def default_width(problem: Problem) -> int:
    """How many runs are mapped together on the device at hand."""
    return problem.width if on_cpu() else ACCELERATOR_WIDTH


def _mapped(run: Run, width: int) -> Run:
    if width > 1:
        return jax.vmap(run)

    def alone(columns: Mapping[str, Array], schedules: Array, seeds: Array) -> Outcome:
        """The outcome of one run, with an axis of one as in those that are mapped."""
        # vmap over one run would still give every array one more dimension.
        outcome = run({name: x[0] for name, x in columns.items()}, schedules[0], seeds[0])
        return jax.tree.map(lambda x: x[None], outcome)

    return alone


def _in_turn(run: Run) -> Run:
    """The runs one after the other, so that no two of them factor matrices at once."""

    def each(columns: Mapping[str, Array], schedules: Array, seeds: Array) -> Outcome:
        """The outcomes of the runs, with the axis of those that are mapped."""
        return lax.map(lambda one: run(*one), (columns, schedules, seeds))

    return each
