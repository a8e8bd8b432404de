"""MLX's `mlx.optimizers.RMSprop` and `mlx.optimizers.Adagrad`.

Epsilon is added to the root, averages and sums start at 0, and there is neither momentum nor weight
decay.  MLX keeps the rate as a float32 number, also for float64 parameters, and so does the port.
MLX computes in the dtype of the parameter, where the default epsilon is 0 in float16 and a zero
gradient gives NaN; here state and arithmetic are at least float32.

Gradients are clipped by `optax.clip_by_global_norm`, and `optax.partition` takes the place of
`mlx.optimizers.MultiOptimizer`.
"""

from __future__ import annotations

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._arguments import rate
from rmsprop.frameworks._convention import (
    Convention,
    FrameworkOptimizer,
    build,
    float32_rate,
)
from rmsprop.frameworks._mlx_state import export_state as export_state
from rmsprop.frameworks._mlx_state import import_state as import_state


def rmsprop(
    learning_rate: ScalarOrSchedule, alpha: ScalarLike = 0.99, eps: ScalarLike = 1e-8
) -> FrameworkOptimizer:
    """`mlx.optimizers.RMSprop(...)`.

    One step is::

        v <- ρ v + (1 - ρ) g^2    from v = 0
        θ <- θ - η g / (sqrt(v) + ε)

    Args:
        learning_rate: The rate η, a number or a schedule of the step count; a negative one climbs.
        alpha: The decay ρ, at least 0 and below 1.
        eps: The constant ε, above 0 as in MLX, added to the root.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.mlx.rmsprop(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -10.0000

    Differs from other frameworks: PyTorch's RMSprop without momentum, weight decay and `centered`
    is the same except for the rounding of the rate.

    Agreement: the parameters differ by at most 3.8e-16 in float64 and 2.3e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 14 runs, most with a changing rate,
    from MLX 0.32.4.
    """
    return build(
        Convention(
            name="mlx.rmsprop",
            learning_rate=float32_rate(rate("learning_rate", learning_rate)),
            decay=hyperparameters.decay("alpha", alpha),
            eps=hyperparameters.positive("eps", eps),
            eps_in_sqrt=False,
            initial=0.0,
        )
    )


def adagrad(learning_rate: ScalarOrSchedule, eps: ScalarLike = 1e-8) -> FrameworkOptimizer:
    """`mlx.optimizers.Adagrad(...)`.

    One step is::

        s <- s + g^2    from s = 0
        θ <- θ - η g / (sqrt(s) + ε)

    Args:
        learning_rate: The rate η, a number or a schedule of the step count; a negative one climbs.
        eps: The constant ε, above 0 as in MLX, added to the root.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.mlx.adagrad(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([3.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -1.0000

    Differs from other frameworks: PyTorch's default ε is 1e-10; Keras and Optax start the sum at
    0.1 and put ε under the root.

    Agreement: the parameters differ by at most 0 in float64 and 1.1e-07 in float32, relative to the
    largest value of each coordinate, over 25 steps of 10 runs, most with a changing rate, from MLX
    0.32.4.
    """
    return build(
        Convention(
            name="mlx.adagrad",
            learning_rate=float32_rate(rate("learning_rate", learning_rate)),
            decay=None,
            eps=hyperparameters.positive("eps", eps),
            eps_in_sqrt=False,
            initial=0.0,
        )
    )
