"""Optimizers as a comparison sees them: a factory, and the grids of what is tuned.

Rates and `1 - decay` live on logarithmic grids, for a decay of 0.99 is as far from 0.9 as 0.999 is
from 0.99; a grid that is even in the decay itself holds almost no useful values (section 1 of
"Descending through a crowded valley", Schmidt et al., 2021, shows what comes of it).  Every
optimizer begins with the same number of trials, `TRIALS`, from the same range of learning rates,
and every grid grows by half a decade at a time, by the same rule.
"""

import inspect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import optax
from jax import Array

from rmsprop.study import spelling

Factory = Callable[..., optax.GradientTransformation]
_Value = TypeVar("_Value", float, Array)

# The number of trials that an optimizer begins with, whatever its hyper-parameters.
TRIALS = 54
HALF_DECADE = math.sqrt(10)
# From 1e-4 to 1, the range of all optimizers. Two points a decade, as in Wilson et al. (2017),
# where two more hyper-parameters are tuned; four a decade where there is one more.
HALF_DECADES = tuple(10.0 ** (k / 2) for k in range(-8, 1))
QUARTER_DECADES = tuple(10.0 ** (k / 4) for k in range(-17, 1))
LOWEST_RATE, HIGHEST_RATE = 1e-8, 1e4

# Arguments that are searched as one minus themselves.
DECAYS = ("decay", "alpha", "rho", "b2")
# One minus a decay: memories of 100, 30 and 10 steps. A memory of more than a third of a run is no
# longer one that forgets, and its RMSprop is an AdaGrad with another rate.
RESTS = (0.01, 1 / 30, 0.1)
SHARE_OF_RUN = 3
LEAST_REST = 1e-6  # in runs that are long enough
# What a user gets who tunes nothing, where the factory itself has no default for its rate.
DEFAULT_RATE = 0.001


@dataclass(frozen=True)
class Tunable:
    """One hyper-parameter that is tuned.

    Attributes:
        name: Its name in the results.
        grid: Ascending values that are tried; positive where it grows.
        lowest: Where the grid stops growing downwards.
        highest: Where it stops growing upwards.
        argument: The factory's keyword; "" for the name. Of a name `one_minus_x` the argument is
            given one minus the value.
        within_run: Whether values of one minus a decay that remember more than a third of a run are
            left out of the grid.

    Raises:
        ValueError: a grid that is empty, not ascending, or not of finite numbers.
    """

    name: str
    grid: tuple[float, ...]
    lowest: float
    highest: float
    argument: str = ""
    within_run: bool = False

    def __post_init__(self) -> None:
        """Refuses a grid that could not be searched, before a long job is begun."""
        if not self.grid:
            raise ValueError(
                f"the grid of {self.name} is empty; give it at least one value to try."
            )
        if not all(math.isfinite(x) for x in self.grid):
            raise ValueError(f"the grid of {self.name} is {self.grid}; its values must be finite.")
        if any(low >= high for low, high in itertools.pairwise(self.grid)):
            raise ValueError(f"the grid of {self.name} is {self.grid}; it must be ascending.")
        if self.name == "learning_rate" and self.grid[0] <= 0:
            raise ValueError(
                f"the grid of learning_rate begins at {self.grid[0]:g}; rates must be positive."
            )

    @classmethod
    def fixed(cls, argument: str, values: Sequence[float]) -> "Tunable":
        """A grid of the user's own, which does not grow; decays are recorded as one minus them."""
        if argument in DECAYS:
            rest = tuple(sorted(1 - float(x) for x in values))
            return cls(f"{spelling.ONE_MINUS}{argument}", rest, *_NO_GROWTH, argument)
        grid = tuple(sorted(float(x) for x in values))
        if argument == "learning_rate":
            return cls(argument, grid, LOWEST_RATE, HIGHEST_RATE)
        return cls(argument, grid, *_NO_GROWTH, argument)

    def grown(self, best: float) -> "Tunable":
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

    def within(self, steps: int) -> "Tunable":
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


# Limits that no value of a grid keeps.
_NO_GROWTH = (math.inf, -math.inf)


