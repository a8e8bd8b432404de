"""The text of the page: what it says, shows, escapes and links to."""

import json
import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote

from page_parser import PageParser
from small_comparisons import EVIL, KINDS, OVERVIEW

from rmsprop.study.comparison import Comparison
from rmsprop.study.report import files, sentences


def test_the_page_needs_nothing_else(page, folder):
    for tag, attributes in page.tags:
        assert tag not in ("script", "iframe", "object", "video")
        for name in ("src", "href"):
            target = attributes.get(name) or "data:"
            inside = target.startswith(("data:", "#"))
            assert inside or (tag == "a" and (folder / target).is_file()), target
    text = (folder / "index.html").read_text(encoding="utf-8")
    sheet = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"url\(|@import", sheet)
    policy = [a["content"] for a in page.all("meta") if "http-equiv" in a]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_links_within_the_page_lead_somewhere(page):
    targets = {attributes.get("id") for _, attributes in page.tags}
    links = [a["href"][1:] for a in page.all("a") if a["href"].startswith("#")]
    assert {"task-valley", "task-evil", "answers", "numbers", "settings"} <= set(links)
    assert set(links) <= targets


def test_every_figure_is_inside_and_described(page, folder):
    images = page.all("img")
    assert len(images) == len(list((folder / "figures").iterdir()))
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
    assert all(attributes.get("data-label") for attributes in page.all("td")), "heads of the list"


def test_the_answer_comes_first(page, comparison):
    text = "".join(page.text)
    places = [text.index("compared"), *(text.index(x) for x in sentences.answers(comparison))]
    # Behind them, for the contents before them name these headings too.
    for heading in ("Numbers", "How to read", "Settings and versions"):
        places.append(text.index(heading, places[-1]))
    assert places == sorted(places)


def test_everything_is_escaped_and_shown(page, folder):
    raw = (folder / "index.html").read_text(encoding="utf-8")
    assert "<script" not in raw
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
    assert len(page.all("img")) == len(KINDS) + len(OVERVIEW)
    assert all(attributes["href"].startswith("#") for attributes in page.all("a"))
    assert "results.nc" not in text


def test_a_page_of_all_tasks_stays_small(folder):
    """Eleven tasks with all their pictures in 4 MB, so that it opens at once."""
    size = (folder / "index.html").stat().st_size
    assert size / 2 * 11 < 4e6
