"""Arguments that a framework has, or had in another release, and that its port does not take.

A port takes the arguments of one release.  Calls that were written for another one, or for another
function of the same name, are refused with a sentence that says what to do; Python would only say
that the argument is unexpected.
"""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, MappingView
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")

PARAMETERS = (
    "The parameters are given to the functions of the optimizer: state = optimizer.init(params),"
    " then updates, state = optimizer.update(gradients, state, params). Leave it out."
)
LABEL = "It is a label, on which no number depends. Leave it out."
EXECUTION = "It decides how the framework runs the step, and no number depends on it. Leave it out."

_SENTENCES: dict[Callable[..., object], Mapping[str, str]] = {}


def other_arguments(**sentences: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """A decorator of a port, which refuses arguments of other releases with a sentence for each.

    The signature of the port stays as it is, for type checkers and in `help`.

    Args:
        **sentences: By the name of an argument what to do instead.
    """

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        first = next(iter(inspect.signature(function).parameters))

        @functools.wraps(function)
        def port(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            refuse_other_arguments(port, [*kwargs])
            if args and PARAMETERS in sentences.values():
                _refuse_parameters(port, first, args[0], first in kwargs)
            return function(*args, **kwargs)

        _SENTENCES[port] = sentences
        return port

    return decorate


def sentences_of(function: Callable[..., object]) -> Mapping[str, str]:
    """By the name of an argument that a port refuses with a sentence, the sentence."""
    return _SENTENCES.get(function, {})


def without_effect(function: Callable[..., object], name: str) -> bool:
    """Whether an argument of the framework is one on which no number of the port depends."""
    return sentences_of(function).get(name) in (PARAMETERS, LABEL, EXECUTION)


def refuse_other_arguments(function: Callable[..., object], names: list[str]) -> None:
    """Refuses arguments of other releases.

    Raises:
        TypeError: A port has a sentence for one of these names.
    """
    for name in names:
        if name in sentences_of(function):
            raise TypeError(f"{_call(function)} takes no {name}. {sentences_of(function)[name]}")


def _refuse_parameters(
    function: Callable[..., object], first: str, argument: object, is_named: bool
) -> None:
    """Refuses parameters that stand before the port's own arguments, as the framework has them.

    Args:
        function: The port.
        first: The name of its first argument.
        argument: What stands in its place.
        is_named: Whether the first argument is given by name, too.
    """
    if is_named:
        how = f"with {first} by name, and with another argument before it"
    elif isinstance(argument, list | tuple | Mapping | MappingView | Iterator):
        how = f"with a {type(argument).__name__} for {first}"
    else:
        return
    raise TypeError(
        f"{_call(function)} is called {how}, as if it took the parameters. {PARAMETERS}"
    )


def _call(function: Callable[..., object]) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
