"""What `module:name` on the command line names."""

import importlib
from typing import Any


def found(what: str, place: str) -> Any:
    """The object that `module:name` names.

    Args:
        what: is looked for, the beginning of the sentence where it is not found.
        place: a module and, behind a colon, a name in it, with dots for names in that.

    Raises:
        ValueError: the module cannot be imported, or has no such name.
    """
    module_name, _, name = place.partition(":")
    if not (module_name and name):
        raise ValueError(f"{what}: {place!r} must be a module, a colon and a name in it.")
    try:
        current: Any = importlib.import_module(module_name)
    except Exception as error:  # whatever happens when a stranger's module is imported
        raise ValueError(
            f"{what}: the module {module_name} cannot be imported ({error})."
            f" Install it, or run where Python finds it."
        ) from error
    for part in name.split("."):
        if not hasattr(current, part):
            raise ValueError(f"{what}: {module_name} has no function {name}.")
        current = getattr(current, part)
    return current
