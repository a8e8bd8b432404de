"""Many training runs as one compiled program, spread over the cores or devices.

`width` runs with different hyper-parameters and seeds are mapped together with `vmap` to a chunk.
On a CPU a thread per core feeds chunks to the same program, for XLA spreads small operations
badly over cores, and two chunks side by side keep two cores busy. On accelerators a chunk is wide
and each device takes one. The width changes the last bits of the numbers and so belongs to the
definition of a study; the last chunk is filled up with copies of its first run. How many cores or
devices there are, and how much memory, decides only how many chunks run at once.
"""

from __future__ import annotations

import functools
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import jax
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, PartitionSpec

from rmsprop.study.folder import StudyFolder, digest
from rmsprop.study.problems import TENTHS, TRAINING_LOSS, Problem
from rmsprop.study.running import effective_rates
from rmsprop.study.running.chunks import KEPT, Runs
from rmsprop.study.running.devices import available_cores, device, on_cpu
from rmsprop.study.running.program import _arguments, _mapped, default_width
from rmsprop.study.running.schedules import NUMBER
from rmsprop.study.running.training import Build, sizes, training_run

# Called with the number of runs that have just ended.
Advance = Callable[[int], None]


class Engine:
    """The compiled program that runs one optimizer on one problem, whatever its hyper-parameters.

    Args:
        problem: What is minimised.
        build: Makes the optimizer of a run from its hyper-parameters, traced float32 scalars by
            name.
        names: The hyper-parameters that differ between runs.
        steps: Steps of every run, a multiple of 10.
        width: Runs mapped together; None for the problem's own on a CPU, else 256.
        cores: Threads that feed the program; None for one a core on a CPU, else two: while the
            numbers of one call go to the host, the next is under way.
        memory: Bytes that all chunks under way may take; None for no bound.
        folder: Where chunks that have ended are kept; None for nowhere.

    Attributes:
        parameter_bytes: Size of the trained parameters of one run.
        state_bytes: Size of the optimizer's state of one run.
    """

    def __init__(
        self,
        problem: Problem,
        build: Build,
        names: Sequence[str],
        steps: int,
        *,
        width: int | None = None,
        cores: int | None = None,
        memory: int | None = None,
        folder: StudyFolder | None = None,
    ) -> None:
        self.names = tuple(names)
        self.width = default_width(problem) if width is None else width
        self._steps, self._memory = steps, memory
        self._cores = (available_cores() if on_cpu() else 2) if cores is None else cores
        self._ended = 0.0  # when the last call did
        self._folder = folder if folder is not None else StudyFolder(None)
        self.parameter_bytes, self.state_bytes = sizes(problem, build, self.names)
        self._lock = threading.Lock()
        started = time.perf_counter()
        self._mapped = _mapped(training_run(problem, build, steps), self.width)
        self._lowered = jax.jit(self._mapped).lower(*_arguments(self.names, self.width))
        self._trace_seconds = time.perf_counter() - started
        # What decides the numbers: the program with all its constants, and what it runs on.
        text = self._lowered.as_text()
        # What a callback into Python does is not in the text: nothing of it is found again later.
        hidden = secrets.token_hex(16) if "callback" in text else ""
        versions = (version("jax"), version("jaxlib"), KEPT)
        self._fingerprint = digest(text, hidden, problem.data_sha256, device(), *versions)

    @property
    def compile_seconds(self) -> float:
        """Wall-clock time that tracing and compiling took when this study first did.

        Where JAX keeps compiled programs on disk, as the command line lets it, that may have been
        the time of reading one.
        """
        kept = self._folder.get(f"compiled-{self._fingerprint}")
        if kept is not None:
            return float(kept["seconds"])
        return self._compiled[1]

    @property
    def chunk_bytes(self) -> int:
        """Memory of one chunk under way, as XLA plans it."""
        plan = self._compiled[0].memory_analysis()
        parts = ("argument", "output", "temp")
        return sum(int(getattr(plan, f"{part}_size_in_bytes", 0)) for part in parts)

    @functools.cached_property
    def _compiled(self) -> tuple[Any, float]:
        started = time.perf_counter()
        options: dict[str, str | bool] = {}
        devices = jax.local_devices()
        lowered = self._lowered
        if on_cpu():
            # The threads are ours: with XLA's own beside them cores would be handed to and fro.
            options["xla_cpu_multi_thread_eigen"] = False
        elif len(devices) > 1:
            lowered = self._on_all(devices)
        program = lowered.compile(compiler_options=options)
        seconds = self._trace_seconds + time.perf_counter() - started
        name = f"compiled-{self._fingerprint}"
        if self._folder.get(name) is None:
            self._folder.put(name, {"seconds": np.array(seconds)})
        return program, seconds

    def compile(self) -> None:
        """Compiles now what else is compiled when the first chunk runs."""
        with self._lock:
            _ = self._compiled

    def run(
        self,
        hyperparameters: Mapping[str, npt.ArrayLike],
        seeds: npt.ArrayLike,
        advance: Advance = lambda runs: None,
        *,
        scores_only: bool = False,
    ) -> Runs:
        """Trains once for each entry of the arrays.

        Args:
            hyperparameters: For every name of the engine an array of shape (runs,).
            seeds: Integers of shape (runs,): the initial parameters and the batches of each run.
            advance: Called after each chunk with the number of runs in it.
            scores_only: Leaves out all that is as long as a run, for runs that are only chosen by.

        Returns:
            The runs, in the order of the arrays.

        Raises:
            ValueError: one chunk needs more memory than is allowed.
            OSError: chunks cannot be kept.
        """
        columns = {name: np.asarray(hyperparameters[name], np.float32) for name in self.names}
        numbers = np.asarray(seeds, np.int32)
        starts = range(0, len(numbers), self.width)
        chunks = [
            _Chunk(self, columns, numbers[i : i + self.width], i, scores_only) for i in starts
        ]
        found: dict[int, Mapping[str, np.ndarray]] = {}
        for index, chunk in enumerate(chunks):
            kept = self._folder.get(chunk.name)
            if kept is not None:
                found[index] = kept
                advance(len(chunk.seeds))
        missing = [index for index in range(len(chunks)) if index not in found]
        for indices, results in self._spread(chunks, missing):
            for index, result in zip(indices, results, strict=True):
                found[index] = result
                advance(len(chunks[index].seeds))
        return _joined([found[index] for index in range(len(chunks))])

    def _spread(
        self, chunks: Sequence[_Chunk], missing: Sequence[int]
    ) -> Iterator[tuple[Sequence[int], list[dict[str, np.ndarray]]]]:
        """Runs chunks, as many at once as cores and memory allow; yields them as they end."""
        if not missing:
            return
        self.compile()
        together = self.devices  # chunks in one call of the program
        groups = [missing[i : i + together] for i in range(0, len(missing), together)]
        pool = ThreadPoolExecutor(self._threads())
        try:
            waiting = {
                pool.submit(self._call, [chunks[index] for index in group]): group
                for group in groups
            }
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # running ones end soon

    @property
    def devices(self) -> int:
        """How many devices a call of the program runs on."""
        return 1 if on_cpu() else len(jax.local_devices())

    def _threads(self) -> int:
        """Calls of the program that may be under way at once."""
        if self._memory is None:
            return self._cores
        if self.chunk_bytes > self._memory:
            raise ValueError(
                f"{self.width} runs mapped together need {self.chunk_bytes / 1e6:,.0f} MB, and"
                f" memory allows {self._memory / 1e6:,.0f} MB; allow more with --memory (memory= in"
                f" Python), or begin a new study, which chooses a width that fits."
            )
        return max(1, min(self._cores, self._memory // self.chunk_bytes))

    def _call(self, chunks: Sequence[_Chunk]) -> list[dict[str, np.ndarray]]:
        """The results of chunks that run side by side, one on each device."""
        started = time.perf_counter()
        padded = [*chunks, *[chunks[0]] * (self.devices - len(chunks))]
        arguments = jax.tree.map(lambda *x: np.concatenate(x), *(c.arguments() for c in padded))
        outcome = jax.tree.map(np.asarray, self._compiled[0](*arguments))
        with self._lock:
            now = time.perf_counter()
            # The calls of an accelerator wait for each other: that is no time of their own.
            seconds = now - (started if on_cpu() else max(started, self._ended))
            self._ended = now
        results = [
            chunk.kept(jax.tree.map(lambda x, i=i: x[i * self.width :], outcome), seconds)
            for i, chunk in enumerate(chunks)
        ]
        # Here and not where they are awaited: after Ctrl-C nobody waits, and they have ended.
        for chunk, result in zip(chunks, results, strict=True):
            self._folder.put(chunk.name, result)
        return results

    def _on_all(self, devices: Sequence[Any]) -> Any:
        """The program over all devices, each with a chunk of its own."""
        mesh, runs = Mesh(np.array(devices), ("runs",)), PartitionSpec("runs")
        placed = {"mesh": mesh, "in_specs": runs, "out_specs": runs}
        # Its check of what varies over devices would have every loop's first carry marked by hand.
        if hasattr(jax, "shard_map"):
            spread = jax.shard_map(self._mapped, **placed, check_vma=False)
        else:  # JAX 0.6 has it among the experiments only
            from jax.experimental.shard_map import shard_map

            spread = shard_map(self._mapped, **placed, check_rep=False)
        return jax.jit(spread).lower(*_arguments(self.names, self.width * len(devices)))


def columns(
    engine: Engine, configurations: Sequence[tuple[float, ...]], times: int, schedule: int
) -> dict[str, np.ndarray]:
    """The hyper-parameters of runs of configurations, each so many times, under a schedule."""
    values = np.repeat(np.array(configurations), times, axis=0)
    tuned = [name for name in engine.names if name != NUMBER]
    made = dict(zip(tuned, values.T, strict=True))
    if NUMBER in engine.names:
        made[NUMBER] = np.full(len(values), schedule)
    return made


@dataclass(frozen=True)
class _Chunk:
    """Runs that are mapped together."""

    engine: Engine
    columns: Mapping[str, np.ndarray]
    seeds: np.ndarray
    start: int
    scores_only: bool

    @property
    def name(self) -> str:
        """Under which its results are kept: all that decides them."""
        columns, seeds = self.arguments()
        parts = [np.ascontiguousarray(columns[name]).tobytes() for name in sorted(columns)]
        what = "scores" if self.scores_only else "all"
        count = str(len(self.seeds))
        return digest(self.engine._fingerprint, what, count, *parts, seeds.tobytes())

    def arguments(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Of the program, filled up with copies of the first run."""
        missing = self.engine.width - len(self.seeds)
        rows = np.append(np.arange(len(self.seeds)), np.zeros(missing, int))
        columns = {name: column[self.start + rows] for name, column in self.columns.items()}
        return columns, self.seeds[rows]

    def kept(self, outcome: Any, seconds: float) -> dict[str, np.ndarray]:
        """What is kept of an outcome, without the padding."""
        loss, metrics, rates, path = jax.tree.map(lambda x: x[: len(self.seeds)], outcome)
        blocks = loss.reshape(len(loss), TENTHS, -1).astype(np.float64)
        with np.errstate(all="ignore"):  # a diverged run is no news here
            means = blocks.mean(axis=-1).astype(np.float32)
        made = {f"metric_{name}": values for name, values in metrics.items()}
        made |= {
            f"metric_{TRAINING_LOSS.name}": means,
            "finite": np.isfinite(loss).all(axis=1),
            # The padding was no work of these runs.
            "seconds": np.array(seconds * len(self.seeds) / self.engine.width),
        }
        if not self.scores_only:
            made |= {
                "loss": loss,
                "effective_rate": effective_rates.quantiles(rates, self.engine._steps),
            }
            made |= {} if path is None else {"path": path}
        return made


def _joined(chunks: Sequence[Mapping[str, np.ndarray]]) -> Runs:
    def column(name: str) -> Any:
        return np.concatenate([chunk[name] for chunk in chunks]) if name in chunks[0] else None

    metrics = {
        name.removeprefix("metric_"): column(name)
        for name in chunks[0]
        if name.startswith("metric_")
    }
    seconds = float(sum(chunk["seconds"] for chunk in chunks))
    found = {name: column(name) for name in ("finite", "loss", "effective_rate", "path")}
    return Runs(metrics=metrics, seconds=seconds, **found)
