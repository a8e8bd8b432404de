"""The grid of one hyper-parameter: the values that are tried, and how it grows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from jax import Array

from rmsprop.study import names, spelling

_Value = TypeVar("_Value", float, Array)

HALF_DECADE = math.sqrt(10)
LOWEST_RATE, HIGHEST_RATE = 1e-8, 1e4
# Arguments that are searched as one minus themselves.
DECAYS = ("decay", "alpha", "rho", "b2")
# No memory is longer than a run divided by this.
SHARE_OF_RUN = 3


@dataclass(frozen=True)
class Tunable:
    """One hyper-parameter that is tuned.

    Attributes:
        name: Its name in the results, words of letters, digits and underscores.
        grid: Ascending numbers that are tried; positive where it grows.
        lowest: Where the grid stops growing downwards.
        highest: Where it stops growing upwards.
        argument: The factory's keyword; "" for the name. Of a name `one_minus_x` the argument is
            given one minus the value.
        within_run: Whether values of one minus a decay that remember more than a third of a run are
            left out of the grid.

    Raises:
        TypeError: the name is no text, or the grid is no sequence.
        ValueError: a grid that is empty, not ascending, or not of finite numbers; a name that no
            argument could have; a limit that is no number.

    Example:
        >>> from rmsprop import study
        >>> study.Tunable("momentum", (0.0, 0.9), lowest=0.0, highest=0.9).grid
        (0.0, 0.9)
    """

    name: str
    grid: tuple[float, ...]
    lowest: float
    highest: float
    argument: str = ""
    within_run: bool = False

    def __post_init__(self) -> None:
        """Refuses a grid that could not be searched, before a long job is begun."""
        names.check_words("the name of a hyper-parameter", self.name)
        object.__setattr__(self, "grid", _numbers(self.name, self.grid))  # the class is frozen
        if not self.grid:
            raise ValueError(
                f"the grid of {self.name} is empty; give it at least one value to try."
            )
        for limit in ("lowest", "highest"):
            if math.isnan(names.float_of(getattr(self, limit))):
                raise ValueError(
                    f"{limit} of {self.name} is {names.excerpt(getattr(self, limit))}; it must be a"
                    f" number, where its grid stops growing."
                )
        if any(low >= high for low, high in itertools.pairwise(self.grid)):
            raise ValueError(f"the grid of {self.name} is {self.grid}; it must be ascending.")
        if self.name == "learning_rate" and self.grid[0] <= 0:
            raise ValueError(
                f"the grid of learning_rate begins at {self.grid[0]:g}; rates must be positive."
            )

    @classmethod
    def fixed(cls, argument: str, values: Sequence[float]) -> Tunable:
        """A grid of the user's own, which does not grow; decays are recorded as one minus them."""
        names.check_words("the name of a hyper-parameter", argument)
        grid = tuple(sorted(_numbers(argument, values)))
        if argument in DECAYS:
            rest = tuple(sorted(1 - x for x in grid))
            return cls(f"{spelling.ONE_MINUS}{argument}", rest, *_NO_GROWTH, argument)
        if argument == "learning_rate":
            return cls(argument, grid, LOWEST_RATE, HIGHEST_RATE)
        return cls(argument, grid, *_NO_GROWTH, argument)

    def grown(self, best: float) -> Tunable:
        """The grid with half a decade more behind the best value, if that is on the edge.

        Where the values are closer than that, there is more than one more. A grid of one value, one
        with values that are not positive, and one at its limit stays as it is.
        """
        if len(self.grid) < 2 or self.grid[0] <= 0 or not self.on_edge(best):
            return self
        ratio = min(self.grid[1] / self.grid[0], HALF_DECADE)
        count = int(math.log(HALF_DECADE * 1.001) / math.log(ratio))
        factors = [ratio**k for k in range(1, count + 1)]
        if best == self.grid[0]:
            more = [best / x for x in reversed(factors) if best / x >= self.lowest * 0.999]
            return replace(self, grid=(*more, *self.grid))
        more = [best * x for x in factors if best * x <= self.highest * 1.001]
        return replace(self, grid=(*self.grid, *more))

    def near(self, best: float) -> tuple[float, ...]:
        """The values next to the best one, and all within half a decade of it."""
        place = self.grid.index(best)
        return tuple(
            x
            for i, x in enumerate(self.grid)
            if abs(i - place) <= 1
            or (x > 0 < best and max(x / best, best / x) <= HALF_DECADE * 1.001)
        )

    def within(self, steps: int) -> Tunable:
        """The grid for runs of so many steps: no memory is longer than a third of them."""
        if not self.within_run:
            return self
        least = SHARE_OF_RUN / steps
        grid = tuple(x for x in self.grid if x >= least * 0.999) or self.grid[-1:]
        return replace(self, grid=grid, lowest=max(self.lowest, min(least, grid[0])))

    def on_edge(self, best: float) -> bool:
        """Whether the best value is the first or the last of a grid of several.

        Zero is no edge, such as no momentum: nothing lies below it.
        """
        return len(self.grid) > 1 and best in (self.grid[0], self.grid[-1]) and best != 0

    def passed(self, value: _Value) -> tuple[str, _Value]:
        """The factory's keyword and what it is given for a value of the grid."""
        one_minus = self.name.startswith(spelling.ONE_MINUS)
        return self.argument or self.name, 1 - value if one_minus else value


def _numbers(name: str, grid: object) -> tuple[float, ...]:
    """The values of a grid as floats, after their check."""
    if isinstance(grid, (str, Mapping)) or not isinstance(grid, Iterable):
        raise TypeError(
            f"the grid of {name} is {names.excerpt(grid)}; it must be a sequence of numbers, such"
            f" as (0.1, 0.2)."
        )
    values = [(value, names.float_of(value)) for value in grid]
    for value, number in values:
        if not abs(number) <= names.LARGEST:
            raise ValueError(
                f"the grid of {name} holds {names.excerpt(value)}; its values must be finite"
                f" numbers, in float32 too."
            )
    return tuple(number for _, number in values)


# Limits that no value of a grid keeps.
_NO_GROWTH = (math.inf, -math.inf)
