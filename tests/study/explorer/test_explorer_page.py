"""The explorable page as a document, and the command that writes it."""

import base64
import hashlib
import html
import importlib.resources
import re

import pytest

from browser_faults import contrast
from rmsprop import study
from rmsprop.commands.command_line import main
from rmsprop.study.atomic import WriteError
from rmsprop.study.explorer import page as module
from rmsprop.study.report.plots import style


@pytest.fixture(scope="module")
def page():
    return module.page()


def test_the_page_is_complete_and_loads_nothing(page):
    assert page.startswith("<!DOCTYPE html>")
    assert not re.findall(r"@[A-Z]+@", page)
    assert not re.findall(
        r"https?:|//[a-z]|\bsrc=|\burl\((?!#)|@import|fetch\(|^import|^export", page, re.M
    )
    (script,) = re.findall(r'<script type="module">(.*)</script>', page, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_every_script_is_in_it_after_those_that_it_imports_from(page):
    folder = importlib.resources.files("rmsprop.study.explorer")
    names = {entry.name for entry in folder.iterdir() if entry.name.endswith(".js")}
    assert names == {*module.SCRIPTS}
    for place, name in enumerate(module.SCRIPTS):
        text = folder.joinpath(name).read_text("utf-8")
        assert text.splitlines()[0] in page
        imported = re.findall(r'^import \{[^}]*\} from "\./(.*)";$', text, re.M)
        assert len(imported) == text.count("import ")
        assert {*imported} <= {*module.SCRIPTS[:place]}


def test_no_two_scripts_define_the_same_name(page):
    """They are one module in the page."""
    names = re.findall(r"^(?:const|let) (\w+)", page, re.M)
    assert len(names) > 30
    assert sorted(names) == sorted({*names})


def test_the_page_is_small(page):
    assert len(page.encode()) < 60_000


def test_the_colours_are_those_of_the_figures(page):
    light, dark = re.findall(r":root \{(.*?)\}", page, re.S)
    colours = {"ink": style.INK, "muted": style.MUTED, "line": style.GRID, "card": style.PAPER}
    colours |= dict(zip(("rmsprop", "sgd", "adagrad", "adam"), style.COLOURS, strict=False))
    for name, colour in colours.items():
        assert f"--{name}: {colour};" in light
        assert f"--{name}: {style.DARK[colour]};" in dark
    for colour in style.COLOURS[:4]:  # WCAG 2 asks 3 : 1 of lines
        assert contrast(_rgb(colour), _rgb(style.PAPER)) >= 3
        assert contrast(_rgb(style.DARK[colour]), _rgb(style.DARK[style.PAPER])) >= 3


def _rgb(colour):
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def test_explore_is_shown_in_a_notebook_and_written(tmp_path, page):
    shown = study.explore()
    (document,) = re.findall(r'srcdoc="([^"]*)"', shown._repr_html_())
    assert html.unescape(document) == page
    file = shown.write(tmp_path / "new" / "page.html")
    assert file.read_text("utf-8") == page
    assert isinstance(shown, study.Explorable)
    assert ".write(" in repr(shown)


def test_the_command_writes_the_page_and_says_where(tmp_path, monkeypatch, capsys, page):
    monkeypatch.chdir(tmp_path)
    assert main(["explore"]) == 0
    assert capsys.readouterr().out == "The page is rmsprop-explore.html\n"
    assert (tmp_path / "rmsprop-explore.html").read_text("utf-8") == page
    assert main(["explore", "--out", "other.html"]) == 0
    assert (tmp_path / "other.html").exists()


def test_a_folder_is_refused_and_one_that_cannot_be_made(tmp_path, capsys):
    assert main(["explore", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"rmsprop: error: --out is {tmp_path}; that is a folder. Name a file in it.\n"
    )
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot be written to"):
        study.explore().write(tmp_path / "file" / "page.html")
