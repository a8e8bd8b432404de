"""The functions of one or two numbers that `rmsprop steps` minimises."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import jax

# The default condition number of `valley`.
CONDITION = 100.0


@dataclasses.dataclass(frozen=True)
class Objective:
    """A function to minimise, with what a table or a picture of it needs.

    Attributes:
        formula: The function as one would type it, for titles.
        function: Takes an array of shape (coordinates,) and returns a scalar.
        start: The point at which the first step begins, one number for each coordinate.
        names: The names of the coordinates.
        minimum: The point at which the function is smallest. The default is None, for a function
            without a minimum or with an unknown one.
    """

    formula: str
    function: Callable[[jax.Array], jax.Array]
    start: Sequence[float]
    names: Sequence[str]
    minimum: Sequence[float] | None = None


def valley(condition: float = CONDITION) -> Objective:
    """A narrow valley, `(x1^2 + condition * x2^2) / 2`.

    Args:
        condition: The ratio of the curvature across to that along the valley; finite, at least 1.
            The default is 100.

    Raises:
        ValueError: `condition` is out of range.

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


# The functions by their names on the command line. `two-weights` has the constant gradients 0.1 and
# 10.
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

# Other spellings of the names.
SPELLINGS = {"x**2": "square"}
