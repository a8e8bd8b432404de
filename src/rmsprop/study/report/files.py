"""The folder of a comparison: the page, the pictures, the numbers.

The folder holds `index.html` (self-contained), `figures/*.png`, `results.nc` and the same numbers
as `differences.csv` and `results.csv`. A report is written to a hidden folder inside and moved into
place file by file, the page last. Whenever it is interrupted, the page that is there is whole: the
earlier one, or the new one.
"""

from __future__ import annotations

import os
import pathlib
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence

from matplotlib.figure import Figure

from rmsprop.study import atomic, interrupts
from rmsprop.study.atomic import UNFINISHED
from rmsprop.study.folder import DEFINITION, RUNS, check_links
from rmsprop.study.report import csv_files
from rmsprop.study.report.page import document, markup, page
from rmsprop.study.report.plots import export
from rmsprop.study.report.surfaces import Surface
from rmsprop.study.results.digest import Digest, digests
from rmsprop.study.results.labelled import FILE_NAME, Results

PAGE = "index.html"


def prepare(
    folder: str | os.PathLike[str], source: str | os.PathLike[str] | None = None
) -> pathlib.Path:
    """Checks, before a long job, that a report can be written to a folder; changes nothing.

    Args:
        folder: A new or empty folder, or one with an earlier report, which `write` will replace.
        source: The folder that the results were loaded from; None where they were not. Where it is
            the same one, its results need no report beside them.

    Returns:
        The path of the folder.

    Raises:
        ValueError: The folder is a file, cannot be written to, holds something else than a report,
            or a link in the place of a part of the report.
    """
    path = existing = pathlib.Path(folder)
    try:
        while not existing.exists():
            existing = existing.parent
        if not existing.is_dir():
            raise ValueError(f"{existing} is a file, but the report needs a folder; name another.")
        tempfile.TemporaryFile(dir=existing).close()
        names = [entry.name for entry in path.iterdir()] if path.is_dir() else []
    except OSError as error:
        words = error.strerror or str(error)
        raise ValueError(str(atomic.WriteError(existing, error.errno, words))) from error
    # What a killed run left behind may be ours without a page, but a page that is not ours is not.
    parts = {DEFINITION, RUNS}
    if source is not None and pathlib.Path(source).resolve() == path.resolve():
        parts |= {FILE_NAME}
    remains = parts & {*names} or any(name.startswith(UNFINISHED) for name in names)
    ours = (PAGE not in names and remains) or _holds_report(path)
    if names and not ours:
        raise ValueError(
            f"the folder {path} holds files that are no report of rmsprop, such as"
            f" {PAGE if PAGE in names else min(names)}; name a new or empty folder with --out"
            " (folder= in Python), so that nothing is overwritten."
        )
    tables = (csv_files.DIFFERENCES, csv_files.RESULTS, csv_files.CELLS)
    check_links(path, (PAGE, FILE_NAME, *tables, markup.FIGURES, DEFINITION, RUNS))
    return path


def write(
    results: Results,
    folder: str | os.PathLike[str],
    surfaces: Mapping[str, Surface] | None = None,
    *,
    of_tasks: Sequence[Digest] | None = None,
    source: str | os.PathLike[str] | None = None,
) -> pathlib.Path:
    """Writes the report of a comparison.

    Args:
        results: The results of the comparison.
        folder: The folder of the report, as `prepare` takes it. It is created where it is missing;
            an earlier report is replaced.
        surfaces: The loss of tasks of two parameters by their names, for the contours below the
            paths; see `rmsprop.study.report.surfaces.surface_of`.
        of_tasks: The digests of the results, where they are there already.
        source: The folder that the results were loaded from, as `prepare` takes it.

    Returns:
        The path of the page.

    Raises:
        ValueError: The folder is refused by `prepare`.
        WriteError: The report cannot be written; an earlier page is then as it was.
    """
    target = prepare(folder, source)
    figures: dict[str, bytes] = {}

    def keep(name: str, figure: Figure) -> None:
        """Draws a figure that is to be written."""
        figures[name] = export.png(figure)

    of_tasks = digests(results) if of_tasks is None else of_tasks
    text = page.page_of(results, of_tasks, surfaces, keep)
    return replace_report(
        target,
        text,
        figures,
        lambda fresh: [results.save(fresh), *csv_files.write(of_tasks, fresh)],
    )


def replace_report(
    target: pathlib.Path,
    text: str,
    figures: Mapping[str, bytes],
    numbers: Callable[[pathlib.Path], Iterable[pathlib.Path]],
) -> pathlib.Path:
    """Puts a report into a folder, in the place of an earlier one.

    Args:
        target: The folder, which `prepare` has checked.
        text: The page.
        figures: The pictures as PNG by the names of their files.
        numbers: A function that writes the files of numbers into a folder and returns their paths.

    Returns:
        The path of the page.

    Raises:
        WriteError: The report cannot be written; an earlier page is then as it was.
    """
    with atomic.writing(target):
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=target) as hidden:
            fresh = pathlib.Path(hidden)
            (fresh / markup.FIGURES).mkdir()
            pictures = [fresh / markup.FIGURES / name for name in sorted(figures)]
            for picture in pictures:
                picture.write_bytes(figures[picture.name])
            (fresh / PAGE).write_text(text, encoding="utf-8")
            files = [*numbers(fresh)]
            with interrupts.deferred():
                _move(fresh, target, (*files, *pictures, fresh / PAGE))
    return target / PAGE


def _holds_report(folder: pathlib.Path) -> bool:
    """Whether the page in a folder is one of rmsprop."""
    try:
        with open(folder / PAGE, encoding="utf-8") as file:
            return document.GENERATOR in file.read(1000)
    except (OSError, UnicodeDecodeError):
        return False


def _move(fresh: pathlib.Path, target: pathlib.Path, files: Iterable[pathlib.Path]) -> None:
    """Moves files into place in their order, then removes figures of the earlier page alone."""
    earlier = _figures_of(target / PAGE)
    (target / markup.FIGURES).mkdir(exist_ok=True)
    for file in files:
        place = file.relative_to(fresh)
        os.replace(file, target / place)
        earlier.discard(place.as_posix())
    for name in earlier:
        (target / name).unlink(missing_ok=True)


def _figures_of(file: pathlib.Path) -> set[str]:
    """The figures that a page of rmsprop links to; no other file in the folder is removed."""
    text = file.read_text(encoding="utf-8") if _holds_report(file.parent) else ""
    return set(re.findall(rf'href="({markup.FIGURES}/[A-Za-z0-9_.-]+\.png)"', text))
