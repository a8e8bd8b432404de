"""Reads a framework's call from text such as `torch.rmsprop(lr=1e-2, alpha=0.99)`."""

import ast
import importlib
import inspect
import operator
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import optax

from rmsprop.frameworks._originals import EXAMPLE, Original, original
from rmsprop.frameworks._other_arguments import refuse_other_arguments, without_effect

_ARITHMETIC: dict[type[ast.operator], Callable[..., object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


@dataclass(frozen=True)
class Call:
    """A call of an optimizer, read from text.

    Attributes:
        name: The port, `module.function`.
        function: Its function.
        arguments: The arguments by the port's own names, without parameters and labels.
        optimizer: What the function returns for them.
    """

    name: str
    function: Callable[..., optax.GradientTransformationExtraArgs]
    arguments: dict[str, object]
    optimizer: optax.GradientTransformationExtraArgs


def read_call(text: str, modules: tuple[str, ...]) -> Call:
    """The call that a text stands for; nothing but such calls and numbers is evaluated.

    Args:
        text: `module.function(arguments)` with the names of `rmsprop.frameworks` or with those of
            the framework itself, such as `torch.optim.RMSprop(model.parameters(), lr=1e-2)`. It may
            be assigned to a name, and imports may stand before it. The optimizers of this package
            itself are read too: `rmsprop.rmsprop(1e-2)`. Arguments are numbers, arithmetic of
            numbers, True, False, None, and calls of Optax's schedules, such as
            `optax.linear_schedule(7e-4, 0.0, 1000)`. Parameters and labels are passed over.
        modules: The names of the modules.

    Raises:
        ValueError: The text is not such a call, it names a framework or an optimizer that is not
            here, or its name stands for several.
        TypeError: The optimizer does not take the arguments.
    """
    imports, node = _statements(text)
    if any(k.arg is None for k in node.keywords):
        raise ValueError(f"{text!r} has a ** argument; write its arguments out.")
    functions = _functions(modules)
    reading, why = original(
        ast.unparse(node.func),
        imports,
        functions,
        lambda reading: _misfit(node, reading, functions[reading.port], text),
    )
    if reading is None:
        raise ValueError(f"{text.strip()!r}: {why}")
    function = functions[reading.port]
    positional, nodes = _arguments(node, reading, function, text)
    values = [_value(argument, text) for argument in positional]
    keywords = {name: _value(value, text) for name, value in nodes.items()}
    refuse_other_arguments(function, [*keywords])
    try:
        arguments = inspect.signature(function).bind(*values, **keywords).arguments
    except TypeError as error:
        raise TypeError(
            f"{reading.port}: {error}. Its call is {reading.port}{_signature(function)}."
        ) from None
    return Call(reading.port, function, dict(arguments), function(**arguments))


def _arguments(
    node: ast.Call, reading: Original, function: Callable[..., object], text: str
) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    """The arguments of a call as its port takes them, without parameters and labels."""
    nodes = {str(k.arg): k.value for k in node.keywords}
    positional = _positional(node, reading, text)
    if reading.order is not None:
        nodes = {**dict(zip(reading.order, positional, strict=False)), **nodes}
        positional = positional[len(reading.order) :]
    nodes = {name: value for name, value in nodes.items() if not without_effect(function, name)}
    return positional, nodes


def _misfit(node: ast.Call, reading: Original, function: Callable[..., object], text: str) -> str:
    """Why a reading of a name does not take the arguments of a call; empty where it does."""
    try:
        positional, nodes = _arguments(node, reading, function, text)
        refuse_other_arguments(function, [*nodes])
        inspect.signature(function).bind(*positional, **nodes)
    except (TypeError, ValueError) as error:
        return str(error)
    for argument in (*positional, *nodes.values()):
        if _is_parameters(argument):
            return f"it has no argument for {ast.unparse(argument)}"
    return ""


def _is_parameters(node: ast.expr) -> bool:
    """Whether an argument is a list, or by its name the parameters: `model.parameters()`."""
    if isinstance(node, ast.List | ast.Tuple | ast.ListComp | ast.GeneratorExp):
        return True
    name = ast.unparse(node.func if isinstance(node, ast.Call) else node)
    return re.fullmatch(r"\w*param(eter)?s", name.rpartition(".")[2]) is not None


def _statements(text: str) -> tuple[dict[str, str], ast.Call]:
    """The imports of a text, by the names that they give, and the call at its end."""
    try:
        statements = ast.parse(textwrap.dedent(text).strip()).body
    except SyntaxError as error:
        raise ValueError(f"{text!r} is no Python call: {error.msg}. {EXAMPLE}") from None
    imports: dict[str, str] = {}
    for statement in statements[:-1]:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                root = alias.name.partition(".")[0]
                imports[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            for alias in statement.names:
                imports[alias.asname or alias.name] = f"{statement.module}.{alias.name}"
        else:
            raise ValueError(
                f"{ast.unparse(statement)!r} in {text!r} is neither an import nor the call. Write"
                f" one call, with its imports before it and numbers for its arguments."
            )
    last = statements[-1] if statements else None
    is_assigned = isinstance(last, ast.Expr | ast.Assign | ast.AnnAssign)
    node = last.value if is_assigned else None
    if not isinstance(node, ast.Call) or not re.fullmatch(r"[\w.]+", ast.unparse(node.func)):
        raise ValueError(f"{text!r} is not a call of an optimizer. {EXAMPLE}")
    return imports, node


def _functions(
    modules: tuple[str, ...],
) -> dict[str, Callable[..., optax.GradientTransformationExtraArgs]]:
    """All ports by `module.function`, and the optimizers of this package by their own names."""
    places = {f"rmsprop.frameworks.{module}": module for module in modules}
    places["rmsprop.frameworks._this_package"] = "rmsprop"
    return {
        f"{module}.{name}": function
        for place, module in places.items()
        for name, function in definitions(
            importlib.import_module(place), inspect.isfunction
        ).items()
    }


def _positional(node: ast.Call, reading: Original, text: str) -> list[ast.expr]:
    """The positional arguments without the parameters of the model."""
    if not (reading.parameters_first and node.args):
        return node.args
    first = node.args[0]
    if isinstance(first, ast.Constant | ast.UnaryOp | ast.BinOp):
        raise ValueError(
            f"{ast.unparse(first)!r} in {text!r} stands in the place of the parameters, which"
            f" {reading.name} takes first. Write {reading.name}(params, {ast.unparse(first)}), or"
            f" call {reading.port}({ast.unparse(first)})."
        )
    return node.args[1:]


def _arithmetic(
    node: ast.expr, text: str, function: Callable[..., object], *operands: object
) -> object:
    try:
        return function(*operands)
    except (ArithmeticError, TypeError) as error:
        raise ValueError(f"{ast.unparse(node)!r} in {text!r} is no number: {error}.") from None


def _value(node: ast.expr, text: str) -> object:
    """A number, a constant, a collection of values, a dtype's name, or what a class returns."""
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
    if isinstance(node, ast.Attribute) and re.fullmatch(
        r"(jax\.numpy|jnp|np|numpy)\.b?float\d+", ast.unparse(node)
    ):
        return node.attr
    if isinstance(node, ast.Call):
        constructor = _constructor(ast.unparse(node.func))
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


def _constructor(name: str) -> Callable[..., object] | None:
    """One of Optax's schedules, or a class of a framework's arguments such as `paddle.L2Decay`."""
    owner, _, last = name.rpartition(".")
    if owner in ("optax", "optax.schedules"):
        return getattr(optax.schedules, last, None)
    if owner.partition(".")[0] in ("paddle", "fluid"):
        paddle = importlib.import_module("rmsprop.frameworks.paddle")
        return definitions(paddle, inspect.isclass).get(last)
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
