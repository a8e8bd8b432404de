"""RMSprop and AdaGrad as they were published, before any framework.

The names of arguments are the same throughout the module.  Learning rates are numbers or schedules
of the step count, which is 0 at the first step.  The publications treat real parameters; for
complex ones `|g|^2` is accumulated here.  The authors' own programs were not run: every function
was checked against a transcription of the published equations.
"""

from __future__ import annotations

import optax

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._chain import checked_chain, scale_by_learning_rate, wide_inside
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop.frameworks._arguments import rate
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer, build
from rmsprop.frameworks._variants import (
    scale_by_annealed_rms,
    scale_by_convex_moment,
    scale_by_previous_rss,
)


def hinton_2012(learning_rate: ScalarOrSchedule, decay: ScalarLike = 0.9) -> FrameworkOptimizer:
    """RMSprop as in the lecture, without epsilon and momentum.

    One step is::

        v <- ρ v + (1 - ρ) g^2    from v = 0
        θ <- θ - η g / sqrt(v)

    Args:
        learning_rate: The rate η; a negative one climbs. The lecture names no value.
        decay: The decay ρ, at least 0 and below 1.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.papers.hinton_2012(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([5.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -3.1623

    References:
        Tieleman and Hinton, "Lecture 6.5 - RMSProp", COURSERA: Neural Networks for Machine
        Learning, 2012. https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf

    Differs from other implementations: every framework adds an ε. The lecture, which has none,
    leaves 0 / 0 open; here it is 0. The lecture names no starting value; here the average starts at
    0. The port was checked against a transcription of the equations only.

    Agreement: the parameters differ by at most 1.5e-16 in float64 and 4.9e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 6 runs, most with a changing rate,
    from a transcription in NumPy; the original was never run.
    """
    return build(
        Convention(
            name="papers.hinton_2012",
            learning_rate=rate("learning_rate", learning_rate),
            decay=hyperparameters.decay("decay", decay),
            eps=0.0,
            eps_in_sqrt=True,
            initial=0.0,
            complex_leaves="modulus",
        )
    )


def graves_2013(
    learning_rate: ScalarOrSchedule = 1e-4,
    decay: ScalarLike = 0.95,
    momentum: ScalarLike = 0.9,
    eps: ScalarLike = 1e-4,
) -> FrameworkOptimizer:
    """RMSprop of Graves, equations 38 to 45: centered, with momentum.

    One step is::

        v <- ρ v + (1 - ρ) g^2
        m <- ρ m + (1 - ρ) g    from v = m = 0
        b <- μ b + η g / sqrt(v - m^2 + ε)
        θ <- θ - b

    Args:
        learning_rate: The rate η (gimel in the paper); a negative one climbs.
        decay: The decay ρ of both averages, at least 0 and below 1 (aleph).
        momentum: The coefficient μ, at least 0 and below 1 (beth).
        eps: The constant ε under the root, at least 0 (daleth).

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.papers.graves_2013(learning_rate=1.0, eps=0.0)
        >>> updates, _ = optimizer.update(jnp.array([2.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -4.5883

    References:
        Graves, "Generating sequences with recurrent neural networks", 2013, equations 38 to 45.
        https://arxiv.org/abs/1308.0850

    Differs from other implementations: PyTorch's centered form adds ε to the root and applies the
    rate after the buffer; TensorFlow 1's starts `v` at 1. Here the variance is accumulated as such
    and cannot go negative. The port was checked against a transcription of the equations only.

    Agreement: the parameters differ by at most 8.2e-16 in float64 and 3.4e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 6 runs, most with a changing rate,
    from a transcription in NumPy; the original was never run.
    """
    return build(
        Convention(
            name="papers.graves_2013",
            learning_rate=rate("learning_rate", learning_rate),
            decay=hyperparameters.decay("decay", decay),
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=True,
            initial=0.0,
            centered=True,
            momentum=hyperparameters.momentum("momentum", momentum),
            complex_leaves="modulus",
        )
    )


