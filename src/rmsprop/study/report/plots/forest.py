"""The forest plot: the differences of two optimizers on all tasks, a line for each schedule."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rmsprop.study import spelling
from rmsprop.study.report import effects, sentences
from rmsprop.study.report.effects import Effect
from rmsprop.study.report.plots import style
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.schema import OWN, names_of
from rmsprop.study.results.summary import Difference

ROW = 0.2  # inches
LEFT, RIGHT = 0.19, 0.6


def differences(of_tasks: Sequence[Digest], schedule: str | None = None) -> Figure:
    """The differences of the headline metric with their 95 % intervals, a line each.

    A task has a line for its headline, each optimizer under its own better schedule, and one for
    each schedule. All lines share an axis, whose unit is the margin of the task: see
    `rmsprop.study.report.effects`. Left of the middle the first optimizer is better, whatever the
    metric. The grey band is the margin to either side, within which a difference counts as none; a
    line of a metric without a margin has none. At the right stand the ratio, or the difference in
    units of the metric, and its interval. A full circle in the colour of an optimizer says that it
    is better, a diamond that the two are equal, an empty circle that nothing is decided.

    Args:
        of_tasks: What the results of each task say, with at least two optimizers.
        schedule: The name of the only schedule that is drawn, or "own"; None for "own" and all.

    Raises:
        ValueError: There is one optimizer only, so nothing to compare, or no such schedule.
    """
    if schedule not in (None, OWN):
        for digest in of_tasks:
            digest.results.view(digest.task, schedule)  # refuses an unknown name
    rows = effects.lines(of_tasks, schedule)
    if not rows:
        raise ValueError("there is one optimizer only; compare at least two to see a difference.")
    places = _places(rows)
    height = ROW * (places[-1] + 1)
    head, foot = 0.3, 0.5
    figure, (axes,) = style.panels(
        head + height + foot, left=LEFT, right=RIGHT, top=head, bottom=foot
    )
    sizes = [effects.effect_of(row) for row in rows]
    reach = effects.reach_of(sizes)
    axes.set_xlim(-1.03, 1.03)
    axes.set_ylim(places[-1] + 0.6, -0.4)
    _name_axis(axes, rows, reach)
    several = len({(row.first, row.second) for row in rows}) > 1
    optimizers_of = {digest.task: names_of(digest.dataset, "optimizer") for digest in of_tasks}
    for group, of_group in itertools.groupby(zip(rows, sizes, places, strict=True), _of_group):
        lines = list(of_group)
        top, bottom = lines[0][2] - 0.5, lines[-1][2] + 0.5
        at = [sign * effects.place(x, reach) for x in effects.ticks(reach) for sign in (-1, 1)]
        axes.vlines(at, top, bottom, colors=style.GRID, linewidth=0.6, zorder=0)
        axes.plot([0, 0], [top, bottom], color=style.MUTED, linewidth=1)
        optimizers = optimizers_of[group[0]]
        for row, size, y in lines:
            colour = style.colour(optimizers.index(row.winner)) if row.winner else style.INK
            _line(axes, row, size, reach, y, colour)
            _name_line(axes, row, y)
        _name_task(axes, lines[0][0], lines[0][2], pair=several)
    return figure


def _group(row: Difference) -> tuple[str, str, str]:
    return row.task, row.first, row.second


def _of_group(line: tuple[Difference, Effect, float]) -> tuple[str, str, str]:
    return _group(line[0])


def _places(rows: Sequence[Difference]) -> list[float]:
    """The heights of lines; above the first of a task there is room for its name."""
    places = [1.0]
    for before, row in itertools.pairwise(rows):
        places.append(places[-1] + (1.0 if _group(before) == _group(row) else 2.3))
    return places


def _name_axis(axes: Axes, rows: Sequence[Difference], reach: float) -> None:
    """Ticks in margins to either side of equality, and the two sides by their names."""
    ticks = effects.ticks(reach)
    signed = [-tick for tick in reversed(ticks)] + [0] + ticks
    axes.set_xticks([effects.place(x, reach) for x in signed], [f"{abs(x)}" for x in signed])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(False, axis="x")
    axes.set_xlabel("margins apart; ● better, ◆ equal, ○ not decided")
    pairs = {(row.first, row.second) for row in rows}
    names = pairs.pop() if len(pairs) == 1 else ("the first", "the second")
    first, second = (spelling.clipped(spelling.name(name), 14) for name in names)
    _write(axes, f"◂ {first} better", (0.5, 1), (-4, 8), ha="right", color=style.MUTED)
    _write(axes, f"{second} better ▸", (0.5, 1), (4, 8), ha="left", color=style.MUTED)


def _line(axes: Axes, row: Difference, size: Effect, reach: float, y: float, colour: str) -> None:
    """One difference with its interval and its band, a marker for its verdict."""
    low, value, high = (effects.place(x, reach) for x in (size.low, size.value, size.high))
    if size.in_margins:
        margin = effects.place(1, reach)
        axes.fill_betweenx(
            [y - 0.5, y + 0.5], -margin, margin, color=style.GRID, alpha=0.55, lw=0, zorder=0
        )
    if not math.isnan(low):
        thick = 2.6 if row.schedule == OWN else 1.5
        axes.plot([low, high], [y, y], color=colour, linewidth=thick, solid_capstyle="butt")
    if not math.isnan(value):
        marker = "D" if row.verdict == "equal" and not row.too_few else "o"
        face = colour if effects.is_decided(row) else style.PAPER
        points = 6.5 if row.schedule == OWN else 5.0
        style.point(axes, value, y, marker, colour, size=points, face=face, zorder=3)


def _name_task(axes: Axes, row: Difference, y: float, *, pair: bool) -> None:
    """The task and its metric above its lines; the pair too where there are several."""
    which = f", {sentences.pair(row)}" if pair else ""
    text = spelling.clipped(f"{row.task}{which}: {row.metric_label}", 52)
    left = 0.02 - LEFT / (RIGHT - LEFT)
    axes.text(
        left,
        y - 0.95,
        text,
        transform=axes.get_yaxis_transform(),
        fontsize=8.5,
        color=style.INK,
        va="center",
        parse_math=False,
    )


def _name_line(axes: Axes, row: Difference, y: float) -> None:
    """The schedule of a line at its left, the estimate at its right."""
    schedule = spelling.clipped(spelling.schedule(row.schedule), 12)
    small = {"fontsize": 7.8, "va": "center", "transform": axes.get_yaxis_transform()}
    axes.text(-0.03, y, schedule, ha="right", color=style.MUTED, parse_math=False, **small)
    axes.text(1.03, y, str(row.interval), color=style.INK, **small)


def _write(
    axes: Axes, text: str, place: tuple[float, float], points: tuple[float, float], **options: str
) -> None:
    """Writes at a place of the axes, so many points from it."""
    axes.annotate(
        text,
        place,
        points,
        xycoords="axes fraction",
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        parse_math=False,
        **options,  # pyright: ignore[reportArgumentType] (matplotlib takes any of a text's)
    )
