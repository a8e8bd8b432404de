"""Pictures of outcomes: differences, schedules, the tuned beside the default setting, memory.

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
from rmsprop.study.report.plots import style
from rmsprop.study.report.plots.style import fit_vertical_axis
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.schema import SETTINGS, worst_value
from rmsprop.study.results.summary import Difference, Row


def differences(results: Results, schedule: str | None = None) -> Figure:
    """The differences of the reported metric with their 95 % intervals, a row each.

    Every row has a scale of its own, for tasks have different units. Where the two are equal is in
    the middle, 1 for a ratio and 0 for a difference, and what is better for the first optimizer is
    on the left.

    Args:
        results: The results of at least two optimizers.
        schedule: The name of a schedule of the learning rate; None for the first.

    Raises:
        ValueError: There is one optimizer only, so nothing to compare.
    """
    rows = results.differences(schedule=schedule)
    if not rows:
        raise ValueError("there is one optimizer only; compare at least two to see a difference.")
    figure, panels = style.panels(
        height=0.4 + 0.95 * len(rows),
        rows=len(rows),
        left=0.05,
        right=0.95,
        top=0.48,
        bottom=0.3,
        hspace=1.6,
    )
    for axes, row in zip(panels, rows, strict=True):
        dataset = results.task(row.task)
        optimizers = list(dataset["optimizer"].values)
        colour = style.colour(optimizers.index(row.winner)) if row.winner else style.INK
        _strip(axes, row, colour)
        text = spelling.clipped(f"{row.task}: {dataset.attrs['report_label']}", 52)
        axes.set_title(text, loc="left", fontsize=9, color=style.INK, pad=16, parse_math=False)
    return figure


def schedules(results: Results, task: str, schedule: str | None = None) -> Figure:
    """The reported metric of each optimizer under each schedule, tuned and by default.

    A filled point is the tuned setting, an empty one the default; the line is the 95 % interval.
    A cross at the bad end of the axis is a result that is infinite, because runs diverged.

    Args:
        results: The results of a comparison.
        task: The name of a task.
        schedule: The name of the only schedule that is drawn; None for all.
    """
    attributes = results.task(task).attrs
    names = results.schedules(task) if schedule is None else (schedule,)
    groups = [
        [results.summary(task, schedule=name, setting=setting) for setting in SETTINGS]
        for name in names
    ]
    numbers = [
        number
        for setting_rows in groups
        for rows in setting_rows
        for row in rows
        for number in (row.metric.low, row.metric.value, row.metric.high)
    ]
    entries = len(groups[0][0])
    figure, (axes,) = style.panels(1.9 + style.head_height(entries), top=style.head_height(entries))
    fit_vertical_axis(axes, np.array(numbers), attributes["report_better"])
    bad = worst_value(attributes["report_better"])
    for place, group in enumerate(groups):
        _points(axes, group, place, bad)
    axes.set_xlim(-0.5, len(names) - 0.5)
    labels = [spelling.clipped(spelling.schedule(name), 16) for name in names]
    axes.set_xticks(range(len(names)), labels)
    axes.tick_params(axis="x", labelcolor=style.INK)
    axes.grid(False, axis="x")
    axes.set_xlabel("schedule of the learning rate; filled: tuned, empty: default")
    style.title(axes, attributes["report_label"], entries)
    style.legend(axes)
    return figure


def _points(axes: Axes, group: Sequence[Sequence[Row]], place: int, bad: float) -> None:
    """The optimizers of one schedule side by side, each tuned and, beside that, by default."""
    low, high = axes.get_ylim()
    for setting, rows in enumerate(group):
        for index, row in enumerate(rows):
            x = place + (2 * index + setting + 0.5 - len(rows)) * 0.35 / len(rows)
            colour, marker = style.colour(index), style.MARKERS[index % len(style.MARKERS)]
            label = spelling.short(row.optimizer) if setting == place == 0 else None
            ends = np.clip(np.nan_to_num([row.metric.low, row.metric.high], nan=bad), low, high)
            if not math.isnan(row.metric.low):
                axes.plot([x, x], ends, color=colour, lw=1.8, solid_capstyle="butt")
            if math.isfinite(row.metric.value):
                y = row.metric.value
            else:
                y, marker = high if bad > 0 else low, "x"
            face = style.PAPER if setting else colour
            style.point(axes, x, y, marker, colour, size=6.5, face=face, label=label)


def memory(results: Results) -> Figure:
    """Bytes of optimizer state beside those of the parameters, a row per task.

    The bar is the size of the parameters; at the right stands how many copies of them a state is.

    Args:
        results: The results of a comparison.
    """
    rows = results.summary()
    names = list(dict.fromkeys(row.optimizer for row in rows))
    entries, tasks = len(names) + 1, results.tasks
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
    for row in rows:
        place, index = tasks.index(row.task), names.index(row.optimizer)
        y = place + (index - (len(names) - 1) / 2) * 0.14 / pitch
        if index == 0:
            half = 0.5 - 0.05 / pitch
            label = "parameters" if place == 0 else None
            size, ends = [row.parameter_bytes] * 2, [place - half, place + half]
            bar = {"color": style.MUTED, "lw": 9, "alpha": 0.4, "solid_capstyle": "butt"}
            axes.plot(size, ends, **bar, label=label)
        _state(axes, row, y, index, max(row.state_bytes, low), place == 0)
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


def _state(axes: Axes, row: Row, y: float, index: int, x: float, first: bool) -> None:
    """The state of one optimizer on one task, and at the right how many parameters it is."""
    colour, marker = style.colour(index), style.MARKERS[index % len(style.MARKERS)]
    label = spelling.short(row.optimizer) if first else None
    style.point(axes, x, y, marker, colour, edge=style.PAPER, label=label, zorder=3)
    copies = row.state_bytes / row.parameter_bytes if row.parameter_bytes else math.nan
    place, beside = (1.02, y), axes.get_yaxis_transform()
    text = f"{copies:.3g} ×"
    axes.annotate(text, place, xycoords=beside, va="center", fontsize=8.5, color=style.INK)


def _strip(axes: Axes, row: Difference, colour: str) -> None:
    """One interval around equality, with who is better on which side."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=style.MUTED, linewidth=1)
    ends = np.array([row.metric.low, row.metric.value, row.metric.high])
    low, value, high = np.log(ends) if row.is_ratio else ends
    reach = 1.25 * max((abs(x) for x in (low, value, high) if math.isfinite(x)), default=0)
    flat = reach == 0  # there is no scale
    reach = 1.0 if flat else reach
    left = -reach if row.better == "lower" else reach
    axes.set_xlim(left, -left)
    axes.set_ylim(-1, 1)
    if flat:
        axes.set_xticks([0], ["1" if row.is_ratio else "0"])
    elif row.is_ratio:
        axes.set_xticks(*_ratio_ticks(reach))
    else:
        axes.locator_params(axis="x", nbins=5)
    if not math.isnan(low):
        axes.plot([low, high], [0, 0], color=colour, linewidth=3, solid_capstyle="butt")
    axes.plot(value, 0, "o", color=colour, markersize=8, mec=style.PAPER)
    _name_sides(axes, row)


