"""Fixtures of several files: made-up results to draw, comparisons to report, and a report."""

import json
import pathlib
from typing import Any

import pytest
from page_parser import PageParser
from plot_cases import GRIDS as PLOT_GRIDS
from plot_cases import view_of
from small_comparisons import EVIL, GRIDS, small_task

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import files


@pytest.fixture(scope="module")
def task() -> Any:
    """230 steps, so 77 points of three steps each but the last, of two; an even number of seeds."""
    return view_of(PLOT_GRIDS, steps=230, seeds=6, path=True, diverged={"adagrad": [2]})


@pytest.fixture(scope="session")
def comparison() -> Comparison:
    """A task with a path, one with diverged runs; every text of it tries to be HTML."""
    texts = dict.fromkeys(("title", "citation", "data_sha256", "report_label"), EVIL)
    grids = {**GRIDS, f"adam{EVIL}": GRIDS["adagrad"]}
    evil = synthetic.task(grids, seeds=5, steps=10, diverged={"adagrad": [0]}, **texts)
    root = {
        **synthetic.ROOT,
        "command": EVIL,
        "device": EVIL,
        "created": EVIL,
        "settings": json.dumps({EVIL: [EVIL]}),
        "versions": json.dumps({"rmsprop": EVIL, EVIL: EVIL}),
    }
    return Comparison.of({"valley": small_task(path=True), "evil": evil}, root)


@pytest.fixture(scope="session")
def other_comparison() -> Comparison:
    """A comparison to replace `comparison` by."""
    return Comparison.of({"other": small_task()}, synthetic.ROOT)


@pytest.fixture(scope="session")
def folder(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The folder of a report on `comparison`, complete with its pictures."""
    target = tmp_path_factory.mktemp("report") / "deep" / "folder"
    files.write(comparison, target, {"valley": synthetic.surface})
    return target


@pytest.fixture(scope="session")
def page(folder: pathlib.Path) -> PageParser:
    """The page of the report in `folder`, taken apart."""
    return PageParser((folder / "index.html").read_text(encoding="utf-8"))
