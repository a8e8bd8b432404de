"""What the commands `compare` and `report` share: the folder, the report and the table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
            the parameters are a point of the plane.
        folder: Where the report goes.
        quiet: Whether nothing is printed.

    Raises:
        ValueError: the folder cannot take the report.
        OSError: it cannot be written to.
    """
    from rich.console import Console

    from rmsprop.study.report import files, remarks, table
    from rmsprop.study.report.surfaces import is_plane, surface_of
    from rmsprop.study.results.digest import digests

    surfaces = {problem.name: surface_of(problem) for problem in problems if is_plane(problem)}
    page = files.write(results, folder, surfaces)
    console = Console(quiet=quiet)
    console.print(table.table(results))
    for sentence in remarks.limits(digests(results)):
        console.print(sentence, highlight=False, markup=False)
    console.print(f"\nThe report is {page}", highlight=False, markup=False, soft_wrap=True)
