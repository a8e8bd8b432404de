"""The page as a real browser shows it, on a phone and on a desk, in the light and in the dark."""

from __future__ import annotations

import itertools
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import synthetic_results as synthetic
from browser_faults import LOAD, OVERFLOW, contrast, contrasts_too_low
from rmsprop.study import spelling

LOOKS = list(itertools.product((360, 1280), (False, True)))
GOOD = (
    '<img alt="a dot" src="data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22/%3E">'
)
DARK_TOO = "<style>:root { color-scheme: light dark }</style>"


@pytest.fixture
def faults(examine: Any, tmp_path: Any) -> Callable[..., list[str]]:
    """What is wrong with a page of these tests' own."""

    def of(body: str, width: int = 360, dark: bool = False, head: str = "") -> list[str]:
        file = tmp_path / "page.html"
        file.write_text(
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>A page</title>'
            f'<link rel="icon" href="data:,">{head}<body>{body}</body></html>'
        )
        return examine(file.as_uri(), width, dark)

    return of


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_nothing_is_wrong_with_the_page(examine, address, width, dark):
    assert examine(address, width, dark) == []


def test_its_picture_is_as_wide_as_the_window_and_differs_in_the_dark(new_page, address):
    def screenshot(dark):
        with new_page(360, dark) as page:
            page.goto(address)
            page.locator("img").evaluate_all(LOAD)
            return page.screenshot(full_page=True)

    light, dark = screenshot(False), screenshot(True)
    assert light.startswith(b"\x89PNG")
    assert light != dark
    width, height = struct.unpack(">II", light[16:24])  # of the PNG's first chunk
    assert width == 360
    assert height > 800


def _column(table, name):
    """The texts of a column from above, by the head that begins so."""
    heads = table.locator("thead th").all_inner_texts()
    (place,) = (index for index, head in enumerate(heads) if head.startswith(name))
    return place, [row.locator("th, td").nth(place) for row in table.locator("tbody tr").all()]


@pytest.mark.parametrize("width", [390, 1280])
def test_a_table_is_sorted_by_keyboard(new_page, address, width):
    with new_page(width) as page:
        page.goto(address)
        table = page.locator("table.numbers").filter(has_text="Results of all tasks")
        place, cells = _column(table, "Tuned")
        before = [cell.inner_text() for cell in cells]
        values = [float(cell.get_attribute("data-value")) for cell in cells]
        assert values != sorted(values)
        head = table.locator("thead th").nth(place)
        expected = {
            "ascending": sorted(values),
            "descending": sorted(values, reverse=True),
            "none": values,
        }
        for order, numbers in expected.items():
            head.locator("button").focus()
            page.keyboard.press("Enter")
            assert head.get_attribute("aria-sort") == order
            _, cells = _column(table, "Tuned")
            assert [float(cell.get_attribute("data-value")) for cell in cells] == numbers
        assert [cell.inner_text() for cell in cells] == before
        others = table.locator("thead th:not([aria-sort=none])")
        assert others.count() == 0
        _, cells = _column(table, "Task")
        table.locator("thead button").first.click()
        _, cells = _column(table, "Task")
        assert [x.inner_text() for x in cells] == sorted(x.inner_text() for x in cells)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_contents_stay_in_sight_and_lead_to_each_task(new_page, address, width):
    with new_page(width) as page:
        page.goto(address)
        for link in page.locator("nav a").all():
            link.click()
            target = page.locator(link.get_attribute("href"))
            bar, place = page.locator("nav").bounding_box(), target.bounding_box()
            assert bar["y"] == 0
            assert place["y"] >= bar["height"] - 1, "the heading is not hidden behind the bar"
        names = page.locator("nav .tasks a").all_inner_texts()
        assert names == ["valley", "digits", "bible"]


def test_a_line_of_the_forest_plot_tells_its_values_at_the_focus(new_page, address):
    with new_page(1280) as page:
        page.goto(address)
        plot = page.locator(".plot").first
        content = "x => getComputedStyle(x, '::after').content"
        assert plot.evaluate(content) == "none"
        plot.focus()
        assert plot.get_attribute("data-tip") in plot.evaluate(content)


