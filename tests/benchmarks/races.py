"""The race between contenders, and the table of its results."""

import dataclasses
import importlib.metadata
import math
import os
import pathlib
import platform
import time
from collections.abc import Callable, Iterator, Mapping

import jax
import numpy as np

# A contender is called until this much time has passed, and waited for once: as in a training loop
# the next step is given out while one runs.
_SLICE = 5e-3


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        race: What was raced.
        contender: Who.
        milliseconds: Median time per unit of work.
        ratio: Median of the time over that of the first contender, per unit of work.
        quartiles: Of the ratio.
        of_copy: Bandwidth as a share of that of a copy of as many bytes, or None.
        state: Bytes of optimizer state a parameter, or None.
        peak: Bytes of memory a parameter at the peak of the compiled step, or None.
        left_out: Why there is no figure, or None.
    """

    race: str
    contender: str
    milliseconds: float | None = None
    ratio: float | None = None
    quartiles: tuple[float, float] | None = None
    of_copy: float | None = None
    state: float | None = None
    peak: float | None = None
    left_out: str | None = None

    def __str__(self) -> str:
        if self.left_out is not None:
            return f"  {self.contender:<37} left out: {self.left_out}"[:100]
        low, high = self.quartiles
        share = "" if self.of_copy is None else f"{self.of_copy:.2f}"
        state, peak = ("" if x is None else f"{x:.2f}" for x in (self.state, self.peak))
        return (
            f"  {self.contender:<37}{self.milliseconds:>11.3f}{self.ratio:>9.3f}"
            f"  [{low:6.3f}, {high:6.3f}]{share:>7}{state:>7}{peak:>7}"
        ).rstrip()


_HEADER = f"  {'':<37}{'ms':>11}{'ratio':>9}  {'quartiles':<16}{'copy':>7}{'state':>7}{'peak':>7}"
ROWS: list[Row] = []


@dataclasses.dataclass(frozen=True)
class Task:
    """What the runs of a task of the study cost.

    Attributes:
        name: Of the task.
        steps: Of a run.
        width: Runs that are mapped together.
        runs_a_second: On all cores, or on the accelerator.
        of_peak: The share of the peak of matrix products, or None where there are hardly any.
        megabytes: Memory of all runs under way, in 2^20 bytes.
        first_result: Seconds until a fresh program has been traced, compiled and run once.
    """

    name: str
    steps: int
    width: int
    runs_a_second: float
    of_peak: float | None
    megabytes: float
    first_result: float

    def __str__(self) -> str:
        share = "" if self.of_peak is None else f"{self.of_peak:.1%}"
        return (
            f"  {self.name:<16}{self.steps:>6}{self.width:>7}{self.runs_a_second:>12.2f}"
            f"{share:>9}{self.megabytes:>8.1f}{self.first_result:>9.2f}"
        )


_TASK_HEADER = (
    f"  {'task':<16}{'steps':>6}{'width':>7}{'runs / s':>12}{'of peak':>9}{'MB':>8}{'first s':>9}"
)
TASKS: list[Task] = []


class Race:
    """Contenders by name, timed in turn; the first is the reference of the ratios.

    A contender that gives out work without waiting for it has a method `wait`.
    """

    def __init__(self, title: str, contenders: Mapping[str, Callable[[], object]]) -> None:
        self.title = title
        self.contenders = contenders
        self.seconds: dict[str, list[float]] = {name: [] for name in contenders}
        self.repeats = dict.fromkeys(contenders, 1)

    def warm_up(self) -> None:
        """Compiles, and finds how often to call each for a slice of time."""
        for name in self.contenders:
            self._time(name)
            taken = min(self._time(name) for _ in range(2))
            self.repeats[name] = max(1, math.ceil(_SLICE / taken))

    def round(self) -> None:
        for name in self.contenders:
            self.seconds[name].append(self._time(name))

    def _time(self, name: str) -> float:
        contender, repeats = self.contenders[name], self.repeats[name]
        wait = getattr(contender, "wait", None)
        started = time.perf_counter()
        for _ in range(repeats):
            contender()
        if wait is not None:
            wait()
        return (time.perf_counter() - started) / repeats

    def report(
        self,
        work: Mapping[str, float] | None = None,
        *,
        copy: str | None = None,
        memory: Mapping[str, tuple[float, float]] | None = None,
        left_out: Mapping[str, str] | None = None,
    ) -> dict[str, float]:
        """Adds the lines to the table; the medians of the ratios."""
        share = work or dict.fromkeys(self.contenders, 1.0)
        per_unit = {n: np.array(s) / share[n] for n, s in self.seconds.items()}
        first = per_unit[next(iter(per_unit))]
        medians = {}
        for name, times in per_unit.items():
            low, median, high = (float(q) for q in np.quantile(times / first, [0.25, 0.5, 0.75]))
            medians[name] = median
            of_copy = None if copy is None else float(np.median(per_unit[copy] / times))
            state, peak = (memory or {}).get(name, (None, None))
            each = float(np.median(times)) * 1e3
            ROWS.append(Row(self.title, name, each, median, (low, high), of_copy, state, peak))
        for name, reason in (left_out or {}).items():
            ROWS.append(Row(self.title, name, left_out=reason))
        return medians


def table(size: str) -> Iterator[str]:
    """The lines of the one table."""
    yield f"device: {_device()}; {_cores()} cores; size: {size}"
    yield ", ".join(f"{name} {version}" for name, version in _versions().items())
    yield "copy: bandwidth as a share of that of a copy of as many bytes as the step has to touch"
    yield "state, peak: bytes a parameter; peak is all that a step holds, with its gradients"
    yield _HEADER
    for title in dict.fromkeys(row.race for row in ROWS):
        yield title
        yield from (str(row) for row in ROWS if row.race == title)
    if TASKS:
        yield "runs of the study's tasks: memory of all under way, seconds to a first result"
        yield _TASK_HEADER
        yield from map(str, TASKS)


def record(size: str) -> dict[str, object]:
    """The table, and where it was measured."""
    return {
        "device": _device(),
        "cores": _cores(),
        "size": size,
        "versions": _versions(),
        "rows": [dataclasses.asdict(row) for row in ROWS],
        "tasks": [dataclasses.asdict(task) for task in TASKS],
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("rmsprop", "jax", "jaxlib", "optax", "torch", "numpy"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "none"
    return found


def _device() -> str:
    first = jax.devices()[0]
    if first.platform != "cpu":
        return f"{len(jax.devices())} x {first.device_kind}"
    information = pathlib.Path("/proc/cpuinfo")
    for line in information.read_text().splitlines() if information.exists() else ():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
