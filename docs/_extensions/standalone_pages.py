"""Pages of the site that Sphinx does not make: the explorable page, and the address of the site."""

import re
from pathlib import Path

from sphinx.application import Sphinx

from rmsprop import study

_FIRST_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<meta http-equiv="refresh" content="0; url={page}">
<a href="{page}">{title}</a>
</html>
"""


# Where the pages are read as files, such a link leads to what is said of the explorable page.
_TO_THE_PAGE = re.compile(
    r'\[([^\]]+)\]\(commands\.md#one-page-to-explore "on the site: the page itself"\)'
)


def _link(app: Sphinx, name: str, source: list[str]) -> None:
    """Has the links to the explorable page lead to it."""
    source[0] = _TO_THE_PAGE.sub(r'<a href="../explore.html">\1</a>', source[0])


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    study.explore().write(Path(app.outdir) / "explore.html")
    text = _FIRST_PAGE.format(title=app.config.project, page=f"{app.config.root_doc}.html")
    (Path(app.outdir) / "index.html").write_text(text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", _link)
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