def _picture(page, words):
    """The frame around the picture whose alternative text begins so, and what it states."""
    frame = page.locator(f'.values:has(img[alt^="{words}"])').first
    frame.scroll_into_view_if_needed()
    return frame, frame.locator("output")


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_a_picture_states_its_values_at_the_pointer_and_by_keys(new_page, address, width, dark):
    comparison = synthetic.comparison()
    rows = comparison.summary("valley")
    with new_page(width, dark) as page:
        page.goto(address)
        assert page.locator("figure").count() == page.locator(".values").count()
        frame, words = _picture(page, "Results on valley")
        assert words.get_attribute("aria-live") == "polite"
        box = frame.bounding_box()
        frame.hover(position={"x": 0.25 * box["width"], "y": 0.5 * box["height"]})
        spoken = {f"{spelling.name(row.optimizer)}, constant, tuned: {row.metric}" for row in rows}
        assert words.inner_text() in spoken
        bubble, window = words.bounding_box(), frame.bounding_box()
        assert bubble["x"] >= window["x"] - 1
        assert bubble["x"] + bubble["width"] <= window["x"] + window["width"] + 1
        pixels, widest = page.evaluate(OVERFLOW)
        assert pixels <= 0, widest
        assert not [*contrasts_too_low(page)]
        page.mouse.move(0, 0)
        assert words.inner_text() == ""
        frame.focus()
        assert words.inner_text() == f"RMSprop, constant, tuned: {rows[0].metric}"
        assert frame.get_attribute("role") == "application"
        label = "Results on valley by schedule of the learning rate and setting. The arrow keys"
        assert (frame.get_attribute("aria-label") or "").startswith(label)
        heard = []
        for key in ("Home", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown", "End"):
            page.keyboard.press(key)
            heard.append(words.inner_text())
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.mouse.move(0, 0)
        assert words.inner_text() != "", "the point stays while the picture has the focus"
        first, second, back, up, down, end = heard
        assert first == f"RMSprop, constant, tuned: {rows[0].metric}"
        assert second.startswith("RMSprop, ")
        assert back == down == first
        assert rows[1].metric.value > rows[0].metric.value, "so AdaGrad lies above"
        assert up == f"AdaGrad, constant, tuned: {rows[1].metric}"
        assert end == second
        page.keyboard.press("Escape")
        assert words.inner_text() == ""


def test_a_tap_states_the_values_of_a_picture(chromium, address):
    with chromium.new_context(
        viewport={"width": 360, "height": 800}, has_touch=True, is_mobile=True, offline=True
    ) as context:
        page = context.new_page()
        page.goto(address)
        frame, words = _picture(page, "Training loss against step on valley")
        box = frame.bounding_box()
        frame.tap(position={"x": 0.97 * box["width"], "y": 0.75 * box["height"]})
        number = r"\d[\d.e-]*"
        spoken = rf"(RMSprop|AdaGrad), steps 298–300: {number}, best to worst seed {number} to "
        assert re.match(spoken, words.inner_text())


def test_neighbours_among_the_pictures_fill_their_line(new_page, address):
    """No card ends before the other of its line, and none stands alone beside a hole."""
    with new_page(1280) as page:
        page.goto(address)
        for group in page.locator(".pictures").all():
            lines: dict[float, list[dict[str, float]]] = {}
            for figure in group.locator("figure").all():
                box = figure.bounding_box()
                lines.setdefault(round(box["y"]), []).append(box)
            width = group.bounding_box()["width"]
            for boxes in lines.values():
                assert len({round(box["height"]) for box in boxes}) == 1
                assert sum(box["width"] for box in boxes) > width - 20


def test_a_good_page_has_no_faults(faults):
    body = f"<h1>A</h1><h2>B</h2><h3>C</h3><h2>D</h2><details>{GOOD}</details>"
    assert faults(body) == []
    # Without a style, black on white is meant whatever is preferred; with one, both are dark.
    assert faults(body, dark=True) == []
    assert faults(body, dark=True, head=DARK_TOO) == []


BAD = {
    "'gone' is broken": f'<h1>A</h1>{GOOD}<img alt="gone" src="data:image/png;base64,AAAA">',
    "'a dot' cannot be seen": f'<h1>A</h1><div style="display: none">{GOOD}</div>',
    "no alternative text": f"<h1>A</h1>{GOOD.replace('a dot', ' ')}",
    "pixels too wide": '<h1>A</h1><pre style="width: 400px">x</pre>',
    "console log: 3 bad": "<h1>A</h1><script>console.log(3, 'bad')</script>",
    "console error: 3 bad": "<h1>A</h1><script>console.error(3, 'bad')</script>",
    "console warning: bad": "<h1>A</h1><script>console.warn('bad')</script>",
    "exception: Error: bad": "<h1>A</h1><script>throw new Error('bad')</script>",
    "there are 0 headings": "<h2>A</h2>",
    "there are 2 headings": "<h1>A</h1><h1>B</h1>",
    "level 3 follows one of level 1": "<h1>A</h1><details><h3>B</h3></details>",
    "contrast of": "<h1>A</h1><style>body { color: oklch(0.8 0 0) }</style>",
}


@pytest.mark.parametrize("fault", BAD)
def test_faults_are_seen(faults, fault):
    assert any(fault in words for words in faults(BAD[fault]))


OUTSIDE = {
    "beside.png": '<img alt="a" src="beside.png">',
    "beside.html": '<iframe src="beside.html"></iframe>',
    "http://127.0.0.1:9/frame": '<iframe src="http://127.0.0.1:9/frame"></iframe>',
    "http://127.0.0.1:9/picture": '<img alt="a" src="http://127.0.0.1:9/picture">',
    "http://127.0.0.1:9/code": '<script src="http://127.0.0.1:9/code"></script>',
    "http://127.0.0.1:9/data": "<script>fetch('http://127.0.0.1:9/data')</script>",
    "https://127.0.0.1:9/style": "<style>@import 'https://127.0.0.1:9/style'</style>",
    "ws://127.0.0.1:9/": "<script>new WebSocket('ws://127.0.0.1:9/')</script>",
}


@pytest.mark.parametrize("place", OUTSIDE)
def test_a_page_that_asks_for_something_fails_the_test(faults, place):
    with pytest.raises(AssertionError, match="the page asks for ") as error:
        faults(f"<h1>A</h1>{OUTSIDE[place]}")
    assert place in str(error.value)


def test_what_a_policy_blocks_is_seen(faults):
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    blocked = faults(f"<h1>A</h1>{GOOD}<script>1</script>", head=policy)
    assert "the picture 'a dot' is broken" in blocked
    for what in ("image", "script"):
        assert any("Content Security Policy" in fault and what in fault for fault in blocked), (
            blocked
        )


def test_what_is_folded_is_examined(faults):
    wide = '<h1>A</h1><details><div style="width: 2000px">x</div></details>'
    assert any("pixels too wide" in fault for fault in faults(wide, width=1280))


def test_the_dark_is_another_look(faults):
    head = f"{DARK_TOO}<style>body {{ color: black }}</style>"
    assert faults("<h1>A</h1>", head=head) == []
    assert any("contrast of" in fault for fault in faults("<h1>A</h1>", dark=True, head=head))


def test_a_page_that_is_not_there(examine, faults, tmp_path):
    from playwright.sync_api import Error

    with pytest.raises(Error, match="ERR_FILE_NOT_FOUND"):
        examine((tmp_path / "none.html").as_uri(), 360)
    assert faults("<h1>A</h1>") == []


def test_the_contrast_of_two_colours():
    assert contrast([0, 0, 0], [255, 255, 255]) == pytest.approx(21)
    assert contrast([9, 9, 9], [9, 9, 9]) == 1
    # #767676 is the lightest grey on white that passes for text.
    assert 4.5 <= contrast([255, 255, 255], [0x76] * 3) < 4.6


@pytest.mark.slow
@pytest.mark.parametrize(("required", "code"), [("", 0), ("required", 1)])
def test_without_a_browser_tests_are_skipped_unless_it_is_required(required, code, tmp_path):
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-n0",
            "-rsE",
            "-k",
            "good_page",
            "-p",
            "no:cacheprovider",
            __file__,
        ],
        env={**os.environ, "PATH": str(tmp_path), "RMSPROP_BROWSER": required},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == code, run.stdout + run.stderr
    assert "there is no browser; install one of chromium, " in run.stdout
    assert ("1 error" if required else "1 skipped") in run.stdout
