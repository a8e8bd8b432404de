"""A file is there whole or not at all, also where its writer is killed or the disk is full."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

UNFINISHED = ".rmsprop-"  # begins the names of files and folders that are being written


@contextlib.contextmanager
def replacing(file: str | os.PathLike[str]) -> Iterator[Path]:
    """A path to write to, which takes the place of `file` at once when the block has ended.

    The path lies in the same folder, for only there a file is moved in one step. Where the block
    fails, what it wrote is removed, and an earlier file stays as it was.

    Args:
        file: The file that is to be written; its folder exists.

    Raises:
        OSError: the new file cannot be moved into place.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "numbers.txt")
        ...     with replacing(file) as partial:
        ...         _ = partial.write_text("1 2 3")
        ...     print([entry.name for entry in file.parent.iterdir()], file.read_text())
        ['numbers.txt'] 1 2 3
    """
    target = Path(file)
    partial = target.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    try:
        yield partial
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
