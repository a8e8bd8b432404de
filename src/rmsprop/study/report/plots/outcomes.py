"""Pictures of outcomes: schedules and settings, memory, the profile over all tasks.

These take whole results, or a task of them, while pictures of one view stand in `runs` and
`tuning`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from rmsprop.study import spelling
from rmsprop.study.report.plots import style, values
from rmsprop.study.report.plots.style import fit_vertical_axis
from rmsprop.study.results.across import Profile
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.schema import TUNED, names_of, worst_value
from rmsprop.study.results.summary import Row


def schedules(digest: Digest, schedule: str | None = None) -> Figure:
    """The reported metric of each optimizer, tuned under each schedule and with complete defaults.

    A filled point is tuned, an empty one has the defaults of whoever ships them, of which each has
    a place of its own beside the schedules; the line is the 95 % interval. A cross at the bad end
    of the axis is a result that is infinite, because runs diverged.

    Args:
        digest: What the results of a task say.
        schedule: The name of the only schedule that is drawn; None for all.

    Raises:
        ValueError: There is no such schedule.
    """
    if schedule is not None:
        digest.results.view(digest.task, schedule)  # refuses an unknown name
    names = digest.schedules if schedule is None else (schedule,)
    groups = [(spelling.schedule(name), digest.rows[name]) for name in names]
    groups += [
        (spelling.setting(setting), digest.defaults.get((names[0], setting), ()))
        for setting in digest.settings[1:]
    ]
    groups = [(label, rows) for label, rows in groups if rows]
    optimizers = names_of(digest.dataset, "optimizer")
    entries = [
        x for x in optimizers if any(x == row.optimizer for _, rows in groups for row in rows)
    ]
    numbers = [
        number
        for _, rows in groups
        for row in rows
        for number in (row.metric.low, row.metric.value, row.metric.high)
    ]
    head = style.head_height(len(entries))
    figure, (axes,) = style.panels(1.9 + head, top=head)
    fit_vertical_axis(axes, np.array(numbers), digest.better)
    bad = worst_value(digest.better)
    for index, optimizer in enumerate(optimizers):
        label: str | None = style.entry(optimizer)
        points: list[tuple[float, float, str, str]] = []
        for place, (_, rows) in enumerate(groups):
            for row in rows:
                if row.optimizer == optimizer:
                    x = place + (index + 0.5 - len(optimizers) / 2) * 0.6 / len(optimizers)
                    _point(axes, row, x, index, bad, label)
                    label = None
                    value = row.metric.value
                    y = value if math.isfinite(value) else bad
                    points.append((x, y, _place_words(row), str(row.metric)))
        if points:
            x, y, where, words = zip(*points, strict=True)
            values.note(values.Series(axes, spelling.name(optimizer), x, y, "", where, words))
    axes.set_xlim(-0.5, len(groups) - 0.5)
    length = 16 if len(groups) <= 3 else 11 if len(groups) <= 5 else 8
    labels = [spelling.clipped(label, length) for label, _ in groups]
    axes.set_xticks(range(len(groups)), labels, parse_math=False)
    axes.tick_params(axis="x", labelcolor=style.INK)
    axes.grid(False, axis="x")
    empty = "; empty: complete defaults" if len(groups) > len(names) else ""
    axes.set_xlabel(f"filled: tuned under this schedule{empty}")
    style.title(axes, digest.label, len(entries))
    style.legend(axes)
    return figure


def _place_words(row: Row) -> str:
    """The schedule under which a row is tuned, or whose defaults it has."""
    tuned = f"{spelling.schedule(row.schedule)}, tuned"
    return tuned if row.setting == TUNED else spelling.defaults(row.setting)


def _point(axes: Axes, row: Row, x: float, index: int, bad: float, label: str | None) -> None:
    """One result with its interval; empty where nothing was tuned."""
    low, high = axes.get_ylim()
    colour, marker = style.colour(index), style.MARKERS[index % len(style.MARKERS)]
    ends = np.clip(np.nan_to_num([row.metric.low, row.metric.high], nan=bad), low, high)
    if not math.isnan(row.metric.low):
        axes.plot([x, x], ends, color=colour, lw=1.8, solid_capstyle="butt")
    if math.isfinite(row.metric.value):
        y = row.metric.value
    else:
        y, marker = high if bad > 0 else low, "x"
    face = colour if row.setting == TUNED else style.PAPER
    style.point(axes, x, y, marker, colour, size=6.5, face=face, label=label)


def memory(of_tasks: Sequence[Digest]) -> Figure:
    """Bytes of optimizer state beside those of the parameters, a row per task.

    The bar is the size of the parameters; at the right stands how many copies of them a state is.

    Args:
        of_tasks: What the results of each task say.
    """
    rows = [row for digest in of_tasks for row in digest.rows[digest.schedules[0]]]
    names = list(dict.fromkeys(row.optimizer for row in rows))
    entries, tasks = len(names) + 1, [digest.task for digest in of_tasks]
    pitch = 0.14 * len(names) + 0.08
    top = style.head_height(entries)
    figure, (axes,) = style.panels(
        0.5 + pitch * len(tasks) + top, left=0.25, right=0.86, top=top, bottom=0.5
    )
    sizes = [size for row in rows for size in (row.state_bytes, row.parameter_bytes) if size > 0]
    low, high = min(sizes, default=1) / 4, max(sizes, default=1) * 4
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(len(tasks) - 0.5, -0.5)
    offsets = 0.14 / pitch * (np.arange(len(names)) - (len(names) - 1) / 2)
    for row in rows:
        place, index = tasks.index(row.task), names.index(row.optimizer)
        y = place + offsets[index]
        if index == 0:
            half = 0.5 - 0.05 / pitch
            label = "parameters" if place == 0 else None
            size, ends = [row.parameter_bytes] * 2, [place - half, place + half]
            bar = {"color": style.MUTED, "lw": 9, "alpha": 0.4, "solid_capstyle": "butt"}
            axes.plot(size, ends, **bar, label=label)
        _state(axes, row, y, index, max(row.state_bytes, low), place == 0)
    for place, task in enumerate(tasks):
        of_task = [row for row in rows if row.task == task]
        heights = [place + offsets[names.index(row.optimizer)] for row in of_task]
        _note_sizes(axes, task, of_task, [place, *heights])
    axes.set_yticks(range(len(tasks)), [spelling.clipped(task, 14) for task in tasks])
    axes.tick_params(axis="y", labelcolor=style.INK)
    axes.grid(False, axis="y")
    axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda size, _: spelling.size(size)))
    axes.set_xlabel("bytes; at the right, the state as a multiple of the parameters")
    style.title(axes, "memory of the optimizer state and of the parameters", entries)
    style.legend(axes)
    return figure


def _note_sizes(axes: Axes, task: str, rows: Sequence[Row], heights: Sequence[float]) -> None:
    """The sizes of the parameters and the states of a task, for those who ask for them.

    Args:
        axes: The axes of the picture of memory.
        task: The name of the task.
        rows: The rows of the task.
        heights: The vertical places of the parameters and of each state.
    """
    names = ["parameters", *(spelling.name(row.optimizer) for row in rows)]
    sizes = [rows[0].parameter_bytes, *(row.state_bytes for row in rows)]
    words = [spelling.size(size) for size in sizes]
    values.note(values.Series(axes, task, sizes, heights, "", names, words))


def _state(axes: Axes, row: Row, y: float, index: int, x: float, first: bool) -> None:
    """The state of one optimizer on one task, and at the right how many parameters it is."""
    colour, marker = style.colour(index), style.MARKERS[index % len(style.MARKERS)]
    label = style.entry(row.optimizer) if first else None
    style.point(axes, x, y, marker, colour, edge=style.PAPER, label=label, zorder=3)
    copies = row.state_bytes / row.parameter_bytes if row.parameter_bytes else math.nan
    place, beside = (1.02, y), axes.get_yaxis_transform()
    text = f"{copies:.3g} ×"
    axes.annotate(text, place, xycoords=beside, va="center", fontsize=8.5, color=style.INK)


def profile(curves: Profile) -> Figure:
    """The share of runs that come within a factor of the best optimizer, over all tasks.

    The band is the 95 % interval over seeds; see `rmsprop.study.results.across.profile`.

    Args:
        curves: The share of the runs of each optimizer, by factor.
    """
    entries = len(curves.optimizers)
    figure, (axes,) = style.panels(2.2 + style.head_height(entries), top=style.head_height(entries))
    for index, name in enumerate(curves.optimizers):
        colour, label = style.colour(index), style.entry(name)
        band = curves.low[index], curves.high[index]
        axes.fill_between(curves.factors, *band, color=colour, alpha=0.18, linewidth=0)
        line = {"ls": style.dash(index), "color": colour, "lw": 1.8}
        axes.plot(curves.factors, curves.share[index], label=label, **line)
        points = (
            curves.factors,
            curves.share[index],
            "factor",
            [f"{x:.3g}" for x in curves.factors],
        )
        share, low, high = (
            [f"{100 * x:.0f} %" for x in each] for each in (curves.share[index], *band)
        )
        interval = (share, "95 % interval", low, high)
        values.note(values.Series(axes, spelling.name(name), *points, *interval))
    axes.set_xscale("log")
    axes.set_xlim(curves.factors[0], curves.factors[-1])
    axes.set_ylim(-0.03, 1.03)
    style.logarithmic_ticks(axes.xaxis, curves.factors[0], curves.factors[-1])
    axes.set_xlabel("factor of the best optimizer's mean")
    style.title(axes, "share of runs within this factor, all tasks alike", entries)
    style.legend(axes)
    return figure
