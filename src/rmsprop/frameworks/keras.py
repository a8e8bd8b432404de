"""Keras' RMSprop and AdaGrad, of version 3 and of earlier ones.

`rmsprop` and `adagrad` are those of Keras 3 and, except for the averages of `use_ema`, of
`tf.keras.optimizers` from TensorFlow 2.11 on.  They put epsilon under the root, the rate into the
momentum buffer, and decouple weight decay.

`legacy_rmsprop` and `legacy_adagrad` are those of TensorFlow 2.0 to 2.10, later named
`tf.keras.optimizers.legacy`.  Without momentum they add epsilon to the root, with momentum they put
it under the root, and they have no weight decay.
"""

from __future__ import annotations

import jax

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._arguments import unless_zero
from rmsprop.frameworks._convention import (
    Convention,
    FrameworkOptimizer,
    build,
    float32_constant,
)
from rmsprop.frameworks._keras_arguments import (
    DEFAULT_EMA_MOMENTUM,
    DEFAULT_RATE,
    base,
    legacy_base,
    of_earlier_releases,
    of_later_releases,
)
from rmsprop.frameworks._keras_layouts import flax_layout as flax_layout
from rmsprop.frameworks._keras_state import export_state as export_state
from rmsprop.frameworks._keras_state import import_state as import_state
from rmsprop.frameworks._other_arguments import other_arguments


@other_arguments(**of_earlier_releases("legacy_rmsprop"))
def rmsprop(
    learning_rate: ScalarOrSchedule = DEFAULT_RATE,
    rho: ScalarLike = 0.9,
    momentum: ScalarLike = 0.0,
    epsilon: ScalarLike = 1e-7,
    centered: bool = False,
    weight_decay: ScalarLike | None = None,
    clipnorm: ScalarLike | None = None,
    clipvalue: ScalarLike | None = None,
    global_clipnorm: ScalarLike | None = None,
    use_ema: bool = False,
    ema_momentum: ScalarLike = DEFAULT_EMA_MOMENTUM,
    ema_overwrite_frequency: int | None = None,
    loss_scale_factor: ScalarLike | None = None,
    gradient_accumulation_steps: int | None = None,
    name: str | None = None,
) -> FrameworkOptimizer:
    """`keras.optimizers.RMSprop(...)` of Keras 3, and `tf.keras.optimizers.RMSprop` since 2.11.

    One step is::

        g <- clip(g / c)
        v <- ρ v + (1 - ρ) g^2
        m <- ρ m + (1 - ρ) g    from v = m = 0; without `centered` m stays 0
        b <- μ b + η g / sqrt(v - m^2 + ε)
        θ <- θ - η λ θ - b

    Args:
        learning_rate: The rate η, a number or a schedule of the number of earlier calls of
            `update`, several of which make one step when gradients are accumulated; a negative one
            climbs.
        rho: The decay ρ, at least 0 and below 1.
        momentum: The coefficient μ of heavy-ball momentum, at least 0 and below 1.
        epsilon: The constant ε, at least 0, under the root.
        centered: Divide by the standard deviation: `v - m^2` under the root.
        weight_decay: The coefficient λ of decoupled weight decay, at least 0; None stands for 0.
            The place of Keras' `exclude_from_weight_decay` is taken by a second
            optimizer: `optax.partition({True: with_decay, False: without}, labels)`. With
            `global_clipnorm` each of the two takes the norm of its own part.
        clipnorm: The largest norm of every leaf by itself. At most one of the three limits is
            allowed; 0 and None stand for no limit.
        clipvalue: The largest absolute value of an element.
        global_clipnorm: The largest norm of all leaves together.
        use_ema: Keep an average of the parameters, `a <- m a + (1 - m) θ`, from
            the parameters after the first step: `optax.tree.get(state, "average")` returns
            it. Keras replaces the parameters by it at the end of `fit`; here that is left to the
            user.
        ema_momentum: The coefficient `m`, at least 0 and below 1.
        ema_overwrite_frequency: The number of steps after which the parameters are replaced by
            their average, at least 1; None for never.
        loss_scale_factor: The factor `c`, above 0, that the gradients are divided by. Keras
            multiplies the loss by it; here the user does that: `jax.grad(lambda p: c * loss(p))`.
        gradient_accumulation_steps: The number of calls of `update` that make one step, at least 2;
            None for a step at every call. The step uses the mean of their gradients, which is
            clipped after it is taken; the updates of the other calls are zero. As in Keras, the
            rate is that of the last call, and an average of the parameters moves at every call.
        name: A label, which Keras gives to variables; no number depends on it.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation. `update` needs `params` if there
        is weight decay or an average.

    Raises:
        ValueError: A value is out of its range, there are two limits, or `ema_momentum` or
            `ema_overwrite_frequency` is given without `use_ema`, where Keras ignores it.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.keras.rmsprop(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -3.1623

    Differs from other frameworks: PyTorch adds ε to the root, applies the rate after the buffer and
    couples weight decay; TensorFlow 1 starts `v` at 1. In `tf.keras` from 2.11 to 2.15 the average
    starts at the parameters before the first step, `a = θ`, and overwrites every 100 steps by
    default; there are no loss scale and no accumulation, `clipvalue` beside another limit is
    ignored, and weight decay is rounded to float32. The port differs from Keras where Keras gives
    NaN: the centered variance cannot go negative, and 0 / 0 is 0. Keras rounds a rate that is a
    number to `keras.config.floatx()`, which is usually the dtype of the parameters.

    Agreement: the parameters differ by at most 1.1e-15 in float64 and 4.8e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 28 runs, most with a changing rate,
    from Keras 3.15.1, tf_keras 2.21.0.
    """
    return build(
        Convention(
            name="keras.rmsprop",
            decay=hyperparameters.decay("rho", rho),
            eps=hyperparameters.epsilon("epsilon", epsilon),
            eps_in_sqrt=True,
            initial=0.0,
            centered=hyperparameters.flag("centered", centered),
            momentum=unless_zero(hyperparameters.momentum("momentum", momentum)),
            **base(
                learning_rate=learning_rate,
                weight_decay=weight_decay,
                limits=(clipnorm, clipvalue, global_clipnorm),
                use_ema=use_ema,
                ema_momentum=ema_momentum,
                ema_overwrite_frequency=ema_overwrite_frequency,
                loss_scale_factor=loss_scale_factor,
                gradient_accumulation_steps=gradient_accumulation_steps,
                name=name,
            ),
        )
    )


