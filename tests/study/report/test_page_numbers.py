"""The numbers of a comparison are on its page."""

import html
import re

from page_parser import PageParser
from small_comparisons import GRIDS, small_task

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import remarks, sentences
from rmsprop.study.report.page import numbers
from rmsprop.study.report.page.markup import ABSENT


def test_all_numbers_are_on_the_page(folder, page, comparison):
    text = "".join(page.text)
    for setting in ("tuned", "default"):
        for row in comparison.summary(setting=setting):
            for number in (row.metric, row.final_loss, row.last_loss, row.online_loss):
                assert str(number) in text
    for words in (
        *("steps to a good run, tuned", "trials", "expected best of 27 trials"),
        *("learning rates within 5 % of the best", "seconds to compile, once"),
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
    text = numbers.all_numbers(full, "digits")
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
    rows = _cells(numbers.results_table(full))
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
    rows = PageParser(numbers.results_table(full)).all("tr")[1:]
    bold = [row.get("class") == "best" for row in rows]
    expected = [
        row.optimizer in sentences.winners(full, row.task, row.schedule)
        for row in remarks.tuned_rows(full)
    ]
    assert bold == expected
    assert sum(expected) > 0
    same = synthetic.task(GRIDS, seeds=4, steps=10)
    few = Comparison.of({"t": same}, synthetic.ROOT)
    assert 'class="best"' not in numbers.results_table(few)


def test_all_comparisons_are_one_table_with_the_headline_first(full):
    table = numbers.lines_table(full, "digits")
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
    bold = [row.get("class") for row in PageParser(table).all("tr")[1:]]
    assert bold == ["best", *[None] * 9]
    assert "not corrected" in table


def test_a_task_of_one_schedule_has_no_line_twice():
    one = Comparison.of({"t": small_task()}, synthetic.ROOT)
    table = numbers.lines_table(one, "t")
    assert [row[1] for row in _cells(table)] == ["each its own"]
    assert "not corrected" not in table
    grids = {"adagrad": GRIDS["adagrad"]}
    alone = Comparison.of({"t": synthetic.task(grids, steps=10)}, synthetic.ROOT)
    assert numbers.lines_table(alone, "t") == ""
