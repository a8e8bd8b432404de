"""Runs of TensorFlow 1 that go on here, and runs from here that go on there.

A checkpoint of `tf.compat.v1.train.Saver` has a tensor for each variable, by name.  The optimizer's
slots stand beside the parameter under its own name, with a number from the second slot on, in the
order in which they are created:

    kernel/RMSProp      the average of the squares (`rms`)
    kernel/RMSProp_1    the momentum buffer; with `centered=True` the mean of the gradients (`mg`)
    kernel/RMSProp_2    with `centered=True` the momentum buffer
    kernel/Adagrad      the sum of the squares (`accumulator`)

A slot that is created in a variable scope has the scope twice: `net/net/kernel/RMSProp`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optax

from rmsprop._typing import Tree
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer
from rmsprop.frameworks._leaves import Leaves
from rmsprop.frameworks._pairing import names_of
from rmsprop.frameworks._saved_arrays import (
    Entries,
    Name,
    Turn,
    as_numpy,
    check_words,
    read_npz,
)
from rmsprop.frameworks._saved_state import check_port, exported, imported, with_zeros
from rmsprop.frameworks._slots import MEAN, MOMENTUM, SQUARES

_PORTS = ("tensorflow.rmsprop", "tensorflow.adagrad")
_PATH = (
    "A checkpoint of TensorFlow is read by TensorFlow:"
    " reader = tf.train.load_checkpoint(path), and"
    " saved = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}."
    " An .npz file of these arrays is read here."
)


def import_state(
    optimizer: FrameworkOptimizer,
    saved: Any,  # noqa: ANN401 (a mapping to arrays of any kind, or a path)
    params: Tree,
    *,
    names: Tree,
    to_ours: Turn | None = None,
    step: int | None = None,
    new: optax.GradientTransformation | None = None,
    label: str | None = None,
) -> Tree:
    """The state of a port with which a run of TensorFlow 1 goes on.

    Args:
        optimizer: `frameworks.tensorflow.rmsprop(...)` or `adagrad(...)` with the options of the
            run. A checkpoint does not have them, so that nothing can be compared.
        saved: The tensors of a checkpoint by name, or the path of an `.npz` file of them. Tensors
            that are no slots of this optimizer are passed over: a checkpoint also has the
            parameters themselves.
        params: The parameters, a tree.
        names: For each leaf the name of its variable, such as `"net/kernel"`: a tree with the
            structure of `params`, or a sequence in the order of its leaves.
        to_ours: A function `(name, array) -> array`, which gives the array the layout of the leaf.
        step: The number of steps so far, often the tensor `global_step`. It is needed where the
            optimizer has a schedule.
        new: An optimizer with other options to go on with. The state is converted as by
            `rmsprop.convert_state`.
        label: The `name` of TensorFlow's optimizer; None for `RMSProp` and `Adagrad`.

    Returns:
        A state of `optimizer`, or of `new`. TensorFlow keeps a momentum buffer without momentum
        too, which then is not used and is left out.

    Raises:
        ValueError: Tensors are missing, superfluous or have another shape, or `step` is missing.
        TypeError: `optimizer` is no port of TensorFlow 1, or `saved` is a path of another file.

    Example:
        >>> import jax.numpy as jnp, numpy as np, rmsprop
        >>> saved = {"w/RMSProp": np.ones(1), "w/RMSProp_1": np.array([0.5])}
        >>> optimizer = rmsprop.frameworks.tensorflow.rmsprop(0.1, momentum=0.9)
        >>> import_state = rmsprop.frameworks.tensorflow.import_state
        >>> state = import_state(optimizer, saved, {"w": jnp.ones(1)}, names={"w": "w"})
        >>> updates, state = optimizer.update({"w": jnp.zeros(1)}, state)
        >>> print(f"{updates['w'][0]:.4f}")
        -0.4500
    """
    convention = check_port(optimizer, *_PORTS)
    tensors = read_npz(saved, _PATH)
    slots = _slots_of(convention)
    suffixes = {slot: f"{_label(convention, label)}{end}" for slot, end in _ends(convention)}
    arrays: dict[Name, dict[str, np.ndarray]] = {}
    used: set[str] = set()
    chosen = names_of(Leaves.of(params), names)
    if chosen is None:
        raise ValueError("names is None; pass for each leaf the name of its variable.")
    check_words(chosen, "TensorFlow")
    for name in chosen:
        keys = {slot: _key(tensors, str(name), suffix) for slot, suffix in suffixes.items()}
        arrays[name] = {
            slot: as_numpy(tensors[key], f"saved[{key!r}]") for slot, key in keys.items() if key
        }
        used |= {key for key in keys.values() if key}
    _check_slots(convention, [key for key in tensors if key not in used], label)
    known = tuple(name for name, own in arrays.items() if own)
    return imported(
        optimizer,
        params,
        Entries(known, arrays),
        slots,
        names=names,
        to_ours=to_ours,
        steps=step,
        new=new,
        negated=("momentum",),
        spare=("momentum",),
    )


def export_state(
    optimizer: FrameworkOptimizer,
    state: Tree,
    params: Tree,
    *,
    names: Tree,
    to_theirs: Turn | None = None,
    label: str | None = None,
) -> dict[str, np.ndarray]:
    """The slots that TensorFlow 1 would have saved after this run, by name.

    Args:
        optimizer: The port that made the state.
        state: Its state.
        params: The parameters.
        names: For each leaf the name of its variable, as in `import_state`.
        to_theirs: A function `(name, array) -> array` to TensorFlow's layout.
        label: The `name` of TensorFlow's optimizer; None for `RMSProp` and `Adagrad`.

    Returns:
        The arrays by the name of the tensor, without the parameters. Without momentum the buffer,
        which TensorFlow then keeps and does not use, is 0. `optimizer.get_slot(variable, "rms")`
        is the variable to load one into. The number of steps is none of the optimizer's.

    Raises:
        ValueError: The state is not one of the optimizer.
        TypeError: `optimizer` is no port of TensorFlow 1.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.tensorflow.adagrad(0.5)
        >>> params = {"w": jnp.ones(1)}
        >>> _, state = optimizer.update({"w": jnp.array([2.0])}, optimizer.init(params))
        >>> export = rmsprop.frameworks.tensorflow.export_state
        >>> print(export(optimizer, state, params, names={"w": "net/w"}))
        {'net/w/Adagrad': array([4.1], dtype=float32)}
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
    check_words(entries.order, "TensorFlow")
    ends = dict(_ends(convention))
    return {
        f"{name}/{_label(convention, label)}{ends[slot]}": array
        for name in entries.order
        for slot, array in with_zeros(entries.arrays[name], ends).items()
    }


