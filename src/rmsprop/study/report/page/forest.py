"""The forest plot of the page: a table with a small picture of the interval in each line.

It is a table so that every number is there for those who do not see the picture, and so that its
lines can be sorted. The picture is an SVG of a few elements inside the page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rmsprop.study import spelling
from rmsprop.study.report import effects, sentences
from rmsprop.study.report.effects import Effect
from rmsprop.study.report.page import markup
from rmsprop.study.report.page.markup import Cell
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.schema import OWN, names_of
from rmsprop.study.results.summary import Difference

# The size of a picture in its own units, and the room to either side of its axis.
WIDTH, HEIGHT, ROOM = 260, 26, 12
# Marks a verdict that the correction for several comparisons takes away.
LOST = "†"


def tasks(digests: Sequence[Digest]) -> str:
    """The forest plot of all tasks: a line for each headline and each schedule; empty without."""
    rows = effects.lines(digests)
    lost = sentences.lost_by_correction(sentences.headlines(digests))
    forest = _forest(digests, rows, lost, "Differences on all tasks", "differences-of-tasks")
    return forest + f'<p class="small">{markup.text(_legend(rows, lost))}</p>' if forest else ""


def references(digests: Sequence[Digest]) -> str:
    """The forest plot of the first optimizer beside the references; empty without any."""
    rows = effects.reference_lines(digests)
    caption = "Differences from the references"
    forest = _forest(digests, rows, [], caption, "differences-from-references")
    note = (
        '<p class="small">This plot is read like the one above. The references begin with as many'
        " trials as the others, under one schedule alone. They have no part in the answer over all"
        " tasks.</p>"
    )
    return forest + note if forest else ""


def _forest(
    digests: Sequence[Digest],
    rows: Sequence[Difference],
    lost: Sequence[Difference],
    caption: str,
    file: str,
) -> str:
    """The table of some lines; empty for no line."""
    if not rows:
        return ""
    sizes = [effects.effect_of(row) for row in rows]
    reach = effects.reach_of(sizes)
    several = len({(row.first, row.second) for row in rows}) > 1
    of_task = {digest.task: digest for digest in digests}
    lines = [
        _cells(of_task[row.task], row, size, reach, several=several, lost=row in lost)
        for row, size in zip(rows, sizes, strict=True)
    ]
    pair = ["Pair"] if several else []
    return markup.table(
        caption,
        ["Task", "Schedule", *pair, _sides(rows[0], several), "Estimate [95 %]", "Verdict"],
        lines,
        file=file,
        emphasis=[number for number, row in enumerate(rows) if row.schedule == OWN],
        foot=["", "", *["" for _ in pair], Cell("", _axis(reach)), "", ""],
        style="forest",
    )


def _cells(
    digest: Digest, row: Difference, size: Effect, reach: float, *, several: bool, lost: bool
) -> list[object]:
    """The cells of one line; `lost` says that its verdict does not outlast the correction."""
    link = f'<a href="#task-{row.task}">{markup.text(row.task)}</a>'
    after = f" {LOST}" if lost else ""
    return [
        Cell(row.task, link, title=digest.title),
        spelling.schedule(row.schedule),
        *([sentences.pair(row)] if several else []),
        Cell("", _picture(digest, row, size, reach), value=size.value, in_file=False),
        row.interval,
        Cell(f"{sentences.verdict(row)}{after}", f"{chip(row)}{after}"),
    ]


def _sides(row: Difference, several: bool) -> str:
    """On which side which of the two is better: the head of the pictures."""
    names = (row.first, row.second)
    first, second = ("the first", "the second") if several else map(spelling.name, names)
    return f"◂ {first} better | {second} better ▸"


def _legend(rows: Sequence[Difference], lost: Sequence[Difference]) -> str:
    """How the pictures are read."""
    ratios = {row.is_ratio for row in rows}
    what = {
        (True,): "divided by that of the second",
        (False,): "minus that of the second",
        (False, True): "divided by that of the second, or minus it",
    }[tuple(sorted(ratios))]
    sentences_of_plot = [
        f"The estimate is the result of the first optimizer {what}, on a new seed, with its 95 %"
        " interval.",
        "The axis counts margins from equality, so that all tasks share it. The grey band is the"
        " margin, the largest difference that counts as none. A negative number of margins says"
        " that the first is better.",
        "A full circle marks that one is better, a diamond that the two are equal, an empty circle"
        " that the line is not decided.",
    ]
    without = list(dict.fromkeys(row.task for row in rows if row.margin is None))
    if without:
        sentences_of_plot.append(
            f"On {spelling.listed(without)} the metric has no margin, so that the line has a scale"
            " of its own and no band."
        )
    if lost:
        sentences_of_plot.append(
            f"{LOST} The verdict holds for the line alone, and not for all headlines together."
        )
    return " ".join(sentences_of_plot)


def chip(row: Difference, before: str = "") -> str:
    """The verdict on a line in a box, behind the words `before`."""
    kind = "yes" if row.winner else "equal" if effects.is_decided(row) else "none"
    return f'<span class="chip {kind}">{markup.text(before + sentences.verdict(row))}</span>'


def _across(margins: float, reach: float) -> float:
    """The horizontal place of a number of margins."""
    return WIDTH / 2 + (WIDTH / 2 - ROOM) * effects.place(margins, reach)


def _picture(digest: Digest, row: Difference, size: Effect, reach: float) -> str:
    """The interval of one line; a box states its values at the focus or the pointer."""
    middle = HEIGHT / 2
    low, value, high = (_across(x, reach) for x in (size.low, size.value, size.high))
    optimizers = names_of(digest.dataset, "optimizer")
    colour = f"var(--o{optimizers.index(row.winner) % 6})" if row.winner else "currentColor"
    parts = []
    if size.in_margins:
        left, right = (_across(x, reach) for x in (-1, 1))
        parts.append(
            f'<rect class="band" x="{left:.1f}" width="{right - left:.1f}" height="{HEIGHT}"/>'
        )
    parts.append(f'<path class="zero" d="M{WIDTH / 2:g} 0V{HEIGHT}"/>')
    if not math.isnan(low):
        thick = 3.5 if row.schedule == OWN else 2
        parts.append(
            f'<path d="M{low:.1f} {middle:g}H{high:.1f}" stroke="{colour}" stroke-width="{thick}"/>'
        )
    if not math.isnan(value):
        fill = colour if effects.is_decided(row) else "var(--card)"
        look = f'fill="{fill}" stroke="{colour}" stroke-width="1.5"'
        parts.append(_marker(row, value, middle, look))
    words = f"{effects.words(row)}; {_distance(size)}"
    return (
        f'<span class="plot" tabindex="0" role="img" aria-label="{markup.attribute(words)}"'
        f' data-tip="{markup.attribute(_tip(row, size))}">'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{"".join(parts)}</svg></span>'
    )


def _marker(row: Difference, x: float, y: float, look: str) -> str:
    """A diamond for equality, else a circle."""
    if effects.is_decided(row) and row.winner is None:
        return f'<path d="M{x - 6:.1f} {y:g}l6 -6l6 6l-6 6z" {look}/>'
    radius = 5 if row.schedule == OWN else 4
    return f'<circle cx="{x:.1f}" cy="{y:g}" r="{radius}" {look}/>'


def _distance(size: Effect) -> str:
    """An effect in margins: `3.2 margins [1.1, 5.0]`, as far as it has numbers."""
    unit = "margins from equality" if size.in_margins else "on a scale of its own"
    if math.isnan(size.low):
        return f"{abs(size.value):.1f} {unit}"
    # Adding 0 makes a 0 of -0.
    low, value, high = (round(x, 1) + 0.0 for x in (size.low, size.value, size.high))
    return f"{value:.1f} [{low:.1f}, {high:.1f}] {unit}"


def _tip(row: Difference, size: Effect) -> str:
    return f"{row.interval}: {_distance(size)}" if size.in_margins else str(row.interval)


def _axis(reach: float) -> str:
    """The axis below the pictures."""
    parts = []
    for tick in (0, *effects.ticks(reach)):
        for sign in (-1, 1) if tick else (1,):
            x = _across(sign * tick, reach)
            parts.append(f'<text x="{x:.1f}" y="13" text-anchor="middle">{tick}</text>')
    return (
        f'<svg class="axis" viewBox="0 0 {WIDTH} 30" aria-hidden="true">{"".join(parts)}'
        f'<text x="{WIDTH / 2:g}" y="27" text-anchor="middle">margins apart</text></svg>'
    )
