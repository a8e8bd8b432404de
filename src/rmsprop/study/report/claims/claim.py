"""What a claim is: a statement, what each task says of it, and the verdict of all tasks.

Whatever is the same for general claims and for published results stands here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rmsprop.study import spelling
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.schema import tuned_names

RMSPROP, ADAGRAD, SGD = "rmsprop", "adagrad", "sgd"
# The schedule that effective learning rates are judged under, for it changes none of them.
CONSTANT = "constant"
SUPPORTED, NOT_SUPPORTED, MIXED = "supported", "not supported", "mixed"
UNDECIDED = "not shown here"
TOO_FEW = "there are too few seeds"


@dataclass(frozen=True)
class Claim:
    """A statement about the two optimizers, and what was measured of it.

    Attributes:
        statement: The claim in words.
        measurements: One line per task, or per part of a published result, with intervals.
        verdict: Of a general claim "supported", "not supported", "mixed" or "not shown here"; of a
            published result "agrees", "differs" or "not shown here".
        reason: The reason for the verdict, in one sentence.
    """

    statement: str
    measurements: tuple[str, ...]
    verdict: str
    reason: str


@dataclass(frozen=True)
class Part:
    """What one task says of a claim.

    Attributes:
        task: The name of the task, with what it is a part of in brackets: a schedule, or defaults.
        figures: The numbers that were measured, in words.
        holds: Whether the claim holds on this task; None where the numbers do not decide.
        finding: The same in words, to be continued by "on" and the names of tasks.
    """

    task: str
    figures: str
    holds: bool | None
    finding: str


def with_both(of_tasks: Sequence[Digest]) -> list[Digest]:
    """The digests of the tasks on which both optimizers ran."""
    both = {RMSPROP, ADAGRAD}
    return [digest for digest in of_tasks if both <= tuned_names(digest.dataset).keys()]


def those_of(of_tasks: Sequence[Digest], selection: Sequence[str]) -> list[Digest]:
    """The digests of the tasks of a selection, in the order of the selection."""
    by_name = {digest.task: digest for digest in of_tasks}
    return [by_name[task] for task in selection if task in by_name]


def part_name(task: str, name: str, names: Sequence[str]) -> str:
    """The task, followed by which of several schedules or defaults is spoken of."""
    return f"{task} ({name})" if len(names) > 1 else task


def schedule_of(digest: Digest, optimizer: str) -> str | None:
    """The schedule that a reference is compared under; None where the optimizer is not here.

    A reference ran under one schedule: the linear one, or the first where that was not asked for.
    An optimizer that ran under several is compared under the same one.
    """
    if optimizer not in tuned_names(digest.dataset):
        return None
    names = [name for name, view in digest.views.items() if optimizer in tuned_names(view)]
    return next((name for name in names if name == "linear"), names[0] if names else None)


def claim_of(statement: str, parts: Iterable[Part]) -> Claim | None:
    """The claim with what each task says of it; None where no task says anything."""
    parts = list(parts)
    if not parts:
        return None
    lines = tuple(f"{part.task}: {part.figures}." for part in parts)
    return Claim(statement, lines, _verdict([part.holds for part in parts]), _reason(parts))


def _verdict(holds: Sequence[bool | None]) -> str:
    """The verdict of all tasks, from whether the claim holds on each."""
    if all(holds):
        return SUPPORTED
    if any(holds):
        return MIXED
    return NOT_SUPPORTED if False in holds else UNDECIDED


def _reason(parts: Sequence[Part]) -> str:
    """The findings in one sentence, each with the tasks that it is of."""
    tasks: dict[str, list[str]] = {}
    for part in parts:
        tasks.setdefault(part.finding, []).append(part.task)
    findings = [
        f"{finding} on {spelling.listed(_by_task(names))}" for finding, names in tasks.items()
    ]
    return sentence("; ".join(findings))


def _by_task(names: Sequence[str]) -> list[str]:
    """Each task once, with all of its parts: `valley (Keras and Optax)` for two names."""
    parts: dict[str, list[str]] = {}
    for name in names:
        task, _, part = name.partition(" (")
        parts.setdefault(task, []).append(part.removesuffix(")"))
    return [
        f"{task} ({spelling.listed(of_task)})" if any(of_task) else task
        for task, of_task in parts.items()
    ]


def sentence(words: str) -> str:
    """The words as a sentence: they begin with a capital and end with a full stop."""
    return f"{words[0].upper()}{words[1:]}."
