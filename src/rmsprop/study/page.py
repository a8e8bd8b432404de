"""The page of a comparison: one self-contained HTML file, the answer first.

Nothing is loaded from elsewhere, neither from the network nor from the folder; the page says so to
the browser. It is light or dark as the reader prefers, and its tables become lists on a phone.
Every text that comes from results goes through `_text` or `_attribute`, which escape it.
"""

from __future__ import annotations

import base64
import html
import importlib.resources
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import xarray as xr

from rmsprop.study import style, wording
from rmsprop.study.results import FILE_NAME, Comparison, Row
from rmsprop.study.schema import tuned_names

GENERATOR = '<meta name="generator" content="rmsprop">'
FIGURES = "figures"


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it.

    Attributes:
        file: name of the PNG in the folder of figures.
        svg: the figure itself.
        alt: what it shows, for those who do not see it.
        caption: how to read it.
    """

    file: str
    svg: str
    alt: str
    caption: str


def render(
    comparison: Comparison, overview: Sequence[Picture], pictures: Mapping[str, Sequence[Picture]]
) -> str:
    """The page.

    Args:
        comparison: the results.
        overview: pictures of all tasks together.
        pictures: task -> its pictures.

    Returns:
        A complete HTML document.
    """
    names = _listed([wording.name(name) for name in _optimizers(comparison)])
    title = f"{names} compared" if len(_optimizers(comparison)) > 1 else f"{names} measured"
    sections = "".join(_task(comparison, task, pictures[task]) for task in comparison.tasks)
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
<title>{_attribute(title)}</title>
<style>{_style()}</style>
</head>
<body>
<header><h1>{_text(title)}</h1><p>{_text(_subtitle(comparison))}</p></header>
<main>
{_answers(comparison)}
{_pictures(overview)}
<h2 id="numbers">Numbers</h2>
{_table(comparison.summary(), comparison)}
{_notes(comparison)}
{_method(comparison)}
{sections}
<h2 id="settings">Settings and versions</h2>
{_settings(comparison)}
<p>All numbers behind this page are in <code>{FILE_NAME}</code> beside it, a netCDF file with one
group per task:</p>
<pre><code>from rmsprop.study import Comparison
Comparison.load("folder of this page").task({_text(repr(comparison.tasks[0]))})</code></pre>
</main>
</body>
</html>
"""


def _text(text: object) -> str:
    """Escaped; intervals stay on one line."""
    interval = r"\[[-+0-9.e∞]+, [-+0-9.e∞]+\]"
    return re.sub(interval, r'<span class="interval">\g<0></span>', _attribute(text))


def _attribute(text: object) -> str:
    return html.escape(str(text), quote=True)


def _optimizers(comparison: Comparison) -> list[str]:
    return list(dict.fromkeys(row.optimizer for row in comparison.summary()))


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _subtitle(comparison: Comparison) -> str:
    attributes = comparison.tree.attrs
    version = json.loads(attributes["versions"]).get("rmsprop", "")
    seconds = attributes["seconds"]
    took = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    made = attributes["created"].replace("T", " ").replace("+00:00", " UTC")
    where = f"{attributes['cores']} cores ({attributes['device']})"
    return f"rmsprop {version} · made {made} in {took} on {where}"


def _answers(comparison: Comparison) -> str:
    cards = []
    for task, answer in zip(comparison.tasks, wording.answers(comparison), strict=True):
        differences = comparison.differences(task)
        chips = ""
        for row in differences:
            which = f"{wording.pair(row)}: " if len(differences) > 1 else ""
            kind = "chip" if row.winner else "chip none"
            chips += f'<span class="{kind}">{_text(which + wording.verdict(row))}</span>'
        title = _text(comparison.task(task).attrs["title"])
        cards.append(
            f'<article><h2><a href="#task-{task}">{title}</a></h2>{chips}'
            f"<p>{_text(answer)}</p></article>"
        )
    return f'<div class="answers">{"".join(cards)}</div>'


def _pictures(pictures: Sequence[Picture]) -> str:
    shown = []
    for picture in pictures:
        data = base64.b64encode(picture.svg.encode()).decode()
        link = f'<a href="{FIGURES}/{_attribute(picture.file)}">PNG</a>'
        shown.append(
            f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{_attribute(picture.alt)}">'
            f"<figcaption>{_text(picture.caption)} {link}</figcaption></figure>"
        )
    return f'<div class="pictures">{"".join(shown)}</div>'


def _table(rows: Iterable[Row], comparison: Comparison) -> str:
    heads = (
        *(
            "Task",
            "Optimizer",
            "Result [95 %]",
            "Training loss, last tenth",
            "Training loss, all steps",
        ),
        *("Diverged", "Chosen", "Seconds a run", "Optimizer state"),
    )
    body = []
    for row in rows:
        attributes = comparison.task(row.task).attrs
        arrow = {"lower": "↓", "higher": "↑"}[attributes["report_better"]]
        cells = (
            f"{row.task}: {attributes['report_label']} {arrow}",
            wording.name(row.optimizer),
            row.metric,
            row.final_loss,
            row.online_loss,
            f"{row.diverged} of {row.runs}",
            wording.settings(row.hyperparameters),
            wording.seconds(row.seconds_per_run),
            wording.size(row.state_bytes),
        )
        best = ' class="best"' if row is comparison.best(row.task) else ""
        first, *others = (
            f'data-label="{_attribute(head)}"><span>{_text(cell)}</span>'
            for head, cell in zip(heads, cells, strict=True)
        )
        body.append(
            f'<tr{best}><th scope="row" {first}</th>' + "".join(f"<td {x}</td>" for x in others)
        )
    head = "".join(f'<th scope="col">{_text(word)}</th>' for word in heads)
    return (
        f'<div class="wide"><table class="numbers"><thead><tr>{head}</tr></thead>'
        f"<tbody>{'</tr>'.join(body)}</tr></tbody></table></div>"
        '<p class="small">↓ lower is better, ↑ higher is better. The best of a task is bold, which '
        "the interval of the difference need not confirm.</p>"
    )


