"""Runs of Chainer that go on here, and runs from here that go on there.

`chainer.serializers.save_npz(path, optimizer)` writes the number of steps `t` and, for each
parameter, `<parameter>/<slot>`: `ms` of RMSprop, `n`, `g` and `delta` of RMSpropGraves, and `h` of
AdaGrad.
"""

from typing import Any

import numpy as np
import optax

from rmsprop._typing import Tree
from rmsprop.frameworks._convention import FrameworkOptimizer
from rmsprop.frameworks._saved_arrays import (
    Turn,
    by_ending,
    check_words,
    read_npz,
    steps_of,
)
from rmsprop.frameworks._saved_state import (
    check_port,
    exported,
    imported,
    steps_to_save,
    with_zeros,
)
from rmsprop.frameworks._slots import MEAN, MOMENTUM, SQUARES, slots_of

_SLOTS = {
    "chainer.rmsprop": {"ms": SQUARES},
    "chainer.rmsprop_graves": {"n": SQUARES, "g": MEAN, "delta": MOMENTUM},
    "chainer.adagrad": {"h": SQUARES},
}
_FILE = (
    "Chainer's files are .npz files, which chainer.serializers.save_npz(path, optimizer) writes."
)


def import_state(
    optimizer: FrameworkOptimizer,
    saved: Any,  # noqa: ANN401 (a mapping to arrays, or a path)
    params: Tree,
    *,
    names: Tree = None,
    to_ours: Turn | None = None,
    new: optax.GradientTransformation | None = None,
) -> Tree:
    """The state of a port with which a run of Chainer goes on.

    Args:
        optimizer: A port of `frameworks.chainer` with the options of the run. A saved state does
            not have them, so that nothing can be compared.
        saved: The path of the `.npz` file that `chainer.serializers.save_npz(path, optimizer)`
            wrote, or its arrays by name.
        params: The parameters, a tree.
        names: For each leaf the name of its parameter in Chainer, such as `"l1/W"`: a tree with the
            structure of `params`, or a sequence in the order of its leaves. None takes the order of
            the leaves for that of the file.
        to_ours: A function `(name, array) -> array`, which gives the array the layout of the leaf.
        new: An optimizer with other options to go on with. The state is converted as by
            `rmsprop.convert_state`, and the number of steps is the one that was saved.

    Returns:
        A state of `optimizer`, or of `new`.

    Raises:
        ValueError: Arrays are missing, superfluous or have another shape.
        TypeError: `optimizer` is no port of Chainer, or `saved` is a path of another file.

    Example:
        >>> import jax.numpy as jnp, numpy as np, rmsprop
        >>> saved = {"t": np.array(3), "l1/W/h": np.array([3.0], np.float32)}
        >>> optimizer = rmsprop.frameworks.chainer.adagrad(1.0)
        >>> state = rmsprop.frameworks.chainer.import_state(optimizer, saved, [jnp.ones(1)])
        >>> updates, state = optimizer.update([jnp.ones(1)], state)
        >>> print(f"{updates[0][0]:.4f}")
        -0.5000
    """
    convention = check_port(optimizer, *_SLOTS)
    arrays = read_npz(saved, _FILE)
    slots = _SLOTS[convention.name]
    if "t" not in arrays:
        raise ValueError(f"saved has no t, the number of steps. {_FILE}")
    kept = slots_of(optimizer.init(params))
    passed = {"t", "epoch", *(name for name in arrays if name.endswith("/t"))}
    return imported(
        optimizer,
        params,
        by_ending(arrays, {slot: f"/{slot}" for slot in slots}, passed),
        {slot: ours for slot, ours in slots.items() if ours in kept},
        names=names,
        to_ours=to_ours,
        steps=steps_of(arrays["t"], "t"),
        new=new,
        spare=tuple(slots),
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
    """What `chainer.serializers.save_npz` would have written after this run, as arrays by name.

    `numpy.savez(path, **saved)` writes the file that `chainer.serializers.load_npz` reads.

    Args:
        optimizer: The port that made the state.
        state: Its state.
        params: The parameters.
        names: For each leaf the name of its parameter in Chainer.
        to_theirs: A function `(name, array) -> array` to Chainer's layout.
        step: The number of steps so far, where the state does not count them, as without a
            schedule.

    Returns:
        The arrays. Chainer's count of epochs, which no optimizer uses, is 0. A buffer that is not
        used (`momentum=0`) is 0.

    Raises:
        ValueError: The state is not one of the optimizer, or `step` is missing.
        TypeError: `optimizer` is no port of Chainer.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer, params = rmsprop.frameworks.chainer.adagrad(1.0), [jnp.ones(1)]
        >>> _, state = optimizer.update([jnp.array([2.0])], optimizer.init(params))
        >>> export = rmsprop.frameworks.chainer.export_state
        >>> print(export(optimizer, state, params, names=["W"], step=1)["W/h"])
        [4.]
    """
    convention = check_port(optimizer, *_SLOTS)
    slots = _SLOTS[convention.name]
    entries = exported(optimizer, state, params, slots, names=names, to_theirs=to_theirs)
    check_words(entries.order, "Chainer")
    steps = steps_to_save(optimizer, state, step)
    saved = {"t": np.asarray(steps, np.int64), "epoch": np.zeros([], np.int64)}
    for name, own in entries.arrays.items():
        saved[f"{name}/t"] = np.asarray(steps, np.int64)
        saved |= {f"{name}/{slot}": array for slot, array in with_zeros(own, slots).items()}
    return saved
