"""Functions of the tree of gradients and the trees of accumulators that belong to it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from rmsprop._layouts import with_article
from rmsprop._precision import is_narrow
from rmsprop._rounding import noise_of_leaves
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
        gradients: The tree of gradients; where it has None or a `float0` the accumulators stay as
            they are.
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
    noises = [] if seed is None else noise_of_leaves(gradients, seed)
    results = []
    for index, (gradient, *accumulators) in enumerate(zip(leaves, *columns, strict=True)):
        if is_no_gradient(gradient):
            results.append((gradient, *accumulators))
            continue
        for accumulator in accumulators:
            if np.shape(gradient) != getattr(accumulator, "shape", None):
                raise ValueError(_shape_mismatch(gradients, index, accumulator))
            if seed is None and is_narrow(accumulator.dtype):
                raise TypeError(_narrow_accumulator(gradients, index, accumulator))
        _check_gradient(gradient, lambda i=index: "gradient" + leaf_path(gradients, i))
        noise = {} if seed is None else {"noise": noises[index]}
        results.append(function(gradient, *accumulators, **noise))
    columns = zip(*results, strict=True) if results else [()] * (1 + len(states))
    return tuple(treedef.unflatten(column) for column in columns)


def is_no_gradient(leaf: object) -> bool:
    """Whether a parameter with this gradient is left alone.

    None is the gradient of what is not differentiated, and an array of JAX's dtype `float0` is that
    of an integer or a bool (`jax.grad(..., allow_int=True)`).
    """
    return leaf is None or getattr(leaf, "dtype", None) == jax.dtypes.float0


def without_float0(
    chain: optax.GradientTransformationExtraArgs,
) -> optax.GradientTransformationExtraArgs:
    """The chain with None for `float0` gradients inside, which come back as they were."""

    def update_fn(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None, **extra: object
    ) -> tuple[optax.Updates, Tree]:
        if not any(map(is_no_gradient, jax.tree.leaves(updates))):
            return chain.update(updates, state, params, **extra)
        gradients = jax.tree.map(lambda g: None if is_no_gradient(g) else g, updates)
        changes, state = chain.update(gradients, state, params, **extra)
        changes = jax.tree.map(
            lambda g, u: g if is_no_gradient(g) else u, updates, changes, is_leaf=_is_none
        )
        return changes, state

    return optax.GradientTransformationExtraArgs(chain.init, update_fn)


def _is_none(leaf: object) -> bool:
    return leaf is None


def check_parameters(params: optax.Params) -> None:
    """Refuses, by its path, a leaf that is no array.

    Raises:
        TypeError: There is such a leaf.
    """
    for path, leaf in jax.tree_util.tree_flatten_with_path(params)[0]:
        trained_dtype(leaf, lambda path=path: "parameter" + jax.tree_util.keystr(path))


def trained_dtype(parameter: object, where: Callable[[], str]) -> np.dtype | None:
    """The dtype of a parameter that is trained, and None for one that is left alone.

    Integers, bools and keys of random generators are left alone. What is no array is refused.
    """
    dtype = _dtype(parameter)
    if jnp.issubdtype(dtype, jnp.inexact):
        # NumPy's float64 is float32 to JAX, unless double precision is on.
        return jax.dtypes.canonicalize_dtype(dtype)
    if any(jnp.issubdtype(dtype, kind) for kind in (jnp.integer, jnp.bool_, jax.dtypes.prng_key)):
        return None
    raise TypeError(
        f"{where()} is {_described(parameter, dtype)}, and only arrays of numbers can be optimized."
        f" Pass the arrays of the tree alone; of a module of Equinox those are"
        f" eqx.filter(model, eqx.is_inexact_array)."
    )


def check_gradients(gradients: optax.Updates) -> None:
    """Refuses, by its path, a gradient that is not floating point.

    Raises:
        TypeError: There is such a gradient.
    """
    for path, leaf in jax.tree_util.tree_flatten_with_path(gradients)[0]:
        _check_gradient(leaf, lambda path=path: "gradient" + jax.tree_util.keystr(path))


def _check_gradient(gradient: object, where: Callable[[], str]) -> None:
    dtype = _dtype(gradient)
    if not jnp.issubdtype(dtype, jnp.inexact):
        raise TypeError(
            f"{where()} is {_described(gradient, dtype)}; gradients are floating-point or complex,"
            f" and the gradient of a parameter that is not trained is None or float0. Pass the"
            f" gradients as jax.grad or eqx.filter_grad returns them."
        )


def _dtype(leaf: object) -> np.dtype:
    if isinstance(leaf, str | bytes | type | np.dtype):  # a dtype has a dtype, and names one
        return np.dtype(object)
    dtype = getattr(leaf, "dtype", None)
    if dtype is None:
        try:
            return np.dtype(jnp.result_type(leaf))
        except (TypeError, ValueError):
            return np.dtype(object)
    return dtype


def _described(leaf: object, dtype: np.dtype) -> str:
    return f"of type {type(leaf).__name__}" if dtype == np.dtype(object) else f"of dtype {dtype}"


def leaf_path(tree: Tree, index: int) -> str:
    """The path of a leaf, as it is written in Python: `['dense']['kernel']`."""
    paths, _ = jax.tree_util.tree_flatten_with_path(tree, is_leaf=_is_none)
    return jax.tree_util.keystr(paths[index][0])


def _shape_mismatch(gradients: Tree, index: int, accumulator: object) -> str:
    gradient = jax.tree.leaves(gradients, is_leaf=_is_none)[index]
    if accumulator is None:
        return (
            f"gradient{leaf_path(gradients, index)} is {_described(gradient, _dtype(gradient))} and"
            f" has shape {np.shape(gradient)}, but the optimizer state holds nothing there: init()"
            f" was given None, an integer, a bool or a random key, which is not trained. Pass None"
            f" as its gradient, or call init() with a floating-point parameter."
        )
    shape = getattr(accumulator, "shape", None)
    if shape is not None:
        content = f"an accumulator of shape {shape}"
    else:
        content = with_article(type(accumulator).__name__)
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
