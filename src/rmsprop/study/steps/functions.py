"""The functions of one or two numbers that `rmsprop steps` minimises."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax

# The default condition number of `valley`.
CONDITION = 100.0

# The default learning rate and number of steps, for a function that has none of its own.
LEARNING_RATE, STEPS = 0.1, 30

# The learning rate of gradient descent on `valley`, relative to the largest stable one: below it by
# so little that the path zigzags across the valley, and falls by a tenth with each turn.
_ALMOST_UNSTABLE = 0.95


class StableRate(NamedTuple):
    """The learning rate up to which gradient descent does not diverge on a quadratic function.

    Attributes:
        formula: Two divided by the largest curvature, in words.
        value: The learning rate.
    """

    formula: str
    value: float


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
        bounded: Whether the function has a lower bound, as far as it is known. The default is True.
        stable: The largest stable learning rate of gradient descent. The default is None, for a
            function that has none or of which it is unknown.
        learning_rates: The default learning rate of an optimizer by its name. It is 0.1 for those
            that are not named.
        steps: The default number of steps, which shows how a run goes on. The default is 30.
    """

    formula: str
    function: Callable[[jax.Array], jax.Array]
    start: Sequence[float]
    names: Sequence[str]
    minimum: Sequence[float] | None = None
    bounded: bool = True
    stable: StableRate | None = None
    learning_rates: Mapping[str, float] = dataclasses.field(default_factory=dict)
    steps: int = STEPS


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
    limit = 2 / condition
    return Objective(
        f"(x1**2 + {condition:g} * x2**2) / 2",
        lambda x: (x[0] ** 2 + condition * x[1] ** 2) / 2,
        start=(4.0, 1.0),
        names=("x1", "x2"),
        minimum=(0.0, 0.0),
        stable=StableRate("2 / condition", limit),
        learning_rates={"sgd": _ALMOST_UNSTABLE * limit, "adagrad": 0.5},
    )


# The functions by their names on the command line. `two-weights` has the constant gradients 0.1 and
# 10, and no minimum. At its rates every optimizer comes near the minimum of `rosenbrock` within the
# steps.
FUNCTIONS: Mapping[str, Objective] = {
    "square": Objective(
        "x**2",
        lambda x: x[0] ** 2,
        start=(4.0,),
        names=("x",),
        minimum=(0.0,),
        stable=StableRate("2 / the second derivative", 1.0),
    ),
    "valley": valley(),
    "rosenbrock": Objective(
        "(1 - x1)**2 + 100 * (x2 - x1**2)**2",
        lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2,
        start=(-1.2, 1.0),
        names=("x1", "x2"),
        minimum=(1.0, 1.0),
        learning_rates={"sgd": 0.002, "adagrad": 1.0, "rmsprop": 0.01},
        steps=1000,
    ),
    "two-weights": Objective(
        "0.1 * A + 10 * B",
        lambda x: 0.1 * x[0] + 10 * x[1],
        start=(4.0, 4.0),
        names=("A", "B"),
        bounded=False,
    ),
}

# Other spellings of the names.
SPELLINGS = {"x**2": "square"}
