"""Data parallelism, tensor parallelism, fully sharded parameters and tables, on eight devices."""

import layouts_of_training
import pytest

from several_devices import on_eight_devices

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def failed():
    return on_eight_devices("layouts_of_training.py")


@pytest.mark.parametrize("name", layouts_of_training.tests())
def test_on_eight_devices(name, failed):
    """The functions of `layouts_of_training.py`, each of which is a test."""
    assert failed[name] is None, failed[name]