def dqn_2015(
    learning_rate: ScalarOrSchedule = 2.5e-4,
    decay: ScalarLike = 0.95,
    eps: ScalarLike = 0.01,
) -> FrameworkOptimizer:
    """RMSprop of the DQN of 2015 (Nature): centered, without momentum.

    One step is::

        v <- ρ v + (1 - ρ) g^2
        m <- ρ m + (1 - ρ) g    from v = m = 0
        θ <- θ - η g / sqrt(v - m^2 + ε)

    The gradients of the original are *sums* over the 32 transitions of a batch. If the loss is a
    mean over a batch of `n`, the same steps need `eps=0.01 / n**2`.

    Args:
        learning_rate: The rate η; a negative one climbs.
        decay: The decay ρ of both averages, at least 0 and below 1. The paper's "gradient momentum"
            of 0.95 is the decay of `m`, not a momentum coefficient.
        eps: The constant ε under the root, at least 0: the paper's "min squared gradient".

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.papers.dqn_2015(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -4.1703

    References:
        Mnih et al., "Human-level control through deep reinforcement learning", Nature 518, 2015.
        The program is https://github.com/google-deepmind/dqn, dqn/NeuralQLearner.lua.

    Differs from other implementations: Dopamine runs TensorFlow 1's centered form, which starts `v`
    at 1. The program's weight cost is 0 in its experiments and has no argument here. The port was
    checked against a transcription of the program's equations only.

    Agreement: the parameters differ by at most 2.1e-16 in float64 and 4.0e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 6 runs, most with a changing rate,
    from a transcription in NumPy; the original was never run.
    """
    return build(
        Convention(
            name="papers.dqn_2015",
            learning_rate=rate("learning_rate", learning_rate),
            decay=hyperparameters.decay("decay", decay),
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=True,
            initial=0.0,
            centered=True,
            complex_leaves="modulus",
        )
    )


def a3c_2016(
    learning_rate: ScalarOrSchedule = 7e-4,
    decay: ScalarLike = 0.99,
    eps: ScalarLike = 0.1,
) -> FrameworkOptimizer:
    """RMSprop of A3C, with one average for all workers.

    One step is::

        v <- ρ v + (1 - ρ) g^2    from v = 0
        θ <- θ - η g / sqrt(v + ε)

    Args:
        learning_rate: The rate η; a negative one climbs. The paper draws it anew for every run and
            lets it fall linearly to 0; its first author recommended 7e-4.
        decay: The decay ρ, at least 0 and below 1.
        eps: The constant ε under the root, at least 0. Its default has the same source.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.papers.a3c_2016(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([1.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -3.0151

    References:
        Mnih et al., "Asynchronous methods for deep reinforcement learning", 2016.
        https://arxiv.org/abs/1602.01783. The first author's settings are at
        https://github.com/muupan/async-rl/wiki.

    Differs from other implementations: the A2C of OpenAI Baselines starts `v` at 1 with ε = 1e-5;
    that of Stable-Baselines3 adds it to the root. The updates of the shared average by several
    workers, without locks, are not part of an optimizer. The port was checked against a
    transcription of the equations only.

    Agreement: the parameters differ by at most 1.5e-16 in float64 and 3.7e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 6 runs, most with a changing rate,
    from a transcription in NumPy; the original was never run.
    """
    return build(
        Convention(
            name="papers.a3c_2016",
            learning_rate=rate("learning_rate", learning_rate),
            decay=hyperparameters.decay("decay", decay),
            eps=hyperparameters.epsilon("eps", eps),
            eps_in_sqrt=True,
            initial=0.0,
            complex_leaves="modulus",
        )
    )


def duchi_2011(learning_rate: ScalarOrSchedule, delta: ScalarLike = 0.0) -> FrameworkOptimizer:
    """AdaGrad as published: diagonal matrices, composite mirror descent, no regularizer.

    One step is::

        s <- s + g^2    from s = 0
        θ <- θ - η g / (δ + sqrt(s))

    Args:
        learning_rate: The rate η; a negative one climbs. The paper names no value.
        delta: The constant δ of `H = δ I + diag(sqrt(s))`, at least 0. The paper names no value.
            With 0 the quotient 0 / 0 is 0 here, as with a pseudo-inverse.

    Returns:
        A `FrameworkOptimizer`, an Optax gradient transformation.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.papers.duchi_2011(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([5.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -1.0000

    References:
        Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
        optimization", JMLR 12, 2011, algorithm 1. https://jmlr.org/papers/v12/duchi11a.html

    Differs from other implementations: PyTorch's AdaGrad is this one with δ = 1e-10; Keras and
    Optax start the sum at 0.1. The paper's other algorithms (dual averaging, full matrices,
    projections on sets) are not here. The port was checked against a transcription of the equations
    only.

    Agreement: the parameters differ by at most 0 in float64 and 3.0e-07 in float32, relative to the
    largest value of each coordinate, over 25 steps of 6 runs, most with a changing rate, from a
    transcription in NumPy; the original was never run.
    """
    return build(
        Convention(
            name="papers.duchi_2011",
            learning_rate=rate("learning_rate", learning_rate),
            decay=None,
            eps=hyperparameters.epsilon("delta", delta),
            eps_in_sqrt=False,
            initial=0.0,
            complex_leaves="modulus",
        )
    )


