"""The picture of the terminal says what the command prints, and what the pages say."""

import json

from terminal_picture import PICTURE, picture, words

import synthetic_results as synthetic


def test_a_picture_has_every_word_of_the_table():
    results = synthetic.full()
    svg = picture(results)
    # An SVG places each word by itself, so that spaces between columns are no characters of it.
    printed = "".join(["rmsprop", "compare", *str(results).split()])
    assert words(svg).replace(" ", "") == printed
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")


def test_the_picture_of_the_readme_is_of_the_findings_that_were_recorded():
    record = json.loads((PICTURE.parents[2] / "tests/study/recorded_findings.json").read_text())
    shown = words(PICTURE.read_text())
    assert record["default"]["overall"] in shown
    for answer in record["default"]["answers"]:
        task, _, sentences = answer.partition(": ")
        assert f"{task}: " in shown
        assert sentences in shown
