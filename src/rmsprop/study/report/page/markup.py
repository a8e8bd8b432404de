"""The parts that a page is made of: texts, tables, pictures, definitions, details.

Every text that comes from results is escaped here. What the texts are is decided elsewhere.
"""

from __future__ import annotations

import html
import json
import re
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

FIGURES = "figures"
# In the place of a number that there is not; a list on a phone leaves it out.
ABSENT = "–"
# What may stand in a data URI as it is; the rest is written as %XX.
_PLAIN = " !$'()*+,-./:;=?@[]_~{}|"


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it.

    Attributes:
        file: The name of the PNG in the folder of figures; empty where there is none.
        svg: The figure as SVG.
        alt: What the figure shows, in words for those who do not see it.
        caption: How the figure is read.
    """

    file: str
    svg: str
    alt: str
    caption: str


def text(words: object) -> str:
    """Words as HTML; an interval stays on one line, as does a number with its exponent."""
    whole = r"\[[-+0-9.e∞]+, [-+0-9.e∞]+\]|-?\d[\d.]*e[-+]\d+"
    return re.sub(whole, r'<span class="interval">\g<0></span>', attribute(words))


def attribute(words: object) -> str:
    """Words as the value of an attribute of HTML."""
    return html.escape(str(words), quote=True)


def pictures(group: Sequence[Picture]) -> str:
    """A group of pictures with their captions, each inside the page; empty for no picture."""
    if not group:
        return ""
    return f'<div class="pictures">{"".join(map(_picture, group))}</div>'


def _picture(picture: Picture) -> str:
    data = attribute(urllib.parse.quote(picture.svg, safe=_PLAIN))
    link = f' <a href="{FIGURES}/{attribute(picture.file)}">PNG</a>' if picture.file else ""
    return (
        f'<figure><img loading="lazy" src="data:image/svg+xml,{data}"{_size(picture.svg)}'
        f' alt="{attribute(picture.alt)}">'
        f"<figcaption>{text(picture.caption)}{link}</figcaption></figure>"
    )


def _size(svg: str) -> str:
    """Width and height of an SVG, so that the page does not move while pictures come."""
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    return f' width="{float(box[1]):.0f}" height="{float(box[2]):.0f}"' if box else ""


def definitions(facts: Mapping[str, object]) -> str:
    """A list of facts by name; what is no text, number or estimate is written as JSON."""
    items = []
    for key, fact in facts.items():
        words = json.dumps(fact) if isinstance(fact, (list, dict, type(None))) else fact
        items.append(f"<dt>{text(key)}</dt><dd>{text(words)}</dd>")
    return f"<dl>{''.join(items)}</dl>"


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[object]], bold: Iterable[int] = ()
) -> str:
    """A table that becomes a list on a phone.

    Args:
        caption: What the table shows, in words for those who do not see it.
        heads: The heads of the columns; the first column names the row.
        rows: The cells of each row, as many as heads.
        bold: The numbers of the rows that are bold.
    """
    bold, body, absent = set(bold), [], ' class="absent"'
    for number, cells in enumerate(rows):
        first, *others = (
            f'data-label="{attribute(head)}"><span>{text(cell)}</span>'
            for head, cell in zip(heads, cells, strict=True)
        )
        mark = ' class="best"' if number in bold else ""
        body.append(f'<tr{mark}><th scope="row" {first}</th>')
        body.extend(
            f"<td{absent if value == ABSENT else ''} {cell}</td>"
            for value, cell in zip(cells[1:], others, strict=True)
        )
        body.append("</tr>")
    head = "".join(f'<th scope="col">{text(word)}</th>' for word in heads)
    return (
        f'<div class="wide"><table class="numbers"><caption>{text(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def details(summary: str, content: str) -> str:
    """Content that is folded below a summary until the reader opens it."""
    return f"<details><summary>{text(summary)}</summary>{content}</details>"
