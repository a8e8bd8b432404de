"""Runs of PaddlePaddle that go on here, and runs from here that go on there.

`optimizer.state_dict()` has a tensor for each parameter and slot, `<parameter>_<slot>_0`, with the
slots `mean_square`, `momentum` and `mean_grad` of RMSProp, all three whatever the options, and
`moment` of Adagrad.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import optax

from rmsprop._typing import Tree
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer
from rmsprop.frameworks._saved_arrays import Turn, by_ending, check_words, read_npz
from rmsprop.frameworks._saved_state import check_port, exported, imported, with_zeros
from rmsprop.frameworks._slots import MEAN, MOMENTUM, SQUARES

_PORTS = ("paddle.rmsprop", "paddle.adagrad")
# What else Paddle saves: its scheduler, and the parameters in float32 of those in half precision.
_OTHERS = ("LR_Scheduler", "master_weights")
_FILE = (
    "A .pdopt file of Paddle is a pickle, from which nothing is executed here: pass what"
    " paddle.load(path) returns, or the path of an .npz file of its arrays."
)


def import_state(
    optimizer: FrameworkOptimizer,
    saved: Any,  # noqa: ANN401 (a mapping to arrays of any kind, or a path)
    params: Tree,
    *,
    names: Tree = None,
    to_ours: Turn | None = None,
    step: int | None = None,
    new: optax.GradientTransformation | None = None,
) -> Tree:
    """The state of a port with which a run of Paddle goes on.

    Args:
        optimizer: `frameworks.paddle.rmsprop(...)` or `adagrad(...)` with the options of the run.
            A saved state does not have them, so that nothing can be compared.
        saved: What `optimizer.state_dict()` returned, or the path of an `.npz` file of its arrays.
            The state of a scheduler and master weights, which are parameters in float32, are passed
            over.
        params: The parameters, a tree.
        names: For each leaf the name of its parameter in Paddle, `parameter.name`: a tree with the
            structure of `params`, or a sequence in the order of its leaves. None takes the order of
            the leaves for that of the tensors.
        to_ours: A function `(name, array) -> array`, which gives the array the layout of the leaf.
        step: The number of steps so far, which Paddle does not save. It is needed where the
            optimizer has a schedule.
        new: An optimizer with other options to go on with. The state is converted as by
            `rmsprop.convert_state`.

    Returns:
        A state of `optimizer`, or of `new`. Buffers that the options do not use are left out.

    Raises:
        ValueError: Tensors are missing, superfluous or have another shape, or `step` is missing.
        TypeError: `optimizer` is no port of Paddle, or `saved` is a path of another file.

    Example:
        >>> import jax.numpy as jnp, numpy as np, rmsprop
        >>> saved = {"linear_0.w_0_moment_0": np.array([3.0], np.float32)}
        >>> optimizer = rmsprop.frameworks.paddle.adagrad(1.0)
        >>> state = rmsprop.frameworks.paddle.import_state(optimizer, saved, [jnp.ones(1)])
        >>> updates, state = optimizer.update([jnp.ones(1)], state)
        >>> print(f"{updates[0][0]:.4f}")
        -0.5000
    """
    convention = check_port(optimizer, *_PORTS)
    every = _every_slot(convention)
    return imported(
        optimizer,
        params,
        by_ending(read_npz(saved, _FILE), {slot: f"_{slot}_0" for slot in every}, _OTHERS),
        _slots_of(convention),
        names=names,
        to_ours=to_ours,
        steps=step,
        new=new,
        negated=("momentum",),
        spare=tuple(every),
    )


def export_state(
    optimizer: FrameworkOptimizer,
    state: Tree,
    params: Tree,
    *,
    names: Tree,
    to_theirs: Turn | None = None,
) -> dict[str, np.ndarray]:
    """What `optimizer.state_dict()` of Paddle would be after this run, with NumPy arrays.

    Args:
        optimizer: The port that made the state.
        state: Its state.
        params: The parameters.
        names: For each leaf the name of its parameter in Paddle.
        to_theirs: A function `(name, array) -> array` to Paddle's layout.

    Returns:
        The arrays by Paddle's names, which `optimizer.set_state_dict` takes as tensors:
        `{name: paddle.to_tensor(x) for name, x in saved.items()}`. Buffers that the options do not
        use are 0. The scheduler of a rate has a state of its own, which is not among them.

    Raises:
        ValueError: The state is not one of the optimizer.
        TypeError: `optimizer` is no port of Paddle.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer, params = rmsprop.frameworks.paddle.adagrad(1.0), [jnp.ones(1)]
        >>> _, state = optimizer.update([jnp.array([2.0])], optimizer.init(params))
        >>> rmsprop.frameworks.paddle.export_state(optimizer, state, params, names=["w"])
        {'w_moment_0': array([4.], dtype=float32)}
    """
    convention = check_port(optimizer, *_PORTS)
    entries = exported(
        optimizer,
        state,
        params,
        _slots_of(convention),
        names=names,
        to_theirs=to_theirs,
        negated=("momentum",),
    )
    check_words(entries.order, "Paddle")
    every = _every_slot(convention)
    arrays = {name: with_zeros(own, every) for name, own in entries.arrays.items()}
    return {f"{name}_{slot}_0": own[slot] for slot in every for name, own in arrays.items()}


def _every_slot(convention: Convention) -> Mapping[str, str]:
    """The slots that Paddle has, in its order."""
    if convention.decay is None:
        return {"moment": SQUARES}
    return {"momentum": MOMENTUM, "mean_square": SQUARES, "mean_grad": MEAN}


def _slots_of(convention: Convention) -> dict[str, str]:
    """The slots that the port has with its options, by Paddle's names."""
    unused = set()
    if convention.momentum is None:
        unused.add("momentum")
    if not convention.centered:
        unused.add("mean_grad")
    return {name: slot for name, slot in _every_slot(convention).items() if name not in unused}
