"""What a comparison says in sentences, the same on the terminal and on the page.

Here numbers and names of results become English words; nothing is drawn or marked up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rmsprop.study.results.schema import OWN
from rmsprop.study.results.statistics import bootstrap_interval
from rmsprop.study.spelling import name, schedule, settings, times

if TYPE_CHECKING:
    from rmsprop.study.results.labelled import Results
    from rmsprop.study.results.statistics import Estimate
    from rmsprop.study.results.summary import Difference, Row
    from rmsprop.study.results.trials import RateInterval

# Beyond that many seeds the number says no more than that these optimizers are much alike.
MANY_SEEDS = 10_000


def answers(results: Results) -> list[str]:
    """One sentence per task: what each optimizer reaches, and whether they differ.

    Args:
        results: The results of a comparison.

    Returns:
        As many sentences as tasks, in the order of the tasks.

    Example:
        `digits: RMSprop reaches test loss 0.098 [0.088, 0.106], AdaGrad 0.117 [0.107, 0.121]; over
        all choices on 3 of the 10 seeds, RMSprop / AdaGrad is 0.85 [0.77, 0.94]: RMSprop is
        better.`
    """
    return [_answer(results, task) for task in results.tasks]


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


def _answer(results: Results, task: str) -> str:
    rows = results.summary(task)
    label = results.task(task).attrs["report_label"]
    metrics = [f"{name(rows[0].optimizer)} reaches {_metric(rows[0], f'{label} ')}"]
    metrics += [f"{name(row.optimizer)} {_metric(row)}" for row in rows[1:]]
    differences = _differences(results, task)
    named = {
        optimizer
        for row in results.differences(task)
        for optimizer, share in zip((row.first, row.second), row.diverged, strict=True)
        if share.value > 0
    }
    # An infinite metric and a difference have named diverged runs already.
    divergence = _divergence(
        [row for row in rows if math.isfinite(row.metric.value) and row.optimizer not in named]
    )
    answer = "; ".join((", ".join(metrics), *differences, *divergence))
    return f"{task}{under_schedule(results, task)}: {answer}."


def _metric(row: Row, label: str = "") -> str:
    """A result with its interval; where it is infinite, how many runs diverged."""
    if math.isfinite(row.metric.value):
        return f"{label}{row.metric}"
    no = f"no {label}".rstrip() if label else "none"
    return f"{no}, for {row.diverged} of {row.runs} runs diverged"


def _differences(results: Results, task: str) -> list[str]:
    """One clause for each pair, and one for it where each chooses its own schedule."""
    clauses = []
    for row in results.differences(task):
        start = f"over all choices on {row.tuning_seeds} of the {row.seeds} seeds, "
        clauses.append(f"{'' if clauses else start}{conclusion(row)}")
    if len(results.schedules(task)) > 1:
        clauses += [
            f"each under its own best schedule, {conclusion(row)}"
            for row in results.differences(task, schedule=OWN)
        ]
    return clauses


def conclusion(row: Difference) -> str:
    """What is compared, by how much they differ, and the verdict: one clause."""
    answer = f"{comparison(row)}: {verdict(row)}"
    return answer if row.seeds_needed is None else f"{answer} ({seeds(row)})"


def comparison(row: Difference) -> str:
    """What is compared and by how much they differ: `RMSprop / AdaGrad is 0.95 [0.87, 1.04]`.

    Where chosen runs diverged their share follows, with its interval; where all did, no number says
    how much worse that is.
    """
    of_each = list(zip((row.first, row.second), row.diverged, strict=True))
    lost = [name(optimizer) for optimizer, share in of_each if share.value >= 1]
    if lost:
        return f"all chosen runs of {' and of '.join(lost)} diverged"
    shares = [
        f"in {_percent(share.value)} [{_percent(share.low)}, {_percent(share.high)}] of the choices"
        f" the run of {name(optimizer)} diverged"
        for optimizer, share in of_each
        if share.value > 0
    ]
    return ", ".join([f"{pair(row)} is {row.metric}", *shares])


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"


def seeds(row: Difference) -> str:
    """How many seeds would decide, to the two digits that such a number has at most."""
    number = row.seeds_needed
    assert number is not None
    digits = max(0, len(str(number)) - 2)
    rounded = math.ceil(number / 10**digits) * 10**digits
    about = f"about {rounded:,}" if number <= MANY_SEEDS else f"more than {MANY_SEEDS:,}"
    return f"it would take {about} seeds"


def _divergence(rows: Sequence[Row]) -> list[str]:
    """One clause on the runs that diverged, or none."""
    shares = [
        f"{row.diverged} of {row.runs} {name(row.optimizer)} runs" for row in rows if row.diverged
    ]
    return [f"diverged: {', '.join(shares)}"] if shares else []


def under_schedule(results: Results, task: str) -> str:
    """The first schedule of a task, to follow its name; empty where it is the only one."""
    names = results.schedules(task)
    return f" under the schedule {schedule(names[0])}" if len(names) > 1 else ""


def measure(results: Results, task: str) -> str:
    """The reported metric of a task, and which values of it are better."""
    attributes = results.task(task).attrs
    return f"{attributes['report_label']}, {attributes['report_better']} is better"


def pair(difference: Difference) -> str:
    """The two optimizers of a difference: `RMSprop / AdaGrad`, or with a minus between them."""
    sign = "/" if difference.is_ratio else "-"
    return f"{name(difference.first)} {sign} {name(difference.second)}"


def verdict(difference: Difference) -> str:
    """The verdict on the two in a few words."""
    if difference.too_few:
        return "too few seeds"
    if difference.winner is None:
        equal = difference.verdict == "equal"
        return f"equal within {margin(difference)}" if equal else "not decided"
    slightly = "slightly " if difference.verdict == "slightly better" else ""
    return f"{name(difference.winner)} is {slightly}better"


def margin(difference: Difference) -> str:
    """The largest difference that counts as none: `5 %` of a ratio, `0.005` of a metric."""
    largest = difference.margin
    assert largest is not None
    return f"{100 * largest:g} %" if difference.is_ratio else f"{largest:g}"


def trials(row: Row) -> str:
    """The number of configurations that were tried: `30, its grid grew twice`."""
    return f"{row.trials}, its grid grew {times(row.growths)}" if row.growths else f"{row.trials}"


def exponent(estimate: Estimate) -> str:
    """The exponent of an effective rate with its interval; it is NaN where no rate was measured."""
    return "no rate was seen" if math.isnan(estimate.value) else str(estimate)


def rates(interval: RateInterval | None) -> str:
    """The learning rates that are close to the best: `0.003 to 0.02 (0.8 decades)`.

    Args:
        interval: The learning rates; None where every rate diverged.
    """
    if interval is None:
        return "none, every rate diverged"
    least = "" if interval.bounded else "at least "
    return f"{interval.low:.2g} to {interval.high:.2g} ({least}{interval.decades:.1f} decades)"


def steps_to(estimate: Estimate) -> str:
    """The step at which the target was reached, `never` where that is infinite."""
    if math.isnan(estimate.value):
        return "no target"
    if math.isinf(estimate.value):
        return "never" if math.isinf(estimate.low) else "seldom"
    return str(estimate)


def tuning_seeds(scores: NDArray[np.float64]) -> str:
    """The number of tuning seeds, from an array with one score for each: `3 tuning seeds`."""
    return f"{scores.size} tuning seed{'s' if scores.size > 1 else ''}"


def width_in_decades(decades: NDArray[np.float64], bounded: bool) -> str:
    """The mean width of some ranges with its interval: `0.80 [0.70, 0.90] decades`.

    Args:
        decades: The width of each range, in decades.
        bounded: Whether both ends of all ranges are known; `at least` is written where not.
    """
    return f"{'' if bounded else 'at least '}{bootstrap_interval(decades)} decades"
