"""Our functions in every place where Optax keeps its own, and which of its tests that concerns."""

import functools
import inspect
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import jax
import optax
from packaging.version import Version

import rmsprop

NAMES = frozenset({"rmsprop", "adagrad", "scale_by_rms", "scale_by_stddev", "scale_by_rss"})
ORIGINALS = tuple(getattr(optax, name) for name in NAMES)

CALLS: Counter[str] = Counter()
"""What one test has done: `init` and `update` of ours, comparisons that found JAX too old."""

LEFT_OUT: dict[str, str] = {}
"""Test modules that were not run, and why."""

_OURS: set[Any] = set()


def modules_of_optax() -> list[types.ModuleType]:
    """All that are loaded."""
    return [module for path, module in sys.modules.items() if path.partition(".")[0] == "optax"]


def install() -> None:
    """Puts ours in the place of the originals. What is imported later takes ours from there."""
    for original in ORIGINALS:
        ours = _counted_factory(getattr(rmsprop, original.__name__))
        for module in modules_of_optax():
            for key, value in list(vars(module).items()):
                if value is original:
                    setattr(module, key, ours)


def _counted_factory(factory: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(factory)
    def make(*args: Any, **kwargs: Any) -> Any:
        made = factory(*args, **kwargs)
        init, update = _counted(made.init, "init"), _counted(made.update, "update")
        return made._replace(init=init, update=update)

    # Optax's tests read from the annotation of the rate that it may be a schedule; ours are names.
    make.__signature__ = inspect.signature(factory, eval_str=True)
    _OURS.add(make)
    return make


def _counted(function: Callable[..., Any], key: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        CALLS[key] += 1
        return function(*args, **kwargs)

    _OURS.add(counted)
    return counted


def leading_to_ours() -> frozenset[str]:
    """The names of ours, and of what calls them in Optax, such as `schedule_free_adamw`."""
    functions = [
        value
        for module in modules_of_optax()
        for value in vars(module).values()
        if isinstance(value, types.FunctionType) and value.__module__ == module.__name__
    ]
    names = NAMES
    while more := {f.__name__ for f in functions if names & set(_names_in(f.__code__))} - names:
        names |= more
    return names


def _names_in(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_in(constant)


def exercises(test: Any, names: frozenset[str]) -> bool:
    """Whether the code of a test names one of these functions, or its parameters hold one of ours.

    A parametrised test is a closure over its parameters. What they hold may be the name of a
    function, the function itself or a transformation that it has made.
    """
    pending, seen = [test], set()
    while pending:
        found = pending.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, str) and found in names:
            return True
        if isinstance(found, types.FunctionType):
            if found in _OURS or names & set(_names_in(found.__code__)):
                return True
            pending += [cell.cell_contents for cell in found.__closure__ or ()]
        elif isinstance(found, functools.partial):
            pending += [found.func, found.args, found.keywords]
        elif isinstance(found, dict):
            pending += found.values()
        elif isinstance(found, (tuple, list)):
            pending += found
    return False


class _JaxVersion(str):
    """Compares as versions do. As a string, 0.10.2 is below 0.7.2, and Optax skips its test."""

    def __lt__(self, other: str) -> bool:
        too_old = Version(self) < Version(other)
        CALLS["JAX too old"] += too_old
        return too_old


class _Jax(types.ModuleType):
    """The module `jax` as a test of Optax sees it, and nothing else."""

    __version__ = _JaxVersion(jax.__version__)

    def __getattr__(self, name: str) -> Any:
        return getattr(jax, name)


def compare_versions_in(test_module: types.ModuleType) -> None:
    """Lets one module compare the version of JAX with that of another as it means to."""
    if getattr(test_module, "jax", None) is jax:
        test_module.jax = _Jax("jax")
