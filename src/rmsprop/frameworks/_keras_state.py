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
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from rmsprop._typing import Tree
from rmsprop.frameworks import _slots as slots_
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer
from rmsprop.frameworks._keras_files import Stored, read
from rmsprop.frameworks._keras_options import calls_per_step, check_class, is_legacy, options_of
from rmsprop.frameworks._saved_arrays import Entries, Name, Turn, as_numpy, number_of
from rmsprop.frameworks._saved_state import (
    check_options,
    check_port,
    exported,
    imported,
    steps_to_save,
)
from rmsprop.frameworks._slots import AVERAGE, GRADIENTS, MEAN, MOMENTUM, SQUARES, Leaves

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
    if check and stored.options:
        where = f"{type(saved).__name__ if not isinstance(saved, str | os.PathLike) else saved}"
        check_class(convention, stored.options)
        check_options(convention.name, where, stored.options, options_of(convention))
    slots = _slots_of(optimizer, params)
    count = len(Leaves.of(params).paths)
    shelf = _Shelf.of(stored, slots, count, convention)
    return imported(
        optimizer,
        params,
        _scaled(shelf.entries(names), 1 / number_of(convention.gradient_scale)),
        slots,
        names=names,
        to_ours=to_ours,
        steps=int(as_numpy(stored.values[0])),
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
) -> list[np.ndarray]:
    """What `optimizer.variables` of Keras would hold after this run, as NumPy arrays.

    `optimizer.set_weights(saved)` of Keras takes it once the optimizer is built, for example by
    `optimizer.build(model.trainable_variables)`.

    Args:
        optimizer: The port that made the state.
        state: Its state.
        params: The parameters.
        names: For each leaf the number of its variable, as in `import_state`.
        to_theirs: A function `(name, array) -> array` to Keras' layout.
        step: The number of calls so far, where the state does not count them, as without a
            schedule, an average and accumulation.

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
    words = [name for name in entries.order if isinstance(name, str)]
    if words:
        raise ValueError(
            f"names has {words[0]!r}; Keras numbers its variables in the order of"
            f" model.trainable_variables. Pass the number of each:"
            f" [v.path for v in model.trainable_variables].index(name)."
        )
    steps = steps_to_save(optimizer, state, step, calls_per_step(convention))
    legacy = is_legacy(convention)
    values = [np.asarray(steps, np.int64 if legacy else np.int32)]
    if not legacy and not callable(convention.learning_rate):
        dtypes = (jnp.result_type(leaf) for leaf in Leaves.of(params).values)
        dtype = functools.reduce(np.promote_types, dtypes, np.dtype(np.float32))
        values.append(np.asarray(number_of(convention.learning_rate), dtype))
    return values + [entries.arrays[name][slot] for slot in slots for name in entries.order]


@dataclass(frozen=True)
class _Shelf:
    """The list of variables, taken apart.

    Attributes:
        arrays: For each variable of the model its slots.
        names: The paths of these variables as far as Keras wrote them, without slashes.
    """

    arrays: list[dict[str, np.ndarray]]
    names: list[str]

    @classmethod
    def of(
        cls, stored: Stored, slots: Mapping[str, str], count: int, convention: Convention
    ) -> "_Shelf":
        """Reads the list by the order that Keras writes.

        Raises:
            ValueError: It has another length than this order.
        """
        rest = len(stored.values) - 1
        has_rate = not is_legacy(convention) and rest % len(slots) == 1
        if len(slots) == 1 and not is_legacy(convention):  # the lengths differ by one alone
            scalar = rest > 0 and np.ndim(as_numpy(stored.values[1])) == 0
            has_rate = scalar and rest != count
        first = 2 if has_rate else 1
        number, left = divmod(len(stored.values) - first, len(slots))
        if left:
            shapes = ", ".join(str(np.shape(as_numpy(x))) for x in stored.values[:12])
            raise ValueError(
                f"saved has {len(stored.values)} variables of the shapes {shapes}, ...;"
                f" {convention.name} has with these options 1 or 2, and {', '.join(slots)} for each"
                f" of {count} parameters. Pass the options of the run that was saved."
            )
        arrays: list[dict[str, np.ndarray]] = [{} for _ in range(number)]
        for position, slot in enumerate(slots):
            for index in range(number):
                if stored.paths:
                    _check_slot(stored.paths[first + position * number + index], slot, convention)
                arrays[index][slot] = as_numpy(stored.values[first + position * number + index])
        slot = next(iter(slots))
        paths = stored.paths[first : first + number]
        return cls(arrays, [_without(path, slot) for path in paths])

    def entries(self, names: Tree) -> Entries:
        """The variables under their paths where `names` has paths, and otherwise by number."""
        order: Sequence[Name] = range(len(self.arrays))
        if any(isinstance(leaf, str) for leaf in jax.tree.leaves(names)):
            wanted = [leaf for leaf in jax.tree.leaves(names) if isinstance(leaf, str)]
            by_path = {leaf.replace("/", "_"): leaf for leaf in wanted}
            order = [by_path.get(name, name) for name in self.names]
            if not order:
                raise ValueError(
                    f"names has {wanted[0]!r}, and saved has no names: pass the number of each"
                    f" variable, or Keras' optimizer or its variables instead of their values."
                )
        return Entries(tuple(order), dict(zip(order, self.arrays, strict=True)))


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


def _without(path: str, slot: str) -> str:
    """The variable of the model that a variable of the optimizer belongs to.

    Keras 3 writes `optimizer/model_dense_kernel_velocity`, `tf.keras` `RMSprop/velocity/kernel:0`,
    and before 2.11 `RMSprop/kernel/rms:0`.
    """
    parts = path.partition(":")[0].split("/")[1:]
    parts = [part for part in parts if part != slot]
    return "_".join(parts).removesuffix(f"_{slot}")


def _check_slot(path: str, slot: str, convention: Convention) -> None:
    """Refuses a variable whose path says that it is another slot.

    Raises:
        ValueError: It is.
    """
    words = path.partition(":")[0].split("/")
    is_sum = words[-1].endswith("_gradient_accumulator")  # which ends like Adagrad's slot
    if slot not in words and (not words[-1].endswith(f"_{slot}") or (is_sum and "_" not in slot)):
        raise ValueError(
            f"saved has {path} where {convention.name} with these options has a variable called"
            f" {slot}. Pass the options of the run that was saved."
        )


def _stored(saved: Any) -> Stored:  # noqa: ANN401 (see `import_state`)
    """What was saved as values, with what else is known of it."""
    if isinstance(saved, str | os.PathLike):
        return read(os.fspath(saved))
    options: Mapping[str, Any] = {}
    if hasattr(saved, "variables") and hasattr(saved, "get_config"):
        options = {"class_name": type(saved).__name__, **saved.get_config()}
        saved = saved.weights if hasattr(saved, "_hyper") else saved.variables
        saved = saved() if callable(saved) else saved
    values = [*saved]
    if not values:
        raise ValueError(
            "saved is empty: pass the optimizer or its variables after it has been built, or the"
            " path of a file that was saved with the optimizer."
        )
    paths = [str(getattr(v, "path", getattr(v, "name", ""))) for v in values]
    return Stored(values, paths if all(paths) else [], options)


def _slots_of(optimizer: FrameworkOptimizer, params: Tree) -> dict[str, str]:
    """The slots that the optimizer has with its options, in Keras' order."""
    kept = slots_.slots_of(optimizer.init(params))
    every = _SLOTS[optimizer.convention.name]
    return {theirs: ours for theirs, ours in every.items() if ours in kept}