def rmsprop_variant(
    learning_rate: ScalarOrSchedule = 0.01,
    gamma: ScalarLike = 0.9,
    delta: ScalarLike = 1e-8,
) -> optax.GradientTransformationExtraArgs:
    """RMSprop of Mukkamala and Hein, whose decay tends to 1.

    One step is::

        v <- (1 - γ / t) v + (γ / t) g^2    from v = 0
        θ <- θ - η g / (sqrt(t v) + δ)

    At `γ = 1` this is AdaGrad.

    Args:
        learning_rate: The rate η; a negative one climbs. It is not divided by `sqrt(t)`: the factor
            `t` under the root does that.
        gamma: The weight γ, above 0 and at most 1.
        delta: The constant δ, at least 0, added to the root.

    Returns:
        A `GradientTransformationExtraArgs`. Its state has the fields `count` and `nu`.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.papers.rmsprop_variant(learning_rate=0.9, gamma=0.81)
        >>> updates, _ = optimizer.update(jnp.array([5.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -1.0000

    References:
        Mukkamala and Hein, "Variants of RMSProp and Adagrad with logarithmic regret bounds", 2017.
        https://arxiv.org/abs/1706.05507. The authors' program is
        https://github.com/mmahesh/variants-of-rmsprop-and-adagrad.

    Differs from other implementations: the decay of RMSprop is constant elsewhere. The argument
    `decay` of the authors' program is left out: the program computes a rate from it and does not
    use that rate. The defaults are the program's. The port was checked against a transcription of
    that program only.

    Agreement: the parameters differ by at most 2.2e-16 in float64 and 3.3e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 8 runs, most with a changing rate,
    from a transcription in NumPy; the original was never run.
    """
    weight = hyperparameters.fraction("gamma", gamma)
    scale = scale_by_annealed_rms(weight, hyperparameters.epsilon("delta", delta))
    return _at_rate(scale, learning_rate)


def sc_rmsprop(
    learning_rate: ScalarOrSchedule = 0.01,
    gamma: ScalarLike = 0.9,
    xi1: ScalarLike = 0.1,
    xi2: ScalarLike = 0.1,
) -> optax.GradientTransformationExtraArgs:
    """SC-RMSProp of Mukkamala and Hein, for strongly convex problems, without a root.

    One step is::

        v <- (1 - γ / t) v + (γ / t) g^2    from v = 0
        θ <- θ - η g / (t v + ξ2 exp(-ξ1 t v))

    At `γ = 1` this is SC-Adagrad.

    Args:
        learning_rate: The rate η, in units of parameter times gradient, because the step depends on
            the scale of the gradient; a negative one climbs.
        gamma: The weight γ, above 0 and at most 1.
        xi1: The constant ξ1, above 0, in units of an inverse squared gradient.
        xi2: The constant ξ2, above 0, in units of a squared gradient.

    Returns:
        A `GradientTransformationExtraArgs`. Its state has the fields `count` and `nu`.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.papers.sc_rmsprop(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([2.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -0.5450

    References:
        The same as for `rmsprop_variant`.

    Differs from other implementations: all others divide by a root. The argument `decay` of the
    authors' program is left out: the program computes a rate from it and does not use that rate.
    The port was checked against a transcription of that program only.

    Agreement: the parameters differ by at most 1.9e-16 in float64 and 4.5e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 8 runs, most with a changing rate,
    from a transcription in NumPy; the original was never run.
    """
    weight = hyperparameters.fraction("gamma", gamma)
    slope, constant = hyperparameters.positive("xi1", xi1), hyperparameters.positive("xi2", xi2)
    return _at_rate(scale_by_convex_moment(slope, constant, weight), learning_rate)