@other_arguments(**of_earlier_releases("legacy_adagrad"))
def adagrad(
    learning_rate: ScalarOrSchedule = DEFAULT_RATE,
    initial_accumulator_value: ScalarLike = 0.1,
    epsilon: ScalarLike = 1e-7,
    weight_decay: ScalarLike | None = None,
    clipnorm: ScalarLike | None = None,
    clipvalue: ScalarLike | None = None,
    global_clipnorm: ScalarLike | None = None,
    use_ema: bool = False,
    ema_momentum: ScalarLike = DEFAULT_EMA_MOMENTUM,
    ema_overwrite_frequency: int | None = None,
    loss_scale_factor: ScalarLike | None = None,
    gradient_accumulation_steps: int | None = None,
    name: str | None = None,
) -> FrameworkOptimizer:
    """`keras.optimizers.Adagrad(...)` of Keras 3, and `tf.keras.optimizers.Adagrad` since 2.11.

    One step is::

        g <- clip(g / c)
        s <- s + g^2
        θ <- θ - η λ θ - η g / sqrt(s + ε)

    Args:
        learning_rate: The rate η, a number or a schedule of the number of earlier calls of
            `update`; a negative one climbs.
        initial_accumulator_value: The starting value `s_0`, at least 0.
        epsilon: The constant ε, at least 0, under the root.
        weight_decay: The coefficient λ of decoupled weight decay, at least 0; None stands for 0.
            This argument and those below are described in full at `rmsprop`.
        clipnorm: The largest norm of every leaf by itself.
        clipvalue: The largest absolute value of an element.
        global_clipnorm: The largest norm of all leaves together.
        use_ema: Keep an average of the parameters.
        ema_momentum: The coefficient of the average, at least 0 and below 1.
        ema_overwrite_frequency: The number of steps after which the parameters are replaced by
            their average; None for never.
        loss_scale_factor: The factor `c`, above 0, that the gradients are divided by.
        gradient_accumulation_steps: The number of calls of `update` that make one step; None for a
            step at every call.
        name: A label; no number depends on it.

    Returns:
        A `FrameworkOptimizer`; `update` needs `params` if there is weight decay or an average.

    Raises:
        ValueError: A value is out of its range, there are two limits, or `ema_momentum` or
            `ema_overwrite_frequency` is given without `use_ema`, where Keras ignores it.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.keras.adagrad(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -0.9535

    Differs from other frameworks: PyTorch starts the sum at 0 and adds ε to the root, as
    `legacy_adagrad` does; Optax has the same sum and root. In `tf.keras` from 2.11 to 2.15 the
    average of the parameters starts before the first step and weight decay is rounded to float32,
    as for `rmsprop`.

    Agreement: the parameters differ by at most 1.3e-15 in float64 and 7.0e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 11 runs, most with a changing rate,
    from Keras 3.15.1, tf_keras 2.21.0.
    """
    initial = hyperparameters.initial_value("initial_accumulator_value", initial_accumulator_value)
    return build(
        Convention(
            name="keras.adagrad",
            decay=None,
            eps=hyperparameters.epsilon("epsilon", epsilon),
            eps_in_sqrt=True,
            initial=initial,
            **base(
                learning_rate=learning_rate,
                weight_decay=weight_decay,
                limits=(clipnorm, clipvalue, global_clipnorm),
                use_ema=use_ema,
                ema_momentum=ema_momentum,
                ema_overwrite_frequency=ema_overwrite_frequency,
                loss_scale_factor=loss_scale_factor,
                gradient_accumulation_steps=gradient_accumulation_steps,
                name=name,
            ),
        )
    )


