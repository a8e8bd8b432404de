"""The tables of the page fit into the window, on a phone as on a desk."""

from __future__ import annotations

import pytest

UNFOLD = "all => all.forEach(x => { x.open = true })"
TOO_WIDE = """all => all.filter(x => x.scrollWidth > x.clientWidth).map(
  x => `${x.querySelector('caption').textContent}: ${x.scrollWidth} in ${x.clientWidth}`)"""


@pytest.mark.parametrize("width", [360, 1024, 1280])
def test_no_table_has_to_be_moved_sideways(new_page, full, plain, tmp_path, width):
    file = tmp_path / "page.html"
    file.write_text(full.to_html(), encoding="utf-8")
    with new_page(width) as page:
        page.goto(file.as_uri())
        page.locator("details").evaluate_all(UNFOLD)
        assert page.locator(".forest").count() == 2
        assert page.locator(".wide").evaluate_all(TOO_WIDE) == []
