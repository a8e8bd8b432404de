"""Changes of a gradient before it is squared: scaling, clipping and L1 decay."""

import functools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.typing import ArrayLike

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._chain import add_decayed_weights
from rmsprop._hyperparameters import Scalar, ScalarLike
from rmsprop._moments import square_root
from rmsprop._precision import narrow, real_dtype
from rmsprop._states import check_fields
from rmsprop._trees import check_gradients, check_parameters, map_leaves
from rmsprop._typing import Tree

Kind: TypeAlias = Literal["value", "norm", "global_norm"]


@dataclass(frozen=True)
class Clipping:
    """A limit of the gradients.

    Attributes:
        kind: `value` limits every element, `norm` the Euclidean norm of every leaf, `global_norm`
            that of all leaves together.
        limit: The limit, above 0; for `value` it is the highest value of an interval.
        lowest: The lowest value of that interval; None stands for `-limit`.
    """

    kind: Kind
    limit: Scalar
    lowest: Scalar | None = None


def clip(clipping: Clipping) -> optax.GradientTransformation:
    """The transformation that keeps the gradients within a limit."""
    limit = clipping.limit
    if clipping.kind == "value":
        lowest = -limit if clipping.lowest is None else clipping.lowest
        return _each_leaf(lambda g: between(_like(lowest, g), g, _like(limit, g)))
    if clipping.kind == "norm":
        return _each_leaf(lambda g: _shorten(g, _norm([g]), limit))

    def update(updates: optax.Updates, params: optax.Params | None) -> optax.Updates:
        check_gradients(updates)
        leaves = jax.tree.leaves(updates)
        if not leaves:  # every gradient is None
            return updates
        norm = _norm(leaves)
        return _map(lambda g: _shorten(g, norm, limit), updates)

    return optax.stateless(update)


def between(lowest: jax.Array, x: jax.Array, highest: jax.Array) -> jax.Array:
    """`x`, limited to an interval.

    `lax.clamp` cannot be differentiated with respect to a limit that is one number for an array.
    """
    low, high = jnp.broadcast_to(lowest, x.shape), jnp.broadcast_to(highest, x.shape)
    return lax.max(low, lax.min(x, high))


def scale_gradients(factor: Scalar) -> optax.GradientTransformation:
    """Multiplies the gradients by a factor."""
    return _each_leaf(lambda g: g * _like(factor, g))


def add_decayed_signs(weight_decay: Scalar) -> optax.GradientTransformation:
    """Coupled L1 decay: `g + weight_decay * sign(p)` instead of `g`."""
    coupled = add_decayed_weights(weight_decay)

    def update(updates: optax.Updates, params: optax.Params | None) -> optax.Updates:
        signs = None
        if params is not None:
            signs = jax.tree.map(
                lambda u, p: None if u is None else jnp.sign(p),
                updates,
                params,
                is_leaf=lambda leaf: leaf is None,
            )
        return coupled.update(updates, optax.EmptyState(), signs)[0]

    return optax.stateless(update)


def split_complex(
    inner: optax.GradientTransformationExtraArgs,
) -> optax.GradientTransformationExtraArgs:
    """The optimizer, for which the real and the imaginary part of a leaf are two leaves."""
    split = optax.with_extra_args_support(optax.contrib.split_real_and_imaginary(inner))

    def init_fn(params: optax.Params) -> Tree:
        check_parameters(params)
        return split.init(params)

    def update_fn(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None, **extra: object
    ) -> tuple[optax.Updates, Tree]:
        check_fields(state, ("inner_state",))
        return split.update(updates, state, params, **extra)

    return optax.GradientTransformationExtraArgs(init_fn, update_fn)


def refuse_complex(
    inner: optax.GradientTransformationExtraArgs, name: str
) -> optax.GradientTransformationExtraArgs:
    """The optimizer, which refuses complex parameters because the framework has none."""

    def init_fn(params: optax.Params) -> Tree:
        check_parameters(params)
        if any(map(jnp.iscomplexobj, jax.tree.leaves(params))):
            raise TypeError(
                f"{name} has been given complex parameters, which the framework does not train,"
                f" or trains by an invalid formula. Use frameworks.torch (real and imaginary parts"
                f" apart) or rmsprop.rmsprop and rmsprop.adagrad (|g|^2)."
            )
        return inner.init(params)

    return optax.GradientTransformationExtraArgs(init_fn, inner.update)


