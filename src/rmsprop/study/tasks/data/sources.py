"""Finding a file in an installed package, and keeping the arrays that are made of it.

The arrays are kept as npz in `cache_folder`, under the SHA-256 of the file. The cache only saves
time: one that cannot be written is done without, one that cannot be read is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from rmsprop.study import atomic

# Part of a cached file's name. Raise it with any change to what a reader makes of a source file.
LAYOUT = 1

Arrays = Mapping[str, npt.NDArray[Any]]
_Data = TypeVar("_Data")


class Examples(NamedTuple):
    """One part of a data set.

    Attributes:
        features: one row for each example; see the function that returns it.
        labels: the class of each example, counted from 0; int32 of shape (n,).
    """

    features: npt.NDArray[Any]
    labels: npt.NDArray[np.int32]


class Dataset(NamedTuple):
    """A data set with its fixed parts, each in a fixed random order.

    Attributes:
        train: what the optimizer sees.
        validation: what hyper-parameters are chosen on.
        test: what results are reported on, and nothing else.
        classes: the name of each class.
        words: what each number of a sparse feature stands for; empty where features are dense.
        sha256: of the source file, 64 hexadecimal digits.
    """

    train: Examples
    validation: Examples
    test: Examples
    classes: npt.NDArray[np.str_]
    words: npt.NDArray[np.str_]
    sha256: str

    @classmethod
    def of(cls, arrays: Arrays, sha256: str) -> Dataset:
        """Cuts the rows, which are in their random order, into the three parts."""
        features, labels = arrays["features"], arrays["labels"]
        held_out = int(arrays["held_out"])
        cuts = (len(labels) - 2 * held_out, len(labels) - held_out)
        parts = zip(np.split(features, cuts), np.split(labels, cuts), strict=True)
        train, validation, test = (Examples(*part) for part in parts)
        return cls(train, validation, test, arrays["classes"], arrays["words"], sha256)


class Source(NamedTuple):
    """Where a data set is.

    Attributes:
        task: that it is for, one word.
        inside: names of the package, its folders and the file.
        distribution: that has the package, as pip calls it.
        extra: of this library, that has the distribution.
        read: makes arrays of the content of the file.
    """

    task: str
    inside: tuple[str, ...]
    distribution: str
    extra: str
    read: Callable[[bytes], Arrays]


def cache_folder() -> Path:
    """The folder `$RMSPROP_CACHE`, else `$XDG_CACHE_HOME/rmsprop`, else `~/.cache/rmsprop`.

    Raises:
        RuntimeError: if neither variable is set and there is no home folder.
    """
    if own := os.environ.get("RMSPROP_CACHE"):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "rmsprop"


def load(source: Source, assemble: Callable[[Arrays, str], _Data]) -> _Data:
    """A data set: from the cache, else what the source's reader makes of its file.

    Args:
        source: where it is.
        assemble: makes it of arrays and the SHA-256 of the file.

    Raises:
        ImportError: if the package is not installed, or has a file that the reader does not know.
    """
    content = _file_in_package(source).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    cached = f"{source.task}-{LAYOUT}-{sha256}.npz"
    try:
        # Opened here, for NumPy leaves a file open that turns out to be damaged.
        with (cache_folder() / cached).open("rb") as file, np.load(file) as arrays:
            return assemble(arrays, sha256)
    except Exception:  # whatever a missing or damaged file raises, the answer is to make it again
        pass
    try:
        arrays = source.read(content)
    except Exception as error:  # whatever a reader raises that meets what it does not know
        raise ImportError(
            f"the task {source.task!r} cannot read {'/'.join(source.inside)} of this"
            f" {source.distribution}: in a clone of rmsprop, pip install '.[{source.extra}]' gets"
            f" a version that it knows",
            name=source.inside[0],
        ) from error
    _store(cached, arrays)
    return assemble(arrays, sha256)


def _file_in_package(source: Source) -> Path:
    # For a package that is not inside another one this looks it up and does not import it.
    spec = importlib.util.find_spec(source.inside[0])
    for location in (spec and spec.submodule_search_locations) or ():
        path = Path(location, *source.inside[1:])
        if path.is_file():
            return path
    raise ModuleNotFoundError(
        f"the task {source.task!r} needs {'/'.join(source.inside)} of the package"
        f" {source.distribution}, which is not installed: in a clone of rmsprop,"
        f" pip install '.[{source.extra}]' installs it",
        name=source.inside[0],
    )


def _store(cached: str, arrays: Arrays) -> None:
    """Writes all or nothing, also when interrupted or when another process writes the same file."""
    with contextlib.suppress(OSError, RuntimeError):
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with atomic.replacing(folder / cached) as partial, partial.open("wb") as file:
            np.savez(file, **arrays)  # pyright: ignore[reportArgumentType] (one is a flag)


def random_order(count: int) -> npt.NDArray[np.int64]:
    """The numbers below `count` in the order of their hashes."""
    hashes = [hashlib.sha256(str(number).encode()).digest() for number in range(count)]
    return np.array(sorted(range(count), key=hashes.__getitem__))
