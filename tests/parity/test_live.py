"""The ports against the frameworks that are installed: their numbers, and their arguments.

Optax and JAX's example libraries come with this package; PyTorch, Keras, timm, Stable-Baselines3,
TensorFlow and the others are run where they are installed (`pip install '.[parity]'` brings the
first two). In the plain run their recordings stand for them (`test_golden.py`); these tests are run
with `pytest -m slow`, and in an environment that has all of the frameworks by `.ci/run parity`.
"""

import importlib
import importlib.util
import inspect

import ours
import pytest
import trajectories
from alone import module_alone
from recorded import RECORDS

from rmsprop import frameworks

# What the frameworks deprecate in each other is not ours to mend.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.standard_promotion("the frameworks' own, Optax's powers of a count among it"),
]

# The module in which a distribution arrives, where it has another name.
MODULES = {
    "paddlepaddle": "paddle",
    "stable-baselines3": "stable_baselines3",
    "tensorflow-cpu": "tensorflow",
}


def missing(packages):
    names = (MODULES.get(package, package) for package in packages)
    return tuple(name for name in names if importlib.util.find_spec(name) is None)


def skipped(name, missing):
    reason = f"not installed: {', '.join(missing)}"
    return pytest.param(name, None, id=name, marks=pytest.mark.skip(reason=reason))


def _cases():
    for name, record in RECORDS.items():
        lacking = set()
        for case in record.CASES:
            needed = record.needs(case) if hasattr(record, "needs") else record.PACKAGES
            absent = missing(needed)
            if not absent:
                yield pytest.param(name, case, id=f"{name}.{case.name}")
            elif absent not in lacking:
                lacking.add(absent)
                yield skipped(name, absent)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("framework", "case"), list(_cases()))
def test_the_parameters_are_the_framework_s(framework, case):
    expected = RECORDS[framework].trajectory(case)
    found = ours.trajectory(framework, case)
    assert trajectories.difference(found, expected) <= trajectories.TOLERANCE[case.dtype]


# Where the original stands, and what is dropped of its arguments: the parameters, which JAX passes
# at every step, and labels.
ORIGINALS = {
    "torch.rmsprop": ("torch", lambda: importlib.import_module("torch").optim.RMSprop),
    "torch.adagrad": ("torch", lambda: importlib.import_module("torch").optim.Adagrad),
    "timm.rmsprop_tf": ("timm", lambda: module_alone("timm.optim.rmsprop_tf").RMSpropTF),
    "stable_baselines3.rmsprop_tf_like": (
        "stable_baselines3",
        lambda: module_alone("stable_baselines3.common.sb2_compat.rmsprop_tf_like").RMSpropTFLike,
    ),
    "keras.rmsprop": ("keras", lambda: importlib.import_module("keras").optimizers.RMSprop),
    "keras.adagrad": ("keras", lambda: importlib.import_module("keras").optimizers.Adagrad),
    "tensorflow.rmsprop": (
        "tensorflow",
        lambda: importlib.import_module("tensorflow").compat.v1.train.RMSPropOptimizer,
    ),
    "tensorflow.adagrad": (
        "tensorflow",
        lambda: importlib.import_module("tensorflow").compat.v1.train.AdagradOptimizer,
    ),
    "jax_examples.rmsprop": ("jax", lambda: _example("rmsprop")),
    "jax_examples.rmsprop_momentum": ("jax", lambda: _example("rmsprop_momentum")),
    "jax_examples.adagrad": ("jax", lambda: _example("adagrad")),
    "optax.rmsprop": ("optax", lambda: importlib.import_module("optax").rmsprop),
    "optax.adagrad": ("optax", lambda: importlib.import_module("optax").adagrad),
}
DROPPED = {"self", "params", "name", "kwargs"}


def _example(name):
    return getattr(importlib.import_module("jax.example_libraries.optimizers"), name)


def _arguments(function):
    return [
        (name, None if p.default is inspect.Parameter.empty else p.default)
        for name, p in inspect.signature(function).parameters.items()
        if name not in DROPPED
    ]


@pytest.mark.parametrize("name", ORIGINALS)
def test_the_arguments_are_the_framework_s_in_order_and_with_its_defaults(name):
    package, original = ORIGINALS[name]
    if missing([package]):
        pytest.skip(f"not installed: {package}")
    module, function = name.split(".")
    found = _arguments(getattr(getattr(frameworks, module), function))
    expected = _arguments(original())
    assert found[: len(expected)] == expected
    # timm takes the largest rate from the rate that it is constructed with.
    assert [argument for argument, _ in found[len(expected) :]] in ([], ["max_lr"])
