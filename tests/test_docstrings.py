"""Every example in a docstring runs, in every module that the package has."""

import doctest
import importlib
import pkgutil

import pytest

import rmsprop

# The study, which needs its extra, has a test of its own.
OTHERS = ("rmsprop.study", "rmsprop.commands", "rmsprop.__main__")
MODULES = [
    "rmsprop",
    *(
        module.name
        for module in pkgutil.walk_packages(rmsprop.__path__, "rmsprop.", onerror=lambda name: None)
        if not module.name.startswith(OTHERS)
    ),
]
# What a module has at least: none is overlooked, and a function that is added brings its own.
AT_LEAST_ONE = [
    "rmsprop._apply",
    "rmsprop._optimizers",
    "rmsprop._rescaling",
    "rmsprop.frameworks",
    *(f"rmsprop.frameworks.{name}" for name in rmsprop.frameworks.MODULES),
    "rmsprop.rows",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0
    assert results.attempted > 0 or name not in AT_LEAST_ONE


def test_every_module_is_here():
    assert set(AT_LEAST_ONE) <= set(MODULES)
