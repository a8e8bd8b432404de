"""The command `rmsprop report`: the report of a folder's results, written again."""

from __future__ import annotations

import argparse
from pathlib import Path

from rmsprop.commands.output import DEFAULT_FOLDER, add_quiet, write_and_print


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
    from rich.console import Console

    from rmsprop.study.definition import missing
    from rmsprop.study.folder import StudyFolder
    from rmsprop.study.results.labelled import Results

    results = Results.load(arguments.folder)
    folder = arguments.out or arguments.folder
    write_and_print(results, (), folder, quiet=arguments.quiet)
    sentence = missing(StudyFolder(arguments.folder).earlier() or {}, results)
    if sentence and not arguments.quiet:
        Console().print(sentence, highlight=False, markup=False, soft_wrap=True)
    return 0
