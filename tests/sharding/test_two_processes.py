"""Two processes with four devices each train together, over the loopback interface."""

import json
import socket
import subprocess
import sys

import layouts_of_training
import pytest

from several_devices import FOLDER, SECONDS, WITHOUT_FUSED, environment

pytestmark = pytest.mark.slow


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def printed():
    """What each of the processes printed last, after messages of the network."""
    command = [sys.executable, "-W", "error", str(FOLDER / "one_of_two_processes.py")]
    port = str(free_port())
    processes = [
        subprocess.Popen(
            [*command, port, str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(4, WITHOUT_FUSED),
        )
        for number in range(2)
    ]
    try:
        outputs = [process.communicate(timeout=SECONDS) for process in processes]
    finally:  # one waits for the other, which may have failed
        for process in processes:
            process.kill()
    for process, (_, errors) in zip(processes, outputs, strict=True):
        assert process.returncode == 0, errors
    return [json.loads(out.splitlines()[-1]) for out, _ in outputs]


def test_each_device_of_each_process_holds_an_eighth_of_the_state(printed):
    for process in printed:
        assert process["bytes by device"] == [process["bytes"] // 8] * 4
        assert process["bytes"] % 8 == 0


def test_both_have_the_same_parameters(printed):
    """Which are those of one device: each process compares them itself."""
    assert printed[0]["parameters"] == printed[1]["parameters"]


def test_only_new_parameters_are_gathered(printed):
    params, _ = layouts_of_training.network()
    sizes = sorted(x.size for layer in params.values() for x in layer.values())
    for process in printed:
        gathered = [size for kind, size in process["collectives"] if kind == "all-gather"]
        assert sorted(gathered) == sizes
