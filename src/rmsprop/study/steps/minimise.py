"""A function minimised step by step, and the numbers of every step.

One step, with `v` the running average of the squared gradients, written `E[g^2]`:

    v       <-  decay * v + (1 - decay) * g^2         AdaGrad: v + g^2, written `Sum g^2`
    update   =  effective learning rate * g           learning rate / sqrt(v + eps)
    x       <-  x - update

The numbers are those of the library's own transformations and their states, in float64; nothing of
the optimizers is written here a second time.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

import rmsprop
from rmsprop._experimental import enable_x64
from rmsprop.study.steps.functions import Objective

# The options of each optimizer and their defaults, which are the library's own, but for AdaGrad's
# accumulator: it starts at 0 and not at 0.1, as in a calculation by hand.
OPTIMIZERS: Mapping[str, Mapping[str, float]] = {
    "rmsprop": {"decay": 0.9, "eps": 1e-8, "eps_in_sqrt": True, "initial": 0.0},
    "adagrad": {"eps": 1e-7, "eps_in_sqrt": True, "initial": 0.0},
    "sgd": {},
}
LEARNING_RATE, STEPS = 0.1, 30


@dataclasses.dataclass(frozen=True, eq=False)
class Steps:
    """The numbers of every step: float64 arrays of shape (steps, coordinates), or as given here.

    Attributes:
        step: 1, 2, ...; integers of shape (steps,).
        x: *After* the step; what it was before is the row above, and `start` for the first step.
        gradient: At x *before* the step.
        second_moment: The accumulator, E[g^2] or Sum g^2, with this gradient in it; NaN for sgd.
        effective_learning_rate: Update over gradient; where the gradient is 0, the limit of that.
        update: What was subtracted from x.
        value: The function at `x`, shape (steps,).
        start: x before the first step, shape (coordinates,).
        start_value: The function at `start`.
        objective: The function.
        optimizer: `rmsprop`, `adagrad` or `sgd`.
        settings: The learning rate and every option of the optimizer, by name.
    """

    step: npt.NDArray[np.int64]
    x: npt.NDArray[np.float64]
    gradient: npt.NDArray[np.float64]
    second_moment: npt.NDArray[np.float64]
    effective_learning_rate: npt.NDArray[np.float64]
    update: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]
    start: npt.NDArray[np.float64]
    start_value: float
    objective: Objective
    optimizer: str
    settings: Mapping[str, float]


def minimise(
    function: Objective | Callable[[jax.Array], jax.Array],
    start: npt.ArrayLike | None = None,
    optimizer: str = "rmsprop",
    *,
    learning_rate: float = LEARNING_RATE,
    decay: float | None = None,
    eps: float | None = None,
    eps_in_sqrt: bool | None = None,
    initial: float | None = None,
    steps: int = STEPS,
) -> Steps:
    """Minimises a function step by step with the library's own transformations, in float64.

    JAX's float64 mode is on during the call and in the calling thread only.

    Args:
        function: An `Objective`, or a function in JAX of an array shaped like `start` to a scalar.
        start: A finite number or a sequence of them; None for the one of the `Objective`.
        optimizer: `rmsprop`, `adagrad` or `sgd`.
        learning_rate: Finite, at least 0.
        decay: Of the running average, at least 0 and below 1; rmsprop only. None for 0.9.
        eps: Added to the denominator, at least 0; not for sgd. None for the library's default.
        eps_in_sqrt: Whether eps is added inside the root; not for sgd. None for True.
        initial: What the accumulator starts from, at least 0; not for sgd. None for 0.
        steps: How many, at least 1.

    Returns:
        The numbers of every step. A run that diverges is not cut short: it has inf and NaN in it.

    Raises:
        ValueError: a value out of its range, or an option that the optimizer does not have.

    Example:
        >>> first = minimise(lambda x: x**2, 4.0, decay=0.9, steps=1)
        >>> print(f"{first.second_moment[0, 0]:.4f} {first.x[0, 0]:.4f}")
        6.4000 3.6838
    """
    given = {"decay": decay, "eps": eps, "eps_in_sqrt": eps_in_sqrt, "initial": initial}
    settings = {"learning_rate": learning_rate, **_options(optimizer, given)}
    if not 0 <= learning_rate < math.inf:
        raise ValueError(
            f"learning_rate is {learning_rate:g}; it must be a finite number, at least 0."
            f" Pass for example {LEARNING_RATE:g}."
        )
    if not isinstance(steps, numbers.Integral) or steps < 1:
        raise ValueError(
            f"steps is {steps}; it must be at least 1 and a whole number. Pass for example {STEPS}."
        )
    named, begin = _named(function, start)
    with enable_x64():
        transformation = _transformation(optimizer, settings)
        start_value, rows = _walk(named.function, begin, transformation, learning_rate, steps)
    x, gradient, second_moment, update, value = map(np.asarray, rows)
    return Steps(
        step=np.arange(1, steps + 1),
        x=x,
        gradient=gradient,
        second_moment=second_moment,
        effective_learning_rate=_effective_learning_rate(gradient, second_moment, update, settings),
        update=update,
        value=value,
        start=begin,
        start_value=float(start_value),
        objective=named,
        optimizer=optimizer,
        settings=settings,
    )


def _options(optimizer: str, given: Mapping[str, float | None]) -> dict[str, Any]:
    """The options of `optimizer`, defaults filled in; refuses those that it does not have."""
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"optimizer is {optimizer!r}; it must be one of {', '.join(OPTIMIZERS)}.")
    options = dict(OPTIMIZERS[optimizer])
    for name, value in given.items():
        if value is not None and name not in options:
            owners = " or ".join(other for other, its in OPTIMIZERS.items() if name in its)
            raise ValueError(
                f"{name} is {value}, but the optimizer {optimizer} has no {name}. Leave it out, or"
                f" choose the optimizer {owners}."
            )
        if value is not None:
            options[name] = value
    # Checked here, since the transformations know it by other names.
    if not 0 <= options.get("initial", 0.0) < math.inf:
        raise ValueError(
            f"initial is {options['initial']:g}; it must be a finite number, at least 0, as a mean"
            f" or sum of squares is. Pass for example 0."
        )
    return options


def _named(function: Any, start: npt.ArrayLike | None) -> tuple[Objective, npt.NDArray[np.float64]]:
    """The function with names for its coordinates, and its start of shape (coordinates,)."""
    if start is None and isinstance(function, Objective):
        start = function.start
    # None becomes NaN, which is refused.
    begin = np.asarray(start, np.float64)
    if begin.ndim > 1 or begin.size < 1 or not np.isfinite(begin).all():
        raise ValueError(f"start is {start}; it must be a finite number or a sequence of them.")
    if isinstance(function, Objective):
        if begin.size != (needed := len(function.names)):
            raise ValueError(
                f"start is {begin.tolist()}; {function.formula} needs {needed}"
                f" number{'s' if needed > 1 else ''}, for {' and '.join(function.names)}."
            )
        return function, begin.ravel()
    formula = getattr(function, "__name__", "f").replace("<lambda>", "f")
    names = ["x"] if begin.size == 1 else [f"x{i + 1}" for i in range(begin.size)]
    named = Objective(
        formula, lambda x: function(x.reshape(begin.shape)), begin.ravel().tolist(), names
    )
    return named, begin.ravel()


def _transformation(optimizer: str, settings: Mapping[str, Any]) -> optax.GradientTransformation:
    if optimizer == "sgd":
        return optax.identity()
    initial, eps, inside = (settings[name] for name in ("initial", "eps", "eps_in_sqrt"))
    if optimizer == "adagrad":
        return rmsprop.scale_by_rss(initial, eps, eps_in_sqrt=inside)
    return rmsprop.scale_by_rms(settings["decay"], eps, initial_scale=initial, eps_in_sqrt=inside)


def _walk(
    function: Callable[[jax.Array], jax.Array],
    start: npt.NDArray[np.float64],
    transformation: optax.GradientTransformation,
    learning_rate: float,
    steps: int,
) -> tuple[Any, Any]:
    """The value at the start and, row by row, x, gradient, accumulator, update and value."""

    def one_step(carry: Any, _: None) -> Any:
        x, state = carry
        gradient = jax.grad(function)(x)
        direction, state = transformation.update(gradient, state, x)
        update: Any = learning_rate * jnp.asarray(direction)
        nothing = jnp.full_like(x, jnp.nan)
        accumulator = getattr(state, "nu", getattr(state, "sum_of_squares", nothing))
        x = x - update
        return (x, state), (x, gradient, accumulator, update, function(x))

    @jax.jit
    def all_steps(x: jax.Array) -> Any:
        return function(x), jax.lax.scan(one_step, (x, transformation.init(x)), length=steps)[1]

    return all_steps(jnp.asarray(start))


def _effective_learning_rate(
    gradient: npt.NDArray[np.float64],
    second_moment: npt.NDArray[np.float64],
    update: npt.NDArray[np.float64],
    settings: Mapping[str, float],
) -> npt.NDArray[np.float64]:
    """Update over gradient, which is what was done; its formula only where the gradient is 0."""
    learning_rate = settings["learning_rate"]
    if "eps" not in settings:
        return np.full_like(gradient, learning_rate)
    eps, inside = settings["eps"], settings["eps_in_sqrt"]
    # XLA takes a subnormal gradient for zero, so that its update tells nothing either.
    none = np.abs(gradient) < np.finfo(np.float64).tiny
    with np.errstate(all="ignore"):
        root = np.sqrt(second_moment + eps) if inside else np.sqrt(second_moment) + eps
        return np.where(none, learning_rate / root, update / gradient)
