"""Apache MXNet 1.9's `mxnet.optimizer.RMSProp` and `mxnet.optimizer.AdaGrad`.

MXNet puts epsilon under the root.  Its RMSProp adds weight decay to the gradient and clips the sum;
its AdaGrad clips the gradient and subtracts weight decay from the parameter.  MXNet 2 has another
convention: it clips first, and adds epsilon to the root unless RMSProp is centered.

MXNet trains float32 parameters only, with hyper-parameters that are float32 numbers; float64
parameters follow the same formulas here.  These arguments of its base class are left out:

* `lr_scheduler` and `begin_num_update`: pass a schedule as `learning_rate`.  It is called with 0 at
  the first step; MXNet calls its own with `begin_num_update + 1`.
* `param_idx2name`, `sym` and `param_dict`, by which parameters get multipliers of rate and weight
  decay: use `optax.partition`.  With `param_idx2name`, which `mxnet.module.Module` sets, weight
  decay is off for parameters whose names end neither in `_weight` nor in `_gamma`; without it, as
  in `mxnet.gluon.Trainer`, every parameter decays.  Here every parameter does.  `Module` also sets
  `rescale_grad` to 1 / batch size if it is left out; here it is 1.
* `multi_precision`: averages and arithmetic are at least float32 here.  For float32 copies of
  half-precision parameters, keep the parameters in float32.
"""

from __future__ import annotations

import jax

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import Scalar, ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._arguments import rate, unless_zero
from rmsprop.frameworks._convention import (
    Convention,
    FrameworkOptimizer,
    build,
    float32_constant,
)
from rmsprop.frameworks._gradients import Clipping
from rmsprop.frameworks._mxnet_state import export_state as export_state
from rmsprop.frameworks._mxnet_state import import_state as import_state
from rmsprop.frameworks._other_arguments import EXECUTION, PARAMETERS, other_arguments
from rmsprop.frameworks._steps import ClipWeights

_GAMMA2 = 0.9

# Arguments of MXNet's base class, and of MXNet 2.
_MXNET_2 = (
    "MXNet 2 has it. In MXNet 1.9 rho is gamma1, and momentum is gamma2, which the centered formula"
    " alone has. The two releases also differ in the place of epsilon, and in whether gradients are"
    " clipped before weight decay."
)
_EPSILON = "MXNet 2 has it. In MXNet 1.9 it is eps."
_OF_EVERY_OPTIMIZER = {
    "lr_scheduler": "A rate that changes is a schedule: pass it as learning_rate.",
    "begin_num_update": "Schedules count from 0: pass learning_rate=lambda k: schedule(k + begin).",
    "multi_precision": (
        "Accumulators are at least float32 here. Keep float32 copies of parameters in half"
        " precision, or add updates with rmsprop.apply_updates and a key."
    ),
    "param_idx2name": PARAMETERS,
    "param_dict": PARAMETERS,
    "sym": PARAMETERS,
    "aggregate_num": EXECUTION,
    "use_fused_step": EXECUTION,
}


