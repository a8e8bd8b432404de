"""The ports against trajectories that the frameworks themselves have gone through, recorded."""

import ours
import pytest
import trajectories
from recorded import FRAMEWORKS, RECORDS, recordings

from rmsprop import frameworks

joins_parts = pytest.mark.standard_promotion("Optax joins real and imaginary parts as x + 1j * y")
CASES = [
    pytest.param(
        *(name, case),
        id=f"{name}.{case.name}",
        marks=joins_parts if case.dtype.startswith("complex") else (),
    )
    for name, record in RECORDS.items()
    for case in record.CASES
]


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
    cases = [case for case in RECORDS[framework].CASES if case.dtype == "float32"]
    for function in {case.function for case in cases}:
        of_function = [case for case in cases if case.function == function]
        case = max(of_function, key=lambda case: len(case.arguments))
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
