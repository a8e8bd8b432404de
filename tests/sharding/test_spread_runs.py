"""Runs on eight devices with a spread state: what they hold, what they send, what they compute."""

import pytest
import spread_runs

from several_devices import on_eight_devices

PLAIN = ("rmsprop, automatic",)
# Norms are sums over an array, whose parts are added in another order.
WITH_NORMS = ("clipnorm",)
PARAMETERS = sorted([96, 72, 24, 80])


@pytest.fixture(scope="module")
def plain():
    return on_eight_devices("spread_runs.py", *PLAIN)


def check(name, run):
    assert run["begins equal"]
    if any(word in name for word in WITH_NORMS):
        # A norm of at most 272 numbers is off by as many roundings, of 2^-24 each, and a step is at
        # most as long as a parameter.
        assert run["different"]
        assert run["distance"] <= 272 * 2**-24 * spread_runs.STEPS
    else:
        assert run["different"] == []
    eighth, rest = divmod(run["bytes of arrays"], 8)
    assert rest == 0
    assert run["bytes by device"] == [eighth + run["bytes of numbers"]] * 8
    assert run["parameters whole"]
    assert run["state divided"]
    gathered = sorted(size for kind, size in run["collectives"] if kind == "all-gather")
    others = {size for kind, size in run["collectives"] if kind != "all-gather"}
    if name.startswith("flattened"):  # one array of all numbers, which is cut up anew
        return
    # What is gathered is each new parameter, or its update, once; one group is not trained.
    assert gathered == [size for size in PARAMETERS if size != 80 or "groups" not in name]
    assert others <= {1}  # sums that are a number


@pytest.mark.slow
@pytest.mark.parametrize("name", PLAIN)
def test_a_run_with_a_spread_state(name, plain):
    """An eighth of the state on each device, no part of it sent, and the numbers of one device."""
    check(name, plain[name])


@pytest.mark.slow
@pytest.mark.parametrize("names", [spread_runs.runs()[::2], spread_runs.runs()[1::2]])
def test_every_run_with_a_spread_state(names):
    """Of Optax's wrappers, of the contract's table, and of the ports with a state of their own.

    Two tests and no fixture, which each process of the tests would make for itself.
    """
    found = on_eight_devices("spread_runs.py", *names)
    assert [*found] == names
    for name in names:
        print(name)  # is seen where one fails
        check(name, found[name])
