"""Reads a framework's call from text such as `torch.rmsprop(lr=1e-2, alpha=0.99)`."""

import ast
import difflib
import importlib
import inspect
import operator
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import optax

from rmsprop.frameworks._other_arguments import refuse_other_arguments

_ARITHMETIC: dict[type[ast.operator], Callable[..., object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def read_call(
    text: str, modules: tuple[str, ...]
) -> tuple[str, optax.GradientTransformationExtraArgs]:
    """The optimizer that a call stands for; nothing but such calls and numbers is evaluated.

    Args:
        text: `module.function(arguments)` with the names of `rmsprop.frameworks`. Arguments are
            numbers, arithmetic of numbers, True, False, None, and calls of Optax's schedules, such
            as `optax.linear_schedule(7e-4, 0.0, 1000)`.
        modules: The names of the modules.

    Returns:
        The name `module.function` and the optimizer.

    Raises:
        ValueError: The text is not such a call, or it names a framework or an optimizer that is not
            here.
        TypeError: The optimizer does not take the arguments.
    """
    # The text may also be a call as it stands in a program.
    call = text.strip().removeprefix("rmsprop.").removeprefix("frameworks.")
    try:
        node = ast.parse(call, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{text!r} is no Python call: {error.msg}. {_example(modules)}") from None
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        raise ValueError(f"{text!r} is not a call of an optimizer. {_example(modules)}")
    function = _function(node.func, text, modules)
    name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
    positional = [_value(argument, text) for argument in node.args]
    if any(k.arg is None for k in node.keywords):
        raise ValueError(f"{text!r} has a ** argument; write its arguments out.")
    keywords = {str(k.arg): _value(k.value, text) for k in node.keywords}
    refuse_other_arguments(function, [*keywords])
    try:
        inspect.signature(function).bind(*positional, **keywords)
    except TypeError as error:
        raise TypeError(f"{name}: {error}. Its call is {name}{_signature(function)}.") from None
    return name, function(*positional, **keywords)


def _arithmetic(
    node: ast.expr, text: str, function: Callable[..., object], *operands: object
) -> object:
    try:
        return function(*operands)
    except (ArithmeticError, TypeError) as error:
        raise ValueError(f"{ast.unparse(node)!r} in {text!r} is no number: {error}.") from None


def _function(
    node: ast.Attribute, text: str, modules: tuple[str, ...]
) -> Callable[..., optax.GradientTransformationExtraArgs]:
    """The optimizer that `module.function` names."""
    module = node.value.id if isinstance(node.value, ast.Name) else None
    if module not in modules:
        raise ValueError(
            f"{text!r} names no framework that is here; these are {', '.join(modules)}."
            f"{_near(module, modules)} {_example(modules)}"
        )
    framework = importlib.import_module(f"rmsprop.frameworks.{module}")
    functions = definitions(framework, inspect.isfunction)
    if node.attr not in functions:
        raise ValueError(
            f"{module} has no optimizer {node.attr!r}; it has {', '.join(functions)}."
            f"{_near(node.attr, functions)} {_example(modules)}"
        )
    return functions[node.attr]


def _near(word: str | None, names: Iterable[str]) -> str:
    """A space and the question whether a near name was meant; empty where none is near."""
    near = difflib.get_close_matches(word or "", [*names], n=2)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _value(node: ast.expr, text: str) -> object:
    """A number, a constant, a collection of values, or the result of a class or schedule."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | bool | str | None):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _arithmetic(node, text, operator.neg, _value(node.operand, text))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd):
        return _arithmetic(node, text, operator.pos, _value(node.operand, text))
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        function = _ARITHMETIC[type(node.op)]
        return _arithmetic(node, text, function, _value(node.left, text), _value(node.right, text))
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [_value(key, text) for key in node.keys if key is not None]
        return dict(zip(keys, (_value(value, text) for value in node.values), strict=True))
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(element, text) for element in node.elts]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        constructor = _constructor(node.func)
        if constructor is not None:
            keywords = {str(k.arg): _value(k.value, text) for k in node.keywords}
            positional = [_value(argument, text) for argument in node.args]
            try:
                return constructor(*positional, **keywords)
            except TypeError as error:
                raise TypeError(f"{ast.unparse(node)!r}: {error}.") from None
    raise ValueError(
        f"{ast.unparse(node)!r} in {text!r} is neither a number nor a schedule of Optax's. Write"
        f" numbers as such, and schedules as optax.linear_schedule(1e-2, 0.0, 1000)."
    )


def _constructor(node: ast.Attribute) -> Callable[..., object] | None:
    """One of Optax's schedules, or a class of a framework's arguments such as `paddle.L2Decay`."""
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    if owner == "optax":
        return getattr(optax.schedules, node.attr, None)
    if owner == "paddle":
        paddle = importlib.import_module("rmsprop.frameworks.paddle")
        return definitions(paddle, inspect.isclass).get(node.attr)
    return None


def definitions(module: ModuleType, kind: Callable[[object], bool]) -> dict[str, Any]:
    """The public objects of one kind that a module itself defines, by name."""
    return {
        name: value
        for name, value in sorted(vars(module).items())
        if kind(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def _signature(function: Callable[..., object]) -> str:
    parameters = [
        p.replace(annotation=inspect.Parameter.empty)
        for p in inspect.signature(function).parameters.values()
    ]
    return str(inspect.Signature(parameters))


def _example(modules: tuple[str, ...]) -> str:
    return f"Write it as {'torch' if 'torch' in modules else modules[0]}.rmsprop(lr=1e-2), say."
