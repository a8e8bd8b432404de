"""The optimizers that a comparison knows by name, with their grids and their shipped defaults.

RMSprop and AdaGrad have the same freedom: a learning rate, and a damping, which is what is added
under the root before the first gradient, `eps` for the one and the starting value of the sum for
the other, on one grid.  RMSprop has its memory besides, `1 / (1 - decay)` steps, and for that fewer
rates and one value less of the damping to begin with, so that each has 54 trials.  RMSprop is
bias-corrected: without it, and with a memory longer than the run, it is close to AdaGrad.

The references show where the two stand: SGD with momentum, and Adam, which begin with as many
trials.  On request RMSprop with memories of 1,000 to 10,000 steps is shown beside them,
uncorrected. Where that is longer than the run it is AdaGrad but for a factor of 0.79 to 1, and the
report names which.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import optax
from jax import Array

import rmsprop
from rmsprop.frameworks import keras, torch
from rmsprop.frameworks import optax as optax_port
from rmsprop.study.lookup import load_object, suggestion
from rmsprop.study.optimizers import (
    HALF_DECADES,
    LEAST_REST,
    QUARTER_DECADES,
    RESTS,
    Defaults,
    Factory,
    Optimizer,
    Tunable,
    optimizer,
    rates_of,
)
from rmsprop.study.spelling import LONG_MEMORY, ONE_MINUS

# What is added under the root before the first gradient: three values three decades apart.
DAMPINGS = (1e-10, 1e-7, 1e-4)
LEAST_DAMPING, MOST_DAMPING = 1e-16, 1e4
# Momentum from none to a memory of a hundred steps.
MOMENTA = (0.0, 0.9, 0.99)
# Of a moving average of the parameters, which Keras has but does not use unless it is asked for.
UNUSED = ("ema_momentum",)
# Optax has no default rate; these are those of the examples in its documentation.
OPTAX_RATES = {"rmsprop": 0.003, "adagrad": 1.0}

Made = optax.GradientTransformation


def damping(name: str, values: tuple[float, ...] = DAMPINGS) -> Tunable:
    """The grid of what is added under the root; the limits are the same for all."""
    return Tunable(name, values, LEAST_DAMPING, MOST_DAMPING)


def memory(decay: str) -> Tunable:
    """The grid of a decay: memories of 10, 30 and 100 steps, of a third of the run at most."""
    return Tunable(f"{ONE_MINUS}{decay}", RESTS, LEAST_REST, 1.0, decay, within_run=True)


def _rmsprop(learning_rate: Array | optax.Schedule, decay: Array, eps: Array) -> Made:
    return rmsprop.rmsprop(learning_rate, decay, eps, bias_correction=True)


def _uncorrected(learning_rate: Array | optax.Schedule, decay: Array, eps: Array) -> Made:
    return rmsprop.rmsprop(learning_rate, decay, eps, bias_correction=False)


def _adagrad(learning_rate: Array | optax.Schedule, initial_accumulator_value: Array) -> Made:
    return rmsprop.adagrad(learning_rate, initial_accumulator_value, eps=0.0)


def _sgd(learning_rate: Array | optax.Schedule, momentum: Array) -> Made:
    return optax.sgd(learning_rate, momentum)


def _adam(learning_rate: Array | optax.Schedule, b2: Array, eps_root: Array) -> Made:
    return optax.adam(learning_rate, b2=b2, eps=0.0, eps_root=eps_root)


def _shipped(factory: Callable[..., Made], rate: float | None = None) -> Defaults:
    """The complete defaults of a function, all numbers that its signature holds.

    Args:
        factory: Makes the optimizer; its first argument is the learning rate.
        rate: The learning rate where the function has no default for it.
    """
    parameters = inspect.signature(factory).parameters
    arguments = {
        name: float(parameter.default)
        for name, parameter in parameters.items()
        if isinstance(parameter.default, (int, float)) and not isinstance(parameter.default, bool)
    }
    first = next(iter(parameters))
    if rate is not None:
        arguments = {first: rate, **arguments}
    # What is zero is switched off, but for the starting value of a sum.
    told = {
        x: y
        for x, y in arguments.items()
        if x not in UNUSED and (y or x == "initial_accumulator_value")
    }
    return Defaults(factory, arguments[first], told)


RMSPROP = Optimizer(
    "rmsprop",
    _rmsprop,
    (rates_of(HALF_DECADES), memory("decay"), damping("eps", DAMPINGS[1:])),
    fixed={"bias_correction": True},
    shipped={
        "torch": _shipped(torch.rmsprop),
        "keras": _shipped(keras.rmsprop),
        "optax": _shipped(optax_port.rmsprop, OPTAX_RATES["rmsprop"]),
    },
)
ADAGRAD = Optimizer(
    "adagrad",
    _adagrad,
    (rates_of(QUARTER_DECADES), damping("initial_accumulator_value")),
    fixed={"eps": 0.0},
    shipped={
        "torch": _shipped(torch.adagrad),
        "keras": _shipped(keras.adagrad),
        "optax": _shipped(optax_port.adagrad, OPTAX_RATES["adagrad"]),
    },
)
# Momentum is no grid that grows: beyond 0.99 it remembers more than the run has steps.
SGD = Optimizer(
    "sgd",
    _sgd,
    (rates_of(QUARTER_DECADES), Tunable.fixed("momentum", MOMENTA)),
    is_reference=True,
)
ADAM = Optimizer(
    "adam",
    _adam,
    (rates_of(HALF_DECADES), memory("b2"), damping("eps_root", DAMPINGS[1:])),
    is_reference=True,
)

# Memories of 1,000 to 10,000 steps, which are longer than the runs of most tasks.
LONG_RMSPROP = Optimizer(
    LONG_MEMORY,
    _uncorrected,
    (
        rates_of(HALF_DECADES),
        Tunable(f"{ONE_MINUS}decay", (1e-4, 10**-3.5, 1e-3), 1e-4, 1e-3, "decay"),
        damping("eps", DAMPINGS[1:]),
    ),
    fixed={"bias_correction": False},
    is_reference=True,
)

CONTENDERS: Mapping[str, Optimizer] = {"rmsprop": RMSPROP, "adagrad": ADAGRAD}
REFERENCES: Mapping[str, Optimizer] = {"sgd": SGD, "adam": ADAM}
# What the command line knows by name.
_NAMED: Mapping[str, Optimizer] = {**CONTENDERS, LONG_MEMORY: LONG_RMSPROP}
# The functions of this library that stand for a contender where a user names them.
_FACTORIES: Mapping[Factory, Optimizer] = {
    rmsprop.rmsprop: RMSPROP,
    rmsprop.adagrad: ADAGRAD,
}


def contender(name: str, factory: Factory) -> Optimizer:
    """An optimizer under a name: with its own grids where it is RMSprop or AdaGrad of this library.

    Args:
        name: A name for tables and figures.
        factory: As in `rmsprop.study.optimizer`.

    Raises:
        TypeError: what is not callable, or takes no argument.
    """
    known = _FACTORIES.get(factory) if callable(factory) else None
    return optimizer(name, factory) if known is None else replace(known, name=name)


def named(specification: str, folder: Path | None = None) -> Optimizer:
    """An optimizer from the command line's words.

    Args:
        specification: `rmsprop`, `adagrad`, `rmsprop-long`, or `NAME=module:function`, such as
            `adam=optax:adam`.
        folder: A folder whose modules can be named too; see `lookup.load_object`. None for none.

    Raises:
        ValueError: an unknown name, or a module or function that cannot be found.

    Returns:
        The optimizer with the grids that are tuned.

    Example:
        >>> from rmsprop import study
        >>> [tunable.name for tunable in study.named("adam=optax:adam").tuned]
        ['learning_rate', 'one_minus_b2']
    """
    if specification in _NAMED:
        return _NAMED[specification]
    name, equals, place = specification.partition("=")
    if not (name and equals and ":" in place.strip(":")):
        near = suggestion(specification, _NAMED)
        raise ValueError(
            f"optimizer {specification!r} is unknown; name {', '.join(_NAMED)}, or your own as"
            f" NAME=module:function, for example adam=optax:adam.{near}"
        )
    factory = load_object(place, f"optimizer {specification!r}", folder)
    return contender(name, factory)  # pyright: ignore[reportArgumentType] (it says what is wrong)
