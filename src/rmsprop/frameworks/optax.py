"""Optax's `rmsprop` and `adagrad`, as conventions that can be compared with the others.

The numbers are those of `rmsprop.rmsprop` and `rmsprop.adagrad`, whose options beyond Optax's (a
scheduled decay, the rate after the momentum buffer) are not repeated here.
"""

from __future__ import annotations

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop._rescaling import refuse_corrected_variance
from rmsprop.frameworks._arguments import rate
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer, build
from rmsprop.frameworks._optax_state import export_state as export_state
from rmsprop.frameworks._optax_state import import_state as import_state


def rmsprop(
    learning_rate: ScalarOrSchedule,
    decay: ScalarLike = 0.9,
    eps: ScalarLike = 1e-8,
    initial_scale: ScalarLike = 0.0,
    eps_in_sqrt: bool = True,
    centered: bool = False,
    momentum: ScalarLike | None = None,
    nesterov: bool = False,
    bias_correction: bool = False,
) -> FrameworkOptimizer:
    """`optax.rmsprop(...)`.

    One step is::

        v <- ρ v + (1 - ρ) |g|^2    from v = s
        b <- μ b + η g / sqrt(v + ε)    or    μ b + η g / (sqrt(v) + ε)
        θ <- θ - b

    `jax.grad` of complex parameters has to be conjugated before `update`:
    `jax.tree.map(jnp.conj, gradients)`.

    Args:
        learning_rate: The rate η, a number or a schedule of the step count; a negative one climbs.
        decay: The decay ρ, at least 0 and below 1.
        eps: The constant ε, at least 0.
        initial_scale: The starting value `s` of the average, at least 0.
        eps_in_sqrt: Whether `eps` is added under the root or to the root.
        centered: Subtract the square of the averaged gradient under the root.
        momentum: The coefficient μ, at least 0 and below 1; None for no buffer.
        nesterov: Take the step `η u + μ b`. Optax ignores it without momentum; here it is refused.
        bias_correction: Divide the average by `1 - ρ^t`. Refused with `centered`, where Optax
            divides by zero at the first step.

    Returns:
        A `FrameworkOptimizer`.

    Raises:
        ValueError: A value is out of its range, or options contradict each other.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.optax.rmsprop(1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -3.1623

    Differs from other frameworks: PyTorch adds ε to the root and applies the rate after the buffer;
    TensorFlow 1 starts at 1; Nesterov and bias correction are Optax's alone.

    Agreement: the parameters differ by at most 3.3e-16 in float64 and 2.1e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 30 runs, most with a changing rate,
    from Optax 0.2.8.
    """
    if hyperparameters.flag("nesterov", nesterov) and momentum is None:
        raise ValueError(
            "nesterov=True without momentum does nothing in Optax. Pass momentum=0.9, say, or"
            " nesterov=False."
        )
    if hyperparameters.flag("centered", centered):
        refuse_corrected_variance(bias_correction)
    return build(
        Convention(
            name="optax.rmsprop",
            learning_rate=rate("learning_rate", learning_rate),
            decay=hyperparameters.decay("decay", decay),
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=hyperparameters.flag("eps_in_sqrt", eps_in_sqrt),
            initial=hyperparameters.initial_value("initial_scale", initial_scale),
            centered=centered,
            bias_correction=hyperparameters.flag("bias_correction", bias_correction),
            momentum=None if momentum is None else hyperparameters.momentum("momentum", momentum),
            nesterov=nesterov,
            complex_leaves="modulus",
        )
    )


def adagrad(
    learning_rate: ScalarOrSchedule,
    initial_accumulator_value: ScalarLike = 0.1,
    eps: ScalarLike = 1e-7,
) -> FrameworkOptimizer:
    """`optax.adagrad(...)`.

    One step is::

        s <- s + |g|^2
        θ <- θ - η g / sqrt(s + ε)

    `jax.grad` of complex parameters has to be conjugated before `update`:
    `jax.tree.map(jnp.conj, gradients)`.

    Args:
        learning_rate: The rate η, a number or a schedule of the step count; a negative one climbs.
        initial_accumulator_value: The starting value `s_0`, at least 0.
        eps: The constant ε, at least 0, under the root.

    Returns:
        A `FrameworkOptimizer`.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.optax.adagrad(1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -0.9535

    Differs from other frameworks: PyTorch starts at 0 and adds ε to the root; Keras 3 is the same;
    TensorFlow 1 has no ε.

    Agreement: the parameters differ by at most 1.7e-16 in float64 and 0 in float32, relative to the
    largest value of each coordinate, over 25 steps of 8 runs, most with a changing rate, from Optax
    0.2.8.
    """
    initial = hyperparameters.initial_value("initial_accumulator_value", initial_accumulator_value)
    return build(
        Convention(
            name="optax.adagrad",
            learning_rate=rate("learning_rate", learning_rate),
            decay=None,
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=True,
            initial=initial,
            complex_leaves="modulus",
        )
    )
