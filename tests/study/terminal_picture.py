"""The table of a comparison as a terminal shows it, with its colours, as an SVG for the README."""

import html
import io
import re
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from rmsprop.study import Comparison

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "examples" / "figures" / "compare.svg"
COMMAND = "rmsprop compare"
# That of rich without its web fonts: the picture needs no network, and looks the same without.
FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<title>What rmsprop compare prints at its end</title>
<style>
.{unique_id}-matrix {{
    font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
    font-size: {char_height}px;
    line-height: {line_height}px;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: arial, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def picture(results: Comparison) -> str:
    """The SVG of what the command prints of these results."""
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    console.print(results)
    svg = console.export_svg(
        title=COMMAND, theme=MONOKAI, code_format=FORMAT, unique_id="compare", font_aspect_ratio=0.6
    )
    return re.sub(r"[ \t]+$", "", svg, flags=re.M)


def words(svg: str) -> str:
    """The text of a picture, its lines one after the other."""
    lines: dict[str, list[str]] = {}
    for y, text in re.findall(r'<text[^>]* y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        lines.setdefault(y, []).append(html.unescape(text).replace("\xa0", " "))
    return " ".join(" ".join("".join(line) for line in lines.values()).split())
