"""A problem of one's own, as plain trees and as modules of other libraries."""

import importlib.util
import pathlib
import runpy

import numpy as np
import pytest

import rmsprop
from rmsprop.study import compare

pytestmark = pytest.mark.slow

EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "own_problem.py"


@pytest.fixture(scope="module")
def example():
    return runpy.run_path(str(EXAMPLE))


@pytest.mark.parametrize("name", ["plain", "equinox", "flax"])
@pytest.mark.standard_promotion("the other libraries' own, initial values among them")
def test_models_of_all_kinds_train(example, name):
    if name != "plain" and importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    problem = example["PROBLEMS"][name]()
    result = compare(problem, {"rmsprop": rmsprop.rmsprop}, seeds=2, tuning_seeds=1, steps=100)
    task = result.view(name)
    # The noise of the data alone is 0.01; half of the variance of the wave is passed on the way.
    assert float(task["metric"].max()) < 0.25
    assert np.isfinite(task["loss"]).all()
    assert int(task["parameter_bytes"][0]) == {"plain": 96, "equinox": 97, "flax": 97}[name] * 4
