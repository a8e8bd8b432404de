"""What a comparison says in sentences, the same on the terminal and on the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rmsprop.study.results.statistics import bootstrap_interval
from rmsprop.study.spelling import name, schedule, settings, times

if TYPE_CHECKING:
    from rmsprop.study.results.labelled import Results
    from rmsprop.study.results.statistics import Estimate
    from rmsprop.study.results.summary import Difference, Row
    from rmsprop.study.results.trials import RateInterval


def trials(row: Row) -> str:
    """How many configurations were tried: `30, its grid grew twice`."""
    return f"{row.trials}, its grid grew {times(row.growths)}" if row.growths else f"{row.trials}"


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


def under_schedule(task: str, results: Results) -> str:
    """The first schedule, named where there are several."""
    names = results.schedules(task)
    return f" under the schedule {schedule(names[0])}" if len(names) > 1 else ""


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


def limits(results: Results) -> list[str]:
    """One sentence for each optimizer whose best configuration is still on the edge of its grid."""
    return [
        f"{row.task}, {name(row.optimizer)}: the best {_settings_at_limit(row)} is at the limit of "
        "its grid."
        for row in results.summary()
        if row.at_edge
    ]


def _settings_at_limit(row: Row) -> str:
    """The hyper-parameters at the limit of their grid, with their values."""
    return settings({key: row.hyperparameters[key] for key in row.at_edge})


def answers(results: Results) -> list[str]:
    """One plain sentence per task: what each optimizer reaches, and whether they differ.

    Args:
        results: The results.

    Returns:
        As many sentences as tasks, in their order.

    Example:
        `digits: RMSprop reaches test error 0.031 [0.028, 0.034], AdaGrad 0.033 [0.030, 0.036]; the
        paired difference -0.002 [-0.005, 0.001] does not exclude 0.`
    """
    return [_answer(results, task) for task in results.tasks]


def _answer(results: Results, task: str) -> str:
    rows = results.summary(task)
    label = results.task(task).attrs["report_label"]
    reached = [f"{name(rows[0].optimizer)} reaches {_result(rows[0], f'{label} ')}"]
    reached += [f"{name(row.optimizer)} {_result(row)}" for row in rows[1:]]
    differences = _differences(results.differences(task))
    # What has failed has had its diverged runs told.
    lost = _divergence([row for row in rows if math.isfinite(row.metric.value)])
    told = "; ".join((", ".join(reached), *differences, *lost))
    return f"{task}{under_schedule(task, results)}: {told}."


def _result(row: Row, label: str = "") -> str:
    """A result with its interval, or that there is none."""
    if math.isfinite(row.metric.value):
        return f"{label}{row.metric}"
    no = f"no {label}".rstrip() if label else "none"
    return f"{no}, for {row.diverged} of {row.runs} runs diverged"


def _differences(differences: Sequence[Difference]) -> list[str]:
    """What the sentence says of the pairs; which two are meant need only be said of several."""
    return [
        f"the paired difference {f'{pair(row)} ' if len(differences) > 1 else ''}"
        f"{_interval(row)}{_conclusion(row)}"
        for row in differences
    ]


def _interval(row: Difference) -> str:
    return f"{row.metric} " if math.isfinite(row.metric.value) else "is infinite and "


def _conclusion(row: Difference) -> str:
    if math.isnan(row.metric.low):
        return "cannot be judged, for there is one seed only"
    if row.too_few:
        return f"rests on {row.seeds} seeds, too few for a verdict"
    if row.winner is None:
        return "does not exclude 0"
    return f"excludes 0: {verdict(row)}"


def _divergence(rows: Sequence[Row]) -> list[str]:
    shares = [
        f"{row.diverged} of {row.runs} {name(row.optimizer)} runs" for row in rows if row.diverged
    ]
    return [f"diverged: {', '.join(shares)}"] if shares else []


def tuning_seeds(scores: NDArray[np.float64]) -> str:
    """Their number in words."""
    return f"{scores.size} tuning seed{'s' if scores.size > 1 else ''}"


def width_in_decades(decades: NDArray[np.float64], seen: bool) -> str:
    """Decades of good learning rates in words; at least so many where an end was not seen."""
    return f"{'' if seen else 'at least '}{bootstrap_interval(decades)} decades"
