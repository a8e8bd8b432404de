"""Differences of all tasks on one scale: how many margins two optimizers are apart.

Tasks have different units, and their differences different sizes. What they share is the margin,
the largest difference that counts as none. A ratio r with the margin m is

    log(r) / log(1 + m)

margins, a difference d is `d / m` margins. The sign is turned where higher values are better,
so that a negative number always says that the first of the two is better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rmsprop.study.report import sentences
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.schema import OWN
from rmsprop.study.results.summary import Difference

TICKS = (1, 3, 10, 30, 100, 300, 1000)
# The axis reaches at least so many margins to either side, and at most so many.
LEAST, MOST = 3.0, 1000.0
# In so many units ends the interval of a difference that has no margin.
WITHOUT_MARGIN = 10.0


@dataclass(frozen=True)
class Effect:
    """A difference in margins; negative numbers are better for the first optimizer.

    Attributes:
        low: The end of the interval that is better for the first; NaN where there is none.
        value: The estimate.
        high: The end that is better for the second; NaN where there is none.
        in_margins: Whether the unit is the margin. Where the metric has none, the unit is such that
            the interval reaches `WITHOUT_MARGIN`, and the effect compares with no other.
    """

    low: float
    value: float
    high: float
    in_margins: bool

    @property
    def reach(self) -> float:
        """The largest finite distance from equality; 0 where there is none."""
        ends = (abs(x) for x in (self.low, self.value, self.high) if math.isfinite(x))
        return max(ends, default=0.0)


def effect_of(row: Difference) -> Effect:
    """A difference in margins."""
    low, value, high = row.low, row.estimate, row.high
    margin = row.margin
    if row.is_ratio:
        low, value, high = _logarithm(low), _logarithm(value), _logarithm(high)
        margin = None if margin is None else math.log1p(margin)
    if row.better == "higher":
        low, value, high = -high, -value, -low
    unit = margin or Effect(low, value, high, False).reach / WITHOUT_MARGIN or 1.0
    return Effect(low / unit, value / unit, high / unit, in_margins=bool(margin))


def _logarithm(number: float) -> float:
    return math.log(number) if number > 0 else -math.inf if number == 0 else math.nan


def reach_of(effects: Sequence[Effect]) -> float:
    """How many margins an axis of these effects reaches to either side."""
    return min(max([LEAST, *(1.1 * effect.reach for effect in effects)]), MOST)


def place(margins: float, reach: float) -> float:
    """The place of a number of margins on an axis from -1 to 1, NaN for NaN.

    Distances grow as log(1 + margins): the margin itself is seen where others are far away. What is
    beyond the axis lies at its end.
    """
    if math.isnan(margins):
        return math.nan
    distance = math.log1p(min(abs(margins), reach)) / math.log1p(reach)
    return math.copysign(distance, margins)


def ticks(reach: float) -> list[int]:
    """The numbers of margins that an axis names to either side of equality."""
    named = TICKS[::2] if reach > TICKS[4] else TICKS
    return [tick for tick in named if tick <= reach]


def lines(digests: Sequence[Digest], schedule: str | None = None) -> list[Difference]:
    """The lines of a forest plot: the headline metric of each task under each schedule.

    Args:
        digests: What the results of each task say.
        schedule: The only schedule, or "own"; None for "own" and then each schedule. Of a task
            with one schedule there is one line, for the second would repeat it.

    Returns:
        The lines by task and pair, those with references left out.
    """
    groups: dict[tuple[str, str, str], list[Difference]] = {}
    for digest in digests:
        several = (OWN, *digest.schedules) if len(digest.schedules) > 1 else (OWN,)
        for place in several if schedule is None else (schedule,):
            for row in digest.lines[place]:
                if not row.is_reference:
                    groups.setdefault((row.task, row.first, row.second), []).append(row)
    return [row for group in groups.values() for row in group]


def reference_lines(digests: Sequence[Digest]) -> list[Difference]:
    """The first optimizer of each task beside each reference, by the headline metric."""
    return [
        row
        for digest in digests
        for rows in digest.lines.values()
        for row in rows
        if row.is_reference
    ]


def is_decided(row: Difference) -> bool:
    """Whether the verdict on a line is a winner or equality."""
    return not row.too_few and row.verdict != "undecided"


def words(row: Difference) -> str:
    """A line in words: what is compared, the estimate, and the verdict."""
    return f"{row.task}, {sentences.comparison(row)}, {sentences.verdict(row)}"
