"""The command for accelerators runs on a CPU too, where all of it is seen except the figures."""

import json
import subprocess
import sys
from pathlib import Path

import accelerator
import pytest
import races
import write_table

SCRIPT = Path(accelerator.__file__)


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """The record of a small run, in a process of its own."""
    file = tmp_path_factory.mktemp("accelerator") / "record.json"
    command = [sys.executable, str(SCRIPT), "--size", "small", "--json", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(file.read_text())


def test_every_part_is_run_or_says_why_not(content):
    assert content["seconds"].keys() == accelerator.PARTS.keys()
    assert all("torch" in reason for reason in content["unmeasured"].values())


def test_the_bits_of_the_rounding_and_the_contract_are_checked(content):
    assert content["checks"] == {
        "bits of bfloat16": True,
        "bits of float16": True,
        "contract": True,
    }
    assert "0 failed, 0 were not run" in content["remarks"]["contract"]


def test_goals_are_measured_except_that_of_the_large_table(content):
    """The table is too large for a CPU, and PyTorch may be missing."""
    figures = {goal["work"]: goal["figure"] for goal in content["goals"]}
    missing = {work for work, figure in figures.items() if figure is None}
    assert missing <= {
        "rows, times faster than dense Optax",
        "digits, times faster than a loop in PyTorch",
    }
    assert all(figure > 0 for figure in figures.values() if figure is not None)


def test_the_page_shows_a_record(content):
    text = write_table.of_accelerator(content)
    for goal in content["goals"]:
        assert f"| {goal['work']} |" in text
    assert content["remarks"]["copy bandwidth"] in text


def test_what_would_begin_when_the_time_is_up_is_not_run():
    session = accelerator.Session("small", seconds=0.0)
    before = len(races.ROWS)
    for name, part in accelerator.PARTS.items():
        session.run(name, part)
    assert session.unmeasured == dict.fromkeys(accelerator.PARTS, "the time was up")
    assert len(races.ROWS) == before


def test_an_error_ends_its_own_part_alone():
    session = accelerator.Session("small", seconds=60.0)

    def fails(session):
        raise RuntimeError("no such kernel\nand more")

    session.run("first", fails)
    session.run("second", lambda session: session.checks.update(second=True))
    assert session.unmeasured == {"first": "RuntimeError: no such kernel"}
    assert session.checks == {"second": True}
