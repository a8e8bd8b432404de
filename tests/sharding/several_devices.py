"""Programs on several devices of the host, each in a process of its own."""

import json
import os
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).parent
# Without fused multiply-adds, which the compiler places in each program as it likes, equal formulas
# have equal bits.
WITHOUT_FUSED = "--xla_cpu_max_isa=AVX"


def environment(devices):
    """The environment of a process with so many devices; it finds the modules of these tests."""
    folders = [str(FOLDER), os.getenv("PYTHONPATH", "")]
    return {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join(filter(None, folders)),
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices} {WITHOUT_FUSED}",
    }


def on_eight_devices(script, *arguments):
    """What a script of this folder prints, which is JSON."""
    command = [sys.executable, "-W", "error", str(FOLDER / script), *arguments]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment(devices=8)
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
