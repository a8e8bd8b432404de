"""Runs that were saved in a framework go on here as they went on there.

The saved states were recorded (`moving_<framework>.py`); `test_moves_live.py` runs the frameworks.
"""

import functools

import jax
import jax.numpy as jnp
import moved
import moving
import pytest

CASES = [
    pytest.param(framework, case, id=f"{framework}.{case.name}")
    for framework in moving.FRAMEWORKS
    for case in getattr(moving.module(framework), "RECORDED", [])
]
# Of the two parts of a complex leaf, Optax makes one by a product that strict promotion refuses.
pytestmark = pytest.mark.standard_promotion("Optax, where leaves are complex")
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
