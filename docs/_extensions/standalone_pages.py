"""Pages of the site that Sphinx does not make: the explorable page, and the address of the site."""

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


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "html":
        return
    study.explore().write(Path(app.outdir) / "explore.html")
    text = _FIRST_PAGE.format(title=app.config.project, page=f"{app.config.root_doc}.html")
    (Path(app.outdir) / "index.html").write_text(text)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
