"""Runs of Keras that go on here, and runs from here that go on in Keras.

Keras keeps the variables of an optimizer in one list.  With `n` trained variables it has

    iteration, [learning_rate], n of each: [average], [gradient_accumulator],
    velocity, [momentum], [average_gradient]                                (RMSprop)
    accumulator                                                             (Adagrad)

with `learning_rate` only where the rate is a number, and since Keras 3 only.  Before TensorFlow
2.11 the list is `iter`, then `n` of each of `rms`, [`momentum`], [`mg`], or of `accumulator`.
"""

import functools
import os
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

from rmsprop._typing import Tree
from rmsprop.frameworks import _slots as slots_
from rmsprop.frameworks._convention import FrameworkOptimizer
from rmsprop.frameworks._keras_files import Stored, read
from rmsprop.frameworks._keras_options import (
    calls_per_step,
    check_class,
    check_exclusions,
    check_generation,
    is_legacy,
    options_of,
    with_limits,
)
from rmsprop.frameworks._keras_shelf import Shelf
from rmsprop.frameworks._leaves import Leaves
from rmsprop.frameworks._pairing import numbers_in
from rmsprop.frameworks._saved_arrays import Entries, Turn, check_numbers, number_of, steps_of
from rmsprop.frameworks._saved_state import (
    check_options,
    check_port,
    exported,
    imported,
    refuse_traced,
    steps_to_save,
)
from rmsprop.frameworks._slots import AVERAGE, GRADIENTS, MEAN, MOMENTUM, SQUARES

_PORTS = ("keras.rmsprop", "keras.adagrad", "keras.legacy_rmsprop", "keras.legacy_adagrad")
_SLOTS = {
    "keras.rmsprop": {
        "average": AVERAGE,
        "gradient_accumulator": GRADIENTS,
        "velocity": SQUARES,
        "momentum": MOMENTUM,
        "average_gradient": MEAN,
    },
    "keras.adagrad": {
        "average": AVERAGE,
        "gradient_accumulator": GRADIENTS,
        "accumulator": SQUARES,
    },
    "keras.legacy_rmsprop": {"rms": SQUARES, "momentum": MOMENTUM, "mg": MEAN},
    "keras.legacy_adagrad": {"accumulator": SQUARES},
}


def import_state(
    optimizer: FrameworkOptimizer,
    saved: Any,  # noqa: ANN401 (Keras' own variables, arrays, an optimizer or a path)
    params: Tree,
    *,
    names: Tree = None,
    to_ours: Turn | None = None,
    new: optax.GradientTransformation | None = None,
    check: bool = True,
) -> Tree:
    """The state of a port with which a run of Keras goes on.

    Args:
        optimizer: `frameworks.keras.rmsprop(...)`, `adagrad(...)`, `legacy_rmsprop(...)` or
            `legacy_adagrad(...)` with the options of the run.
        saved: Keras' optimizer, its `variables` or their values (`get_weights()` before Keras 3),
            or the path of a `.keras` or `.weights.h5` file, which h5py reads.
        params: The parameters, a tree. Those that are not trained have no variable.
        names: For each leaf the number of its variable in `model.trainable_variables`, or the
            path of the variable where `saved` has the optimizer or its variables: a tree with the
            structure of `params`, or a sequence in the order of its leaves. None takes the order
            of the leaves. Keras has `kernel` before `bias`, and JAX sorts the keys of a
            dictionary: pass the numbers, for example those of `flax_layout`.
        to_ours: A function `(name, array) -> array`, which gives the array the layout of the leaf.
        new: An optimizer with other options to go on with. The state is converted as by
            `rmsprop.convert_state`, and the number of steps is the one that was saved.
        check: Compare the options with those that were saved, which are in a `.keras` file and in
            an optimizer. The rate is not compared.

    Returns:
        A state of `optimizer`, or of `new`.

    Raises:
        ValueError: Variables are missing, superfluous or have another shape, or options differ.
        TypeError: `optimizer` is no port of Keras.
        ModuleNotFoundError: `saved` is a path, and h5py is missing.

    Example:
        >>> import jax.numpy as jnp, numpy as np, rmsprop
        >>> keras = rmsprop.frameworks.keras
        >>> saved = [np.int32(3), np.float32(0.1), np.array([4.0], np.float32)]
        >>> optimizer = keras.rmsprop(learning_rate=0.1, rho=0.5)
        >>> state = keras.import_state(optimizer, saved, {"w": jnp.ones(1)})
        >>> updates, state = optimizer.update({"w": jnp.array([2.0])}, state)
        >>> print(f"{updates['w'][0]:.4f}")
        -0.1000
    """
    convention = check_port(optimizer, *_PORTS)
    stored = _stored(saved)
    check_generation(convention, stored.paths, stored.options)
    if check and stored.options:
        where = f"{type(saved).__name__ if not isinstance(saved, str | os.PathLike) else saved}"
        check_class(convention, stored.options)
        check_options(convention.name, where, with_limits(stored.options), options_of(convention))
        check_exclusions(saved, stored.options)
    slots = _slots_of(optimizer, params)
    refuse_traced(params)
    shelf = Shelf.of(stored, slots, Leaves.of(params), convention)
    return imported(
        optimizer,
        params,
        _scaled(shelf.entries(names), 1 / number_of(convention.gradient_scale)),
        slots,
        names=names,
        to_ours=to_ours,
        steps=steps_of(stored.values[0], "variable 0 of saved, the iteration,"),
        new=new,
        per_step=calls_per_step(convention),
        negated=("momentum",),
    )


