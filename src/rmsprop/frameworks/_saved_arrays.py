"""Arrays of the frameworks by the names of the parameters that they belong to."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Name: TypeAlias = str | int
"""What a framework calls a parameter: its number or its name."""

Turn: TypeAlias = Callable[[Name, np.ndarray], np.ndarray]
"""`(name, array) -> array`: an array of one layout in another."""


@dataclass(frozen=True)
class Entries:
    """What a framework keeps for its parameters.

    Attributes:
        order: The names of its parameters in its order.
        arrays: By the name of the parameter, and by the framework's name of the slot, an array.
    """

    order: tuple[Name, ...]
    arrays: Mapping[Name, Mapping[str, np.ndarray]]


def as_numpy(array: Any) -> np.ndarray:  # noqa: ANN401 (of any framework)
    """An array of any framework as NumPy's, bfloat16 of PyTorch as float32."""
    if hasattr(array, "detach"):  # a tensor of PyTorch
        array = array.detach().cpu().resolve_conj()
        if str(array.dtype) == "torch.bfloat16":
            array = array.float()
    if hasattr(array, "asnumpy"):  # of MXNet
        return array.asnumpy()
    if hasattr(array, "numpy"):
        return np.asarray(array.numpy())
    return np.asarray(array)


def number_of(value: object, steps: int = 0) -> float | bool | int:
    """A hyper-parameter as Python's number: of a schedule the value after so many steps."""
    if callable(value):
        value = value(steps)
    if isinstance(value, bool | int | float):
        return value
    return np.asarray(value).item()


def refuse_file(saved: object, sentence: str) -> None:
    """Refuses a path where the framework's files would be executed.

    Raises:
        TypeError: `saved` is a path.
    """
    if isinstance(saved, str | os.PathLike):
        raise TypeError(f"saved is the path {os.fspath(saved)!r}. {sentence}")


def read_npz(saved: Any, sentence: str) -> Mapping[str, Any]:  # noqa: ANN401 (see `import_state`)
    """Arrays by name: a mapping as it is, and the content of an `.npz` file.

    Raises:
        TypeError: `saved` is neither.
    """
    if isinstance(saved, str | os.PathLike):
        if not os.fspath(saved).endswith(".npz"):
            refuse_file(saved, sentence)
        with np.load(saved, allow_pickle=False) as file:
            return dict(file)
    if not isinstance(saved, Mapping):
        raise TypeError(f"saved is {type(saved).__name__}; it must map names to arrays. {sentence}")
    return saved


def by_ending(saved: Mapping[str, Any], endings: Mapping[str, str]) -> Entries:
    """Entries from arrays whose names are that of a parameter and that of a slot.

    Args:
        saved: The arrays by name. Those with another ending are passed over.
        endings: By the name of the slot, how a name ends.
    """
    arrays: dict[Name, dict[str, np.ndarray]] = {}
    for key, array in saved.items():
        for slot, ending in endings.items():
            if key.endswith(ending):
                arrays.setdefault(key.removesuffix(ending), {})[slot] = as_numpy(array)
    return Entries(tuple(arrays), arrays)
