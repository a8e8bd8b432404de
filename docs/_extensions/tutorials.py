"""The tutorials that are there, in the order of their page.

`docs/tutorials.md` names every notebook of `examples/`; one that is not there is passed over.
"""

from pathlib import Path

from sphinx.application import Sphinx


def _those_that_are_there(app: Sphinx, page: str, source: list[str]) -> None:
    if page != "docs/tutorials":
        return
    root = Path(app.srcdir)
    lines = source[0].splitlines()
    source[0] = "\n".join(
        line
        for line in lines
        if not line.startswith("/examples/") or (root / f"{line[1:]}.ipynb").exists()
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", _those_that_are_there)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
