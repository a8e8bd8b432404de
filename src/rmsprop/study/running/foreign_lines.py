"""Lines that others write to a terminal on which a bar is drawn, such as those of XLA's compiler.

XLA writes its messages, for example that folding a constant takes more than a second, from C++ to
the file descriptor of the standard error, in the middle of the line in which the bar stands. None
of them is dropped here: each is printed above the bar, as a line of its own.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from rich.console import Console

# So long the end of the block waits for lines that have been written and are not printed yet.
SECONDS_FOR_THE_REST = 1.0
READER = "lines above the bar"  # the name of the thread


@contextlib.contextmanager
def above_the_bar(console: Console) -> Iterator[None]:
    """Prints above the bar what others write to the terminal while the block runs.

    Where the console is no terminal nothing is done, for no bar is drawn there that could be
    disturbed. What is written in the moment in which the process is killed may be lost.

    Args:
        console: The console on which the bar is drawn.
    """
    try:
        target = console.file.fileno()
    except OSError:  # a file in memory
        target = -1
    if target < 0 or not console.is_terminal or console.quiet:
        yield
        return
    file, kept = console.file, os.dup(target)
    reading, writing = os.pipe()
    with os.fdopen(kept, "w", encoding=console.encoding, errors="replace") as terminal:
        file.flush()
        console.file = terminal
        os.dup2(writing, target)
        os.close(writing)
        reader = threading.Thread(
            target=_print_lines, args=(reading, console), daemon=True, name=READER
        )
        reader.start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # nobody reads any more
                file.flush()
            # The pipe has no other end to write to, so that the reader ends. Where a process has
            # inherited one that was started meanwhile, the reader goes on until that process ends.
            os.dup2(kept, target)
            reader.join(SECONDS_FOR_THE_REST)
            console.file = file


def _print_lines(reading: int, console: Console) -> None:
    """Prints the lines that come out of a pipe until its other end is closed."""
    with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            console.print(line.rstrip("\n"), highlight=False, markup=False, soft_wrap=True)
