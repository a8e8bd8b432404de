"""What a map says, in sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rmsprop.study import spelling
from rmsprop.study.maps.ordering import ordering_of
from rmsprop.study.maps.results import Cell, MapResults
from rmsprop.study.results.schema import OWN

EQUAL, UNDECIDED = "equal", "undecided"


def counts(cells: Sequence[Cell], names: tuple[str, str]) -> dict[str, int]:
    """In how many cells each optimizer is better, the two are equal, and it is undecided.

    Args:
        cells: Cells of a plane.
        names: The names of the two optimizers.
    """
    return {
        names[0]: sum(cell.winner == names[0] for cell in cells),
        names[1]: sum(cell.winner == names[1] for cell in cells),
        EQUAL: sum(cell.verdict == EQUAL for cell in cells),
        UNDECIDED: sum(cell.verdict == UNDECIDED for cell in cells),
    }


def measured(results: MapResults) -> str:
    """What a ratio is: `risk of AdaGrad / risk of RMSprop`."""
    first, second = (spelling.short(name) for name in results.optimizers)
    return f"risk of {second} / risk of {first}"


def line_of(line: str) -> str:
    """A line of schedules as a clause: `under the constant rate`."""
    return {
        OWN: "each under its own better schedule",
        "constant": "under a constant rate",
        "linear": "under linear decay",
    }.get(line, f"under the schedule {spelling.schedule(line)}")


def of_plane(results: MapResults, plane: str, line: str) -> str:
    """What a plane says under one line of schedules, as one sentence."""
    cells, names = results.cells(plane, line), results.optimizers
    count = counts(cells, names)
    ratios = sorted(cell.ratio.value for cell in cells)
    first, second = (spelling.name(name) for name in names)
    return (
        f"On {plane}, {line_of(line)}, {first} is better in {count[names[0]]} of {len(cells)}"
        f" cells, {second} in {count[names[1]]}, the two are equal in {count[EQUAL]}, and"
        f" {count[UNDECIDED]} are undecided; ratios from {spelling.number(ratios[0])} to"
        f" {spelling.number(ratios[-1])}."
    )


def of_order(results: MapResults, line: str) -> str:
    """How one number orders the map under one line of schedules; empty where it cannot."""
    order = ordering_of(results, line)
    if order is None:
        return ""
    first, clause = spelling.name(results.optimizers[0]), line_of(line)
    sentence = (
        f"{clause[0].upper()}{clause[1:]}, the rank correlation of x with the ratio is"
        f" {order.correlation:.2f} over {len(order.cells)} cells"
    )
    if math.isnan(order.frontier):
        return f"{sentence}; no x divides them, for {first} is better in all of them or in none."
    return (
        f"{sentence}, and the verdicts of {order.right} of them are that {first} is better above"
        f" x = {order.frontier:.2g} and not better below."
    )


def paragraph(results: MapResults) -> str:
    """What the whole map says, in one paragraph."""
    first, second = (spelling.name(name) for name in results.optimizers)
    orders = [sentence for line in results.lines if (sentence := of_order(results, line))]
    together = [cell for plane in results.planes for cell in results.cells(plane, results.lines[0])]
    count = counts(together, results.optimizers)
    opening = (
        f"{line_of(results.lines[0])[0].upper()}{line_of(results.lines[0])[1:]}, {first} is better"
        f" than {second} in {count[results.optimizers[0]]} of {len(together)} cells, {second} in"
        f" {count[results.optimizers[1]]}, {count[EQUAL]} are equal and {count[UNDECIDED]}"
        f" undecided."
    )
    number = (
        "One number, x, is the drift of the optimum per step, times the shrinking of the gradients,"
        " over the noise."
    )
    return " ".join([opening, *([number] if orders else []), *orders])