@other_arguments(**_OF_EVERY_OPTIMIZER, rho=_MXNET_2, momentum=_MXNET_2)
def rmsprop(
    learning_rate: ScalarOrSchedule = 0.001,
    gamma1: ScalarLike = 0.9,
    gamma2: ScalarLike = _GAMMA2,
    epsilon: ScalarLike = 1e-8,
    centered: bool = False,
    clip_weights: ScalarLike | None = None,
    *,
    rescale_grad: ScalarLike = 1.0,
    wd: ScalarLike = 0.0,
    clip_gradient: ScalarLike | None = None,
) -> FrameworkOptimizer:
    """`mxnet.optimizer.RMSProp(...)` of MXNet 1.9.

    One step is::

        g <- clip(r g + λ θ)
        v <- ρ v + (1 - ρ) g^2    from v = 0
        θ <- clip(θ - η g / sqrt(v + ε))

    and, with `centered`, the optimizer of Graves (2013, https://arxiv.org/abs/1308.0850):

    One step is::

        m <- ρ m + (1 - ρ) g    from m = 0
        b <- μ b + η g / sqrt(v - m^2 + ε)
        θ <- clip(θ - b)

    Args:
        learning_rate: The rate η, a number or a schedule of the step count; a negative one climbs.
        gamma1: The decay ρ, at least 0 and below 1. The kernel that MXNet calls has a default of
            its own, 0.95, which this optimizer never uses.
        gamma2: The momentum coefficient μ, at least 0 and below 1. Refused without `centered`,
            where MXNet ignores it and has no momentum.
        epsilon: The constant ε, at least 0, under the root.
        centered: Divide by the standard deviation and keep a momentum buffer.
        clip_weights: The largest magnitude of a parameter after the step, above 0; None for no
            limit. The momentum buffer is not clipped. A parameter may exceed the limit by one
            rounding, because it is the result of adding an update.
        rescale_grad: The factor `r` of the gradient, above 0.
        wd: The coefficient λ of coupled weight decay, at least 0.
        clip_gradient: The largest magnitude of an element of the gradient, weight decay included,
            above 0; None for no limit. In MXNet values of 0 and below switch this and
            `clip_weights` off; here they are refused.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation. `update` needs `params` if there
        is weight decay or `clip_weights`.

    Raises:
        ValueError: A value is out of its range, or `gamma2` is given without `centered`.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.mxnet.rmsprop(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -3.1623

    Differs from other frameworks: PyTorch adds ε to the root and applies the rate after the
    momentum buffer; Paddle and Keras clip before they add weight decay. The port differs from MXNet
    where MXNet gives NaN: the centered variance cannot go negative, and 0 / 0 is 0.

    Agreement: the parameters differ by at most 3.6e-07 in float32, relative to the largest value of
    each coordinate, over 25 steps of 26 runs, most with a changing rate, from MXNet 1.9.1.
    """
    centered = hyperparameters.flag("centered", centered)
    if not centered and not isinstance(gamma2, jax.Array) and gamma2 != _GAMMA2:
        raise ValueError(
            f"gamma2={gamma2} without centered=True does nothing in MXNet, which has no momentum"
            f" then. Pass centered=True, or leave gamma2 out."
        )
    coefficient = unless_zero(float32_constant(hyperparameters.momentum("gamma2", gamma2)))
    limit = None if clip_weights is None else _limit("clip_weights", clip_weights)
    around = () if limit is None else ((f"clip weights to {limit}", ClipWeights(limit)),)
    return build(
        Convention(
            name="mxnet.rmsprop",
            learning_rate=rate("learning_rate", learning_rate),
            decay=float32_constant(hyperparameters.decay("gamma1", gamma1)),
            eps=float32_constant(hyperparameters.epsilon("epsilon", epsilon)),
            eps_in_sqrt=True,
            initial=0.0,
            centered=centered,
            momentum=coefficient if centered else None,
            weight_decay=hyperparameters.weight_decay("wd", wd),
            clipping=_clipping(clip_gradient),
            clip_before_weight_decay=False,
            gradient_scale=hyperparameters.positive("rescale_grad", rescale_grad),
            around=around,
        )
    )


@other_arguments(**_OF_EVERY_OPTIMIZER, epsilon=_EPSILON)
def adagrad(
    learning_rate: ScalarOrSchedule = 0.01,
    *,
    eps: ScalarLike = 1e-7,
    rescale_grad: ScalarLike = 1.0,
    wd: ScalarLike = 0.0,
    clip_gradient: ScalarLike | None = None,
) -> FrameworkOptimizer:
    """`mxnet.optimizer.AdaGrad(...)` of MXNet 1.9.

    One step is::

        g <- clip(r g)
        s <- s + g^2    from s = 0
        θ <- θ - η (g / sqrt(s + ε) + λ θ)

    Args:
        learning_rate: The rate η, a number or a schedule of the step count; a negative one climbs.
            All other arguments are by keyword: the first argument in MXNet is `eps`, and its rate
            of 0.01 comes from the base class.
        eps: The constant ε, at least 0, under the root. MXNet's documentation calls it the initial
            value of the sum; the sum starts at 0, which in exact arithmetic is the same.
        rescale_grad: The factor `r` of the gradient, above 0.
        wd: The coefficient λ of decoupled weight decay, at least 0.
        clip_gradient: The largest magnitude of an element of the gradient, above 0; None for no
            limit. In MXNet 0 makes every gradient 0; here it is refused.

    Returns:
        A `FrameworkOptimizer`; `update` needs `params` if there is weight decay.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.mxnet.adagrad(learning_rate=1.0, eps=3.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -0.5000

    Differs from other frameworks: PyTorch adds ε to the root and weight decay to the gradient;
    Keras and Optax start the sum at 0.1. The port differs from MXNet with `eps=0`, where a zero
    gradient gives NaN in MXNet and a zero step here.

    Agreement: the parameters differ by at most 9.2e-08 in float32, relative to the largest value of
    each coordinate, over 25 steps of 11 runs, most with a changing rate, from MXNet 1.9.1.
    """
    return build(
        Convention(
            name="mxnet.adagrad",
            learning_rate=rate("learning_rate", learning_rate),
            decay=None,
            eps=float32_constant(hyperparameters.epsilon("eps", eps)),
            eps_in_sqrt=True,
            initial=0.0,
            weight_decay=hyperparameters.weight_decay("wd", wd),
            weight_decay_rule="decoupled",
            clipping=_clipping(clip_gradient),
            gradient_scale=hyperparameters.positive("rescale_grad", rescale_grad),
        )
    )


def _clipping(clip_gradient: ScalarLike | None) -> Clipping | None:
    return (
        None if clip_gradient is None else Clipping("value", _limit("clip_gradient", clip_gradient))
    )


def _limit(name: str, value: ScalarLike) -> Scalar:
    """A limit above 0; for MXNet 0 and below mean no limit, or one that makes everything 0."""
    try:
        return hyperparameters.positive(name, value)
    except ValueError as error:
        raise ValueError(f"{error} For no limit pass {name}=None.") from None
