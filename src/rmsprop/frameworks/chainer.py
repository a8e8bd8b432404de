"""Chainer's `chainer.optimizers.RMSprop`, `RMSpropGraves` and `AdaGrad`.

Chainer starts all averages and sums at 0.  Its weight decay is a hook, not an argument:
`optimizer.add_hook(WeightDecay(rate))` is `optax.chain(optax.add_decayed_weights(rate), ...)` here,
and `GradientClipping(threshold)` is `optax.clip_by_global_norm(threshold)`, in the order in which
the hooks are added.  `optax.partition` takes the place of hyper-parameters of single parameters
(`param.update_rule.hyperparam`).
"""

from __future__ import annotations

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._arguments import rate, unless_zero
from rmsprop.frameworks._chainer_state import export_state as export_state
from rmsprop.frameworks._chainer_state import import_state as import_state
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer, build
from rmsprop.frameworks._other_arguments import PARAMETERS, other_arguments


@other_arguments(model=PARAMETERS)
def rmsprop(
    lr: ScalarOrSchedule = 0.01,
    alpha: ScalarLike = 0.99,
    eps: ScalarLike = 1e-8,
    eps_inside_sqrt: bool = False,
) -> FrameworkOptimizer:
    """`chainer.optimizers.RMSprop(...)`.

    One step is::

        v <- ρ v + (1 - ρ) g^2    from v = 0
        θ <- θ - η g / (sqrt(v) + ε)    or    θ - η g / sqrt(v + ε)

    Args:
        lr: The rate η, a number or a schedule of the step count; a negative one climbs.
        alpha: The decay ρ, at least 0 and below 1.
        eps: The constant ε, at least 0.
        eps_inside_sqrt: Put ε under the root, as TensorFlow does, instead of adding it to the root.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.chainer.rmsprop(lr=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -10.0000

    Differs from other frameworks: PyTorch's RMSprop without momentum, weight decay and `centered`
    is the same, and always adds ε to the root. In half precision Chainer refuses an ε that rounds
    to 0; state and arithmetic are at least float32 here, where 1e-8 does not round to 0.

    Agreement: the parameters differ by at most 3.1e-16 in float64 and 2.0e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 12 runs, most with a changing rate,
    from Chainer 7.8.1.
    """
    return build(
        Convention(
            name="chainer.rmsprop",
            learning_rate=rate("lr", lr),
            decay=hyperparameters.decay("alpha", alpha),
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=hyperparameters.flag("eps_inside_sqrt", eps_inside_sqrt),
            initial=0.0,
        )
    )


@other_arguments(model=PARAMETERS)
def rmsprop_graves(
    lr: ScalarOrSchedule = 1e-4,
    alpha: ScalarLike = 0.95,
    momentum: ScalarLike = 0.9,
    eps: ScalarLike = 1e-4,
) -> FrameworkOptimizer:
    """`chainer.optimizers.RMSpropGraves(...)`.

    One step is::

        v <- ρ v + (1 - ρ) g^2
        m <- ρ m + (1 - ρ) g    from v = m = 0
        b <- μ b + η g / sqrt(v - m^2 + ε)
        θ <- θ - b

    The equations are 38 to 45 of Graves, "Generating sequences with recurrent neural networks",
    2013, https://arxiv.org/abs/1308.0850.

    Args:
        lr: The rate η, a number or a schedule of the step count; a negative one climbs.
        alpha: The decay ρ of both averages, at least 0 and below 1.
        momentum: The coefficient μ of heavy-ball momentum, at least 0 and below 1.
        eps: The constant ε, at least 0, under the root.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.chainer.rmsprop_graves(lr=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -4.5835

    Differs from other frameworks: MXNet's centered RMSProp has another default decay and ε. The
    port differs from Chainer where Chainer gives NaN: the variance `v - m^2` cannot go negative.

    Agreement: the parameters differ by at most 9.2e-16 in float64 and 5.0e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 26 runs, most with a changing rate,
    from Chainer 7.8.1.
    """
    return build(
        Convention(
            name="chainer.rmsprop_graves",
            learning_rate=rate("lr", lr),
            decay=hyperparameters.decay("alpha", alpha),
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=True,
            initial=0.0,
            centered=True,
            momentum=unless_zero(hyperparameters.momentum("momentum", momentum)),
        )
    )


@other_arguments(model=PARAMETERS)
def adagrad(lr: ScalarOrSchedule = 0.001, eps: ScalarLike = 1e-8) -> FrameworkOptimizer:
    """`chainer.optimizers.AdaGrad(...)`.

    One step is::

        s <- s + g^2    from s = 0
        θ <- θ - η g / (sqrt(s) + ε)

    Args:
        lr: The rate η, a number or a schedule of the step count; a negative one climbs.
        eps: The constant ε, at least 0, added to the root.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.chainer.adagrad(lr=1.0)
        >>> updates, _ = optimizer.update(jnp.array([3.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -1.0000

    Differs from other frameworks: PyTorch's AdaGrad is the same except for the defaults; Keras and
    Optax start the sum at 0.1 and put ε under the root. The port differs from Chainer with `eps=0`,
    where a zero gradient gives NaN in Chainer and a zero step here.

    Agreement: the parameters differ by at most 0 in float64 and 1.1e-07 in float32, relative to the
    largest value of each coordinate, over 25 steps of 8 runs, most with a changing rate, from
    Chainer 7.8.1.
    """
    return build(
        Convention(
            name="chainer.adagrad",
            learning_rate=rate("lr", lr),
            decay=None,
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=False,
            initial=0.0,
        )
    )
