"""The parts that a page is made of: texts, tables, pictures, definitions, details.

Every text that comes from results is escaped here. What the texts are is decided elsewhere.
"""

from __future__ import annotations

import csv
import html
import io
import json
import math
import re
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rmsprop.study.report import csv_files
from rmsprop.study.results.statistics import Estimate

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
        values: The values of its points, as `rmsprop.study.report.plots.values.of` writes them;
            empty where there are none.
    """

    file: str
    svg: str
    alt: str
    caption: str
    values: str = ""


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
    values = f" data-values='{_in_single_quotes(picture.values)}'" if picture.values else ""
    return (
        f'<figure{values}><img loading="lazy" src="data:image/svg+xml,{data}"{_size(picture.svg)}'
        f' alt="{attribute(picture.alt)}">'
        f"<figcaption>{text(picture.caption)}{link}</figcaption></figure>"
    )


def _in_single_quotes(words: str) -> str:
    """Words as the value of an attribute in single quotes, in which JSON stays short."""
    return html.escape(words, quote=False).replace("'", "&#x27;")


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


@dataclass(frozen=True)
class Cell:
    """A cell of a table that is more than its words.

    Attributes:
        words: The words of the cell; in a file they stand for it.
        html: The cell as HTML; None for its words.
        value: The number that the cell is sorted by; None for its words.
        title: The words that a browser shows when the pointer rests on the cell.
        in_file: Whether its column is in the file of the table.
    """

    words: str
    html: str | None = None
    value: float | None = None
    title: str = ""
    in_file: bool = True

    def __str__(self) -> str:
        """Its words."""
        return self.words


def table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    file: str = "",
    bold: Iterable[int] = (),
    emphasis: Iterable[int] = (),
    foot: Sequence[object] = (),
    style: str = "numbers",
) -> str:
    """A table that can be sorted and kept as CSV, and that becomes a list on a phone.

    Args:
        caption: What the table shows, in words for those who do not see it.
        heads: The heads of the columns; the first column names the row.
        rows: The cells of each row, as many as heads.
        file: The name of the CSV file that a reader keeps, without its ending; empty for no link.
        bold: The numbers of the rows of a winner.
        emphasis: The numbers of the rows that a group of rows begins with.
        foot: The cells of a last row that stays where it is; none for no such row.
        style: The name of the look.
    """
    rows = [list(row) for row in rows]
    bold, emphasis, body = set(bold), set(emphasis), []
    for number, cells in enumerate(rows):
        looks = [("best", number in bold), ("lead", number in emphasis)]
        names = " ".join(name for name, has in looks if has)
        mark = f' class="{names}"' if names else ""
        body.append(f"<tr{mark}>{_row(heads, cells)}</tr>")
    head = "".join(f'<th scope="col">{text(word)}</th>' for word in heads)
    last = "".join(f'<td data-label="">{_inside(cell)}</td>' for cell in foot)
    end = f'<tfoot aria-hidden="true"><tr>{last}</tr></tfoot>' if foot else ""
    return (
        f'<div class="wide"><table class="numbers {style}"><caption>{text(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody>{end}</table></div>"
        f"{_csv_link(caption, heads, rows, file) if file else ''}"
    )


def _csv_link(
    caption: str, heads: Sequence[str], rows: Sequence[Sequence[object]], file: str
) -> str:
    """A link that keeps a table as CSV; the file is in the link, so that the page is enough."""
    data = attribute(urllib.parse.quote(csv_of(heads, rows), safe=_PLAIN))
    return (
        f'<p class="file"><a download="{attribute(file)}.csv"'
        f' href="data:text/csv;charset=utf-8,{data}">CSV<span class="unseen"> of the table:'
        f" {text(caption)}</span></a></p>"
    )


def _row(heads: Sequence[str], cells: Sequence[object]) -> str:
    """The cells of a row; the first names it."""
    parts = []
    for place, (head, cell) in enumerate(zip(heads, cells, strict=True)):
        absent = ' class="absent"' if place and cell == ABSENT else ""
        number = _number(cell)
        value = "" if number is None else f' data-value="{number!r}"'
        title = cell.title if isinstance(cell, Cell) else ""
        tip = f' title="{attribute(title)}"' if title else ""
        tag, scope = ("td", "") if place else ("th", ' scope="row"')
        label = f' data-label="{attribute(head)}"'
        parts.append(f"<{tag}{scope}{absent}{value}{tip}{label}>{_inside(cell)}</{tag}>")
    return "".join(parts)


def _inside(cell: object) -> str:
    html_of = cell.html if isinstance(cell, Cell) else None
    return f"<span>{text(cell) if html_of is None else html_of}</span>"


def _number(cell: object) -> float | None:
    """The number that a cell is sorted by; None where it has none, or an undetermined one."""
    value = cell.value if isinstance(cell, (Cell, Estimate)) else cell
    if isinstance(value, (int, float)) and not math.isnan(value):
        return float(value)
    return None


def csv_of(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table as CSV: an estimate becomes three columns, with all its digits.

    Args:
        heads: The heads of the columns.
        rows: The cells of each row, as many as heads.
    """
    buffer = io.StringIO()
    write = csv.writer(buffer, lineterminator="\r\n").writerow
    columns = list(zip(*rows, strict=True))
    wide = [any(isinstance(cell, Estimate) for cell in column) for column in columns]
    there = [
        not any(isinstance(cell, Cell) and not cell.in_file for cell in column)
        for column in columns
    ]
    names: list[str] = []
    for head, is_wide, is_there in zip(heads, wide, there, strict=True):
        plain = head.removesuffix(" [95 %]")
        names += [plain, f"{plain}, low", f"{plain}, high"] if is_wide else [plain] * is_there
    write(names)
    for row in rows:
        line: list[object] = []
        for cell, is_wide, is_there in zip(row, wide, there, strict=True):
            if isinstance(cell, Estimate):
                line += [repr(x) for x in (cell.value, cell.low, cell.high)]
            else:
                words = "" if cell == ABSENT else csv_files.plain(str(cell))
                line += [words] * is_there + ["", ""] * is_wide
        write(line)
    return buffer.getvalue()


def details(summary: str, content: str) -> str:
    """Content that is folded below a summary until the reader opens it."""
    return f"<details><summary>{text(summary)}</summary>{content}</details>"
