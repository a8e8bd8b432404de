"""What a worker of a cluster does: it makes a program from what was sent to it, and calls it.

A process makes and compiles a program once, whatever number of its threads ask for it.
"""

from __future__ import annotations

import functools
import os
import pickle
import platform
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax

from rmsprop.study.running.context import entered
from rmsprop.study.running.cores import Portable
from rmsprop.study.running.devices import (
    available_memory,
    compilation_cache_is_sound,
    device,
    on_cpu,
)

# Programs that a worker keeps: those of a few studies.
MOST_PROGRAMS = 32


@dataclass(frozen=True)
class Terms:
    """What a call needs to give the numbers that it would give in the client's process.

    Attributes:
        fingerprint: Of the program.
        calls_back: Whether the program calls back into Python, so that no two have one fingerprint.
        settings: Of JAX, as `context.portable` gives them.
        conditions: Those of the client's process.
        memory: Bytes that the calls under way on one worker may take; None for no bound.
    """

    fingerprint: str
    calls_back: bool
    settings: Mapping[str, Any]
    conditions: Conditions
    memory: int | None


class Conditions(NamedTuple):
    """What decides the numbers of a process beside programs and versions.

    Attributes:
        device: As `devices.device` gives it.
        flags: The flags of XLA, which it reads when the process begins.
    """

    device: str
    flags: str

    @classmethod
    def here(cls) -> Conditions:
        """Those of this process."""
        return cls(device(), " ".join(os.environ.get("XLA_FLAGS", "").split()))

    def check(self, worker: str, of_worker: Conditions) -> None:
        """Refuses a worker that would give other numbers than this process, the client's.

        Args:
            worker: Its address.
            of_worker: Its conditions.

        Raises:
            ValueError: it runs on another kind of device, or with other flags.
        """
        if of_worker.device != self.device:
            raise ValueError(
                f"the worker {worker} runs on {of_worker.device} and this process on"
                f" {self.device}, and their numbers would differ; start workers, and the study, on"
                f" machines of one kind."
            )
        if of_worker.flags != self.flags:
            raise ValueError(
                f"the worker {worker} has XLA_FLAGS={of_worker.flags!r} and this process"
                f" XLA_FLAGS={self.flags!r}, and their numbers may differ; start both with the"
                f" same flags."
            )


def conditions() -> tuple[Conditions, str]:
    """The conditions of this process, and the name of its processor."""
    return Conditions.here(), processor()


def processor() -> str:
    """The name of the processor, as far as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def call(content: Sequence[bytes], terms: Terms, arguments: tuple[object, ...]) -> object:
    """Makes the runs of one call on this worker.

    Args:
        content: The pieces of a pickled `Portable`.
        terms: What must hold for the numbers to be the client's.
        arguments: Of `Portable.work`.

    Raises:
        ValueError: this worker would give other numbers than the client.
        ImportError: a package that the program needs is missing here.
    """
    with entered(terms.settings):
        made = _PROGRAMS.of(terms.fingerprint, functools.partial(_made, content, terms))
        with made.turns:
            return made.portable.work(*arguments)


class _Made(NamedTuple):
    """A compiled program, and what lets only so many calls run at once as memory allows."""

    portable: Portable[object]
    turns: threading.BoundedSemaphore


class _Programs:
    """The programs of this process, by their fingerprints; each is made once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._making: OrderedDict[str, threading.Lock] = OrderedDict()
        self._made: dict[str, _Made] = {}

    def of(self, fingerprint: str, make: Callable[[], _Made]) -> _Made:
        """The program of a fingerprint, made where it is asked for first."""
        with self._lock:
            making = self._making.setdefault(fingerprint, threading.Lock())
            self._making.move_to_end(fingerprint)
            while len(self._making) > MOST_PROGRAMS:
                oldest, _ = self._making.popitem(last=False)
                self._made.pop(oldest, None)
        with making:
            if (made := self._made.get(fingerprint)) is None:
                made = self._made[fingerprint] = make()
            return made


_PROGRAMS = _Programs()


def _made(content: Sequence[bytes], terms: Terms) -> _Made:
    """Unpickles a program, which traces it, compares it with the client's and compiles it."""
    address, limit = _worker()
    terms.conditions.check(address, Conditions.here())
    if not compilation_cache_is_sound():
        jax.config.update("jax_enable_compilation_cache", False)
    try:
        portable = pickle.loads(b"".join(content))
    except ImportError as error:
        raise ImportError(
            f"the worker {address} cannot make the program of the study: {error}; install there"
            f" what the problem and the optimizers import."
        ) from None
    if not terms.calls_back and portable.fingerprint != terms.fingerprint:
        raise ValueError(
            f"the worker {address} makes another program from the same problem and optimizer than"
            f" this process does, so that its numbers would differ; install the same versions of"
            f" what the problem and the optimizers import in both."
        )
    portable.compile()
    memory = limit if terms.memory is None else min(limit, terms.memory)
    # One runs in any case: where that is too much, the system says so.
    turns = max(1, memory // max(1, portable.call_bytes))
    return _Made(portable, threading.BoundedSemaphore(turns))


def _worker() -> tuple[str, int]:
    """The address of this worker, and the bytes that its calls may take."""
    from distributed import get_worker  # pyright: ignore[reportMissingImports] (an extra)

    worker = get_worker()
    limit = worker.memory_manager.memory_limit if on_cpu() else None
    return worker.address, available_memory() if limit is None else limit // 2
