"""The optimizers of `jax.example_libraries.optimizers`, which many JAX examples use."""

from __future__ import annotations

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._arguments import rate
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer, build
from rmsprop.frameworks._jax_examples_state import export_state as export_state
from rmsprop.frameworks._jax_examples_state import import_state as import_state


def rmsprop(
    step_size: ScalarOrSchedule, gamma: ScalarLike = 0.9, eps: ScalarLike = 1e-8
) -> FrameworkOptimizer:
    """`jax.example_libraries.optimizers.rmsprop(...)`.

    One step is::

        v <- ρ v + (1 - ρ) g^2    from v = 0
        θ <- θ - η g / sqrt(v + ε)

    Args:
        step_size: The rate η, a number or a schedule of the step count; a negative one climbs.
        gamma: The decay ρ, at least 0 and below 1.
        eps: The constant ε, at least 0, under the root.

    Returns:
        A `FrameworkOptimizer`.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.jax_examples.rmsprop(1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -3.1623

    Differs from other frameworks: `rmsprop.rmsprop` with its defaults is the same, and PyTorch adds
    ε to the root, as JAX did before October 2019.

    Agreement: the parameters differ by at most 3.3e-16 in float64 and 1.6e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 6 runs, most with a changing rate,
    from JAX's example libraries 0.10.2.
    """
    return build(
        Convention(
            name="jax_examples.rmsprop",
            learning_rate=rate("step_size", step_size),
            decay=hyperparameters.decay("gamma", gamma),
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=True,
            initial=0.0,
        )
    )


def rmsprop_momentum(
    step_size: ScalarOrSchedule,
    gamma: ScalarLike = 0.9,
    eps: ScalarLike = 1e-8,
    momentum: ScalarLike = 0.9,
) -> FrameworkOptimizer:
    """`jax.example_libraries.optimizers.rmsprop_momentum(...)`.

    One step is::

        v <- ρ v + (1 - ρ) g^2    from v = 0
        b <- μ b + η g / sqrt(v + ε)
        θ <- θ - b

    Args:
        step_size: The rate η, a number or a schedule of the step count; a negative one climbs.
        gamma: The decay ρ, at least 0 and below 1.
        eps: The constant ε, at least 0, under the root.
        momentum: The coefficient μ, at least 0 and below 1.

    Returns:
        A `FrameworkOptimizer`.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.jax_examples.rmsprop_momentum(1.0)
        >>> state = optimizer.init(jnp.array([1.0]))
        >>> updates, state = optimizer.update(jnp.array([1.0]), state)
        >>> updates, state = optimizer.update(jnp.array([0.0]), state)
        >>> print(f"{updates[0]:.4f}")
        -2.8460

    Differs from other frameworks: TensorFlow 1 has the same formula with `v_0 = 1`.

    Agreement: the parameters differ by at most 4.5e-16 in float64 and 2.7e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 6 runs, most with a changing rate,
    from JAX's example libraries 0.10.2.
    """
    return build(
        Convention(
            name="jax_examples.rmsprop_momentum",
            learning_rate=rate("step_size", step_size),
            decay=hyperparameters.decay("gamma", gamma),
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=True,
            initial=0.0,
            momentum=hyperparameters.momentum("momentum", momentum),
        )
    )


def adagrad(step_size: ScalarOrSchedule, momentum: ScalarLike = 0.9) -> FrameworkOptimizer:
    """`jax.example_libraries.optimizers.adagrad(...)`, which has momentum by default.

    One step is::

        s <- s + g^2    from s = 0
        b <- μ b + (1 - μ) g / sqrt(s)
        θ <- θ - η b

    and the quotient is 0 while `s = 0`.

    Args:
        step_size: The rate η, a number or a schedule of the step count; a negative one climbs.
        momentum: The coefficient μ, at least 0 and below 1; 0 for plain AdaGrad.

    Returns:
        A `FrameworkOptimizer`.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.jax_examples.adagrad(1.0)
        >>> updates, _ = optimizer.update(jnp.array([3.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -0.1000

    Differs from other frameworks: no other AdaGrad here has momentum. The buffer of this one is an
    average, because it receives `1 - μ` of the quotient. There is no ε.

    Agreement: the parameters differ by at most 1.6e-16 in float64 and 0 in float32, relative to the
    largest value of each coordinate, over 25 steps of 8 runs, most with a changing rate, from JAX's
    example libraries 0.10.2.
    """
    return build(
        Convention(
            name="jax_examples.adagrad",
            learning_rate=rate("step_size", step_size),
            decay=None,
            eps=0.0,
            eps_in_sqrt=True,
            initial=0.0,
            momentum=hyperparameters.momentum("momentum", momentum),
            lr_in_momentum=False,
            dampened=True,
        )
    )
