"""What a map says, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from rmsprop.study import spelling
from rmsprop.study.maps.ordering import Ordering, ordering_of
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
        OWN: "with each under its own better schedule",
        "constant": "under a constant rate",
        "linear": "under linear decay",
    }.get(line, f"under the schedule {spelling.schedule(line)}")


def of_plane(results: MapResults, plane: str) -> str:
    """What a plane says, in a few sentences: who is better where, and by how much at most."""
    first, second = results.optimizers
    cells = {line: results.cells(plane, line) for line in _schedules(results)}
    total = len(next(iter(cells.values())))
    wins = {
        name: {line: counts(of_line, results.optimizers)[name] for line, of_line in cells.items()}
        for name in (first, second)
    }
    # Who wins more often is spoken of first.
    ahead, behind = sorted(wins, key=lambda name: -sum(wins[name].values()))
    if not any(wins[ahead].values()):
        said = [
            f"Neither {spelling.name(first)} nor {spelling.name(second)} is better in any cell."
        ]
    else:
        said = [
            f"{spelling.name(ahead)} is better in {_in_cells(wins[ahead], total)};"
            f" {spelling.name(behind)} {_as_well(wins[behind])}."
        ]
    # A ratio of the second over the first: the first is at its best where it is largest.
    every = [(line, cell) for line, of_line in cells.items() for cell in of_line]
    ends = {
        first: max(every, key=lambda each: each[1].ratio.value),
        second: min(every, key=lambda each: each[1].ratio.value),
    }
    for name in (ahead, behind):
        line, cell = ends[name]
        if any(wins[name].values()) and cell.winner == name:
            said.append(_extreme(results, name, line, cell))
    return " ".join(said)


def _schedules(results: MapResults) -> tuple[str, ...]:
    """The lines that are a schedule, without each optimizer's own."""
    return tuple(line for line in results.lines if line != OWN)


def _in_cells(wins: Mapping[str, int], total: int) -> str:
    """In how many cells one is better under each schedule: `15 of 30 cells under a ...`."""
    if len({*wins.values()}) == 1:
        count = next(iter(wins.values()))
        where = "" if len(wins) == 1 else " under every schedule"
        return f"{count} of {total} cells{where}"
    parts = [
        f"{count}{f' of {total} cells' if number == 0 else ''} {line_of(line)}"
        for number, (line, count) in enumerate(wins.items())
    ]
    return spelling.listed(parts)


def _as_well(wins: Mapping[str, int]) -> str:
    """The same of the other one, in the same order: `in 5 and 8`, or `in none`."""
    numbers = [*wins.values()]
    if not any(numbers):
        return "in none"
    return f"in {spelling.listed(list(map(str, numbers[:1] if len({*numbers}) == 1 else numbers)))}"


def _extreme(results: MapResults, name: str, line: str, cell: Cell) -> str:
    """Where one optimizer is most ahead."""
    definition = results.definition(cell.plane)
    ratio = cell.ratio.value if name == results.optimizers[0] else 1 / cell.ratio.value
    other = next(each for each in results.optimizers if each != name)
    return (
        f"{spelling.name(name)} is most ahead {line_of(line)} at {definition.y}"
        f" {cell.dials[definition.y]:g} and {definition.x} {cell.dials[definition.x]:g}: there"
        f" {spelling.name(other)}'s risk is {spelling.number(ratio)} times as large."
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
    together = [cell for plane in results.planes for cell in results.cells(plane, results.lines[0])]
    count = counts(together, results.optimizers)
    clause = line_of(results.lines[0])
    opening = (
        f"{clause[0].upper()}{clause[1:]}, {first} is better than {second} in"
        f" {count[results.optimizers[0]]} of {len(together)} cells and {second} in"
        f" {count[results.optimizers[1]]}; in {count[EQUAL]} the two are equal, and"
        f" {count[UNDECIDED]} are undecided."
    )
    orders = {line: order for line in results.lines if (order := ordering_of(results, line))}
    if not orders:
        return opening
    number = (
        "One number orders the cells that have a drift and a noise: x, the drift of the optimum per"
        " step, times the shrinking of the gradients, over the noise."
    )
    return " ".join([opening, number, *_of_orders(orders, first)])


def _of_orders(orders: Mapping[str, Ordering], first: str) -> Iterator[str]:
    """How well the number orders the cells, and above which value the first optimizer is better."""
    ranks = [f"{order.correlation:.2f} {line_of(line)}" for line, order in orders.items()]
    cells = len(next(iter(orders.values())).cells)
    yield f"Its rank correlation with the ratio, over {cells} cells, is {spelling.listed(ranks)}."
    divided = [order for order in orders.values() if not math.isnan(order.frontier)]
    if divided:
        limits = [
            f"x = {order.frontier:.2g} {line_of(order.line)} (true of {order.right} cells)"
            for order in divided
        ]
        yield f"{first} is better above, and not below, {spelling.listed(limits)}."
