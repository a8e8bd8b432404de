"""The differences of two optimizers with their intervals, a panel for each task."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from rmsprop.study import spelling
from rmsprop.study.report.plots import style
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.schema import OWN, names_of
from rmsprop.study.results.summary import Difference

ROW = 0.24  # inches


def differences(results: Results, schedule: str | None = None) -> Figure:
    """The differences of the main metric with their 95 % intervals, a panel for each task and pair.

    The first row of a panel is the headline, each optimizer under its own better schedule; then
    comes a row for each schedule. Every panel has a scale of its own, for tasks have different
    units. Where the two are equal is in the middle, 1 for a ratio and 0 for a difference; the grey
    band around it is the margin within which a difference counts as none. What is better for the
    first optimizer is on the left. A row has a colour if one of the two is better.

    Args:
        results: The results of at least two optimizers.
        schedule: The name of the only schedule that is drawn, or "own"; None for "own" and all.

    Raises:
        ValueError: There is one optimizer only, so nothing to compare.
    """
    groups = _groups(results, schedule)
    if not groups:
        raise ValueError("there is one optimizer only; compare at least two to see a difference.")
    most = max(map(len, groups))
    height = ROW * most + 0.1
    gap = 0.85
    figure, panels = style.panels(
        height=0.5 + 0.3 + height * len(groups) + gap * (len(groups) - 1),
        rows=len(groups),
        left=0.19,
        right=0.95,
        top=0.5,
        bottom=0.3,
        hspace=gap / height,
    )
    for axes, rows in zip(panels, groups, strict=True):
        optimizers = names_of(results.task(rows[0].task), "optimizer")
        _panel(axes, rows, optimizers, most)
        text = spelling.clipped(f"{rows[0].task}: {rows[0].metric_label}", 52)
        _above(axes, text, 0, 20, ha="left", fontsize=9, color=style.INK)
    return figure


def _groups(results: Results, schedule: str | None) -> list[list[Difference]]:
    """The rows of each panel: those of one task and pair, without references.

    Where a task has one schedule, its row would repeat the headline.
    """
    groups: dict[tuple[str, str, str], list[Difference]] = {}
    for task in results.tasks:
        alone = schedule is None and len(results.schedules(task)) == 1
        rows = results.differences(
            task, schedule=OWN if alone else schedule, metric=results.metrics(task)[0]
        )
        for row in rows:
            if not row.is_reference:
                groups.setdefault((task, row.first, row.second), []).append(row)
    return list(groups.values())


def _panel(axes: Axes, rows: Sequence[Difference], optimizers: Sequence[str], most: int) -> None:
    """The intervals of one task and pair around equality."""
    axes.set_ylim(most - 0.5, -0.5)
    alone = len(rows) == 1
    labels = [spelling.clipped(spelling.schedule(row.schedule), 12) for row in rows]
    axes.set_yticks([] if alone else range(len(rows)), [] if alone else labels)
    axes.tick_params(axis="y", labelcolor=style.INK, length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(False, axis="y")
    axes.axvline(0, color=style.MUTED, linewidth=1)
    intervals = [_on_axis(row) for row in rows]
    first = rows[0]
    limit = _margin_on_axis(first)
    reach = 1.15 * max((abs(x) for ends in intervals for x in ends if math.isfinite(x)), default=0)
    flat = reach == 0  # there is no scale
    reach = 1.0 if flat else reach
    left = -reach if first.better == "lower" else reach
    axes.set_xlim(left, -left)
    if limit is not None:
        limit = min(limit, reach)
        axes.axvspan(-limit, limit, color=style.GRID, alpha=0.55, linewidth=0, zorder=0)
    if flat:
        axes.set_xticks([0], ["1" if first.is_ratio else "0"])
    elif first.is_ratio:
        axes.set_xticks(*_ratio_ticks(reach))
    else:
        axes.locator_params(axis="x", nbins=5)
    for place, (row, (low, value, high)) in enumerate(zip(rows, intervals, strict=True)):
        colour = style.colour(optimizers.index(row.winner)) if row.winner else style.INK
        thick = 3 if row.schedule == OWN else 1.8
        if not math.isnan(low):
            line = {"color": colour, "linewidth": thick, "solid_capstyle": "butt"}
            axes.plot([low, high], [place, place], **line)
        size = 8 if row.schedule == OWN else 6
        axes.plot(value, place, "o", color=colour, markersize=size, mec=style.PAPER)
    _name_sides(axes, first)


def _on_axis(row: Difference) -> tuple[float, float, float]:
    """The low end, the estimate and the high end; of a ratio their logarithms."""
    ends = np.array([row.low, row.estimate, row.high])
    low, value, high = np.log(ends) if row.is_ratio else ends
    return float(low), float(value), float(high)


def _margin_on_axis(row: Difference) -> float | None:
    """The margin to either side of equality on the axis, None without one."""
    if row.margin is None:
        return None
    return math.log1p(row.margin) if row.is_ratio else row.margin


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
    """Says above a panel on which side each of the two is better."""
    first, second = (spelling.clipped(spelling.name(x), 14) for x in (row.first, row.second))
    small = {"fontsize": 8.5, "color": style.MUTED}
    _above(axes, f"◂ {first} better", 0, 6, ha="left", **small)
    _above(axes, f"{second} better ▸", 1, 6, ha="right", **small)


def _above(axes: Axes, text: str, x: float, points: float, **options: object) -> None:
    """Writes above a panel, so many points from its upper edge."""
    axes.annotate(
        text,
        (x, 1),
        (0, points),
        xycoords="axes fraction",
        textcoords="offset points",
        va="center",
        parse_math=False,
        **options,  # pyright: ignore[reportArgumentType] (matplotlib takes any of a text's)
    )