def sc_adagrad(
    learning_rate: ScalarOrSchedule = 0.01,
    xi1: ScalarLike = 0.1,
    xi2: ScalarLike = 0.1,
) -> optax.GradientTransformationExtraArgs:
    """SC-Adagrad of Mukkamala and Hein, for strongly convex problems, without a root.

    One step is::

        s <- s + g^2    from s = 0
        θ <- θ - η g / (s + ξ2 exp(-ξ1 s))

    Args:
        learning_rate: The rate η, in units of parameter times gradient, because the step depends on
            the scale of the gradient; a negative one climbs.
        xi1: The constant ξ1, above 0, in units of an inverse squared gradient.
        xi2: The constant ξ2, above 0, in units of a squared gradient.

    Returns:
        A `GradientTransformationExtraArgs`. Its state has the field `sum_of_squares`.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.papers.sc_adagrad(learning_rate=1.0)
        >>> updates, _ = optimizer.update(jnp.array([2.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -0.4918

    References:
        The same as for `rmsprop_variant`.

    Differs from other implementations: AdaGrad divides by the root of the sum elsewhere. The
    argument `decay` of the authors' program is left out: the program computes a rate from it and
    does not use that rate. The port was checked against a transcription of that program only.

    Agreement: the parameters differ by at most 2.1e-16 in float64 and 2.6e-07 in float32, relative
    to the largest value of each coordinate, over 25 steps of 6 runs, most with a changing rate,
    from a transcription in NumPy; the original was never run.
    """
    slope, constant = hyperparameters.positive("xi1", xi1), hyperparameters.positive("xi2", xi2)
    return _at_rate(scale_by_convex_moment(slope, constant), learning_rate)


def glove_2014(
    learning_rate: ScalarOrSchedule = 0.05,
    initial_accumulator_value: ScalarLike = 1.0,
) -> optax.GradientTransformationExtraArgs:
    """AdaGrad of the program that trained GloVe, which uses the sum *before* the step.

    One step is::

        h <- η g
        θ <- θ - h / sqrt(s)    with the sum of the steps before
        s <- s + h^2

    The sum is over the squares of rate times gradient, and the first step is one of plain gradient
    descent if the sum starts at 1.

    Args:
        learning_rate: The rate η; a negative one climbs.
        initial_accumulator_value: The starting value `s_0`, above 0, by whose root the first
            gradient is divided.

    Returns:
        A `GradientTransformationExtraArgs`. Its state has the field `sum_of_squares`.

    Raises:
        ValueError: A value is out of its range.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.papers.glove_2014()
        >>> updates, _ = optimizer.update(jnp.array([2.0]), optimizer.init(jnp.array([1.0])))
        >>> print(f"{updates[0]:.4f}")
        -0.1000

    References:
        Pennington, Socher and Manning, "GloVe: Global vectors for word representation", 2014. The
        program is https://github.com/stanfordnlp/GloVe, src/glove.c.

    Differs from other implementations: AdaGrad elsewhere divides by the root of a sum that contains
    the present gradient, which bounds the step, and squares the gradient without the rate. Later
    versions of the program limit the gradients of the word vectors to 100 in magnitude and update
    the biases with a rate of 1; neither is here. The port was checked against a transcription of
    the program only.

    Agreement: the parameters differ by at most 0 in float64 and 2.9e-07 in float32, relative to the
    largest value of each coordinate, over 25 steps of 6 runs, most with a changing rate, from a
    transcription in NumPy; the original was never run.
    """
    start = hyperparameters.positive("initial_accumulator_value", initial_accumulator_value)
    scale = scale_by_previous_rss(start)
    # The rate comes first, because the sum is over the squares of rate times gradient.
    step = scale_by_learning_rate(rate("learning_rate", learning_rate))
    return wide_inside(checked_chain(step, scale))


def _at_rate(
    scale: optax.GradientTransformation, learning_rate: ScalarOrSchedule
) -> optax.GradientTransformationExtraArgs:
    step = scale_by_learning_rate(rate("learning_rate", learning_rate))
    return wide_inside(checked_chain(scale, step))
