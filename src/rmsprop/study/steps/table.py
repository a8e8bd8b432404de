"""The table of every step, in plain characters on 80 columns."""

from __future__ import annotations

import math
import sys
import textwrap
from collections.abc import Iterator, Sequence

import numpy as np

from rmsprop.study.steps.minimise import Steps

WIDTH = 80

# The name of each optimizer's accumulator. The column of sgd, which has none, holds a dash.
ACCUMULATORS = {"rmsprop": "E[g^2]", "adagrad": "Sum g^2", "sgd": "E[g^2]"}


def table(steps: Steps) -> Iterator[str]:
    """The lines of the table of all steps, plain characters on 80 columns.

    The table has a row for each coordinate of each step. `Update` is the number that was subtracted
    from x. The caption says how to read the table, and whether the run diverged or ended above its
    start. Title and caption are as wide as the table, and 80 columns at least; a table is never
    narrower than its numbers, for digits that are cut off are worse than lines that a terminal
    wraps.

    Args:
        steps: The numbers of every step.

    Example:
        >>> from rmsprop.study.steps.minimise import minimise
        >>> len([*table(minimise(lambda x: x**2, 4.0, "sgd"))])
        39
    """
    headers = ["x", "Gradient", ACCUMULATORS[steps.optimizer], "Effective LR", "Update"]
    named = len(steps.objective.names) > 1
    headers = ["Step", *(["Weight"] if named else []), *headers]
    widths = [*map(len, headers)]
    for cells in _rows(steps):  # twice, for the cells of a long run do not all fit into memory
        widths = [max(width, len(cell)) for width, cell in zip(widths, cells, strict=True)]
    longest = max(WIDTH, sum(widths) + 3 * (len(widths) - 1))
    yield from _paragraph(title(steps), longest)
    yield ""
    yield _line(headers, widths, named=named)
    yield "-+-".join("-" * width for width in widths)
    for cells in _rows(steps):
        yield _line(cells, widths, named=named)
    yield ""
    yield from _paragraph(_caption(steps), longest)


def print_table(steps: Steps) -> None:
    """Prints the table to the standard output.

    Args:
        steps: The numbers of every step.
    """
    for line in table(steps):
        sys.stdout.write(f"{line}\n")


def _rows(steps: Steps) -> Iterator[list[str]]:
    """The cells of all rows: one row for each coordinate of each step."""
    names = steps.objective.names
    for row in range(len(steps.step)):
        for i, name in enumerate(names):
            label = ["" if i else str(steps.step[row]), *([name] if len(names) > 1 else [])]
            v = "-" if steps.optimizer == "sgd" else _number(float(steps.second_moment[row, i]))
            yield [
                *label,
                _number(float(steps.x[row, i])),
                _number(float(steps.gradient[row, i])),
                v,
                _number(float(steps.effective_learning_rate[row, i]), decimals=6),
                _number(float(steps.update[row, i])),
            ]


def _line(cells: Sequence[str], widths: Sequence[int], *, named: bool) -> str:
    """A row of the table: numbers to the right, the name of a coordinate to the left."""
    padded = [
        cell.ljust(width) if named and place == 1 else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return " | ".join(padded)


def _paragraph(text: str, width: int) -> Iterator[str]:
    """The lines of a text, those that are too long wrapped."""
    for line in text.splitlines():
        yield from textwrap.wrap(line, width)


def _number(value: float, decimals: int = 4) -> str:
    """A number in fixed point where it has three digits or more and is not wide, else in powers."""
    size = abs(value)
    if value == 0 or 10.0 ** (2 - decimals) <= size < 1e4 or not math.isfinite(size):
        return f"{value:.{decimals}f}"
    return f"{value:.3e}"


def title(steps: Steps) -> str:
    """The title of the run, in two lines: optimizer, function and start; all its settings.

    Args:
        steps: The numbers of every step.

    Example:
        >>> from rmsprop.study.steps.minimise import minimise
        >>> print(title(minimise(lambda x: x**2, 4.0, "sgd")))
        sgd on f from x = 4
        learning rate 0.1
    """
    place = "inside" if steps.settings.get("eps_in_sqrt") else "outside"
    words = {
        "learning_rate": "learning rate {:g}",
        "decay": "decay {:g}",
        "eps": f"eps {{:g}} {place} the root",
        "initial": f"{ACCUMULATORS[steps.optimizer]} from {{:g}}",
    }
    # The usual start of an accumulator, 0, is not mentioned.
    settings = [
        words[name].format(value)
        for name, value in steps.settings.items()
        if name in words and (name, value) != ("initial", 0)
    ]
    coordinates = zip(steps.objective.names, steps.start.tolist(), strict=True)
    start = ", ".join(f"{name} = {value:g}" for name, value in coordinates)
    return f"{steps.optimizer} on {steps.objective.formula} from {start}\n{', '.join(settings)}"


def _caption(steps: Steps) -> str:
    """The caption: how to read the table, and how the run ended."""
    lines = [
        "x is the value after the step, Gradient that before it.",
        "Update = Effective LR * Gradient was subtracted from x.",
    ]
    v, names, settings = ACCUMULATORS[steps.optimizer], steps.objective.names, steps.settings
    if "eps" in settings:
        root = f"sqrt({v} + eps)" if settings["eps_in_sqrt"] else f"(sqrt({v}) + eps)"
        lines += [f"{v} holds the step's own gradient already;"]
        lines += [f"Effective LR = learning rate / {root}."]
    if len(names) == 2:
        first, second = steps.effective_learning_rate[-1].tolist()
        ratio = first / second if second else math.nan
        lines += [f"Effective LR of {names[0]} over that of {names[1]}, last step: {ratio:.4g}."]
    return "\n".join([*lines, *_outcome(steps)])


def _outcome(steps: Steps) -> list[str]:
    """The outcome of the run, in one or two sentences."""
    for name, finite in [
        ("x", np.isfinite(steps.x).all(axis=1)),
        ("f", np.isfinite(steps.value)),
    ]:
        if not finite.all():
            first = steps.step[int(np.argmin(finite))]
            return [
                f"Diverged: {name} is not finite from step {first} on.",
                "Try a smaller learning rate.",
            ]
    start, end, count = steps.start_value, float(steps.value[-1]), len(steps.step)
    lines = [f"f went from {start:.6g} to {end:.6g} in {count} step{'s' if count > 1 else ''}."]
    if end > start:
        lines += ["It ended above its start. Try a smaller learning rate."]
    return lines
