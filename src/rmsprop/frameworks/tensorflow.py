"""TensorFlow 1's `RMSPropOptimizer` and `AdagradOptimizer` (`tf.compat.v1.train`).

TensorFlow 1 starts the average of the squares at 1, puts epsilon under the root and the rate into
the momentum buffer, and turns every constant that is a Python number into a float32 tensor, also
where the parameters are float64.  In TensorFlow 1 regularization is part of the loss.
"""

from __future__ import annotations

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._arguments import check_label, rate, unless_zero
from rmsprop.frameworks._convention import (
    Convention,
    FrameworkOptimizer,
    build,
    float32_constant,
    float32_rate,
)
from rmsprop.frameworks._other_arguments import other_arguments
from rmsprop.frameworks._tensorflow_state import export_state as export_state
from rmsprop.frameworks._tensorflow_state import import_state as import_state

_OF_KERAS = (
    "The optimizer of tf.keras.optimizers has it: call that of frameworks.keras, with legacy_"
    " before its name for TensorFlow 2.0 to 2.10. This one is that of tf.compat.v1.train."
)
_ARGUMENTS_OF_KERAS = dict.fromkeys(
    ("lr", "clipnorm", "clipvalue", "global_clipnorm", "weight_decay", "use_ema", "jit_compile"),
    _OF_KERAS,
)


@other_arguments(rho=_OF_KERAS, **_ARGUMENTS_OF_KERAS)
def rmsprop(
    learning_rate: ScalarOrSchedule,
    decay: ScalarLike = 0.9,
    momentum: ScalarLike = 0.0,
    epsilon: ScalarLike = 1e-10,
    use_locking: bool = False,
    centered: bool = False,
    name: str = "RMSProp",
) -> FrameworkOptimizer:
    """`tf.compat.v1.train.RMSPropOptimizer(...)`.

    One step is::

        v <- v + (1 - ρ) (g^2 - v)    from v = 1
        m <- m + (1 - ρ) (g - m)    from m = 0; without `centered` m stays 0
        b <- μ b + η g / sqrt(v - m^2 + ε)
        θ <- θ - b

    Args:
        learning_rate: The rate η, a number or a schedule of the step count; a negative one climbs.
            It is rounded to float32, as are `decay`, `momentum` and `epsilon`.
        decay: The decay ρ of the averages, at least 0 and below 1.
        momentum: The coefficient μ of heavy-ball momentum, at least 0 and below 1.
        epsilon: The constant ε, at least 0, under the root.
        use_locking: Whether TensorFlow runs the step with locks. No number depends on it, and a JAX
            update has nothing to lock. Values other than True and False are refused.
        centered: Divide by the standard deviation: `v - m^2` under the root.
        name: A label, which TensorFlow gives to variables; no number depends on it.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.
            (For complex parameters TensorFlow accumulates `g^2` instead of `|g|^2`.)

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.tensorflow.rmsprop(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([2.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -1.7541

    Differs from other frameworks: Keras and PyTorch start `v` at 0, which makes the first steps
    larger; PyTorch adds ε to the root and applies the rate after the buffer; timm's `rmsprop_tf` is
    the same except for weight decay and for constants, which it keeps in float64. The port differs
    from TensorFlow where TensorFlow gives NaN: the centered variance cannot go negative, and 0 / 0
    is 0. TensorFlow does not round constants that are float64 tensors.

    Agreement: the parameters differ by at most 3.8e-16 in float64 and 2.8e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 24 runs, most with a changing rate,
    from TensorFlow 2.21.0.
    """
    _check_what_changes_no_number(use_locking, name)
    return build(
        Convention(
            name="tensorflow.rmsprop",
            learning_rate=float32_rate(rate("learning_rate", learning_rate)),
            decay=float32_constant(hyperparameters.decay("decay", decay)),
            eps=float32_constant(hyperparameters.epsilon("epsilon", epsilon)),
            eps_in_sqrt=True,
            initial=1.0,
            centered=hyperparameters.flag("centered", centered),
            momentum=unless_zero(float32_constant(hyperparameters.momentum("momentum", momentum))),
        )
    )


@other_arguments(epsilon=_OF_KERAS, **_ARGUMENTS_OF_KERAS)
def adagrad(
    learning_rate: ScalarOrSchedule,
    initial_accumulator_value: ScalarLike = 0.1,
    use_locking: bool = False,
    name: str = "Adagrad",
) -> FrameworkOptimizer:
    """`tf.compat.v1.train.AdagradOptimizer(...)`.

    One step is::

        s <- s + g^2
        θ <- θ - η g / sqrt(s)

    Args:
        learning_rate: The rate η, a number or a schedule of the step count; a negative one climbs.
            It is rounded to float32.
        initial_accumulator_value: The starting value `s_0` in the dtype of the parameters, above 0,
            since there is no ε.
        use_locking: Whether TensorFlow runs the step with locks. No number depends on it, and a JAX
            update has nothing to lock. Values other than True and False are refused.
        name: A label, which TensorFlow gives to variables; no number depends on it.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is complex or no array.
            (For complex parameters TensorFlow accumulates `g^2` instead of `|g|^2`.)

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.tensorflow.adagrad(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -0.9535

    Differs from other frameworks: Keras has an ε, which is under the root, or added to the root
    before TensorFlow 2.11; PyTorch starts the sum at 0.

    Agreement: the parameters differ by at most 2.1e-16 in float64 and 1.1e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 12 runs, most with a changing rate,
    from TensorFlow 2.21.0.
    """
    _check_what_changes_no_number(use_locking, name)
    return build(
        Convention(
            name="tensorflow.adagrad",
            learning_rate=float32_rate(rate("learning_rate", learning_rate)),
            decay=None,
            eps=0.0,
            eps_in_sqrt=True,
            initial=hyperparameters.positive(
                "initial_accumulator_value", initial_accumulator_value
            ),
        )
    )


def _check_what_changes_no_number(use_locking: bool, name: str | None) -> None:
    """Refuses wrong types of arguments that change no number: locks and labels."""
    hyperparameters.flag("use_locking", use_locking)
    check_label(name)
