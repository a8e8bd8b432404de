"""Every block of code on the site runs in a test, or is what a test compares.

A page is read as Markdown. A block of `python` runs in `test_readme.py` with all others of its
page, unless it is named here with the test that runs it. So is each block of any other kind; those
of `bash` are commands, which run here or in a step of `.ci/run`.
"""

import importlib
import inspect
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

import rmsprop
from rmsprop import frameworks
from rmsprop.commands import command_line
from test_readme import WITH_EXAMPLES

ROOT = Path(__file__).parents[1]
PAGES = [
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    ROOT / "examples/loops/README.md",
]
HERE = "tests/test_blocks_of_the_site.py"
MOVING = "tests/test_move_page.py"
FORMULA = "a formula, which is no code"
# By page, language and the first words of the block: the test, as `file::function`.
RUN_BY = {
    ("README.md", "text", "v    <-"): FORMULA,
    ("README.md", "text", "flat"): "tests/test_readme.py::test_the_example_is_the_one_in_examples",
    (
        "docs/cluster.md",
        "python",
        "import dist",
    ): "tests/study/running/test_dask.py::test_the_example",
    ("docs/commands.md", "text", "rmsprop on"): "tests/test_readme.py::test_the_table_of_steps",
    ("docs/comparison.md", "text", "In the"): "tests/test_readme.py::test_the_findings_are_those",
    ("docs/conventions.md", "text", "tensorflow"): "tests/test_readme.py::test_the_table_of_conv",
    ("docs/conventions.md", "text", "Set decay"): f"{HERE}::test_what_to_set",
    ("docs/map.md", "text", "g_t"): FORMULA,
    ("docs/move.md", "python", ""): "tests/parity/test_move_examples.py::test_the_page_has",
    ("docs/move.md", "text", "state = frameworks.<"): f"{MOVING}::test_every_module_that",
    ("docs/move.md", "text", "port = "): f"{MOVING}::test_a_mask_that_no_file_knows",
    ("docs/move.md", "text", "reader = "): f"{MOVING}::test_a_checkpoint_of_tensorflow",
    ("docs/move.md", "text", "old = "): f"{MOVING}::test_options_that_change_on_the_way",
    ("docs/move.md", "text", "labels = "): f"{MOVING}::test_groups_are_moved_one_by_one",
    ("docs/move.md", "text", "the saved"): f"{MOVING}::test_what_does_not_fit",
    ("docs/recipes.md", "python", ""): "tests/frameworks/test_recipes.py::test_a_recipe_takes",
    ("docs/sharding.md", "python", ""): "tests/sharding/test_guide.py::test_the_blocks_run",
    ("docs/telemetry.md", "py", ""): "tests/parity/test_telemetry_recipes.py::test_every_recipe",
}
# What modules of frameworks take from neighbours and offer as their own.
MOVES = ("import_state", "export_state", "flax_layout", "equinox_layout")
# Commands that a step of .ci/run runs, and its words.
RUN_BY_CI = {
    "pip install .": '"$work/wheel/bin/pip" install -q "$work"/dist/*.whl',
    "pip install '.[study]'": "environment tests",  # as a part of `test`
    "pip install '.[data]'": "environment tests",
    "pip install '.[test]'": "environment tests",
    "pip install -e '.[dev]' pre-commit": "'.[dev]'",
    "pip install -e '.[docs]'": "other site \"$base\" '.[docs]'",
    "python3 -m venv .venv": '"$2" -m venv',
    "source .venv/bin/activate": 'source "$work/tests/bin/activate"',
    "pre-commit install": None,  # a hook of the reader's clone; `lint` and `format` are its checks
    "pytest": "pytest\n",
    "rmsprop compare": '"$work/tests/bin/rmsprop" compare',
    "pip install '.[cluster]'": "'.[parity,cluster]'",
    # The tests of it start these three with addresses of their own.
    "dask scheduler": "tests/study/running/test_dask.py",
    "dask worker tcp://10.0.0.1:8786": "tests/study/running/test_dask.py",
    "rmsprop compare --cluster tcp://10.0.0.1:8786": "tests/study/running/test_dask.py",
    "bash .ci/site": "bash .ci/site",
    "bash .ci/regenerate": None,  # takes the frameworks; its parts are run with --check
    "bash .ci/regenerate --check": "tests/parity/write_tables.py --check",
}


class Block(NamedTuple):
    """A fenced block."""

    page: str
    language: str
    text: str


def blocks(page, text):
    """The fenced blocks of a page; what has braces, such as {toctree}, is no code but contents."""
    fences = re.findall(r"^ *(`{3,}|~{3,})([^\n`]*)\n(.*?)^ *\1 *$", text, re.M | re.S)
    return [
        Block(page, language.strip(), block)
        for _, language, block in fences
        if not language.startswith("{")
    ]


