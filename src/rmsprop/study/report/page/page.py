"""The page of a comparison: one self-contained HTML file, the answers first.

Nothing is loaded from elsewhere, neither from the network nor from the folder. The page says so to
the browser, which runs only the script of the page, known by its hash: it sorts the tables and
states the values of the pictures. The page is light or dark as the reader prefers, and its tables
become lists on a phone. Every text that comes from results goes through `markup`, which escapes it.
"""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence

from matplotlib.figure import Figure

from rmsprop.study import spelling
from rmsprop.study.report import csv_files, plots, sentences
from rmsprop.study.report.page import claims, forest, markup, method, numbers, task
from rmsprop.study.report.page.document import document, duration
from rmsprop.study.report.page.gallery import Drawing, overview_drawings, task_drawings
from rmsprop.study.report.page.markup import Picture, definitions, text
from rmsprop.study.report.plots import export, values
from rmsprop.study.report.surfaces import Surface
from rmsprop.study.results.costs import costs_of
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.labelled import FILE_NAME, Results
from rmsprop.study.results.schema import names_of

# The forest plot as a picture, beside the page.
DIFFERENCES = "differences.png"


def render(
    results: Results,
    of_tasks: Sequence[Digest],
    overview: Sequence[Picture],
    pictures: Mapping[str, Sequence[Picture]],
    *,
    files: bool = True,
) -> str:
    """The page of results and pictures.

    Args:
        results: The results of a comparison.
        of_tasks: What the results of each task say.
        overview: The pictures of all tasks together.
        pictures: The pictures of each task, by its name.
        files: Whether the numbers lie in a file beside the page, which the page then names.

    Returns:
        A complete HTML document.
    """
    optimizers = list(
        dict.fromkeys(
            optimizer
            for digest in of_tasks
            for optimizer in names_of(digest.dataset, "optimizer")
            if optimizer not in digest.references
        )
    )
    names = spelling.listed([spelling.name(optimizer) for optimizer in optimizers])
    title = f"{names} compared" if len(optimizers) > 1 else f"{names} measured"
    parts = {
        "answers": ("Answers", "Answers", _answers(of_tasks, files=files)),
        "references": ("References", "References", forest.references(of_tasks)),
        "tasks": ("Each task", "", _tasks(of_tasks, pictures)),
        "numbers": ("Numbers", "Numbers", _numbers(of_tasks)),
        "pictures": ("All tasks together", "Together", markup.pictures(overview)),
        "claims": (
            "Common claims, and what was measured",
            "Claims",
            claims.general_claims(of_tasks),
        ),
        "published": (
            "Published results, and the results here",
            "Published",
            claims.earlier_results(of_tasks),
        ),
        "method": ("How to read this page", "Method", method.how_to_read(of_tasks)),
        "settings": ("Settings and versions", "Settings", _settings(results, files=files)),
    }
    names = {place: name for place, (_, name, content) in parts.items() if content}
    sections = {place: (heading, content) for place, (heading, _, content) in parts.items()}
    return document(title, _subtitle(results), _navigation(results, names), sections)


def _navigation(results: Results, names: Mapping[str, str]) -> str:
    """Links to the parts of the page and to each task, which stay in sight."""
    links = []
    for place, name in names.items():
        if place == "tasks":
            of_tasks = (f'<a href="#task-{x}">{text(x)}</a>' for x in results.tasks)
            links.append(f'<span class="tasks">{" ".join(of_tasks)}</span>')
        else:
            links.append(f'<a href="#{place}">{name}</a>')
    return " ".join(links)


def _answers(of_tasks: Sequence[Digest], *, files: bool) -> str:
    """The answer over all tasks, and the forest plot that it rests on."""
    overall = " ".join(
        filter(None, (sentences.overall(of_tasks), *sentences.across_tasks(of_tasks)))
    )
    whole = f'<p class="overall">{text(overall)}</p>' if overall else ""
    lines = forest.tasks(of_tasks)
    picture = f'<a href="{markup.FIGURES}/{DIFFERENCES}">the picture as PNG</a>'
    beside = [*([picture] if lines else []), *_links()] if files else []
    links = f'<p class="small">Files beside this page: {", ".join(beside)}.</p>' if beside else ""
    answer = "" if whole else f"<p>{text(' '.join(sentences.answers(of_tasks)))}</p>"
    return whole + answer + lines + links


