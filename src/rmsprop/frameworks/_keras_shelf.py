"""The list in which Keras keeps the variables of an optimizer, taken apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np

from rmsprop._typing import Tree
from rmsprop.frameworks._convention import Convention
from rmsprop.frameworks._keras_files import Stored
from rmsprop.frameworks._keras_options import is_legacy
from rmsprop.frameworks._leaves import Leaves
from rmsprop.frameworks._saved_arrays import Entries, Name, as_numpy


@dataclass(frozen=True)
class Shelf:
    """The list of variables, taken apart.

    Attributes:
        arrays: For each variable of the model its slots.
        names: The paths of these variables as far as Keras wrote them, without slashes.
    """

    arrays: list[dict[str, np.ndarray]]
    names: list[str]

    @classmethod
    def of(
        cls, stored: Stored, slots: Mapping[str, str], leaves: Leaves, convention: Convention
    ) -> "Shelf":
        """Reads the list by the order that Keras writes.

        Raises:
            ValueError: It has another length than this order.
        """
        values = [as_numpy(x, f"variable {i} of saved") for i, x in enumerate(stored.values)]
        _check_numbers(values, leaves, convention)
        count, rest = len(leaves.paths), len(values) - 1
        has_rate = not is_legacy(convention) and rest % len(slots) == 1
        if len(slots) == 1 and not is_legacy(convention):  # the lengths differ by one alone
            scalar = rest > 0 and values[1].ndim == 0
            has_rate = scalar and rest != count
        first = 2 if has_rate else 1
        number, left = divmod(len(values) - first, len(slots))
        if left:
            shapes = ", ".join(str(x.shape) for x in values[:12])
            raise ValueError(
                f"saved has {len(values)} variables of the shapes {shapes}, ...;"
                f" {convention.name} has with these options 1 or 2, and {', '.join(slots)} for each"
                f" of {count} parameters. Pass the options of the run that was saved."
            )
        arrays: list[dict[str, np.ndarray]] = [{} for _ in range(number)]
        for position, slot in enumerate(slots):
            for index in range(number):
                if stored.paths:
                    _check_slot(stored.paths[first + position * number + index], slot, convention)
                arrays[index][slot] = values[first + position * number + index]
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


def _check_numbers(values: Sequence[np.ndarray], leaves: Leaves, convention: Convention) -> None:
    """Refuses a list that begins with more numbers than that of this optimizer.

    Raises:
        ValueError: It does, and no parameter is a single number.
    """
    leading = next((k for k, x in enumerate(values) if x.ndim), len(values))
    if leading <= (1 if is_legacy(convention) else 2) or any(x.ndim == 0 for x in leaves.values):
        return
    reason = (
        "and that of LossScaleOptimizer has four before those of the optimizer that it wraps. Pass"
        " optimizer.inner_optimizer.variables"
        if leading > 2
        else "of which the second is the rate of Keras 3, whose port is"
        f" frameworks.keras.{convention.name.partition('.legacy_')[2]}. Pass this port"
    )
    raise ValueError(
        f"saved begins with {leading} single numbers, where {convention.name} has"
        f" {'one' if is_legacy(convention) else 'one or two'}, {reason}."
    )
