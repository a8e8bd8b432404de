"""Training in bfloat16 reaches the loss of float32 if it is rounded stochastically, and only then.

The quick version of `examples/half_the_memory.py`, with its functions. The tolerance is the 95 %
interval of float32's own mean over seeds: what other seeds would have moved it by.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from rmsprop.study.results.statistics import bootstrap_interval

STEPS, SEEDS, OPTIMIZER = 1250, 8, "RMSprop, decay 0.999, rate 0.001"


def _load():
    path = Path(__file__).parents[1] / "examples/half_the_memory.py"
    specification = importlib.util.spec_from_file_location("half_the_memory", path)
    module = importlib.util.module_from_spec(specification)
    sys.modules["half_the_memory"] = module
    specification.loader.exec_module(module)
    return module


# Half a minute of training.
pytestmark = pytest.mark.slow

example = _load()


@pytest.fixture(scope="module")
def digits():
    return example.digits()


def _trained(task, variant):
    values, memory = example.losses(task, OPTIMIZER, example.VARIANTS[variant], STEPS, SEEDS)
    return example.final_loss(values), memory


@pytest.fixture(scope="module")
def single(digits):
    found, memory = _trained(digits, example.FLOAT32)
    assert memory == (4, 4)
    return bootstrap_interval(found, np.mean)


@pytest.mark.parametrize(
    ("variant", "memory"),
    [("accumulators bfloat16, stochastic", (4, 2)), ("all bfloat16, stochastic", (2, 2))],
)
def test_rounded_stochastically_it_trains_as_float32_does(digits, single, variant, memory):
    found, needed = _trained(digits, variant)
    assert needed == memory
    assert single.low <= found.mean() <= single.high


@pytest.mark.parametrize(
    "variant",
    [
        "accumulators bfloat16, to nearest",
        pytest.param(
            "all bfloat16, Optax",
            marks=pytest.mark.standard_promotion("optax raises a float to an int32 power"),
        ),
    ],
)
def test_rounded_to_nearest_it_does_not(digits, single, variant):
    """Or the test above would hold whatever the rounding."""
    found, _ = _trained(digits, variant)
    assert found.mean() > single.high
