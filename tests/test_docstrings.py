"""The docstrings of what is public read well in `help()`: whole, in plain text, with an example."""

import ast
import dataclasses
import inspect
import re
from pathlib import Path

import pytest

import rmsprop
from rmsprop import frameworks, rows, sharding, study, telemetry

SOURCE = Path(rmsprop.__file__).parent
PORTS = [getattr(frameworks, name) for name in frameworks.MODULES]


def _names(module):
    """Without `__all__`, in a module of ports, what is defined there and has no underscore."""
    if hasattr(module, "__all__"):
        return module.__all__
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (rmsprop, frameworks, rows, sharding, study, telemetry, *PORTS)
    for name in _names(module)
}
FUNCTIONS = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)}
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}
# Nobody calls them with arguments of their own: they are what another function returns, a record
# of numbers or a state, and its example shows them.
RETURNED = {name for name, value in CLASSES.items() if name.endswith("State")} | {
    "rmsprop.frameworks.Convention",
    "rmsprop.frameworks.Difference",
    "rmsprop.frameworks.Drift",
    "rmsprop.frameworks.FrameworkOptimizer",
    "rmsprop.frameworks.Remedy",
    "rmsprop.rows.RowOptimizer",
    "rmsprop.study.Comparison",
    "rmsprop.study.Explorable",
    "rmsprop.study.Map",
    "rmsprop.study.Measurement",
}
LATEX = re.compile(r":math:|\.\. math::|\\(?:frac|sqrt|eta|rho|mu|quad|sum|hat|operatorname)")


def _sections(text):
    return set(re.findall(r"^(Args|Attributes|Returns|Raises|Example):$", text, re.M))


def test_there_are_as_many_as_a_reader_finds():
    assert len(FUNCTIONS) > 60
    assert len(CLASSES) > 20
    assert set(CLASSES) >= RETURNED


@pytest.mark.every_case("takes no time")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_takes_and_returns_and_shows_it(name):
    function, text = FUNCTIONS[name], inspect.getdoc(FUNCTIONS[name])
    first, _, rest = text.partition("\n")
    assert first.endswith(".")
    assert len(first) <= 100
    assert not rest or rest.startswith("\n")  # a summary of one line, as editors show it
    signature = inspect.signature(function)
    sections = _sections(text)
    assert "Example" in sections
    assert ">>> " in text
    if signature.parameters:
        assert "Args" in sections
        for parameter in signature.parameters:
            assert re.search(rf"^    \*{{0,2}}{parameter}: ", text, re.M), parameter
    if signature.return_annotation not in (None, "None"):
        assert "Returns" in sections


@pytest.mark.every_case("takes no time")
@pytest.mark.parametrize("name", CLASSES)
def test_a_class_says_what_it_holds(name):
    kind, text = CLASSES[name], inspect.getdoc(CLASSES[name])
    first = text.partition("\n")[0]
    assert first.endswith(".")
    if dataclasses.is_dataclass(kind):
        fields = [
            field.name for field in dataclasses.fields(kind) if not field.name.startswith("_")
        ]
    else:
        fields = getattr(kind, "_fields", [])
    for field in fields:
        assert re.search(rf"^    {field}: ", text, re.M), field
    assert name in RETURNED or ">>> " in text


@pytest.mark.every_case("takes no time")
@pytest.mark.parametrize("name", {**FUNCTIONS, **CLASSES})
def test_a_signature_is_read_at_a_glance(name):
    """At most eleven lines of 80: types have the names that the source gives them."""
    assert len(str(inspect.signature(PUBLIC[name]))) < 11 * 80


def test_no_docstring_has_formulas_for_a_typesetter():
    """A reader of `help()` and of an editor sees the source."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)):
                raw = LATEX.search(ast.get_docstring(node) or "")
                assert raw is None, f"{file}: {raw[0]}"
