"""The numbers of every step of an optimizer that minimises a function.

In one step, where `v` is the running average of the squared gradients, written `E[g^2]`:

    v       <-  decay * v + (1 - decay) * g^2         AdaGrad: v + g^2, written `Sum g^2`
    update   =  effective learning rate * g           learning rate / sqrt(v + eps)
    x       <-  x - update

The numbers come from the library's own transformations and their states, in float64; no formula of
an optimizer is written here a second time.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

import rmsprop
from rmsprop._experimental import enable_x64
from rmsprop.study.lookup import suggestion
from rmsprop.study.steps.functions import LEARNING_RATE, STEPS, Objective

# The options of each optimizer and their defaults, which are the library's own except for AdaGrad's
# accumulator: it starts at 0 and not at 0.1, as in a calculation by hand.
OPTIMIZERS: Mapping[str, Mapping[str, float]] = {
    "rmsprop": {"decay": 0.9, "eps": 1e-8, "eps_in_sqrt": True, "initial": 0.0},
    "adagrad": {"eps": 1e-7, "eps_in_sqrt": True, "initial": 0.0},
    "sgd": {},
}

# The memory of one step, in numbers of float64: `memory_of` counts these for each coordinate, and
# these besides. Five arrays are the result of the program, and as many are made from them.
_NUMBERS_OF_COORDINATE, _NUMBERS_OF_STEP = 9, 2

# The state of a transformation, a tree of any structure.
State = Any


@dataclasses.dataclass(frozen=True, eq=False)
class Steps:
    """The numbers of every step, float64 arrays of shape (steps, coordinates) unless stated.

    The numbers with one index are of one moment: `update[k]` follows from `gradient[k]` at the
    point `x[k]`, and leads to `x[k + 1] = x[k] - update[k]`.

    Attributes:
        x: The points: the start, and the point after each step; shape (steps + 1, coordinates).
        value: The value of the function at each point, shape (steps + 1,).
        gradient: The gradient at each point but the last.
        second_moment: The accumulator, E[g^2] or Sum g^2, which already includes `gradient`; NaN
            for sgd.
        effective_learning_rate: The update divided by the gradient; where the gradient is 0, the
            limit of this ratio.
        update: The number that is subtracted from x.
        objective: The function.
        optimizer: The name of the optimizer: `rmsprop`, `adagrad` or `sgd`.
        settings: The learning rate and every option of the optimizer, by name.
    """

    x: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]
    gradient: npt.NDArray[np.float64]
    second_moment: npt.NDArray[np.float64]
    effective_learning_rate: npt.NDArray[np.float64]
    update: npt.NDArray[np.float64]
    objective: Objective
    optimizer: str
    settings: Mapping[str, float]


def memory_of(steps: int, coordinates: int) -> int:
    """The memory that `minimise` needs at its height, in bytes, for runs of many steps.

    Args:
        steps: The number of steps.
        coordinates: The number of coordinates of the function.

    Example:
        >>> memory_of(10**6, coordinates=1)
        88000000
    """
    numbers = _NUMBERS_OF_COORDINATE * coordinates + _NUMBERS_OF_STEP
    return np.dtype(np.float64).itemsize * numbers * steps


def minimise(
    function: Objective | Callable[[jax.Array], jax.Array],
    start: npt.ArrayLike | None = None,
    optimizer: str = "rmsprop",
    *,
    learning_rate: float | None = None,
    decay: float | None = None,
    eps: float | None = None,
    eps_in_sqrt: bool | None = None,
    initial: float | None = None,
    steps: int | None = None,
) -> Steps:
    """Minimises a function step by step with the library's own transformations, in float64.

    JAX's float64 mode is on during the call and in the calling thread only.

    Args:
        function: An `Objective`, or a function in JAX that takes an array shaped like `start` and
            returns a scalar.
        start: The point before the first step, a finite number or a sequence of them. The default
            is the start of the `Objective`.
        optimizer: The name of the optimizer: `rmsprop`, `adagrad` or `sgd`.
        learning_rate: The learning rate; finite, at least 0. The default is that of the
            `Objective` for the optimizer, 0.1 where it has none.
        decay: The decay of the running average, at least 0 and below 1; for rmsprop only. The
            default is 0.9.
        eps: The number that is added to the denominator, at least 0; not for sgd. The default is
            the library's own: 1e-8 for rmsprop and 1e-7 for adagrad.
        eps_in_sqrt: Whether eps is added inside the square root; not for sgd. The default is True.
        initial: The initial value of the accumulator, at least 0; not for sgd. The default is 0.
        steps: The number of steps, at least 1. The default is that of the `Objective`, 30 where it
            has none.

    Returns:
        The numbers of every step. A run that diverges has all its steps too; they contain inf and
        NaN.

    Raises:
        ValueError: A value is out of range, or the optimizer does not have an option.

    Example:
        >>> first = minimise(lambda x: x**2, 4.0, decay=0.9, steps=1)
        >>> print(f"{first.second_moment[0, 0]:.4f} {first.x[1, 0]:.4f}")
        6.4000 3.6838
    """
    options = {"decay": decay, "eps": eps, "eps_in_sqrt": eps_in_sqrt, "initial": initial}
    own_settings = _settings(optimizer, options)
    objective, first = _objective_and_start(function, start)
    if learning_rate is None:
        learning_rate = objective.learning_rates.get(optimizer, LEARNING_RATE)
    if not 0 <= learning_rate < math.inf:
        raise ValueError(
            f"learning_rate is {learning_rate:g}; it must be a finite number, at least 0."
            f" Pass for example {LEARNING_RATE:g}."
        )
    if steps is None:
        steps = objective.steps
    if not isinstance(steps, numbers.Integral) or steps < 1:
        raise ValueError(
            f"steps is {steps}; it must be at least 1 and a whole number. Pass for example {STEPS}."
        )
    settings = {"learning_rate": learning_rate, **own_settings}
    with enable_x64():
        transformation = _transformation(optimizer, settings)
        rows, last = _walk(objective.function, first, transformation, learning_rate, steps)
    x, value, gradient, second_moment, update = map(np.asarray, rows)
    return Steps(
        x=np.vstack([x, last.x]),
        value=np.append(value, last.value),
        gradient=gradient,
        second_moment=second_moment,
        effective_learning_rate=_effective_learning_rate(gradient, second_moment, update, settings),
        update=update,
        objective=objective,
        optimizer=optimizer,
        settings=settings,
    )


def _settings(optimizer: str, options: Mapping[str, float | None]) -> dict[str, float]:
    """The options of an optimizer, with its defaults for those that are None.

    Raises:
        ValueError: The optimizer is unknown or does not have an option that is not None.
    """
    if optimizer not in OPTIMIZERS:
        near = suggestion(optimizer, OPTIMIZERS)
        raise ValueError(
            f"optimizer is {optimizer!r}; it must be one of {', '.join(OPTIMIZERS)}.{near}"
        )
    settings = dict(OPTIMIZERS[optimizer])
    for name, value in options.items():
        if value is not None and name not in settings:
            owners = " or ".join(other for other, its in OPTIMIZERS.items() if name in its)
            raise ValueError(
                f"{name} is {value}, but the optimizer {optimizer} has no {name}. Leave it out, or"
                f" choose the optimizer {owners}."
            )
        if value is not None:
            settings[name] = value
    # Checked here, because the transformations have other names for it.
    if not 0 <= settings.get("initial", 0.0) < math.inf:
        raise ValueError(
            f"initial is {settings['initial']:g}; it must be a finite number, at least 0, as a mean"
            f" or sum of squares is. Pass for example 0."
        )
    return settings


def _objective_and_start(
    function: Objective | Callable[[jax.Array], jax.Array], start: npt.ArrayLike | None
) -> tuple[Objective, npt.NDArray[np.float64]]:
    """The function with names for its coordinates, and its start of shape (coordinates,)."""
    if start is None and isinstance(function, Objective):
        start = function.start
    # None becomes NaN, which is refused.
    first = np.asarray(start, np.float64)
    if first.ndim > 1 or first.size < 1 or not np.isfinite(first).all():
        raise ValueError(f"start is {start}; it must be a finite number or a sequence of them.")
    if isinstance(function, Objective):
        if first.size != (count := len(function.names)):
            raise ValueError(
                f"start is {first.tolist()}; {function.formula} needs {count}"
                f" number{'s' if count > 1 else ''}, for {' and '.join(function.names)}."
            )
        return function, first.ravel()
    formula = getattr(function, "__name__", "f").replace("<lambda>", "f")
    names = ["x"] if first.size == 1 else [f"x{i + 1}" for i in range(first.size)]
    objective = Objective(
        formula, lambda x: function(x.reshape(first.shape)), first.ravel().tolist(), names
    )
    return objective, first.ravel()


def _transformation(optimizer: str, settings: Mapping[str, float]) -> optax.GradientTransformation:
    if optimizer == "sgd":
        return optax.identity()
    initial, eps = settings["initial"], settings["eps"]
    inside = cast(bool, settings["eps_in_sqrt"])  # the one setting that is no number
    if optimizer == "adagrad":
        return rmsprop.scale_by_rss(initial, eps, eps_in_sqrt=inside)
    return rmsprop.scale_by_rms(settings["decay"], eps, initial_scale=initial, eps_in_sqrt=inside)


class _Point(NamedTuple):
    """A point, and the value of the function there."""

    x: jax.Array
    value: jax.Array


class _Row(NamedTuple):
    """The numbers of one step; those of all steps have an axis more, at the front."""

    x: jax.Array
    value: jax.Array
    gradient: jax.Array
    accumulator: jax.Array
    update: jax.Array


def _walk(
    function: Callable[[jax.Array], jax.Array],
    start: npt.NDArray[np.float64],
    transformation: optax.GradientTransformation,
    learning_rate: float,
    steps: int,
) -> tuple[_Row, _Point]:
    """The numbers of all steps, and the point after the last."""

    def one_step(carry: tuple[jax.Array, State], _: None) -> tuple[tuple[jax.Array, State], _Row]:
        """One step, and its row of the table."""
        x, state = carry
        value, gradient = jax.value_and_grad(function)(x)
        direction, state = transformation.update(gradient, state, x)
        update = learning_rate * jnp.asarray(direction)
        nan = jnp.full_like(x, jnp.nan)
        accumulator = getattr(state, "nu", getattr(state, "sum_of_squares", nan))
        return (x - update, state), _Row(x, value, gradient, accumulator, update)

    @jax.jit
    def all_steps(x: jax.Array) -> tuple[_Row, _Point]:
        """The rows of all steps, and where they end."""
        carry, rows = jax.lax.scan(one_step, (x, transformation.init(x)), length=steps)
        return rows, _Point(carry[0], function(carry[0]))

    return all_steps(jnp.asarray(start))


def _effective_learning_rate(
    gradient: npt.NDArray[np.float64],
    second_moment: npt.NDArray[np.float64],
    update: npt.NDArray[np.float64],
    settings: Mapping[str, float],
) -> npt.NDArray[np.float64]:
    """The update divided by the gradient; where the gradient is 0, learning rate / denominator."""
    learning_rate = settings["learning_rate"]
    if "eps" not in settings:
        return np.full_like(gradient, learning_rate)
    eps, inside = settings["eps"], settings["eps_in_sqrt"]
    # XLA treats a subnormal gradient as zero, so its update says nothing about the rate either.
    is_zero = np.abs(gradient) < np.finfo(np.float64).tiny
    with np.errstate(all="ignore"):
        root = np.sqrt(second_moment + eps) if inside else np.sqrt(second_moment) + eps
        return np.where(is_zero, learning_rate / root, update / gradient)
