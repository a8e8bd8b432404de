"""The running second moment of one leaf, and the step it gives.

Conventions.  `g` is the gradient, and `v` is the accumulator.  RMSprop and AdaGrad are one
recurrence and one quotient,

    v  <-  keep * v + add * |g|^2          RMSprop: keep = decay, add = 1 - decay
    u   =  g / denominator(v)              AdaGrad: keep = add = 1

and differ in the two coefficients only (`average`, `total`).  The centered optimizer accumulates
the square of the deviation `g - m` from the mean `m` *before* the step instead of that of `g`:

    var  <-  decay * var + decay * (1 - decay) * |g - m|^2        (`variance`)
    m    <-  decay * m + (1 - decay) * g

This equals `E[g^2] - E[g]^2` exactly (West, 1979, "Updating mean and variance estimates: an
improved method", with exponential weights), and it is a sum of non-negative terms, so that it
cannot be negative.  The difference of the two averages can become negative when a gradient settles,
and then has no real root.

The choice of primitives decides the speed.  On a CPU `minimum` or `clamp` on the new accumulator
makes XLA copy the whole donated array; `select` does not.  For the same reason nothing but the new
accumulator may read the old one: the step is computed from the new one (`_ordering`).  Everything
is written in `lax` primitives inside one jitted function, so that leaves of one shape are traced
once.
"""

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from rmsprop._hyperparameters import Scalar
from rmsprop._ordering import in_order
from rmsprop._precision import is_narrow, narrow, real_dtype, widen
from rmsprop._rounding import Noise, stochastic_round


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["keep", "add", "floor", "eps_inside", "eps_outside", "inverse_root_correction"],
    meta_fields=["may_vanish"],
)
@dataclass(frozen=True)
class Rule:
    """The scalars of one step, the same for every leaf.

    Attributes:
        keep: The weight of the old accumulator.
        add: The weight of the new square.
        floor: `sqrt(add)`. As `v >= add * |g|^2`, the denominator is at least `floor * |g|`. This
            changes nothing in exact arithmetic; where the square over- or underflows it bounds the
            step.
        eps_inside: The constant that is added to the accumulator under the root, or None.
        eps_outside: The constant that is added to the root, or None.
        inverse_root_correction: `1 / sqrt(1 - decay**t)`, or None without bias correction.
        may_vanish: Whether the denominator may be zero, because no eps is known to be positive.
    """

    keep: Scalar
    add: Scalar
    floor: Scalar
    eps_inside: Scalar | None
    eps_outside: Scalar | None
    inverse_root_correction: Scalar | None
    may_vanish: bool


class Denominator(NamedTuple):
    """The form of the denominator: `sqrt(v + eps)` or `sqrt(v) + eps`."""

    eps: Scalar
    eps_in_sqrt: bool

    def rule(self, keep: Scalar, add: Scalar, correction: Scalar | None = None) -> Rule:
        """The rule with these coefficients; `correction` is `1 - decay**t`.

        `sqrt(v / c + eps) = sqrt(v + c * eps) / sqrt(c)`, and the right side does not overflow for
        an accumulator that has saturated.
        """
        eps_inside = eps_outside = inverse_root = None
        if not self.eps_in_sqrt:
            eps_outside = self.eps
        elif correction is None:
            eps_inside = self.eps
        else:
            eps_inside = self.eps * correction
        if correction is not None:
            inverse_root = 1 / _root(correction)
        # XLA flushes a smaller eps to zero, and a bias correction makes an eps inside smaller.
        positive = isinstance(self.eps, float) and self.eps > 1e-37
        may_vanish = not positive or (self.eps_in_sqrt and correction is not None)
        return Rule(keep, add, _root(add), eps_inside, eps_outside, inverse_root, may_vanish)


def average(decay: Scalar, denominator: Denominator, correction: Scalar | None = None) -> Rule:
    """RMSprop: `v <- decay * v + (1 - decay) * |g|^2`."""
    return denominator.rule(decay, 1 - decay, correction)


