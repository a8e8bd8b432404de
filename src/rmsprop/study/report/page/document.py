"""The document around a page: head, style sheet, links, title, and the one script that may run.

Nothing is loaded from elsewhere, neither from the network nor from the folder. The page says so to
the browser, which runs only the script of the page, known by its hash: it sorts the tables and
states the values of the pictures.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
from collections.abc import Mapping

from rmsprop.study.report.page.markup import attribute, text
from rmsprop.study.report.plots import style

# By this line a page of rmsprop is known from a page of somebody else.
GENERATOR = '<meta name="generator" content="rmsprop">'


def document(title: str, subtitle: str, links: str, sections: Mapping[str, tuple[str, str]]) -> str:
    """A complete HTML document.

    Args:
        title: The heading of the page.
        subtitle: A line below it.
        links: The links to the parts of the page, as HTML.
        sections: The heading of each part and its content, both as HTML, by the place that links
            lead to; a part without content is left out.

    Returns:
        The document.
    """
    parts = "".join(
        f'<h2 id="{place}">{heading}</h2>\n{content}\n'
        for place, (heading, content) in sections.items()
        if content
    )
    script = _resource("page.js")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{GENERATOR}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {_hash(script)}">
<link rel="icon" href="data:,">
<title>{attribute(title)}</title>
<style>{_style_sheet()}</style>
</head>
<body>
<nav aria-label="Contents"><div>{links}</div></nav>
<header><h1>{text(title)}</h1><p>{text(subtitle)}</p></header>
<main>
{parts}</main>
<script>{script}</script>
</body>
</html>
"""


def _hash(script: str) -> str:
    """The hash by which a browser knows the only script that it may run."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _resource(name: str) -> str:
    """The text of a file that lies beside this module."""
    return importlib.resources.files("rmsprop.study.report.page").joinpath(name).read_text("utf-8")


def _style_sheet() -> str:
    """The style sheet with the colours of the figures, for a light and for a dark page."""
    names = {"ink": style.INK, "muted": style.MUTED, "line": style.GRID, "card": style.PAPER}
    names |= {f"o{index}": colour for index, colour in enumerate(style.COLOURS)}
    light = ";".join(f"--{name}:{colour}" for name, colour in names.items())
    dark = ";".join(f"--{name}:{style.DARK[colour]}" for name, colour in names.items())
    root = f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return f"{root}\n{_resource('page.css')}"


def duration(seconds: float) -> str:
    """A duration for the line below the title: `34 s`, `5 min`."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
