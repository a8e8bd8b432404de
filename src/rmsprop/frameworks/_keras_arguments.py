"""The arguments that all optimizers of Keras share, read as a part of their convention."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import optax

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._chain import checked_chain, wide_inside
from rmsprop._hyperparameters import Scalar, ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._arguments import NEGATED_LOSS, check_label, inverse_time, rate
from rmsprop.frameworks._convention import Wrapper, float32_constant, float32_rate, is_zero
from rmsprop.frameworks._gradients import Clipping, clip, read_clipping
from rmsprop.frameworks._keras_step import (
    AccumulateGradients,
    AverageParameters,
    rate_of_every,
)
from rmsprop.frameworks._other_arguments import EXECUTION, LABEL

DEFAULT_RATE = 1e-3
DEFAULT_EMA_MOMENTUM = 0.99
_BACKEND_EPSILON = 1e-7
_LIMITS = ("clipnorm", "clipvalue", "global_clipnorm")


def of_earlier_releases(legacy: str) -> dict[str, str]:
    """What to do instead of the arguments that Keras had before version 3.

    Args:
        legacy: The name of the port of the earlier optimizer.
    """
    earlier = (
        f"Keras has it before TensorFlow 2.11: call keras.{legacy}, which takes lr and decay and"
        " has the formula of those releases. In later ones the rate is learning_rate, and one that"
        " falls with time is a schedule."
    )
    return {"lr": earlier, "decay": earlier, "jit_compile": EXECUTION, "is_legacy_optimizer": LABEL}


def of_later_releases(later: str) -> dict[str, str]:
    """What to do instead of the arguments that Keras has since TensorFlow 2.11.

    Args:
        later: The name of the port of the later optimizer.
    """
    sentence = f"Keras has it since TensorFlow 2.11: call keras.{later}, whose formula differs."
    names = (
        *("weight_decay", "use_ema", "ema_momentum", "ema_overwrite_frequency"),
        *("loss_scale_factor", "gradient_accumulation_steps"),
    )
    before = "Transform the gradients before the optimizer: optax.chain(transformation, optimizer)."
    return {
        **dict.fromkeys(names, sentence),
        "gradient_transformers": before,
        "gradient_aggregator": "Add up the gradients of several devices before the update.",
        "jit_compile": EXECUTION,
        "is_legacy_optimizer": LABEL,
    }


def base(
    *,
    learning_rate: ScalarOrSchedule,
    weight_decay: ScalarLike | None,
    limits: tuple[ScalarLike | None, ScalarLike | None, ScalarLike | None],
    use_ema: bool,
    ema_momentum: ScalarLike,
    ema_overwrite_frequency: int | None,
    loss_scale_factor: ScalarLike | None,
    gradient_accumulation_steps: int | None,
    name: str | None,
) -> dict[str, Any]:
    """The part of the convention that all optimizers of Keras 3 share."""
    check_label(name)
    if sum(limit is not None for limit in limits) == 1:  # two are refused, also if one is 0
        limits = _none_if_zero(limits[0]), _none_if_zero(limits[1]), _none_if_zero(limits[2])
    clipping = read_clipping(norm=limits[0], value=limits[1], global_norm=limits[2], names=_LIMITS)
    scale = 1.0
    if loss_scale_factor is not None:
        scale = 1.0 / hyperparameters.positive("loss_scale_factor", loss_scale_factor)
        hyperparameters.positive("1 / loss_scale_factor", scale)
    decay = 0.0 if weight_decay is None else weight_decay
    decay = hyperparameters.weight_decay("weight_decay", decay)
    eta = rate("learning_rate", learning_rate)
    around: list[tuple[str, Wrapper]] = []
    steps = _whole("gradient_accumulation_steps", gradient_accumulation_steps, 2)
    if steps is not None:
        eta = rate_of_every(steps, eta)
        around.append((f"mean of {steps} gradients", AccumulateGradients(steps)))
    average = _read_average(use_ema, ema_momentum, ema_overwrite_frequency)
    if average is not None:
        coefficient, frequency = average
        period = "" if frequency is None else f", in their place every {frequency} steps"
        label = f"average of the parameters with {coefficient}{period}"
        around.append((label, AverageParameters(coefficient, frequency, steps or 1)))
    return {
        "learning_rate": eta,
        "weight_decay": decay,
        "weight_decay_rule": "decoupled",
        "clipping": clipping,
        "gradient_scale": scale,
        "around": tuple(around),
    }


def _read_average(
    use_ema: bool, ema_momentum: ScalarLike, ema_overwrite_frequency: int | None
) -> tuple[Scalar, int | None] | None:
    coefficient = hyperparameters.momentum("ema_momentum", ema_momentum)
    frequency = _whole("ema_overwrite_frequency", ema_overwrite_frequency, 1)
    if hyperparameters.flag("use_ema", use_ema):
        return coefficient, frequency
    # An array may be the default, converted by a wrapper. It is accepted and has no effect.
    has_momentum = isinstance(coefficient, float) and coefficient != DEFAULT_EMA_MOMENTUM
    if frequency is not None or has_momentum:
        argument = (
            f"ema_momentum={ema_momentum}"
            if frequency is None
            else f"ema_overwrite_frequency={frequency}"
        )
        raise ValueError(
            f"use_ema is False, so that {argument} has no effect; Keras ignores it. Pass"
            f" use_ema=True, or leave the argument out."
        )
    return None


def legacy_base(
    learning_rate: ScalarOrSchedule,
    lr: ScalarOrSchedule | None,
    decay: ScalarLike,
    epsilon: ScalarLike | None,
    clipnorm: ScalarLike | None,
    clipvalue: ScalarLike | None,
    global_clipnorm: ScalarLike | None,
    name: str,
) -> dict[str, Any]:
    """The part of the convention that the legacy optimizers share."""
    check_label(name)
    eta = rate("learning_rate", learning_rate)
    if lr is not None:
        if not (isinstance(eta, float) and eta == DEFAULT_RATE):
            raise ValueError(
                "lr and learning_rate are two names of one argument, of which Keras would take lr."
                " Pass learning_rate alone."
            )
        eta = rate("lr", lr, ascent=NEGATED_LOSS)  # as all of Keras' arguments in `kwargs`
    constant = hyperparameters.epsilon("epsilon", _BACKEND_EPSILON if epsilon is None else epsilon)
    gamma = hyperparameters.nonnegative("decay", decay)
    clipping = read_clipping(norm=clipnorm, global_norm=global_clipnorm, names=_LIMITS)
    values = read_clipping(value=clipvalue, names=_LIMITS)
    around: tuple[tuple[str, Wrapper], ...] = ()
    if clipping is None:
        clipping = values
    elif values is not None:
        around = ((f"elements clipped to {values.limit} first", ClipFirst(values)),)
    return {
        "learning_rate": inverse_time(float32_rate(eta), "decay", float32_constant(gamma)),
        "eps": _BACKEND_EPSILON if is_zero(constant) else constant,
        "clipping": clipping,
        "around": around,
    }


@dataclass(frozen=True)
class ClipFirst:
    """A wrapper that limits the gradients before anything else.

    Attributes:
        clipping: The limit.
    """

    clipping: Clipping

    def __call__(
        self, inner: optax.GradientTransformationExtraArgs
    ) -> optax.GradientTransformationExtraArgs:
        return wide_inside(checked_chain(clip(self.clipping), inner))


def _whole(name: str, value: int | None, least: int) -> int | None:
    """A whole number, which must be known when the optimizer is built; None stays None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} is {value!r}; it must be None or an integer, at least {least}.")
    return int(value)


def _none_if_zero(limit: ScalarLike | None) -> ScalarLike | None:
    return None if isinstance(limit, float | int | np.number) and limit == 0 else limit
