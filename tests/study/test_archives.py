"""Arrays as bytes that are checked when they are read."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from rmsprop.study import archives


def test_archives_are_read_one_at_a_time(monkeypatch):
    """Python 3.11 raises a SystemError where two threads parse the headers of arrays at once."""
    content = archives.pack({"loss": np.linspace(0, 1, 5)})
    alone, load = threading.Lock(), np.load

    def slow(*arguments, **options):
        assert alone.acquire(blocking=False), "two threads read at once"
        time.sleep(0.01)
        alone.release()
        return load(*arguments, **options)

    monkeypatch.setattr(archives.np, "load", slow)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(archives.unpack, [content] * 8))
