"""The optimizers: chains of a rescaling, the learning rate and momentum."""

from __future__ import annotations

import optax
from jax.typing import DTypeLike

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._chain import (
    checked_chain,
    identity,
    scale_by_learning_rate,
    trace,
    wide_inside,
)
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop._rescaling import (
    refuse_corrected_variance,
    scale_by_rms,
    scale_by_rss,
    scale_by_stddev,
)


def rmsprop(
    learning_rate: optax.ScalarOrSchedule,  # Optax sees by this type that it may be a schedule
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
) -> optax.GradientTransformationExtraArgs:
    """RMSprop: steps divided by the root of a running average of the squared gradients.

    One step is::

        v <- ρ v + (1 - ρ) |g|^2
        θ <- θ - η g / sqrt(v + ε)

    with `sqrt(v) + ε` in the denominator for `eps_in_sqrt=False`. With momentum the quotient
    `u = g / sqrt(v + ε)` enters a buffer `b`, and::

        b <- μ b + η u,  θ <- θ - b      for `lr_in_momentum` True
        b <- μ b + u,    θ <- θ - η b    for False

    The two agree while the rate is constant, and differ when it changes.

    Integer, bool and random-key leaves have no state and are left alone while their gradient is
    None or of dtype `float0`. `jax.grad` of complex parameters has to be conjugated before
    `update`: `jax.tree.map(jnp.conj, gradients)`.

    Args:
        learning_rate: The rate η, in units of the parameters; a number, a traced scalar or a
            schedule of the step count. A step is about as long as the rate. A negative rate climbs,
            which maximises.
        decay: The decay ρ, at least 0 and below 1; a number, a traced scalar or a schedule. The
            average remembers about `1 / (1 - decay)` steps.
        eps: The constant ε, at least 0.
        initial_scale: The starting value of the average, at least 0. PyTorch and Keras start at 0,
            TensorFlow 1 and timm at 1.
        eps_in_sqrt: Whether `eps` is added under the root (TensorFlow, Keras 3) or to the root
            (PyTorch).
        centered: Divide by the running standard deviation; see `scale_by_stddev`.
        momentum: The coefficient μ, at least 0 and below 1; None for no buffer.
        nesterov: Take the step `η u + μ b`, looking one step ahead.
        bias_correction: Divide the average by `1 - decay**t`. Refused with `centered` and with a
            scheduled decay.
        lr_in_momentum: Whether the rate is applied before the momentum buffer (TensorFlow, Keras,
            Optax) or after it (PyTorch).
        accumulator_dtype: The dtype of average, mean and momentum; None takes at least float32.
            `jnp.bfloat16` halves the state, except for mean and momentum of complex leaves; see
            `scale_by_rms`.

    Returns:
        A `GradientTransformationExtraArgs`. Its state has the fields of that of `optax.rmsprop`:
        `nu` and `trace`, and `count` where steps are counted, which is with bias correction, with a
        scheduled decay or in bfloat16. When centered it has `mu` and `var` instead of `nu`. A state
        that `optax.rmsprop` made with the same fields can be continued.

    Raises:
        ValueError: A value is out of its range, options contradict each other, or an accumulator
            dtype cannot hold squares.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax, jax.numpy as jnp, optax, rmsprop
        >>> optimizer = rmsprop.rmsprop(learning_rate=0.1, decay=0.9)
        >>> x = jnp.array(4.0)
        >>> state = optimizer.init(x)
        >>> for _ in range(2):
        ...     updates, state = optimizer.update(jax.grad(lambda x: x**2)(x), state)
        ...     x = optax.apply_updates(x, updates)
        >>> print(f"{x:.4f}")
        3.4635

    References:
        Tieleman and Hinton, "Lecture 6.5 - RMSProp", COURSERA: Neural Networks for Machine
        Learning, 2012. Graves, "Generating sequences with recurrent neural networks", 2013
        (centered, momentum), https://arxiv.org/abs/1308.0850.

    Differs from `optax.rmsprop`: state and arithmetic are at least float32, the centered variance
    cannot go negative, a scheduled decay is allowed, and arguments that cannot be right are
    refused.
    """
    if hyperparameters.flag("nesterov", nesterov) and momentum is None:
        raise ValueError(
            "nesterov=True without momentum has nothing to look ahead with. Pass momentum=0.9, say,"
            " or nesterov=False."
        )
    if hyperparameters.flag("centered", centered):
        refuse_corrected_variance(bias_correction)
    rescaling = (scale_by_stddev if centered else scale_by_rms)(
        decay,
        eps,
        initial_scale=initial_scale,
        eps_in_sqrt=eps_in_sqrt,
        bias_correction=bias_correction,
        accumulator_dtype=accumulator_dtype,
    )
    rate = scale_by_learning_rate(learning_rate)
    if momentum is None:
        buffer = identity()
    else:
        buffer = trace(momentum, nesterov=nesterov, accumulator_dtype=accumulator_dtype)
    if hyperparameters.flag("lr_in_momentum", lr_in_momentum):
        return wide_inside(checked_chain(rescaling, rate, buffer))
    return wide_inside(checked_chain(rescaling, buffer, rate))


