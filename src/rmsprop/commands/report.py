"""The command `rmsprop report`: the report of a comparison or a map, written again."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from rmsprop.commands.output import (
    DEFAULT_FOLDER,
    add_quiet,
    console,
    printing,
    write_and_print,
    write_and_print_map,
)
from rmsprop.study.folder import DEFINITION, RUNS, StudyFolder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `rmsprop report` to `parser`."""
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=DEFAULT_FOLDER,
        metavar="FOLDER",
        help="of an earlier comparison or map, with its results.nc; default: %(default)s",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where the report goes: index.html and its figures, the numbers as results.nc,"
        " differences.csv and results.csv, or cells.csv; default: the same folder",
    )
    add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Writes the report of a folder's results again.

    Raises:
        ValueError: there are no results in the folder, they are damaged or of an older format, or
            the folder cannot take the report.
    """
    from rmsprop.study.definition import missing
    from rmsprop.study.maps.presentation import Map
    from rmsprop.study.maps.results import KIND
    from rmsprop.study.report import files
    from rmsprop.study.results import netcdf
    from rmsprop.study.results.labelled import Results

    _check_folder(arguments.folder)
    folder = arguments.out or arguments.folder
    files.prepare(folder, arguments.folder)
    if netcdf.kind(arguments.folder / netcdf.FILE_NAME) == KIND:
        result = Map.load(arguments.folder)
        write_and_print_map(result, folder, quiet=arguments.quiet)
        extent = result.extent
    else:
        results = Results.load(arguments.folder)
        write_and_print(results, (), folder, quiet=arguments.quiet, source=arguments.folder)
        extent = results.extent
    sentence = missing(StudyFolder(arguments.folder).earlier() or {}, extent)
    if sentence:
        with printing():
            output = console(quiet=arguments.quiet)
            output.print(sentence, highlight=False, markup=False, soft_wrap=True)
    return 0


def _check_folder(folder: Path) -> None:
    """Says what a folder is that holds no results, and what to do, in one form for all cases."""
    from rmsprop.study.results.labelled import FILE_NAME

    if (folder / FILE_NAME).exists():
        return
    if not folder.exists():
        raise ValueError(
            f"{folder} does not exist. Name the folder of a comparison, or make one with rmsprop"
            f" compare --out {shlex.quote(str(folder))}."
        )
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file. Name the folder of a comparison.")
    if (folder / DEFINITION).exists() or (folder / RUNS).exists():
        study = "a map of which no plane" if _is_map(folder) else "a comparison of which no task"
        raise ValueError(
            f"{folder} holds {study} has ended. Give the command that began it again, which goes on"
            f" from there{_command_of(folder)}."
        )
    raise ValueError(f"{folder} holds no comparison of rmsprop. Name the folder of one.")


def _is_map(folder: Path) -> bool:
    """Whether the study that a folder holds is a map."""
    try:
        return (StudyFolder(folder).earlier() or {}).get("kind") == "map"
    except ValueError:  # the definition is damaged
        return False


def _command_of(folder: Path) -> str:
    """The command that finishes a study of which no task has ended, where it is known."""
    from rmsprop.study.definition import commands

    try:
        names = commands(StudyFolder(folder).earlier() or {}, {})
    except ValueError:  # the definition is damaged
        return ""
    return f": {', then '.join(names)}" if names else ""
