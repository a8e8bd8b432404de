"""The command `rmsprop report`: the report of a folder's results, written again."""

from __future__ import annotations

import argparse
from pathlib import Path

from rmsprop.commands.output import DEFAULT_FOLDER, add_quiet, write_and_print
from rmsprop.study import tasks


def add_arguments(parser: argparse.ArgumentParser) -> None:
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
    add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Writes the report of a folder's results again.

    Raises:
        FileNotFoundError: there are no results in the folder.
        ValueError: they are damaged or of an older format, or the folder cannot take the report.
    """
    from rmsprop.study.results.labelled import Results

    results = Results.load(arguments.folder)
    # The loss under the paths is drawn where the task is one of the study's own.
    problems = [tasks.task(name) for name in results.tasks if name in tasks.TASKS]
    folder = arguments.out or arguments.folder
    write_and_print(results, problems, folder, quiet=arguments.quiet)
    return 0
