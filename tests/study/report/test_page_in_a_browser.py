"""The page as a real browser shows it, on a phone and on a desk, in the light and in the dark."""

import itertools
import struct

import browser as browsers
import pytest

import synthetic_results as synthetic
from rmsprop.study.report import files

pytestmark = pytest.mark.slow

LOOKS = list(itertools.product((360, 1280), (False, True)))
GOOD = (
    '<img alt="a dot" src="data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22/%3E">'
)


@pytest.fixture(scope="module")
def browser():
    """One for all tests."""
    if browsers.program() is None:
        pytest.skip(f"no browser is installed: none of {', '.join(browsers.PROGRAMS)}")
    with browsers.Browser() as started:
        yield started


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """The address of a report's page; after `browser`, for drawing it takes a while."""
    made = files.write(
        synthetic.comparison(),
        tmp_path_factory.mktemp("report") / "folder",
        {"valley": synthetic.surface},
    )
    return made.resolve().as_uri()


@pytest.fixture
def faults(browser, tmp_path):
    """What is wrong with a page of these tests' own."""

    def examine(body, width=360, dark=False, style=""):
        file = tmp_path / "page.html"
        file.write_text(
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>A page</title>'
            f'<link rel="icon" href="data:,"><style>{style}</style><body>{body}</body></html>'
        )
        return browser.faults(file.as_uri(), width, dark)

    return examine


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_nothing_is_wrong_with_the_page(browser, page, width, dark):
    assert browser.faults(page, width, dark) == []


def test_its_picture_is_as_wide_as_the_window_and_differs_in_the_dark(browser, page):
    light, dark = (browser.screenshot(page, 360, dark) for dark in (False, True))
    assert light.startswith(b"\x89PNG")
    assert light != dark
    width, height = struct.unpack(">II", light[16:24])  # of the PNG's first chunk
    assert width == 360
    assert height > 800


def test_a_good_page_has_no_faults(faults):
    body = f"<h1>A</h1><h2>B</h2><h3>C</h3><h2>D</h2><details>{GOOD}</details>"
    assert faults(body) == []
    # Without a style, black on white is meant whatever is preferred; with one, both are dark.
    assert faults(body, dark=True) == []
    assert faults(body, dark=True, style=":root { color-scheme: light dark }") == []


BAD = {
    "is broken": f'<h1>A</h1>{GOOD}<img alt="gone" src="data:image/png;base64,AAAA">',
    "was not loaded": '<h1>A</h1><img alt="gone" src="gone.png">',
    "cannot be seen": f'<h1>A</h1><div style="display: none">{GOOD}</div>',
    "no alternative text": f"<h1>A</h1>{GOOD.replace('a dot', ' ')}",
    "pixels too wide": '<h1>A</h1><pre style="width: 400px">x</pre>',
    "console error: 3 bad": "<h1>A</h1><script>console.error(3, 'bad')</script>",
    "console warning": "<h1>A</h1><script>console.warn('bad')</script>",
    "exception: Error: bad": "<h1>A</h1><script>throw new Error('bad')</script>",
    "there are 0 headings": "<h2>A</h2>",
    "there are 2 headings": "<h1>A</h1><h1>B</h1>",
    "level 3 follows one of level 1": "<h1>A</h1><details><h3>B</h3></details>",
    "contrast of": "<h1>A</h1><style>body { color: oklch(0.8 0 0) }</style>",
}


@pytest.mark.parametrize("fault", BAD)
def test_faults_are_seen(faults, fault):
    assert any(fault in found for found in faults(BAD[fault]))


def test_what_a_policy_blocks_is_seen(faults):
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    found = faults(f"{policy}<h1>A</h1>{GOOD}<script>1</script>")
    assert any("Content Security Policy" in fault for fault in found)


def test_what_is_folded_is_examined(faults):
    wide = '<h1>A</h1><details><div style="width: 2000px">x</div></details>'
    assert any("pixels too wide" in found for found in faults(wide, width=1280))


def test_the_dark_is_another_look(faults):
    style = ":root { color-scheme: light dark } body { color: black }"
    assert faults("<h1>A</h1>", style=style) == []
    assert any("contrast of" in found for found in faults("<h1>A</h1>", dark=True, style=style))


def test_a_page_that_is_not_there(browser, tmp_path):
    with pytest.raises(RuntimeError, match="cannot be opened"):
        browser.faults((tmp_path / "none.html").as_uri(), 360)
    assert browser.call("Browser.getVersion")


def test_the_contrast_of_two_colours():
    assert browsers.contrast([0, 0, 0], [255, 255, 255]) == pytest.approx(21)
    assert browsers.contrast([9, 9, 9], [9, 9, 9]) == 1
    # #767676 is the lightest grey on white that passes for text.
    assert 4.5 <= browsers.contrast([255, 255, 255], [0x76] * 3) < 4.6


def test_an_answer_that_does_not_come(browser, monkeypatch):
    monkeypatch.setattr(browsers, "PATIENCE", 0.2)
    with pytest.raises(TimeoutError, match=r"no answer to Page\.never"):
        browser.wait("Page.never", "no session")


def test_the_browser_ends_and_leaves_nothing(browser):
    with browsers.Browser() as another:
        process = another._process
        assert process.poll() is None
    assert process.poll() is not None


def test_without_a_browser(monkeypatch):
    monkeypatch.setattr(browsers.shutil, "which", lambda _: None)
    with pytest.raises(FileNotFoundError, match="install one of chromium"):
        browsers.Browser()
