"""Figures as PNG and as SVG."""

from __future__ import annotations

import io
import re

from matplotlib import rc_context
from matplotlib.figure import Figure

from rmsprop.study.report.plots.style import DARK, PAPER


def png(figure: Figure) -> bytes:
    """A figure as PNG, on white, 675 pixels wide."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, facecolor=PAPER)
    return buffer.getvalue()


def svg(figure: Figure) -> str:
    """A figure as SVG on nothing, whose colours follow the reader's choice of light or dark."""
    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": "rmsprop"}):  # so that ids are the same each time
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    light, dark = [], []
    for number, (colour, on_dark) in enumerate(DARK.items()):
        text = text.replace(colour, f"var(--c{number})")
        light.append(f"--c{number}:{colour}")
        dark.append(f"--c{number}:{on_dark}")
    style = (
        f"<style>:root{{{';'.join(light)}}}"
        f"@media(prefers-color-scheme:dark){{:root{{{';'.join(dark)}}}}}</style>"
    )
    text = compact(text[text.index("<svg") :])
    start = text.index(">") + 1
    return text[:start] + style + text[start:]


def compact(svg: str) -> str:
    """The same picture in half of the characters.

    Coordinates are rounded to hundredths of a point, which no screen shows, and what is no part of
    the picture goes: comments, metadata, ids that nothing refers to, space between tags.
    """
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.S)
    used = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    # A scale is a factor, not a place, and stays as it is.
    svg = re.sub(r"scale\([^)]*\)|-?\d+\.\d{3,}", _two_decimals, svg)
    svg = re.sub(r"\s+", " ", svg).replace("> <", "><").replace("DejaVuSans", "D")
    svg = svg.replace("xlink:href", "href").replace(
        'xmlns:xlink="http://www.w3.org/1999/xlink" ', ""
    )
    svg = re.sub(r'(?<= style=")[^"]*', lambda found: re.sub(r"(?<=[:;]) ", "", found[0]), svg)
    return re.sub(r"(?<=[MLQC\d]) (?=[MLQCz\"])|(?<=[MLQC]) (?=[-\d])", "", svg)


def _two_decimals(found: re.Match[str]) -> str:
    if found[0].startswith("scale"):
        return found[0]
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
