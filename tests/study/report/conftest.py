"""Fixtures of several files: made-up results, comparisons, a report."""

from __future__ import annotations

import json
import pathlib
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from page_parser import PageParser
from plot_cases import GRIDS as PLOT_GRIDS
from plot_cases import view_of
from small_comparisons import EVIL, GRIDS, small_task

import synthetic_results as synthetic
from pictures import without_pictures
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import files

if TYPE_CHECKING:
    from playwright.sync_api import Browser


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
def full() -> Comparison:
    """Three tasks with all that a study can hold; not to be changed."""
    return synthetic.full()


@pytest.fixture(scope="session")
def full_page(full: Comparison) -> PageParser:
    """The page of `full`, with pictures that take no time."""
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        return PageParser(full.to_html())


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
def other_folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Where `earlier` keeps its report."""
    return tmp_path_factory.mktemp("other")


@pytest.fixture
def earlier(
    other_comparison: Comparison, other_folder: pathlib.Path, tmp_path: pathlib.Path, plain: None
) -> pathlib.Path:
    """The test's own folder, with a report on `other_comparison` in it; pictures are empty."""
    if not any(other_folder.iterdir()):
        files.write(other_comparison, other_folder)
    return shutil.copytree(other_folder, tmp_path, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def page(folder: pathlib.Path) -> PageParser:
    """The page of the report in `folder`, taken apart."""
    return PageParser((folder / "index.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def address(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report's page; after `chromium`, for drawing it takes a while."""
    file = files.write(
        synthetic.comparison(),
        tmp_path_factory.mktemp("report") / "folder",
        {"valley": synthetic.surface},
    )
    return file.resolve().as_uri()
