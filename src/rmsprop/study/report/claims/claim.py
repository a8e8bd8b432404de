"""A claim and its parts: what is said, what each task says of it, and the verdict of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rmsprop.study import spelling
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.schema import tuned_names

RMSPROP, ADAGRAD = "rmsprop", "adagrad"
SUPPORTED, NOT_SUPPORTED, MIXED = "supported", "not supported", "mixed"
NOT_SHOWN = "not shown here"
FEW = "there are too few seeds"


@dataclass(frozen=True)
class Claim:
    """Something said, and what was measured of it.

    Attributes:
        said: the claim.
        measured: one line per task, or per part of a published result, with intervals.
        verdict: of `claims`: "supported", "not supported", "mixed" or "not shown here"; of
            `published`: "agrees" or "differs".
        because: one sentence.
    """

    said: str
    measured: tuple[str, ...]
    verdict: str
    because: str


@dataclass(frozen=True)
class Part:
    """What one task says of a claim.

    Attributes:
        task: its name.
        figures: what was measured.
        holds: whether the claim does there; None where that is not shown.
        finding: the same in words, to be continued by "on" and the names of tasks.
    """

    task: str
    figures: str
    holds: bool | None
    finding: str


def tasks_of(results: Results) -> list[str]:
    """Those on which both optimizers ran."""
    return [
        task
        for task in results.tasks
        if {RMSPROP, ADAGRAD} <= tuned_names(results.task(task)).keys()
    ]


def those_of(tasks: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Those of the wanted tasks that are here, in their order."""
    return [task for task in wanted if task in tasks]


def claim_of(said: str, parts: Iterable[Part]) -> Claim | None:
    """The claim with what each task says of it, or None where no task says anything."""
    found = list(parts)
    if not found:
        return None
    lines = tuple(f"{part.task}: {part.figures}." for part in found)
    return Claim(said, lines, _verdict([part.holds for part in found]), _reason(found))


def _verdict(holds: Sequence[bool | None]) -> str:
    if all(holds):
        return SUPPORTED
    if any(holds):
        return MIXED
    return NOT_SUPPORTED if False in holds else NOT_SHOWN


def _reason(parts: Sequence[Part]) -> str:
    """The findings in one sentence, each with the tasks it was made on."""
    tasks: dict[str, list[str]] = {}
    for part in parts:
        tasks.setdefault(part.finding, []).append(part.task)
    findings = [f"{finding} on {spelling.listed(names)}" for finding, names in tasks.items()]
    return sentence("; ".join(findings))


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return f"{text[0].upper()}{text[1:]}."


def measure(results: Results, task: str) -> str:
    """What is reported of a task, and which values are better."""
    attributes = results.task(task).attrs
    return f"{attributes['report_label']}, {attributes['report_better']} is better"