def _notes(comparison: Comparison) -> str:
    notes = [
        f"{row.task}, {wording.name(row.optimizer)}: {row.at_edge}"
        for row in comparison.summary()
        if row.at_edge
    ]
    if not notes:
        return ""
    items = "".join(f"<li>{_text(note)}</li>" for note in notes)
    return f'<div class="note"><strong>At the edge of a grid</strong><ul>{items}</ul></div>'


def _method(comparison: Comparison) -> str:
    count = len(comparison.differences())
    several = (
        f" Each misses in 5 of 100 cases; of {count} together one or more do so in up to "
        f"{1 - 0.95**count:.0%}."
        if count > 1
        else ""
    )
    return f"""<h2 id="method">How to read this</h2>
<ul>
<li>On each seed every optimizer starts from the same parameters and sees the same batches.
Hyper-parameters are chosen on tuning seeds and validation data; everything shown as a result comes
from other seeds, and from test data where there is any.</li>
<li>A result is the interquartile mean over the seeds: the mean without the best and the worst
quarter. In brackets stands its 95 % bootstrap interval, widened for the small number of seeds. The
paired difference resamples both optimizers on the same seeds.</li>
<li>An interval says how far other seeds would move a result, for the hyper-parameters that were
chosen. It does not say what another choice would have come to: of many configurations, tried on few
tuning seeds, a lucky one may win.</li>
<li>An interval that holds 0 does not show that two optimizers are equal, only that these seeds
cannot tell them apart.{_text(several)}</li>
<li>A run that diverged counts as infinitely bad (∞) and is never left out.</li>
</ul>"""


def _task(comparison: Comparison, task: str, pictures: Sequence[Picture]) -> str:
    dataset = comparison.task(task)
    attributes = dataset.attrs
    facts = {
        "Steps": attributes["steps"],
        **{
            word: f"{attributes[f'{key}_label']} ({attributes[f'{key}_better']} is better)"
            for word, key in (("Chosen by", "choose_by"), ("Reported", "report"))
        },
        "A good run reaches": f"{attributes['target']:g}",
        "Tuning seeds": _numbers(dataset["tuning_seed"].values.tolist()),
        "Reporting seeds": _numbers(dataset["seed"].values.tolist()),
        "Configurations tried": _tried(dataset),
        **_improvement(comparison, task),
        "Source": attributes["citation"],
        "SHA-256 of the data": attributes["data_sha256"] or "no data",
    }
    return (
        f'<section id="task-{task}"><h2>{_text(attributes["title"])}</h2>'
        f"{_pictures(pictures)}{_list(facts)}</section>"
    )


def _numbers(numbers: Sequence[int]) -> str:
    """Integers, a run of neighbours as its ends."""
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))


def _tried(dataset: xr.Dataset) -> str:
    counts = dataset["learning_rate"].notnull().sum("configuration")
    return "; ".join(
        f"{wording.name(name)} {int(counts.sel(optimizer=name))} "
        f"({_listed([wording.axis(hyper) for hyper in tuned])})"
        for name, tuned in tuned_names(dataset).items()
    )


def _improvement(comparison: Comparison, task: str) -> dict[str, object]:
    return {
        f"Probability that {wording.name(row.first)} beats {wording.name(row.second)} on a new "
        "seed": row.improvement
        for row in comparison.differences(task)
    }


def _settings(comparison: Comparison) -> str:
    attributes = comparison.tree.attrs
    shown = {
        "Command": attributes["command"],
        "Made": attributes["created"],
        **json.loads(attributes["settings"]),
    }
    versions = json.loads(attributes["versions"])
    return f"{_list(shown)}<h3>Versions</h3>{_list(versions)}"


def _list(facts: Mapping[str, object]) -> str:
    items = []
    for key, fact in facts.items():
        text = json.dumps(fact) if isinstance(fact, (list, dict, type(None))) else fact
        items.append(f"<dt>{_text(key)}</dt><dd>{_text(text)}</dd>")
    return f"<dl>{''.join(items)}</dl>"


def _style() -> str:
    """The style sheet, its colours those of the figures on a light and on a dark page."""
    sheet = importlib.resources.files("rmsprop.study").joinpath("page.css").read_text("utf-8")
    names = {"ink": style.INK, "muted": style.MUTED, "line": style.GRID, "card": style.PAPER}
    light = ";".join(f"--{name}:{colour}" for name, colour in names.items())
    dark = ";".join(f"--{name}:{style.DARK[colour]}" for name, colour in names.items())
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}\n{sheet}"