@jax.jit
def bias_correction(decay: Scalar, count: jax.Array) -> jax.Array:
    """`1 - decay**t` of the step that follows `count` earlier ones, as Optax computes it.

    It is compiled also where the update is not, because compiled and uncompiled powers differ in
    the last bit. It is never zero, to which it would round for a decay that is 1 in float32.
    """
    dtype = jnp.result_type(decay)
    difference = 1 - decay ** (lax.convert_element_type(count, dtype) + 1)
    return lax.max(difference, lax.full_like(difference, jnp.finfo(dtype).tiny))


def total(denominator: Denominator) -> Rule:
    """AdaGrad: `v <- v + |g|^2`."""
    return denominator.rule(1.0, 1.0)


def variance(decay: Scalar, denominator: Denominator) -> Rule:
    """Centered RMSprop: `var <- decay * var + decay * (1 - decay) * |g - m|^2`."""
    return denominator.rule(decay, decay * (1 - decay))


@jax.jit
def rescale(
    gradient: jax.Array, v: jax.Array, rule: Rule, noise: Noise | None = None
) -> tuple[jax.Array, jax.Array]:
    """The update of one leaf, in the gradient's dtype, and its new accumulator.

    `noise` is given for an accumulator narrower than float32. The step is then computed from the
    stored accumulator, so that nothing but the store reads the old one.
    """
    g = widen(gradient, v.dtype)
    w = accumulate(v, g, rule)
    accumulator = store(w, v, noise)
    moment = w if noise is None else accumulator
    return quotient(gradient, g, _denominator(moment, lax.abs(g), rule)), accumulator


