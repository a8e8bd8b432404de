r"""The optimizers: chains of a rescaling, the learning rate and momentum.

Learning rate and momentum are our own transformations, for Optax's scaling by a schedule rounds
the rate to the gradient's dtype (1e-3 becomes 9.9945e-4 in bfloat16) and its momentum buffer drifts
in dtype.  Their states are Optax's.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.typing import DTypeLike

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._hyperparameters import Scalar, ScalarLike, ScalarOrSchedule
from rmsprop._precision import checked_accumulator_dtype, narrow, widen
from rmsprop._transforms import (
    increment,
    refuse_corrected_variance,
    scale_by_rms,
    scale_by_rss,
    scale_by_stddev,
    zero_count,
)
from rmsprop._trees import map_leaves, signed_accumulators


def rmsprop(
    learning_rate: ScalarOrSchedule,
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
    r"""RMSprop: steps divided by the root of a running average of the squared gradients.

    .. math::

        v_t = \rho v_{t-1} + (1 - \rho) |g_t|^2, \qquad
        \theta_t = \theta_{t-1} - \eta_t \frac{g_t}{\sqrt{v_t + \epsilon}}

    with :math:`\sqrt{v_t} + \epsilon` in the denominator for `eps_in_sqrt=False`. With momentum
    the quotient :math:`u_t` enters a buffer, and

    .. math::

        b_t = \mu b_{t-1} + \eta_t u_t, \quad \theta_t = \theta_{t-1} - b_t
        \qquad\text{or}\qquad
        b_t = \mu b_{t-1} + u_t, \quad \theta_t = \theta_{t-1} - \eta_t b_t

    for `lr_in_momentum` True or False: the same while the rate is constant, and not when it drops.

    Args:
        learning_rate: The rate :math:`\eta`, at least 0, in units of the parameters: a step is
            about this long. A number, a traced scalar or a schedule of the step count.
        decay: The decay :math:`\rho`, at least 0 and below 1: number, traced scalar or schedule.
            The average remembers about `1 / (1 - decay)` steps.
        eps: The constant :math:`\epsilon`, at least 0.
        initial_scale: The starting value of the average, at least 0. PyTorch and Keras start at 0,
            TensorFlow 1 and timm at 1.
        eps_in_sqrt: Whether `eps` is added under the root (TensorFlow, Keras 3) or to it (PyTorch).
        centered: Divide by the running standard deviation; see `scale_by_stddev`.
        momentum: The coefficient :math:`\mu`, at least 0 and below 1; None for no buffer.
        nesterov: Take the step :math:`\eta_t u_t + \mu b_t`, looking one step ahead.
        bias_correction: Divide the average by `1 - decay**t`. Not with `centered`, and not with a
            scheduled decay.
        lr_in_momentum: Whether the rate is applied before the momentum buffer (TensorFlow, Keras,
            Optax) or after it (PyTorch).
        accumulator_dtype: Dtype of average, mean and momentum; None for at least float32.

    Returns:
        A `GradientTransformationExtraArgs`. Its state has the fields of that of `optax.rmsprop`
        (`nu`, `trace`; `count` with bias correction) and goes on from a state that Optax made; when
        centered the fields are `mu` and `var`.

    Raises:
        ValueError: a value out of its range, or options that contradict each other.
        TypeError: a hyper-parameter in half precision; parameters that are not floating point.

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
    cannot go negative, a scheduled decay is allowed, and what cannot be right is refused.
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
        buffer = optax.identity()
    else:
        buffer = trace(momentum, nesterov=nesterov, accumulator_dtype=accumulator_dtype)
    if hyperparameters.flag("lr_in_momentum", lr_in_momentum):
        return _wide_inside(optax.chain(rescaling, rate, buffer))
    return _wide_inside(optax.chain(rescaling, buffer, rate))