def read_clipping(
    *,
    norm: ScalarLike | None = None,
    value: ScalarLike | None = None,
    global_norm: ScalarLike | None = None,
    names: tuple[str, str, str],
) -> Clipping | None:
    """The one limit among three arguments, which have the framework's own names; or None.

    Raises:
        ValueError: There is more than one limit, or the limit is not above 0.
    """
    arguments: list[tuple[str, Kind, ScalarLike | None]] = [
        (names[0], "norm", norm),
        (names[1], "value", value),
        (names[2], "global_norm", global_norm),
    ]
    limits: list[tuple[str, Kind, ScalarLike]] = [
        (name, kind, limit) for name, kind, limit in arguments if limit is not None
    ]
    if len(limits) > 1:
        calls = " and ".join(f"{name}={limit}" for name, _, limit in limits)
        raise ValueError(f"{calls} are more than one limit of the gradients. Pass one of them.")
    if not limits:
        return None
    name, kind, limit = limits[0]
    return Clipping(kind, hyperparameters.positive(name, limit))


class _Norm(NamedTuple):
    """The Euclidean norm times a power of two, with which no square overflows."""

    scaled: jax.Array
    scale: jax.Array


def _shorten(g: jax.Array, norm: _Norm, limit: Scalar) -> jax.Array:
    """`g`, scaled to the limit if its norm exceeds it; what is not finite gives NaN or 0."""
    scaled, scale, largest = _like(norm.scaled, g), _like(norm.scale, g), _like(limit, g)
    factor = largest / lax.max(scaled, largest * scale)
    return g * lax.convert_element_type(scale, g.dtype) * lax.convert_element_type(factor, g.dtype)


def _norm(leaves: list[jax.Array]) -> _Norm:
    """The Euclidean norm of all leaves together, in the widest of their dtypes.

    The frameworks square without a scale. A power of two changes no bit of the result, except that
    a norm is right where the squares would overflow.
    """
    magnitudes = [jnp.abs(leaf) for leaf in leaves]
    dtype = functools.reduce(np.promote_types, (m.dtype for m in magnitudes))
    scale = _scale_of_squares(magnitudes)
    squares = [
        lax.convert_element_type(jnp.sum(jnp.square(m * _like(scale, m))), dtype)
        for m in magnitudes
    ]
    return _Norm(square_root(sum(squares[1:], squares[0])), scale)


def _scale_of_squares(magnitudes: list[jax.Array]) -> jax.Array:
    """1, or a small power of two where the sum of the squares could overflow."""
    narrowest = min((m.dtype for m in magnitudes), key=lambda dtype: jnp.finfo(dtype).maxexp)
    half = jnp.finfo(narrowest).maxexp // 2
    margin = 20  # of the exponent, for a sum of up to 2^40 squares
    is_large = functools.reduce(
        operator.or_, (jnp.max(m, initial=0) > 2.0 ** (half - margin) for m in magnitudes)
    )
    one = jnp.ones([], narrowest)
    return lax.select(is_large, one * 2.0 ** -(half + margin), one)


def _like(value: Scalar, g: jax.Array) -> jax.Array:
    return lax.convert_element_type(value, real_dtype(jnp.result_type(g)))


def _each_leaf(function: Callable[[jax.Array], jax.Array]) -> optax.GradientTransformation:
    return optax.stateless(lambda updates, params: _map(function, updates))


def _map(function: Callable[[jax.Array], jax.Array], updates: optax.Updates) -> optax.Updates:
    def leaf(gradient: ArrayLike) -> tuple[jax.Array]:
        g = jnp.asarray(gradient)
        return (narrow(function(g), g.dtype),)

    (results,) = map_leaves(leaf, updates)
    return results