@jax.jit
def rescale_centered(
    gradient: jax.Array,
    mean: jax.Array,
    var: jax.Array,
    rule: Rule,
    mean_rule: Rule,
    noise: Noise | None = None,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The update of one leaf by the centered optimizer, its new mean and its new variance."""
    g = widen(gradient, mean.dtype)
    deviation = _saturate(lax.sub(g, lax.convert_element_type(mean, g.dtype)))  # which may overflow
    w = accumulate(var, deviation, rule)
    accumulator = store(w, var, noise)
    # The mean is overwritten after the variance has read it; the step does not read it.
    mean, accumulator = in_order(mean, accumulator)
    keep, add = (lax.convert_element_type(c, g.dtype) for c in (mean_rule.keep, mean_rule.add))
    m = lax.add(keep * lax.convert_element_type(mean, g.dtype), add * g)
    mean = store(m, mean, None if noise is None else noise.fold(1))
    moment = w if noise is None else accumulator
    magnitude = lax.abs(g)
    d = _denominator(moment, _where_squares_fail(magnitude, accumulator, rule), rule)
    # The variance of a constant gradient is 0, and its step is by definition |g| / sqrt(eps). With
    # almost no eps this could be infinite; the step is limited to 2^64.
    return quotient(gradient, g, lax.max(d, magnitude * 2.0**-64)), mean, accumulator


def _where_squares_fail(magnitude: jax.Array, var: jax.Array, rule: Rule) -> jax.Array:
    """`|g|` where the stored variance has lost the square of the deviation, and 0 elsewhere.

    It takes the place of the deviation where the variance has saturated, or where the gradient is
    so small that its own square would count as zero. One case remains: a gradient that is not much
    larger and changes only in its last digits. Without an eps its deviation counts as zero, as that
    of a constant gradient does.
    """
    limits = jnp.finfo(var.dtype)
    weighted = lax.convert_element_type(rule.floor, magnitude.dtype) * magnitude
    lost = (var >= float(limits.max)) | (weighted < 4 * math.sqrt(float(limits.tiny)))
    # No selection: its operands would have to be divided alike over devices of explicit axes.
    return lax.convert_element_type(lost, magnitude.dtype) * magnitude


def accumulate(v: jax.Array, x: jax.Array, rule: Rule) -> jax.Array:
    """`keep * v + add * |x|^2`, saturating at the largest finite value of the accumulator.

    The result has the precision of the arithmetic; `store` converts it to an accumulator.
    """
    real = real_dtype(x.dtype)
    keep, add = lax.convert_element_type(rule.keep, real), lax.convert_element_type(rule.add, real)
    w = lax.add(keep * lax.convert_element_type(v, real), _weighted_square(add, x))
    largest = lax.full_like(w, float(jnp.finfo(v.dtype).max))
    # A minimum would copy the donated accumulator. A NaN is not larger, and stays.
    return lax.select(lax.gt(w, largest), largest, w)


def store(x: jax.Array, like: jax.Array, noise: Noise | None) -> jax.Array:
    """A new value in the dtype of the accumulator; a narrow one is rounded stochastically.

    A finite value stays finite also where the arithmetic is wider, as for float64 gradients.
    """
    if noise is None or not is_narrow(like.dtype):
        return narrow(x, like.dtype)
    return in_order(stochastic_round(narrow(x, jnp.dtype(jnp.float32)), noise, like))[0]


def _saturate(x: jax.Array) -> jax.Array:
    """`x`, limited to the finite numbers of its dtype; a NaN stays a NaN."""
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return lax.complex(_saturate(lax.real(x)), _saturate(lax.imag(x)))
    largest = np.asarray(jnp.finfo(x.dtype).max, x.dtype)
    return lax.clamp(-largest, x, largest)


def _denominator(v: jax.Array, magnitude: jax.Array, rule: Rule) -> jax.Array:
    """`sqrt(v + eps)` or `sqrt(v) + eps`, and at least `floor * magnitude`."""
    real = magnitude.dtype
    v = lax.convert_element_type(v, real)
    if rule.eps_inside is not None:
        v = v + lax.convert_element_type(rule.eps_inside, real)
    d = lax.max(square_root(v), lax.convert_element_type(rule.floor, real) * magnitude)
    if rule.inverse_root_correction is not None:
        d = d * lax.convert_element_type(rule.inverse_root_correction, real)
    if rule.eps_outside is not None:
        d = d + lax.convert_element_type(rule.eps_outside, real)
    if rule.may_vanish:  # 0 / 1 instead of 0 / 0
        d = lax.select(d == 0, lax.full_like(d, 1), d)
    return d


def quotient(gradient: jax.Array, g: jax.Array, denominator: jax.Array) -> jax.Array:
    """`g / denominator` in the dtype of `gradient`, from which `g` was widened."""
    if jnp.issubdtype(g.dtype, jnp.complexfloating):
        parts = _divide(lax.real(g), denominator), _divide(lax.imag(g), denominator)
        return narrow(lax.complex(*parts), gradient.dtype)
    return narrow(_divide(g, denominator), gradient.dtype)


@jax.custom_jvp
def _divide(g: jax.Array, denominator: jax.Array) -> jax.Array:
    """`g / denominator`, with a derivative that needs no square of `1 / denominator`."""
    return lax.div(g, denominator)


@_divide.defjvp
def _divide_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    g, denominator = primals
    step = g / denominator
    return step, (tangents[0] - step * tangents[1]) / denominator


def _weighted_square(weight: jax.Array, x: jax.Array) -> jax.Array:
    """`weight * |x|^2`, real also for a complex leaf.

    The factors are multiplied from the left, so that the product overflows where the result does
    and not already where `x^2` does.
    """
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        return _weighted_square(weight, lax.real(x)) + _weighted_square(weight, lax.imag(x))
    return lax.mul(weight * x, x)


@jax.custom_jvp
def square_root(x: jax.Array) -> jax.Array:
    """`sqrt(x)` with derivative 0 at 0, so that gradients through the update stay finite there."""
    return lax.sqrt(x)


@square_root.defjvp
def _square_root_jvp(
    primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    root = square_root(*primals)
    zero = root == 0
    slope = 0.5 / lax.select(zero, lax.full_like(root, 1), root)
    return root, lax.select(zero, lax.full_like(root, 0), slope) * tangents[0]


def _root(x: Scalar) -> Scalar:
    return math.sqrt(x) if isinstance(x, float) else jnp.sqrt(x)
