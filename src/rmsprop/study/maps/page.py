"""The page of a map, and the folder that it is written to."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping

from matplotlib.figure import Figure

from rmsprop.study import spelling
from rmsprop.study.maps import plots, sentences
from rmsprop.study.maps.dials import COORDINATES, DIALS, LEAST_RISK
from rmsprop.study.maps.ordering import ordering_of
from rmsprop.study.maps.results import MapResults
from rmsprop.study.report import csv_files, files
from rmsprop.study.report.page import markup
from rmsprop.study.report.page.document import document, duration
from rmsprop.study.report.page.gallery import Drawing
from rmsprop.study.report.page.markup import definitions, text
from rmsprop.study.report.page.page import picture
from rmsprop.study.results.netcdf import FILE_NAME

Keep = Callable[[str, Figure], None]


def page_of(results: MapResults, keep: Keep | None = None) -> str:
    """The page of a map, complete in itself.

    Args:
        results: The results of a map.
        keep: A function that is called with the name of a file and each figure, for a folder beside
            the page; without it the page names no files.

    Returns:
        A complete HTML document.
    """
    first, second = (spelling.name(name) for name in results.optimizers)
    planes = "".join(_plane(results, name, keep) for name in results.planes)
    orders = [picture(each, keep) for each in _order_drawings(results)]
    links = f"{_links()}" if keep else ""
    sections = {
        "answer": (
            "Answer",
            f'<p class="overall">{text(sentences.paragraph(results))}</p>{links}',
        ),
        "number": ("One number", markup.pictures(orders)),
        "planes": ("The planes", f"{_summary(results)}{planes}"),
        "method": ("How to read this page", _method(results)),
        "settings": ("Settings and versions", _settings(results)),
    }
    names = {
        "answer": "Answer",
        "number": "One number",
        "planes": "Planes",
        "method": "Method",
        "settings": "Settings",
    }
    shown = " ".join(f'<a href="#{x}">{names[x]}</a>' for x, (_, part) in sections.items() if part)
    return document(f"When {first} beats {second}", _subtitle(results), shown, sections)


def write(results: MapResults, folder: str | os.PathLike[str]) -> pathlib.Path:
    """Writes the page, the pictures and the numbers of a map.

    Args:
        results: The results of a map.
        folder: The folder of the report, as `rmsprop.study.report.files.prepare` takes it.

    Returns:
        The path of the page.

    Raises:
        ValueError: the folder cannot take a report.
        WriteError: the report cannot be written; an earlier page is then as it was.
    """
    from rmsprop.study.report.plots import export

    target = files.prepare(folder, folder)
    figures: dict[str, bytes] = {}

    def keep(name: str, figure: Figure) -> None:
        """Draws a figure that is to be written."""
        figures[name] = export.png(figure)

    def numbers(fresh: pathlib.Path) -> list[pathlib.Path]:
        """Writes the files of numbers."""
        table = fresh / csv_files.CELLS
        table.write_text(csv_files.text_of(lines(results)), encoding="utf-8", newline="")
        return [results.save(fresh), table]

    return files.replace_report(target, page_of(results, keep), figures, numbers)


def lines(results: MapResults) -> Iterator[Mapping[str, object]]:
    """Every cell under every line of schedules, with all digits: the lines of the CSV file."""
    for plane in results.planes:
        for line in results.lines:
            for cell in results.cells(plane, line):
                yield {
                    "plane": plane,
                    "schedule": line,
                    **{name: repr(value) for name, value in cell.dials.items()},
                    "x": repr(cell.number),
                    "ratio": repr(cell.ratio.value),
                    "low": repr(cell.ratio.low),
                    "high": repr(cell.ratio.high),
                    "p_value": repr(cell.p_value),
                    "adjusted_p_value": repr(cell.adjusted),
                    "plain_verdict": cell.plain_verdict,
                    "verdict": cell.verdict,
                    "winner": cell.winner,
                }


def _summary(results: MapResults) -> str:
    """How many cells of each plane say what, under each line of schedules."""
    first, second = (spelling.name(name) for name in results.optimizers)
    rows = []
    for plane in results.planes:
        for line in results.lines:
            cells = results.cells(plane, line)
            ratios = [cell.ratio.value for cell in cells]
            count = sentences.counts(cells, results.optimizers)
            ends = (float(f"{end(ratios):.3g}") for end in (min, max))
            rows.append([plane, spelling.schedule(line), *count.values(), *ends])
    heads = [f"{first} better", f"{second} better", "equal", "undecided"]
    return markup.table(
        "How many cells say what",
        ["plane", "schedule", *heads, "least ratio", "largest ratio"],
        rows,
        file="planes",
    )


def _plane(results: MapResults, name: str, keep: Keep | None) -> str:
    """The part of a page on one plane."""
    definition = results.definition(name)
    drawings = [
        Drawing(
            f"{name}-{line}",
            lambda line=line: plots.plane(results, name, line),
            f"Heat map of {name}: {sentences.measured(results)}, {sentences.line_of(line)}.",
            f"{sentences.line_of(line)[0].upper()}{sentences.line_of(line)[1:]}:"
            f" {sentences.measured(results)}.",
        )
        for line in results.lines
    ]
    others = {
        key: f"{value:g}"
        for key, value in definition.cells()[0].items()
        if key not in (definition.x, definition.y)
    }
    held = ", ".join(f"{key} {value}" for key, value in others.items())
    pictures = markup.pictures([picture(drawing, keep) for drawing in drawings])
    words = text(sentences.of_plane(results, name))
    table = markup.table(
        f"The cells of {name}",
        ["schedule", definition.y, definition.x, "x", "ratio [95 %]", "adjusted p", "verdict"],
        [
            [
                spelling.schedule(line),
                cell.dials[definition.y],
                cell.dials[definition.x],
                markup.ABSENT if cell.number != cell.number else float(f"{cell.number:.3g}"),
                cell.ratio,
                float(f"{cell.adjusted:.2g}"),
                plots.cell_words(cell),
            ]
            for line in results.lines
            for cell in results.cells(name, line)
        ],
        file=name,
    )
    return (
        f'<article id="plane-{name}"><h3>{text(name)}</h3><p>{words}</p>{pictures}'
        f'<p class="small">{text(f"Held: {held}.")}</p>'
        f"{markup.details('The numbers of every cell', table)}</article>"
    )


def _order_drawings(results: MapResults) -> list[Drawing]:
    """The pictures of the one number, under each line of schedules that has enough cells."""
    drawings = []
    for line in results.lines:
        order = ordering_of(results, line)
        if order is not None:
            drawings.append(
                Drawing(
                    f"number-{line}",
                    lambda order=order: plots.order(results, order),
                    f"The number x against the ratio, {sentences.line_of(line)}.",
                    sentences.of_order(results, line),
                )
            )
    return drawings


def _links() -> str:
    """Links to the numbers in the files beside the page."""
    names = {FILE_NAME: "all numbers", csv_files.CELLS: "every cell"}
    each = [f'<a href="{file}" download>{file}</a> ({what})' for file, what in names.items()]
    return f'<p class="small">Files beside this page: {", ".join(each)}.</p>'


def _method(results: MapResults) -> str:
    """How the map was made, and what each dial is."""
    settings = json.loads(results.tree.attrs["settings"])
    first, second = (spelling.name(name) for name in results.optimizers)
    sentences_ = (
        f"A cell is a stochastic quadratic problem of {COORDINATES} coordinates. The gradient of"
        " step t is S^(-t/T) R (b_t (h z_t (1 + mu zeta_t) + sigma xi_t)), with the deviation z_t ="
        " R' x_t - m_t from an optimum that walks. The risk is the expected loss without noise and"
        " without shrinking, averaged over every step of the last tenth of a run; it is at least"
        f" {LEAST_RISK:g}.",
        f"Both optimizers are tuned in every cell under every schedule: a race on"
        f" {settings['tuning_seeds']} tuning seeds lets grids grow where a best point is on their"
        f" edge, and all configurations run on {settings['seeds']} other seeds. What is added under"
        " the root stays within its first grid: far larger than the gradients, it makes both SGD.",
        f"The ratio is the risk of {second} over that of {first} on a new seed, each chosen on"
        f" {settings['tuning_seeds']} of the other seeds, over all such choices; its interval is"
        " a jackknife over seeds. An interval within 5 % of 1 is equal. A difference counts"
        " after Holm's correction over the cells of a plane; intervals are not corrected.",
        "Letters in brackets: better, by 5 % or more not shown. Stripes: undecided. Light is where"
        f" {first} is better, dark where {second} is; ratios beyond 10 and 0.1 have one colour.",
    )
    dials = {dial.name: dial.formula for dial in DIALS.values()}
    parts = "".join(f"<p>{text(sentence)}</p>" for sentence in sentences_)
    return f"{parts}<h3>The dials</h3>{definitions(dials)}"


def _subtitle(results: MapResults) -> str:
    """The version, the date, the machine, and the time of all parts."""
    attributes = results.tree.attrs
    version = json.loads(attributes["versions"]).get("rmsprop", "")
    date = attributes["created"].replace("T", " ").replace("+00:00", " UTC")
    where = f"{attributes['cores']} cores ({attributes['device']})"
    took = duration(attributes["seconds"])
    return f"rmsprop {version} · made {date} on {where} · the map took {took} over all its parts"


def _settings(results: MapResults) -> str:
    attributes = results.tree.attrs
    facts = {
        "Command": attributes["command"],
        "Made": attributes["created"],
        **json.loads(attributes["settings"]),
    }
    versions = json.loads(attributes["versions"])
    load = f"""<p>All numbers behind this page are in <code>{FILE_NAME}</code> beside it, a netCDF
file with one group per plane:</p>
<pre><code>from rmsprop.study import Map
Map.load("folder of this page").plane({text(repr(results.planes[0]))})</code></pre>"""
    return f"{definitions(facts)}<h3>Versions</h3>{definitions(versions)}{load}"
