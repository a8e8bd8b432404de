"""Which pictures a page has, each with what it shows in words and how it is read."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import xarray as xr
from matplotlib.figure import Figure

from rmsprop.study import spelling
from rmsprop.study.report import plots, sentences
from rmsprop.study.report.surfaces import Surface
from rmsprop.study.results import across, trials
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.schema import TUNED, tuned_names
from rmsprop.study.results.summary import Row


@dataclass(frozen=True)
class Drawing:
    """A figure that can be drawn, with what the page says of it.

    Attributes:
        name: The name of its file, without the ending.
        make: The function that draws it.
        alt: What the figure shows, in words for those who do not see it.
        caption: How the figure is read.
    """

    name: str
    make: Callable[[], Figure]
    alt: str
    caption: str


def overview_drawings(results: Results, of_tasks: Sequence[Digest]) -> Iterator[Drawing]:
    """The pictures of all tasks together."""
    yield from _profile_drawing(results, of_tasks)
    sizes = "; ".join(
        f"{row.task}, {spelling.name(row.optimizer)}: {spelling.size(row.state_bytes)} beside "
        f"{spelling.size(row.parameter_bytes)} of parameters"
        for digest in of_tasks
        for row in digest.rows[digest.schedules[0]]
    )
    yield Drawing(
        "memory",
        lambda: plots.memory(of_tasks),
        f"Bytes of optimizer state. {sizes}.",
        "The points show the size of an optimizer's state, and the grey bar that of the "
        "parameters. The number at the right is the size of the state as a multiple of the "
        "parameters.",
    )


def _profile_drawing(results: Results, of_tasks: Sequence[Digest]) -> Iterator[Drawing]:
    """The performance profile, where there are several optimizers and tasks to sum up."""
    curves = across.profile(results) if len(of_tasks) > 1 else None
    if curves is None or len(curves.optimizers) < 2:
        return
    shares = "; ".join(
        f"{spelling.name(name)} {100 * curves.share[index, 0]:.0f} % within a factor of 1 and "
        f"{100 * curves.share[index, -1]:.0f} % within {curves.factors[-1]:g}"
        for index, name in enumerate(curves.optimizers)
    )
    without = [digest.task for digest in of_tasks if digest.task not in curves.tasks]
    rest = ""
    if without:
        are = "are" if len(without) > 1 else "is"
        rest = f" {spelling.listed(without)} {are} left out, because ratios mean nothing there."
    yield Drawing(
        "profile",
        lambda: plots.profile(curves),
        f"Share of runs within a factor of the best optimizer's mean. {shares}.",
        "The picture shows the share of runs whose loss or error rate is at most a given multiple "
        "of the best optimizer's mean on the same task. Each optimizer runs under its own better "
        "schedule, and a reference runs under its only one. All tasks count alike. The band is the "
        f"95 % interval over seeds.{rest}",
    )


def task_drawings(digest: Digest, surface: Surface | None = None) -> Iterator[Drawing]:
    """The pictures of one task, tuned and under its first schedule where nothing else is said.

    The page has two columns, so that neighbours are about as high as each other.
    """
    task, view, rows = digest.task, digest.view, digest.rows[digest.schedules[0]]
    yield from _run_drawings(digest, rows)
    yield _schedule_drawing(digest)
    yield _budget_drawing(digest, rows)
    for index, (row, names) in enumerate(zip(rows, tuned_names(view).values(), strict=True)):
        if len(names) > 1:
            yield _heat_map_drawing(view, task, row, names[1], index)
    yield _rates_drawing(digest, rows)
    if "path" in view:
        names = ", ".join(spelling.name(row.optimizer) for row in rows)
        yield Drawing(
            f"{task}-path",
            lambda: plots.path(view, surface),
            f"Paths of {names} over the two parameters of {task}, from the same start.",
            "The picture shows the paths on the first reporting seed, from the circle to the "
            + ("squares, over contours of the loss on the first batch." if surface else "squares."),
        )


def _run_drawings(digest: Digest, rows: Iterable[Row]) -> Iterator[Drawing]:
    """The pictures of the reporting runs: the loss and the effective learning rate."""
    task, view = digest.task, digest.view
    ends = _by_optimizer(rows, lambda row: f"ends at {row.final_loss}")
    yield Drawing(
        f"{task}-loss",
        lambda: plots.loss_curves(view),
        f"Training loss against step on {task}. {ends}.",
        "The picture shows the training loss of the chosen configurations on the reporting seeds. "
        "The line is the median, and the band reaches from the best seed to the worst.",
    )
    slopes = _by_optimizer(
        rows, lambda row: sentences.exponent(digest.exponents[digest.schedules[0], row.optimizer])
    )
    yield Drawing(
        f"{task}-effective-rates",
        lambda: plots.effective_rates(view),
        f"Effective learning rate against step on {task}, both logarithmic. Exponent in the second "
        f"half: {slopes}.",
        "The effective learning rate is how far a coordinate moves for a unit of its gradient. The "
        "line is the median over some coordinates, the band lies between their quartiles, and the "
        "thin lines are their 5 % and 95 % quantiles. The grey line falls as 1/sqrt(t).",
    )


def _schedule_drawing(digest: Digest) -> Drawing:
    """The picture of the results under each schedule and setting."""
    task, first = digest.task, digest.schedules[0]
    places = {(schedule, TUNED): rows for schedule, rows in digest.rows.items()}
    places |= {place: rows for place, rows in digest.defaults.items() if place[0] == first}
    metrics = ". ".join(
        f"Schedule {spelling.schedule(schedule)}, {spelling.defaults(setting)}: "
        + _by_optimizer(rows, _metric)
        for (schedule, setting), rows in places.items()
    )
    return Drawing(
        f"{task}-schedules",
        lambda: plots.schedules(digest),
        f"Results on {task} by schedule of the learning rate and setting. {metrics}.",
        "The picture shows what tuning is worth. Filled points are tuned for each schedule; empty "
        f"points have complete defaults and the schedule {spelling.schedule(first)}. The line is "
        "the 95 % interval. A cross marks a setting that diverged.",
    )


def _rates_drawing(digest: Digest, rows: Iterable[Row]) -> Drawing:
    """The picture of the learning rates that were tried."""
    task, first = digest.task, digest.schedules[0]
    lower = digest.view.attrs["choose_by_better"] == "lower"
    close_rates = _by_optimizer(
        rows, lambda row: sentences.rates(digest.rates[first, row.optimizer])
    )
    return Drawing(
        f"{task}-learning-rates",
        lambda: plots.learning_rates(digest.view),
        f"Tuning score against learning rate on {task}. Within 5 % of the best: {close_rates}.",
        "The picture shows how much the learning rate matters. Each point is the mean score of a "
        f"configuration over the tuning seeds that it ran on in the race. A wide "
        f"{'bottom' if lower else 'top'} makes an optimizer easy to tune.",
    )


def _budget_drawing(digest: Digest, rows: Iterable[Row]) -> Drawing:
    """The picture of what a small budget buys."""
    task, first = digest.task, digest.schedules[0]
    expected = _by_optimizer(
        rows,
        lambda row: ", ".join(
            f"{spelling.number(number)} of {spelling.trial_count(k)}"
            for k in trials.BUDGETS
            if (number := digest.budgets[first, row.optimizer].of(k)) is not None
        ),
    )
    return Drawing(
        f"{task}-budget",
        lambda: plots.budget(digest.view, [digest.budgets[first, row.optimizer] for row in rows]),
        f"Expected best against configurations tried on {task}. {expected}.",
        "The picture shows what a small budget buys. For each number on the axis, that many "
        "configurations are drawn from the first grid, the best of them is chosen on the tuning "
        "seeds, and its value is measured on other seeds. The band is the 95 % interval.",
    )


def _heat_map_drawing(view: xr.Dataset, task: str, row: Row, second: str, index: int) -> Drawing:
    name = spelling.name(row.optimizer)
    return Drawing(
        f"{task}-heat-{_file_word(row.optimizer, index)}",
        functools.partial(plots.heat_map, view, row.optimizer),
        f"Tuning score of {name} on {task} over learning rate and {spelling.axis(second)}. Chosen: "
        f"{spelling.settings(row.hyperparameters)}.",
        f"The picture shows the tuning score of {name} over learning rate and "
        f"{spelling.axis(second)}. Dark cells are good. The frame marks the chosen configuration; "
        "a cross marks one that diverged.",
    )


def _by_optimizer(rows: Iterable[Row], words: Callable[[Row], str]) -> str:
    """The words of each row behind the name of its optimizer, with semicolons."""
    return "; ".join(f"{spelling.name(row.optimizer)} {words(row)}" for row in rows)


def _metric(row: Row) -> str:
    return str(row.metric)


def _file_word(name: str, index: int) -> str:
    """A name as part of a file's name; one that is changed ends with `index`, to stay unique."""
    word = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
    return word if word == name else f"{word}-{index}"
