"""Data sets from files of installed packages, and a cache of the arrays that are read from them.

The arrays are stored in `cache_folder`, under the SHA-256 of the source file and with a SHA-256 of
their own, which is compared whenever they are read. The cache only saves time: if it cannot be
written, the data are used without it; if it cannot be read or was altered, the arrays are read from
the source file again.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from rmsprop.study import archives, atomic
from rmsprop.study.archives import Arrays

# A part of the name of a file in the cache. Raise it with every change of what a reader returns.
LAYOUT = 3

_Data = TypeVar("_Data")


class Dataset(NamedTuple):
    """A data set whose examples are in a fixed random order.

    Which of them are for training, validation and test is drawn by the seed of a run; see
    `rmsprop.study.tasks.splits`.

    Attributes:
        features: A row for each example; the function of the data set describes it.
        labels: The class of each example, counted from 0; int32 of shape (n,).
        held_out: The number of examples that are held out for validation, and as many for test.
        classes: The name of each class.
        words: The meaning of each number of a sparse feature; empty where features are dense.
        sha256: The SHA-256 of the source file, 64 hexadecimal digits.
    """

    features: npt.NDArray[Any]
    labels: npt.NDArray[np.int32]
    held_out: int
    classes: npt.NDArray[np.str_]
    words: npt.NDArray[np.str_]
    sha256: str

    @classmethod
    def of(cls, arrays: Arrays, sha256: str) -> Dataset:
        """The data set from the arrays of a reader, whose rows are in a random order.

        Args:
            arrays: `features`, `labels`, `held_out`, `classes` and `words`.
            sha256: The SHA-256 of the source file.
        """
        return cls(
            arrays["features"],
            arrays["labels"],
            int(arrays["held_out"]),
            arrays["classes"],
            arrays["words"],
            sha256,
        )


class Source(NamedTuple):
    """The file of a data set, and the way to read it.

    Attributes:
        task: The name of the task that reads the file, for example `"digits"`.
        inside: The names of the package, of its folders and of the file.
        distribution: The distribution that has the package, as pip calls it.
        extra: The extra of this library that requires the distribution.
        read: Takes the content of the file and returns arrays.
    """

    task: str
    inside: tuple[str, ...]
    distribution: str
    extra: str
    read: Callable[[bytes], Arrays]


def cache_folder() -> Path:
    """The folder for cached data.

    It is `$RMSPROP_CACHE`; where that is not set, `$XDG_CACHE_HOME/rmsprop`; else
    `~/.cache/rmsprop`.

    Raises:
        RuntimeError: Neither variable is set and there is no home folder.
    """
    if own := os.environ.get("RMSPROP_CACHE"):
        return Path(own)
    parent = os.environ.get("XDG_CACHE_HOME")
    return (Path(parent) if parent else Path.home() / ".cache") / "rmsprop"


def load(source: Source, assemble: Callable[[Arrays, str], _Data]) -> _Data:
    """The data set of a source, from the cache or else from the source file.

    Args:
        source: The source.
        assemble: Takes the arrays of the reader and the SHA-256 of the file and returns the data
            set, as `Dataset.of` does.

    Raises:
        ImportError: The package is not installed, or the reader cannot read its file.
    """
    content = _file_in_package(source).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    name = f"{source.task}-{LAYOUT}-{sha256}.arrays"
    try:
        arrays = archives.unpack((cache_folder() / name).read_bytes())
        if arrays is not None:
            return assemble(arrays, sha256)
    except Exception:  # whatever a missing or damaged file raises, the source file is read again
        pass
    try:
        arrays = source.read(content)
    except Exception as error:  # whatever a reader raises on a file with another layout
        raise ImportError(
            f"the task {source.task!r} cannot read {'/'.join(source.inside)} of this"
            f" {source.distribution}; in a clone of rmsprop, pip install '.[{source.extra}]'"
            f" installs a version that it can read.",
            name=source.inside[0],
        ) from error
    _store(name, arrays)
    return assemble(arrays, sha256)


def _file_in_package(source: Source) -> Path:
    """The path of a source file."""
    # A package that is not inside another one is located here without being imported.
    spec = importlib.util.find_spec(source.inside[0])
    for location in (spec and spec.submodule_search_locations) or ():
        path = Path(location, *source.inside[1:])
        if path.is_file():
            return path
    raise ModuleNotFoundError(
        f"the task {source.task!r} needs {'/'.join(source.inside)} of the package"
        f" {source.distribution}, which is not installed; in a clone of rmsprop,"
        f" pip install '.[{source.extra}]' installs it.",
        name=source.inside[0],
    )


def _store(name: str, arrays: Arrays) -> None:
    """Writes a file of the cache as a whole or not at all.

    It may be interrupted, and other processes may write the same file at the same time.
    """
    with contextlib.suppress(OSError, RuntimeError):
        atomic.write(cache_folder() / name, archives.pack(arrays))


def random_order(count: int) -> npt.NDArray[np.int64]:
    """The numbers below `count` in the order of the SHA-256 of their decimal digits.

    Example:
        >>> random_order(5).tolist()
        [4, 3, 0, 1, 2]
    """
    hashes = [hashlib.sha256(str(number).encode()).digest() for number in range(count)]
    return np.array(sorted(range(count), key=hashes.__getitem__))