def adagrad(
    learning_rate: ScalarOrSchedule,
    initial_accumulator_value: ScalarLike = 0.1,
    eps: ScalarLike = 1e-7,
    *,
    eps_in_sqrt: bool = True,
    accumulator_dtype: DTypeLike | None = None,
) -> optax.GradientTransformationExtraArgs:
    r"""AdaGrad: steps divided by the root of the sum of all squared gradients so far.

    .. math::

        s_t = s_{t-1} + |g_t|^2, \qquad
        \theta_t = \theta_{t-1} - \eta_t \frac{g_t}{\sqrt{s_t + \epsilon}}

    RMSprop with decay :math:`1 - 1/t` and rate :math:`\eta / \sqrt{t}` is this optimizer: on a
    gradient of constant size its steps shrink as :math:`1 / \sqrt{t}`.

    Args:
        learning_rate: The rate :math:`\eta`, at least 0, in units of the parameters: the length of
            the longest step. A number, a traced scalar or a schedule of the step count.
        initial_accumulator_value: The starting value of the sum, at least 0. PyTorch starts at 0,
            TensorFlow, Keras and Optax at 0.1.
        eps: The constant :math:`\epsilon`, at least 0.
        eps_in_sqrt: Whether `eps` is added under the root (Keras 3) or to it (PyTorch).
        accumulator_dtype: Dtype of the sum; None for at least float32.

    Returns:
        A `GradientTransformationExtraArgs` with the state of `optax.adagrad` (field
        `sum_of_squares`).

    Raises:
        ValueError: a value out of its range.
        TypeError: a hyper-parameter in half precision; parameters that are not floating point.

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
    return _wide_inside(optax.chain(rescaling, scale_by_learning_rate(learning_rate)))


def scale_by_learning_rate(learning_rate: ScalarOrSchedule) -> optax.GradientTransformation:
    """Multiplies updates by `-learning_rate`, in at least float32 whatever their dtype."""
    if not callable(learning_rate):
        factor = -hyperparameters.learning_rate(learning_rate)
        return optax.stateless(lambda updates, params: _scale_tree(updates, factor))

    def init_fn(params: optax.Params) -> optax.ScaleByScheduleState:
        del params
        return optax.ScaleByScheduleState(count=zero_count())

    def update_fn(
        updates: optax.Updates, state: Any, params: optax.Params | None = None
    ) -> tuple[optax.Updates, Any]:
        del params
        factor = -hyperparameters.learning_rate(learning_rate(state.count))
        updates = _scale_tree(updates, factor)
        return updates, optax.ScaleByScheduleState(count=increment(state.count))

    return optax.GradientTransformation(init_fn, update_fn)


def trace(
    momentum: ScalarLike,
    *,
    nesterov: bool = False,
    accumulator_dtype: DTypeLike | None = None,
) -> optax.GradientTransformation:
    """Heavy-ball momentum `b <- u + momentum * b` (Nesterov: returns `u + momentum * b`)."""
    coefficient = hyperparameters.momentum(momentum)
    dtype = checked_accumulator_dtype(accumulator_dtype)

    def init_fn(params: optax.Params) -> optax.TraceState:
        return optax.TraceState(trace=signed_accumulators(params, dtype))

    def update_fn(
        updates: optax.Updates, state: Any, params: optax.Params | None = None
    ) -> tuple[optax.Updates, Any]:
        del params
        updates, buffer = map_leaves(
            lambda u, b: _add_momentum(u, b, coefficient, nesterov=nesterov), updates, state.trace
        )
        return updates, optax.TraceState(trace=buffer)

    return optax.GradientTransformation(init_fn, update_fn)


def _wide_inside(
    chain: optax.GradientTransformationExtraArgs,
) -> optax.GradientTransformationExtraArgs:
    """The chain between a widening of half-precision gradients and a narrowing of the updates.

    Every link returns the dtype it is given. Without this a float16 quotient would saturate before
    a small rate is applied to it, and rounded products would enter the momentum buffer.
    """

    def update_fn(
        updates: optax.Updates, state: Any, params: optax.Params | None = None, **extra: Any
    ) -> tuple[optax.Updates, Any]:
        if not any(_is_half(leaf) for leaf in jax.tree.leaves(updates)):
            return chain.update(updates, state, params, **extra)
        dtypes = jax.tree.map(jnp.result_type, updates)
        (wide,) = map_leaves(lambda u: (_to_float32(u),), updates)
        wide, state = chain.update(wide, state, params, **extra)
        return jax.tree.map(narrow, wide, dtypes), state

    return optax.GradientTransformationExtraArgs(chain.init, update_fn)


def _is_half(leaf: Any) -> bool:
    dtype = getattr(leaf, "dtype", None)
    return dtype is not None and dtype.itemsize < 4


def _to_float32(update: jax.Array) -> jax.Array:
    return widen(jnp.asarray(update), np.dtype(np.float32))


def _scale_tree(updates: optax.Updates, factor: Scalar) -> optax.Updates:
    (scaled,) = map_leaves(lambda u: (_scale(u, factor),), updates)
    return scaled


@jax.jit
def _scale(update: jax.Array, factor: Scalar) -> jax.Array:
    wide = _to_float32(update)
    return narrow(wide * lax.convert_element_type(factor, wide.dtype), update.dtype)


@functools.partial(jax.jit, static_argnames="nesterov")
def _add_momentum(
    update: jax.Array, buffer: jax.Array, momentum: Scalar, *, nesterov: bool
) -> tuple[jax.Array, jax.Array]:
    u = widen(update, buffer.dtype)
    coefficient = lax.convert_element_type(momentum, u.dtype)
    following = u + coefficient * lax.convert_element_type(buffer, u.dtype)
    step = u + coefficient * following if nesterov else following
    return narrow(step, update.dtype), lax.convert_element_type(following, buffer.dtype)
