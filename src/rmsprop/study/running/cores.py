"""Threads that the engines of a problem share, and that stop together.

What makes runs is `Portable`: it can be called in a thread of this process, by `Cores`, or be
pickled and called by the workers of a cluster, by `rmsprop.study.running.cluster.RemoteCores`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Protocol, TypeVar

from rmsprop.study.running.context import executor

_T = TypeVar("_T")
_Result = TypeVar("_Result", covariant=True)
Keep = Callable[[_T], None]


class Portable(Protocol[_Result]):
    """What makes runs, here or in another process: it is pickled as what it is made from."""

    @property
    def fingerprint(self) -> str:
        """A name for all that decides the numbers of its runs but their arguments."""
        ...

    @property
    def calls_back(self) -> bool:
        """Whether it calls back into Python, so that its fingerprint is another in each process."""
        ...

    @property
    def call_bytes(self) -> int:
        """Memory of one call under way, as XLA plans it."""
        ...

    def compile(self) -> None:
        """Compiles now what else is compiled at the first call."""
        ...

    @property
    def work(self) -> Callable[..., _Result]:
        """The method that makes the runs of one call, from arguments of the class's own."""
        ...


class Workforce(Protocol):
    """What calls are spread over: the threads of this process or the workers of a cluster."""

    def work(
        self, portable: Portable[_T], arguments: tuple[object, ...], keep: Keep[_T]
    ) -> Future[_T]:
        """Has somebody make a call of `portable.work`.

        Args:
            portable: What makes the runs.
            arguments: Of the call.
            keep: Called in this process with what it returns, also where nobody waits for it.
        """
        ...

    def stop(self) -> None:
        """Makes the calls that wait, and those that are to come, end at once."""
        ...


class Cores:
    """Threads for calls that are a core's work each.

    Args:
        count: How many calls may be under way at once.
    """

    def __init__(self, count: int) -> None:
        self._pool = executor(count)
        self._stopped = threading.Event()

    def submit(self, call: Callable[..., _T], *arguments: object) -> Future[_T]:
        """Has a thread make a call; it ends with `CancelledError` where all have been stopped."""
        return self._pool.submit(self._run, call, *arguments)

    def work(
        self, portable: Portable[_T], arguments: tuple[object, ...], keep: Keep[_T]
    ) -> Future[_T]:
        """Has a thread make a call and keep what it returns; as in `Workforce`."""

        def call() -> _T:
            """The result of the call."""
            result = portable.work(*arguments)
            # Here and not where it is awaited: after Ctrl-C nobody waits, and it has ended.
            keep(result)
            return result

        return self.submit(call)

    def stop(self) -> None:
        """Lets calls under way end, and makes those that wait end at once.

        They are begun and fail, for whoever waits in `as_completed` for a future that is cancelled
        before it runs waits for ever.
        """
        self._stopped.set()
        self._pool.shutdown(wait=False)

    def _run(self, call: Callable[..., _T], *arguments: object) -> _T:
        if self._stopped.is_set():
            raise CancelledError
        return call(*arguments)
