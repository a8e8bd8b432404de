"""The page of a comparison: one self-contained HTML file, the answers first.

Nothing is loaded from elsewhere, neither from the network nor from the folder; the page says so to
the browser. It is light or dark as the reader prefers, and its tables become lists on a phone.
Every text that comes from results goes through `markup`, which escapes it.
"""

from __future__ import annotations

import importlib.resources
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import xarray as xr
from matplotlib.figure import Figure

from rmsprop.study import spelling
from rmsprop.study.report import sentences
from rmsprop.study.report.page import claims, markup, method, numbers
from rmsprop.study.report.page.gallery import Drawing, overview_drawings, task_drawings
from rmsprop.study.report.page.markup import Picture, attribute, definitions, text
from rmsprop.study.report.plots import export, style
from rmsprop.study.report.surfaces import Surface
from rmsprop.study.results.labelled import FILE_NAME, Results
from rmsprop.study.results.schema import names_of, references, tuned_names

# By this line a page of rmsprop is known from a page of somebody else.
GENERATOR = '<meta name="generator" content="rmsprop">'


def render(
    results: Results,
    overview: Sequence[Picture],
    pictures: Mapping[str, Sequence[Picture]],
    *,
    files: bool = True,
) -> str:
    """The page of results and pictures.

    Args:
        results: The results of a comparison.
        overview: The pictures of all tasks together.
        pictures: The pictures of each task, by its name.
        files: Whether the numbers lie in a file beside the page, which the page then names.

    Returns:
        A complete HTML document.
    """
    optimizers = list(
        dict.fromkeys(
            optimizer
            for task in results.tasks
            for optimizer in names_of(results.task(task), "optimizer")
            if optimizer not in references(results.task(task))
        )
    )
    names = spelling.listed([spelling.name(optimizer) for optimizer in optimizers])
    title = f"{names} compared" if len(optimizers) > 1 else f"{names} measured"
    claim_sections = claims.render(results)
    sections = "".join(_task(results, task, pictures[task]) for task in results.tasks)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{GENERATOR}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>{attribute(title)}</title>
<style>{_style_sheet()}</style>
</head>
<body>
<header><h1>{text(title)}</h1><p>{text(_subtitle(results))}</p>{_contents(claim_sections)}</header>
<main>
<h2 id="answers">Answers</h2>
{_answers(results)}
<h2 id="numbers">Numbers</h2>
{numbers.results_table(results)}
{numbers.edges(results)}
{numbers.twins(results)}
<h2 id="pictures">Pictures</h2>
{markup.pictures(overview)}
{sections}
{claim_sections}
{method.how_to_read(results)}
<h2 id="settings">Settings and versions</h2>
{_settings(results)}
{_how_to_load(results) if files else ""}
</main>
</body>
</html>
"""


def _contents(claim_sections: str) -> str:
    """Links to the parts of the page; the two of claims are there only where the page has them."""
    parts = {
        "answers": "Answers",
        "numbers": "Numbers",
        "pictures": "Pictures",
        "claims": "What is said",
        "published": "Found before",
        "method": "Method",
        "settings": "Settings",
    }
    optional = ("claims", "published")
    links = [
        f'<a href="#{place}">{name}</a>'
        for place, name in parts.items()
        if place not in optional or f'id="{place}"' in claim_sections
    ]
    return f'<nav aria-label="Contents">{" ".join(links)}</nav>'


def _how_to_load(results: Results) -> str:
    """How the numbers are read from the file beside the page."""
    return f"""<p>All numbers behind this page are in <code>{FILE_NAME}</code> beside it, a netCDF
