"""Every example in a docstring runs, in every module that the package has."""

import doctest
import importlib.util
import pkgutil
from pathlib import Path

import pytest

import rmsprop


def _source(name):
    return Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")


MODULES = [
    "rmsprop",
    *(module.name for module in pkgutil.walk_packages(rmsprop.__path__, "rmsprop.")),
]
# The source says whether there is one, so that no module is imported for it.
WITH_EXAMPLES = [name for name in MODULES if ">>> " in _source(name)]
# A map and a comparison, small ones, and the pictures of a task.
SLOW = {
    "rmsprop.study.comparison",
    "rmsprop.study.maps.making",
    "rmsprop.study.maps.measuring",
    "rmsprop.study.tasks.images",
}
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


@pytest.mark.every_case("what a user reads first; the longest are slow")
@pytest.mark.usefixtures("shared_cache")
@pytest.mark.standard_promotion("a reader's own interpreter")
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in WITH_EXAMPLES],
)
def test_examples(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # for what an example writes
    module = importlib.import_module(name)
    results = doctest.testmod(module)
    assert results.failed == 0
    # An example that doctest does not find, for example in a docstring below a constant, is none.
    assert results.attempted == _source(name).count(">>> ")


def test_every_documented_module_has_an_example():
    assert set(DOCUMENTED) <= set(WITH_EXAMPLES)
