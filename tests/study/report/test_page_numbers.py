"""The numbers of a comparison are on its page."""

import dataclasses

from page_parser import PageParser
from small_comparisons import GRIDS, small_task

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import files
from rmsprop.study.report.page import numbers


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


def test_every_schedule_has_its_numbers(tmp_path, plain):
    several = small_task(schedules=("constant", "linear"))
    comparison = Comparison.of({"t": several}, synthetic.ROOT)
    text = files.write(comparison, tmp_path).read_text(encoding="utf-8")
    for row in comparison.summary(schedule="linear"):
        assert str(row.metric).split()[0] in text
    assert "schedule linear to 0" in text
    assert "t under the schedule constant: RMSprop reaches" in text


def test_the_best_of_each_task_is_bold(monkeypatch):
    """Also where the best row is another object than the same row of the summary."""
    tasks = {"a": small_task(), "b": synthetic.task(dict(reversed(GRIDS.items())), steps=10)}
    comparison = Comparison.of(tasks, synthetic.ROOT)
    best = {task: comparison.best(task) for task in tasks}
    monkeypatch.setattr(Comparison, "best", lambda _, task: dataclasses.replace(best[task]))
    rows = PageParser(numbers.results_table(comparison)).all("tr")[1:]
    expected = [row.optimizer == best[row.task].optimizer for row in comparison.summary()]
    assert [row.get("class") == "best" for row in rows] == expected
    assert sum(expected) == 2
