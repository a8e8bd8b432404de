"""What a command says of an error: a sentence that names the option, or the file and the reason."""

from __future__ import annotations

import argparse
import errno
import os
from pathlib import Path

from jax.errors import JaxRuntimeError

from rmsprop.commands.options import as_typed

FULL = "there is no room left where it lies. Free some"
# Why the operating system refuses a file or a folder, and what to do.
REASONS = {
    errno.ENOENT: "it does not exist. Check its name",
    errno.EACCES: "its permissions do not allow it. Change them, or name another",
    errno.EPERM: "its permissions do not allow it. Change them, or name another",
    errno.EISDIR: "it is a folder. Name a file",
    errno.ENOTDIR: "it lies in a file, not in a folder. Name another",
    errno.EEXIST: "it is there already. Name another",
    errno.EROFS: "what it lies on can only be read. Name another",
    errno.ENAMETOOLONG: "its name is too long. Name a shorter one",
    errno.ELOOP: "its links lead in a circle. Name another",
    errno.EMFILE: "too many files are open. Close other programs",
    errno.ENFILE: "too many files are open. Close other programs",
    errno.EIO: "what it lies on fails. Name another place",
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: "it would be larger than is allowed here. Name another place",
}


def sentence_of(error: Exception, arguments: argparse.Namespace) -> str:
    """The sentence that a user reads of an error.

    Args:
        error: What a command has raised.
        arguments: The values of the command's options.
    """
    if isinstance(error, OSError) and not isinstance(error, ImportError):
        return _of_system(error, arguments)
    if isinstance(error, (MemoryError, JaxRuntimeError)):
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in reason:
            return f"there is not enough memory ({reason}). Ask for less, or close other programs."
        return f"JAX cannot run this: {reason}. RMSPROP_TRACEBACK=1 says where."
    return as_typed(str(error), arguments)


def _of_system(error: OSError, arguments: argparse.Namespace) -> str:
    """The sentence for an error of the operating system, which names the file or folder."""
    raw = error.errno is not None and error.strerror == os.strerror(error.errno)
    if not error.filename and not raw:
        return str(error.strerror or error)  # a sentence of ours, without the number before it
    file = os.fsdecode(error.filename) if error.filename else _target(arguments)
    reason = REASONS.get(error.errno or 0, f"{error.strerror or error}. Name another")
    return f"{file} cannot be read or written: {reason}."


def _target(arguments: argparse.Namespace) -> Path | str:
    """What a command writes to, for an error that does not say it."""
    for name in ("plot", "out", "folder"):
        if (place := getattr(arguments, name, None)) is not None:
            return place
    return "a file"
