"""Stable-Baselines3's `RMSpropTFLike`, which its A2C uses in the place of PyTorch's.

It is PyTorch's RMSprop with the average started at 1 and epsilon under the root.  The rate is
applied after the momentum buffer, so that with momentum and a changing rate it differs from
TensorFlow's.
"""

from __future__ import annotations

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._arguments import NEGATED_LOSS, rate, unless_zero
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer, build
from rmsprop.frameworks._other_arguments import PARAMETERS, other_arguments
from rmsprop.frameworks._stable_baselines3_state import export_state as export_state
from rmsprop.frameworks._stable_baselines3_state import import_state as import_state


@other_arguments(params=PARAMETERS)
def rmsprop_tf_like(
    lr: ScalarOrSchedule = 1e-2,
    alpha: ScalarLike = 0.99,
    eps: ScalarLike = 1e-8,
    weight_decay: ScalarLike = 0,
    momentum: ScalarLike = 0,
    centered: bool = False,
) -> FrameworkOptimizer:
    """`stable_baselines3.common.sb2_compat.rmsprop_tf_like.RMSpropTFLike(params, ...)`.

    One step is::

        g <- g + λ θ
        v <- ρ v + (1 - ρ) g^2
        m <- ρ m + (1 - ρ) g    from v = 1, m = 0; without `centered` m stays 0
        b <- μ b + g / sqrt(v - m^2 + ε)
        θ <- θ - η b

    Args:
        lr: The rate η, a number of at least 0 or a schedule of the step count.
        alpha: The decay ρ, at least 0 and below 1.
        eps: The constant ε, at least 0, under the root.
        weight_decay: The coefficient λ of coupled weight decay, at least 0.
        momentum: The coefficient μ, at least 0 and below 1.
        centered: Divide by the standard deviation: `v - m^2` under the root.

    Returns:
        A `FrameworkOptimizer`; `update` needs `params` if there is weight decay.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.stable_baselines3.rmsprop_tf_like(lr=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -1.0000

    Differs from other frameworks: PyTorch's RMSprop starts `v` at 0 and adds ε to the root;
    TensorFlow 1 and timm apply the rate before the buffer.

    Agreement: the parameters differ by at most 2.7e-16 in float64 and 1.9e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 20 runs, most with a changing rate,
    from Stable-Baselines3 2.9.2.
    """
    return build(
        Convention(
            name="stable_baselines3.rmsprop_tf_like",
            learning_rate=rate("lr", lr, ascent=NEGATED_LOSS),
            decay=hyperparameters.decay("alpha", alpha),
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=True,
            initial=1.0,
            centered=hyperparameters.flag("centered", centered),
            momentum=unless_zero(hyperparameters.momentum("momentum", momentum)),
            lr_in_momentum=False,
            weight_decay=hyperparameters.weight_decay("weight_decay", weight_decay),
        )
    )
