"""One notation for what the frameworks call RMSprop and AdaGrad, and the one chain built from it.

Frameworks agree on

    v  <-  decay * v + (1 - decay) * g^2     or, for AdaGrad,     v  <-  v + g^2
    p  <-  p - learning_rate * g / (root of v, kept from zero by eps)

and differ in everything else.  A `Convention` writes those differences down as values; `build` is
the only place that turns them into a chain, in the order

    maximize, scale  ->  clip and coupled weight decay  ->  rescale  ->  rate and momentum
                     ->  caution  ->  decoupled weight decay  ->  what surrounds the step

so that a framework's module is a translation of its arguments and nothing else, and two
conventions can be compared value by value (`compare_conventions`).
"""

from __future__ import annotations  # for a signature that names types as they stand here

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax
import jax.core
import numpy as np
import optax
from jax import lax
from jax.typing import ArrayLike

from rmsprop._chain import (
    add_decayed_weights,
    checked_chain,
    decouple_decayed_weights,
    identity,
    scale_by_learning_rate,
    trace,
    wide_inside,
)
from rmsprop._hyperparameters import Scalar
from rmsprop._rescaling import scale_by_rms, scale_by_rss, scale_by_stddev
from rmsprop._trees import without_float0
from rmsprop.frameworks._gradients import (
    Clipping,
    add_decayed_signs,
    clip,
    refuse_complex,
    scale_gradients,
    split_complex,
)
from rmsprop.frameworks._steps import cautious, dampen

Rate: TypeAlias = Scalar | Callable[[ArrayLike], Scalar]
WeightDecayRule: TypeAlias = Literal["coupled", "coupled_l1", "decoupled", "corrected"]
Wrapper: TypeAlias = Callable[
    [optax.GradientTransformationExtraArgs], optax.GradientTransformationExtraArgs
]


@dataclass(frozen=True, kw_only=True)
class Convention:
    """What a framework's call means, in one notation.

    Attributes:
        name: The function that it stands for, `module.function`.
        learning_rate: The rate η, a number or a schedule of the step count.
        decay: The decay ρ of the average; None for the sum of AdaGrad.
        eps: The constant ε.
        eps_in_sqrt: Whether the denominator is `sqrt(v + eps)` or `sqrt(v) + eps`.
        initial: The starting value of the average or sum.
        centered: Whether the square of the averaged gradient is subtracted from the average.
        bias_correction: Whether the average is divided by `1 - decay**t` (Optax alone).
        momentum: The coefficient μ of heavy-ball momentum; None for no buffer.
        lr_in_momentum: Whether the rate is applied before the buffer or after it.
        nesterov: Whether the step is `eta * u + momentum * b` (Optax alone).
        dampened: Whether the buffer receives `(1 - momentum) * u` (`jax.example_libraries` alone).
        weight_decay: The coefficient λ; 0 for none.
        weight_decay_rule: `coupled` adds `weight_decay * p` to the gradient, `coupled_l1`
            `weight_decay * sign(p)` (Paddle alone), `decoupled` subtracts `eta * weight_decay * p`
            from the parameter, `corrected` `eta**2 / max_lr * weight_decay * p` (timm alone).
        max_lr: The largest rate, which `corrected` needs.
        clipping: Limits of the gradients, or None.
        clip_before_weight_decay: Whether the clipping sees the gradient without coupled decay.
        maximize: Whether the gradient is negated first.
        gradient_scale: The factor by which the gradient is multiplied first.
        caution: Whether elements of a step whose sign the gradient contradicts are masked (timm
            alone).
        complex_leaves: `modulus` accumulates `|g|^2`, `apart` treats real and imaginary parts as
            two real leaves, `refused` says that the framework has no such optimizer.
        around: What else the framework does before or after the step. Each element is a name, by
            which two conventions are compared, and a wrapper of the optimizer.
    """

    name: str = dataclasses.field(compare=False)
    learning_rate: Rate
    decay: Rate | None
    eps: Scalar
    eps_in_sqrt: bool
    initial: Scalar
    centered: bool = False
    bias_correction: bool = False
    momentum: Scalar | None = None
    lr_in_momentum: bool = True
    nesterov: bool = False
    dampened: bool = False
    weight_decay: Scalar = 0.0
    weight_decay_rule: WeightDecayRule = "coupled"
    max_lr: Scalar | None = None
    clipping: Clipping | None = None
    clip_before_weight_decay: bool = True
    maximize: bool = False
    gradient_scale: Scalar = 1.0
    caution: bool = False
    complex_leaves: Literal["modulus", "apart", "refused"] = "refused"
    around: tuple[tuple[str, Wrapper], ...] = ()

    def __str__(self) -> str:
        """`name(...)` with the fields that have no default, and those that differ from theirs."""
        parts = [
            f"{f.name}={_in_short(f.name, getattr(self, f.name))}"
            for f in dataclasses.fields(self)
            if f.name != "name" and not _is_default(getattr(self, f.name), f.default)
        ]
        return f"{self.name}({', '.join(parts)})"


