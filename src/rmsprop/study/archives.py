"""Arrays as bytes that are checked when they are read: the SHA-256 of an npz archive, and it."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

CHECKSUM = hashlib.sha256().digest_size

# NumPy parses the header of an array as Python. CPython 3.11 counts how deep that is for all
# threads together, and raises a SystemError where two do it at once (gh-106905).
_parsing = threading.Lock()

# Arrays of any dtype, by name.
Arrays = Mapping[str, npt.NDArray[Any]]


def pack(arrays: Arrays) -> bytes:
    """Arrays as bytes that `unpack` reads.

    Args:
        arrays: Arrays of numbers, booleans or text by name.

    Example:
        >>> content = pack({"x": np.arange(3)})
        >>> unpack(content)["x"].tolist(), unpack(content + b"!")
        ([0, 1, 2], None)
    """
    archive = io.BytesIO()
    np.savez(archive, **arrays)  # pyright: ignore[reportArgumentType] (one is a flag)
    content = archive.getvalue()
    return hashlib.sha256(content).digest() + content


def unpack(content: bytes) -> dict[str, npt.NDArray[Any]] | None:
    """The arrays in what `pack` made, None where it is not what was made then.

    Args:
        content: The bytes.
    """
    archive = content[CHECKSUM:]
    if hashlib.sha256(archive).digest() != content[:CHECKSUM]:
        return None
    with _parsing, np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}
