"""Runs that were saved in a framework go on here as they went on there.

The saved states were recorded (`moving_<framework>.py`); `test_moves_live.py` runs the frameworks.
"""

import functools

import jax
import jax.numpy as jnp
import moved
import moving
import pytest
from trajectories import Case

CASES = [
    pytest.param(framework, case, id=f"{framework}.{case.name}")
    for framework in moving.FRAMEWORKS
    for case in getattr(moving.module(framework), "RECORDED", [])
]
# Of the two parts of a complex leaf, Optax makes one by a product that strict promotion refuses.
pytestmark = [
    pytest.mark.standard_promotion("Optax, where leaves are complex"),
    pytest.mark.usefixtures("compiled_quickly"),
]
recordings = functools.cache(moving.recordings)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("framework", "case"), CASES)
def test_a_recorded_run_goes_on_and_its_state_comes_back(framework, case):
    record = recordings(framework)[case.name]
    params = jax.tree.map(jnp.asarray, record["middle"])
    optimizer, state = moved.from_there(framework, case, record["saved"], params)
    back = moved.to_there(framework, optimizer, state, params)
    assert moved.unexplained(framework, case, record["saved"], back) == []
    after, _ = moved.follow(optimizer, state, params, moving.stream(case)[moving.BEFORE :])
    assert moving.difference(after, record["after"]) <= moving.TOLERANCE[case.dtype]


# These two come with the package: they need no recording.
PRESENT = [
    ("optax", Case("rmsprop", {"eps": 1e-3, "momentum": 0.9, "nesterov": True})),
    ("optax", Case("rmsprop", {"eps": 1e-3, "momentum": 0.9, "centered": True}, dtype="float32")),
    ("optax", Case("rmsprop", {"eps": 1e-3, "bias_correction": True}, changing=False)),
    ("jax_examples", Case("rmsprop_momentum", {"eps": 1e-3})),
    ("jax_examples", Case("adagrad", {"momentum": 0.9}, dtype="float32")),
]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("framework", "case"), PRESENT, ids=lambda x: getattr(x, "name", x))
def test_a_run_of_what_is_installed_goes_on(framework, case):
    moved.assert_moves_here(framework, case)
