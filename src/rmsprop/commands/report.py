"""The command `rmsprop report`: the report of a folder's results, written again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rmsprop.study import tasks

if TYPE_CHECKING:
    from rmsprop.study.comparison import Comparison
    from rmsprop.study.problems import Problem
DEFAULT_FOLDER = Path("rmsprop-report")


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `rmsprop report` to `parser`."""
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=DEFAULT_FOLDER,
        metavar="FOLDER",
        help="of an earlier comparison, with its results.nc; default: %(default)s",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where the report goes; default: the same folder",
    )
    _add_quiet(parser)


def _add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--quiet", action="store_true", help="print nothing but errors; default: off"
    )


def report_again(arguments: argparse.Namespace) -> int:
    """Writes the report of a folder's results again.

    Raises:
        FileNotFoundError: there are no results in the folder.
        ValueError: they are damaged, or the folder cannot take the report.
    """
    from rmsprop.study.comparison import Comparison

    result = Comparison.load(arguments.folder)
    # The loss under the paths is drawn where the task is one of the study's own.
    known = [tasks.task(name) for name in result.tasks if name in tasks.TASKS]
    return _told(result, known, arguments.out or arguments.folder, quiet=arguments.quiet)


def _told(result: Comparison, problems: list[Problem], folder: Path, *, quiet: bool) -> int:
    from rich.console import Console

    from rmsprop.study.report import files, sentences, surfaces, table

    surfaces = {
        problem.name: surfaces.surface_of(problem)
        for problem in problems
        if surfaces.is_plane(problem)
    }
    page = files.write(result, folder, surfaces)
    out = Console(quiet=quiet)
    out.print(table.table(result))
    for sentence in (*sentences.limits(result), *sentences.answers(result)):
        out.print(sentence, highlight=False, markup=False)
    out.print(f"\nThe report is {page}", highlight=False, markup=False, soft_wrap=True)
    return 0