def adagrad(
    learning_rate: optax.ScalarOrSchedule,  # Optax sees by this type that it may be a schedule
    initial_accumulator_value: ScalarLike = 0.1,
    eps: ScalarLike = 1e-7,
    *,
    eps_in_sqrt: bool = True,
    accumulator_dtype: DTypeLike | None = None,
) -> optax.GradientTransformationExtraArgs:
    """AdaGrad: steps divided by the root of the sum of all squared gradients so far.

    One step is::

        s <- s + |g|^2
        θ <- θ - η g / sqrt(s + ε)

    RMSprop with decay `1 - 1/t` and rate `η / sqrt(t)` is this optimizer, from a start at 0 and
    with ε = 0: on a gradient of constant size its steps shrink as `1 / sqrt(t)`.

    Integer, bool and random-key leaves have no state and are left alone while their gradient is
    None or of dtype `float0`. `jax.grad` of complex parameters has to be conjugated before
    `update`: `jax.tree.map(jnp.conj, gradients)`.

    Args:
        learning_rate: The rate η, in units of the parameters; a number, a traced scalar or a
            schedule of the step count. No step is longer than the rate. A negative rate climbs,
            which maximises.
        initial_accumulator_value: The starting value of the sum, at least 0. PyTorch starts at 0,
            TensorFlow, Keras and Optax at 0.1.
        eps: The constant ε, at least 0.
        eps_in_sqrt: Whether `eps` is added under the root (Keras 3) or to the root (PyTorch).
        accumulator_dtype: The dtype of the sum; None takes at least float32. `jnp.bfloat16` halves
            the state; see `scale_by_rms`.

    Returns:
        A `GradientTransformationExtraArgs` with the state of `optax.adagrad`: the field
        `sum_of_squares`, and in bfloat16 also `count`.

    Raises:
        ValueError: A value is out of its range, or an accumulator dtype cannot hold squares.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax, jax.numpy as jnp, optax, rmsprop
        >>> optimizer = rmsprop.adagrad(learning_rate=1.0)
        >>> x = jnp.array(4.0)
        >>> state = optimizer.init(x)
        >>> for _ in range(2):
        ...     updates, state = optimizer.update(jax.grad(lambda x: x**2)(x), state)
        ...     x = optax.apply_updates(x, updates)
        >>> print(f"{x:.4f}")
        2.4010

    References:
        Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
        optimization", JMLR 12, 2011. https://jmlr.org/papers/v12/duchi11a.html
    """
    rescaling = scale_by_rss(
        initial_accumulator_value,
        eps,
        eps_in_sqrt=eps_in_sqrt,
        accumulator_dtype=accumulator_dtype,
    )
    return wide_inside(checked_chain(rescaling, scale_by_learning_rate(learning_rate)))
