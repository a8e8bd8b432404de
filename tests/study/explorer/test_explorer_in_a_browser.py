"""The explorable page in a real browser: its numbers are the library's, and it can be used."""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import explorer_runs as reference
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from browser_faults import OVERFLOW, contrasts_too_low
from rmsprop._experimental import enable_x64
from rmsprop.study.explorer.page import explore

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LOOKS = list(itertools.product((360, 390, 1280), (False, True)))
FUNCTIONS = [*reference.WINDOWS]
SEED, COUNT = 0, 200


@pytest.fixture(scope="module")
def address(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> str:
    return explore().write(tmp_path_factory.mktemp("page") / "page.html").resolve().as_uri()


# Numbers as text, for JSON has no infinity.
RUNS = """addresses => addresses.map(address => Object.fromEntries(
  Object.entries(explorable.runs(address)).map(([name, rows]) =>
    [name, rows.map(row => row.x.join(' ')).join(';')])))"""


def points_of(text: str) -> np.ndarray:
    rows = [row.split() for row in text.replace("Infinity", "inf").split(";")]
    return np.array(rows, np.float64)


def runs(page: Page, words: str, name: str) -> list[dict[str, Any]]:
    """The rows of a run on the page, without what is no number."""
    text = page.evaluate("([a, b]) => JSON.stringify(explorable.runs(a)[b])", [words, name])
    return json.loads(text)


def test_the_numbers_are_those_of_the_library(new_page, address, tmp_path):
    """300 steps at 200 random settings, in float64 within 1e-12.

    But where the library's own run, started one part in 1e15 aside, differs by more: there rounding
    decides. The powers in Adam's corrections are rounded differently by browsers, hence 1e-11.
    """
    drawn = reference.settings_at_random(COUNT, SEED)
    with new_page(1280) as page:
        page.goto(address)
        texts = page.evaluate(RUNS, [reference.address(each) for each in drawn])
    points = reference.runs_and_neighbours(drawn, tmp_path)
    sensitive, compared = set(), 0
    for index, text in enumerate(texts):
        for name in reference.OPTIMIZERS:
            own = points[reference.key(index, name)]
            aside = points[reference.key(index, name, aside=True)]
            ours = points_of(text[name])
            assert ours.shape == own.shape
            limit = 1e-11 if name == "adam" else 1e-12
            if reference.difference(own, aside) > limit:
                sensitive.add(index)
                continue
            compared += 1
            assert reference.difference(own, ours) <= limit, (drawn[index], name)
    assert len(sensitive) <= COUNT / 4, "a run that is chaotic shows nothing"
    assert compared > 3.5 * COUNT


def test_a_difference_would_be_seen(tmp_path):
    """An eps that is off by one part in 10,000 moves a run by far more than is allowed."""
    (settings,) = reference.settings_at_random(1, SEED)
    own = reference.run(settings, "rmsprop", settings["start"])
    other = reference.run(
        {**settings, "eps": settings["eps"] * 1.0001}, "rmsprop", settings["start"]
    )
    assert reference.difference(own, other) > 1e-11


@pytest.mark.parametrize("function", FUNCTIONS)
def test_gradients_and_values_are_those_of_the_functions(new_page, address, function):
    """Those of JAX's own differentiation; and the noise is the same hash in both languages."""
    with new_page(1280) as page:
        page.goto(address)
        words = f"#function={function}&steps=300&sgd=0.001&condition=7&noise=2.5"
        rows = runs(page, words, "rmsprop")
    s = {"condition": 7.0, "noise": 2.5, "steps": 300.0}
    value = reference.VALUES[function]
    x = np.array([row["x"] for row in rows])
    noise = 2.5 * reference.NOISE if function == "noise" else np.zeros((300, x.shape[1]))
    with enable_x64():
        k, at = jnp.arange(301.0), jnp.asarray(x)
        values = np.asarray(jax.vmap(lambda k, x: value(x, k, s))(k, at))
        gradients = np.asarray(jax.vmap(lambda k, x: jax.grad(value)(x, k, s))(k, at))[:-1] + noise
    # Some ten roundings of 1.1e-16 of terms that are up to a thousand times as large as their sum.
    ours = np.array([row["gradient"] for row in rows[:-1]])
    np.testing.assert_allclose(ours, gradients, rtol=1e-12, atol=1e-12 * np.abs(gradients).max())
    shown = np.array([row["value"] for row in rows])
    np.testing.assert_allclose(shown, values, rtol=1e-12, atol=1e-14 * np.abs(values).max())


def test_the_noise_has_mean_0_and_variance_1():
    # Means of 600 even numbers of variance 1, and of their squares, of which 0.8 is the variance:
    # five times their standard errors.
    assert abs(reference.NOISE.mean()) < 5 / np.sqrt(600)
    assert abs((reference.NOISE**2).mean() - 1) < 5 * np.sqrt(0.8 / 600)
    assert np.abs(reference.NOISE).max() <= np.sqrt(3)


def test_rows_are_of_one_moment(new_page, address):
    """The rates and updates beside the points, which the first test compares."""
    with new_page(1280) as page:
        page.goto(address)
        for name in ("sgd", "adagrad", "rmsprop"):
            rows = runs(page, "#function=valley&initial=2&eps=0.01&decay=0.8&inside=no", name)
            for row, following in itertools.pairwise(rows):
                g, v, rate, update, x = (
                    np.array(row[key]) for key in ("gradient", "v", "rate", "update", "x")
                )
                root = {"sgd": 1.0}.get(name, np.sqrt(v) + 0.01)
                own = {"sgd": 0.019, "adagrad": 0.5, "rmsprop": 0.1}[name]
                np.testing.assert_allclose(rate, own / root, rtol=1e-14)
                np.testing.assert_allclose(update, rate * g, rtol=1e-14)
                np.testing.assert_array_equal(following["x"], x - update)
            first = np.array(rows[0]["gradient"])
            expected = {"adagrad": 2 + first**2, "rmsprop": (1 - 0.8) * first**2}.get(name)
            if expected is not None:
                np.testing.assert_allclose(rows[0]["v"], expected, rtol=1e-14)


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_nothing_is_wrong_with_the_page(examine, address, width, dark):
    assert examine(address, width, dark) == []
    everything = "#function=rosenbrock&shown=sgd,adagrad,rmsprop,adam&table=adam&at=7"
    assert examine(f"{address}{everything}", width, dark) == []


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll('svg text')].map(x => x.getBoundingClientRect());
  const texts = [...document.querySelectorAll('svg text')].map(x => x.textContent);
  const found = [];
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b, j) => {
    if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
      found.push(`${texts[i]} and ${texts[i + 1 + j]} overlap`);
  }));
  document.querySelectorAll('svg text').forEach((text, i) => {
    const frame = text.closest('svg').getBoundingClientRect(), box = boxes[i];
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1)
      found.push(`${texts[i]} is clipped`);
  });
  const table = document.getElementById('rows');
  if (table.scrollWidth > table.clientWidth) found.push('the table is too wide');
  return found;
}"""


@pytest.mark.parametrize("width", [360, 390, 1280])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_label_overlaps_or_is_clipped(new_page, address, function, width):
    with new_page(width) as page:
        for more in ("", "&sgd=10&rmsprop=10&adagrad=0.0001&shown=sgd,adagrad,rmsprop,adam&at=9"):
            page.goto(f"{address}#function={function}{more}")
            page.reload()
            assert page.evaluate(OVERLAPS) == []
            pixels, widest = page.evaluate(OVERFLOW)
            assert pixels <= 0, widest


def slide(page: Page, name: str, key: str, times: int = 1) -> None:
    page.locator(f"#{name}").focus()
    for _ in range(times):
        page.keyboard.press(key)


def test_a_setting_changes_what_is_said_drawn_and_tabulated(new_page, address):
    with new_page(1280) as page:
        page.goto(address)
        meaning = page.locator("#decay-meaning")
        assert "about 10 steps" in meaning.inner_text()
        assert "35 % of the weight" in meaning.inner_text()
        path = page.locator("#plane path.rmsprop.line")
        before, table = path.get_attribute("d"), page.locator("#rows").inner_text()
        slide(page, "decay", "End")
        assert "about 1000 steps" in meaning.inner_text()
        assert page.locator("#decay-value").inner_text() == "0.999"
        assert path.get_attribute("d") != before
        assert page.locator("#rows").inner_text() != table
        page.locator("#inside").uncheck()
        assert "Added to the root" in page.locator("#eps-meaning").inner_text()
        assert page.locator("#denominator").inner_text() == "(√v + eps)"
        slide(page, "sgd", "ArrowRight", 3)
        assert "It exceeds 2 / condition = 0.02" in page.locator("#sgd-meaning").inner_text()


def test_the_address_holds_all_settings(new_page, address):
    with new_page(1280) as page:
        page.goto(address)
        page.locator("#function").select_option("noise")
        slide(page, "noise", "ArrowRight", 4)
        slide(page, "momentum", "ArrowRight", 7)
        slide(page, "at", "ArrowLeft", 3)
        page.locator("#show-adam").check()
        page.locator("#show-sgd").uncheck()
        page.locator("#table").select_option("adagrad")
        page.locator("#plane").click(position={"x": 200, "y": 100})
        page.wait_for_url(lambda url: "noise=3.4" in url and "start=4,2" not in url)
        link, parts = page.url, ("#plane", "#rates", "#rows", "#settings", "#outcomes")
        seen = [page.locator(part).inner_html() for part in parts]
    with new_page(1280) as page:
        page.goto(link)
        assert [page.locator(part).inner_html() for part in parts] == seen
        assert page.locator("#momentum-value").inner_text() == "0.07"
        assert page.locator("#at-value").inner_text() == "147 of 150"


@pytest.mark.parametrize(
    "words",
    [
        "#function=none&decay=x&eps=&start=1&at=-3&shown=",
        "#decay=7&steps=1e9&sgd=-1",
        "#function=toString&table=constructor",
        "#&&",
    ],
)
def test_a_senseless_address_does_no_harm(examine, address, words):
    assert examine(f"{address}{words}", 1280) == []


def test_a_point_that_is_clicked_is_the_start(new_page, address):
    with new_page(1280) as page:
        page.goto(address)
        box = page.locator("#plane .frame").bounding_box()
        # The valley is drawn from -2 to 5 and from -2.1 to 2.1.
        page.mouse.click(box["x"] + box["width"] * 3 / 7, box["y"] + box["height"] / 4)
        cells = [row.split() for row in page.locator("tbody tr").all_inner_texts()[:2]]
        # A pixel is 0.015 wide, a click is at a whole one, and the start has two decimals.
        assert float(cells[0][2]) == pytest.approx(1, abs=0.03)
        assert float(cells[1][1]) == pytest.approx(1.05, abs=0.03)
        page.locator("#plane").focus()
        before = float(cells[0][2])
        page.keyboard.press("ArrowRight")
        after = page.locator("tbody tr").first.inner_text().split()[2]
        assert float(after) == pytest.approx(before + 0.1, abs=1e-4)


def test_a_tap_is_the_start(chromium, address):
    with chromium.new_context(
        viewport={"width": 360, "height": 800}, has_touch=True, is_mobile=True, offline=True
    ) as context:
        page = context.new_page()
        page.goto(f"{address}#function=square")
        page.locator("#plane").tap(position={"x": 45, "y": 30})
        x = page.locator("tbody tr").first.inner_text().split()[1]
        assert float(x.replace("−", "-")) < -4.5


def test_it_plays_pauses_and_goes_step_by_step(new_page, address):
    with new_page(1280) as page:
        page.goto(address)
        at = page.locator("#at-value")
        assert at.inner_text() == "60 of 60"
        page.locator("#first").click()
        assert at.inner_text() == "0 of 60"
        page.locator("#next").click()
        assert at.inner_text() == "1 of 60"
        assert page.locator("tr.now").first.inner_text().split()[0] == "1"
        play = page.locator("#play")
        play.focus()
        page.keyboard.press("Space")
        assert play.inner_text() == "Pause"
        while int(at.inner_text().split()[0]) < 4:
            page.wait_for_timeout(50)
        page.keyboard.press("Space")
        assert play.inner_text() == "Play"
        where = at.inner_text()
        assert 3 < int(where.split()[0]) < 60
        page.wait_for_timeout(300)
        assert at.inner_text() == where


def test_it_plays_where_a_frame_has_begun_before_the_click(new_page, address):
    """A browser tells the time at which a frame began, which may lie before the click in it."""
    with new_page(1280) as page:
        page.add_init_script(
            "const frame = requestAnimationFrame;"
            " requestAnimationFrame = action => frame(now => action(now - 300))"
        )
        page.goto(address)
        page.locator("#play").click()
        seen = set()
        for _ in range(20):
            page.wait_for_timeout(50)
            seen.add(int(page.locator("#at-value").inner_text().split()[0]))
        assert len(seen) > 2
        assert min(seen) >= 0


def test_nothing_moves_where_motion_is_not_wanted(chromium, address):
    with chromium.new_context(reduced_motion="reduce", offline=True) as context:
        page = context.new_page()
        page.goto(f"{address}#at=5")
        page.locator("#play").click()
        assert page.locator("#at-value").inner_text() == "60 of 60"
        assert page.locator("#play").inner_text() == "Play"


def test_the_largest_table_of_numbers_of_any_size_has_enough_contrast(new_page, address):
    with new_page(1280, dark=True) as page:
        page.goto(f"{address}#function=rosenbrock&sgd=10&table=sgd&at=20")
        assert "diverged, not finite from step" in page.locator("#outcomes").inner_text()
        assert "has left the picture" in page.locator("#gone").inner_text()
        assert not [*contrasts_too_low(page)]


def test_it_works_in_the_cell_of_a_notebook(new_page, tmp_path):
    file = tmp_path / "cell.html"
    file.write_text(
        '<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,">'
        + explore()._repr_html_()
    )
    messages: list[str] = []
    with new_page(1280) as page:
        page.on("console", lambda entry: messages.append(entry.text))
        page.on("pageerror", lambda error: messages.append(error.message))
        page.goto(file.as_uri())
        frame = page.frame_locator("iframe")
        frame.locator("#function").select_option("saddle")
        frame.locator("#next").click()
        page.wait_for_timeout(400)  # longer than the address would wait for
        assert frame.locator("#at-value").inner_text() == "1 of 100"
        assert re.match(r"Gradient descent: f = ", frame.locator("#outcomes").inner_text())
    assert messages == []


def across(rows: list[dict[str, Any]], i: int = 1) -> np.ndarray:
    return np.array([row["x"][i] for row in rows])


def test_what_the_page_says_of_its_functions_is_what_its_runs_do(new_page, address):
    """At the settings that it begins with."""
    with new_page(1280) as page:
        page.goto(address)
        by = {
            name: {each: runs(page, f"#function={name}", each) for each in reference.OPTIMIZERS}
            for name in FUNCTIONS
        }
        steep = {each: runs(page, "#function=square&start=5", each) for each in ("sgd", "rmsprop")}
    # x^2: the first step depends on the slope for gradient descent only.
    for name, same in (("sgd", False), ("rmsprop", True)):
        first = [abs(rows[0]["update"][0]) for rows in (by["square"][name], steep[name])]
        assert (first[0] == pytest.approx(first[1], rel=1e-6)) == same
    # The valley: from wall to wall, and slow along the floor.
    crossings = {
        name: (np.diff(np.sign(across(rows[:30]))) != 0).sum()
        for name, rows in by["valley"].items()
    }
    assert crossings["sgd"] == 29
    assert crossings["adagrad"] == crossings["rmsprop"] == 0
    ends = {name: abs(across(rows, 0)[-1]) for name, rows in by["valley"].items()}
    assert ends["sgd"] > 5 * max(ends["adagrad"], ends["rmsprop"])
    # Rosenbrock: gradient descent is the last on the floor.
    values = {name: rows[-1]["value"] for name, rows in by["rosenbrock"].items()}
    assert values["sgd"] == max(values.values())
    # The saddle: steps until the ridge is left by 1.
    left = {name: int(np.argmax(np.abs(across(rows)) > 1)) for name, rows in by["saddle"].items()}
    assert left["sgd"] > 3 * max(left[name] for name in ("adagrad", "rmsprop", "adam")) > 0
    # Two weights: alike, at rates 100 : 1; downwards for ever.
    for name in ("adagrad", "rmsprop"):
        rows = by["weights"][name]
        rates = np.array([row["rate"] for row in rows[:-1]])
        np.testing.assert_allclose(rates[:, 0] / rates[:, 1], 100, rtol=1e-4)
        assert (np.diff([row["value"] for row in rows]) < 0).all()
    # The one that changes: RMSprop arrives, AdaGrad is under way.
    away = {
        name: float(np.hypot(*(np.array(rows[-1]["x"]) - [2, 1])))
        for name, rows in by["changing"].items()
    }
    assert away["rmsprop"] < 0.01
    assert away["adagrad"] > 1
    # Noise: AdaGrad's rates fall, RMSprop's do not.
    rates = {name: np.array([r["rate"] for r in by["noise"][name][:-1]]) for name in away}
    assert (rates["adagrad"][-1] < rates["adagrad"][30] / 1.3).all()
    assert (rates["rmsprop"][-50:].mean(0) > rates["rmsprop"][50:100].mean(0) / 1.3).all()


def test_what_the_page_says_of_its_settings_is_what_its_runs_do(new_page, address):
    with new_page(1280) as page:
        page.goto(address)
        constant = "#function=weights&steps=300&eps=1e-10"
        adagrad = runs(page, constant, "adagrad")
        lengths = np.array([row["update"] for row in adagrad[:-1]])
        # rate / sqrt(k), but for eps beside the square 0.01: 1e-10 / 0.01 / 2.
        expected = 0.5 / np.sqrt(np.arange(1, 301))
        np.testing.assert_allclose(lengths, expected[:, None].repeat(2, 1), rtol=1e-8)
        rms = runs(page, constant, "rmsprop")
        lengths = np.abs([row["update"] for row in rms[:-1]])
        np.testing.assert_allclose(lengths[0], 0.1 / np.sqrt(0.1), rtol=1e-6)
        assert lengths.max() <= 0.1 / np.sqrt(0.1)
        np.testing.assert_allclose(lengths[-1], 0.1, rtol=1e-6)
        adam = runs(page, constant, "adam")
        np.testing.assert_allclose(np.abs(adam[0]["update"]), 0.1, rtol=1e-6)
        # Steps that momentum makes longer: 1 / (1 - 0.9) times.
        steady = runs(page, f"{constant}&momentum=0.9", "sgd")
        np.testing.assert_allclose(
            steady[-2]["update"], [10 * 0.02 * 0.1, 10 * 0.02 * 10], rtol=1e-9
        )
        # Gradient descent in a valley of condition 50: stable up to 2 / 50.
        for rate, grows in ((0.0399, False), (0.0401, True)):
            rows = runs(page, f"#function=valley&condition=50&sgd={rate}", "sgd")
            assert (np.diff(np.abs(across(rows))) > 0).all() == grows
        # With momentum 0.9 up to 1.9 times that, 0.076: 300 steps shrink it by far, or do not.
        for rate, stable in ((0.0755, True), (0.0765, False)):
            words = f"#function=valley&condition=50&momentum=0.9&steps=300&sgd={rate}"
            assert (abs(across(runs(page, words, "sgd"))[-1]) < 0.5) == stable
            page.goto(f"{address}{words}")
            said = page.locator("#sgd-meaning").inner_text()
            assert said.startswith("It is stable" if stable else "It exceeds")
            assert "(1 + momentum) · 2 / condition = 0.076" in said
        # Just below, 25 steps bring it nearer along the floor: by 1 / (1 - 1/25)^25 = 2.77.
        rows = runs(page, "#function=valley&condition=50&sgd=0.0399", "sgd")
        assert 2.7 < across(rows, 0)[0] / across(rows, 0)[25] < 2.8
        # An AdaGrad whose sum starts at 0.09, as if a gradient of 0.3 had been there.
        rows = runs(page, "#function=weights&initial=0.09", "adagrad")
        np.testing.assert_allclose(rows[0]["v"], [0.09 + 0.01, 0.09 + 100], rtol=1e-12)
