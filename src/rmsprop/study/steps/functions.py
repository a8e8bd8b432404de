"""Functions of one or two numbers to minimise step by step, for `rmsprop steps`."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import jax

CONDITION = 100.0


@dataclasses.dataclass(frozen=True)
class Objective:
    """A function to minimise, with what a table or a picture of it needs.

    Attributes:
        formula: The function as one would type it, for titles.
        function: Takes an array of shape (coordinates,), returns a scalar.
        start: Where the steps begin.
        names: One name for each coordinate.
        minimum: Where the function is smallest; None where that is nowhere or unknown.
    """

    formula: str
    function: Callable[[jax.Array], jax.Array]
    start: Sequence[float]
    names: Sequence[str]
    minimum: Sequence[float] | None = None


def valley(condition: float = CONDITION) -> Objective:
    """The narrow valley, `(x1^2 + condition * x2^2) / 2`.

    Args:
        condition: How many times more curved it is across than along: finite, at least 1.

    Raises:
        ValueError: a condition out of its range.

    Example:
        >>> valley(10).formula
        '(x1**2 + 10 * x2**2) / 2'
    """
    if not 1 <= condition < math.inf:
        raise ValueError(
            f"condition is {condition:g}; it must be a finite number, at least 1 (a round bowl)."
            f" Pass for example {CONDITION:g}."
        )
    return Objective(
        f"(x1**2 + {condition:g} * x2**2) / 2",
        lambda x: (x[0] ** 2 + condition * x[1] ** 2) / 2,
        start=(4.0, 1.0),
        names=("x1", "x2"),
        minimum=(0.0, 0.0),
    )


# What the command line calls them.  `two-weights` has the constant gradients 0.1 and 10.
FUNCTIONS: Mapping[str, Objective] = {
    "square": Objective("x**2", lambda x: x[0] ** 2, (4.0,), ("x",), (0.0,)),
    "valley": valley(),
    "rosenbrock": Objective(
        "(1 - x1)**2 + 100 * (x2 - x1**2)**2",
        lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2,
        start=(-1.2, 1.0),
        names=("x1", "x2"),
        minimum=(1.0, 1.0),
    ),
    "two-weights": Objective(
        "0.1 * A + 10 * B", lambda x: 0.1 * x[0] + 10 * x[1], (4.0, 4.0), ("A", "B")
    ),
}


# Other words for the same functions.
SPELLINGS = {"x**2": "square"}
