"""The engine: it runs the chunks of a sweep, on all cores or devices, and keeps what has ended.

On a CPU a thread per core feeds chunks to the same program, for XLA spreads small operations badly
over cores, and two chunks side by side keep two cores busy.  On accelerators a chunk is wide and
each device takes one.  How many cores or devices there are, and how much memory, decides only how
many chunks run at once, and no number.  Where there is a cluster its workers run the chunks, each
with an engine of its own, and what they return is kept here.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed

import jax
import numpy as np
import numpy.typing as npt

from rmsprop.study.folder import StudyFolder
from rmsprop.study.running.chunks import LONG, Chunk, Runs, chunks_of
from rmsprop.study.running.cluster import Cluster
from rmsprop.study.running.cores import Cores, Workforce
from rmsprop.study.running.devices import available_cores, on_cpu
from rmsprop.study.running.program import Program
from rmsprop.study.spelling import size

# Called with the number of runs that have just ended.
Advance = Callable[[int], None]


def ignore(runs: int) -> None:
    """Tells nobody of the runs that have ended."""


class Engine:
    """Runs a program for any number of configurations and seeds.

    Args:
        program: What trains.
        cores: Threads that feed the program; None for one a core on a CPU, else two: while the
            numbers of one call go to the host, the next is under way.
        memory: Bytes that all chunks under way may take; None for no bound.
        folder: Where chunks that have ended are kept; None for nowhere.
        cluster: Whose workers run the chunks; None for threads of this process.
    """

    def __init__(
        self,
        program: Program,
        *,
        cores: int | None = None,
        memory: int | None = None,
        folder: StudyFolder | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        self.program = program
        self._shared: Workforce | None = None
        self._cluster = cluster
        self._cores = (available_cores() if on_cpu() else 2) if cores is None else cores
        self._memory = memory
        self._folder = folder if folder is not None else StudyFolder(None)
        self._lock = threading.Lock()
        self._end = 0.0  # of the last call, on the clock of `time.perf_counter`

    def __reduce__(self) -> tuple[type[Engine], tuple[Program]]:
        """Pickled as its program alone: the engine of a worker keeps nothing."""
        return Engine, (self.program,)

    @property
    def fingerprint(self) -> str:
        """That of the program."""
        return self.program.fingerprint

    @property
    def calls_back(self) -> bool:
        """Whether the program calls back into Python."""
        return self.program.calls_back

    @property
    def call_bytes(self) -> int:
        """Memory of one chunk under way, as XLA plans it."""
        return self.program.chunk_bytes

    def share(self, cores: Workforce) -> None:
        """Lets the runs go through threads, or a cluster, that several engines share."""
        self._shared = cores

    @property
    def compile_seconds(self) -> float:
        """Wall-clock time that tracing and compiling took when this study first did."""
        record = self._folder.get(self._compilation_record)
        if record is None:  # never written, or damaged
            self.compile()
            return self.program.compile_seconds
        return float(record["seconds"])

    def compile(self) -> None:
        """Compiles the program now, and records how long that took."""
        self.program.compile()
        if self._folder.get(self._compilation_record) is None:
            seconds = np.array(self.program.compile_seconds)
            self._folder.put(self._compilation_record, {"seconds": seconds})

    def run_configurations(
        self,
        configurations: Sequence[tuple[float, ...]],
        seeds: npt.ArrayLike,
        schedule: int = 0,
        advance: Advance = ignore,
        *,
        scores_only: bool = False,
    ) -> Runs:
        """Trains once for each configuration and seed, the seeds of a configuration side by side.

        Args:
            configurations: The values of the program's hyper-parameters, in the order of its names.
            seeds: Of each configuration, integers of shape (seeds,).
            schedule: The number of the schedule that the learning rate follows.
            advance: As in `run`.
            scores_only: As in `run`.

        Returns:
            The runs; that of configuration i and seed j is number `i * len(seeds) + j`.
        """
        numbers = np.asarray(seeds)
        values = np.repeat(np.array(configurations), numbers.size, axis=0)
        return self.run(
            dict(zip(self.program.names, values.T, strict=True)),
            np.tile(numbers, len(configurations)),
            schedule,
            advance,
            scores_only=scores_only,
        )

    def run(
        self,
        hyperparameters: Mapping[str, npt.ArrayLike],
        seeds: npt.ArrayLike,
        schedule: int = 0,
        advance: Advance = ignore,
        *,
        scores_only: bool = False,
    ) -> Runs:
        """Trains once for each entry of the arrays.

        Args:
            hyperparameters: For every name of the program an array of shape (runs,).
            seeds: Integers of shape (runs,): the initial parameters and the batches of each run.
            schedule: The number of the schedule that the learning rate follows.
            advance: Called after each chunk with the number of runs in it.
            scores_only: Leaves out all that is as long as a run, for runs that are only chosen by.

        Returns:
            The runs, in the order of the arrays.

        Raises:
            ValueError: one chunk needs more memory than is allowed.
            OSError: chunks cannot be kept.
        """
        names = self.program.names
        columns = {name: np.asarray(hyperparameters[name], np.float32) for name in names}
        numbers = np.asarray(seeds, np.int32)
        schedules = np.full_like(numbers, schedule)
        chunks = chunks_of(self.program, columns, schedules, numbers, scores_only=scores_only)
        parts = list(self._earlier(chunks))
        for there, _ in parts:
            advance(len(there))
        rest = np.setdiff1d(np.arange(len(numbers)), [i for there, _ in parts for i in there])
        columns = {name: column[rest] for name, column in columns.items()}
        missing = chunks_of(
            self.program, columns, schedules[rest], numbers[rest], scores_only=scores_only
        )
        width = self.program.width
        for indices, group in self._spread(missing):
            for index, results in zip(indices, group, strict=True):
                parts.append((rest[index * width : (index + 1) * width].tolist(), results))
                advance(len(missing[index]))
        return Runs.joined(parts)

    def _earlier(
        self, chunks: Sequence[Chunk]
    ) -> Iterator[tuple[list[int], Mapping[str, np.ndarray]]]:
        """What the folder has of some chunks: the numbers of the runs, and what is kept of them."""
        first = 0
        for chunk in chunks:
            numbers = list(range(first, first := first + len(chunk)))
            earlier = self._folder.get(chunk.name)
            if earlier is not None:
                yield numbers, earlier
                continue
            # Whole runs hold the scores too.
            whole = chunk.names_of_runs(scores_only=False)
            for number, *names in zip(numbers, chunk.run_names, whole, strict=True):
                row = self._folder.find(names[0]) or self._folder.find(names[1])
                if row is not None and chunk.scores_only:
                    row = {key: values for key, values in row.items() if key not in LONG}
                if row is not None:
                    yield [number], row

    def _spread(
        self, chunks: Sequence[Chunk]
    ) -> Iterator[tuple[Sequence[int], list[dict[str, np.ndarray]]]]:
        """Runs chunks, as many at once as cores and memory allow; yields them as they end."""
        if not chunks:
            return
        if self._cluster is None:
            self.compile()
        # Chunks in one call of the program.
        together = 1 if self._cluster else self.program.devices
        groups = [range(i, min(i + together, len(chunks))) for i in range(0, len(chunks), together)]
        cores = self._shared or self._workforce()
        waiting: dict[Future[list[dict[str, np.ndarray]]], Sequence[int]] = {}
        try:
            for group in groups:
                together_now = [chunks[index] for index in group]
                keep = functools.partial(self._keep, together_now)
                waiting[cores.work(self, (together_now,), keep)] = group
            for call in as_completed(waiting):
                yield waiting[call], call.result()
        finally:
            for call in waiting:
                call.cancel()  # running ones end soon
            if cores is not self._shared:
                cores.stop()

    def _workforce(self) -> Workforce:
        """Threads or a cluster for this engine alone."""
        if self._cluster is not None:
            return self._cluster.cores(self._memory)
        return Cores(self.threads())

    def threads(self) -> int:
        """Calls of the program that may be under way at once.

        Raises:
            ValueError: one of them needs more memory than is allowed.
        """
        if self._memory is None:
            return self._cores
        needed = self.program.chunk_bytes
        if needed > self._memory:
            raise ValueError(
                f"{self.program.width} runs mapped together need {size(needed)}, and"
                f" memory allows {size(self._memory)}; allow more with --memory (memory= in"
                f" Python), or begin a new study, which chooses a width that fits."
            )
        return max(1, min(self._cores, self._memory // needed))

    def work(self, chunks: Sequence[Chunk]) -> list[dict[str, np.ndarray]]:
        """The results of chunks that run side by side, one on each device; nothing is kept.

        Args:
            chunks: Of this program, at most as many as there are devices.
        """
        started = time.perf_counter()
        padded = [*chunks, *[chunks[0]] * (self.program.devices - len(chunks))]
        arguments = jax.tree.map(lambda *x: np.concatenate(x), *(c.arguments() for c in padded))
        outcome = self.program(*arguments)
        with self._lock:
            now = time.perf_counter()
            # The calls of an accelerator wait for each other: that is no time of their own.
            seconds = now - (started if on_cpu() else max(started, self._end))
            self._end = now
        width = self.program.width
        return [
            chunk.results(jax.tree.map(lambda x, i=i: x[i * width :], outcome), seconds)
            for i, chunk in enumerate(chunks)
        ]

    def _keep(self, chunks: Sequence[Chunk], results: list[dict[str, np.ndarray]]) -> None:
        """Keeps the results of chunks in the folder."""
        for chunk, result in zip(chunks, results, strict=True):
            self._folder.put(chunk.name, result)

    @property
    def _compilation_record(self) -> str:
        """The name under which the time of the compilation is kept."""
        return f"compiled-{self.program.fingerprint}"
