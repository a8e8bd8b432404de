"""Figures as PNG and as SVG: what leaves matplotlib, and nothing that is drawn."""

from __future__ import annotations

import io
import re

from matplotlib import rc_context
from matplotlib.figure import Figure

from rmsprop.study.report.plots.style import DARK, PAPER


def png(figure: Figure) -> bytes:
    """A figure as PNG on a white ground, 675 pixels wide."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, facecolor=PAPER)
    return buffer.getvalue()


def svg(figure: Figure) -> str:
    """A figure as SVG without a ground; its colours follow the reader's choice of light or dark."""
    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": "rmsprop"}):  # for ids that are the same each time
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
    """The same picture in about two thirds of the characters.

    A page holds about eight pictures for each task, which are nearly all of its size. Each share
    below is how much longer the 24 pictures of three tasks (valley, digits, bible) would be in the
    page without this one step.
    """
    # 3 %: comments and metadata, which nobody sees.
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # 4 %: ids that nothing refers to; most are of groups that matplotlib names.
    targets = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda id_: id_[0] if id_[1] in targets else "", svg)
    # 6 %: coordinates finer than a hundredth of a point, which no screen resolves. A scale is a
    # factor, not a place, and stays as it is.
    svg = re.sub(r"scale\([^)]*\)|-?\d+\.\d{3,}", _hundredths, svg)
    # 23 % and 1 %: line ends and indentation, which a page would hold as %0A, and space between
    # tags.
    svg = re.sub(r"\s+", " ", svg).replace("> <", "><")
    # 4 %: the name of the font in the id of every glyph; only glyphs have it.
    svg = svg.replace("DejaVuSans", "D")
    # 3 %: the old name of the attribute of links, and the namespace that it needs.
    svg = svg.replace("xlink:href", "href")
    svg = svg.replace('xmlns:xlink="http://www.w3.org/1999/xlink" ', "")
    # 1 %: space within styles.
    svg = re.sub(r'(?<= style=")[^"]*', lambda style: re.sub(r"(?<=[:;]) ", "", style[0]), svg)
    # 7 %: the place of a glyph as its coordinates instead of a transformation.
    glyph = r'(<use href="#[\w.-]+") transform="translate\(([-\d.]+) ([-\d.]+)\)"/>'
    svg = re.sub(glyph, _placed, svg)
    # 5 %: space beside the letters of a path, which end a number by themselves.
    return re.sub(r"(?<=[MLQC\d]) (?=[MLQCz\"])|(?<=[MLQC]) (?=[-\d])", "", svg)


def _hundredths(number: re.Match[str]) -> str:
    """The number with two decimals at most; a scale as it is."""
    if number[0].startswith("scale"):
        return number[0]
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _placed(glyph: re.Match[str]) -> str:
    """A glyph at its coordinates; those that are 0 are left out."""
    start, x, y = glyph.groups()
    across, down = (f' {name}="{at}"' if float(at) else "" for name, at in (("x", x), ("y", y)))
    return f"{start}{across}{down}/>"
