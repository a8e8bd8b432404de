"""`watch`: an optimizer whose state holds what was seen of its last steps.

Gradients, parameters and second moments are read at a few places before the step, and the update is
the difference of the parameters between two calls: whatever read the update itself would keep it in
memory, where XLA otherwise adds it to the parameters as it is computed.  That the places are read
before the accumulators are overwritten is prescribed (`rmsprop._ordering`), for otherwise XLA would
copy the accumulators.  For the same reason there is no conditional: what one captures is copied.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from rmsprop import _hyperparameters as hyperparameters
from rmsprop import _layouts as layouts
from rmsprop._hyperparameters import Scalar, ScalarLike
from rmsprop._layouts import MOMENTS, Link
from rmsprop._ordering import in_order
from rmsprop._states import announced_denominators, check_fields, increment, zero_count
from rmsprop._trees import is_no_gradient, tree_mismatch
from rmsprop._typing import Tree
from rmsprop.telemetry._measures import NOTHING, Samples
from rmsprop.telemetry._sample import (
    by_path,
    is_watched,
    magnitudes,
    record_dtype,
    sample,
)

# The rows of a record: four of a step that is complete, then those of one that is not yet.
_COMPLETE = len(Samples._fields)


class WatchState(NamedTuple):
    """State of `watch`.

    Attributes:
        count: The number of steps taken so far, int32, shape ().
        step: The number of the step that the complete rows are of, from 0, int32, shape (); -1
            before there is one.
        sizes: The number of elements of each leaf that is watched, float32, shape (leaves,).
        eps: The second moment of each leaf below which eps is the larger one, or -1;
            float32, shape (leaves,).
        records: A tree with the structure of the parameters: of each leaf that is watched what was
            seen, shape (6, places), or (7, places) of a complex one.
        inner_state: The state of the optimizer.
    """

    count: jax.Array  # pyright: ignore[reportIncompatibleMethodOverride] (Optax's name)
    step: jax.Array
    sizes: jax.Array
    eps: jax.Array
    records: Tree
    inner_state: Tree


def watch(
    optimizer: optax.GradientTransformation,
    every: int = 1,
    coordinates: int = 256,
    *,
    eps: ScalarLike | None = None,
    eps_in_sqrt: bool = True,
) -> optax.GradientTransformationExtraArgs:
    """An optimizer that keeps in its state what `read` shows of it, and changes no number of it.

    It looks at a fixed sample of each leaf, the same in every step. The update of a step is the
    difference of the parameters between two calls, whatever else stands in the chain and whatever
    the parameters are rounded to, so that `read` reports the step before the last one. Of float32
    parameters it is known to 2^-24 of the parameter.

    Args:
        optimizer: Any optimizer, transformation or chain; of a chain the whole, since the update
            is what has become of the parameters.
        every: One step in so many is recorded, beginning with the first.
        coordinates: How many elements of a leaf are looked at, at most. They form a lattice.
        eps: The constant of the denominator, for `eps_dominates`. None takes that of the
            transformations of this package, and leaves the measure out for others.
        eps_in_sqrt: Whether `eps` stands under the root. It is of no effect without `eps`.

    Returns:
        A `GradientTransformationExtraArgs` with the state `WatchState`, whose `update` needs the
        parameters. The record of a leaf has up to 6 `coordinates` float32 numbers.

    Raises:
        TypeError: `optimizer` has no `init` and `update`, `every` or `coordinates` is no integer,
            or a parameter is no array.
        ValueError: `every` or `coordinates` is below 1; or, of `update`, there are no parameters,
            or they do not match the gradients or the state.

    Example:
        >>> import jax.numpy as jnp, optax, rmsprop
        >>> optimizer = rmsprop.telemetry.watch(rmsprop.rmsprop(0.1))
        >>> params = {"w": jnp.ones(3)}
        >>> state = optimizer.init(params)
        >>> for _ in range(3):
        ...     updates, state = optimizer.update({"w": jnp.full(3, 2.0)}, state, params)
        ...     params = optax.apply_updates(params, updates)
        >>> seen = rmsprop.telemetry.read(state)
        >>> rate = seen["['w']/effective_learning_rate_50"]
        >>> print(f"step {seen['step']:.0f}: {rate:.3f}")
        step 1: 0.115
    """
    if not all(callable(getattr(optimizer, name, None)) for name in ("init", "update")):
        raise TypeError(
            f"optimizer is {layouts.with_article(type(optimizer).__name__)}; it must have the"
            f" functions init and update, as rmsprop.rmsprop(0.1) has."
        )
    every, coordinates = positive("every", every), positive("coordinates", coordinates)
    every = min(every, np.iinfo(np.int32).max)  # at which the count of steps ends
    given = checked_eps(eps, eps_in_sqrt)
    inner = optax.with_extra_args_support(optimizer)

    def init_fn(params: optax.Params) -> WatchState:
        with announced_denominators() as denominators:
            inner_state = inner.init(params)
        own = watched(params)
        records = jax.tree_util.tree_map_with_path(
            lambda path, p: _empty_record(p, coordinates) if is_watched(p, path) else None, own
        )
        names = [*by_path(records)]
        sizes = {name: np.size(leaf) for name, leaf in by_path(own).items()}
        limits = _limits(inner_state, denominators, given)
        return WatchState(
            count=zero_count(),
            step=zero_count() - 1,
            sizes=jnp.asarray([sizes[name] for name in names], jnp.float32),
            eps=jnp.asarray([limits.get(name, NOTHING) for name in names], jnp.float32),
            records=records,
            inner_state=inner_state,
        )

    def update_fn(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None, **extra: object
    ) -> tuple[optax.Updates, WatchState]:
        check_fields(state, WatchState._fields)
        if params is None:
            raise ValueError(
                "watch needs the parameters, and update() was called without them. Call"
                " optimizer.update(gradients, state, params)."
            )
        is_complete = (state.count > 0) & ((state.count - 1) % every == 0)
        seen, treedef = _seen(updates, state, watched(params), coordinates)
        seen, updates, inner_state = _before(seen, updates, state.inner_state)
        records = [None if new is None else _renewed(old, new, is_complete) for old, new in seen]
        updates, inner_state = inner.update(updates, inner_state, params, **extra)
        return updates, WatchState(
            count=increment(state.count),
            step=jnp.where(is_complete, state.count - 1, state.step),
            sizes=state.sizes,
            eps=state.eps,
            records=treedef.unflatten(records),
            inner_state=inner_state,
        )

    return optax.GradientTransformationExtraArgs(init_fn, update_fn)


def positive(name: str, value: object) -> int:
    """An integer of at least 1, after its check."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is {value!r}; it must be an integer, at least 1.")
    if value < 1:
        raise ValueError(f"{name} is {value}; it must be at least 1.")
    return int(value)


