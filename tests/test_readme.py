"""What the README shows is what happens."""

import importlib
import json
import re
import runpy
import shlex
from pathlib import Path

import pytest

from rmsprop.commands import command_line

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


NUMBER = r"\b[\d.,]*\d(?:e[+-]\d+)?"


def _block(start):
    """The fenced block whose text begins so."""
    return next(b for b in re.findall(r"```\w*\n(.*?)```", README, re.S) if b.startswith(start))


def test_the_example_is_the_one_in_examples_and_prints_that(capsys):
    code = _block("import jax\n")
    example = (ROOT / "examples" / "quickstart.py").read_text().split('"""\n\n', 1)[1]
    assert [line for line in code.splitlines() if line] == [
        line for line in example.splitlines() if line
    ]
    assert len([line for line in code.splitlines() if line]) == 12
    runpy.run_path(str(ROOT / "examples" / "quickstart.py"))
    assert capsys.readouterr().out == _block("flat ")


def test_the_table_of_steps_is_what_the_command_prints(capsys):
    assert command_line.main(["steps", "--steps", "4"]) == 0
    printed = capsys.readouterr().out
    assert [line.rstrip() for line in printed.strip().splitlines()] == _block(
        "rmsprop on x**2"
    ).strip().splitlines()


def test_the_table_of_conventions_is_what_the_command_prints(capsys):
    (command,) = re.findall(r"^rmsprop (conventions .*?)\n```", README, re.M | re.S)
    assert command_line.main(shlex.split(command.replace("\\\n", ""))) == 0
    printed = capsys.readouterr().out.splitlines()
    shown = _block("tensorflow.rmsprop (the first)").splitlines()
    assert [re.sub(NUMBER, "#", line) for line in printed] == [
        re.sub(NUMBER, "#", line) for line in shown
    ]
    for found, expected in zip(printed, shown, strict=True):
        numbers = [
            [float(word.replace(",", "")) for word in re.findall(NUMBER, line)]
            for line in (found, expected)
        ]
        # Three digits are shown, and the last one may round the other way elsewhere.
        assert numbers[0] == pytest.approx(numbers[1], rel=0.02)


def test_the_table_of_speed_is_the_record_of_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests" / "benchmarks")
    writer = importlib.import_module("write_table")
    record = writer.Record(json.loads((writer.HERE / "recorded.json").read_text()))
    shown = README.split(writer.BEGIN)[1].split(writer.END)[0]
    assert shown.strip() == "\n".join(writer.table(record)).strip()
    # And the sentences before it.
    large = record.race("1,000,000 rows of 64")
    given, made = (
        large[f"Optax, dense, {how}"]["ratio"] / large["RMSprop"]["ratio"]
        for how in ("gradient given", "from row gradients")
    )
    narrow = [
        line["ratio"] for line in record.lines if line["contender"] == "bfloat16 accumulators"
    ]
    grown = record.race("1,000 rows touched")["1,000,000 rows"]["ratio"]
    prose = " ".join(README.split())
    assert f"step is {made:.0f} times as fast as Optax's dense one from the same" in prose
    assert f"and {given:.0f} times as fast as one that is given the gradient" in prose
    assert f"it takes {min(narrow):.2f} to {max(narrow):.2f} of the time of the step" in prose
    assert f"1,000 rows of 1,000,000 take {grown:.1f} times" in prose


def test_nothing_is_left_to_fill_in():
    assert not re.search(r"@[A-Z]+@|TODO|FIXME", README)


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_links_point_to_files(target):
    assert (ROOT / target).exists()