@other_arguments(**of_later_releases("rmsprop"))
def legacy_rmsprop(
    learning_rate: ScalarOrSchedule = DEFAULT_RATE,
    rho: ScalarLike = 0.9,
    momentum: ScalarLike = 0.0,
    epsilon: ScalarLike | None = 1e-7,
    centered: bool = False,
    name: str = "RMSprop",
    *,
    clipnorm: ScalarLike | None = None,
    clipvalue: ScalarLike | None = None,
    global_clipnorm: ScalarLike | None = None,
    lr: ScalarOrSchedule | None = None,
    decay: ScalarLike = 0.0,
) -> FrameworkOptimizer:
    """`tf.keras.optimizers.RMSprop(...)` of TensorFlow 2.0 to 2.10 (`optimizers.legacy` after).

    One step is::

        g <- clip(g)
        η <- η / (1 + (t - 1) γ)
        v <- ρ v + (1 - ρ) g^2
        m <- ρ m + (1 - ρ) g    from v = m = 0; without `centered` m stays 0
        θ <- θ - η g / (sqrt(v - m^2) + ε)    without momentum
        b <- μ b + η g / sqrt(v - m^2 + ε)
        θ <- θ - b                              with momentum

    Args:
        learning_rate: The rate η, a number or a schedule of the step count; a negative one climbs.
            It is rounded to float32, as are `rho`, `momentum` and `decay`: Keras makes float32
            tensors of them, whatever the dtype of the parameters.
        rho: The decay ρ, at least 0 and below 1.
        momentum: The coefficient μ of heavy-ball momentum, at least 0 and below 1. Whether it is 0
            decides where epsilon stands, so that an array is refused. (In Keras a tensor counts as
            above 0.)
        epsilon: The constant ε, at least 0, added to the root without momentum and under it with
            momentum. Keras reads None and 0 as 1e-7.
        centered: Divide by the standard deviation: `v - m^2` under the root.
        name: A label, which Keras gives to variables; no number depends on it.
        clipnorm: The largest norm of every leaf by itself, above 0; refused together with
            `global_clipnorm`.
        clipvalue: The largest absolute value of an element, above 0. It is applied before a limit
            of norms.
        global_clipnorm: The largest norm of all leaves together, above 0.
        lr: Another name of `learning_rate`, which then may not be given.
        decay: The coefficient γ, at least 0, by which the rate falls with time.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range, or there are two limits of norms or two rates.
        TypeError: A hyper-parameter is in half precision, `momentum` is an array, or a parameter is
            complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> gradient = params = jnp.array([1e-4])
        >>> for momentum in (0.0, 0.9):
        ...     optimizer = rmsprop.frameworks.keras.legacy_rmsprop(1.0, momentum=momentum)
        ...     updates, _ = optimizer.update(gradient, optimizer.init(params))
        ...     print(f"{updates[0]:.4f}")
        -3.1523
        -0.3147

    Differs from other frameworks: Keras 3 puts ε under the root also without momentum; TensorFlow 1
    starts `v` at 1. The port differs from Keras where Keras gives NaN: the centered variance cannot
    go negative, and 0 / 0 is 0. The port rounds the values of every schedule to float32, but Keras
    does not round those of a schedule that computes in float64. Keras' own schedules compute in
    float32.

    Agreement: the parameters differ by at most 6.1e-16 in float64 and 2.2e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 18 runs, most with a changing rate,
    from tf_keras 2.21.0.
    """
    coefficient = unless_zero(hyperparameters.momentum("momentum", momentum))
    if isinstance(coefficient, jax.Array):
        raise TypeError(
            "momentum is an array, and its being zero or not decides where Keras puts epsilon. Pass"
            ' a Python number; with optax.inject_hyperparams that is static_args=("momentum",).'
        )
    return build(
        Convention(
            name="keras.legacy_rmsprop",
            decay=float32_constant(hyperparameters.decay("rho", rho)),
            eps_in_sqrt=coefficient is not None,
            initial=0.0,
            centered=hyperparameters.flag("centered", centered),
            momentum=None if coefficient is None else float32_constant(coefficient),
            **legacy_base(
                learning_rate, lr, decay, epsilon, clipnorm, clipvalue, global_clipnorm, name
            ),
        )
    )


