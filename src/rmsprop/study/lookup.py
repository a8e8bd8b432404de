"""What a word of the user names: an object as `module:name`, or one of several names."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.machinery
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType


def load_object(place: str, purpose: str, folder: Path | None = None) -> object:
    """The object that `module:name` names; the name may have dots.

    Args:
        place: A module and, behind a colon, a name in it.
        purpose: What the object is for, the beginning of the sentence where it cannot be loaded.
        folder: A folder whose modules can be named too. It is on `sys.path` while a module that
            lies in it is imported, and not afterwards, so that no later import of this process
            takes a file of it: the module has to import its neighbours when it is imported itself.
            None for no folder beside `sys.path`.

    Raises:
        ValueError: the module cannot be imported, or has no such name.

    Example:
        >>> load_object("math:pi", "number")
        3.141592653589793
    """
    module, _, name = place.partition(":")
    if not all(part.isidentifier() for part in f"{module}.{name}".split(".")) or _is_file(module):
        raise ValueError(f"{purpose}: {_misspelling(place)}")
    with _importable(module, folder):
        imported = _imported(module, purpose, folder)
        try:
            return pkgutil.resolve_name(place)
        except AttributeError as error:
            raise ValueError(f"{purpose}: {_missing(imported, name, folder)}") from error


def suggestion(word: str, names: Iterable[str]) -> str:
    """The names that a word was probably meant to be, as a question to end a sentence with.

    Args:
        word: What the user typed.
        names: The names that there are.

    Returns:
        A space and the question; the empty string where no name is near.

    Example:
        >>> suggestion("mnst", ["digits", "mnist"])
        ' Did you mean mnist?'
    """
    known = {name.lower(): name for name in names}
    near = difflib.get_close_matches(word.lower(), [*known], n=2)
    return f" Did you mean {' or '.join(known[name] for name in near)}?" if near else ""


def late_import(error: BaseException, folder: Path) -> str:
    """What to do where a module of the user's folder imports its neighbour too late.

    Args:
        error: What a function of the module has raised.
        folder: The folder, which is not on `sys.path` any more.

    Returns:
        A space and a sentence; the empty string where the error is another.
    """
    name = str(getattr(error, "name", None))
    if not isinstance(error, ModuleNotFoundError) or not _lies_in(folder, name):
        return ""
    return f" Import {name} at the top of the module, for afterwards {folder} is not searched."


def _is_file(module: str) -> bool:
    return module.endswith(".py") or "/" in module or "\\" in module


def _misspelling(place: str) -> str:
    """What is wrong with a place that is no module, a colon and a name."""
    module, colon, name = place.partition(":")
    if _is_file(module):
        file = Path(module)
        folder = "the folder that holds it" if file.is_absolute() else "this folder"
        parts = [file.stem] if file.is_absolute() else [*file.parent.parts, file.stem]
        return (
            f"{module} is a file, and a module is named as in Python, with dots and without .py."
            f" From {folder}, write {'.'.join(parts)}:{name or 'NAME'}."
        )
    example = "mine:problem, for example"
    if not colon and "." in module:  # the last dot may have been meant as a colon
        example = ":".join(module.rsplit(".", 1))
    return (
        f"{place!r} must be a module, a colon and a name in it, as Python spells them. Write"
        f" {example}."
    )


@contextlib.contextmanager
def _importable(module: str, folder: Path | None) -> Iterator[None]:
    """Puts a folder on `sys.path` for a while, if it is where the module is."""
    if folder is None or not _lies_in(folder, module):
        yield
        return
    entry = str(folder.resolve())
    importlib.invalidate_caches()  # the file may be younger than what Python knows of the folder
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # the module itself may have taken it off
            sys.path.remove(entry)


def _lies_in(folder: Path, module: str) -> bool:
    top = module.partition(".")[0]
    return importlib.machinery.PathFinder.find_spec(top, [str(folder.resolve())]) is not None


def _imported(module: str, purpose: str, folder: Path | None) -> ModuleType:
    """The module, imported; what goes wrong there is one sentence, whatever a stranger wrote."""
    try:
        return pkgutil.resolve_name(f"{module}:")
    except SyntaxError as error:
        reason = (
            f"{error.filename or module} has a syntax error in line {error.lineno}: {error.msg}."
            f" Mend that line."
        )
        raise ValueError(f"{purpose}: {reason}") from error
    except ModuleNotFoundError as error:
        missing = str(error.name)
        if not f"{module}.".startswith(f"{missing}."):
            reason = (
                f"the module {module} needs the module {missing}, which is not here"
                f" ({_line_of(error)}). Install it."
            )
        else:
            reason = _unknown_module(module, missing, folder)
        raise ValueError(f"{purpose}: {reason}") from error
    except (Exception, SystemExit) as error:
        what = str(error).strip().splitlines()
        raise ValueError(
            f"{purpose}: the module {module} fails when it is imported ({_line_of(error)}):"
            f" {type(error).__name__}{f': {what[0]}' if what else ''}"
        ) from error


def _unknown_module(module: str, missing: str, folder: Path | None) -> str:
    """The sentence that there is no such module, with what lies in the folder under a near name."""
    if folder is None:
        return f"there is no module {missing}. Install it, or run where Python finds it."
    near = suggestion(missing, (file.stem for file in sorted(folder.glob("*.py"))))
    near = near or " Install it, or run in the folder that holds it."
    where = f"neither in the folder {folder.resolve()} nor installed"
    whole = "" if module == missing else f", of which {module} would be a part"
    return f"there is no module {missing}{whole}, {where}.{near}"


def _missing(module: ModuleType, name: str, folder: Path | None) -> str:
    """The sentence that a module lacks a name, with the names that are near."""
    owner: object = module
    *parents, last = name.split(".")
    for parent in parents:
        if not hasattr(owner, parent):
            last = parent
            break
        owner = getattr(owner, parent)
    public = sorted(x for x in dir(owner) if not x.startswith("_"))
    near = suggestion(last, public)
    file = getattr(module, "__file__", None)
    sentence = f"the module {module.__name__}{f' ({file})' if file else ''} has no {name}.{near}"
    own = None if folder is None else (folder / f"{module.__name__}.py").resolve()
    if own is not None and own.is_file() and file and Path(file).resolve() != own:
        return f"{sentence} The file {own} is another one. Give it a name of its own."
    return sentence


def _line_of(error: BaseException) -> str:
    """The file and the line of a stranger's module in which an error was raised."""
    machinery = {__file__, pkgutil.__file__, importlib.__file__}  # or it is frozen
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<") and frame.filename not in machinery
    ]
    return f"line {frames[-1].lineno} of {frames[-1].filename}" if frames else "in no line of it"
