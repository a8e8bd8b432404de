"""What the commands `compare` and `report` share: the folder, the report and the table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rmsprop.study import tasks
from rmsprop.study.problems import Problem

if TYPE_CHECKING:
    from rmsprop.study.results.labelled import Results

DEFAULT_FOLDER = Path("rmsprop-report")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Adds the option `--quiet` to `parser`."""
    parser.add_argument(
        "--quiet", action="store_true", help="print nothing but errors; default: off"
    )


def write_and_print(
    results: Results, problems: Sequence[Problem], folder: Path, *, quiet: bool
) -> None:
    """Writes the report of results, and prints the table and what is at the limit of a grid.

    Args:
        results: The results of a comparison.
        problems: What was minimised, as far as it is known: the loss under the paths is drawn where
            the parameters are a point of the plane. The tasks of the library are known.
        folder: Where the report goes.
        quiet: Whether nothing is printed.

    Raises:
        ValueError: the folder cannot take the report.
        OSError: it cannot be written to.
    """
    from rich.console import Console

    from rmsprop.study.report import files, remarks, table
    from rmsprop.study.report.surfaces import is_plane, surface_of

    drawn = [name for name in results.tasks if "path" in results.task(name)]
    own = [problem for problem in problems if problem.name in drawn]
    others = {*drawn} - {problem.name for problem in own}
    known = [tasks.task(name) for name in drawn if name in others and name in tasks.TASKS]
    surfaces = {each.name: surface_of(each) for each in (*own, *known) if is_plane(each)}
    page = files.write(results, folder, surfaces)
    console = Console(quiet=quiet, emoji=False)
    console.print(table.table(results))
    for sentence in remarks.limits(results):
        console.print(sentence, highlight=False, markup=False)
    console.print(f"\nThe report is {page}", highlight=False, markup=False, soft_wrap=True)