def _links() -> list[str]:
    """Links to the numbers in the files beside the page."""
    names = {
        FILE_NAME: "all numbers",
        csv_files.DIFFERENCES: "the differences",
        csv_files.RESULTS: "the results",
    }
    return [f'<a href="{file}" download>{file}</a> ({what})' for file, what in names.items()]


def _tasks(of_tasks: Sequence[Digest], pictures: Mapping[str, Sequence[Picture]]) -> str:
    return "".join(task.section(digest, pictures[digest.task]) for digest in of_tasks)


def _numbers(of_tasks: Sequence[Digest]) -> str:
    """The table of results, and what has to be known of what was chosen."""
    return f"{numbers.results_table(of_tasks)}{numbers.edges(of_tasks)}{numbers.twins(of_tasks)}"


def _how_to_load(results: Results) -> str:
    """How the numbers are read from the file beside the page."""
    return f"""<p>All numbers behind this page are in <code>{FILE_NAME}</code> beside it, a netCDF
file with one group per task:</p>
<pre><code>from rmsprop.study import Comparison
Comparison.load("folder of this page").task({text(repr(results.tasks[0]))})</code></pre>"""


def _subtitle(results: Results) -> str:
    """The version, the date, the machine, and the time of all runs and of all parts."""
    attributes = results.tree.attrs
    version = json.loads(attributes["versions"]).get("rmsprop", "")
    date = attributes["created"].replace("T", " ").replace("+00:00", " UTC")
    where = f"{attributes['cores']} cores ({attributes['device']})"
    costs = functools.reduce(operator.add, (costs_of(results.task(x)) for x in results.tasks))
    return (
        f"rmsprop {version} · made {date} on {where} · {costs.runs:,} runs took"
        f" {duration(costs.seconds)} of one core or device; the study took"
        f" {duration(attributes['seconds'])} over all its parts"
    )


def _settings(results: Results, *, files: bool) -> str:
    """The settings of the comparison, the versions of the packages, how the numbers are read."""
    attributes = results.tree.attrs
    facts = {
        "Command": attributes["command"],
        "Made": attributes["created"],
        **json.loads(attributes["settings"]),
    }
    versions = json.loads(attributes["versions"])
    load = _how_to_load(results) if files else ""
    return f"{definitions(facts)}<h3>Versions</h3>{definitions(versions)}{load}"


def page_of(
    results: Results,
    of_tasks: Sequence[Digest],
    surfaces: Mapping[str, Surface] | None = None,
    keep: Callable[[str, Figure], None] | None = None,
) -> str:
    """The page of results, complete in itself.

    Args:
        results: The results of a comparison.
        of_tasks: What the results of each task say.
        surfaces: The loss of tasks of two parameters by their names, for the contours below the
            paths.
        keep: A function that is called with the name of a file and a figure for each figure, for a
            folder beside the page; without it the page names no files.

    Returns:
        A complete HTML document.
    """

    def pictures_of(drawings: Iterable[Drawing]) -> list[Picture]:
        """The pictures of some drawings, in their order."""
        return [picture(drawing, keep) for drawing in drawings]

    if keep and sentences.headlines(of_tasks):
        keep(DIFFERENCES, plots.differences(of_tasks))
    overview = pictures_of(overview_drawings(results, of_tasks))
    pictures = {
        digest.task: pictures_of(task_drawings(digest, (surfaces or {}).get(digest.task)))
        for digest in of_tasks
    }
    return render(results, of_tasks, overview, pictures, files=keep is not None)


def picture(drawing: Drawing, keep: Callable[[str, Figure], None] | None) -> Picture:
    """The picture of a drawing, after its figure has been handed to `keep`."""
    figure = drawing.make()
    file = f"{drawing.name}.png" if keep else ""
    if keep:
        keep(file, figure)
    svg = export.svg(figure)  # which sets the last limits
    return Picture(file, svg, drawing.alt, drawing.caption, values.of(figure))
