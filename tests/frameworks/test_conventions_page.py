"""The tables of `docs/conventions.md` are what the ports do where nothing is passed but a rate."""

import importlib
import inspect
from pathlib import Path

import pytest

from rmsprop import frameworks

PAGE = (Path(__file__).parents[2] / "docs" / "conventions.md").read_text()
HEADS = {
    "rmsprop": "| call | decay | epsilon | start | the rate stands |",
    "adagrad": "| call | epsilon | start |",
}


def _calls(kind):
    """The ports of one kind, but for the papers, by name."""
    for framework in frameworks.MODULES:
        module = importlib.import_module(f"rmsprop.frameworks.{framework}")
        for name, function in vars(module).items():
            own = inspect.isfunction(function) and function.__module__ == module.__name__
            if own and kind in name and not name.startswith("_") and framework != "papers":
                yield f"{framework}.{name}", function


def _convention(function, **options):
    parameters = inspect.signature(function).parameters.values()
    required = {p.name: 0.1 for p in parameters if p.default is p.empty}
    return function(**required, **options).convention


def _number(value):
    return f"{float(value):.4g}"  # some frameworks round to float32


def _row(name, function):
    convention = _convention(function)
    place = "under the root" if convention.eps_in_sqrt else "added to the root"
    epsilon = "none" if convention.eps == 0 else f"{_number(convention.eps)} {place}"
    cells = [f"`{name}`", epsilon, _number(convention.initial)]
    if convention.decay is not None:
        rate = "–"
        if "momentum" in inspect.signature(function).parameters:
            inside = _convention(function, momentum=0.9).lr_in_momentum
            rate = "before momentum" if inside else "after momentum"
        cells = [cells[0], _number(convention.decay), *cells[1:], rate]
    return f"| {' | '.join(cells)} |"


def _expected(kind):
    return [_row(name, function) for name, function in _calls(kind)]


@pytest.mark.parametrize("kind", HEADS)
def test_a_table_is_what_the_ports_do(kind):
    shown = PAGE.split(HEADS[kind])[1].split("\n\n")[0].splitlines()[2:]
    assert shown == _expected(kind), "\n".join(["expected:", *_expected(kind)])
