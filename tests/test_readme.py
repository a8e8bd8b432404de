"""What the README shows is what happens."""

import re
import runpy
from pathlib import Path

import pytest

from rmsprop.study import command_line

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


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


def test_nothing_is_left_to_fill_in():
    assert not re.search(r"@[A-Z]+@|TODO|FIXME", README)


@pytest.mark.parametrize("target", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_links_point_to_files(target):
    assert (ROOT / target).exists()
