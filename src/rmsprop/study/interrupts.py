"""Ctrl-C, so that it ends a command also where a library swallows the exception, as imports may."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_arrived = threading.Event()


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Remembers Ctrl-C while the block runs, and says what happens now."""

    def interrupt(signal_number: int, frame: FrameType | None) -> None:
        _arrived.set()
        # Not through sys.stderr, in a write to which this may have come.
        os.write(2, b"\nrmsprop: stopping as soon as the runs under way have ended\n")
        raise KeyboardInterrupt

    _arrived.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def stop_if_any() -> None:
    """Raises KeyboardInterrupt where Ctrl-C has come before."""
    if _arrived.is_set():
        raise KeyboardInterrupt


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Let Ctrl-C wait until the block has ended; it reaches the main thread only."""
    earlier = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or earlier is None:
        yield
        return
    arrived = []
    signal.signal(signal.SIGINT, lambda *_: arrived.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)
        if arrived:
            signal.raise_signal(signal.SIGINT)
