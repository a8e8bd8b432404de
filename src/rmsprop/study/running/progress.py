"""Showing how far a study is: bars with the time left, or nothing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress


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


class Bars:
    """A bar for every task, with the runs done and the time left.

    Args:
        console: Where to; bars go to standard error, so that a table can be piped.
        check: Called whenever runs have ended; what it raises ends the study.
    """

    def __init__(self, console: Console, check: Callable[[], None] = lambda: None) -> None:
        self._check = check
        self._bars = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("runs"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
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
        with self._bars:
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
