"""Optimizers as a comparison sees them: a factory, and the grids of what is tuned.

Rates and `1 - decay` live on logarithmic grids, for a decay of 0.99 is as far from 0.9 as 0.999 is
from 0.99; a grid that is even in the decay itself holds almost no useful values (section 1 of
"Descending through a crowded valley", Schmidt et al., 2021, shows what comes of it).  Every
optimizer begins with the same number of trials, `TRIALS`, from the same range of learning rates,
and every grid grows by half a decade at a time, by the same rule.
"""

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import optax
from jax import Array

from rmsprop.study import names, spelling
from rmsprop.study.grids import DECAYS, HIGHEST_RATE, LOWEST_RATE, Tunable

Factory = Callable[..., optax.GradientTransformation]

# The number of trials that an optimizer begins with, whatever its hyper-parameters.
TRIALS = 54
# From 1e-4 to 1, the range of all optimizers. Two points a decade, as in Wilson et al. (2017),
# where two more hyper-parameters are tuned; four a decade where there is one more.
HALF_DECADES = tuple(10.0 ** (k / 2) for k in range(-8, 1))
QUARTER_DECADES = tuple(10.0 ** (k / 4) for k in range(-17, 1))

# One minus a decay: memories of 100, 30 and 10 steps. A memory of more than a third of a run is no
# longer one that forgets, and its RMSprop is an AdaGrad with another rate.
RESTS = (0.01, 1 / 30, 0.1)
LEAST_REST = 1e-6  # in runs that are long enough
# What a user gets who tunes nothing, where the factory itself has no default for its rate.
DEFAULT_RATE = 0.001


@dataclass(frozen=True)
class Defaults:
    """Complete defaults that somebody ships: an optimizer that is not tuned.

    Attributes:
        make: Makes the optimizer from its learning rate, a number or a schedule.
        learning_rate: The rate that is shipped.
        arguments: All that was given, by the names of whoever ships it, for tables.

    Raises:
        TypeError: `make` is not callable, or `arguments` is no dictionary of names.
        ValueError: the rate is not positive, or an argument is no finite number of Python.
    """

    make: Callable[[Array | optax.Schedule], optax.GradientTransformation]
    learning_rate: float
    arguments: Mapping[str, float]

    def __post_init__(self) -> None:
        """Refuses what could not be run or written down."""
        if not callable(self.make):
            raise TypeError(
                f"make is {names.excerpt(self.make)}; it must be a function that makes an optimizer"
                f" from a learning rate."
            )
        if not 0 < names.float_of(self.learning_rate) <= names.LARGEST:
            raise ValueError(
                f"learning_rate is {names.excerpt(self.learning_rate)}; it must be a finite number"
                f" above 0."
            )
        _check_arguments("arguments", self.arguments)


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

    Example:
        >>> import optax
        >>> from rmsprop import study
        >>> rate = study.Tunable("learning_rate", (0.01, 0.1, 1.0), lowest=1e-4, highest=100.0)
        >>> study.Optimizer("sgd", optax.sgd, (rate,)).configurations()
        [(0.01,), (0.1,), (1.0,)]
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
        names.check_line("the name of an optimizer", self.name)
        if not isinstance(self.tuned, Sequence) or not all(
            isinstance(each, Tunable) for each in self.tuned
        ):
            raise TypeError(
                f"optimizer {self.name!r} tunes {names.excerpt(self.tuned)}; it must be a tuple of"
                f" Tunable."
            )
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
        for value in self.default:
            if not abs(names.float_of(value)) <= names.LARGEST:
                raise ValueError(
                    f"optimizer {self.name!r} has the default {names.excerpt(value)}; it must be a"
                    f" finite number."
                )
        _check_arguments(f"fixed of optimizer {self.name!r}", self.fixed)
        for name, defaults in self.shipped.items():
            names.check_line(f"the name of defaults of optimizer {self.name!r}", name)
            if name in ("tuned", "own") or not isinstance(defaults, Defaults):
                raise ValueError(
                    f"shipped of optimizer {self.name!r} has {name!r}: {names.excerpt(defaults)};"
                    f" it must have Defaults by the name of whoever ships them, other than 'tuned'"
                    f" and 'own'."
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


def _check_arguments(what: str, arguments: object) -> None:
    """Refuses arguments of an optimizer that could not be written down as JSON."""
    if not isinstance(arguments, Mapping):
        raise TypeError(f"{what} is {names.excerpt(arguments)}; it must be a dictionary.")
    for name, value in arguments.items():
        names.check_line(f"a name in {what}", name)
        if not isinstance(value, bool) and not names.is_number(value):
            raise ValueError(
                f"{name} in {what} is {names.excerpt(value)}; it must be a finite number of Python."
            )


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

    Returns:
        The optimizer, as `compare` takes it.

    Raises:
        TypeError: what is not callable, or takes no argument; a name that is no text, or a grid
            that is no sequence.
        ValueError: a grid that is empty or holds something else than finite numbers, an argument
            that the factory does not take, or a name that is empty, is longer than 100 characters
            or has control characters.

    Example:
        >>> import optax
        >>> from rmsprop import study
        >>> sgd = study.optimizer("sgd", optax.sgd, {"momentum": (0.0, 0.5, 0.9)})
        >>> len(sgd.configurations())
        54
    """
    names.check_line("the name of an optimizer", name)
    if tune is not None and not isinstance(tune, Mapping):
        raise TypeError(
            f"tune of optimizer {name!r} is {names.excerpt(tune)}; it must be a dictionary of"
            f' arguments and values to try, such as {{"momentum": (0.0, 0.9)}}.'
        )
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