file with one group per task:</p>
<pre><code>from rmsprop.study import Comparison
Comparison.load("folder of this page").task({text(repr(results.tasks[0]))})</code></pre>"""


def _subtitle(results: Results) -> str:
    """The version, the date, the duration and the machine."""
    attributes = results.tree.attrs
    version = json.loads(attributes["versions"]).get("rmsprop", "")
    seconds = attributes["seconds"]
    duration = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    date = attributes["created"].replace("T", " ").replace("+00:00", " UTC")
    where = f"{attributes['cores']} cores ({attributes['device']})"
    return f"rmsprop {version} · made {date} in {duration} on {where}"


def _answers(results: Results) -> str:
    """The answer over all tasks, and a card for each: its verdict, its answer, all comparisons."""
    cards = []
    for task in results.tasks:
        headlines = results.headlines(task)
        chips = ""
        for row in headlines:
            which = f"{sentences.pair(row)}: " if len(headlines) > 1 else ""
            kind = "chip yes" if row.winner else "chip none"
            chips += f'<span class="{kind}">{text(which + sentences.verdict(row))}</span>'
        title = text(results.task(task).attrs["title"])
        lines = numbers.lines_table(results, task)
        comparisons = markup.details("All comparisons", lines) if lines else ""
        answer = f"{task}: {sentences.answer(results, task)}"
        cards.append(
            f'<article><h3><a href="#task-{task}">{title}</a></h3>{chips}'
            f"<p>{text(answer)}</p>{comparisons}</article>"
        )
    overall = [sentences.overall(results), *sentences.across_tasks(results)]
    whole = f'<p class="overall">{text(" ".join(overall))}</p>' if overall[0] else ""
    return f'{whole}<div class="answers">{"".join(cards)}</div>'


def _task(results: Results, task: str, pictures: Sequence[Picture]) -> str:
    """The section of one task: its pictures, all its numbers, its seeds, grids and source."""
    dataset = results.view(task)
    attributes = dataset.attrs
    facts = {
        "Steps": attributes["steps"],
        **{
            word: f"{attributes[f'{key}_label']} ({attributes[f'{key}_better']} is better)"
            for word, key in (("Chosen by", "choose_by"), ("Reported", "report"))
        },
        "A good run reaches": f"{attributes['target']:g}"
        if math.isfinite(attributes["target"])
        else "no target is set",
        "Tuning seeds": _seed_list(dataset["tuning_seed"].values.tolist()),
        "Reporting seeds": _seed_list(dataset["seed"].values.tolist()),
        "Configurations tried": _configuration_counts(dataset),
        **_improvement(results, task),
        "Source": attributes["citation"],
        "SHA-256 of the data": attributes["data_sha256"] or "no data",
    }
    return (
        f'<section aria-labelledby="task-{task}"><h3 id="task-{task}">{text(attributes["title"])}'
        f'</h3><p class="small">{text(_schedule_and_steps(results, task))}</p>'
        f"{markup.pictures(pictures)}"
        f"{markup.details('All numbers', numbers.all_numbers(results, task))}"
        f"{markup.details('Seeds, grids and source', definitions(facts))}"
        '<p class="small"><a href="#answers">Back to the answers</a></p></section>'
    )


def _schedule_and_steps(results: Results, task: str) -> str:
    """The schedule of the pictures of a task, where there are several, and its steps."""
    names = results.schedules(task)
    first = f"Under the schedule {spelling.schedule(names[0])}. " if len(names) > 1 else ""
    return f"{first}Task {task}, {results.task(task).attrs['steps']} steps."


def _seed_list(numbers: Sequence[int]) -> str:
    """Seeds with commas; neighbours in ascending order as `first to last`."""
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))


def _configuration_counts(dataset: xr.Dataset) -> str:
    """The number of configurations that were tried of each optimizer, and of what."""
    counts = dataset["learning_rate"].notnull().sum("configuration")
    return "; ".join(
        f"{spelling.name(name)} {int(counts.sel(optimizer=name))} "
        f"({spelling.listed([spelling.axis(hyper) for hyper in tuned])})"
        for name, tuned in tuned_names(dataset).items()
    )


def _improvement(results: Results, task: str) -> dict[str, object]:
    return {
        f"Probability that {spelling.name(row.first)} beats {spelling.name(row.second)} on a new "
        "seed": row.improvement
        for row in results.headlines(task)
    }


def _settings(results: Results) -> str:
    """The settings of the comparison and the versions of the packages."""
    attributes = results.tree.attrs
    facts = {
        "Command": attributes["command"],
        "Made": attributes["created"],
        **json.loads(attributes["settings"]),
    }
    versions = json.loads(attributes["versions"])
    return f"{definitions(facts)}<h3>Versions</h3>{definitions(versions)}"


def _style_sheet() -> str:
    """The style sheet with the colours of the figures, for a light and for a dark page."""
    sheet = (
        importlib.resources.files("rmsprop.study.report.page")
        .joinpath("page.css")
        .read_text("utf-8")
    )
    names = {"ink": style.INK, "muted": style.MUTED, "line": style.GRID, "card": style.PAPER}
    light = ";".join(f"--{name}:{colour}" for name, colour in names.items())
    dark = ";".join(f"--{name}:{style.DARK[colour]}" for name, colour in names.items())
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}\n{sheet}"


def page_of(
    results: Results,
    surfaces: Mapping[str, Surface] | None = None,
    keep: Callable[[str, Figure], None] | None = None,
) -> str:
    """The page of results, complete in itself.

    Args:
        results: The results of a comparison.
        surfaces: The loss of tasks of two parameters by their names, for the contours below the
            paths.
        keep: A function that is called with the name of a file and a figure for each figure, for a
            folder beside the page; without it the page names no files.

    Returns:
        A complete HTML document.
    """

    def pictures_of(drawings: Iterable[Drawing]) -> list[Picture]:
        """The pictures of some drawings, in their order."""
        return [_picture(drawing, keep) for drawing in drawings]

    overview = pictures_of(overview_drawings(results))
    pictures = {
        task: pictures_of(task_drawings(results, task, (surfaces or {}).get(task)))
        for task in results.tasks
    }
    return render(results, overview, pictures, files=keep is not None)


def _picture(drawing: Drawing, keep: Callable[[str, Figure], None] | None) -> Picture:
    """The picture of a drawing, after its figure has been handed to `keep`."""
    figure = drawing.make()
    file = f"{drawing.name}.png" if keep else ""
    if keep:
        keep(file, figure)
    return Picture(file, export.svg(figure), drawing.alt, drawing.caption)
