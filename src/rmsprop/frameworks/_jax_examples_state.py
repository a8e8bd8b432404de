"""Runs of `jax.example_libraries.optimizers` that go on here, and runs from here that go on there.

Its state holds for each leaf of the parameters a tuple of the parameter itself, the accumulator and
perhaps the momentum buffer.
"""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import optax
from jax.example_libraries import optimizers as examples

from rmsprop._typing import Tree
from rmsprop.frameworks import _slots as slots_
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer
from rmsprop.frameworks._leaves import Leaves
from rmsprop.frameworks._saved_arrays import Entries, as_numpy
from rmsprop.frameworks._saved_state import check_port, exported, imported
from rmsprop.frameworks._slots import MOMENTUM, SQUARES

_PORTS = tuple(f"jax_examples.{name}" for name in ("rmsprop", "rmsprop_momentum", "adagrad"))
_SLOTS: Mapping[str, str] = {"squares": SQUARES, "buffer": MOMENTUM}  # after the parameter


def import_state(
    optimizer: FrameworkOptimizer,
    saved: Any,  # noqa: ANN401 (a class whose fields no type expresses)
    params: Tree,
    *,
    step: int | None = None,
    new: optax.GradientTransformation | None = None,
) -> Tree:
    """The state of a port with which a run of `jax.example_libraries.optimizers` goes on.

    Args:
        optimizer: A port of `frameworks.jax_examples` with the options of the run.
        saved: The `OptimizerState`, which `opt_update` returned.
        params: The parameters, which `get_params(saved)` returns.
        step: The number of steps so far, where the optimizer has a schedule: the argument `i` of
            the coming call of `opt_update`.
        new: An optimizer with other options to go on with. The state is converted as by
            `rmsprop.convert_state`.

    Returns:
        A state of `optimizer`, or of `new`.

    Raises:
        ValueError: Arrays are missing, superfluous or have another shape, or `step` is missing.
        TypeError: `optimizer` is no port of these optimizers, or `saved` is no `OptimizerState`.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> from jax.example_libraries import optimizers
        >>> init, update, get_params = optimizers.rmsprop(0.1)
        >>> saved = update(0, {"w": jnp.ones(1)}, init({"w": jnp.ones(1)}))
        >>> ours = rmsprop.frameworks.jax_examples
        >>> state = ours.import_state(ours.rmsprop(0.1), saved, get_params(saved))
        >>> print(f"{state[1].nu['w'][0]:.2f}")
        0.10
    """
    convention = check_port(optimizer, *_PORTS)
    if not isinstance(saved, examples.OptimizerState):
        raise TypeError(
            f"saved is {type(saved).__name__}; it must be the OptimizerState that opt_update of"
            f" jax.example_libraries.optimizers returned."
        )
    names = [*_slots_of(optimizer, params)]
    paths = _paths(saved.tree_def)
    arrays = {}
    for path, state in zip(paths, saved.packed_state, strict=True):
        values = [as_numpy(x, f"the state of {path}") for x in state[1:]]
        called = [*names, *(f"array {k}" for k in range(len(names), len(values)))]
        arrays[path] = dict(zip(called, values, strict=False))
    return imported(
        optimizer,
        params,
        Entries(tuple(paths), arrays),
        _slots_of(optimizer, params),
        names=None,
        to_ours=None,
        steps=step,
        new=new,
        negated=_negated(convention),
    )


def export_state(
    optimizer: FrameworkOptimizer, state: Tree, params: Tree
) -> examples.OptimizerState:
    """The state with which `jax.example_libraries.optimizers` goes on, with the parameters in it.

    Args:
        optimizer: The port that made the state.
        state: Its state.
        params: The parameters.

    Returns:
        An `OptimizerState` with NumPy arrays. The number of steps is not in it: it is the argument
        `i` of the coming call of `opt_update`.

    Raises:
        ValueError: The state is not one of the optimizer, or a parameter is not trained: this
            library trains all of them.
        TypeError: `optimizer` is no port of these optimizers.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> ours, params = rmsprop.frameworks.jax_examples, {"w": jnp.ones(1)}
        >>> optimizer = ours.rmsprop(0.1)
        >>> print(ours.export_state(optimizer, optimizer.init(params), params).packed_state)
        ((array([1.], dtype=float32), array([0.], dtype=float32)),)
    """
    convention = check_port(optimizer, *_PORTS)
    entries = exported(
        optimizer,
        state,
        params,
        _slots_of(optimizer, params),
        names=None,
        to_theirs=None,
        negated=_negated(convention),
    )
    leaves, treedef = jax.tree.flatten(params)
    if len(leaves) != len(Leaves.of(params).paths):
        raise ValueError(
            "a parameter is an integer, a bool or a random key, which is not trained here, and"
            " jax.example_libraries.optimizers trains all parameters. Export those of floating"
            " point alone."
        )
    packed = tuple(
        (np.array(leaf), *entries.arrays[number].values()) for number, leaf in enumerate(leaves)
    )
    return examples.OptimizerState(packed, treedef, tuple(map(jax.tree.structure, packed)))


def _slots_of(optimizer: FrameworkOptimizer, params: Tree) -> dict[str, str]:
    kept = slots_.slots_of(optimizer.init(params))
    return {theirs: ours for theirs, ours in _SLOTS.items() if ours in kept}


def _negated(convention: Convention) -> tuple[str, ...]:
    return ("buffer",) if convention.lr_in_momentum else ()


def _paths(treedef: Any) -> list[str]:  # noqa: ANN401 (no type expression)
    numbered = treedef.unflatten(range(treedef.num_leaves))
    return [jax.tree_util.keystr(p) for p, _ in jax.tree_util.tree_flatten_with_path(numbered)[0]]
