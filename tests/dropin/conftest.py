"""`pytest tests/dropin`: Optax's own tests with our functions, in a process of its own.

The tests of shardings need eight devices, which have to be asked for before JAX starts.
`--every` runs all tests of Optax, those of other optimizers too, to see that none was overlooked.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from unittest import TestCase

import jax
import optax
import pytest
import replacement

os.environ["XLA_FLAGS"] = f"{os.getenv('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"
jax.config.update("jax_platforms", "cpu")
# As JAX comes: our own tests are stricter than Optax's.
jax.config.update("jax_numpy_dtype_promotion", "standard")
jax.config.update("jax_numpy_rank_promotion", "allow")
replacement.install()  # before the test modules are imported, for they keep what they find


@dataclass
class Result:
    """What became of one of Optax's tests."""

    module: str
    direct: bool  # it names one of ours, or holds one
    selected: bool  # it does, or it names what calls one of ours in Optax
    outcomes: set[str] = field(default_factory=set)  # its own, and those of its parts
    calls: Counter[str] = field(default_factory=Counter)

    @property
    def verdict(self) -> str:
        ran_ours = self.calls["init"] + self.calls["update"] > 0
        if not self.selected:
            return "overlooked" if ran_ours else "of others"
        if not self.direct and not ran_ours:
            return "of others"  # it ends before what calls ours is called
        if self.outcomes == {"passed"} and ran_ours:
            return "passed"
        if self.outcomes == {"skipped"} and self.calls["JAX too old"]:
            return "in need of a newer JAX"
        return "not passed"  # or skipped, or not run, or without a call of ours


_RESULTS: dict[str, Result] = {}


@pytest.fixture(scope="session")
def verdicts() -> dict[str, str]:
    """What became of each of Optax's tests; those that ask for it come last."""
    return {test: result.verdict for test, result in _RESULTS.items()}


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    config.option.numprocesses = 0  # whatever is set for the other tests: one process judges all


def pytest_addoption(parser):
    parser.addoption("--every", action="store_true", help="run all tests of Optax")


def pytest_collection_modifyitems(config, items):
    theirs = [item for item in items if item.cls is not None and issubclass(item.cls, TestCase)]
    rest = [item for item in items if item not in theirs]
    leading_to_ours = replacement.leading_to_ours()
    for item in theirs:
        item.add_marker(pytest.mark.filterwarnings("default"))  # Optax's warnings are its own
        test = getattr(item.cls, item.name)
        direct = replacement.exercises(test, replacement.NAMES)
        selected = direct or replacement.exercises(test, leading_to_ours)
        if selected or config.getoption("every"):
            _RESULTS[item.nodeid] = Result(item.cls.__module__, direct, selected)
    items[:] = [item for item in theirs if item.nodeid in _RESULTS] + rest


def pytest_runtest_setup():
    replacement.CALLS.clear()


def pytest_runtest_logreport(report):
    result = _RESULTS.get(report.nodeid)
    if result is not None and (report.when == "call" or not report.passed):
        result.outcomes.add(report.outcome)
        result.calls = Counter(replacement.CALLS)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section(f"Optax {optax.__version__} with ours, JAX {jax.__version__}")
    tables: dict[str, Counter[str]] = {}
    for result in _RESULTS.values():
        if result.verdict != "of others":
            for row in (result.module, "total"):
                tables.setdefault(row, Counter())[result.verdict] += 1
    for row in sorted(tables, key=lambda row: (row == "total", row)):
        counts = ", ".join(f"{count} {verdict}" for verdict, count in tables[row].items())
        terminalreporter.write_line(f"{row:<38}{tables[row].total():5} selected: {counts}")
    for module, reason in replacement.LEFT_OUT.items():
        terminalreporter.write_line(f"{module:<38}  left out: {reason}")