class FrameworkOptimizer(optax.GradientTransformationExtraArgs):
    """A gradient transformation that knows the convention it follows.

    Attributes:
        init: Makes the state of the parameters.
        update: Turns gradients, state and parameters into updates and the next state.
        convention: The `Convention`.
    """

    convention: Convention

    def __repr__(self) -> str:
        """The convention in short, instead of the two functions of a transformation."""
        return f"FrameworkOptimizer({self.convention})"

    def __new__(
        cls,
        init: optax.TransformInitFn,
        update: optax.TransformUpdateExtraArgsFn,
        convention: Convention,
    ) -> FrameworkOptimizer:
        self = super().__new__(cls, init, update)
        self.convention = convention
        return self

    def __getnewargs__(
        self,
    ) -> tuple[optax.TransformInitFn, optax.TransformUpdateExtraArgsFn, Convention]:
        """The arguments of `__new__` in copying and pickling; a tuple's own lack the convention."""
        return (self.init, self.update, self.convention)


def _is_default(value: object, default: object) -> bool:
    return value is default or (isinstance(value, float | str) and value == default)


def _in_short(field: str, value: object) -> str:
    if field == "around":
        return repr([name for name, _ in value]) if isinstance(value, tuple) else repr(value)
    if callable(value):
        return "<schedule>"
    if isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer):
        return repr(value.item())
    return repr(value)


def build(convention: Convention) -> FrameworkOptimizer:
    """The optimizer that follows a convention.

    Args:
        convention: Its values; a port's optimizer has its own as the attribute `convention`.

    Returns:
        An Optax gradient transformation that has the same attribute.

    Raises:
        ValueError: A value is out of its range, or two values contradict each other.
        TypeError: A hyper-parameter is in half precision.

    Example:
        >>> import dataclasses
        >>> from rmsprop import frameworks
        >>> theirs = frameworks.torch.rmsprop(lr=0.01).convention
        >>> ours = frameworks.build(dataclasses.replace(theirs, eps_in_sqrt=True))
        >>> ours.convention.eps_in_sqrt
        True
    """
    before = _before(convention)
    chain = wide_inside(
        checked_chain(before, _rescaling(convention), *_rate_and_momentum(convention))
    )
    if convention.caution:
        chain = cautious(chain, before)
    decoupled = _decoupled(convention)
    if decoupled is not None:
        chain = wide_inside(checked_chain(chain, decoupled))
    if convention.complex_leaves == "apart":
        chain = split_complex(chain)
    elif convention.complex_leaves == "refused":
        chain = refuse_complex(chain, convention.name)
    for _, wrapper in convention.around:
        chain = wrapper(chain)
    chain = without_float0(chain)
    return FrameworkOptimizer(chain.init, chain.update, convention)


def is_zero(value: Scalar | None) -> bool:
    """Whether a hyper-parameter is known to be zero, or absent, when the optimizer is built."""
    return value is None or (isinstance(value, float) and value == 0)


def float32_constant(value: Scalar) -> Scalar:
    """A hyper-parameter rounded to float32, as in frameworks that keep it in a float32 field."""
    if isinstance(value, jax.Array):
        # The dtype stays, so that float64 arithmetic with the value stays in float64.
        return lax.reduce_precision(value, exponent_bits=8, mantissa_bits=23)
    return float(np.float32(value))


def float32_rate(learning_rate: Rate) -> Rate:
    """A learning rate or schedule whose values are rounded to float32."""
    if callable(learning_rate):
        return lambda count: float32_constant(learning_rate(count))
    return float32_constant(learning_rate)


_COUPLED = {"coupled": add_decayed_weights, "coupled_l1": add_decayed_signs}


def _before(c: Convention) -> optax.GradientTransformation:
    """The transformation of the gradient before it is squared."""
    links = []
    if c.maximize or not (isinstance(c.gradient_scale, float) and c.gradient_scale == 1):
        links.append(scale_gradients(-c.gradient_scale if c.maximize else c.gradient_scale))
    decay = []
    if c.weight_decay_rule in _COUPLED and not is_zero(c.weight_decay):
        decay = [_COUPLED[c.weight_decay_rule](c.weight_decay)]
    clipping = [] if c.clipping is None else [clip(c.clipping)]
    links += clipping + decay if c.clip_before_weight_decay else decay + clipping
    return checked_chain(*links) if links else identity()


def _rescaling(c: Convention) -> optax.GradientTransformation:
    if c.decay is None:
        return scale_by_rss(c.initial, c.eps, eps_in_sqrt=c.eps_in_sqrt)
    scale = scale_by_stddev if c.centered else scale_by_rms
    return scale(
        c.decay,
        c.eps,
        initial_scale=c.initial,
        eps_in_sqrt=c.eps_in_sqrt,
        bias_correction=c.bias_correction,
    )


def _rate_and_momentum(c: Convention) -> list[optax.GradientTransformation]:
    rate = scale_by_learning_rate(c.learning_rate)
    if c.momentum is None:
        return [rate]
    buffer = [trace(c.momentum, nesterov=c.nesterov)]
    if c.dampened:
        buffer = [dampen(c.momentum), *buffer]
    return [rate, *buffer] if c.lr_in_momentum else [*buffer, rate]


def _decoupled(c: Convention) -> optax.GradientTransformation | None:
    if c.weight_decay_rule in _COUPLED or is_zero(c.weight_decay):
        return None
    rate = c.learning_rate
    if c.weight_decay_rule == "decoupled" or c.max_lr is None:
        return decouple_decayed_weights(rate, c.weight_decay)
    largest = c.max_lr
    if callable(rate):
        return decouple_decayed_weights(lambda count: rate(count) ** 2 / largest, c.weight_decay)
    return decouple_decayed_weights(rate**2 / largest, c.weight_decay)
