"""The test of the parity tests: one flag turned, anywhere, and they fail.

Every argument of every port is changed in cases where all of them matter, and so is every value of
the convention that the port stands for; the trajectory must then miss the recorded one.
"""

import dataclasses
import inspect

import ours
import pytest
import trajectories
from recorded import RECORDS, recordings

from rmsprop import frameworks

# A test of tests, which need not be repeated with each of them.
pytestmark = pytest.mark.slow

RICH = [
    pytest.param(name, case, id=f"{name}.{case.name}")
    for name, record in RECORDS.items()
    for case in record.RICH
]
# What no convention describes has arguments all the same.
VARIANTS = [
    pytest.param(name, case, id=f"{name}.{case.name}")
    for name, record in RECORDS.items()
    for case in getattr(record, "VARIANTS", [])
]

# What a turned flag has to do at least: in float64 a thousand times what the tolerance lets pass;
# MXNet has float32 only, where it is the tolerance itself.
NOTICED = {"float64": 1e-9, "float32": trajectories.TOLERANCE["float32"]}


def missed(framework, case, found):
    difference = trajectories.difference(found, recordings(framework)[case.name])
    return difference > NOTICED[case.dtype]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("framework", "case"), RICH + VARIANTS)
def test_turning_any_argument_is_noticed(framework, case):
    function = ours.functions(getattr(frameworks, framework))[case.function]
    _, *names = inspect.signature(function).parameters
    assert missed(
        framework, case, ours.trajectory(framework, dataclasses.replace(case, learning_rate=0.031))
    )
    silent = getattr(RECORDS[framework], "SILENT", {})
    for name in names:
        if name in silent.get(case.function, ()):  # how it runs, not what it computes
            continue
        value = case.arguments.get(name, inspect.signature(function).parameters[name].default)
        turned = _turned(value)
        if turned is None:  # an option left out, such as a second limit that excludes the first
            continue
        try:
            found = ours.trajectory(framework, case, **{name: turned})
        except ValueError:  # contradicts the other options, which is noticed too
            continue
        assert missed(framework, case, found), f"{name}={turned!r} in the place of {value!r}"


def _turned(value):
    """Another value: the opposite, or 1 % more, which is less than any confusion of conventions."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, float | int):
        return value * 1.01 if 0 < value < 0.9 else value * 0.99 if value else 0.01
    return None


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("framework", "case"), RICH)
def test_turning_any_value_of_the_convention_is_noticed(framework, case):
    convention = ours.optimizer(framework, case).convention
    turned = {
        "eps_in_sqrt": not convention.eps_in_sqrt,
        "initial": convention.initial + 0.1,
        "eps": convention.eps * 1.01 + 1e-4,
        "maximize": not convention.maximize,
        "gradient_scale": 1.01,
        "decay": 0.5,
    }
    if convention.decay is not None:
        turned["centered"] = not convention.centered
        turned["bias_correction"] = not convention.bias_correction
    if convention.momentum is not None:
        turned["momentum"] = None
        turned["lr_in_momentum"] = not convention.lr_in_momentum
        turned["nesterov"] = not convention.nesterov
        turned["dampened"] = not convention.dampened
        turned["caution"] = not convention.caution
    if convention.weight_decay:
        rules = {"coupled": "decoupled", "decoupled": "coupled", "corrected": "decoupled"}
        turned["weight_decay_rule"] = rules.get(convention.weight_decay_rule, "decoupled")
    if convention.clipping is not None:
        turned["clipping"] = None
        if convention.weight_decay and convention.weight_decay_rule == "coupled":
            turned["clip_before_weight_decay"] = not convention.clip_before_weight_decay
    if convention.around:
        turned["around"] = ()
    for name, value in turned.items():
        if convention.eps == 0 and name == "eps_in_sqrt":
            continue  # the same without an epsilon
        if convention.eps == convention.initial == 0 and name == "gradient_scale":
            continue  # a step has no scale then
        try:
            found = ours.turned(framework, case, **{name: value})
        except ValueError:  # centered with bias correction
            continue
        assert missed(framework, case, found), f"{name}={value!r}"


def test_every_function_has_a_case_in_which_all_flags_matter():
    for name, record in RECORDS.items():
        conventional = {
            case.function
            for case in record.CASES
            if hasattr(ours.optimizer(name, case), "convention")
        }
        assert {case.function for case in record.RICH} >= conventional
