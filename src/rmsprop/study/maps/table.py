"""A map as tables for a terminal: with rich for colours, or as plain text."""

from __future__ import annotations

import io

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rmsprop.study import spelling
from rmsprop.study.maps import sentences
from rmsprop.study.maps.plots import mark_of, marks, ratio_words
from rmsprop.study.maps.results import MapResults
from rmsprop.study.report.table import WIDTH


def table(results: MapResults) -> Table:
    """A map as tables for a terminal of 80 columns, the answer first.

    Args:
        results: The results of a map.
    """
    whole = Table.grid(expand=True)
    whole.add_row(Text(sentences.paragraph(results)))
    whole.add_row("")
    letters = marks(results)
    better = (f"{letters[name]}: {spelling.name(name)} better" for name in results.optimizers)
    whole.add_row(
        Text(f"In the cells: {sentences.measured(results)}; {', '.join(better)}, =: equal, ?:")
        + Text(" undecided.")
    )
    for name in results.planes:
        whole.add_row("")
        definition = results.definition(name)
        for line in results.lines:
            whole.add_row(Text.assemble((name, "bold"), f", {sentences.line_of(line)}"))
            whole.add_row(_plane(results, name, line, definition.x, definition.y))
    return whole


def _plane(results: MapResults, name: str, line: str, x: str, y: str) -> Table:
    definition, letters = results.definition(name), marks(results)
    columns = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    columns.add_column(Text(f"{y} \\ {x}"), no_wrap=True)
    for value in definition.x_values:
        columns.add_column(Text(f"{value:g}"), justify="right", no_wrap=True)
    cells = results.cells(name, line)
    width = len(definition.x_values)
    for row, value in enumerate(definition.y_values):
        words = [
            Text(
                f"{ratio_words(cell.ratio.value)} {mark_of(cell, letters)}",
                "dim" if cell.verdict == sentences.UNDECIDED else "",
            )
            for cell in cells[row * width : (row + 1) * width]
        ]
        columns.add_row(Text(f"{value:g}"), *words)
    return columns


def plain(results: MapResults) -> str:
    """The tables of `table` as text without colours."""
    console = Console(width=WIDTH, file=io.StringIO(), color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(table(results))
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())