@dataclass(frozen=True)
class Defaults:
    """Complete defaults that somebody ships: an optimizer that is not tuned.

    Attributes:
        make: Makes the optimizer from its learning rate, a number or a schedule.
        learning_rate: The rate that is shipped.
        arguments: All that was given, by the names of whoever ships it, for tables.
    """

    make: Callable[[Array | optax.Schedule], optax.GradientTransformation]
    learning_rate: float
    arguments: Mapping[str, float]


@dataclass(frozen=True)
class Optimizer:
    """What is compared: a factory of Optax transformations and what of it is tuned.

    Attributes:
        name: Its name in tables and figures.
        factory: Makes a `GradientTransformation`; the learning rate is its first argument, and all
            that is tuned arrives as traced float32 scalars.
        tuned: The hyper-parameters and their grids, the learning rate first.
        default: For each of them the value that a user gets who tunes nothing.
        shipped: Complete defaults by the name of whoever ships them, in the place of `default`.
        fixed: Arguments that are not tuned and differ from the function's own defaults, by name.
        is_reference: Whether it only shows where the others stand: it runs under one schedule,
            without defaults, and no verdict is about it.
    """

    name: str
    factory: Factory
    tuned: tuple[Tunable, ...]
    default: tuple[float, ...] = ()
    shipped: Mapping[str, Defaults] = field(default_factory=dict)
    fixed: Mapping[str, float | bool] = field(default_factory=dict)
    is_reference: bool = False

    def __post_init__(self) -> None:
        """Refuses what would be tuned twice, and a learning rate that is not."""
        if len(set(self.names)) < len(self.names) or self.names[:1] != ("learning_rate",):
            raise ValueError(
                f"optimizer {self.name!r} tunes {', '.join(self.names) or 'nothing'}; it must tune"
                f" learning_rate first, and each hyper-parameter once."
            )
        if self.default and len(self.default) != len(self.tuned):
            raise ValueError(
                f"optimizer {self.name!r} tunes {', '.join(self.names)} and has the defaults"
                f" {self.default}; give one for each."
            )

    def build(
        self, values: Mapping[str, Array], rate: Array | optax.Schedule | None = None
    ) -> optax.GradientTransformation:
        """The optimizer for values by the names they have in the results.

        Args:
            values: of what is tuned.
            rate: the learning rate under a schedule; None for `values["learning_rate"]` itself.
        """
        others = dict(t.passed(values[t.name]) for t in self.tuned[1:])
        return self.factory(values["learning_rate"] if rate is None else rate, **others)

    @property
    def defaults(self) -> dict[str, float]:
        """The default configuration by name; the middle of a grid where nothing else is known."""
        middle = (t.grid[len(t.grid) // 2] for t in self.tuned)
        return dict(zip(self.names, self.default or middle, strict=True))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what is tuned."""
        return tuple(tunable.name for tunable in self.tuned)

    def configurations(self) -> list[tuple[float, ...]]:
        """Every point of the grid, in a fixed order."""
        return list(itertools.product(*(tunable.grid for tunable in self.tuned)))

    def grown(self, best: tuple[float, ...]) -> "Optimizer":
        """The optimizer with larger grids where the best point is on the edge of one."""
        tuned = [t.grown(x) for t, x in zip(self.tuned, best, strict=True)]
        return replace(self, tuned=tuple(tuned))

    def around(self, best: tuple[float, ...]) -> list[tuple[float, ...]]:
        """The points of the grid that are near the best one in each hyper-parameter."""
        near = [t.near(x) for t, x in zip(self.tuned, best, strict=True)]
        return list(itertools.product(*near))

    def within(self, steps: int) -> "Optimizer":
        """The optimizer with the grids for runs of so many steps."""
        return replace(self, tuned=tuple(t.within(steps) for t in self.tuned))

    def edges(self, best: tuple[float, ...]) -> tuple[str, ...]:
        """The names of what is still on the edge of its grid at the best point."""
        return tuple(t.name for t, x in zip(self.tuned, best, strict=True) if t.on_edge(x))


# Keywords that are worth tuning beside the learning rate, with their name in the results.
_STARTS = (0.001, 0.01, 0.1)
_SECOND: Mapping[str, Tunable] = {
    **{
        x: Tunable(f"{spelling.ONE_MINUS}{x}", RESTS, LEAST_REST, 1.0, x, within_run=True)
        for x in DECAYS
    },
    "initial_accumulator_value": Tunable("initial_accumulator_value", _STARTS, 1e-16, 1e4),
}


def optimizer(
    name: str,
    factory: Factory,
    tune: Mapping[str, Sequence[float]] | None = None,
) -> Optimizer:
    """An optimizer with the grids that fit its factory.

    The learning rate, the factory's first argument, is always tuned.  The second tuned
    hyper-parameter is the first of `decay`, `alpha`, `rho`, `b2` and `initial_accumulator_value`
    that the factory takes, with three values; a factory that takes none of them gets three times as
    many learning rates in the same range, so that all have the same number of trials.  RMSprop and
    AdaGrad of this library have grids of their own (`rmsprop.study.contenders`).

    Args:
        name: A name for tables and figures.
        factory: Makes a `GradientTransformation` from a learning rate, which is a traced scalar.
        tune: The factory's arguments -> values to try, in the place of these grids; a grid of
            `learning_rate` given here still grows, the others do not.

    Raises:
        TypeError: what is not callable, or takes no argument.
        ValueError: an empty grid, or an argument that the factory does not take.

    Example:
        >>> import optax
        >>> from rmsprop import study
        >>> sgd = study.optimizer("sgd", optax.sgd, {"momentum": (0.0, 0.5, 0.9)})
        >>> len(sgd.configurations())
        54
    """
    if not callable(factory):
        raise TypeError(
            f"optimizer {name!r} is {factory!r}; it must be a function that makes an optimizer from"
            f" a learning rate, like rmsprop.adagrad or optax.adam."
        )
    parameters = inspect.signature(factory).parameters
    arguments = list(parameters)
    if not arguments:
        raise TypeError(
            f"optimizer {name!r} is a function without arguments; it must take the learning rate as"
            f" its first one. Wrap it: lambda learning_rate: ..."
        )
    if tune is not None:
        tuned = _own_grids(name, parameters, tune, rates_of(QUARTER_DECADES))
    elif second := next((x for x in _SECOND if x in arguments[1:]), None):
        tuned = (rates_of(QUARTER_DECADES), _SECOND[second])
    else:
        tuned = (rates_of([10.0 ** (-4 + 4 * k / (TRIALS - 1)) for k in range(TRIALS)]),)
    return Optimizer(name, factory, tuned, _defaults(factory, parameters, tuned))


def rates_of(values: Sequence[float]) -> Tunable:
    """The learning rate with these values to begin with; the limits are the same for all."""
    return Tunable("learning_rate", tuple(values), LOWEST_RATE, HIGHEST_RATE)


def _own_grids(
    name: str,
    parameters: Mapping[str, inspect.Parameter],
    tune: Mapping[str, Sequence[float]],
    rate: Tunable,
) -> tuple[Tunable, ...]:
    first, *others = parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for argument in tune:
        if argument not in ("learning_rate", first, *others) and not takes_any:
            raise ValueError(
                f"optimizer {name!r} shall tune {argument}, which its function does not take; it"
                f" takes {', '.join(parameters)}."
            )
    grids = {x: y for x, y in tune.items() if x not in ("learning_rate", first)}
    rates = tune.get("learning_rate", tune.get(first))
    chosen = rate if rates is None else Tunable.fixed("learning_rate", rates)
    return (chosen, *(Tunable.fixed(argument, values) for argument, values in grids.items()))


def _defaults(
    factory: Factory, parameters: Mapping[str, inspect.Parameter], tuned: Sequence[Tunable]
) -> tuple[float, ...]:
    """The factory's own defaults of what is tuned."""

    def of(argument: str, otherwise: float) -> float:
        """The default of an argument, as a number."""
        if argument not in parameters:
            return otherwise
        default = parameters[argument].default
        if default is None:  # left out, as Optax's momentum is
            return 0.0
        return float(default) if isinstance(default, (int, float)) else otherwise

    values = [of(next(iter(parameters)), DEFAULT_RATE) or DEFAULT_RATE]
    for tunable in tuned[1:]:
        middle = tunable.grid[len(tunable.grid) // 2]
        argument, otherwise = tunable.passed(middle)
        given = of(argument, otherwise)
        values.append(1 - given if tunable.name.startswith(spelling.ONE_MINUS) else given)
    return tuple(values)
