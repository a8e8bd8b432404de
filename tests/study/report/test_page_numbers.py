"""The numbers of a comparison are on its page."""

import csv
import html
import io
import math
import re
from urllib.parse import unquote

from page_parser import PageParser
from small_comparisons import GRIDS, small_task

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import effects, sentences
from rmsprop.study.report.page import markup, numbers
from rmsprop.study.report.page.markup import ABSENT, Cell
from rmsprop.study.results.digest import Digest, digests
from rmsprop.study.results.statistics import Estimate


def test_all_numbers_are_on_the_page(folder, page, comparison):
    text = "".join(page.text)
    for setting in ("tuned", "default"):
        for row in comparison.summary(setting=setting):
            for number in (row.metric, row.final_loss, row.last_loss, row.online_loss):
                assert str(number) in text
    for words in (
        *("steps to a good run, tuned", "trials", "expected best of 27 trials"),
        *("learning rates within 5 % of the best", "time to compile, once"),
    ):
        assert words in text


def _cells(markup):
    """The rows of a table, of which each begins with the cell of its name."""
    rows: list[list[str]] = []
    for tag, text in re.findall(r"<(th scope=\"row\"|td)[^>]*>(.*?)</t[hd]>", markup):
        words = html.unescape(re.sub("<[^>]*>", "", text))
        rows.append([words]) if tag.startswith("th") else rows[-1].append(words)
    return rows


def test_every_schedule_and_setting_has_its_numbers(full):
    text = numbers.all_numbers(Digest(full, "digits"))
    for schedule in ("constant", "linear"):
        for row in full.summary("digits", schedule=schedule):
            assert str(row.metric) in html.unescape(re.sub("<[^>]*>", "", text))
    assert text.count("<table") == 2
    first, second = (_cells(table) for table in text.split("<table")[1:])
    names = [row[0] for row in first]
    assert "test loss, defaults of PyTorch" in names
    assert "configuration, defaults of Keras" in names
    keras = next(row for row in first if row[0] == "test loss, defaults of Keras")
    (row,) = full.summary("digits", setting="keras")
    assert keras[1:] == [str(row.metric), ABSENT], "AdaGrad has none"
    assert all(len(row) == 5 for row in second), "two references under the second schedule"
    assert not any("Keras" in row[0] for row in second), "defaults are of the first schedule"


def test_results_are_of_each_schedule_with_a_column_for_each_setting(full):
    rows = _cells(numbers.results_table(digests(full)))
    assert len(rows) == 3 * (2 + 4)
    assert [row[1:3] for row in rows[:6]] == [
        ["constant", "RMSprop"],
        ["constant", "AdaGrad"],
        ["linear to 0", "RMSprop"],
        ["linear to 0", "AdaGrad"],
        ["linear to 0", "SGD"],
        ["linear to 0", "Adam"],
    ]
    torch, keras = (full.summary("valley", setting=x) for x in ("torch", "keras"))
    assert rows[0][3:6] == [
        str(full.summary("valley")[0].metric),
        str(torch[0].metric),
        str(keras[0].metric),
    ]
    assert rows[1][4:6] == [str(torch[1].metric), ABSENT]
    assert rows[2][4:6] == [ABSENT] * 2


def test_a_winner_of_a_verdict_is_bold_and_nobody_else(full):
    rows = PageParser(numbers.results_table(digests(full))).all("tr")[1:]
    bold = ["best" in (row.get("class") or "") for row in rows]
    expected = [
        row.optimizer in sentences.winners(Digest(full, row.task), row.schedule)
        for digest in digests(full)
        for row in digest.tuned_rows
    ]
    assert bold == expected
    assert sum(expected) > 0
    same = synthetic.task(GRIDS, seeds=4, steps=10)
    few = Comparison.of({"t": same}, synthetic.ROOT)
    assert "best" not in numbers.results_table(digests(few))


def test_all_comparisons_are_one_table_with_the_headline_first(full):
    table = numbers.lines_table(Digest(full, "digits"))
    rows = _cells(table)
    assert [row[:3] for row in rows] == [
        ["test loss", "each its own", "RMSprop / AdaGrad"],
        ["test loss", "constant", "RMSprop / AdaGrad"],
        ["test loss", "linear to 0", "RMSprop / AdaGrad"],
        ["training loss", "each its own", "RMSprop / AdaGrad"],
        ["training loss", "constant", "RMSprop / AdaGrad"],
        ["training loss", "linear to 0", "RMSprop / AdaGrad"],
        ["test loss", "linear to 0", "RMSprop / SGD"],
        ["test loss", "linear to 0", "RMSprop / Adam"],
        ["training loss", "linear to 0", "RMSprop / SGD"],
        ["training loss", "linear to 0", "RMSprop / Adam"],
    ]
    headline = full.headlines("digits")[0]
    assert rows[0][3:] == [str(headline.interval), sentences.verdict(headline)]
    looks = [row.get("class") for row in PageParser(table).all("tr")[1:]]
    assert looks == ["lead", *[None] * 9], "none is bold, for the headline need not be decided"
    assert "not corrected" in table


def test_a_task_of_one_schedule_has_no_line_twice():
    one = Comparison.of({"t": small_task()}, synthetic.ROOT)
    table = numbers.lines_table(Digest(one, "t"))
    assert [row[1] for row in _cells(table)] == ["each its own"]
    assert "not corrected" not in table
    grids = {"adagrad": GRIDS["adagrad"]}
    alone = Comparison.of({"t": synthetic.task(grids, steps=10)}, synthetic.ROOT)
    assert numbers.lines_table(Digest(alone, "t")) == ""


def test_an_estimate_is_three_columns_of_csv_with_all_its_digits():
    heads = ("Task", "Plot", "Estimate [95 %]", "Verdict")
    cells = [
        Cell("=a", "<b>a</b>"),
        Cell("", "<svg/>", value=1.0, in_file=False),
        Estimate(1 / 3, 0.25, math.inf),
        "-x, y",
    ]
    rows = list(
        csv.reader(io.StringIO(markup.csv_of(heads, [cells, ["b", cells[1], ABSENT, "-1"]])))
    )
    assert rows == [
        ["Task", "Estimate", "Estimate, low", "Estimate, high", "Verdict"],
        ["'=a", repr(1 / 3), "0.25", "inf", "'-x, y"],
        ["b", "", "", "", "-1"],
    ]


def test_every_table_is_there_as_csv(full, full_page):
    page = full_page
    links = [a for a in page.all("a") if "download" in a]
    assert len(links) == len(page.all("table"))
    names = [a["download"] for a in links]
    assert len({*names}) == len(names)
    for link in links:
        kind, data = link["href"].split(",", 1)
        assert kind == "data:text/csv;charset=utf-8"
        rows = list(csv.reader(io.StringIO(unquote(data))))
        assert len(rows) > 1
        assert {len(row) for row in rows} == {len(rows[0])}
    forest = next(a["href"] for a in links if a["download"] == "differences-of-tasks.csv")
    rows = list(csv.DictReader(io.StringIO(unquote(forest.split(",", 1)[1]))))
    assert [float(row["Estimate"]) for row in rows] == [
        row.estimate for row in effects.lines(digests(full))
    ]


def test_results_name_the_metric_of_each_task_once(full):
    text = numbers.results_table(digests(full))
    for task in full.tasks:
        words = sentences.measure(full.task(task))
        assert "".join(PageParser(text).text).count(f"{task}: {words}") == 1
    first = [row[0] for row in _cells(text)]
    assert {*first} == {"valley ↓", "digits ↓", "bible ↑"}
