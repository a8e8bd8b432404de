"""What is wrong with a page that is open in a browser: overflow, contrast, headings, pictures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

# JavaScript for all elements of a kind, or for the page.
UNFOLD = "all => all.forEach(x => { x.open = true })"
LOAD = """images => Promise.all(images.map(image => {
  image.loading = 'eager';
  return image.decode().catch(() => null);
}))"""
OVERFLOW = """() => {
  const root = document.documentElement;
  const right = x => x.getBoundingClientRect().right + scrollX;
  const widest = [...document.body.querySelectorAll('*')].reduce(
    (a, b) => right(b) > right(a) ? b : a, document.body);
  return [root.scrollWidth - innerWidth, widest.outerHTML.slice(0, 60)];
}"""
# Of every look that a text has: its colour, the colour behind it, whether it is large, its words.
# A canvas of one pixel turns any colour of CSS into numbers.
TEXTS = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = (top, below) => below.map((x, i) => x + (top[i] - x) * top[3] / 255);
  const paper = document.documentElement.appendChild(document.createElement('p'));
  paper.style.background = 'Canvas';
  const plain = rgba(getComputedStyle(paper).backgroundColor).slice(0, 3);
  paper.remove();
  const behind = element => element === null ? plain
    : over(rgba(getComputedStyle(element).backgroundColor), behind(element.parentElement));
  const looks = {};
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some(x => x.nodeType === 3 && x.data.trim());
    if (!own || ['SCRIPT', 'STYLE'].includes(element.tagName)) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const back = behind(element);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const look = [over(rgba(style.color), back), back, large];
    looks[JSON.stringify(look)] = [...look, element.textContent.slice(0, 30)];
  }
  return Object.values(looks);
}"""


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """Contrast ratio of two colours, each of three numbers up to 255, as WCAG 2 defines it."""

    def luminance(colour: Sequence[float]) -> float:
        parts = [x / 255 for x in colour]
        linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
        return sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def faults_of(page: Page) -> Iterator[str]:
    """What is wrong with a page that is open, in words."""
    for picture in page.locator("img").all():
        words = (picture.get_attribute("alt") or "").strip()
        if not picture.evaluate("x => x.complete && x.naturalWidth > 0"):
            yield f"the picture {words[:40]!r} is broken"
        if not picture.is_visible():
            yield f"the picture {words[:40]!r} cannot be seen"
        if not words:
            yield "a picture has no alternative text"
    pixels, widest = page.evaluate(OVERFLOW)
    if pixels > 0:
        yield f"the page is {pixels} pixels too wide: {widest}"
    levels = page.locator("h1, h2, h3, h4, h5, h6").evaluate_all(
        "all => all.map(x => +x.tagName[1])"
    )
    if levels.count(1) != 1:
        yield f"there are {levels.count(1)} headings of level 1"
    for before, after in itertools.pairwise(levels):
        if after > before + 1:
            yield f"a heading of level {after} follows one of level {before}"
    yield from contrasts_too_low(page)


def contrasts_too_low(page: Page) -> Iterator[str]:
    """The texts that differ too little from what is behind them."""
    for colour, back, large, words in page.evaluate(TEXTS):
        ratio = contrast(colour, back)
        if ratio < (3 if large else 4.5):
            yield f"contrast of {ratio:.2f} of the text {words!r}"
