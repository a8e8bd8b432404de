"""Programs on several devices of the host, each in a process of its own with a limit in time."""

import json
import os
import pathlib
import signal
import subprocess
import sys

FOLDER = pathlib.Path(__file__).parent / "sharding"
# Without fused multiply-adds, which the compiler places in each program as it likes, equal formulas
# have equal bits.
WITHOUT_FUSED = "--xla_cpu_max_isa=AVX"
# The longest takes less than a minute on two cores. One that waits for ever is to be seen.
SECONDS = 300


def environment(devices, *flags, folder=FOLDER):
    """The environment of a process with so many devices; it finds the modules of that folder."""
    folders = [str(folder), os.getenv("PYTHONPATH", "")]
    count = f"--xla_force_host_platform_device_count={devices}"
    return {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "JAX_CPU_ENABLE_ASYNC_DISPATCH": "false",  # see `examples/loops/sharded.py`
        "PYTHONPATH": os.pathsep.join(filter(None, folders)),
        "XLA_FLAGS": " ".join([count, *flags]),
    }


def run(arguments, of):
    """Python with these arguments in that environment, ended; warnings are errors.

    One that does not end shows where each of its threads stands, and the test fails.
    """
    command = [sys.executable, "-X", "faulthandler", "-W", "error", *arguments]
    with subprocess.Popen(
        command, env=of, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, errors = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # at which the fault handler prints the stacks
            _, errors = process.communicate()
            raise AssertionError(f"{arguments} has not ended in {SECONDS} s:\n{errors}") from None
    return subprocess.CompletedProcess(command, process.returncode, out, errors)


def on_eight_devices(script, *arguments):
    """What a script of `tests/sharding` prints, which is JSON."""
    ran = run([str(FOLDER / script), *arguments], environment(8, WITHOUT_FUSED))
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
