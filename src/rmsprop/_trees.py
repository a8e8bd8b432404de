"""Functions of the tree of gradients and the trees of accumulators that belong to it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from rmsprop._precision import is_narrow
from rmsprop._rounding import Noise, numbers_of_leaves
from rmsprop._typing import LeafFunction, Tree


def map_leaves(
    function: LeafFunction,
    gradients: optax.Updates,
    *states: Tree,
    seed: jax.Array | None = None,
) -> tuple[Tree, ...]:
    """Applies a leaf function to the gradients and the accumulators that belong to them.

    Args:
        function: `(gradient, *accumulators) -> (update, *new accumulators)`.
        gradients: The tree of gradients; where it has None the accumulators stay as they are.
        *states: Trees of accumulators of the same structure.
        seed: The seed of the rounding of this step, where accumulators may be narrower than
            float32; the function is then called with `noise`, the noise of the leaf.

    Returns:
        The tree of updates and the trees of new accumulators.

    Raises:
        ValueError: The trees or the shapes of their leaves differ.
        TypeError: A gradient is not floating point, or an accumulator is narrower than float32 and
            there is no seed.
    """
    leaves, treedef = jax.tree.flatten(gradients, is_leaf=_is_none)
    try:
        columns = [treedef.flatten_up_to(state) for state in states]
    except (ValueError, TypeError, KeyError):
        raise ValueError(tree_mismatch(gradients, states[0])) from None
    numbers = [] if seed is None else numbers_of_leaves(gradients)
    results = []
    for index, (gradient, *accumulators) in enumerate(zip(leaves, *columns, strict=True)):
        if gradient is None:
            results.append((None, *accumulators))
            continue
        for accumulator in accumulators:
            if np.shape(gradient) != getattr(accumulator, "shape", None):
                raise ValueError(_shape_mismatch(gradients, index, accumulator))
            if seed is None and is_narrow(accumulator.dtype):
                raise TypeError(_narrow_accumulator(gradients, index, accumulator))
        inexact_dtype(gradient, lambda i=index: "gradient" + leaf_path(gradients, i))
        noise = {} if seed is None else {"noise": Noise(seed, numbers[index])}
        results.append(function(gradient, *accumulators, **noise))
    columns = zip(*results, strict=True) if results else [()] * (1 + len(states))
    return tuple(treedef.unflatten(column) for column in columns)


def _is_none(leaf: object) -> bool:
    return leaf is None


def inexact_dtype(leaf: object, where: Callable[[], str]) -> np.dtype:
    """The dtype of a leaf, which is refused if it is not floating point or complex."""
    dtype = getattr(leaf, "dtype", None)
    if dtype is None:
        try:
            dtype = jnp.result_type(leaf)
        except (TypeError, ValueError):
            dtype = np.dtype(object)
    if not jnp.issubdtype(dtype, jnp.inexact):
        raise TypeError(
            f"{where()} has dtype {dtype}; only floating-point and complex leaves can be optimized."
            f" Wrap the optimizer so that it leaves the others alone: optax.masked(optimizer, mask)"
            f" with mask = jax.tree.map(lambda x: jnp.issubdtype(x.dtype, jnp.inexact), params)."
        )
    return dtype


def leaf_path(tree: Tree, index: int) -> str:
    """The path of a leaf, as it is written in Python: `['dense']['kernel']`."""
    paths, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=_is_none)
    return jax.tree_util.keystr(paths[index][0])


def _shape_mismatch(gradients: Tree, index: int, accumulator: object) -> str:
    gradient = jax.tree.leaves(gradients, is_leaf=_is_none)[index]
    shape = getattr(accumulator, "shape", None)
    if shape is not None:
        content = f"an accumulator of shape {shape}"
    else:
        content = "nothing" if accumulator is None else f"a {type(accumulator).__name__}"
    return (
        f"gradient{leaf_path(gradients, index)} has shape {np.shape(gradient)}, but the optimizer"
        f" state holds {content} there. Use the state that init() made for these parameters."
    )


def _narrow_accumulator(gradients: Tree, index: int, accumulator: jax.Array) -> str:
    return (
        f"the optimizer state of gradient{leaf_path(gradients, index)} is {accumulator.dtype}, in"
        f" which a running average stalls unless it is rounded stochastically"
        f" (accumulator_dtype=jnp.bfloat16). Widen such a saved state once:"
        f" jax.tree.map(lambda x: x.astype(jnp.promote_types(x.dtype, jnp.float32))"
        f" if jnp.issubdtype(x.dtype, jnp.inexact) else x, state); a state of accumulator_dtype="
        f"jnp.bfloat16 is converted by rmsprop.convert_state(state, params, old, new)."
    )


def tree_mismatch(
    tree: Tree,
    other: Tree,
    names: tuple[str, str] = ("gradients", "optimizer state"),
    remedy: str = "Use the state that init() made for these parameters.",
) -> str:
    """The message that says where two trees differ; the first of their names is a plural."""

    def paths(tree: Tree) -> set[str]:
        leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
        return {jax.tree_util.keystr(path) for path, _ in leaves}

    first, second = names
    if paths(tree) == paths(other):
        return (
            f"the {first} do not match the {second}: the {first} are a {jax.tree.structure(tree)},"
            f" the {second} {jax.tree.structure(other)}. Use the same containers for both."
        )
    differences = paths(tree) - paths(other), paths(other) - paths(tree)
    only_tree, only_other = (", ".join(sorted(d)[:3]) or "nothing" for d in differences)
    return (
        f"the {first} do not match the {second}: in the {first} alone is {only_tree}, in the"
        f" {second} alone is {only_other}. {remedy}"
    )
