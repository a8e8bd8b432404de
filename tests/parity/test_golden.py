"""The ports against trajectories that the frameworks themselves have gone through, recorded."""

import dataclasses
import itertools

import ours
import pytest
import trajectories
from recorded import FRAMEWORKS, RECORDS, recordings

from rmsprop import frameworks

joins_parts = pytest.mark.standard_promotion("Optax joins real and imaginary parts as x + 1j * y")
WIDE = {"float32": "float64", "complex64": "complex128"}


def _richest(framework, dtype):
    """Of each function the case with the most arguments."""
    cases = [case for case in RECORDS[framework].CASES if case.dtype == dtype]
    return [
        max((case for case in cases if case.function == name), key=lambda x: len(x.arguments))
        for name in dict.fromkeys(case.function for case in cases)
    ]


def _pairs(cases):
    """Of cases of one kind a few in which every pair of values of two arguments occurs."""
    names = sorted({name for case in cases for name in case.arguments})

    def pairs(case):
        values = [(name, repr(case.arguments.get(name))) for name in names]
        return set(itertools.combinations(values, 2)) | {(value,) for value in values} | {()}

    missing = set().union(*map(pairs, cases))
    while missing:
        best = max(cases, key=lambda case: len(missing & pairs(case)))
        missing -= pairs(best)
        yield best


def _plain(cases):
    """The cases of the plain run: of each kind some with every pair of values of two arguments.

    Of two that differ in the precision alone the one in double precision is in the plain run.
    """
    kinds = {}
    for case in cases:
        if dataclasses.replace(case, dtype=WIDE.get(case.dtype, "")) not in cases:
            kind = case.function, case.dtype, case.path, case.changing
            kinds.setdefault(kind, []).append(case)
    return [case for kind in kinds.values() for case in _pairs(kind)]


def _params():
    """Every case; most are slow."""
    for name, record in RECORDS.items():
        richest = [case for dtype in WIDE for case in _richest(name, dtype)]
        plain = _plain(record.CASES)
        for case in record.CASES:
            marks = [joins_parts] if case.dtype.startswith("complex") else []
            if case not in plain and case not in richest:
                marks.append(pytest.mark.slow)
            yield pytest.param(name, case, id=f"{name}.{case.name}", marks=marks)


CASES = list(_params())


@pytest.mark.every_case("what the ports are for, on each version of JAX")
@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("framework", "case"), CASES)
def test_the_parameters_are_the_framework_s(framework, case):
    expected = recordings(framework)[case.name]
    found = ours.trajectory(framework, case)
    assert found.dtype == case.dtype
    assert trajectories.difference(found, expected) <= trajectories.TOLERANCE[case.dtype]


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_float32_without_x64_is_the_same(framework):
    """Hyper-parameters and rates are float32 numbers then."""
    for case in _richest(framework, "float32"):
        found = ours.trajectory(framework, case)
        expected = recordings(framework)[case.name]
        assert trajectories.difference(found, expected) <= trajectories.TOLERANCE["float32"]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_compiled_in_one_scan_it_is_the_same(framework):
    case = RECORDS[framework].RICH[0] if RECORDS[framework].RICH else RECORDS[framework].CASES[0]
    found = ours.scanned(framework, case)
    expected = recordings(framework)[case.name]
    assert trajectories.difference(found, expected) <= trajectories.TOLERANCE[case.dtype]


def test_every_module_has_a_recording():
    assert set(FRAMEWORKS) == set(frameworks.MODULES)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_function_is_recorded_in_every_dtype_of_its_framework(framework):
    module = getattr(frameworks, framework)
    recorded = {case.function for case in RECORDS[framework].CASES}
    assert recorded == set(ours.functions(module))
    assert "versions" in recordings(framework)
