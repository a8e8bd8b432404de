"""The results as a table for a terminal: with rich for colours, or as plain text."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rmsprop.study import spelling
from rmsprop.study.report import remarks, sentences
from rmsprop.study.results.digest import Digest, digests
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.summary import Row

WIDTH = 80


def table(results: Results, of_tasks: Sequence[Digest] | None = None) -> Table:
    """The results as a table for a terminal of 80 columns, the answer over all tasks first.

    Args:
        results: The results of a comparison.
        of_tasks: Their digests, where they are there already.
    """
    whole = Table.grid(expand=True)
    of_tasks = digests(results) if of_tasks is None else of_tasks
    if overall := sentences.overall(of_tasks):
        whole.add_row(Text(overall))
        whole.add_row("")
    for digest in of_tasks:
        measure = sentences.measure(digest.dataset)
        whole.add_row(Text.assemble((digest.task, "bold"), f": {measure}"))
        whole.add_row(_rows(digest))
        whole.add_row(Text(sentences.answer(digest)))
        for remark in remarks.twins(digest):
            whole.add_row(Text(remark))
        whole.add_row("")
    return whole


def plain(results: Results) -> str:
    """The table of `table` as text without colours."""
    console = Console(width=WIDTH, file=io.StringIO(), color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(table(results))
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())


def _rows(digest: Digest) -> Table:
    """The table of one task; its columns have the same width in all of them."""
    columns = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), expand=True)
    columns.add_column("schedule", width=11, overflow="fold")
    columns.add_column("optimizer", width=9, overflow="fold")
    columns.add_column(Text("result [95 %]"), width=24, overflow="fold")
    columns.add_column("chosen", ratio=1, overflow="fold")
    columns.add_column("s / run", width=7, justify="right", overflow="fold")
    for schedule, rows in digest.rows.items():
        best = sentences.winners(digest, schedule)
        for index, row in enumerate(rows):
            emphasis = "bold green" if row.optimizer in best else ""
            columns.add_row(
                "" if index else Text(spelling.schedule(schedule)),
                Text(spelling.name(row.optimizer)),
                Text.assemble((str(row.metric), emphasis), _diverged(row)),
                Text(_configuration(row)),
                spelling.seconds(row.seconds_per_run),
            )
    return columns


def _diverged(row: Row) -> str:
    """How many runs diverged, on a line of its own; empty where none did."""
    return f"\n{row.diverged} of {row.runs} diverged" if row.diverged else ""


def _configuration(row: Row) -> str:
    """A configuration with short names: `rate 0.01, initial 0.1`."""
    words = spelling.settings(row.hyperparameters)
    return words.replace("learning rate", "rate").replace("initial accumulator value", "initial")
