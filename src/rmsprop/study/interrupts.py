"""Ctrl-C, so that it ends a command also where a library swallows the exception, as imports may."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_interrupted = threading.Event()


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """Remembers Ctrl-C while the block runs, and says at once what happens now."""

    def interrupt(signal_number: int, frame: FrameType | None) -> None:
        """Says what happens now, and ends the main thread."""
        _interrupted.set()
        # Not through sys.stderr, in a write to which this may have come.
        os.write(2, b"\nrmsprop: stopping as soon as the runs under way have ended\n")
        raise KeyboardInterrupt

    _interrupted.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)


def raise_if_interrupted() -> None:
    """Raises KeyboardInterrupt where Ctrl-C has come since `remembered` began."""
    if _interrupted.is_set():
        raise KeyboardInterrupt


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Lets Ctrl-C wait until the block has ended; it reaches the main thread only."""
    earlier = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or earlier is None:
        yield
        return
    arrivals: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: arrivals.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)
        if arrivals:
            signal.raise_signal(signal.SIGINT)
