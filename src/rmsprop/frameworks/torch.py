"""PyTorch's `torch.optim.RMSprop` and `torch.optim.Adagrad`.

PyTorch adds epsilon to the root, starts its averages at 0, applies the rate after the momentum
buffer, couples weight decay to the gradient, and treats real and imaginary parts of a complex
parameter as two real ones.  `optax.partition` takes the place of parameter groups.
"""

from __future__ import annotations

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._arguments import inverse_time, rate, unless_zero
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer, build
from rmsprop.frameworks._other_arguments import PARAMETERS, other_arguments
from rmsprop.frameworks._torch_layouts import equinox_layout as equinox_layout
from rmsprop.frameworks._torch_layouts import flax_layout as flax_layout
from rmsprop.frameworks._torch_state import export_state as export_state
from rmsprop.frameworks._torch_state import import_state as import_state

_ASCENT = "Pass maximize=True to maximise."


@other_arguments(params=PARAMETERS)
def rmsprop(
    lr: ScalarOrSchedule = 1e-2,
    alpha: ScalarLike = 0.99,
    eps: ScalarLike = 1e-8,
    weight_decay: ScalarLike = 0,
    momentum: ScalarLike = 0,
    centered: bool = False,
    capturable: bool = False,
    foreach: bool | None = None,
    maximize: bool = False,
    differentiable: bool = False,
) -> FrameworkOptimizer:
    """`torch.optim.RMSprop(params, ...)`.

    One step is::

        g <- ± g + λ θ
        v <- ρ v + (1 - ρ) g^2
        m <- ρ m + (1 - ρ) g    from v = m = 0; without `centered` m stays 0
        b <- μ b + g / (sqrt(v - m^2) + ε)
        θ <- θ - η b

    `jax.grad` of complex parameters has to be conjugated before `update`:
    `jax.tree.map(jnp.conj, gradients)`. PyTorch's own gradients are conjugated already.

    Args:
        lr: The rate η, a number of at least 0 or a schedule of the step count.
        alpha: The decay ρ, at least 0 and below 1.
        eps: The constant ε, at least 0, added to the root.
        weight_decay: The coefficient λ of coupled weight decay, at least 0.
        momentum: The coefficient μ of heavy-ball momentum, at least 0 and below 1.
        centered: Divide by the standard deviation: `v - m^2` under the root.
        capturable: With `foreach` and `differentiable` this decides how PyTorch runs the step. No
            number depends on the three, and a JAX update can be compiled and differentiated for all
            of their values. Values other than True and False (or None for `foreach`) are refused.
        foreach: As `capturable`, it decides how PyTorch runs the step.
        maximize: Negate the gradient before weight decay is added.
        differentiable: As `capturable`, it decides how PyTorch runs the step.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation. `update` needs `params` if there
        is weight decay.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.torch.rmsprop(lr=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -10.0000

    Differs from other frameworks: TensorFlow 1 and timm start `v` at 1, put ε under the root and
    the rate into the buffer; Keras 3 decouples weight decay. The port differs from PyTorch where
    PyTorch gives NaN: the centered variance cannot go negative, and 0 / 0 is 0.

    Agreement: the parameters differ by at most 5.6e-16 in float64 and 3.7e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 48 runs, most with a changing rate,
    from PyTorch 2.13.0.
    """
    _check_switches(capturable=capturable, foreach=foreach, differentiable=differentiable)
    return build(
        Convention(
            name="torch.rmsprop",
            learning_rate=rate("lr", lr, ascent=_ASCENT),
            decay=hyperparameters.decay("alpha", alpha),
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=False,
            initial=0.0,
            centered=hyperparameters.flag("centered", centered),
            momentum=unless_zero(hyperparameters.momentum("momentum", momentum)),
            lr_in_momentum=False,
            weight_decay=hyperparameters.weight_decay("weight_decay", weight_decay),
            maximize=hyperparameters.flag("maximize", maximize),
            complex_leaves="apart",
        )
    )


@other_arguments(params=PARAMETERS)
def adagrad(
    lr: ScalarOrSchedule = 1e-2,
    lr_decay: ScalarLike = 0,
    weight_decay: ScalarLike = 0,
    initial_accumulator_value: ScalarLike = 0,
    eps: ScalarLike = 1e-10,
    foreach: bool | None = None,
    *,
    maximize: bool = False,
    differentiable: bool = False,
    fused: bool | None = None,
) -> FrameworkOptimizer:
    """`torch.optim.Adagrad(params, ...)`.

    One step is::

        g <- ± g + λ θ
        s <- s + g^2
        θ <- θ - (η / (1 + (t - 1) γ)) g / (sqrt(s) + ε)

    `jax.grad` of complex parameters has to be conjugated before `update`:
    `jax.tree.map(jnp.conj, gradients)`. PyTorch's own gradients are conjugated already.

    Args:
        lr: The rate η, a number of at least 0 or a schedule of the step count.
        lr_decay: The coefficient γ, at least 0, by which the rate falls with time.
        weight_decay: The coefficient λ of coupled weight decay, at least 0.
        initial_accumulator_value: The starting value `s_0`, at least 0.
        eps: The constant ε, at least 0, added to the root.
        foreach: With `differentiable` and `fused` this decides how PyTorch runs the step, and no
            number depends on the three here. `foreach` together with `fused` is refused, as in
            PyTorch.
        maximize: Negate the gradient before weight decay is added.
        differentiable: As `foreach`, it decides how PyTorch runs the step. It is refused together
            with `fused`, as in PyTorch.
        fused: As `foreach`, it decides how PyTorch runs the step.

    Returns:
        A `FrameworkOptimizer`; `update` needs `params` if there is weight decay.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.torch.adagrad(lr=1.0)
        >>> updates, _ = optimizer.update(jnp.array([3.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -1.0000

    Differs from other frameworks: Keras and Optax start the sum at 0.1 and put ε under the root;
    TensorFlow 1 starts at 0.1 and has no ε. The starting value of a complex parameter is
    `s_0 + i s_0` in PyTorch, which is `s_0` for either part.

    Agreement: the parameters differ by at most 2.1e-16 in float64 and 1.1e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 46 runs, most with a changing rate,
    from PyTorch 2.13.0.
    """
    _check_switches(foreach=foreach, differentiable=differentiable, fused=fused)
    if fused and (foreach or differentiable):
        other = "foreach" if foreach else "differentiable"
        raise ValueError(f"fused=True and {other}=True exclude each other in PyTorch. Pass one.")
    initial = hyperparameters.initial_value("initial_accumulator_value", initial_accumulator_value)
    return build(
        Convention(
            name="torch.adagrad",
            learning_rate=inverse_time(rate("lr", lr, ascent=_ASCENT), "lr_decay", lr_decay),
            decay=None,
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=False,
            initial=initial,
            weight_decay=hyperparameters.weight_decay("weight_decay", weight_decay),
            maximize=hyperparameters.flag("maximize", maximize),
            complex_leaves="apart",
        )
    )


def _check_switches(**switches: bool | None) -> None:
    """Refuses wrong values of arguments that change how PyTorch runs a step, and no number."""
    for name, value in switches.items():
        if not (value is None and name in ("foreach", "fused")):
            hyperparameters.flag(name, value)
