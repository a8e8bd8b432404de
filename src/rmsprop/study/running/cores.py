"""Threads that the engines of a problem share, and that stop together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import TypeVar

from rmsprop.study.running.context import executor

_T = TypeVar("_T")


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
