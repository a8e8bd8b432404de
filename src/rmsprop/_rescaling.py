"""The rescaling transformations: `init` and `update` over whole pytrees, and their states.

    scale_by_rms       v   <-  decay * v + (1 - decay) * |g|^2       state field `nu`
    scale_by_stddev    var <-  the running variance of g             state fields `mu`, `var`
    scale_by_rss       s   <-  s + |g|^2                             state field `sum_of_squares`

All of them return `g / sqrt(v + eps)` or `g / (sqrt(v) + eps)` in the gradient's dtype.  The states
are Optax's own classes where Optax has a public class with the same meaning.  Keywords and defaults
are Optax's too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike, DTypeLike

from rmsprop import _hyperparameters as hyperparameters
from rmsprop import _moments as moments
from rmsprop._hyperparameters import Scalar, ScalarLike, ScalarOrSchedule
from rmsprop._precision import checked_accumulator_dtype, is_narrow
from rmsprop._states import accumulators, leafwise, signed_accumulators
from rmsprop._typing import LeafFunction

# The number of the stream of random bits for the squares; that of the momentum is 1.
_SQUARES = 0


class ScaleByRmsWithCountState(NamedTuple):
    """State of `scale_by_rms` with bias correction, with a scheduled decay, or in bfloat16.

    Attributes:
        count: The number of steps taken so far, int32, shape ().
        nu: The running average of the squared gradients, a tree with the structure of the
            parameters.
    """

    count: jax.Array  # pyright: ignore[reportIncompatibleMethodOverride] (Optax's name)
    nu: optax.Updates


class ScaleByStddevState(NamedTuple):
    """State of `scale_by_stddev`.

    The second field is not called `nu`: Optax keeps the average of the squares under that name, and
    a state restored from Optax must not be mistaken for a variance.

    Attributes:
        mu: The running average of the gradients.
        var: The running variance of the gradients, real and never negative.
    """

    mu: optax.Updates
    var: optax.Updates


class ScaleByStddevWithCountState(NamedTuple):
    """State of `scale_by_stddev` with a scheduled decay, or in bfloat16.

    Attributes:
        count: The number of steps taken so far, int32, shape ().
        mu: The running average of the gradients.
        var: The running variance of the gradients.
    """

    count: jax.Array  # pyright: ignore[reportIncompatibleMethodOverride] (Optax's name)
    mu: optax.Updates
    var: optax.Updates


class ScaleByRssWithCountState(NamedTuple):
    """State of `scale_by_rss` in bfloat16, whose rounding differs from step to step.

    Attributes:
        count: The number of steps taken so far, int32, shape ().
        sum_of_squares: The sum of the squared gradients.
    """

    count: jax.Array  # pyright: ignore[reportIncompatibleMethodOverride] (Optax's name)
    sum_of_squares: optax.Updates


def scale_by_rms(
    decay: ScalarOrSchedule = 0.9,
    eps: ScalarLike = 1e-8,
    *,
    initial_scale: ScalarLike = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
    accumulator_dtype: DTypeLike | None = None,
) -> optax.GradientTransformation:
    """Divides gradients by the root of the running average of their squares.

    One step is::

        v <- ρ v + (1 - ρ) |g|^2
        u = g / sqrt(v + ε)    or    u = g / (sqrt(v) + ε)

    The gradient that `jax.grad` returns for complex parameters has to be conjugated before:
    `jax.tree.map(jnp.conj, gradients)`.

    From `v = 0` no step is longer than `1 / sqrt(1 - decay)`, the length of the first step where
    `eps` is negligible.

    Args:
        decay: The decay ρ of the average, at least 0 and below 1: a number, a traced scalar, or a
            schedule of the step count (0 at the first step).
        eps: The constant ε, at least 0. Inside the root it is in units of the squared gradient
            (1e-8 damps gradients below 1e-4), outside in units of the gradient.
        initial_scale: The starting value of `v`, at least 0. TensorFlow 1 starts at 1.
        eps_in_sqrt: True for `sqrt(v + eps)`, False for `sqrt(v) + eps` as in PyTorch.
        bias_correction: Divide the average by `1 - decay**t`, as Adam does.
        accumulator_dtype: The dtype of the average; None takes at least float32. `jnp.bfloat16`
            halves the memory: every store is then rounded stochastically, and the step is computed
            from the stored average. The noise of the rounding is the same in every run and for
            every sharding of a jitted step. Models that are mapped by `vmap`, and the parts of a
            `shard_map`, share it.

    Returns:
        A `GradientTransformation`. Its state has the field `nu` and, where steps are counted,
        `count`.

    Raises:
        ValueError: A value is out of its range, bias correction is combined with a scheduled decay,
            or gradients do not match the state.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, optax, rmsprop
        >>> optimizer = optax.chain(rmsprop.scale_by_rms(decay=0.99), optax.scale(-1e-3))
        >>> state = optimizer.init(jnp.array([4.0]))
        >>> updates, state = optimizer.update(jnp.array([8.0]), state)
        >>> print(f"{updates[0]:.4f}")
        -0.0100

    References:
        Tieleman and Hinton, "Lecture 6.5 - RMSProp", COURSERA: Neural Networks for Machine
        Learning, 2012.

    Differs from `optax.scale_by_rms`: the average is kept in at least float32, the step is
    bounded where the square over- or underflows, and a zero gradient gives a zero step for any eps.
    """
    read_decay = _decay_reader(decay)
    denominator = _denominator(eps, eps_in_sqrt)
    initial = hyperparameters.initial_value("initial_scale", initial_scale)
    corrected = hyperparameters.flag("bias_correction", bias_correction)
    dtype = checked_accumulator_dtype(accumulator_dtype)
    if corrected and callable(decay):
        raise ValueError(
            "bias_correction=True divides by 1 - decay**t, which is right for a constant decay"
            " only, and decay is a schedule. Pass a constant decay, or bias_correction=False with"
            " a schedule that starts low, such as lambda k: 1 - 1 / (k + 1)."
        )
    rounded = is_narrow(dtype)
    counted = corrected or callable(decay) or rounded

    def leaf_of_step(count: ArrayLike) -> LeafFunction:
        rho = read_decay(count)
        correction = moments.bias_correction(rho, jnp.asarray(count)) if corrected else None
        rule = moments.average(rho, denominator, correction)
        return lambda g, v, noise=None: moments.rescale(g, v, rule, noise)

    return leafwise(
        leaf_of_step,
        lambda params: (accumulators(params, initial, dtype),),
        ScaleByRmsWithCountState if counted else optax.ScaleByRmsState,
        stream=_SQUARES if rounded else None,
        denominator=denominator,
    )


def scale_by_stddev(
    decay: ScalarOrSchedule = 0.9,
    eps: ScalarLike = 1e-8,
    *,
    initial_scale: ScalarLike = 0.0,
    eps_in_sqrt: bool = True,
    bias_correction: bool = False,
    accumulator_dtype: DTypeLike | None = None,
) -> optax.GradientTransformation:
    """Divides gradients by the running standard deviation of their past (centered RMSprop).

    One step is::

        σ^2 <- ρ σ^2 + ρ (1 - ρ) |g - m|^2
        m <- ρ m + (1 - ρ) g

    and the step is `g / sqrt(σ^2 + ε)` or `g / (σ + ε)`. The variance `σ^2` equals
    `E[g^2] - E[g]^2` of the two running averages, but is kept as a sum of non-negative terms and
    so cannot go negative when a gradient settles.

    The gradient that `jax.grad` returns for complex parameters has to be conjugated before:
    `jax.tree.map(jnp.conj, gradients)`.

    A finite step may still be long: on a constant gradient the variance tends to 0 and the step, by
    definition, to `|g| / sqrt(eps)`. Put `eps` inside the root, and choose the square of the
    smallest gradient that deserves a full step (0.01 in DQN, whose gradients are sums of 32).

    Args:
        decay: As in `scale_by_rms`; both averages use it.
        eps: As in `scale_by_rms`.
        initial_scale: The starting value of the variance, at least 0. The mean starts at 0.
        eps_in_sqrt: As in `scale_by_rms`.
        bias_correction: Must be False, because the corrected variance of one gradient is zero.
        accumulator_dtype: The dtype of mean and variance, as in `scale_by_rms`. A bfloat16 mean is
            off by up to 2^-8 of itself, and the variance contains the square of that error, so that
            bfloat16 suits gradients whose spread is larger. A step may be longer by 2^-8 of itself,
            because the variance may be stored one unit too small. The mean of a complex leaf stays
            complex64.

    Returns:
        A `GradientTransformation`. Its state has the fields `mu` and `var` and, where steps are
        counted, `count`.

    Raises:
        ValueError: A value is out of its range, `bias_correction` is True, or gradients do not
            match the state.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> transformation = rmsprop.scale_by_stddev(decay=0.95, eps=0.01)
        >>> state = transformation.init(jnp.array([0.0]))
        >>> updates, state = transformation.update(jnp.array([1.0]), state)
        >>> print(f"{updates[0]:.3f} {state.var[0]:.4f}")
        4.170 0.0475

    References:
        Graves, "Generating sequences with recurrent neural networks", 2013, equations 38 to 45.
        https://arxiv.org/abs/1308.0850
    """
    refuse_corrected_variance(bias_correction)
    read_decay = _decay_reader(decay)
    denominator = _denominator(eps, eps_in_sqrt)
    initial = hyperparameters.initial_value("initial_scale", initial_scale)
    dtype = checked_accumulator_dtype(accumulator_dtype)
    rounded = is_narrow(dtype)
    counted = callable(decay) or rounded

    def leaf_of_step(count: ArrayLike) -> LeafFunction:
        rho = read_decay(count)
        rule, mean_rule = moments.variance(rho, denominator), moments.average(rho, denominator)
        return lambda g, m, v, noise=None: moments.rescale_centered(g, m, v, rule, mean_rule, noise)

    return leafwise(
        leaf_of_step,
        lambda params: (
            signed_accumulators(params, dtype),
            accumulators(params, initial, dtype),
        ),
        ScaleByStddevWithCountState if counted else ScaleByStddevState,
        stream=_SQUARES if rounded else None,
        denominator=denominator,
    )


def scale_by_rss(
    initial_accumulator_value: ScalarLike = 0.1,
    eps: ScalarLike = 1e-7,
    *,
    eps_in_sqrt: bool = True,
    accumulator_dtype: DTypeLike | None = None,
) -> optax.GradientTransformation:
    """Divides gradients by the root of the sum of all their squares so far.

    One step is::

        s <- s + |g|^2
        u = g / sqrt(s + ε)    or    u = g / (sqrt(s) + ε)

    The gradient that `jax.grad` returns for complex parameters has to be conjugated before:
    `jax.tree.map(jnp.conj, gradients)`.

    No step is longer than 1.

    Args:
        initial_accumulator_value: The starting value of `s`, at least 0.
        eps: As in `scale_by_rms`.
        eps_in_sqrt: True for `sqrt(s + eps)`, False for `sqrt(s) + eps` as in PyTorch.
        accumulator_dtype: The dtype of the sum, as in `scale_by_rms`.

    Returns:
        A `GradientTransformation`. Its state has the field `sum_of_squares`, and in bfloat16 also
        `count`.

    Raises:
        ValueError: A value is out of its range, or gradients do not match the state.
        TypeError: A hyper-parameter is in half precision, or a parameter is no array.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> transformation = rmsprop.scale_by_rss(initial_accumulator_value=0.0)
        >>> state = transformation.init(jnp.array([0.0]))
        >>> for _ in range(4):
        ...     updates, state = transformation.update(jnp.array([3.0]), state)
        >>> print(f"{updates[0]:.4f} {state.sum_of_squares[0]:.0f}")
        0.5000 36

    References:
        Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
        optimization", JMLR 12, 2011. https://jmlr.org/papers/v12/duchi11a.html
    """
    initial = hyperparameters.initial_value("initial_accumulator_value", initial_accumulator_value)
    dtype = checked_accumulator_dtype(accumulator_dtype)
    denominator = _denominator(eps, eps_in_sqrt)
    rule = moments.total(denominator)
    rounded = is_narrow(dtype)
    return leafwise(
        lambda count: lambda g, s, noise=None: moments.rescale(g, s, rule, noise),
        lambda params: (accumulators(params, initial, dtype),),
        ScaleByRssWithCountState if rounded else optax.ScaleByRssState,
        stream=_SQUARES if rounded else None,
        denominator=denominator,
    )


def refuse_corrected_variance(bias_correction: bool) -> None:
    """Refuses bias correction of centered RMSprop, which would divide by zero at the first step."""
    if hyperparameters.flag("bias_correction", bias_correction):
        raise ValueError(
            "bias_correction=True together with the centered second moment would divide by the"
            " corrected variance of a single gradient, which is zero, at the first step. Pass"
            " bias_correction=False, or use the uncentered average."
        )


def _decay_reader(decay: ScalarOrSchedule) -> Callable[[ArrayLike], Scalar]:
    """The decay as a function of the step count; a constant is checked at once."""
    if callable(decay):
        return lambda count: hyperparameters.decay("decay", decay(count))
    constant = hyperparameters.decay("decay", decay)
    return lambda count: constant


def _denominator(eps: ScalarLike, eps_in_sqrt: bool) -> moments.Denominator:
    return moments.Denominator(
        hyperparameters.epsilon("eps", eps), hyperparameters.flag("eps_in_sqrt", eps_in_sqrt)
    )