def export_state(
    optimizer: FrameworkOptimizer,
    state: Tree,
    params: Tree,
    *,
    names: Tree = None,
    to_theirs: Turn | None = None,
    step: int | None = None,
    order: Sequence[str] | None = None,
) -> list[np.ndarray]:
    """What `optimizer.variables` of Keras would hold after this run, as NumPy arrays.

    `optimizer.set_weights(saved)` of Keras takes it once the optimizer is built, for example by
    `optimizer.build(model.trainable_variables)`.

    Args:
        optimizer: The port that made the state.
        state: Its state.
        params: The parameters.
        names: For each leaf the number of its variable, as in `import_state`, or with `order` its
            path.
        to_theirs: A function `(name, array) -> array` to Keras' layout.
        step: The number of calls so far, where the state does not count them, as without a
            schedule, an average and accumulation.
        order: The paths in Keras' order, `[v.path for v in model.trainable_variables]`. They number
            those of `names`.

    Returns:
        The list. Arrays have the dtype of the state, which is at least float32. The rate is among
        them where Keras has a variable of it, which is where it is a number, and never before
        TensorFlow 2.11. (`tf.keras` of 2.11 and later has none in this list: leave out the second
        array.) Of a centered optimizer `velocity` is `var + mu**2`.

    Raises:
        ValueError: The state is not one of the optimizer, or `step` is missing.
        TypeError: `optimizer` is no port of Keras.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.keras.adagrad(0.5, initial_accumulator_value=0.0)
        >>> params = [jnp.ones(1)]
        >>> _, state = optimizer.update([jnp.array([2.0])], optimizer.init(params))
        >>> print(rmsprop.frameworks.keras.export_state(optimizer, state, params, step=1))
        [array(1, dtype=int32), array(0.5, dtype=float32), array([4.], dtype=float32)]
    """
    convention = check_port(optimizer, *_PORTS)
    slots = _slots_of(optimizer, params)
    entries = exported(
        optimizer,
        state,
        params,
        slots,
        names=names,
        to_theirs=to_theirs,
        negated=("momentum",),
    )
    entries = _scaled(entries, number_of(convention.gradient_scale))
    numbered = {numbers_in(order, name, "Keras"): name for name in entries.order}
    remedy = "Pass order=[v.path for v in model.trainable_variables], in which each has its number."
    check_numbers(numbered, "Keras", remedy)
    if {*numbered} != {*range(len(numbered))}:
        raise ValueError(
            f"names has the numbers {', '.join(map(str, numbered))}; Keras keeps all variables in"
            f" one list, so that they must be 0 to {len(numbered) - 1}."
        )
    steps = steps_to_save(optimizer, state, step, calls_per_step(convention))
    legacy = is_legacy(convention)
    values = [np.asarray(steps, np.int64 if legacy else np.int32)]
    if not legacy and not callable(convention.learning_rate):
        dtypes = (jnp.result_type(leaf) for leaf in Leaves.of(params).values)
        dtype = functools.reduce(np.promote_types, dtypes, np.dtype(np.float32))
        values.append(np.asarray(number_of(convention.learning_rate), dtype))
    own = [entries.arrays[numbered[number]] for number in range(len(numbered))]
    return values + [arrays[slot] for slot in slots for arrays in own]


def _scaled(entries: Entries, factor: float) -> Entries:
    """The entries with accumulated gradients multiplied.

    Keras divides by its loss scale before it accumulates, and the port after that.
    """
    if factor == 1:
        return entries
    name = "gradient_accumulator"
    arrays = {
        key: {slot: x * x.dtype.type(factor) if slot == name else x for slot, x in own.items()}
        for key, own in entries.arrays.items()
    }
    return Entries(entries.order, arrays)


def _stored(saved: Any) -> Stored:  # noqa: ANN401 (see `import_state`)
    """What was saved as values, with what else is known of it.

    Raises:
        TypeError: It is nothing that Keras saves.
        ValueError: It is empty.
    """
    if isinstance(saved, str | os.PathLike):
        return read(os.fspath(saved)).of_inner()
    options: Mapping[str, Any] = {}
    if hasattr(saved, "variables") and hasattr(saved, "get_config"):
        saved = getattr(saved, "inner_optimizer", saved)
        options = {"class_name": type(saved).__name__, **saved.get_config()}
        saved = saved.weights if hasattr(saved, "_hyper") else saved.variables
        saved = saved() if callable(saved) else saved
    if not isinstance(saved, Sequence) or isinstance(saved, bytes):
        raise TypeError(
            f"saved is {type(saved).__name__}; it must be Keras' optimizer, the list of its"
            f" variables or of their values, or the path of a file."
        )
    values = [*saved]
    if not values:
        raise ValueError(
            "saved is empty: pass the optimizer or its variables after it has been built, or the"
            " path of a file that was saved with the optimizer."
        )
    paths = [str(getattr(v, "path", getattr(v, "name", ""))) for v in values]
    return Stored(values, paths if all(paths) else [], options).of_inner()


def _slots_of(optimizer: FrameworkOptimizer, params: Tree) -> dict[str, str]:
    """The slots that the optimizer has with its options, in Keras' order."""
    kept = slots_.slots_of(optimizer.init(params))
    every = _SLOTS[optimizer.convention.name]
    return {theirs: ours for theirs, ours in every.items() if ours in kept}
