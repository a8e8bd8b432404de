"""The bars: one for every task, which grows with its grid and is drawn once."""

import io

import pytest
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