def _check_slots(convention: Convention, others: Sequence[str], label: str | None) -> None:
    """Refuses tensors that are slots of this optimizer and belong to no parameter.

    Raises:
        ValueError: There is one.
    """
    ending = re.compile(rf".*/{re.escape(_label(convention, label))}(_\d+)?")
    found = [key for key in others if ending.fullmatch(key)]
    if found:
        raise ValueError(
            f"saved has {', '.join(found[:10])}, which belongs to no parameter in names, or which"
            f" {convention.name} does not have with these options: with centered=True TensorFlow"
            f" has three slots. Pass names for all parameters and the options of the run; of a part"
            f" of the parameters pass their tensors alone."
        )


def _slots_of(convention: Convention) -> dict[str, str]:
    """The slots that the port has with its options, by TensorFlow's names."""
    if convention.decay is None:
        return {"accumulator": SQUARES}
    slots = {"rms": SQUARES}
    if convention.centered:
        slots["mg"] = MEAN
    if convention.momentum is not None:
        slots["momentum"] = MOMENTUM
    return slots


def _ends(convention: Convention) -> list[tuple[str, str]]:
    """The slots that TensorFlow has, and how it numbers them."""
    if convention.decay is None:
        return [("accumulator", "")]
    slots = ["rms", "mg", "momentum"] if convention.centered else ["rms", "momentum"]
    return [(slot, f"_{number}" if number else "") for number, slot in enumerate(slots)]


def _label(convention: Convention, label: str | None) -> str:
    if label is not None:
        return label
    return "Adagrad" if convention.decay is None else "RMSProp"


def _key(tensors: Mapping[str, Any], name: str, suffix: str) -> str | None:
    """The tensor of a slot of a variable, which may have the variable scope before it again."""
    wanted = f"{name}/{suffix}"
    if wanted in tensors:
        return wanted
    scope = name.rpartition("/")[0]
    doubled = f"{scope}/{wanted}"
    return doubled if scope and doubled in tensors else None
