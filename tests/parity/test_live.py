"""The ports against the frameworks that are installed.

Optax and JAX's example libraries come with this package; PyTorch, Keras, timm, Stable-Baselines3,
TensorFlow and the others are run where they are installed (`pip install 'rmsprop[parity]'` brings
the first four).
"""

from importlib import metadata

import ours
import pytest
import trajectories
from recorded import RECORDS

# What the frameworks deprecate in each other is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


def _missing(package):
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return True
    return False


def _cases():
    for name, record in RECORDS.items():
        missing = [package for package in record.PACKAGES if _missing(package)]
        if missing:
            reason = f"not installed: {', '.join(missing)}"
            yield pytest.param(name, None, id=name, marks=pytest.mark.skip(reason=reason))
            continue
        for case in record.CASES:
            yield pytest.param(name, case, id=f"{name}.{case.name}")


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("framework", "case"), list(_cases()))
def test_the_parameters_are_the_framework_s(framework, case):
    expected = RECORDS[framework].trajectory(case)
    found = ours.trajectory(framework, case)
    assert trajectories.difference(found, expected) <= trajectories.TOLERANCE[case.dtype]
