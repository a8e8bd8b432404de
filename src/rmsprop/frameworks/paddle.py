"""PaddlePaddle's `paddle.optimizer.RMSProp` and `paddle.optimizer.Adagrad`.

RMSProp has epsilon under the root, starts its averages at 0 and puts the rate into the momentum
buffer; Adagrad adds epsilon to the root.  Gradients are clipped first, then coupled weight decay is
added.  The decay, the momentum and epsilon are rounded to float32, also for float64 parameters; the
rate, weight decay and limits are not.

`L1Decay`, `L2Decay`, `ClipGradByValue`, `ClipGradByNorm` and `ClipGradByGlobalNorm` stand for
Paddle's classes of these names.  `optax.partition` takes the place of parameter groups and of
regularizers that belong to one parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import Scalar, ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._arguments import rate, unless_zero
from rmsprop.frameworks._convention import (
    Convention,
    FrameworkOptimizer,
    WeightDecayRule,
    build,
    float32_constant,
)
from rmsprop.frameworks._gradients import Clipping
from rmsprop.frameworks._other_arguments import LABEL, PARAMETERS, other_arguments
from rmsprop.frameworks._paddle_state import export_state as export_state
from rmsprop.frameworks._paddle_state import import_state as import_state


@dataclass(frozen=True)
class L2Decay:
    """`paddle.regularizer.L2Decay`: adds `λ θ` to gradients.

    Attributes:
        coeff: The coefficient λ, at least 0.

    Example:
        >>> from rmsprop.frameworks import paddle
        >>> optimizer = paddle.rmsprop(0.01, weight_decay=paddle.L2Decay(1e-4))
    """

    coeff: ScalarLike = 0.0


@dataclass(frozen=True)
class L1Decay:
    """`paddle.regularizer.L1Decay`: adds `λ sign(θ)` to gradients.

    Attributes:
        coeff: The coefficient λ, at least 0.

    Example:
        >>> from rmsprop.frameworks import paddle
        >>> optimizer = paddle.rmsprop(0.01, weight_decay=paddle.L1Decay(1e-4))
    """

    coeff: ScalarLike = 0.0


@dataclass(frozen=True)
class ClipGradByValue:
    """`paddle.nn.ClipGradByValue`: limits every element of the gradients.

    Attributes:
        max: The highest value, above 0.
        min: The lowest value, at most 0; None takes `-max`. Paddle also accepts intervals that do
            not contain 0, with which every zero gradient makes a step.

    Example:
        >>> from rmsprop.frameworks import paddle
        >>> optimizer = paddle.rmsprop(0.01, grad_clip=paddle.ClipGradByValue(max=1.0))
    """

    max: ScalarLike
    min: ScalarLike | None = None


@dataclass(frozen=True)
class ClipGradByNorm:
    """`paddle.nn.ClipGradByNorm`: limits the Euclidean norm of every leaf.

    Attributes:
        clip_norm: The limit, above 0.

    Example:
        >>> from rmsprop.frameworks import paddle
        >>> optimizer = paddle.rmsprop(0.01, grad_clip=paddle.ClipGradByNorm(1.0))
    """

    clip_norm: ScalarLike


@dataclass(frozen=True)
class ClipGradByGlobalNorm:
    """`paddle.nn.ClipGradByGlobalNorm`: limits the Euclidean norm of all leaves together.

    Paddle's `group_name` and `auto_skip_clip` change no number and are left out.

    Attributes:
        clip_norm: The limit, above 0.

    Example:
        >>> from rmsprop.frameworks import paddle
        >>> optimizer = paddle.rmsprop(0.01, grad_clip=paddle.ClipGradByGlobalNorm(1.0))
    """

    clip_norm: ScalarLike


GradClip: TypeAlias = ClipGradByValue | ClipGradByNorm | ClipGradByGlobalNorm


_REGULARIZATION = (
    "Paddle 1 has it. Pass weight_decay=paddle.L2Decay(coeff), or paddle.L1Decay(coeff)."
)


@other_arguments(
    parameters=PARAMETERS,
    parameter_list=PARAMETERS,
    regularization=_REGULARIZATION,
    name=LABEL,
)
def rmsprop(
    learning_rate: ScalarOrSchedule,
    rho: ScalarLike = 0.95,
    epsilon: ScalarLike = 1e-6,
    momentum: ScalarLike = 0.0,
    centered: bool = False,
    *,
    weight_decay: ScalarLike | L2Decay | L1Decay | None = None,
    grad_clip: GradClip | None = None,
) -> FrameworkOptimizer:
    """`paddle.optimizer.RMSProp(...)`.

    One step is::

        g <- clip(g) + λ θ    or    clip(g) + λ sign(θ)
        v <- ρ v + (1 - ρ) g^2
        m <- ρ m + (1 - ρ) g    from v = m = 0; without `centered` m stays 0
        b <- μ b + η g / sqrt(v - m^2 + ε)
        θ <- θ - b

    Args:
        learning_rate: The rate η, a number or a schedule of the step count; a negative one climbs.
        rho: The decay ρ, at least 0 and below 1.
        epsilon: The constant ε, at least 0, under the root.
        momentum: The coefficient μ of heavy-ball momentum, at least 0 and below 1. Paddle's
            documentation mentions Nesterov momentum; neither its equation nor its code has it.
        centered: Divide by the standard deviation: `v - m^2` under the root.
        weight_decay: Coupled weight decay: an `L2Decay`, its coefficient λ as a number of at least
            0, or an `L1Decay`. None stands for no weight decay.
        grad_clip: A limit of the gradients: `ClipGradByValue`, `ClipGradByNorm` or
            `ClipGradByGlobalNorm`.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation. `update` needs `params` if there
        is weight decay.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, `grad_clip` is not of one of the three
            classes, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.paddle.rmsprop(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -4.4721

    Differs from other frameworks: PyTorch adds ε to the root and applies the rate after the
    momentum buffer; TensorFlow 1 starts `v` at 1. The port differs from Paddle where Paddle gives
    NaN: the centered variance cannot go negative. In Paddle `ClipGradByNorm` is for float32 only.

    Agreement: the parameters differ by at most 7.3e-16 in float64 and 2.3e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 35 runs, most with a changing rate,
    from PaddlePaddle 3.3.1.
    """
    rule, coefficient = _weight_decay(weight_decay)
    return build(
        Convention(
            name="paddle.rmsprop",
            learning_rate=rate("learning_rate", learning_rate),
            decay=float32_constant(hyperparameters.decay("rho", rho)),
            eps=float32_constant(hyperparameters.epsilon("epsilon", epsilon)),
            eps_in_sqrt=True,
            initial=0.0,
            centered=hyperparameters.flag("centered", centered),
            momentum=unless_zero(float32_constant(hyperparameters.momentum("momentum", momentum))),
            weight_decay=coefficient,
            weight_decay_rule=rule,
            clipping=_clipping(grad_clip),
        )
    )


@other_arguments(
    parameters=PARAMETERS,
    parameter_list=PARAMETERS,
    regularization=_REGULARIZATION,
    name=LABEL,
)
def adagrad(
    learning_rate: ScalarOrSchedule,
    epsilon: ScalarLike = 1e-6,
    *,
    weight_decay: ScalarLike | L2Decay | L1Decay | None = None,
    grad_clip: GradClip | None = None,
    initial_accumulator_value: ScalarLike = 0.0,
) -> FrameworkOptimizer:
    """`paddle.optimizer.Adagrad(...)`.

    One step is::

        g <- clip(g) + λ θ    or    clip(g) + λ sign(θ)
        s <- s + g^2
        θ <- θ - η g / (sqrt(s) + ε)

    Args:
        learning_rate: The rate η, a number or a schedule of the step count; a negative one climbs.
        epsilon: The constant ε, at least 0, added to the root.
        weight_decay: Coupled weight decay: an `L2Decay`, its coefficient λ as a number of at least
            0, or an `L1Decay`. None stands for no weight decay.
        grad_clip: A limit of the gradients: `ClipGradByValue`, `ClipGradByNorm` or
            `ClipGradByGlobalNorm`.
        initial_accumulator_value: The starting value `s_0`, at least 0.

    Returns:
        A `FrameworkOptimizer`; `update` needs `params` if there is weight decay.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, `grad_clip` is not of one of the three
            classes, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.paddle.adagrad(
        ...     learning_rate=1.0, initial_accumulator_value=3.0
        ... )
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -0.5000

    Differs from other frameworks: PyTorch's AdaGrad is the same except for the defaults and the
    rounding of ε; Keras and Optax start the sum at 0.1 and put ε under the root. In Paddle
    `ClipGradByNorm` is for float32 only.

    Agreement: the parameters differ by at most 2.2e-16 in float64 and 1.1e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 24 runs, most with a changing rate,
    from PaddlePaddle 3.3.1.
    """
    rule, coefficient = _weight_decay(weight_decay)
    initial = hyperparameters.initial_value("initial_accumulator_value", initial_accumulator_value)
    return build(
        Convention(
            name="paddle.adagrad",
            learning_rate=rate("learning_rate", learning_rate),
            decay=None,
            eps=float32_constant(hyperparameters.epsilon("epsilon", epsilon)),
            eps_in_sqrt=False,
            initial=initial,
            weight_decay=coefficient,
            weight_decay_rule=rule,
            clipping=_clipping(grad_clip),
        )
    )


def _weight_decay(
    argument: ScalarLike | L2Decay | L1Decay | None,
) -> tuple[WeightDecayRule, Scalar]:
    """The rule of weight decay, and its coefficient."""
    if argument is None:
        return "coupled", 0.0
    if isinstance(argument, L1Decay):
        return "coupled_l1", hyperparameters.weight_decay("L1Decay's coeff", argument.coeff)
    if isinstance(argument, L2Decay):
        return "coupled", hyperparameters.weight_decay("L2Decay's coeff", argument.coeff)
    return "coupled", hyperparameters.weight_decay("weight_decay", argument)


def _clipping(argument: GradClip | None) -> Clipping | None:
    """The limit that one of Paddle's three classes stands for."""
    if argument is None:
        return None
    if isinstance(argument, ClipGradByNorm):
        return Clipping("norm", hyperparameters.positive("clip_norm", argument.clip_norm))
    if isinstance(argument, ClipGradByGlobalNorm):
        return Clipping("global_norm", hyperparameters.positive("clip_norm", argument.clip_norm))
    if not isinstance(argument, ClipGradByValue):
        raise TypeError(
            f"grad_clip is {argument!r}; it must be None or one of ClipGradByValue, ClipGradByNorm"
            f" and ClipGradByGlobalNorm of rmsprop.frameworks.paddle. Pass for example"
            f" grad_clip=ClipGradByGlobalNorm(1.0)."
        )
    lowest = None if argument.min is None else hyperparameters.lowest("min", argument.min)
    return Clipping("value", hyperparameters.positive("max", argument.max), lowest)