def watched(params: Tree) -> Tree:
    """The parameters that the gradients belong to: of a pair of lookahead the fast ones."""
    return params.fast if isinstance(params, optax.LookaheadParams) else params


def _empty_record(parameter: jax.Array, coordinates: int) -> jax.Array:
    rows = _COMPLETE + 2 + jnp.iscomplexobj(parameter)
    places = jax.eval_shape(lambda p: sample(p, coordinates), jnp.asarray(parameter)).size
    return jnp.zeros((rows, places), record_dtype(parameter))


def _limits(
    inner_state: Tree,
    denominators: list[tuple[Scalar, bool] | None],
    given: tuple[Scalar, bool] | None,
) -> dict[str, jax.Array]:
    """By the path of a leaf, the second moment at which it and eps are equally large."""
    links = moment_links(inner_state)
    if given is not None:
        denominators = [given] * len(links)
    if len(denominators) != len(links):  # another library's second moments are among them
        return {}
    limits = {}
    for link, denominator in zip(links, denominators, strict=True):
        if denominator is not None:
            limit = limit_of(*denominator)
            for name in by_path(squares_of(link)):
                limits.setdefault(name, limit)
    return limits


def limit_of(eps: Scalar, eps_in_sqrt: bool) -> jax.Array:
    """The second moment that is as large as eps, or whose root is."""
    limit = jnp.asarray(eps, jnp.float32)
    return limit if eps_in_sqrt else limit * limit


def checked_eps(eps: ScalarLike | None, eps_in_sqrt: bool) -> tuple[Scalar, bool] | None:
    """The denominator that was given, after its check."""
    if eps is None:
        return None
    return hyperparameters.epsilon("eps", eps), hyperparameters.flag("eps_in_sqrt", eps_in_sqrt)


def moment_links(state: Tree) -> list[Link]:
    """The second moments in a state, wherever they are."""
    found = []

    def note(link: Link) -> Tree:
        if link.kind == MOMENTS:
            found.append(link)
        return link.state

    layouts.map_known_links(note, state)
    return found


def squares_of(link: Link) -> Tree:
    return getattr(link.state, layouts.squares_field(link))


