"""Pickling what is sent to workers, so that they need no file of the user's."""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from types import ModuleType

import rmsprop

# A call whose arguments are larger makes Dask warn.
PIECE = 4_000_000

# Where packages are installed, and the folders of Python's own modules and of this package.
_INSTALLED = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
_FOLDERS = tuple(
    os.path.join(folder, "")
    for folder in (sysconfig.get_path("stdlib"), os.path.dirname(str(rmsprop.__file__)))
)
_pickling = threading.Lock()


def pieces_of(content: object) -> list[bytes]:
    """What a worker unpickles, in pieces that Dask passes on without a warning.

    Functions and classes of a module that is not installed, such as a file in the current folder,
    are pickled by value: a worker cannot import it.

    Args:
        content: What is sent.

    Raises:
        TypeError: it holds what cannot be pickled.
    """
    import cloudpickle  # a dependency of distributed

    with _pickling, _own_modules_by_value():
        try:
            whole = cloudpickle.dumps(content)
        except Exception as error:  # whatever a stranger's object raises
            reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
            raise TypeError(
                f"a problem or an optimizer cannot be sent to a worker: {reason}. Their functions"
                f" may use numbers, arrays and functions, but no lock, file or connection."
            ) from error
    return [whole[start : start + PIECE] for start in range(0, len(whole), PIECE)]


@contextlib.contextmanager
def _own_modules_by_value() -> Iterator[None]:
    from cloudpickle import (
        list_registry_pickle_by_value,
        register_pickle_by_value,
        unregister_pickle_by_value,
    )

    before = list_registry_pickle_by_value()
    loaded = [*sys.modules.items()]
    # What is run as a program is pickled by value in any case.
    own = [
        module
        for name, module in loaded
        if isinstance(module, ModuleType)
        and name == vars(module).get("__name__")  # and not under another name
        and name not in {*before, "__main__"}
        and is_own(module)
    ]
    for module in own:
        register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in own:
            unregister_pickle_by_value(module)


def is_own(module: ModuleType) -> bool:
    """Whether a module is the user's own: a file that lies where no packages are installed."""
    file = vars(module).get("__file__")  # a module may make attributes when they are asked for
    if not isinstance(file, str):
        return False
    return not (file.startswith(_FOLDERS) or any(name in file for name in _INSTALLED))
