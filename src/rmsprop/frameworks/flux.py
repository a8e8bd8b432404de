"""Julia's Optimisers.jl, the optimizers of Flux: `RMSProp` and `AdaGrad`.

Greek names are spelled out, as Optimisers.jl does for its keywords: η is `eta`, ρ is `rho`, ε is
`epsilon`.  Epsilon is added to the root, there is no momentum, and AdaGrad's sum starts at epsilon.
Neither function was run against Julia: both were checked against a transcription of the source
(`src/rules.jl`).

Optimisers.jl rounds hyper-parameters to the element type of each array before it uses them.  In
float32 `1 - rho` then differs from the rounded difference, and the port does the same.  In Float16
Optimisers.jl also raises a positive epsilon to 1e-7.  The port does not follow it there: its state
and arithmetic are at least float32.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import Scalar, ScalarLike, ScalarOrSchedule
from rmsprop._typing import Tree
from rmsprop.frameworks._arguments import rate
from rmsprop.frameworks._convention import (
    Convention,
    FrameworkOptimizer,
    build,
    float32_constant,
)


def rmsprop(
    eta: ScalarOrSchedule = 0.001,
    rho: ScalarLike = 0.9,
    epsilon: ScalarLike = 1e-8,
    *,
    centred: bool = False,
    centered: bool = False,
) -> FrameworkOptimizer:
    """`Optimisers.RMSProp(η, ρ, ϵ; centred)`.

    One step is::

        v <- ρ v + (1 - ρ) |g|^2
        m <- ρ m + (1 - ρ) g    from v = m = 0; without `centred` m stays 0
        θ <- θ - η g / (sqrt(v - |m|^2) + ε)

    Args:
        eta: The rate η, a number or a schedule of the step count; a negative one climbs.
        rho: The decay ρ, at least 0 and below 1. The original's docstring calls it a momentum,
            which it is not.
        epsilon: The constant ε, at least 0, added to the root.
        centred: Divide by the standard deviation: `v - |m|^2` under the root.
        centered: Another spelling of `centred`; either of the two sets it.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.flux.rmsprop(eta=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -3.1623

    Differs from other frameworks: PyTorch's RMSprop is the same except for the defaults and for
    complex parameters, whose real and imaginary parts PyTorch treats apart. The port was checked
    against a transcription of the source only.

    Agreement: the parameters differ by at most 4.2e-16 in float64 and 2.0e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 24 runs, most with a changing rate,
    from a transcription in NumPy; the original was never run.
    """
    learning_rate = rate("eta", eta)
    decay = hyperparameters.decay("rho", rho)
    eps = hyperparameters.epsilon("epsilon", epsilon)
    british, american = (
        hyperparameters.flag(name, value)
        for name, value in (("centred", centred), ("centered", centered))
    )

    def with_decay(decay: Scalar) -> FrameworkOptimizer:
        """The optimizer with this decay, which is exact or rounded."""
        return build(
            Convention(
                name="flux.rmsprop",
                learning_rate=learning_rate,
                decay=decay,
                eps=eps,
                eps_in_sqrt=False,
                initial=0.0,
                centered=british or american,
                complex_leaves="modulus",
            )
        )

    return _by_precision(with_decay(decay), with_decay(float32_constant(decay)))


def adagrad(eta: ScalarOrSchedule = 0.1, epsilon: ScalarLike = 1e-8) -> FrameworkOptimizer:
    """`Optimisers.AdaGrad(η, ϵ)`.

    One step is::

        s <- s + |g|^2    from s = ε
        θ <- θ - η g / (sqrt(s) + ε)

    Args:
        eta: The rate η, a number or a schedule of the step count; a negative one climbs.
        epsilon: The constant ε, at least 0, which is both added to the root and the starting value
            of the sum.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.flux.adagrad(eta=1.0, epsilon=0.25)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -0.7310

    Differs from other frameworks: PyTorch and MLX start the sum at 0, Keras and TensorFlow at 0.1.
    The port was checked against a transcription of the source only.

    Agreement: the parameters differ by at most 1.7e-16 in float64 and 1.1e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 10 runs, most with a changing rate,
    from a transcription in NumPy; the original was never run.
    """
    eps = hyperparameters.epsilon("epsilon", epsilon)
    return build(
        Convention(
            name="flux.adagrad",
            learning_rate=rate("eta", eta),
            decay=None,
            eps=eps,
            eps_in_sqrt=False,
            initial=eps,
            complex_leaves="modulus",
        )
    )


def _by_precision(double: FrameworkOptimizer, single: FrameworkOptimizer) -> FrameworkOptimizer:
    """The first optimizer for float64 leaves, and the second, with a rounded decay, for others.

    Their states have the same structure, so that each leaf of update and state is taken from the
    optimizer of its dtype. A compiled update computes nothing twice.
    """

    def update_fn(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None, **extra: object
    ) -> tuple[optax.Updates, Tree]:
        """Updates by the optimizer of the gradients' precision."""
        kinds = {_is_double(leaf) for leaf in jax.tree.leaves(updates)}
        if len(kinds) == 1:
            optimizer = double if kinds == {True} else single
            return optimizer.update(updates, state, params, **extra)
        results = (each.update(updates, state, params, **extra) for each in (double, single))
        return jax.tree.map(lambda d, s: d if _is_double(d) else s, *results)

    return FrameworkOptimizer(double.init, update_fn, double.convention)


def _is_double(leaf: object) -> bool:
    return jnp.finfo(jnp.result_type(leaf)).bits == 64 if _is_inexact(leaf) else False


def _is_inexact(leaf: object) -> bool:
    return jnp.issubdtype(jnp.result_type(leaf), jnp.inexact)