def _seen(
    updates: Tree, state: WatchState, params: Tree, coordinates: int
) -> tuple[list[tuple[jax.Array, jax.Array | None]], Any]:
    """Of each leaf its record and what is seen of it now: second moment, gradient, parameter."""
    leaves, treedef = jax.tree_util.tree_flatten_with_path(params, is_leaf=lambda x: x is None)
    columns = []
    for tree, names in (
        (updates, ("gradients", "parameters")),
        (state.records, ("records", "parameters")),
    ):
        try:
            columns.append(treedef.flatten_up_to(tree))
        except (ValueError, TypeError, KeyError):
            raise ValueError(tree_mismatch(tree, params, names, _REMEDY)) from None
    squares: dict[str, jax.Array] = {}
    for link in moment_links(state.inner_state):
        squares = by_path(squares_of(link)) | squares
    seen = []
    for (path, p), gradient, record in zip(leaves, *columns, strict=True):
        if record is None:
            seen.append((record, None))
            continue
        name = jax.tree_util.keystr(path)
        check_shapes(f"gradient{name}", p, gradient)
        new = _row(p, gradient, squares.get(name), coordinates, record.dtype)
        if new.shape != (len(record) - _COMPLETE + 1, record.shape[1]):
            raise ValueError(
                f"the record of parameter{name} has shape {record.shape}, and other rows or places"
                f" belong to a parameter of shape {np.shape(p)} and dtype {jnp.result_type(p)}."
                f" {_REMEDY}"
            )
        seen.append((record, new))
    return seen, treedef


_REMEDY = "Use the state that init() made for these parameters, and their gradients."


def check_shapes(name: str, parameter: jax.Array, gradient: Tree) -> None:
    """Refuses a gradient or an update of another shape than its parameter's."""
    if not is_no_gradient(gradient) and np.shape(gradient) != np.shape(parameter):
        raise ValueError(
            f"{name} has shape {np.shape(gradient)}, and its parameter has shape"
            f" {np.shape(parameter)}. {_REMEDY}"
        )


def _row(
    parameter: jax.Array,
    gradient: Tree,
    squares: jax.Array | None,
    coordinates: int,
    dtype: np.dtype,
) -> jax.Array:
    """What is seen of a leaf before a step, shape (3, places), or (4, places) of a complex one."""
    places = sample(jnp.asarray(parameter), coordinates)
    parts = [places] if not jnp.iscomplexobj(places) else [lax.real(places), lax.imag(places)]
    rows = [lax.convert_element_type(part, dtype) for part in parts]
    if is_no_gradient(gradient):
        size = lax.full_like(rows[0], NOTHING)
    else:
        size = magnitudes(sample(jnp.asarray(gradient), coordinates), dtype)
    if squares is None or squares.shape != np.shape(parameter):
        moment = lax.full_like(rows[0], NOTHING)
    else:
        moment = magnitudes(sample(squares, coordinates), dtype)
    return jnp.stack([moment, size, *rows])


def _renewed(record: jax.Array, new: jax.Array, is_complete: jax.Array) -> jax.Array:
    """The record after a step: of the step before it is now known how far it went."""
    size, *parts = record[_COMPLETE:]
    after = new[2:]
    step = [q - p for q, p in zip(after, parts, strict=True)]
    complete = jnp.stack([size, _length(parts), _length(step), new[0]])
    kept = lax.select(jnp.broadcast_to(is_complete, complete.shape), complete, record[:_COMPLETE])
    return jnp.concatenate([kept, new[1:]])


def _length(parts: list[jax.Array]) -> jax.Array:
    """The magnitude of real numbers, or of complex ones by their two parts."""
    return lax.abs(parts[0]) if len(parts) == 1 else lax.abs(lax.complex(*parts))


def _before(
    seen: list[tuple[jax.Array, jax.Array | None]], updates: Tree, inner_state: Tree
) -> tuple[list[tuple[jax.Array, jax.Array | None]], Tree, Tree]:
    """The same, with everything seen before the state of the optimizer is used."""
    fresh = [new for _, new in seen if new is not None]
    if not fresh:
        return seen, updates, inner_state
    own, structure = jax.tree.flatten(inner_state)
    if any(map(_is_accumulator, own)):
        fresh, own = _ordered(fresh, own)
        inner_state = structure.unflatten(own)
    else:  # what has no state reads the gradients first
        own, structure = jax.tree.flatten(updates)
        fresh, own = _ordered(fresh, own)
        updates = structure.unflatten(own)
    remaining = iter(fresh)
    return (
        [(old, None if new is None else next(remaining)) for old, new in seen],
        updates,
        inner_state,
    )


def _ordered(first: list[jax.Array], then: list[Tree]) -> tuple[list[jax.Array], list[Tree]]:
    places = [index for index, leaf in enumerate(then) if _is_accumulator(leaf)]
    passed = in_order(*first, *(then[index] for index in places))
    then = [*then]
    for index, leaf in zip(places, passed[len(first) :], strict=True):
        then[index] = leaf
    return [*passed[: len(first)]], then


def _is_accumulator(leaf: object) -> bool:
    return isinstance(leaf, jax.Array) and leaf.ndim > 0 and jnp.issubdtype(leaf.dtype, jnp.inexact)
