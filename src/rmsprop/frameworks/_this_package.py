"""The optimizers of this package itself, as conventions that can be compared with the others.

They are read from text alone, for `rmsprop.rmsprop(1e-3)` stands in programs too.
"""

import dataclasses
from typing import cast

from jax.typing import DTypeLike

# The module is not imported, because `optax` is a module of this package here.
from optax import ScalarOrSchedule as LearningRate

from rmsprop import _optimizers
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop.frameworks import optax
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer, Rate, build


def rmsprop(
    learning_rate: LearningRate,
    decay: ScalarOrSchedule = 0.9,
    eps: ScalarLike = 1e-8,
    *,
    initial_scale: ScalarLike = 0.0,
    eps_in_sqrt: bool = True,
    centered: bool = False,
    momentum: ScalarLike | None = None,
    nesterov: bool = False,
    bias_correction: bool = False,
    lr_in_momentum: bool = True,
    accumulator_dtype: DTypeLike | None = None,
) -> FrameworkOptimizer:
    """`rmsprop.rmsprop(...)`: Optax's convention, a scheduled decay, and both places of the rate.

    Raises:
        ValueError: A value is out of its range, options contradict each other, or there is an
            accumulator dtype.
        TypeError: A hyper-parameter is in half precision.
    """
    _refuse_dtype(accumulator_dtype)
    _optimizers.rmsprop(  # refuses in its own words
        learning_rate,
        decay,
        eps,
        initial_scale=initial_scale,
        eps_in_sqrt=eps_in_sqrt,
        centered=centered,
        momentum=momentum,
        nesterov=nesterov,
        bias_correction=bias_correction,
        lr_in_momentum=lr_in_momentum,
    )
    convention = optax.rmsprop(
        learning_rate,
        0.0 if callable(decay) else decay,
        eps,
        initial_scale,
        eps_in_sqrt,
        centered,
        momentum,
        nesterov,
        bias_correction,
    ).convention
    if callable(decay):
        convention = dataclasses.replace(convention, decay=cast("Rate", decay))
    return _named("rmsprop.rmsprop", convention, lr_in_momentum=lr_in_momentum)


def adagrad(
    learning_rate: LearningRate,
    initial_accumulator_value: ScalarLike = 0.1,
    eps: ScalarLike = 1e-7,
    *,
    eps_in_sqrt: bool = True,
    accumulator_dtype: DTypeLike | None = None,
) -> FrameworkOptimizer:
    """`rmsprop.adagrad(...)`: Optax's convention, and both places of epsilon.

    Raises:
        ValueError: A value is out of its range, or there is an accumulator dtype.
        TypeError: A hyper-parameter is in half precision.
    """
    _refuse_dtype(accumulator_dtype)
    _optimizers.adagrad(  # refuses in its own words
        learning_rate, initial_accumulator_value, eps, eps_in_sqrt=eps_in_sqrt
    )
    convention = optax.adagrad(learning_rate, initial_accumulator_value, eps).convention
    return _named("rmsprop.adagrad", convention, eps_in_sqrt=eps_in_sqrt)


def _named(name: str, convention: Convention, **values: bool) -> FrameworkOptimizer:
    return build(dataclasses.replace(convention, name=name, **values))


def _refuse_dtype(accumulator_dtype: DTypeLike | None) -> None:
    if accumulator_dtype is not None:
        raise ValueError(
            f"accumulator_dtype is {accumulator_dtype!r}; a convention has no dtype, and two are"
            f" compared with accumulators of at least float32. Leave it out."
        )
