"""The folder of a comparison: the page, the pictures, the numbers; and the table for the terminal.

The folder holds `index.html` (self-contained), `figures/*.png` and `results.nc`. A report is made
in a hidden folder inside and moved into place file by file, the page last. Whenever it is
interrupted, the page that is there is whole: the earlier one, or the new one.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import re
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure
from rich import box
from rich.markup import escape
from rich.table import Table

from rmsprop.study import landscape, page, plots, style, wording
from rmsprop.study.results import Comparison
from rmsprop.study.schema import tuned_names
from rmsprop.study.wording import answers

__all__ = ["answers", "prepare", "table", "write"]

PAGE = "index.html"
UNFINISHED = ".rmsprop-"  # begins the names of what an interrupted report leaves behind


def prepare(folder: str | os.PathLike[str]) -> pathlib.Path:
    """See to it, before a long job, that a report can be written there. Nothing is made or changed.

    Args:
        folder: a new or empty folder, or one with an earlier report, which `write` will replace.

    Returns:
        The folder.

    Raises:
        ValueError: it is a file, cannot be written to, or holds something else than a report.
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
        raise ValueError(
            f"the folder {existing} cannot be written to ({error.strerror}); change its "
            "permissions or name another."
        ) from error
    # What a killed run left behind may be ours without a page, but a page that is not ours is not.
    unfinished = PAGE not in names and any(name.startswith(UNFINISHED) for name in names)
    ours = unfinished or _earlier(path)
    if names and not ours:
        raise ValueError(
            f"the folder {path} holds files that are no report of rmsprop, such as {min(names)}; "
            "name a new or empty folder, so that nothing is overwritten."
        )
    return path


def write(
    comparison: Comparison,
    folder: str | os.PathLike[str],
    surfaces: Mapping[str, landscape.Surface] | None = None,
) -> pathlib.Path:
    """Write the report of a comparison.

    Args:
        comparison: the results.
        folder: as `prepare` takes it; made where it is missing, an earlier report is replaced.
        surfaces: task of two parameters -> its loss, for the contours below the paths; see
            `rmsprop.study.landscape.surface_of`.

    Returns:
        The page.

    Raises:
        ValueError: as `prepare`.
        OSError: it cannot be written; an earlier page is then as it was.
    """
    target = prepare(folder)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=target) as made:
        fresh = pathlib.Path(made)
        (fresh / page.FIGURES).mkdir()
        overview = _draw(fresh, _overview(comparison))
        pictures = {
            task: _draw(fresh, _of_task(comparison, task, (surfaces or {}).get(task)))
            for task in comparison.tasks
        }
        text = page.render(comparison, overview, pictures)
        (fresh / PAGE).write_text(text, encoding="utf-8")
        results = comparison.save(fresh)
        figures = sorted((fresh / page.FIGURES).iterdir())
        with _interrupts_wait():
            _move(fresh, target, (results, *figures, fresh / PAGE))
    return target / PAGE


def table(comparison: Comparison) -> Table:
    """The results as a table for a terminal of 80 columns.

    Args:
        comparison: the results.
    """
    whole = Table.grid(expand=True)
    for task in comparison.tasks:
        attributes = comparison.task(task).attrs
        label = f"{attributes['report_label']}, {attributes['report_better']} is better"
        whole.add_row(f"[bold]{escape(task)}[/]: {escape(label)}")
        whole.add_row(_rows(comparison, task))
    return whole


def _rows(comparison: Comparison, task: str) -> Table:
    """The table of one task; its columns have the same width in all of them."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), expand=True)
    made.add_column("optimizer", width=10, overflow="fold")
    made.add_column(r"result \[95 %]", width=24, overflow="fold")
    made.add_column("diverged", width=8, justify="right", overflow="fold")
    made.add_column("chosen", ratio=1, overflow="fold")
    made.add_column("s / run", width=7, justify="right", overflow="fold")
    for row in comparison.summary(task):
        name, result = escape(wording.name(row.optimizer)), escape(str(row.metric))
        made.add_row(
            name,
            f"[bold]{result}[/]" if row is comparison.best(task) else result,
            f"{row.diverged} of {row.runs}",
            escape(wording.settings(row.hyperparameters).replace(", ", "\n")),
            wording.seconds(row.seconds_per_run),
        )
    return made


def _earlier(folder: pathlib.Path) -> bool:
    """Whether the page in a folder is one of ours."""
    try:
        with open(folder / PAGE, encoding="utf-8") as file:
            return page.GENERATOR in file.read(1000)
    except (OSError, UnicodeDecodeError):
        return False


def _move(fresh: pathlib.Path, target: pathlib.Path, files: Iterable[pathlib.Path]) -> None:
    """Move files into place in their order, then drop the figures only the earlier page had."""
    earlier = _figures_of(target / PAGE)
    (target / page.FIGURES).mkdir(exist_ok=True)
    for file in files:
        place = file.relative_to(fresh)
        os.replace(file, target / place)
        earlier.discard(place.as_posix())
    for name in earlier:
        (target / name).unlink(missing_ok=True)


def _figures_of(file: pathlib.Path) -> set[str]:
    """The figures a page of ours links to; no other file in the folder is ever removed."""
    text = file.read_text(encoding="utf-8") if _earlier(file.parent) else ""
    return set(re.findall(rf'href="({page.FIGURES}/[A-Za-z0-9_.-]+\.png)"', text))


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Let Ctrl-C wait until the block has ended; it reaches the main thread only."""
    earlier = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or earlier is None:
        yield
        return
    arrived = []
    signal.signal(signal.SIGINT, lambda *_: arrived.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, earlier)
        if arrived:
            signal.raise_signal(signal.SIGINT)


