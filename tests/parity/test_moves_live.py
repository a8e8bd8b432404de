"""Runs that move between the frameworks that are installed and here, in both directions."""

import jax
import jax.numpy as jnp
import moved
import moving
import pytest
from test_live import missing, skipped
from trajectories import start

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.standard_promotion("the frameworks' own"),
]


def _cases():
    for framework in moving.FRAMEWORKS:
        own = moving.module(framework)
        lacking = set()
        for case in own.CASES:
            absent = missing(own.needs(case) if hasattr(own, "needs") else own.PACKAGES)
            if not absent:
                yield pytest.param(framework, case, id=f"{framework}.{case.name}")
            elif absent not in lacking:
                lacking.add(absent)
                yield skipped(framework, absent)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("framework", "case"), list(_cases()))
def test_a_run_moves_here(framework, case):
    """20 steps there, then 20 more in both; what was saved comes back bit for bit."""
    moved.assert_moves_here(framework, case)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("framework", "case"), list(_cases()))
def test_a_run_moves_there(framework, case):
    """20 steps here, then 20 more in both."""
    steps = moving.stream(case)
    params = jax.tree.map(jnp.asarray, start(case.dtype))
    _, optimizer = moved.port(framework, case)
    first, state = moved.follow(optimizer, optimizer.init(params), params, steps[: moving.BEFORE])
    run = moving.module(framework).Run(case, moving.theirs(framework, first[-1]))
    run.load(moved.to_there(framework, optimizer, state, first[-1]))
    there = moving.follow(framework, run, steps[moving.BEFORE :])
    here, _ = moved.follow(optimizer, state, first[-1], steps[moving.BEFORE :])
    assert moving.difference(here, there) <= moving.TOLERANCE[case.dtype]
