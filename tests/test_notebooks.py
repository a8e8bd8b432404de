"""The notebooks of examples/notebooks as they are committed. CI runs them as well."""

import base64
import copy
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

import notebook_rules

FOLDER = pathlib.Path(__file__).parents[1] / "examples" / "notebooks"
NOTEBOOKS = {path.name: path for path in sorted(FOLDER.glob("*.ipynb"))}
# A GIF of 1 x 1, but for its width of 2,000.
WIDE = base64.b64encode(b"GIF89a\xd0\x07\x01\x00\x00\x00\x00").decode()


def code(source, count, *outputs, **metadata):
    return {
        "cell_type": "code",
        "execution_count": count,
        "metadata": metadata,
        "outputs": list(outputs),
        "source": source,
    }


def stream(printed, name="stdout"):
    return {"output_type": "stream", "name": name, "text": printed}


def shown(**data):
    return {"output_type": "display_data", "metadata": {}, "data": data}


def markdown(source):
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def good():
    """A notebook that breaks no rule."""
    return {
        "metadata": copy.deepcopy(notebook_rules.METADATA),
        "cells": [
            code(notebook_rules.FIRST_CELL.read_text(), 1, tags=["hide-input"]),
            code("print(f'x = {3 / -2:.2f}, 1,000 times')", 2, stream("x = -1.50, 1,000 times\n")),
            markdown("> After 1,000 steps x is −1.50, below\n> zero.\n\nNow 17 more."),
        ],
    }


def faults_after(change, **options):
    notebook = good()
    change(notebook["cells"], notebook)
    return list(notebook_rules.faults(notebook, **options))


def test_a_good_notebook_has_no_faults():
    assert faults_after(lambda cells, _: None) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda c, n: n["metadata"].update(colab={}), "its metadata are"),
        (lambda c, n: c[1]["metadata"].update(execution={}), "only tags are kept"),
        (lambda c, n: c[0].update(source="import os"), "its first code cell is not"),
        (lambda c, n: c[0]["metadata"].clear(), "lacks the tag hide-input"),
        (lambda c, n: c[1].update(execution_count=3), "from top to bottom"),
        (lambda c, n: c[1].update(execution_count=None), "from top to bottom"),
        (lambda c, n: c[1].update(outputs=[]), "it prints, and has no output"),
        (lambda c, n: c[1].update(source="plt.show()"), "it shows something, and has no output"),
        (lambda c, n: c[1]["outputs"].append({"output_type": "error"}), "it failed"),
        (lambda c, n: c[1]["outputs"].append(stream("Warning", "stderr")), "it wrote warnings"),
        (lambda c, n: c[1]["outputs"].append(stream("in /home/x/a.py")), "output has an absolute"),
        (lambda c, n: c[1].update(source="print('/tmp/x')"), "source has an absolute path"),
        (lambda c, n: c[1]["outputs"].append(shown(**{"image/gif": WIDE})), "2000 pixels across"),
        (lambda c, n: c.pop(), "no Markdown cell that begins with >"),
        (lambda c, n: c[2].update(source="So it is."), "no Markdown cell that begins with >"),
        (lambda c, n: c[2].update(source="> It falls."), "no number, and it has no assert"),
        (lambda c, n: c[2].update(source="> It is 1.5."), "says 1.5, and it did not print that"),
        (lambda c, n: c[2].update(source="> It is -1.50, or 1e-3."), "says 1e-3, and it did not"),
    ],
)
def test_each_rule_finds_its_fault(change, fault):
    assert [line for line in faults_after(change) if fault in line], faults_after(change)


def test_a_number_that_varies_may_differ_in_another_run():
    def change(cells, _):
        cells[1]["metadata"]["tags"] = ["varies"]
        cells[2]["source"] = "> It took 7 s."

    assert faults_after(change, fresh=True) == []
    assert len(faults_after(change)) == 1


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_committed_notebook_keeps_the_rules(name):
    notebook = json.loads(NOTEBOOKS[name].read_text())
    assert list(notebook_rules.faults(notebook)) == []
    assert NOTEBOOKS[name].stat().st_size < 2_000_000


def first_cell(tmp_path, **environment):
    """Runs the first cell in a folder that is no clone, by a Python that finds no package."""
    return subprocess.run(
        [sys.executable, "-S", notebook_rules.FIRST_CELL],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_source_the_first_cell_says_what_to_set(tmp_path):
    run = first_cell(tmp_path)
    assert run.returncode != 0
    assert re.search(r"ModuleNotFoundError: .* set RMSPROP_SOURCE above to a clone's", run.stderr)


@pytest.mark.parametrize(
    ("source", "requirement"),
    [
        ("somewhere/clone", "somewhere/clone[study]"),
        ("dist/rmsprop-1-py3-none-any.whl", "dist/rmsprop-1-py3-none-any.whl[study]"),
        ("https://host.example/a/b", "rmsprop[study] @ git+https://host.example/a/b"),
        ("git+ssh://host.example/a/b", "rmsprop[study] @ git+ssh://host.example/a/b"),
        ("https://host.example/r.whl", "rmsprop[study] @ https://host.example/r.whl"),
        ("", "{clone}[study]"),  # the clone that it stands in
    ],
)
def test_the_first_cell_installs_what_the_source_names(tmp_path, source, requirement):
    inside = tmp_path / "clone" / "examples" / "notebooks"
    inside.mkdir(parents=True)
    package = tmp_path / "clone" / "src" / "rmsprop"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    # In the place of pip, and an installed JAX: it is named in the constraints.
    (tmp_path / "pip.py").write_text(
        "import pathlib, sys\nprint(sys.argv[-1])\n"
        "print(pathlib.Path(sys.argv[sys.argv.index('-c') + 1]).read_text())\n"
    )
    jax = tmp_path / "jax-9.8.7.dist-info"
    jax.mkdir()
    (jax / "METADATA").write_text("Metadata-Version: 2.1\nName: jax\nVersion: 9.8.7\n")
    run = first_cell(inside, PYTHONPATH=str(tmp_path), RMSPROP_SOURCE=source)
    assert run.stderr == ""
    assert run.stdout.split("\n")[:2] == [
        requirement.format(clone=tmp_path / "clone"),
        "jax==9.8.7",
    ]


CITED = [
    ("rmsprop_or_adagrad.ipynb", "0.877 [0.825, 0.933]", "docs/comparison.md"),
    ("rmsprop_or_adagrad.ipynb", "3.2 %", "docs/comparison.md"),
    ("rmsprop_or_adagrad.ipynb", "211 cells", "docs/map.md"),
    ("big_tables_little_memory.ipynb", "58 times as fast", "docs/embedding_tables.md"),
    ("big_tables_little_memory.ipynb", "18 %", "docs/half_precision.md"),
]


@pytest.mark.every_case("takes no time")
@pytest.mark.parametrize(("name", "figure", "page"), CITED)
def test_a_figure_that_a_notebook_takes_from_a_page_stands_there(name, figure, page):
    cells = json.loads(NOTEBOOKS[name].read_text())["cells"]
    prose = [notebook_rules.text(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    assert any(figure in " ".join(each.split()) for each in prose)
    assert figure in " ".join(FOLDER.parents[1].joinpath(page).read_text().split())
