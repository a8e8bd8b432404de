"""The numbers of a comparison are on its page."""

from small_comparisons import small_task

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import files


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
    made = Comparison.of({"t": several}, synthetic.ROOT)
    text = files.write(made, tmp_path).read_text(encoding="utf-8")
    for row in made.summary(schedule="linear"):
        assert str(row.metric).split()[0] in text
    assert "schedule linear to 0" in text
    assert "t under the schedule constant: RMSprop reaches" in text
