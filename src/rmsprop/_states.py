"""The parts of a transformation's state: accumulators, a step count, and the check of its fields.

`leafwise` makes the transformations that have accumulators: it goes through the leaves, counts
steps where something depends on the count, and calls a function with each gradient and its
accumulators.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.typing import ArrayLike

from rmsprop._experimental import sharded_like
from rmsprop._hyperparameters import Scalar
from rmsprop._layouts import RESTORE, SQUARES, links, with_article
from rmsprop._precision import is_narrow, signed_accumulator_dtype, squares_dtype
from rmsprop._rounding import seed_of_step
from rmsprop._trees import map_leaves, trained_dtype
from rmsprop._typing import LeafFunction, Tree

_any_dtype = contextvars.ContextVar("accumulators of any dtype", default=False)


@contextlib.contextmanager
def accumulators_of_any_dtype() -> Iterator[None]:
    """A context in which accumulators may be wider than an optimizer keeps them.

    Trial steps are made in it (`_probes`), whose results no rounding is to blur.
    """
    token = _any_dtype.set(True)
    try:
        yield
    finally:
        _any_dtype.reset(token)


_announced: contextvars.ContextVar[list[tuple[Scalar, bool] | None] | None] = (
    contextvars.ContextVar("denominators of the states that are made", default=None)
)


@contextlib.contextmanager
def announced_denominators() -> Iterator[list[tuple[Scalar, bool] | None]]:
    """A context in which every state of second moments that is made announces its denominator.

    Yields:
        A list, which the states fill in the order in which they are made: of each eps and whether
        it stands under the root, or None where the transformation has another denominator.
    """
    found: list[tuple[Scalar, bool] | None] = []
    token = _announced.set(found)
    try:
        yield found
    finally:
        _announced.reset(token)


def _announce(denominator: tuple[Scalar, bool] | None) -> None:
    """Tells the context, where there is one."""
    found = _announced.get()
    if found is not None:
        found.append(denominator)


def leafwise(
    leaf_of_step: Callable[[ArrayLike], LeafFunction],
    initial: Callable[[optax.Params], tuple[Tree, ...]],
    state_class: type[Any],  # a named tuple, whose `_fields` no type expresses
    *,
    stream: int | None = None,
    denominator: tuple[Scalar, bool] | None = None,
) -> optax.GradientTransformation:
    """The transformation that applies one function to every leaf.

    Args:
        leaf_of_step: A function of the number of earlier steps, which is 0 where steps are not
            counted. It returns the function of a leaf,
            `(gradient, *accumulators) -> (update, *new ones)`.
        initial: A function of the parameters, which returns the first trees of accumulators in the
            order of the fields.
        state_class: The named tuple that holds the trees; steps are counted where its first field
            is `count`.
        stream: The number of the stream of random bits if every store is rounded stochastically,
            and otherwise None. With a stream the function of a leaf is called with `noise`, and
            steps must be counted.
        denominator: Of second moments, eps and whether it stands under the root.
    """
    fields: tuple[str, ...] = state_class._fields
    counted = fields[0] == "count"
    names = fields[1:] if counted else fields

    def init_fn(params: optax.Params) -> Tree:
        if {*fields} & {*SQUARES}:
            _announce(denominator)
        trees = initial(params)
        return state_class(zero_count(), *trees) if counted else state_class(*trees)

    def update_fn(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None
    ) -> tuple[optax.Updates, Tree]:
        del params
        check_fields(state, fields)
        if stream is not None:
            _check_narrow(state, names)
        seed = None if stream is None else seed_of_step(state.count, stream)
        leaf = leaf_of_step(state.count if counted else 0)
        old = (getattr(state, name) for name in names)
        updates, *new = map_leaves(leaf, updates, *old, seed=seed)
        changes = dict(zip(names, new, strict=True))
        if counted:
            changes["count"] = increment(state.count)
        # The class of the state stays, so that a state that Optax made can be continued.
        return updates, state._replace(**changes)

    return optax.GradientTransformation(init_fn, update_fn)


def check_fields(state: Tree, fields: tuple[str, ...]) -> None:
    """Refuses the state of another transformation, such as Optax's centered one.

    Args:
        state: The state that a transformation is given.
        fields: The fields that its own state has; none where it keeps nothing.

    Raises:
        ValueError: The state does not have exactly these fields.
    """
    names = getattr(state, "_fields", None)
    if names == fields or (not fields and not links(state)):
        return
    content = "without named fields"
    if names is not None:
        content = f"with the fields {_in_words(names)}" if names else "without content"
    raise ValueError(
        f"the optimizer state has a part {type(state).__name__} {content}, but this"
        f" transformation keeps {_in_words(fields) or 'nothing'}. {_remedy(state)}"
    )


def check_links(state: Tree, number: int) -> None:
    """Refuses a state that is not that of a chain of so many links.

    Raises:
        ValueError: The state is no plain tuple of this length.
    """
    if type(state) is not tuple or len(state) != number:
        parts = f" of {', '.join(type(x).__name__ for x in state)}" if type(state) is tuple else ""
        raise ValueError(
            f"the optimizer state is {with_article(type(state).__name__)}{parts}, but this"
            f" optimizer keeps a tuple of {number} parts. {_remedy(state)}"
        )


_CONTENT = {
    "count": "a step count, for a schedule, bias correction or bfloat16",
    "nu": "an average of squares",
    "mu": "a mean of the gradients",
    "var": "a variance",
    "sum_of_squares": "AdaGrad's sum",
    "trace": "a momentum buffer",
}
_CONVERT = (
    "Use the state that its own init() made, with the same options, or convert the state to the"
    " changed options: rmsprop.convert_state(state, params, old, new)."
)


def _in_words(fields: tuple[str, ...]) -> str:
    """The fields of a state and what the known ones among them are."""
    words = [_CONTENT[name] for name in fields if name in _CONTENT]
    return ", ".join(fields) + (f" ({'; '.join(words)})" if words else "")


def _remedy(state: Tree) -> str:
    """What to do with a state that does not fit.

    `optax.chain` goes through a dictionary as through a tuple, and hands over its keys.
    """
    return f"It seems that {RESTORE}." if isinstance(state, dict | list | str) else _CONVERT


def _check_narrow(state: Tree, names: tuple[str, ...]) -> None:
    """Refuses wide accumulators where every store is to be rounded; complex ones are always wide.

    Raises:
        TypeError: A real accumulator is not in half precision.
    """
    if _any_dtype.get():
        return
    for name in names:
        for leaf in jax.tree.leaves(getattr(state, name)):
            if not is_narrow(leaf.dtype) and not jnp.issubdtype(leaf.dtype, jnp.complexfloating):
                raise TypeError(
                    f"the field {name} of the optimizer state has dtype {leaf.dtype}, but"
                    f" accumulator_dtype is bfloat16. {_CONVERT}"
                )


def signed_accumulators(params: optax.Params, dtype: np.dtype | None) -> Tree:
    """Zeros that can hold a mean or a momentum of the gradients of each parameter."""
    return _fill(params, 0.0, lambda leaf: signed_accumulator_dtype(leaf, dtype))


def accumulators(params: optax.Params, initial: Scalar, dtype: np.dtype | None) -> Tree:
    """Real arrays of the parameters' shapes, filled with the starting value of the squares."""
    return _fill(params, initial, lambda leaf: squares_dtype(leaf, dtype))


def _fill(params: optax.Params, value: Scalar, dtype: Callable[[np.dtype], np.dtype]) -> Tree:
    """An array for each parameter that is trained, and None for each that is left alone."""
    leaves, treedef = jax.tree_util.tree_flatten_with_path(params)
    arrays = []
    for path, leaf in leaves:
        own = trained_dtype(leaf, lambda path=path: "parameter" + jax.tree_util.keystr(path))
        array = None
        if own is not None:
            array = sharded_like(leaf, jnp.full_like(leaf, value, dtype=dtype(own)))
        arrays.append(array)
    return treedef.unflatten(arrays)


def zero_count() -> jax.Array:
    """The step count before the first step."""
    return jnp.zeros([], jnp.int32)


def increment(count: jax.Array) -> jax.Array:
    """The following step count; it stops at the largest int32 instead of wrapping around."""
    return jnp.asarray(optax.safe_increment(count))
