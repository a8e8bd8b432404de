"""What a command says of an error: a sentence that names the option, or the file and the reason."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from jax.errors import JaxRuntimeError

from rmsprop.commands.options import as_typed
from rmsprop.study import atomic


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
    reason = atomic.reason(error.errno, error.strerror or str(error))
    return f"{file} cannot be read or written: {reason}."


def _target(arguments: argparse.Namespace) -> Path | str:
    """What a command writes to, for an error that does not say it."""
    for name in ("plot", "out", "folder"):
        if (place := getattr(arguments, name, None)) is not None:
            return place
    return "a file"
