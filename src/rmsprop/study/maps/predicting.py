"""What follows from the numbers of a problem, and how sure that is: no more than was tested.

The figures are those of docs/map.md, where every task of the comparison is placed on the map; a
test compares them with its records.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from scipy import stats

from rmsprop.study import spelling
from rmsprop.study.maps.sentences import line_of

if TYPE_CHECKING:
    from rmsprop.study.maps.measurement import Measurement

# The x above which RMSprop is better on the map, under each schedule.
FRONTIERS: Mapping[str, float] = {"constant": 5.5, "linear": 0.17}
# The tasks of the comparison; of how many the frontier says rightly whether RMSprop is better, and
# of how many it is not better, which is what an answer would get that is always no.
TASKS = 13
RIGHT: Mapping[str, int] = {"constant": 11, "linear": 7}
ALWAYS_NO: Mapping[str, int] = {"constant": 10, "linear": 6}


def interval(right: int, count: int) -> tuple[float, float]:
    """The exact 95 % interval of a share (Clopper and Pearson 1934).

    Args:
        right: How many are right.
        count: Of how many.

    Example:
        >>> [round(end, 2) for end in interval(11, 13)]
        [0.55, 0.98]
    """
    share = stats.binomtest(right, count).proportion_ci(0.95, method="exact")
    return float(share.low), float(share.high)


def share_words(right: int, count: int) -> str:
    """A share with its interval: `11 of 13 (95 % interval 55 to 98 %)`."""
    low, high = interval(right, count)
    return f"{right} of {count} (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"


def sentences_of(measurement: Measurement) -> Iterator[str]:
    """What follows from the numbers of a problem, and how sure it is.

    Args:
        measurement: The numbers.
    """
    yield _place(measurement)
    yield from _on_the_map(measurement)
    told = [f"{share_words(right, TASKS)} {line_of(name)}" for name, right in RIGHT.items()]
    without = [f"{count} {line_of(name)}" for name, count in ALWAYS_NO.items()]
    yield (
        f"That holds on the map and is no prediction here: of the tasks of the comparison x says"
        f" rightly whether RMSprop is better for {spelling.listed(told)}; always saying that"
        f" it is not is right for {spelling.listed(without)}. None of the other numbers is known to"
        f" do better. rmsprop.study.compare decides."
    )


def _place(measurement: Measurement) -> str:
    """What x is."""
    scale = (
        f"the gradients are {spelling.number(measurement.shrinking)} times as large early as late"
    )
    if math.isnan(measurement.number):
        return (
            f"In {measurement.steps} steps no drift could be seen, so that x is not known; {scale}."
        )
    if measurement.number == 0:
        limit = measurement.drift_limit
        least = (
            f"; one below {spelling.number(limit)} of the noise per step could not be, which would"
            f" make x {spelling.number(limit * measurement.shrinking)} at most"
            if limit
            else ""
        )
        return f"No drift is seen, so that x is 0{least}; {scale}."
    return (
        f"x is {spelling.number(measurement.number)}: the mean gradient walks by"
        f" {spelling.number(measurement.drift)} of the noise per step, and {scale}."
    )


def _on_the_map(measurement: Measurement) -> Iterator[str]:
    """What the map says of problems with that x."""
    if math.isnan(measurement.number):
        return
    limits = [f"{limit:g} {line_of(name)}" for name, limit in FRONTIERS.items()]
    said = f"RMSprop would be better on a problem of the map {_under(measurement.number)}"
    if measurement.number == 0:
        most = measurement.drift_limit * measurement.shrinking
        at_most = "" if _under(most) == _under(0) else f", at the largest x {_under(most)}"
        said = f"at 0 {said}{at_most}"
    yield f"The frontiers of the map are x = {spelling.listed(limits)}: {said}."


def _under(number: float) -> str:
    """The schedules under which a number is above the frontier."""
    above = [line_of(name) for name, limit in FRONTIERS.items() if number > limit]
    if len(above) == 1:
        return f"{above[0]} alone"
    return "under both" if above else "under neither"
