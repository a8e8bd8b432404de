"""timm's `RMSpropTF` (`--opt rmsproptf`): TensorFlow 1's RMSprop in PyTorch, with extensions.

timm starts the average at 1, puts epsilon under the root and the rate into the momentum buffer, as
TensorFlow 1 does, and adds decoupled weight decay and caution.
"""

from __future__ import annotations

from typing import cast

import jax

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._arguments import NEGATED_LOSS, rate, unless_zero
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer, WeightDecayRule, build
from rmsprop.frameworks._other_arguments import PARAMETERS, other_arguments
from rmsprop.frameworks._timm_state import export_state as export_state
from rmsprop.frameworks._timm_state import import_state as import_state


@other_arguments(params=PARAMETERS)
def rmsprop_tf(
    lr: ScalarOrSchedule = 1e-2,
    alpha: ScalarLike = 0.9,
    eps: ScalarLike = 1e-10,
    weight_decay: ScalarLike = 0,
    momentum: ScalarLike = 0.0,
    centered: bool = False,
    decoupled_decay: bool = False,
    corrected_weight_decay: bool = False,
    lr_in_momentum: bool = True,
    caution: bool = False,
    foreach: bool | None = None,
    *,
    max_lr: ScalarLike | None = None,
) -> FrameworkOptimizer:
    r"""`timm.optim.RMSpropTF(params, ...)`.

    One step is::

        g <- g + λ θ    where weight decay is coupled
        v <- ρ v + (1 - ρ) g^2
        m <- ρ m + (1 - ρ) g    from v = 1, m = 0; without `centered` m stays 0
        b <- μ b + η g / sqrt(v - m^2 + ε)
        θ <- θ - η λ θ - b    where it is decoupled, or else θ - b

    Corrected weight decay has `η^2 / η_max` in the place of the η before λ (Defazio, 2025).

    Args:
        lr: The rate η, a number of at least 0 or a schedule of the step count.
        alpha: The decay ρ, at least 0 and below 1.
        eps: The constant ε, at least 0, under the root.
        weight_decay: The coefficient λ, at least 0.
        momentum: The coefficient μ, at least 0 and below 1. timm's factory `create_optimizer_v2`
            passes 0.9.
        centered: Divide by the standard deviation: `v - m^2` under the root.
        decoupled_decay: Take weight decay from the parameter instead of adding it to the gradient.
        corrected_weight_decay: Scale decoupled decay by `lr / max_lr`. Refused without
            `decoupled_decay`, where timm ignores it.
        lr_in_momentum: Apply the rate before the buffer; False applies it after, as PyTorch does.
        caution: Keep the elements of `b` that have the sign of the gradient, divided by their share
            (at least 1e-3), and set the others to 0. Refused without momentum, where timm ignores
            it.
        foreach: Decides how timm runs the step; no number depends on it.
        max_lr: The largest rate, above 0, for `corrected_weight_decay`. In timm it is the `lr` that
            the optimizer is constructed with. None takes `lr`, which must then be a number.

    Returns:
        A `FrameworkOptimizer`; `update` needs `params` if there is weight decay.

    Raises:
        ValueError: A value is out of its range, or timm would ignore an option.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.timm.rmsprop_tf(lr=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -1.0000

    Differs from other frameworks: PyTorch starts `v` at 0 and adds ε to the root, so that its first
    step on a small gradient is far longer. TensorFlow 1 is equal except for weight decay and the
    rounding of constants.

    Agreement: the parameters differ by at most 9.5e-16 in float64 and 6.8e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 52 runs, most with a changing rate,
    from timm 1.0.31.
    """
    if foreach is not None:
        hyperparameters.flag("foreach", foreach)
    learning_rate = rate("lr", lr, ascent=NEGATED_LOSS)
    coefficient = unless_zero(hyperparameters.momentum("momentum", momentum))
    if hyperparameters.flag("caution", caution) and coefficient is None:
        raise ValueError(
            "caution=True without momentum does nothing in timm: every step has the sign of its"
            " gradient. Pass momentum=0.9, say, or caution=False."
        )
    rule, largest = _weight_decay_rule(decoupled_decay, corrected_weight_decay, max_lr, lr)
    return build(
        Convention(
            name="timm.rmsprop_tf",
            learning_rate=learning_rate,
            decay=hyperparameters.decay("alpha", alpha),
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=True,
            initial=1.0,
            centered=hyperparameters.flag("centered", centered),
            momentum=coefficient,
            lr_in_momentum=hyperparameters.flag("lr_in_momentum", lr_in_momentum),
            weight_decay=hyperparameters.weight_decay("weight_decay", weight_decay),
            weight_decay_rule=rule,
            max_lr=largest,
            caution=caution,
        )
    )


def _weight_decay_rule(
    decoupled: bool, corrected: bool, max_lr: ScalarLike | None, lr: ScalarOrSchedule
) -> tuple[WeightDecayRule, hyperparameters.Scalar | None]:
    """The weight decay that the two switches select, and the largest rate where it matters."""
    hyperparameters.flag("decoupled_decay", decoupled)
    if not hyperparameters.flag("corrected_weight_decay", corrected):
        if max_lr is not None:
            raise ValueError("max_lr is used by corrected_weight_decay=True alone. Leave it out.")
        return ("decoupled" if decoupled else "coupled"), None
    if not decoupled:
        raise ValueError(
            "corrected_weight_decay=True without decoupled_decay=True does nothing in timm. Pass"
            " decoupled_decay=True as well, or corrected_weight_decay=False."
        )
    if max_lr is None and (callable(lr) or isinstance(lr, jax.Array) or lr == 0):
        raise ValueError(
            "corrected_weight_decay=True needs max_lr where lr is a schedule, an array (which may"
            " change from step to step) or 0: the largest rate, which is the lr that timm's"
            " optimizer is constructed with. Pass max_lr=0.05, say."
        )
    largest = cast("ScalarLike", lr) if max_lr is None else max_lr  # a schedule was refused above
    return "corrected", hyperparameters.positive("max_lr", largest)
