"""What XLA's compiler writes to the terminal while a bar is drawn there."""

import io
import os
import re
import subprocess
import threading
import time

import pytest
from rich.console import Console

from rmsprop.study.running.foreign_lines import READER, above_the_bar
from rmsprop.study.running.progress import Bars

pty = pytest.importorskip("pty", reason="there are no terminals of this kind on Windows")

# As XLA writes it, from C++, in one piece and with an empty line.
BLOCK = b"E0000 alarm.cc:73] Constant folding an instruction is taking > 1s:\n\n  %pad.5 = [784]\n"


@pytest.fixture
def terminal():
    """A terminal of 80 columns: the end that programs write to, and what appears there."""
    screen, end = pty.openpty()

    def content():
        """All that has appeared, piece by piece: a piece ends where a line does or begins again."""
        os.set_blocking(screen, False)
        text = b""
        while True:
            try:
                part = os.read(screen, 65536)
            except BlockingIOError:
                break
            text += part
        # The bar is erased and drawn anew: what stood there before is another piece.
        pieces = re.split(r"\r\n|\n|\r|\x1b\[2K", text.decode())
        return [re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", piece).rstrip() for piece in pieces]

    with os.fdopen(end, "w") as file:
        yield file, content
    os.close(screen)


def test_lines_of_the_compiler_stand_above_the_bar(terminal):
    file, content = terminal
    bars = Bars(Console(file=file, width=80, force_terminal=True, color_system=None))
    with bars.task("MNIST", 8):
        os.write(file.fileno(), BLOCK)
        bars.advance(8)
    pieces = content()
    for line in BLOCK.decode().splitlines():
        assert line in pieces
    last = [piece for piece in pieces if piece.startswith("MNIST")][-1]
    assert "8/8 runs" in last


def test_the_terminal_is_as_it_was_afterwards(terminal):
    file, content = terminal
    console = Console(file=file, width=80, force_terminal=True)

    def failing():
        with above_the_bar(console):
            os.write(file.fileno(), b"without an end of the line")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert console.file is file
    os.write(file.fileno(), b"later\n")
    assert content()[:2] == ["without an end of the line", "later"]


def test_a_process_that_lives_on_with_the_pipe_is_not_waited_for(terminal):
    """Such as a logger's, which an optimizer of the user's has started."""
    file, content = terminal
    console = Console(file=file, width=80, force_terminal=True)
    with above_the_bar(console):
        neighbour = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file.fileno())
    try:
        assert neighbour.poll() is None
        assert console.file is file
        neighbour.communicate(b"of the neighbour\n", timeout=60)
        # The thread that reads prints it, and ends with the process.
        while any(thread.name == READER for thread in threading.enumerate()):
            time.sleep(0.01)
    finally:
        neighbour.kill()
    assert content()[0] == "of the neighbour"


@pytest.mark.parametrize("quiet", [False, True])
def test_nothing_is_done_where_no_bar_is_drawn(tmp_path, quiet):
    with above_the_bar(Console(file=io.StringIO(), quiet=quiet)):
        pass
    with open(tmp_path / "log", "w") as file, above_the_bar(Console(file=file, quiet=quiet)):
        os.write(file.fileno(), BLOCK)
        assert (tmp_path / "log").read_bytes() == BLOCK  # at once, and not through a pipe
