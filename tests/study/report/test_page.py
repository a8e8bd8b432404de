"""The text of the page: what it says, shows, escapes and links to."""

import base64
import hashlib
import json
import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote

from page_parser import PageParser
from small_comparisons import EVIL, GRIDS, KINDS, OVERVIEW

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import effects, files, sentences
from rmsprop.study.report.page import forest, method, self_comparison
from rmsprop.study.report.page import page as page_module
from rmsprop.study.report.page import task as task_section
from rmsprop.study.report.page.self_comparison import SelfComparison
from rmsprop.study.results.digest import digests


def test_the_page_needs_nothing_else(page, folder):
    for tag, attributes in page.tags:
        assert tag not in ("iframe", "object", "video")
        for name in ("src", "href"):
            target = attributes.get(name) or "data:"
            inside = target.startswith(("data:", "#"))
            assert inside or (tag == "a" and (folder / target).is_file()), target
    text = (folder / "index.html").read_text(encoding="utf-8")
    sheet = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"url\(|@import", sheet)
    assert page.all("script") == [{}], "the only one, inside the page"
    script = text[text.index("<script>") + len("<script>") : text.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = [a["content"] for a in page.all("meta") if "http-equiv" in a]
    assert policy == [
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    ]


def test_links_within_the_page_lead_somewhere(page):
    targets = {attributes.get("id") for _, attributes in page.tags}
    links = [a["href"][1:] for a in page.all("a") if a["href"].startswith("#")]
    assert {"task-valley", "task-evil", "answers", "numbers", "settings"} <= set(links)
    assert set(links) <= targets


def test_every_figure_is_inside_and_described(page, folder):
    images = page.all("img")
    figures = {file.name for file in (folder / "figures").iterdir()}
    assert len(images) == len(figures - {"differences.png"}), "that one is a table of the page"
    for image in images:
        kind, data = image["src"].split(",", 1)
        assert kind == "data:image/svg+xml"
        ElementTree.fromstring(unquote(data))
        assert len(image["alt"]) > 40
    assert any("0." in image["alt"] for image in images), "numbers are told too"
    assert any(EVIL in image["alt"] for image in images), "a quote does not end it"


def test_the_page_is_for_phones_and_for_the_dark(page, folder):
    metas = {a.get("name"): a.get("content") for a in page.all("meta")}
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert "@media(prefers-color-scheme:dark)" in text
    assert "@media (max-width: 46rem)" in text
    cells = [a for a in page.all("td") if "data-label" in a]
    assert len(cells) == len(page.all("td")), "heads of the list"


def test_the_answer_comes_first_then_each_task(page, comparison):
    text = "".join(page.text)
    places = [text.index("compared"), text.index(sentences.overall(digests(comparison)))]
    for row in effects.lines(digests(comparison)):
        places.append(text.index(str(row.interval), places[-1]))
    for task in comparison.tasks:
        places.append(text.index(f"A run of {task} takes", places[-1]))
    # Behind them, for the contents before them name these headings too.
    for heading in ("Numbers", "How to read", "Settings and versions"):
        places.append(text.index(heading, places[-1]))
    assert places == sorted(places)


def test_references_stand_between_the_answers_and_the_tasks(full, full_page):
    text = "".join(full_page.text)
    places = [text.index("Differences on all tasks"), text.index("Differences from the references")]
    for row in effects.reference_lines(digests(full)):
        places.append(text.index(sentences.pair(row), places[-1]))
        places.append(text.index(str(row.interval), places[-1]))
    places.append(text.index("Each task", places[-1]))
    assert places == sorted(places)


def _method(results):
    return " ".join("".join(PageParser(method.how_to_read(digests(results))).text).split())


def test_the_protocol_is_told(full):
    text = _method(full)
    for words in (
        "all configurations run on one seed, the best third of them on 3, and the best of these,",
        "the split of the data into training, validation and test data",
        "shifting the grid of learning rates by half of its spacing changes the result on the"
        " valley by about 25 %",
        "each optimizer runs under its own better schedule, which is chosen like everything else",
        "among its finalists on 3 of 20 seeds",
        "corrects the 3 headlines by Holm's method",
        "SGD and Adam are references. References begin with as many trials as the others",
        "The probability that it reports a difference on any task where there is none is at most",
        "the learning rate included. The page shows these: defaults of PyTorch and defaults of"
        " Keras.",
        "its value is what it reached on the reporting seeds, which did not choose it",
    ):
        assert words in text, words


def test_what_a_comparison_does_not_have_is_not_told(other_comparison):
    text = _method(other_comparison)
    for words in ("references", "Holm", "own better schedule", "under each schedule", "PyTorch"):
        assert words not in text, words
    grids = {"adagrad": GRIDS["adagrad"]}
    alone = synthetic.task(grids, steps=10, settings=("tuned",))
    text = _method(Comparison.of({"t": alone}, synthetic.ROOT))
    for words in ("verdict is reached", "are equal", "default setting"):
        assert words not in text, words


def test_how_often_an_optimizer_beats_itself_is_told_once_it_is_known(full, monkeypatch):
    figures = SelfComparison(
        repetitions=1000, seeds=20, all_lines=4.25, worst_line=7.5, error=0.375
    )
    sentence = "4.2 % of all lines (standard error 0.4 %), and in 7.5 % of the line where this was"
    monkeypatch.setattr(self_comparison, "SELF_COMPARISON", None)
    assert "with itself" not in _method(full)
    monkeypatch.setattr(self_comparison, "SELF_COMPARISON", figures)
    text = _method(full)
    assert "compared with itself 1,000 times by this method, on 20 seeds" in text
    assert sentence in text


def test_the_answers_have_a_line_for_each_task_and_schedule(full):
    answers = page_module._answers(digests(full), files=False)
    text = "".join(PageParser(answers).text)
    assert text.startswith(sentences.overall(digests(full)))
    (improvement,) = sentences.across_tasks(digests(full))
    rows = effects.lines(digests(full))
    assert [row.schedule for row in rows] == ["own", "constant", "linear"] * 3
    place = text.index(improvement)
    for row in rows:
        place = text.index(str(row.interval), place)
    chips = re.findall(r'<span class="(chip \w+)">(.*?)</span>', answers)
    kinds = {True: "chip yes", False: "chip none"}
    assert chips == [
        (
            "chip equal" if row.verdict == "equal" else kinds[row.winner is not None],
            sentences.verdict(row),
        )
        for row in rows
    ]
    pictures = re.findall(r'<span class="plot" tabindex="0" role="img" aria-label="(.*?)"', answers)
    assert len(pictures) == len(rows)
    for row, words in zip(rows, pictures, strict=True):
        assert f"{sentences.comparison(row)}, {sentences.verdict(row)}" in words


def test_no_margin_is_minus_zero():
    size = effects.Effect(-0.04, -0.01, 0.03, in_margins=True)
    assert forest._distance(size) == "0.0 [0.0, 0.0] margins from equality"


def test_a_verdict_that_the_correction_takes_away_is_marked(full, monkeypatch):
    row = full.headlines("valley")[0]
    assert row.winner
    assert forest.LOST not in forest.tasks(digests(full))
    monkeypatch.setattr(sentences, "lost_by_correction", lambda _: [row])
    text = forest.tasks(digests(full))
    assert text.count(f"</span> {forest.LOST}</span>") == 1
    assert f"{forest.LOST} The verdict holds for the line alone" in text


def test_all_comparisons_stand_with_their_task(full, full_page):
    text = "".join(full_page.text)
    for row in full.differences():
        assert str(row.interval) in text[text.index(f"A run of {row.task} takes") :]


def test_a_task_of_an_earlier_part_has_its_versions(other_comparison):
    words = "Made in an earlier part of the study, with"
    digest = digests(other_comparison)[0]
    assert words not in task_section.section(digest, [])
    task = digest.dataset.assign_attrs(versions='{"rmsprop": "0.1.0", "jax": "0.9.9"}')
    (grown,) = digests(Comparison.of({"other": task}, synthetic.ROOT))
    assert f"<dt>{words}</dt><dd>jax 0.9.9</dd>" in task_section.section(grown, [])


def test_everything_is_escaped_and_shown(page, folder):
    raw = (folder / "index.html").read_text(encoding="utf-8")
    assert raw.count("<script") == 1, "the one that sorts tables"
    text = "".join(page.text)
    # as title, citation, hash, label, edge, command, device, date, setting, version and name
    assert text.count(EVIL) > 15
    assert json.dumps([EVIL]) in text


def test_loaded_results_make_the_same_page(comparison, folder, tmp_path, plain):
    """Also without a surface: the paths are drawn alone."""
    files.write(Comparison.load(folder), tmp_path)
    loaded = (tmp_path / "index.html").read_text(encoding="utf-8")
    files.write(comparison, tmp_path)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == loaded


def test_a_page_without_a_folder_links_to_nothing(other_comparison):
    text = other_comparison.to_html()
    page = PageParser(text)
    assert len(page.all("img")) == len(KINDS) + len(OVERVIEW) - 1, "differences are a table"
    inside = ("#", "data:text/csv;")
    assert all(attributes["href"].startswith(inside) for attributes in page.all("a"))
    assert "results.nc" not in text


def test_a_page_of_all_tasks_stays_small(folder):
    """Thirteen tasks with all their pictures in 5 MB, so that it opens at once."""
    size = (folder / "index.html").stat().st_size
    assert size / 2 * 13 < 5e6
