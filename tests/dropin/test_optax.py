"""The tests in Optax's wheel that exercise what we replace: every one passes, and runs ours."""

import importlib
import re
import unittest
import warnings
from pathlib import Path

import jax
import optax
import replacement

# Optax 0.2.5 has 190 of them, for it repeats many with and without jit and pmap; 0.2.8 has 104.
LEAST = 80
# Where they were found so far. All test modules are searched; one of these may not be in a wheel.
KNOWN_MODULES = (
    "optax._src.alias_test",
    "optax._src.float64_test",
    "optax._src.sharding_test",
    "optax._src.transform_test",
    "optax.contrib._common_test",
    "optax.contrib._schedule_free_test",
    "optax.schedules._schedule_test",
    "optax.tree_utils._state_utils_test",
)


def _import_tests():
    """The test cases of every test module, also of one that takes its optimizers from another."""
    folder = Path(optax.__file__).parent
    ours = re.compile(rf"\b({'|'.join(replacement.leading_to_ours())})\b")
    replacement.LEFT_OUT.update(dict.fromkeys(KNOWN_MODULES, "not in this wheel"))
    for path in sorted(folder.rglob("*_test.py")):
        name = ".".join(path.relative_to(folder.parent).with_suffix("").parts)
        try:
            with warnings.catch_warnings(action="ignore"):
                module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if ours.search(path.read_text()):
                raise
            replacement.LEFT_OUT[name] = f"names none of ours, and {error}"
            continue
        replacement.LEFT_OUT.pop(name, None)
        replacement.compare_versions_in(module)
        for key, value in vars(module).items():
            is_case = isinstance(value, type) and issubclass(value, unittest.TestCase)
            if is_case and value.__module__ == name:
                yield f"{path.stem}_{key}", value


globals().update(_import_tests())


def test_no_module_of_optax_has_kept_an_original():
    kept = [
        f"{module.__name__}.{key}"
        for module in replacement.modules_of_optax()
        for key, value in vars(module).items()
        if any(value is original for original in replacement.ORIGINALS)
    ]
    assert not kept


def test_there_are_the_devices_that_the_tests_of_shardings_need():
    assert jax.device_count() == 8


def test_every_selected_test_ran_ours_and_passed(verdicts):
    assert not [test for test, verdict in verdicts.items() if verdict == "not passed"]


def test_no_test_was_overlooked(verdicts):
    assert not [test for test, verdict in verdicts.items() if verdict == "overlooked"]


def test_there_are_enough_of_them(verdicts):
    assert list(verdicts.values()).count("passed") >= LEAST
