"""`.ci/check_site.py` finds what leads nowhere on a built site, and what comes from elsewhere."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "check_site.py"


@pytest.fixture(scope="module")
def check():
    specification = importlib.util.spec_from_file_location("check_site", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    sys.modules["check_site"] = module
    specification.loader.exec_module(module)
    return module


TO_TWO = '<a href="docs/two.html#here">two</a>'


@pytest.fixture
def site(tmp_path):
    """Two pages, of which the second stands in a folder."""
    (tmp_path / "index.html").write_text(f'{TO_TWO}<h1 id="top">One</h1>')
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "two.html").write_text('<p id="here"><a href="../index.html#top">one</a>')
    (tmp_path / "style.css").write_text('a { background: url("picture.png") }')
    return tmp_path


def test_a_whole_site_has_no_faults(check, site):
    more = '<a href="https://a.org#x">a</a> <a href="mailto:a@b">b</a> <img src="data:image/png,">'
    more += '<a href="docs/three.html">'
    (site / "index.html").write_text('<a href="docs/two.html?x=1#here"></a><p id="top">' + more)
    (site / "explore.html").write_text("<p>")
    (site / "docs" / "three.html").write_text(
        '<a href="../explore.html#decay=0.9"></a><a href="#">'
    )
    assert list(check.faults(site)) == []


@pytest.mark.parametrize(
    ("element", "fault"),
    [
        ('<a href="three.html">', "three.html is not there"),
        ('<a href="docs/two.html#there">', "docs/two.html#there names no element of that page"),
        ('<a href="#nowhere">', "#nowhere names no element of that page"),
        ('<a href="docs">', "docs is not there"),  # a folder without a page of its own
        ('<img src="picture.png">', "picture.png is not there"),
        ('<img src="https://a.org/b.png">', "https://a.org/b.png is loaded from elsewhere"),
        ('<script src="//a.org/b.js"></script>', "//a.org/b.js is loaded from elsewhere"),
        ('<link rel="stylesheet" href="http://a/b">', "http://a/b is loaded from elsewhere"),
    ],
)
def test_a_fault_is_a_sentence(check, site, element, fault):
    (site / "index.html").write_text(f'{element}{TO_TWO}<h1 id="top">One</h1>')
    assert list(check.faults(site)) == [f"index.html: {fault}"]


def test_a_page_that_no_link_leads_to_is_a_fault(check, site):
    """A link of its own does not count, nor one from elsewhere to a page of that name."""
    (site / "docs" / "three.html").write_text('<a href="#">')
    (site / "docs" / "two.html").write_text(
        '<p id="here"><a href="https://a.org/docs/three.html">three</a>'
    )
    assert list(check.faults(site)) == ["docs/three.html: no link leads to it"]


def test_a_font_from_elsewhere_is_a_fault(check, site):
    (site / "style.css").write_text("@font-face { src: url(https://a.org/font.woff2) }")
    (fault,) = check.faults(site)
    assert fault == "style.css: https://a.org/font.woff2 is loaded from elsewhere"


@pytest.mark.parametrize("pages", [0, 1])
def test_the_command_fails(check, tmp_path, monkeypatch, capsys, pages):
    """Where a link is dead, and where there is no site at all."""
    if pages:
        (tmp_path / "index.html").write_text('<a href="two.html">two</a>')
    monkeypatch.setattr(sys, "argv", ["check_site.py", str(tmp_path)])
    with pytest.raises(SystemExit, match=f"^{pages} pages in .*: {pages} faults"):
        check.main()
    assert ("two.html is not there" in capsys.readouterr().err) == bool(pages)
