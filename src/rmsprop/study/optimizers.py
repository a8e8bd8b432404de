"""Optimizers as a comparison sees them: a factory, and the grids of what is tuned.

Rates and `1 - decay` live on logarithmic grids, for a decay of 0.99 is as far from 0.9 as 0.999 is
from 0.99; a grid that is even in the decay itself holds almost no useful values (section 1 of
"Descending through a crowded valley", Schmidt et al., 2021, shows what comes of it).  Every
optimizer begins with the same number of trials from the same range of learning rates.
"""

import inspect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import optax
from jax import Array

import rmsprop
from rmsprop.study import spelling
from rmsprop.study.lookup import load_object

Factory = Callable[..., optax.GradientTransformation]
_Value = TypeVar("_Value", float, Array)

# Two points a decade, as in Wilson et al. (2017): 1e-4, 3.2e-4, 1e-3, ..., 1.
RATES = tuple(10.0 ** (k / 2) for k in range(-8, 1))


# Arguments that are searched as one minus themselves.
DECAYS = ("decay", "alpha", "rho", "b2")
# What a user gets who tunes nothing, where the factory itself has no default: that of PyTorch.
DEFAULT_RATES: Mapping[str, float] = {"rmsprop": 0.01, "adagrad": 0.01}
DEFAULT_RATE = 0.001


@dataclass(frozen=True)
class Tunable:
    """One hyper-parameter that is tuned.

    Attributes:
        name: Its name in the results.
        grid: Ascending values that are tried, evenly spaced on a logarithmic scale where it grows.
        lowest: Where the grid stops growing downwards.
        highest: Where it stops growing upwards.
        argument: The factory's keyword; "" for the name. Of a name `one_minus_x` the argument is
            given one minus the value.

    Raises:
        ValueError: a grid that is empty, not ascending, or not of finite numbers.
    """

    name: str
    grid: tuple[float, ...]
    lowest: float
    highest: float
    argument: str = ""

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
            return cls(argument, grid, 1e-8, 1e4)
        return cls(argument, grid, *_NO_GROWTH, argument)

    def grown(self, best: float) -> "Tunable | None":
        """The grid with one more value behind the best one, if that is on the edge.

        Returns:
            None if the best value is inside the grid or the grid has reached its limit.
        """
        if len(self.grid) < 2 or self.grid[0] <= 0:
            return None
        ratio = self.grid[1] / self.grid[0]
        if best == self.grid[0] and best / ratio >= self.lowest * 0.999:
            return replace(self, grid=(best / ratio, *self.grid))
        if best == self.grid[-1] and best * ratio <= self.highest * 1.001:
            return replace(self, grid=(*self.grid, best * ratio))
        return None

    def on_edge(self, best: float) -> bool:
        """Whether the best value is the first or the last of a grid of several."""
        return len(self.grid) > 1 and best in (self.grid[0], self.grid[-1])

    def passed(self, value: _Value) -> tuple[str, _Value]:
        """The factory's keyword and what it is given for a value of the grid."""
        one_minus = self.name.startswith(spelling.ONE_MINUS)
        return self.argument or self.name, 1 - value if one_minus else value


# Limits that no value of a grid keeps.
_NO_GROWTH = (math.inf, -math.inf)


@dataclass(frozen=True)
class Optimizer:
    """What is compared: a factory of Optax transformations and what of it is tuned.

    Attributes:
        name: Its name in tables and figures.
        factory: Makes a `GradientTransformation`; the learning rate is its first argument, and all
            that is tuned arrives as traced float32 scalars.
        tuned: The hyper-parameters and their grids, the learning rate first.
        default: For each of them the value that a user gets who tunes nothing.
    """

    name: str
    factory: Factory
    tuned: tuple[Tunable, ...]
    default: tuple[float, ...] = ()

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

    def grown(self, best: tuple[float, ...]) -> "Optimizer | None":
        """The optimizer with a larger grid where the best point is on the edge; else None."""
        tuned = [t.grown(x) for t, x in zip(self.tuned, best, strict=True)]
        if not any(tuned):
            return None
        grids = zip(tuned, self.tuned, strict=True)
        return replace(self, tuned=tuple(new if new is not None else old for new, old in grids))

    def edges(self, best: tuple[float, ...]) -> tuple[str, ...]:
        """The names of what is still on the edge of its grid at the best point."""
        return tuple(t.name for t, x in zip(self.tuned, best, strict=True) if t.on_edge(x))


# Keywords that are worth tuning beside the learning rate, with their name in the results.
# A decay of 0.999 remembers 1,000 steps; what remembers longer than a run lasts is AdaGrad with
# another rate, so that the grid of a decay does not grow in that direction.
_REST = (0.001, 0.01, 0.1)
_STARTS = (0.001, 0.01, 0.1)
_SECOND: Mapping[str, Tunable] = {
    **{x: Tunable(f"{spelling.ONE_MINUS}{x}", _REST, 0.001, 1.0, x) for x in DECAYS},
    "initial_accumulator_value": Tunable("initial_accumulator_value", _STARTS, 1e-4, 10.0),
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
    many learning rates in the same range, so that all have the same number of trials.

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
        27
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
    rate = Tunable("learning_rate", RATES, 1e-8, 1e4)
    if tune is not None:
        tuned = _own_grids(name, parameters, tune, rate)
    elif second := next((x for x in _SECOND if x in arguments[1:]), None):
        tuned = (rate, _SECOND[second])
    else:
        count = 3 * len(RATES)
        tuned = (
            replace(rate, grid=tuple(10.0 ** (-4 + 4 * k / (count - 1)) for k in range(count))),
        )
    return Optimizer(name, factory, tuned, _defaults(factory, parameters, tuned))


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
    """The factory's own defaults of what is tuned, and PyTorch's learning rate."""

    def of(argument: str, otherwise: float) -> float:
        if argument not in parameters:
            return otherwise
        default = parameters[argument].default
        if default is None:  # left out, as Optax's momentum is
            return 0.0
        return float(default) if isinstance(default, (int, float)) else otherwise

    known = DEFAULT_RATES.get(getattr(factory, "__name__", ""), DEFAULT_RATE)
    values = [of(next(iter(parameters)), known) or known]
    for tunable in tuned[1:]:
        middle = tunable.grid[len(tunable.grid) // 2]
        argument, otherwise = tunable.passed(middle)
        given = of(argument, otherwise)
        values.append(1 - given if tunable.name.startswith(spelling.ONE_MINUS) else given)
    return tuple(values)


def named(specification: str) -> Optimizer:
    """An optimizer from the command line's words.

    Args:
        specification: `rmsprop`, `adagrad`, or `NAME=module:function`, such as
            `adam=optax:adam`.

    Raises:
        ValueError: an unknown name, or a module or function that cannot be found.
    """
    if specification in ("rmsprop", "adagrad"):
        return optimizer(specification, getattr(rmsprop, specification))
    name, equals, place = specification.partition("=")
    if not (name and equals and ":" in place.strip(":")):
        raise ValueError(
            f"optimizer {specification!r} is unknown; name rmsprop, adagrad, or your own as"
            f" NAME=module:function, for example adam=optax:adam."
        )
    factory = load_object(place, f"optimizer {specification!r}")
    return optimizer(name, factory)  # pyright: ignore[reportArgumentType] (it says what is wrong)
