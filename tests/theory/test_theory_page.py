"""`docs/theory.md` has every statement, every figure, and numbers that still hold."""

import re

import pytest
import write_figures

LINKED = re.compile(r"!\[([^\]]+)\]\(figures/(theory-t\d+\.png)\)")
STATEMENTS = [f"t{number}" for number in range(1, 15)]
# The page begins with the worked example and the two weights.
IN_THE_ORDER_OF_THE_PAGE = ["t13", "t14", *STATEMENTS[:12]]


@pytest.fixture(scope="module")
def page():
    return write_figures.PAGE.read_text()


def test_every_statement_is_one_heading(page):
    titles = re.findall(r"^## (T\d+)\. ", page, re.M)
    assert titles == [name.upper() for name in IN_THE_ORDER_OF_THE_PAGE]
    assert list(write_figures.SENTENCES) == STATEMENTS


def test_the_page_begins_with_the_list_of_titles(page):
    listed = re.findall(r"^\* \[(T\d+\. [^\]]+)\]\(#", page, re.M)
    assert listed == re.findall(r"^## (T\d+\. .+)$", page, re.M)
    assert page.index("* [T13. ") < page.index("\n## ")


def test_every_section_has_source_figure_and_use(page):
    sections = re.split(r"^## ", page, flags=re.M)[1:]
    for name, section in zip(IN_THE_ORDER_OF_THE_PAGE, sections, strict=True):
        assert "\nSource: " in section, name
        assert "\nIn practice: " in section, name
        ((text, figure),) = LINKED.findall(section)
        assert figure == f"theory-{name}.png"
        assert len(text) > 50, name


def test_no_formula_is_cut_by_a_list(page):
    """A minus at the beginning of a line begins one, also inside of a formula."""
    assert re.findall(r"^[-+] .*", page, re.M) == []


def test_the_figures_are_those_on_disk(page):
    linked = sorted(figure for _, figure in LINKED.findall(page))
    assert linked == sorted(path.name for path in write_figures.FIGURES.glob("theory-*"))
    for name in linked:
        assert 1_000 < (write_figures.FIGURES / name).stat().st_size < 60_000, name


def test_links_within_the_page_lead_somewhere(page):
    """A heading's anchor: lower case, spaces to dashes, punctuation dropped."""
    anchors = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^## (.+)$", page, re.M)
    }
    linked = set(re.findall(r"\]\(#([^)]+)\)", page))
    assert linked
    assert linked <= anchors


@pytest.mark.slow
def test_what_was_measured_still_holds(x64):
    assert write_figures.disagreements(write_figures.published(), write_figures.measured()) == []


@pytest.mark.parametrize(
    ("was", "now", "agree"),
    [
        ("0.528 at C = 3", "0.530 at C = 3", True),
        ("0.528 at C = 3", "0.540 at C = 3", False),
        ("3.1e-15", "9.0e-14", True),
        ("3.1e-15", "2.0e-13", False),
        ("7.1e-07", "2.0e-06", False),
        ("2,000 steps", "1,000 steps", False),
        ("2 steps", "2 rounds", False),
    ],
)
def test_a_number_that_moved_is_noticed(was, now, agree):
    found = write_figures.disagreements({"t1": f"**Measured.** {was}"}, {"t1": now})
    assert (found == []) == agree


def test_a_missing_marker_is_noticed():
    assert write_figures.disagreements({"t1": None}, {"t1": "1"})