@dataclass(frozen=True)
class _Drawing:
    """A figure to make, with what the page says of it."""

    name: str
    make: Callable[[], Figure]
    alt: str
    caption: str


def _draw(folder: pathlib.Path, drawings: Iterable[_Drawing]) -> list[page.Picture]:
    """Make figures, one at a time, and put them into a folder as PNG."""
    made = []
    for drawing in drawings:
        figure = drawing.make()
        file = f"{drawing.name}.png"
        (folder / page.FIGURES / file).write_bytes(style.png(figure))
        made.append(page.Picture(file, style.svg(figure), drawing.alt, drawing.caption))
    return made


def _overview(comparison: Comparison) -> Iterator[_Drawing]:
    rows = comparison.differences()
    if not rows:
        return
    told = "; ".join(
        f"{row.task}, {wording.pair(row)}: {row.metric}, {wording.verdict(row)}" for row in rows
    )
    yield _Drawing(
        "differences",
        lambda: plots.differences(comparison),
        f"Paired differences with 95 % intervals. {told}.",
        f"The paired difference, {wording.name(rows[0].first)} minus the other, with its 95 % "
        "interval. Coloured: the interval excludes 0. Each task has its own scale; an arrow is an "
        "interval without end, because runs diverged.",
    )


def _of_task(
    comparison: Comparison, task: str, surface: landscape.Surface | None
) -> Iterator[_Drawing]:
    dataset = comparison.task(task)
    rows = comparison.summary(task)
    ends = "; ".join(f"{wording.name(row.optimizer)} ends at {row.final_loss}" for row in rows)
    yield _Drawing(
        f"{task}-loss",
        lambda: plots.loss_curves(dataset),
        f"Training loss against step on {task}. {ends}.",
        "Training loss of the chosen configurations on the reporting seeds: the line is the "
        "median, the band reaches from the best seed to the worst.",
    )
    for index, (optimizer, names) in enumerate(tuned_names(dataset).items()):
        if len(names) < 2:
            continue
        values = wording.settings(rows[index].hyperparameters)
        yield _Drawing(
            f"{task}-heat-{_file_word(optimizer, index)}",
            functools.partial(plots.heat_map, dataset, optimizer),
            f"Tuning score of {wording.name(optimizer)} on {task} over learning rate and "
            f"{wording.axis(names[1])}. Chosen: {values}.",
            f"{wording.name(optimizer)}: learning rate and {wording.axis(names[1])} together. Dark "
            "is good, the frame is the best, a cross diverged.",
        )
    chosen = "; ".join(
        f"{wording.name(row.optimizer)}, {wording.settings(row.hyperparameters)}" for row in rows
    )
    yield _Drawing(
        f"{task}-learning-rates",
        lambda: plots.learning_rates(dataset),
        f"Tuning score against learning rate on {task}. Chosen: {chosen}.",
        "How much the learning rate matters: a point is the mean over the tuning seeds. A wide "
        "bottom is easy to tune.",
    )
    if "path" in dataset:
        listed = ", ".join(wording.name(row.optimizer) for row in rows)
        yield _Drawing(
            f"{task}-path",
            lambda: plots.path(dataset, surface),
            f"Paths of {listed} over the two parameters of {task}, from the same start.",
            "The path on the first reporting seed, from the circle to the square"
            + (", over contours of the loss." if surface else "."),
        )


def _file_word(name: str, index: int) -> str:
    """A name as part of a file's name; one that is changed gets its number, to stay unique."""
    word = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
    return word if word == name else f"{word}-{index}"
