"""What a comparison says in words: names for people, and one sentence per task.

The terminal and the page show the same sentences.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rmsprop.study.results import Comparison, Difference, Row

NAMES: Mapping[str, str] = {
    "rmsprop": "RMSprop",
    "adagrad": "AdaGrad",
    "sgd": "SGD",
    "adam": "Adam",
}
# Hyper-parameters searched as one minus themselves, so that their grid can be logarithmic.
ONE_MINUS = "one_minus_"


def name(optimizer: str) -> str:
    """An optimizer as people write it; one we do not know, as it is."""
    return NAMES.get(optimizer, optimizer)


def short(optimizer: str) -> str:
    """Its name where there is little room: of 20 characters at most."""
    return name(optimizer) if len(name(optimizer)) <= 20 else f"{name(optimizer)[:19]}…"


def axis(hyperparameter: str) -> str:
    """A hyper-parameter as the label of an axis: `1 - decay` for `one_minus_decay`."""
    if hyperparameter.startswith(ONE_MINUS):
        return f"1 - {axis(hyperparameter.removeprefix(ONE_MINUS))}"
    return hyperparameter.replace("_", " ")


def argument(hyperparameter: str) -> str:
    """A hyper-parameter as it is passed: `decay` for `one_minus_decay`."""
    return axis(hyperparameter.removeprefix(ONE_MINUS))


def value(hyperparameter: str, number: float) -> str:
    """The value as it is passed: `0.99` for `one_minus_decay` 0.01."""
    if hyperparameter.startswith(ONE_MINUS):
        decimals = max(0, 1 - math.floor(math.log10(number)))  # two digits of what was searched
        return f"{round(1 - number, decimals):g}"
    return f"{number:.3g}"


def settings(hyperparameters: Mapping[str, float]) -> str:
    """All of a configuration, with commas."""
    return ", ".join(f"{argument(key)} {value(key, at)}" for key, at in hyperparameters.items())


def seconds(number: float) -> str:
    """A duration of two digits, or `unknown`."""
    return "unknown" if math.isnan(number) else f"{number:.2g}"


def size(count: float) -> str:
    """A number of bytes: `104 kB`."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def pair(difference: Difference) -> str:
    """Which two: `RMSprop - AdaGrad`."""
    return f"{name(difference.first)} - {name(difference.second)}"


def verdict(difference: Difference) -> str:
    """Who won, in a few words."""
    if difference.too_few:
        return "too few seeds"
    if difference.winner is None:
        return "no difference shown"
    return f"{name(difference.winner)} is better"


def limits(comparison: Comparison) -> list[str]:
    """One sentence for each optimizer whose best configuration is still on the edge of its grid."""
    return [
        f"{row.task}, {name(row.optimizer)}: {row.at_edge}."
        for row in comparison.summary()
        if row.at_edge
    ]


def answers(comparison: Comparison) -> list[str]:
    """One plain sentence per task: what each optimizer reaches, and whether they differ.

    Args:
        comparison: the results.

    Returns:
        As many sentences as tasks, in their order.

    Example:
        `digits: RMSprop reaches test error 0.031 [0.028, 0.034], AdaGrad 0.033 [0.030, 0.036]; the
        paired difference -0.002 [-0.005, 0.001] does not exclude 0.`
    """
    return [_answer(comparison, task) for task in comparison.tasks]


def _answer(comparison: Comparison, task: str) -> str:
    rows = comparison.summary(task)
    label = comparison.task(task).attrs["report_label"]
    reached = f"{name(rows[0].optimizer)} reaches {label} {rows[0].metric}"
    others = [f"{name(row.optimizer)} {row.metric}" for row in rows[1:]]
    differences = _differences(comparison.differences(task))
    parts = [", ".join((reached, *others)), *differences, *_diverged(rows)]
    return f"{task}: {'; '.join(parts)}."


def _differences(differences: Sequence[Difference]) -> list[str]:
    """What the sentence says of the pairs; which two are meant need only be said of several."""
    return [
        f"the paired difference {f'{pair(row)} ' if len(differences) > 1 else ''}{row.metric} "
        f"{_conclusion(row)}"
        for row in differences
    ]


def _conclusion(row: Difference) -> str:
    if math.isnan(row.metric.low):
        return "cannot be judged, for there is one seed only"
    if row.too_few:
        return f"rests on {row.seeds} seeds, too few for a verdict"
    if row.winner is None:
        return "does not exclude 0"
    return f"excludes 0: {verdict(row)}"


def _diverged(rows: Sequence[Row]) -> list[str]:
    shares = [
        f"{row.diverged} of {row.runs} {name(row.optimizer)} runs" for row in rows if row.diverged
    ]
    return [f"diverged: {', '.join(shares)}"] if shares else []
