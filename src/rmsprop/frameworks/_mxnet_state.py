"""Runs of MXNet 1.9 that go on here, and runs from here that go on there.

`updater.states` has for the number of each parameter a tuple: `(n,)` of RMSProp, `(n, g, delta)`
with `centered=True`, and of AdaGrad the sum itself.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import optax

from rmsprop._typing import Tree
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer
from rmsprop.frameworks._saved_arrays import (
    Entries,
    Name,
    Turn,
    as_numpy,
    check_numbers,
    refuse_file,
)
from rmsprop.frameworks._saved_state import check_port, exported, imported, with_zeros
from rmsprop.frameworks._slots import MEAN, MOMENTUM, SQUARES

_PORTS = ("mxnet.rmsprop", "mxnet.adagrad")
_FILE = (
    "The states that MXNet writes are a pickle, from which nothing is executed here: load them in"
    " MXNet, and pass updater.states; of a gluon.Trainer that is trainer._updaters[0].states."
)


def import_state(
    optimizer: FrameworkOptimizer,
    saved: Any,  # noqa: ANN401 (a mapping to arrays of any kind)
    params: Tree,
    *,
    names: Tree = None,
    to_ours: Turn | None = None,
    step: int | None = None,
    new: optax.GradientTransformation | None = None,
) -> Tree:
    """The state of a port with which a run of MXNet 1.9 goes on.

    Args:
        optimizer: `frameworks.mxnet.rmsprop(...)` or `adagrad(...)` with the options of the run.
            A saved state does not have them, so that nothing can be compared.
        saved: `updater.states`, by the numbers of the parameters. A path is refused, because the
            file is a pickle.
        params: The parameters, a tree.
        names: For each leaf the number of its parameter: a tree with the structure of `params`, or
            a sequence in the order of its leaves. None takes the order of the leaves.
        to_ours: A function `(name, array) -> array`, which gives the array the layout of the leaf.
        step: The number of steps so far, `optimizer.num_update`. It is needed where the optimizer
            has a schedule.
        new: An optimizer with other options to go on with. The state is converted as by
            `rmsprop.convert_state`.

    Returns:
        A state of `optimizer`, or of `new`.

    Raises:
        ValueError: Arrays are missing, superfluous or have another shape, or `step` is missing.
        TypeError: `optimizer` is no port of MXNet, or `saved` is a path or no mapping.

    Example:
        >>> import jax.numpy as jnp, numpy as np, rmsprop
        >>> saved = {0: (np.array([4.0], np.float32),)}
        >>> optimizer = rmsprop.frameworks.mxnet.rmsprop(1.0, gamma1=0.5)
        >>> state = rmsprop.frameworks.mxnet.import_state(optimizer, saved, [jnp.ones(1)])
        >>> updates, state = optimizer.update([jnp.array([2.0])], state)
        >>> print(f"{updates[0][0]:.4f}")
        -1.0000
    """
    convention = check_port(optimizer, *_PORTS)
    refuse_file(saved, _FILE)
    if not isinstance(saved, Mapping):
        raise TypeError(f"saved is {type(saved).__name__}; it must map numbers to arrays. {_FILE}")
    every = _every_slot(convention)
    arrays: dict[Name, dict[str, np.ndarray]] = {}
    for number, own in saved.items():
        if not isinstance(number, int | str):
            raise TypeError(f"saved has the key {number!r}; it must map numbers to arrays. {_FILE}")
        is_sum = not isinstance(own, list | tuple)
        if is_sum != (convention.decay is None):
            raise ValueError(
                f"saved[{number!r}] is {'one array' if is_sum else 'a tuple'}, as MXNet saves it of"
                f" {'AdaGrad' if is_sum else 'RMSProp'}, and optimizer is {convention.name}. Pass"
                f" the port of the optimizer that was saved."
            )
        values = [own] if is_sum else own
        called = [*every, *(f"array {k}" for k in range(len(every), len(values)))]
        arrays[number] = {
            slot: as_numpy(x, f"saved[{number!r}], {slot},")
            for slot, x in zip(called, values, strict=False)
        }
    return imported(
        optimizer,
        params,
        Entries(tuple(arrays), arrays),
        _slots_of(convention),
        names=names,
        to_ours=to_ours,
        steps=step,
        new=new,
        spare=tuple(every),
    )


def export_state(
    optimizer: FrameworkOptimizer,
    state: Tree,
    params: Tree,
    *,
    names: Tree = None,
    to_theirs: Turn | None = None,
) -> dict[Name, Any]:
    """What `updater.states` of MXNet would be after this run, with NumPy arrays.

    Args:
        optimizer: The port that made the state.
        state: Its state.
        params: The parameters.
        names: For each leaf the number of its parameter; None takes the order of the leaves.
        to_theirs: A function `(name, array) -> array` to MXNet's layout.

    Returns:
        By the number of the parameter a tuple of arrays, or for AdaGrad an array. MXNet takes them
        as `mx.nd.array(x)`. A buffer that is not used (`gamma2=0`) is 0. The number of steps is
        MXNet's `optimizer.num_update`, which is not among them.

    Raises:
        ValueError: The state is not one of the optimizer.
        TypeError: `optimizer` is no port of MXNet.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer, params = rmsprop.frameworks.mxnet.adagrad(1.0), [jnp.ones(1)]
        >>> _, state = optimizer.update([jnp.array([2.0])], optimizer.init(params))
        >>> rmsprop.frameworks.mxnet.export_state(optimizer, state, params)
        {0: array([4.], dtype=float32)}
    """
    convention = check_port(optimizer, *_PORTS)
    slots = _slots_of(convention)
    entries = exported(optimizer, state, params, slots, names=names, to_theirs=to_theirs)
    check_numbers(entries.order, "MXNet", "Pass the number of each, as in updater.states.")
    saved: dict[Name, Any] = {}
    for number, own in entries.arrays.items():
        values = tuple(with_zeros(own, _every_slot(convention)).values())
        saved[number] = own["n"] if convention.decay is None else values
    return saved


def _every_slot(convention: Convention) -> dict[str, str]:
    """The slots that MXNet has, in its order."""
    if convention.centered:
        return {"n": SQUARES, "g": MEAN, "delta": MOMENTUM}
    return {"n": SQUARES}


def _slots_of(convention: Convention) -> dict[str, str]:
    """The slots that the port has with its options."""
    slots = _every_slot(convention)
    if convention.momentum is None:
        slots.pop("delta", None)
    return slots
