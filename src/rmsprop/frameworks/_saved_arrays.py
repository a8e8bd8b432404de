"""Arrays of the frameworks by the names of the parameters that they belong to."""

import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from rmsprop._conversion import checked_step

Name: TypeAlias = str | int
"""What a framework calls a parameter: its number or its name."""

Turn: TypeAlias = Callable[[Name, np.ndarray], np.ndarray]
"""`(name, array) -> array`: an array of one layout in another."""


DAMAGED = (
    ValueError,
    KeyError,
    OSError,
    EOFError,
    RuntimeError,  # also NotImplementedError, of an archive that is compressed in another way
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading an archive raises where it is of another kind, or damaged."""


@dataclass(frozen=True)
class Entries:
    """What a framework keeps for its parameters.

    Attributes:
        order: The names of its parameters in its order.
        arrays: By the name of the parameter, and by the framework's name of the slot, an array.
    """

    order: tuple[Name, ...]
    arrays: Mapping[Name, Mapping[str, np.ndarray]]


def as_numpy(array: Any, where: str) -> np.ndarray:  # noqa: ANN401 (of any framework)
    """An array of any framework as NumPy's, bfloat16 of PyTorch as float32.

    Args:
        array: The array, or a number.
        where: Where it stands, for messages: `state[0]['square_avg']`.

    Raises:
        TypeError: It is no array of numbers, or it is traced.
    """
    if isinstance(array, Tracer):
        raise TypeError(
            f"{where} is traced. A saved state is read and written as it is: call import_state and"
            f" export_state outside of jax.jit and jax.vmap, once."
        )
    if hasattr(array, "detach"):  # a tensor of PyTorch
        array = array.detach().cpu().resolve_conj()
        if str(array.dtype) == "torch.bfloat16":
            array = array.float()
    for method in ("asnumpy", "numpy"):  # of MXNet, and of the others
        if callable(getattr(array, method, None)):
            array = getattr(array, method)()
    try:
        values = np.asarray(array)
    except (TypeError, ValueError):  # a list of lists of several lengths
        values = np.empty([], object)
    if not jnp.issubdtype(values.dtype, jnp.number):
        kind = f"an array of {values.dtype}" if hasattr(array, "dtype") else type(array).__name__
        raise TypeError(f"{where} is {kind}; it must be an array of numbers.")
    return values


def steps_of(value: Any, where: str) -> int:  # noqa: ANN401 (of any framework)
    """A saved number of steps, which some frameworks write as a floating point number.

    Raises:
        TypeError: It is no number.
        ValueError: It is no whole number in the range of a step count.
    """
    array = as_numpy(value, where)
    number = array.reshape(-1)[0].item() if array.size == 1 else None
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int):
        shown = f"an array of shape {array.shape}" if number is None else number
        raise ValueError(f"{where} is {shown}; it must be the number of steps taken so far.")
    return checked_step(number, where)


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
        TypeError: `saved` is neither, or a name is no text.
        ValueError: The file is no `.npz` file of arrays.
    """
    if isinstance(saved, str | os.PathLike):
        if not os.fspath(saved).endswith(".npz"):
            refuse_file(saved, sentence)
        return _content(os.fspath(saved))
    if not isinstance(saved, Mapping):
        raise TypeError(f"saved is {type(saved).__name__}; it must map names to arrays. {sentence}")
    for key in saved:
        if not isinstance(key, str):
            raise TypeError(f"saved has the key {key!r}; it must map names to arrays. {sentence}")
    return saved


def _content(path: str) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file; one that would have to be unpickled is refused."""
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except DAMAGED as error:
        raise ValueError(
            f"{path} is no .npz file of arrays of numbers, as numpy.savez(path, **arrays) writes"
            f" it: {error}"
        ) from None


def by_ending(
    saved: Mapping[str, Any], endings: Mapping[str, str], passed: Iterable[str] = ()
) -> Entries:
    """Entries from arrays whose names are that of a parameter and that of a slot.

    Args:
        saved: The arrays by name.
        endings: By the name of the slot, how a name ends.
        passed: Names without such an ending that the framework saves as well.

    Raises:
        ValueError: There are other names.
    """
    arrays: dict[Name, dict[str, np.ndarray]] = {}
    others = []
    for key, array in saved.items():
        if key in passed:
            continue
        # Of several endings the longest: "_momentum_0" and "_0".
        slot = max((x for x in endings if key.endswith(endings[x])), key=len, default=None)
        if slot is None:
            others.append(key)
        else:
            name = key.removesuffix(endings[slot])
            arrays.setdefault(name, {})[slot] = as_numpy(array, f"saved[{key!r}]")
    if others:
        known = ", ".join(f"<parameter>{ending}" for ending in endings.values())
        raise ValueError(
            f"saved has {', '.join(others[:10])}{', ...' * (len(others) > 10)}, which belongs to no"
            f" slot of this optimizer; a slot is called {known}."
        )
    return Entries(tuple(arrays), arrays)


def check_words(names: Iterable[Name], framework: str) -> None:
    """Refuses numbers as the names of a framework that has words.

    Raises:
        ValueError: There is one.
    """
    for name in names:
        if not isinstance(name, str):
            raise ValueError(
                f"names has {name!r}; {framework} calls a parameter by its name. Pass the name of"
                f" each."
            )


def check_numbers(names: Iterable[Name], framework: str, remedy: str) -> None:
    """Refuses words and negative numbers as the names of a framework that numbers parameters.

    Raises:
        ValueError: There is one.
    """
    for name in names:
        if isinstance(name, str):
            raise ValueError(f"names has {name!r}; {framework} numbers its parameters. {remedy}")
        if name < 0:
            raise ValueError(f"names has {name}; {framework} numbers its parameters from 0.")
