"""The results as a table for a terminal: with rich for colours, or as plain text."""

from __future__ import annotations

import io

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rmsprop.study import spelling
from rmsprop.study.report import sentences
from rmsprop.study.results.labelled import Results

WIDTH = 80


def table(results: Results) -> Table:
    """The results as a table for a terminal of 80 columns.

    Args:
        results: The results of a comparison.
    """
    whole = Table.grid(expand=True)
    for task in results.tasks:
        under, measure = sentences.under_schedule(results, task), sentences.measure(results, task)
        whole.add_row(f"[bold]{escape(task)}[/]{escape(under)}: {escape(measure)}")
        whole.add_row(_rows(results, task))
    return whole


def plain(results: Results) -> str:
    """The table of `table` as text without colours."""
    console = Console(width=WIDTH, file=io.StringIO(), color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(table(results))
    return capture.get().rstrip()


def _rows(results: Results, task: str) -> Table:
    """The table of one task; its columns have the same width in all of them."""
    columns = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), expand=True)
    columns.add_column("optimizer", width=10, overflow="fold")
    columns.add_column(r"result \[95 %]", width=24, overflow="fold")
    columns.add_column("diverged", width=8, justify="right", overflow="fold")
    columns.add_column("chosen", ratio=1, overflow="fold")
    columns.add_column("s / run", width=7, justify="right", overflow="fold")
    best = results.best(task).optimizer
    for row in results.summary(task):
        name, result = escape(spelling.name(row.optimizer)), escape(str(row.metric))
        columns.add_row(
            name,
            f"[bold]{result}[/]" if row.optimizer == best else result,
            f"{row.diverged} of {row.runs}",
            escape(spelling.settings(row.hyperparameters).replace(", ", "\n")),
            spelling.seconds(row.seconds_per_run),
        )
    return columns
