"""The section of one task: its verdict and answer, its pictures, all its numbers, its source."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import xarray as xr

from rmsprop.study import spelling
from rmsprop.study.report import sentences
from rmsprop.study.report.page import forest, markup, numbers
from rmsprop.study.report.page.markup import Picture, definitions, text
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.schema import tuned_names


def section(digest: Digest, pictures: Sequence[Picture]) -> str:
    """The section of one task.

    Args:
        digest: What the results of the task say.
        pictures: The pictures of the task.
    """
    dataset, task = digest.view, digest.task
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
        **_improvement(digest),
        "Source": attributes["citation"],
        "SHA-256 of the data": attributes["data_sha256"] or "no data",
        **_other_versions(digest),
    }
    title = text(attributes["title"])
    return (
        f'<section aria-labelledby="task-{task}"><h3 id="task-{task}">{title}</h3>'
        f'<p class="chips">{_chips(digest)}</p>'
        f"<p>{text(sentences.answer(digest))}</p>"
        f'<p class="small">{text(_schedule_and_steps(digest))}</p>'
        f"{markup.pictures(pictures)}"
        f"{_comparisons(digest)}"
        f"{markup.details('All numbers', numbers.all_numbers(digest))}"
        f"{markup.details('Seeds, grids and source', definitions(facts))}</section>"
    )


def _chips(digest: Digest) -> str:
    """The verdict on each pair of a task, in a few words."""
    rows = digest.headlines
    names = [f"{sentences.pair(row)}: " if len(rows) > 1 else "" for row in rows]
    return " ".join(forest.chip(row, name) for name, row in zip(names, rows, strict=True))


def _comparisons(digest: Digest) -> str:
    """All comparisons of a task, folded; empty where there is one optimizer."""
    lines = numbers.lines_table(digest)
    return markup.details("All comparisons", lines) if lines else ""


def _schedule_and_steps(digest: Digest) -> str:
    """The schedule of the pictures of a task, where there are several, and its steps."""
    names = digest.schedules
    steps = f"A run of {digest.task} takes {digest.steps:,} steps."
    if len(names) == 1:
        return steps
    first = spelling.schedule(names[0])
    return f"{steps} The pictures show the schedule {first} unless they name another."


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


def _other_versions(digest: Digest) -> dict[str, str]:
    """The versions by which an earlier part of the study made the task, where they differ."""
    last = json.loads(digest.results.tree.attrs["versions"])
    other = [
        f"{package} {version}"
        for package, version in digest.versions.items()
        if last.get(package) != version
    ]
    return {"Made in an earlier part of the study, with": ", ".join(other)} if other else {}


def _improvement(digest: Digest) -> dict[str, object]:
    return {
        f"Probability that {spelling.name(row.first)} beats {spelling.name(row.second)} on a new "
        "seed": row.improvement
        for row in digest.headlines
    }