BLOCKS = [
    block for path in PAGES for block in blocks(str(path.relative_to(ROOT)), path.read_text())
]


def _commands(block):
    """The commands of a block, without comments and the continuation of lines."""
    lines = re.sub(r"\\\n\s*", "", block.text).splitlines()
    commands = [re.sub(r"\s+#.*$", "", part) for line in lines for part in line.split(" && ")]
    return [command.strip() for command in commands if command.strip()]


def _runs_here(command):
    return command.startswith("rmsprop ") and command not in RUN_BY_CI


def is_run(block):
    """Whether a test runs the block, or compares it with what happens."""
    if block.language == "bash":
        return all(_runs_here(command) or command in RUN_BY_CI for command in _commands(block))
    if block.language == "python" and block.page in WITH_EXAMPLES:
        return True
    return any(
        (page, language) == block[:2] and block.text.startswith(start)
        for page, language, start in RUN_BY
    )


@pytest.mark.parametrize("page", sorted({block.page for block in BLOCKS}))
def test_every_block_is_run(page):
    assert [block for block in BLOCKS if block.page == page and not is_run(block)] == []


@pytest.mark.parametrize(
    "text",
    [
        "```\nx = 1\n```\n",
        "```sh\nls\n```\n",
        "```bash\nrm -r x  # and more\n```\n",
        "```text\nnew\n```\n",
        "* in a list\n\n  ~~~js\n  f()\n  ~~~\n",
    ],
)
def test_a_block_that_nobody_runs_is_noticed(text):
    (block,) = blocks("docs/commands.md", text)
    assert not is_run(block)


@pytest.mark.parametrize("key", RUN_BY)
def test_the_test_that_a_block_names_is_there(key):
    page, language, start = key
    assert any(block[:2] == (page, language) and block.text.startswith(start) for block in BLOCKS)
    if RUN_BY[key] != FORMULA:
        file, _, function = RUN_BY[key].partition("::")
        assert f"\ndef {function}" in (ROOT / file).read_text()


@pytest.mark.parametrize("command", RUN_BY_CI)
def test_a_command_that_ci_runs_is_in_its_script(command):
    assert any(command in _commands(block) for block in BLOCKS if block.language == "bash")
    words = RUN_BY_CI[command]
    scripts = [(ROOT / ".ci" / name).read_text() for name in ("run", "regenerate")]
    assert words is None or any(words in script for script in scripts)


@pytest.mark.parametrize(
    "command",
    sorted({c for b in BLOCKS if b.language == "bash" for c in _commands(b) if _runs_here(c)}),
)
def test_a_command_of_a_page_runs(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command_line.main(shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out
    for file in re.findall(r"--plot (\S+)", command):
        assert (tmp_path / file).stat().st_size > 0


def test_the_reference_has_no_code_but_the_docstrings():
    for path in (ROOT / "docs" / "api").rglob("*.rst"):
        assert not re.search(r"^(?!\.\.).*::\s*$|code-block|doctest", path.read_text(), re.M), path


def test_the_reference_has_every_public_name():
    pages = (ROOT / "docs" / "api").rglob("*.rst")
    parts = [
        part
        for path in pages
        for part in re.split(r"(?=^\.\. currentmodule)", path.read_text(), flags=re.M)
    ]
    named = {
        f"{module[1]}.{name}"
        for part in parts
        if (module := re.match(r"\.\. currentmodule:: (\S+)", part))
        for name in re.findall(r"^\.\. (?:auto\w+|py:data):: (\S+)$", part, re.M)
    }
    public = {f"rmsprop.{name}" for name in rmsprop.__all__}
    for part in ("frameworks", "rows", "sharding", "study", "telemetry"):
        public |= {f"rmsprop.{part}.{name}" for name in getattr(rmsprop, part).__all__}
    for framework in frameworks.MODULES:
        module = importlib.import_module(f"rmsprop.frameworks.{framework}")
        public |= {
            f"{module.__name__}.{name}"
            for name, value in vars(module).items()
            if not name.startswith("_")
            and (inspect.isfunction(value) or inspect.isclass(value))
            and (value.__module__ == module.__name__ or name in MOVES)
        }
    assert public <= named
    assert named <= public


def test_the_tutorials_are_the_notebooks():
    page = (ROOT / "docs" / "tutorials.md").read_text()
    there = {str(path.relative_to(ROOT)) for path in (ROOT / "examples").rglob("*.ipynb")}
    assert there <= {f"{name}.ipynb" for name in re.findall(r"^/(examples/\S+)$", page, re.M)}


def test_what_to_set():
    (text,) = (block.text for block in BLOCKS if block.text.startswith("Set decay"))
    drift = frameworks.compare_conventions(
        "torch.optim.RMSprop(model.parameters(), lr=1e-3)", "optax.rmsprop(1e-3)", steps=(1,)
    )
    assert f"{drift.remedy}\n" == text
