"""Optimizers as a comparison sees them: a factory, and the grids of what is tuned.

Rates and `1 - decay` live on logarithmic grids, for a decay of 0.99 is as far from 0.9 as 0.999 is
from 0.99; a grid that is even in the decay itself holds almost no useful values (section 1 of
"Descending through a crowded valley", Schmidt et al., 2021, shows what comes of it).  Every
optimizer begins with the same number of trials from the same range of learning rates.
"""

import importlib
import inspect
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

import rmsprop
from rmsprop.study import wording
from rmsprop.study.problems import Problem

# Two points a decade, as in Wilson et al. (2017): 1e-4, 3.2e-4, 1e-3, ..., 1.
RATES = tuple(10.0 ** (k / 2) for k in range(-8, 1))


@dataclass(frozen=True)
class Tunable:
    """One hyper-parameter that is tuned.

    Attributes:
        name: Its name in the results.
        grid: Ascending values that are tried, evenly spaced on a logarithmic scale.
        lowest: Where the grid stops growing downwards.
        highest: Where it stops growing upwards.
    """

    name: str
    grid: tuple[float, ...]
    lowest: float
    highest: float

    def grown(self, best: float) -> "Tunable | None":
        """The grid with one more value behind the best one, if that is on the edge.

        Returns:
            None if the best value is inside the grid or the grid has reached its limit.
        """
        ratio = self.grid[1] / self.grid[0]
        if best == self.grid[0] and best / ratio >= self.lowest * 0.999:
            return replace(self, grid=(best / ratio, *self.grid))
        if best == self.grid[-1] and best * ratio <= self.highest * 1.001:
            return replace(self, grid=(*self.grid, best * ratio))
        return None

    def on_edge(self, best: float) -> bool:
        """Whether the best value is the first or the last of the grid."""
        return best in (self.grid[0], self.grid[-1])


@dataclass(frozen=True)
class Optimizer:
    """What is compared: a factory of Optax transformations and what of it is tuned.

    Attributes:
        name: Its name in tables and figures.
        factory: Makes a `GradientTransformation`; the learning rate is its first argument, and all
            that is tuned arrives as traced float32 scalars.
        tuned: The hyper-parameters and their grids, the learning rate first.
        keyword: The factory's keyword for the second of them, or None where there is one only.
    """

    name: str
    factory: Callable[..., optax.GradientTransformation]
    tuned: tuple[Tunable, ...]
    keyword: str | None = None

    def build(self, values: Mapping[str, Array]) -> optax.GradientTransformation:
        """The optimizer for values by the names they have in the results."""
        rate = values["learning_rate"]
        if self.keyword is None:
            return self.factory(rate)
        name = self.tuned[1].name
        argument = 1 - values[name] if name.startswith("one_minus_") else values[name]
        return self.factory(rate, **{self.keyword: argument})

    def __post_init__(self) -> None:
        """Refuses what would be tuned and never passed to the factory."""
        expected = 1 if self.keyword is None else 2
        if len(self.tuned) != expected or self.tuned[0].name != "learning_rate":
            raise ValueError(
                f"optimizer {self.name!r} tunes {', '.join(self.names) or 'nothing'}; it must tune"
                f" learning_rate, and with a keyword one hyper-parameter more."
            )

    def check(self, problem: Problem) -> None:
        """Traces one update without running it, before a long job is compiled.

        Raises:
            ValueError: the factory fails or makes something else than a transformation.
        """

        def step(values: Mapping[str, Array]) -> object:
            params = problem.init(jax.random.key(0))
            made = self.build(values)
            return made.update(params, made.init(params), params)[0]

        try:
            jax.eval_shape(step, dict.fromkeys(self.names, jnp.float32(0.1)))
        except Exception as error:  # whatever a stranger's function raises
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ValueError(
                f"optimizer {self.name!r} cannot be used: {reason} Its function must make an Optax"
                f" transformation from a learning rate that JAX traces, so it cannot branch on it."
            ) from error

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

    def edges(self, best: tuple[float, ...]) -> str:
        """A sentence that says what of the best point is still on the edge of its grid, or ""."""
        stuck = {t.name: x for t, x in zip(self.tuned, best, strict=True) if t.on_edge(x)}
        if not stuck:
            return ""
        return f"the best {wording.settings(stuck)} is at the limit of its grid"


# Keywords that are worth tuning beside the learning rate, with their name in the results.
# A decay of 0.999 remembers 1,000 steps; what remembers longer than a run lasts is AdaGrad with
# another rate, so that the grid of a decay does not grow in that direction.
_DECAYS = (0.001, 0.01, 0.1)
_STARTS = (0.001, 0.01, 0.1)
_SECOND: Mapping[str, Tunable] = {
    "decay": Tunable("one_minus_decay", _DECAYS, 0.001, 1.0),
    "b2": Tunable("one_minus_b2", _DECAYS, 0.001, 1.0),
    "initial_accumulator_value": Tunable("initial_accumulator_value", _STARTS, 1e-4, 10.0),
}


def optimizer(name: str, factory: Callable[..., optax.GradientTransformation]) -> Optimizer:
    """An optimizer with the grids that fit its factory.

    The learning rate, the factory's first argument, is always tuned.  The second tuned
    hyper-parameter is the first of `decay`, `b2` and `initial_accumulator_value` that the factory
    takes, with three values; a factory that takes none of them gets three times as many learning
    rates in the same range, so that all have the same number of trials.

    Args:
        name: A name for tables and figures.
        factory: Makes a `GradientTransformation` from a learning rate, which is a traced scalar.

    Raises:
        TypeError: what is not callable, or takes no argument.
    """
    if not callable(factory):
        raise TypeError(
            f"optimizer {name!r} is {factory!r}; it must be a function that makes an optimizer from"
            f" a learning rate, like rmsprop.adagrad or optax.adam."
        )
    arguments = list(inspect.signature(factory).parameters)
    if not arguments:
        raise TypeError(
            f"optimizer {name!r} is a function without arguments; it must take the learning rate as"
            f" its first one. Wrap it: lambda learning_rate: ..."
        )
    for keyword in _SECOND:
        if keyword in arguments[1:]:
            rate = Tunable("learning_rate", RATES, 1e-8, 1e4)
            return Optimizer(name, factory, (rate, _SECOND[keyword]), keyword)
    finer = tuple(10.0 ** (-4 + 4 * k / (3 * len(RATES) - 1)) for k in range(3 * len(RATES)))
    return Optimizer(name, factory, (Tunable("learning_rate", finer, 1e-8, 1e4),))


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
    module_name, colon, function = place.partition(":")
    if not (name and equals and module_name and colon and function):
        raise ValueError(
            f"optimizer {specification!r} is unknown; name rmsprop, adagrad, or your own as"
            f" NAME=module:function, for example adam=optax:adam."
        )
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:  # whatever happens when a stranger's module is imported
        raise ValueError(
            f"optimizer {specification!r}: the module {module_name} cannot be imported ({error})."
            f" Install it, or run where Python finds it."
        ) from error
    for part in function.split("."):
        if not hasattr(found, part):
            raise ValueError(
                f"optimizer {specification!r}: {module_name} has no function {function}."
            )
        found = getattr(found, part)
    return optimizer(name, found)
