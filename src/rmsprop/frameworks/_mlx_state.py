"""Runs of MLX that go on here, and runs from here that go on there.

`optimizer.state` has `step`, `learning_rate` and a tree like the parameters, with `{"v": array}` in
the place of each.  `mlx.utils.tree_flatten` writes its paths with dots: `layers.0.weight.v`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import optax

from rmsprop._typing import Tree
from rmsprop.frameworks._arguments import parts_of_rate
from rmsprop.frameworks._convention import FrameworkOptimizer
from rmsprop.frameworks._saved_arrays import (
    Turn,
    by_ending,
    check_words,
    number_of,
    read_npz,
    steps_of,
)
from rmsprop.frameworks._saved_state import check_port, exported, imported, steps_to_save
from rmsprop.frameworks._slots import SQUARES

_PORTS = ("mlx.rmsprop", "mlx.adagrad")
_SLOTS = {"v": SQUARES}
_FILE = (
    "Of MLX's files .npz is read here: mx.savez(path, **dict(tree_flatten(optimizer.state))). Pass"
    " what mx.load(path) returns of another one."
)


def import_state(
    optimizer: FrameworkOptimizer,
    saved: Any,  # noqa: ANN401 (a tree of arrays of any kind, or a path)
    params: Tree,
    *,
    names: Tree = None,
    to_ours: Turn | None = None,
    new: optax.GradientTransformation | None = None,
) -> Tree:
    """The state of a port with which a run of MLX goes on.

    Args:
        optimizer: `frameworks.mlx.rmsprop(...)` or `adagrad(...)` with the options of the run. A
            saved state does not have them, so that nothing can be compared.
        saved: `optimizer.state`, as it is or flat, with dots in its names, or the path of an `.npz`
            file of that.
        params: The parameters, a tree.
        names: For each leaf the name of its parameter in MLX, such as `"layers.0.weight"`: a tree
            with the structure of `params`, or a sequence in the order of its leaves. None takes the
            order of the leaves for that of the state.
        to_ours: A function `(name, array) -> array`, which gives the array the layout of the leaf.
        new: An optimizer with other options to go on with. The state is converted as by
            `rmsprop.convert_state`, and the number of steps is the one that was saved.

    Returns:
        A state of `optimizer`, or of `new`.

    Raises:
        ValueError: Arrays are missing, superfluous or have another shape.
        TypeError: `optimizer` is no port of MLX, or `saved` is a path of another file.

    Example:
        >>> import jax.numpy as jnp, numpy as np, rmsprop
        >>> saved = {"step": np.uint64(3), "w": {"v": np.array([3.0], np.float32)}}
        >>> optimizer = rmsprop.frameworks.mlx.adagrad(1.0)
        >>> state = rmsprop.frameworks.mlx.import_state(optimizer, saved, {"w": jnp.ones(1)})
        >>> updates, state = optimizer.update({"w": jnp.ones(1)}, state)
        >>> print(f"{updates['w'][0]:.4f}")
        -0.5000
    """
    check_port(optimizer, *_PORTS)
    arrays = dict(_flat(read_npz(saved, _FILE), ""))
    if "step" not in arrays:
        raise ValueError(f"saved has no step, the number of steps. {_FILE}")
    return imported(
        optimizer,
        params,
        by_ending(arrays, {"v": ".v"}, ("step", "learning_rate")),
        _SLOTS,
        names=names,
        to_ours=to_ours,
        steps=steps_of(arrays["step"], "step"),
        new=new,
    )


def export_state(
    optimizer: FrameworkOptimizer,
    state: Tree,
    params: Tree,
    *,
    names: Tree,
    to_theirs: Turn | None = None,
    step: int | None = None,
) -> dict[str, np.ndarray]:
    """What `dict(tree_flatten(optimizer.state))` of MLX would be after this run, as NumPy arrays.

    `optimizer.state = tree_unflatten([(name, mx.array(x)) for name, x in saved.items()])` is the
    way back to MLX.

    Args:
        optimizer: The port that made the state.
        state: Its state.
        params: The parameters.
        names: For each leaf the name of its parameter in MLX.
        to_theirs: A function `(name, array) -> array` to MLX's layout.
        step: The number of steps so far, where the state does not count them, as without a
            schedule.

    Returns:
        The arrays by name. `learning_rate` is that of the coming step.

    Raises:
        ValueError: The state is not one of the optimizer, or `step` is missing.
        TypeError: `optimizer` is no port of MLX.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer, params = rmsprop.frameworks.mlx.adagrad(1.0), [jnp.ones(1)]
        >>> _, state = optimizer.update([jnp.array([2.0])], optimizer.init(params))
        >>> export = rmsprop.frameworks.mlx.export_state
        >>> print(export(optimizer, state, params, names=["w"], step=1)["w.v"])
        [4.]
    """
    convention = check_port(optimizer, *_PORTS)
    entries = exported(optimizer, state, params, _SLOTS, names=names, to_theirs=to_theirs)
    check_words(entries.order, "MLX")
    steps = steps_to_save(optimizer, state, step)
    rate, _ = parts_of_rate(convention.learning_rate)
    saved = {
        "step": np.asarray(steps, np.uint64),
        "learning_rate": np.asarray(number_of(rate, steps), np.float32),
    }
    return saved | {f"{name}.v": own["v"] for name, own in entries.arrays.items()}


def _flat(node: object, path: str) -> Iterator[tuple[str, Any]]:
    """The arrays of a tree with their paths."""
    if isinstance(node, Mapping):
        for key, child in node.items():
            yield from _flat(child, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list | tuple):
        for number, child in enumerate(node):
            yield from _flat(child, f"{path}.{number}")
    else:
        yield path, node