def _ratio_ticks(reach: float) -> tuple[list[float], list[str]]:
    """Round ratios on an axis of their logarithms that goes from -reach to reach, with labels."""
    ends = math.exp(-reach), math.exp(reach)
    if reach < math.log(2):
        # Steps of a round size to either side of 1, so that equality has a tick.
        below = -math.expm1(-reach)
        decade = 10.0 ** math.floor(math.log10(below))
        step = decade * max(digit for digit in (1, 2, 5) if digit * decade <= below)
        ratios = 1 + step * np.arange(-9, 10)
    else:
        subs = (1, 2, 5) if reach < math.log(20) else (1,)
        ratios = LogLocator(subs=subs, numticks=7).tick_values(*ends)
        ratios = np.union1d(ratios, [1.0])
    digits = 4 if reach > 1e-2 else 8
    inside = [float(ratio) for ratio in ratios if ends[0] <= ratio <= ends[1]]
    return [math.log(ratio) for ratio in inside], [f"{ratio:.{digits}g}" for ratio in inside]


def _name_sides(axes: Axes, row: Difference) -> None:
    """Says above an interval on which side each of the two is better."""
    first, second = spelling.short(row.first), spelling.short(row.second)
    small = {"fontsize": 8.5, "color": style.MUTED, "parse_math": False}
    axes.annotate(f"◂ {first} better", (0, 1.06), xycoords="axes fraction", ha="left", **small)
    axes.annotate(f"{second} better ▸", (1, 1.06), xycoords="axes fraction", ha="right", **small)
