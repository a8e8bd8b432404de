"""The table for the terminal, and how a comparison shows itself."""

import os
import re

import pytest
from page_parser import PageParser
from rich.console import Console
from small_comparisons import GRIDS

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import sentences, table
from rmsprop.study.results.digest import Digest, digests


def _lines(comparison):
    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    with console.file:
        console.print(table.table(comparison))
    return [line.rstrip() for line in console.export_text().splitlines()]


@pytest.mark.parametrize("which", ["comparison", "full"])
def test_the_table_fits_80_columns(which, request):
    comparison = request.getfixturevalue(which)
    lines = _lines(comparison)
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    for row in (row for digest in digests(comparison) for row in digest.tuned_rows):
        assert str(row.metric.value)[:4] in text
        if row.diverged:
            assert f"{row.diverged} of {row.runs} diverged" in text
    assert "result [95 %]" in text
    overall = sentences.overall(digests(comparison))
    assert text.startswith(overall), "the answer over all tasks comes first"
    for task in comparison.tasks:
        answer = sentences.answer(Digest(comparison, task))
        assert answer in text
    assert "a memory longer than a third" in text


def test_the_table_has_a_row_for_each_optimizer_and_schedule(full):
    lines = _lines(full)
    start = lines.index("digits: test loss, lower is better")
    rows = [line.split("  ") for line in lines[start + 4 :]]
    rows = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    first = [row[:2] for row in rows if len(row) >= 2][:6]
    assert [cells[0] for cells in first] == [
        *("constant", "AdaGrad", "linear to 0", "AdaGrad", "SGD", "Adam")
    ]
    assert first[0][1] == first[2][1] == "RMSprop"


def _bold(comparison):
    console = Console(width=80, force_terminal=True, color_system="standard", legacy_windows=False)
    with console.capture() as capture:
        console.print(table.table(comparison))
    return re.findall(r"\x1b\[1(?:;32)?m(.*?)\x1b\[0m", capture.get())


def test_no_result_is_bold_without_a_verdict(comparison, full):
    assert not {str(row.metric) for row in comparison.summary()} & {*_bold(comparison)}
    bold = _bold(full)
    for row in full.summary("digits", schedule="linear"):
        winners = sentences.winners(Digest(full, "digits"), "linear")
        assert (str(row.metric) in bold) == (row.optimizer in winners)
    assert sentences.winners(Digest(full, "digits"), "linear") == {"rmsprop"}


@pytest.mark.parametrize("text", ["[red]", "[/b]", "[/]", ":bug:", "a\\", "\\[b]"])
def test_text_is_no_markup(text):
    """Neither styles nor emoji, and the end of a style that never began is no error."""
    grids = {text: GRIDS["adagrad"], "b": GRIDS["adagrad"]}
    odd = synthetic.task(grids, steps=10, label=f"error {text}")
    odd = Comparison.of({"t": odd}, synthetic.ROOT)
    console = Console(width=80)
    with console.capture() as captured:
        console.print(table.table(odd))
    assert f"t: error {text}, lower is better" in captured.get()
    assert f" {text} " in captured.get().split("is better")[1]


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
