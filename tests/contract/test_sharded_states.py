"""A new state lies where its parameters lie: outside of programs and inside of them."""

import json
import os
import pathlib

import pytest
from table import every_entry

import several_devices

# A process of its own compiles some two hundred programs for eight devices.
pytestmark = pytest.mark.slow

SCRIPT = pathlib.Path(__file__).with_name("sharded_states.py")


@pytest.fixture(scope="module")
def elsewhere():
    """By entry and way to call `init` the arrays of the state that are not where they should be."""
    environment = several_devices.environment(8, os.getenv("XLA_FLAGS", ""))
    ran = several_devices.run([str(SCRIPT)], environment)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@every_entry
def test_a_state_is_divided_over_devices_as_its_parameters_are(entry, elsewhere):
    """Each accumulator and each buffer, of whatever dtype; `init` compiled and not."""
    ways = elsewhere[entry.name]
    assert {"not traced", "an argument"} <= set(ways)
    assert {way: arrays for way, arrays in ways.items() if arrays} == {}
