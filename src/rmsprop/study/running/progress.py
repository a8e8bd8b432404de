"""Showing how far a study is: bars with the time left, or nothing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress
from rich.table import Column
from rich.text import Text

from rmsprop.study.running.foreign_lines import above_the_bar

# What a line needs beside the title and its two counts: the shortest bar, two times of 8 characters
# each, "runs" and "left", a stroke between the counts, and a space between two columns.
BESIDE_THE_TITLE = 4 + 2 * 8 + 2 * 4 + 1 + 6


class Progress(Protocol):
    """What a study tells while it runs; its unit is one training run."""

    @property
    def is_shown(self) -> bool:
        """Whether somebody sees it, so that it pays to measure how long a study will take."""
        ...

    def task(self, title: str, runs: int) -> AbstractContextManager[None]:
        """A context around one task of so many runs."""
        ...

    def extend(self, runs: int) -> None:
        """There are more runs than was said: a grid has grown."""
        ...

    def advance(self, runs: int) -> None:
        """So many runs have ended."""
        ...

    def say(self, sentence: str) -> None:
        """Something has happened that the user should know."""
        ...


class Silent:
    """Shows nothing."""

    is_shown = False

    @contextmanager
    def task(self, title: str, runs: int) -> Iterator[None]:
        """Nothing."""
        yield

    def extend(self, runs: int) -> None:
        """Nothing."""

    def advance(self, runs: int) -> None:
        """Nothing."""

    def say(self, sentence: str) -> None:
        """Nothing."""


class TitleColumn(ProgressColumn):
    """The title of a task, shortened where the counts and times would have no room beside it.

    Args:
        console: Where it is printed.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        super().__init__(Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        """The title, which ends with an ellipsis where it is shortened."""
        counts = 2 * len(f"{task.total or 0:.0f}")
        title = Text(task.description)
        room = self._console.width - BESIDE_THE_TITLE - counts
        title.truncate(max(1, room), overflow="ellipsis")
        return title


class Bars:
    """A bar for every task, with the runs done and the time left.

    Args:
        console: Where to; bars go to standard error, so that a table can be piped.
        check: Called whenever runs have ended; what it raises ends the study.
    """

    def __init__(self, console: Console, check: Callable[[], None] = lambda: None) -> None:
        self._check = check
        self._bars = RichProgress(
            TitleColumn(console),
            BarColumn(bar_width=None),  # the one column that gives way, to a width of 4
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TextColumn("runs"),
            TimeElapsedColumn(Column(no_wrap=True)),
            TextColumn("left"),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
            console=console,
        )
        self._current: TaskID | None = None
        self._total = 0
        self._lock = threading.Lock()  # optimizers run side by side

    @property
    def is_shown(self) -> bool:
        """Whether the console is not quiet."""
        return not self._bars.console.quiet

    @contextmanager
    def task(self, title: str, runs: int) -> Iterator[None]:
        """A new bar below the earlier ones."""
        self._total = runs
        self._current = self._bars.add_task(title, total=runs)
        # In this order the last line of others stands above the bar as it is drawn at the end.
        with self._bars, above_the_bar(self._bars.console):
            yield
        self._bars.remove_task(self._current)  # it stays on the screen, and is not drawn again

    def extend(self, runs: int) -> None:
        """Makes the bar longer."""
        if self._current is not None:
            with self._lock:
                self._total += runs
                self._bars.update(self._current, total=self._total)

    def advance(self, runs: int) -> None:
        """Moves the bar on."""
        self._check()
        if self._current is not None:
            self._bars.advance(self._current, runs)

    def say(self, sentence: str) -> None:
        """A line of its own."""
        self._bars.console.print(sentence, highlight=False, markup=False, emoji=False)
