"""Second moments that no `Convention` describes, as transformations of their own.

    scale_by_annealed_rms       v <- (1 - gamma/t) v + gamma/t |g|^2     g / (sqrt(t v) + delta)
    scale_by_convex_moment      the same v, or the sum s of squares      g / (w + xi2 exp(-xi1 w))
    scale_by_previous_rss       s <- s + |g|^2                           g / sqrt(s before the step)

with `w = t v` or `w = s`.  The accumulation is that of `rmsprop._moments`: a rule of two weights,
which here depend on the step and equal those of AdaGrad at `gamma = 1`.  Accumulators are real and
at least float32, saturate at the largest finite value, and keep their structure and dtypes; updates
come back in the gradient's dtype; a `None` gradient leaves its accumulator alone.
"""

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.typing import ArrayLike

from rmsprop import _moments as moments
from rmsprop._hyperparameters import Scalar
from rmsprop._precision import real_dtype, widen
from rmsprop._rescaling import ScaleByRmsWithCountState
from rmsprop._states import accumulators, leafwise
from rmsprop._typing import LeafFunction, Tree


def scale_by_annealed_rms(gamma: Scalar, delta: Scalar) -> optax.GradientTransformation:
    """Divides gradients by `sqrt(t v) + δ`, with a decay of `1 - γ / t`.

    The state keeps `v`, whose weights stay representable for longer than those of the sum `t v`.
    The factor `t` enters where a bias correction would, as `1 / t`.
    """

    denominator = moments.Denominator(delta, eps_in_sqrt=False)

    def leaf_of_step(count: ArrayLike) -> LeafFunction:
        rule = _annealed(gamma, denominator, count)
        return lambda g, v: moments.rescale(g, v, rule)

    return leafwise(leaf_of_step, _zeros, ScaleByRmsWithCountState)


def scale_by_convex_moment(
    xi1: Scalar, xi2: Scalar, gamma: Scalar | None = None
) -> optax.GradientTransformation:
    """Divides gradients by `w + ξ2 exp(-ξ1 w)`, without a root.

    Args:
        xi1: The rate at which the added constant falls with `w`.
        xi2: The constant that is added where nothing has been accumulated.
        gamma: The weight in `w = t v`, as in `scale_by_annealed_rms`; None takes the sum of
            squares.
    """
    bare = moments.Denominator(0.0, eps_in_sqrt=False)

    def leaf_of_step(count: ArrayLike) -> LeafFunction:
        if gamma is None:
            rule, steps = moments.total(bare), 1.0
        else:
            rule, steps = _annealed(gamma, bare, count), _steps(gamma, count)
        return lambda g, v: _rescale_without_root(g, v, rule, steps, xi1, xi2)

    state = optax.ScaleByRssState if gamma is None else ScaleByRmsWithCountState
    return leafwise(leaf_of_step, _zeros, state)


def scale_by_previous_rss(initial_accumulator_value: Scalar) -> optax.GradientTransformation:
    """Divides gradients by the root of the sum of the squares of all gradients before this one."""
    rule = moments.total(moments.Denominator(0.0, eps_in_sqrt=False))

    return leafwise(
        lambda count: lambda g, s: _rescale_by_previous(g, s, rule),
        lambda params: (accumulators(params, initial_accumulator_value, None),),
        optax.ScaleByRssState,
    )


def _zeros(params: optax.Params) -> tuple[Tree, ...]:
    return (accumulators(params, 0.0, None),)


def _annealed(gamma: Scalar, denominator: moments.Denominator, count: ArrayLike) -> moments.Rule:
    """The average with weight `gamma / t` for the newest square, times `t` under the root."""
    steps = _steps(gamma, count)
    return denominator.rule(1 - gamma / steps, gamma / steps, 1 / steps)


def _steps(gamma: Scalar, count: ArrayLike) -> jax.Array:
    """The number `t` of the step that follows `count` earlier ones, in the dtype of the weights."""
    return lax.convert_element_type(count, jnp.result_type(gamma)) + 1


@jax.jit
def _rescale_without_root(
    gradient: jax.Array, v: jax.Array, rule: moments.Rule, steps: Scalar, xi1: Scalar, xi2: Scalar
) -> tuple[jax.Array, jax.Array]:
    g = widen(gradient, v.dtype)
    moment = moments.accumulate(v, g, rule)
    t, rate, constant = (lax.convert_element_type(x, moment.dtype) for x in (steps, xi1, xi2))
    w = t * moment  # it may be infinite, and then the step is zero
    step = moments.quotient(gradient, g, _nonzero(w + constant * lax.exp(-rate * w)))
    return step, moments.store(moment, v, None)


@jax.jit
def _rescale_by_previous(
    gradient: jax.Array, s: jax.Array, rule: moments.Rule
) -> tuple[jax.Array, jax.Array]:
    g = widen(gradient, s.dtype)
    root = lax.sqrt(lax.convert_element_type(s, real_dtype(g.dtype)))
    accumulator = moments.store(moments.accumulate(s, g, rule), s, None)
    return moments.quotient(gradient, g, _nonzero(root)), accumulator


def _nonzero(denominator: jax.Array) -> jax.Array:
    """The denominator with 1 for 0, which a traced hyper-parameter may give: 0 / 1 for 0 / 0."""
    one = lax.full_like(denominator, 1)
    return lax.select(denominator == 0, one, denominator)
