"""What a comparison says in words: names for people, and one sentence per task.

The terminal and the page show the same sentences.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmsprop.study.results import Comparison
    from rmsprop.study.sensitivity import RateInterval
    from rmsprop.study.statistics import Estimate
    from rmsprop.study.summary import Difference, Row

NAMES: Mapping[str, str] = {
    "rmsprop": "RMSprop",
    "adagrad": "AdaGrad",
    "sgd": "SGD",
    "adam": "Adam",
}
SCHEDULES: Mapping[str, str] = {
    "constant": "constant",
    "linear": "linear to 0",
    "inverse_sqrt": "1/sqrt(t)",
}
# Hyper-parameters searched as one minus themselves, so that their grid can be logarithmic.
ONE_MINUS = "one_minus_"


def name(optimizer: str) -> str:
    """An optimizer as people write it; one we do not know, as it is."""
    return NAMES.get(optimizer, optimizer)


def short(optimizer: str) -> str:
    """Its name where there is little room: of 20 characters at most."""
    return clipped(name(optimizer), 20)


def clipped(text: str, length: int) -> str:
    """Text of so many characters at most."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def schedule(name: str) -> str:
    """A schedule of the learning rate in words."""
    return SCHEDULES.get(name, name)


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
    if hyperparameter.startswith(ONE_MINUS) and number <= 0:  # a decay of 1 and more
        return f"{1 - number:.3g}"
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


def times(count: int) -> str:
    """How often: `once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def trials(row: Row) -> str:
    """How many configurations were tried: `30, its grid grew twice`."""
    return f"{row.trials}, its grid grew {times(row.growths)}" if row.growths else f"{row.trials}"


def trial_count(count: int) -> str:
    """`1 trial`, `3 trials`."""
    return f"{count} trial{'s' if count > 1 else ''}"


def exponent(estimate: Estimate) -> str:
    """An exponent with its interval, or that there is none."""
    return "no rate was seen" if math.isnan(estimate.value) else str(estimate)


def rates(close: RateInterval | None) -> str:
    """Learning rates that are close to the best: `0.003 to 0.02 (0.8 decades)`."""
    if close is None:
        return "none, every rate diverged"
    least = "" if close.bounded else "at least "
    return f"{close.low:.2g} to {close.high:.2g} ({least}{close.decades:.1f} decades)"


def steps_to(estimate: Estimate) -> str:
    """The step at which a target was reached, `never` where it was not."""
    if math.isnan(estimate.value):
        return "no target"
    if math.isinf(estimate.value):
        return "never" if math.isinf(estimate.low) else "seldom"
    return str(estimate)


def several(task: str, comparison: Comparison) -> str:
    """The first schedule, named where there are several."""
    names = comparison.schedules(task)
    return f" under the schedule {schedule(names[0])}" if len(names) > 1 else ""


def listed(words: Sequence[str]) -> str:
    """Words with commas, the last with `and`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


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
        f"{row.task}, {name(row.optimizer)}: {row.at_edge.rstrip('.')}."
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
    reached = [f"{name(rows[0].optimizer)} reaches {_reached(rows[0], f'{label} ')}"]
    reached += [f"{name(row.optimizer)} {_reached(row)}" for row in rows[1:]]
    differences = _differences(comparison.differences(task))
    # What has failed has had its diverged runs told.
    lost = _diverged([row for row in rows if math.isfinite(row.metric.value)])
    told = "; ".join((", ".join(reached), *differences, *lost))
    return f"{task}{several(task, comparison)}: {told}."


def _reached(row: Row, label: str = "") -> str:
    """A result with its interval, or that there is none."""
    if math.isfinite(row.metric.value):
        return f"{label}{row.metric}"
    no = f"no {label}".rstrip() if label else "none"
    return f"{no}, for {row.diverged} of {row.runs} runs diverged"


def _differences(differences: Sequence[Difference]) -> list[str]:
    """What the sentence says of the pairs; which two are meant need only be said of several."""
    return [
        f"the paired difference {f'{pair(row)} ' if len(differences) > 1 else ''}"
        f"{_difference(row)}{_conclusion(row)}"
        for row in differences
    ]


def _difference(row: Difference) -> str:
    return f"{row.metric} " if math.isfinite(row.metric.value) else "is infinite and "


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
