"""Docstrings are plain text first: what is indented in them below a paragraph is shown as it is."""

from sphinx.application import Sphinx


def _literal_blocks(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Of a module's docstring: its tables, formulas and examples are indented paragraphs."""
    if what != "module":
        return
    text, before = [], ""
    for line in lines:
        begins = line.startswith("    ") and not before.strip() and text
        if begins and not _inside(text):
            text += ["::", ""]
        text.append(line)
        before = line
    lines[:] = text


def _inside(text: list[str]) -> bool:
    """Whether the last line that is not empty is of an indented block."""
    last = next((line for line in reversed(text) if line.strip()), "")
    return last.startswith("    ") or last.endswith("::")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _literal_blocks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
