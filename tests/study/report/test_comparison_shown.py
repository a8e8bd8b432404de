"""The table for the terminal, and how a comparison shows itself."""

import dataclasses
import os
import re

from page_parser import PageParser
from rich.console import Console
from small_comparisons import GRIDS

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import table


def test_the_table_fits_80_columns(comparison):
    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    with console.file:
        console.print(table.table(comparison))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    for row in comparison.summary():
        assert str(row.metric) in text
        assert f"{row.diverged} of {row.runs}" in text
    assert "decay 0.97" in text
    assert "result [95 %]" in text
    assert "test error (share of images), lower is better" in text


def test_the_best_result_is_bold(comparison, monkeypatch):
    """Also where the best row is another object than the same row of the summary."""
    best = {task: comparison.best(task) for task in comparison.tasks}
    monkeypatch.setattr(Comparison, "best", lambda _, task: dataclasses.replace(best[task]))
    console = Console(width=80, force_terminal=True, color_system="standard", legacy_windows=False)
    with console.capture() as capture:
        console.print(table.table(comparison))
    bold = re.findall(r"\x1b\[1m(.*?)\x1b\[0m", capture.get())
    for row in comparison.summary():
        assert (str(row.metric) in bold) == (row.optimizer == best[row.task].optimizer)


def test_names_are_no_markup():
    grids = {"[red]": GRIDS["adagrad"], "b": GRIDS["adagrad"]}
    odd = Comparison.of({"t": synthetic.task(grids, steps=10, label="[bold]")}, synthetic.ROOT)
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table.table(odd))
    assert "[red]" in captured.get()
    assert "[bold]" in captured.get()


def test_a_comparison_shows_itself(comparison):
    text = str(comparison)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    console = Console(width=80)
    with console.capture() as captured:
        console.print(comparison)
    assert "result [95 %]" in captured.get()
    short = PageParser(comparison._repr_html_())
    for row in comparison.summary():
        assert str(row.metric) in "".join(short.text)
