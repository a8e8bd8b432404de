"""The programs of `docs/move.md`, with the frameworks, where they are installed."""

import importlib.util
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = {"torch": "move_from_torch.py", "keras": "move_from_keras.py"}


def program(name):
    """The lines of a program without its docstring."""
    text = (ROOT / "examples" / PROGRAMS[name]).read_text()
    return [line for line in text.split('"""\n\n', 1)[1].splitlines() if line]


def test_the_page_has_the_programs():
    page = (ROOT / "docs" / "move.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.S)
    lines = [line for block in blocks for line in block.splitlines() if line]
    assert lines == program("torch") + program("keras")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.standard_promotion("a reader's own interpreter")
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs(name, tmp_path, monkeypatch, capsys):
    """It compares its own parameters on both sides, and prints the two losses."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"not installed: {name}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    runpy.run_path(str(ROOT / "examples" / PROGRAMS[name]))
    there, here = re.findall(r"(\d\.\d+) there, (\d\.\d+) here", capsys.readouterr().out)[0]
    assert there == here