@other_arguments(**of_later_releases("adagrad"))
def legacy_adagrad(
    learning_rate: ScalarOrSchedule = DEFAULT_RATE,
    initial_accumulator_value: ScalarLike = 0.1,
    epsilon: ScalarLike | None = 1e-7,
    name: str = "Adagrad",
    *,
    clipnorm: ScalarLike | None = None,
    clipvalue: ScalarLike | None = None,
    global_clipnorm: ScalarLike | None = None,
    lr: ScalarOrSchedule | None = None,
    decay: ScalarLike = 0.0,
) -> FrameworkOptimizer:
    """`tf.keras.optimizers.Adagrad(...)` of TensorFlow 2.0 to 2.10 (`optimizers.legacy` after).

    One step is::

        g <- clip(g)
        s <- s + g^2
        θ <- θ - (η / (1 + (t - 1) γ)) g / (sqrt(s) + ε)

    Args:
        learning_rate: The rate η, a number or a schedule of the step count; a negative one climbs.
            It is rounded to float32, as is `decay`.
        initial_accumulator_value: The starting value `s_0`, at least 0.
        epsilon: The constant ε, at least 0, added to the root. Keras reads None and 0 as 1e-7.
        name: A label; no number depends on it.
        clipnorm: The largest norm of every leaf by itself, above 0; refused together with
            `global_clipnorm`.
        clipvalue: The largest absolute value of an element, above 0.
        global_clipnorm: The largest norm of all leaves together, above 0.
        lr: Another name of `learning_rate`, which then may not be given.
        decay: The coefficient γ, at least 0, by which the rate falls with time.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range, or there are two limits of norms or two rates.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.keras.legacy_adagrad(1.0, epsilon=0.1)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -0.8705

    Differs from other frameworks: Keras 3 puts ε under the root; PyTorch starts the sum at 0;
    TensorFlow 1 has no ε.

    Agreement: the parameters differ by at most 1.7e-16 in float64 and 6.4e-08 in float32, relative
    to the largest value of each coordinate, over 25 steps of 7 runs, most with a changing rate,
    from tf_keras 2.21.0.
    """
    initial = hyperparameters.initial_value("initial_accumulator_value", initial_accumulator_value)
    return build(
        Convention(
            name="keras.legacy_adagrad",
            decay=None,
            eps_in_sqrt=False,
            initial=initial,
            **legacy_base(
                learning_rate, lr, decay, epsilon, clipnorm, clipvalue, global_clipnorm, name
            ),
        )
    )
