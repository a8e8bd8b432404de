"""The table of the steps, in plain characters on 80 columns."""

from __future__ import annotations

import math
import sys
import textwrap
from collections.abc import Iterator, Sequence

from rmsprop.study.steps.minimise import Steps
from rmsprop.study.steps.sentences import ACCUMULATORS, caption, rate_head, title

WIDTH = 80

# Longer runs are shown in part, unless a user asks for more: about so many of their steps.
LONGEST, SHOWN = 60, 30


def table(runs: Sequence[Steps], every: int | None = None) -> Iterator[str]:
    r"""The lines of the table of the steps, plain characters on 80 columns.

    All numbers of a row are of one moment: the point, the value and the gradient of the function
    there, the accumulator that includes this gradient, and the update, which leads to the point of
    the next step. Step 0 is the start, and the last row has the point at which the run ends. A step
    has a row for each optimizer and coordinate. The caption says how to read the table, and how
    the runs ended.

    Title and caption are as wide as the table, and 80 columns at least; a table is never narrower
    than its numbers, for digits that are cut off are worse than lines that a terminal wraps.

    Args:
        runs: The numbers of every step, of one optimizer or several on one function, with the same
            number of steps and one start.
        every: The distance between the steps that are shown, at least 1; the last is shown too. The
            default shows all of at most 60 steps, and about 30 of more.

    Raises:
        ValueError: `every` is less than 1.

    Example:
        >>> from rmsprop.study.steps.minimise import minimise
        >>> lines = [*table([minimise(lambda x: x**2, 4.0, "sgd", learning_rate=0.25, steps=2)])]
        >>> print("\n".join(lines[3:8]))
        Step |      x |    f(x) | Gradient | Effective LR | Update
        -----+--------+---------+----------+--------------+-------
           0 | 4.0000 | 16.0000 |   8.0000 |     0.250000 | 2.0000
           1 | 2.0000 |  4.0000 |   4.0000 |     0.250000 | 1.0000
           2 | 1.0000 |  1.0000 |          |              |
    """
    count = len(runs[0].update)
    if every is not None and every < 1:
        raise ValueError(f"every is {every}; it must be at least 1, which shows all steps.")
    every = every or distance_for(count)
    headers = _headers(runs)
    labels = headers.index("x")
    widths = [*map(len, headers)]
    for cells in _rows(runs, every):  # twice: the cells of a long run do not all fit into memory
        widths = [max(width, len(cell)) for width, cell in zip(widths, cells, strict=True)]
    # The bars give way where the table would be too wide.
    bars = sum(widths) + 3 * (len(widths) - 1) <= WIDTH
    longest = max(WIDTH, sum(widths) + (3 if bars else 2) * (len(widths) - 1))
    yield from _paragraph(title(runs), longest)
    yield ""
    yield _line(headers, widths, labels, bars=bars)
    yield ("-+-" if bars else "  ").join("-" * width for width in widths)
    for cells in _rows(runs, every):
        yield _line(cells, widths, labels, bars=bars)
    yield ""
    yield from _paragraph(caption(runs, every), longest)


def distance_for(steps: int) -> int:
    """The distance between the steps that are shown of a run: 1, or 2, 5, 10, 20, ...

    Args:
        steps: The number of steps of the run.

    Example:
        >>> [distance_for(steps) for steps in (60, 61, 300, 1000)]
        [1, 5, 10, 50]
    """
    if steps <= LONGEST:
        return 1
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power * SHOWN >= steps:
                return digit * power
        power *= 10


def print_table(runs: Sequence[Steps], every: int | None = None) -> None:
    """Prints the table to the standard output.

    Args:
        runs: The numbers of every step, as for `table`.
        every: The distance between the steps that are shown, as for `table`.
    """
    for line in table(runs, every):
        sys.stdout.write(f"{line}\n")


def _accumulators(runs: Sequence[Steps]) -> list[str]:
    """The names of the accumulators of the runs, each once; sgd has none."""
    names = [ACCUMULATORS[run.optimizer] for run in runs if run.optimizer in ACCUMULATORS]
    return [*dict.fromkeys(names)]


def _headers(runs: Sequence[Steps]) -> list[str]:
    accumulators, several = _accumulators(runs), len(runs) > 1
    # Beside the names of optimizers there is no room for a head above the names of weights.
    weight = ["" if several else "Weight"] if len(runs[0].objective.names) > 1 else []
    return [
        "Step",
        *(["With"] if several else []),
        *weight,
        "x",
        "f(x)",
        "Gradient",
        *([accumulators[0] if len(accumulators) == 1 else "v"] if accumulators else []),
        rate_head(runs),
        "Update",
    ]


def _rows(runs: Sequence[Steps], every: int) -> Iterator[list[str]]:
    """The cells of all rows: one row for each coordinate of each optimizer at each step."""
    count, names = len(runs[0].update), runs[0].objective.names
    has_accumulator = bool(_accumulators(runs))
    for step in range(count + 1):
        if step % every and step != count:
            continue
        for place, run in enumerate(runs):
            for i, name in enumerate(names):
                yield [
                    "" if place or i else str(step),
                    *(["" if i else run.optimizer] if len(runs) > 1 else []),
                    *([name] if len(names) > 1 else []),
                    number(float(run.x[step, i])),
                    "" if i else number(float(run.value[step])),
                    *_numbers_of_step(run, step, i, has_accumulator=has_accumulator),
                ]


def _numbers_of_step(run: Steps, step: int, i: int, *, has_accumulator: bool) -> Iterator[str]:
    """The cells of a step that was taken; they are empty after the last."""
    if step == len(run.update):
        yield from [""] * (4 if has_accumulator else 3)
        return
    yield number(float(run.gradient[step, i]))
    if has_accumulator:
        known = run.optimizer in ACCUMULATORS
        yield number(float(run.second_moment[step, i])) if known else ""
    yield number(float(run.effective_learning_rate[step, i]), decimals=6)
    yield number(float(run.update[step, i]))


def _line(cells: Sequence[str], widths: Sequence[int], labels: int, *, bars: bool) -> str:
    """A row of the table: numbers and steps to the right, other labels to the left."""
    padded = [
        cell.ljust(width) if 0 < place < labels else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return (" | " if bars else "  ").join(padded).rstrip()


def _paragraph(text: str, width: int) -> Iterator[str]:
    """The lines of a text, those that are too long wrapped."""
    for line in text.splitlines():
        yield from textwrap.wrap(line, width)


def number(value: float, decimals: int = 4) -> str:
    """A number in fixed point where it has three digits or more and is not wide, else in powers.

    Args:
        value: The number.
        decimals: The number of digits after the point.

    Example:
        >>> number(3.14159), number(0.00314159), number(314159.0)
        ('3.1416', '3.142e-3', '3.142e5')
    """
    size = abs(value)
    if 100 <= size < 999.995:
        decimals = min(decimals, 2)
    if value == 0 or 10.0 ** (2 - decimals) <= size < 999.995 or not size < math.inf:
        return f"{value:.{decimals}f}"
    digits, _, power = f"{value:.3e}".partition("e")
    return f"{digits}e{int(power)}"
