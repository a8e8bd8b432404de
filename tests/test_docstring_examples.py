"""Every example in a docstring runs, in every module that the package has."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import rmsprop

MODULES = [
    "rmsprop",
    *(module.name for module in pkgutil.walk_packages(rmsprop.__path__, "rmsprop.")),
]
# Where a user looks first: these modules have an example at least.
DOCUMENTED = [
    "rmsprop._apply",
    "rmsprop._conversion",
    "rmsprop._optimizers",
    "rmsprop._rescaling",
    "rmsprop.frameworks",
    *(f"rmsprop.frameworks.{name}" for name in rmsprop.frameworks.MODULES),
    "rmsprop.rows",
    "rmsprop.sharding",
    "rmsprop.telemetry._read",
    "rmsprop.telemetry._watch",
    "rmsprop.study.comparison",
    "rmsprop.study.optimizers",
    "rmsprop.study.steps.functions",
    "rmsprop.study.steps.minimise",
]


@pytest.mark.usefixtures("shared_cache")
@pytest.mark.standard_promotion("a reader's own interpreter")
@pytest.mark.parametrize("name", MODULES)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # for what an example writes
    module = importlib.import_module(name)
    results = doctest.testmod(module)
    assert results.failed == 0
    # An example that doctest does not find, for example in a docstring below a constant, is none.
    assert results.attempted == inspect.getsource(module).count(">>> ")


def test_every_documented_module_has_an_example():
    assert set(DOCUMENTED) <= set(MODULES)
    for name in DOCUMENTED:
        assert ">>> " in inspect.getsource(importlib.import_module(name)), name
