"""What `module:name` on the command line names."""

import pkgutil


def load_object(place: str, purpose: str) -> object:
    """The object that `module:name` names; the name may have dots.

    Args:
        place: A module and, behind a colon, a name in it.
        purpose: What the object is for, the beginning of the sentence where it cannot be loaded.

    Raises:
        ValueError: the module cannot be imported, or has no such name.

    Example:
        >>> load_object("math:pi", "number")
        3.141592653589793
    """
    module, _, name = place.partition(":")
    if not all(part.isidentifier() for part in f"{module}.{name}".split(".")):
        raise ValueError(
            f"{purpose}: {place!r} must be a module, a colon and a name in it, as Python spells"
            f" them."
        )
    try:
        pkgutil.resolve_name(f"{module}:")  # apart, for a module may fail with an AttributeError
    except Exception as error:  # whatever happens when a stranger's module is imported
        raise ValueError(
            f"{purpose}: the module {module} cannot be imported ({error})."
            f" Install it, or run where Python finds it."
        ) from error
    try:
        return pkgutil.resolve_name(place)
    except AttributeError as error:
        raise ValueError(f"{purpose}: {module} has no function {name}.") from error
