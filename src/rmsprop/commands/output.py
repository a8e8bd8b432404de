"""What commands share: what is printed, and the report and the table of `compare` and `report`."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rmsprop.study import tasks
from rmsprop.study.problems import Problem

if TYPE_CHECKING:
    from rich.console import Console

    from rmsprop.study.maps.presentation import Map
    from rmsprop.study.results.labelled import Results

DEFAULT_FOLDER = Path("rmsprop-report")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Adds the option `--quiet` to `parser`."""
    parser.add_argument(
        "--quiet", action="store_true", help="print nothing but errors; default: off"
    )


def write_and_print(
    results: Results,
    problems: Sequence[Problem],
    folder: Path,
    *,
    quiet: bool,
    source: Path | None = None,
) -> None:
    """Writes the report of results, and prints the table and what is at the limit of a grid.

    Args:
        results: The results of a comparison.
        problems: What was minimised, as far as it is known: the loss under the paths is drawn where
            the parameters are a point of the plane. The tasks of the library are known.
        folder: Where the report goes.
        quiet: Whether nothing is printed.
        source: The folder that the results were loaded from; None where they were not.

    Raises:
        ValueError: the folder cannot take the report.
        OSError: it cannot be written to.
    """
    from rmsprop.study.report import files, remarks, table
    from rmsprop.study.report.surfaces import is_plane, surface_of
    from rmsprop.study.results.digest import digests

    drawn = [name for name in results.tasks if "path" in results.task(name)]
    own = [problem for problem in problems if problem.name in drawn]
    others = {*drawn} - {problem.name for problem in own}
    known = [tasks.task(name) for name in drawn if name in others and name in tasks.TASKS]
    surfaces = {each.name: surface_of(each) for each in (*own, *known) if is_plane(each)}
    of_tasks = digests(results)
    page = files.write(results, folder, surfaces, of_tasks=of_tasks, source=source)
    shown = console(quiet=quiet)
    with printing():
        shown.print(table.table(results, of_tasks))
        for sentence in remarks.limits(of_tasks):
            shown.print(sentence, highlight=False, markup=False)
        shown.print(f"\nThe report is {page}", highlight=False, markup=False, soft_wrap=True)


def write_and_print_map(result: Map, folder: Path, *, quiet: bool) -> None:
    """Writes the page of a map, and prints its tables.

    Args:
        result: The map.
        folder: Where the page goes.
        quiet: Whether nothing is printed.

    Raises:
        ValueError: the folder cannot take the page.
        OSError: it cannot be written to.
    """
    page = result.write(folder)
    shown = console(quiet=quiet)
    with printing():
        shown.print(result)
        shown.print(f"\nThe page is {page}", highlight=False, markup=False, soft_wrap=True)


def lacks_page(folder: Path) -> bool:
    """Whether a folder holds results that no page tells of: none is there, or it is older."""
    from rmsprop.study.report import files
    from rmsprop.study.results.netcdf import FILE_NAME

    numbers, page = folder / FILE_NAME, folder / files.PAGE
    if not numbers.is_file():
        return False
    return not (page.is_file() and page.stat().st_mtime >= numbers.stat().st_mtime)


def say_what_has_ended(errors: Console, parts: Sequence[str]) -> None:
    """Says which parts of a study that was interrupted its page tells of."""
    told = f"The report is written of what has ended: {', '.join(parts)}."
    errors.print(told, highlight=False, markup=False)


class OutputError(OSError):
    """Nothing can be printed, as where the output is a file on a full disk."""


@contextlib.contextmanager
def printing() -> Iterator[None]:
    """Gives the name of the standard output to an error of the block, which prints to it.

    Raises:
        BrokenPipeError: nobody reads any more.
        OutputError: nothing can be printed.
    """
    try:
        try:
            yield
        finally:  # also where the block ends the program, as `--help` does
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        if isinstance(error, OutputError) or error.filename:
            raise
        raise OutputError(error.errno, error.strerror, "the standard output") from error


def console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """A console of rich that does not end the program where nobody reads any more.

    Rich would end it with the exit code 1. Where nobody reads the standard error, which only shows
    how far a study is, the study goes on in silence, for its report is still wanted.

    Args:
        stderr: Whether it prints to the standard error, in the place of the standard output.
        quiet: Whether nothing is printed.
    """
    from rich.console import Console

    class Piped(Console):
        """A console whose output may be a pipe that closes early."""

        def on_broken_pipe(self) -> None:
            """What is done then."""
            if not stderr:
                raise BrokenPipeError
            self.quiet = True
            discard(sys.stderr)

    return Piped(stderr=stderr, quiet=quiet, emoji=False)


def discard(stream: TextIO) -> None:
    """Lets all that is still printed to a stream go nowhere."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
