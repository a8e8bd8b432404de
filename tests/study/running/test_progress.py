"""The bars: one for every task, which grows with its grid and is drawn once."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from rmsprop.study.running.progress import Bars


def test_every_task_has_one_bar_with_its_own_total():
    shown = io.StringIO()
    bars = Bars(Console(file=shown, width=80))
    for title, runs in (("first", 4), ("second", 10)):
        with bars.task(title, runs):
            bars.advance(runs)
            bars.extend(6)
            bars.advance(6)
    lines = [line.split() for line in shown.getvalue().splitlines() if line.strip()]
    assert [(line[0], "".join(line[2:4])) for line in lines] == [
        ("first", "10/10runs"),
        ("second", "16/16runs"),
    ]


@pytest.mark.parametrize("width", [80, 60])
@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize(
    "title",
    ["Handwritten digits, MLP 64-64-64-10, of which there are many", "漢字" * 30, "[red] " * 9],
    ids=["words", "wide", "markup"],
)
def test_a_long_title_is_shortened_and_the_counts_are_not(width, terminal, title):
    shown = io.StringIO()
    console = Console(file=shown, width=width, force_terminal=terminal, color_system=None)
    bars = Bars(console)
    with bars.task(title, 12_345):
        bars.advance(12_345)
    last = [line for line in re.split(r"[\r\n]", shown.getvalue()) if "runs" in line][-1]
    assert re.search(r"… ━{4,} +12345/12345 runs \d:\d\d:\d\d left \d:\d\d:\d\d\s*$", last), last
    assert last.startswith(title[:4]) or terminal
    assert cell_len(re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "", last)) <= width


def test_a_short_title_stays_as_it_is():
    shown = io.StringIO()
    bars = Bars(Console(file=shown, width=80))
    with bars.task("MNIST, 5,000 digits", 12_345):
        bars.advance(12_345)
    assert shown.getvalue().startswith("MNIST, 5,000 digits ━")


def test_what_the_check_raises_ends_the_study():
    def check():
        raise KeyboardInterrupt

    bars = Bars(Console(file=io.StringIO()), check)
    with pytest.raises(KeyboardInterrupt), bars.task("task", 2):
        bars.advance(1)


@pytest.mark.parametrize("text", ["[red]", "[/b]", "[/]", ":bug:"])
def test_text_is_no_markup(text):
    """Neither styles nor emoji, and the end of a style that never began is no error."""
    shown = io.StringIO()
    bars = Bars(Console(file=shown, width=80))
    with bars.task(f"a {text} problem", 4):
        bars.say(f"{text}.chunk was damaged.")
        bars.advance(4)
    assert f"a {text} problem" in shown.getvalue()
    assert f"{text}.chunk was damaged." in shown.getvalue()
