"""What a comparison says in sentences, the same on the terminal and on the page.

Here numbers and names of results become English words; nothing is drawn or marked up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rmsprop.study.results import across
from rmsprop.study.results.verdicts import holm
from rmsprop.study.spelling import listed, metric, name, schedule, times

if TYPE_CHECKING:
    import xarray as xr

    from rmsprop.study.results.digest import Digest
    from rmsprop.study.results.statistics import Estimate
    from rmsprop.study.results.summary import Difference, Row
    from rmsprop.study.results.trials import RateInterval

# Beyond that many seeds the number says no more than that these optimizers are much alike.
MANY_SEEDS = 10_000
# The probability with which even one of all verdicts together may be wrong.
LEVEL = 0.05
ALL_RUNS = "all chosen runs"
# The verdict of a line that shows neither a difference nor equality, as a clause.
OPEN = "which is better is not decided"


def headlines(digests: Sequence[Digest]) -> list[Difference]:
    """The comparisons that verdicts are about, of all tasks."""
    return [row for digest in digests for row in digest.headlines]


def overall(digests: Sequence[Digest]) -> str:
    """On which tasks which optimizer is better, corrected for that several are asked about.

    Verdicts are those of the headlines: each optimizer under its own better schedule, the first
    metric, no references. A difference counts if it is shown by Holm's method for all of them
    together.

    Args:
        digests: What the results of each task say.

    Returns:
        A sentence for each pair of optimizers, one on the schedules and one on the correction;
        empty where there is nothing to compare.

    Example:
        `In the comparison of RMSprop with AdaGrad, RMSprop is better on valley; digits and bible
        are not decided. Each optimizer runs under its own better schedule. The differences are
        corrected for 3 comparisons by Holm's method.`
    """
    rows = headlines(digests)
    if not rows:
        return ""
    lost = lost_by_correction(rows)
    pairs: dict[tuple[str, str], list[Difference]] = {}
    for row in rows:
        pairs.setdefault((row.first, row.second), []).append(row)
    sentences = [
        f"In the comparison of {name(first)} with {name(second)}, {_by_verdict(several, lost)}."
        for (first, second), several in pairs.items()
    ]
    if not _one_schedule(digests):
        sentences.append("Each optimizer runs under its own better schedule.")
    if len(rows) > 1:
        sentences.append(_correction(rows, lost))
    return " ".join(sentences)


def lost_by_correction(rows: Sequence[Difference]) -> list[Difference]:
    """The headlines with a winner that is not shown for all of them together by Holm's method.

    Args:
        rows: All headlines of a comparison.
    """
    adjusted = holm([row.p_value for row in rows])
    return [
        row for row, p in zip(rows, adjusted, strict=True) if row.winner is not None and p > LEVEL
    ]


def _by_verdict(rows: Sequence[Difference], lost: Sequence[Difference]) -> str:
    """The tasks of one pair by the verdict on them: `RMSprop is better on valley; ...`."""
    winners: dict[str, list[str]] = {}
    for winner in (rows[0].first, rows[0].second):
        for kind in ("better", "slightly better"):
            tasks = [
                row.task
                for row in rows
                if row.winner == winner and row.verdict == kind and row not in lost
            ]
            if tasks:
                winners.setdefault(winner, []).append(f"{kind} on {listed(tasks)}")
    clauses = [f"{name(winner)} is {', '.join(parts)}" for winner, parts in winners.items()]
    if equal := [row.task for row in rows if row.verdict == "equal"]:
        clauses.append(f"the two are equal on {listed(equal)}")
    if few := [row.task for row in rows if row.too_few]:
        clauses.append(f"there are too few seeds on {listed(few)}")
    open_ones = [row.task for row in rows if row.verdict == "undecided" and not row.too_few]
    open_ones += [row.task for row in rows if row in lost]
    if open_ones:
        clauses.append(f"{listed(open_ones)} {'are' if len(open_ones) > 1 else 'is'} not decided")
    return "; ".join(clauses)


def _correction(rows: Sequence[Difference], lost: Sequence[Difference]) -> str:
    """For how many comparisons the overall answer is corrected, and what that took away."""
    sentence = f"The differences are corrected for {len(rows)} comparisons by Holm's method."
    if lost:
        taken = listed([f"{row.task} ({verdict(row)})" for row in lost])
        sentence += f" Without this correction, there would be a verdict on {taken} too."
    return sentence


def _one_schedule(digests: Sequence[Digest]) -> bool:
    return all(len(digest.schedules) == 1 for digest in digests)


def across_tasks(digests: Sequence[Digest]) -> list[str]:
    """For each pair the probability of improvement over all tasks; nothing for a single task."""
    return [
        f"On a new seed, {name(row.first)} beats {name(row.second)} with a probability of"
        f" {row.probability}, which is the mean over {row.tasks} tasks."
        for row in across.improvements(headlines(digests))
        if row.tasks > 1
    ]


def answers(digests: Sequence[Digest]) -> list[str]:
    """The answer of each task: by how much the optimizers differ, and what that says.

    Args:
        digests: What the results of each task say.

    Returns:
        As many answers as tasks, in the order of the tasks.

    Example:
        `digits: RMSprop / AdaGrad is 0.94 [0.87, 1.02]: which is better is not decided (it would
        take about 150 seeds). Each optimizer runs under its own better schedule and is tuned on 3
        of 20 seeds. With tuning on 10 seeds, RMSprop / AdaGrad is 0.95 [0.90, 1.01]. Under the same
        schedule, RMSprop / AdaGrad is 0.96 [0.90, 1.03] (constant) and 0.88 [0.83, 0.93] (linear to
        0).`
    """
    return [f"{digest.task}: {answer(digest)}" for digest in digests]


def answer(digest: Digest) -> str:
    """What `answers` says of one task, without its name."""
    rows, schedules = digest.headlines, digest.schedules
    if not rows:
        return _measurement(digest)
    own = "runs under its own better schedule and " if len(schedules) > 1 else ""
    parts = [f"{conclusion(row)}." for row in rows]
    seeds = f"{rows[0].tuning_seeds} of {rows[0].seeds} seeds"
    parts.append(f"Each optimizer {own}is tuned on {seeds}.")
    parts += _well_tuned(rows)
    if len(schedules) > 1:
        parts += [_by_schedule(digest, row) for row in rows]
    return " ".join(parts)


def _well_tuned(rows: Sequence[Difference]) -> list[str]:
    """The estimates when tuned on half of the seeds, in one sentence; none where there are none."""
    estimates = [
        f"{pair(row)} is {row.well_tuned}"
        for row in rows
        if row.well_tuned is not None and not math.isnan(row.interval.low)
    ]
    if not estimates:
        return []
    return [f"With tuning on {rows[0].seeds // 2} seeds, {listed(estimates)}."]


def _by_schedule(digest: Digest, headline: Difference) -> str:
    """The estimates of a pair with both under the same schedule, for each schedule."""
    estimates: list[str] = []
    before = ""
    for place in digest.schedules:
        for row in digest.lines[place]:
            if row.second == headline.second:
                which = "" if pair(row) == before else f"{pair(row)} is "
                estimates.append(f"{which}{row.interval} ({schedule(place)})")
                before = pair(row)
    return f"Under the same schedule, {listed(estimates)}."


def _measurement(digest: Digest) -> str:
    """What the only optimizer reaches under each schedule."""
    several = len(digest.schedules) > 1
    return " ".join(
        _metric(row, digest.label, f"Under the schedule {schedule(place)}, " if several else "")
        for place, rows in digest.rows.items()
        for row in rows
    )


def _metric(row: Row, label: str, where: str) -> str:
    """A sentence on a result; where it is infinite, on how many runs diverged."""
    optimizer = name(row.optimizer)
    if math.isfinite(row.metric.value):
        start = f"{where}{'the' if where else 'The'} {metric(label)}"
        return f"{start} of {optimizer} is {row.metric}."
    lost = f"because {row.diverged} of {row.runs} runs diverged"
    return f"{where}{optimizer} has no {label}, {lost}."


def winners(digest: Digest, place: str) -> set[str]:
    """The optimizer that is better by every verdict under one schedule, or none; no references."""
    names = {row.winner for row in digest.lines[place] if not row.is_reference}
    return {winner for winner in names if winner is not None} if len(names) == 1 else set()


def conclusion(row: Difference) -> str:
    """What is compared, by how much they differ, and the verdict: one sentence, without a stop."""
    what = comparison(row)
    if what.startswith(ALL_RUNS):  # names of optimizers stay as they are
        what = f"{what[0].upper()}{what[1:]}"
    answer = f"{what}: {judgement(row)}"
    return answer if row.seeds_needed is None else f"{answer} ({seeds(row)})"


def comparison(row: Difference) -> str:
    """What is compared and by how much they differ: `RMSprop / AdaGrad is 0.95 [0.87, 1.04]`.

    Where chosen runs diverged their share follows, with its interval; where all did, no number says
    how much worse that is.
    """
    of_each = list(zip((row.first, row.second), row.diverged, strict=True))
    lost = [name(optimizer) for optimizer, share in of_each if share.value >= 1]
    if lost:
        return f"{ALL_RUNS} of {' and of '.join(lost)} diverged"
    shares = [
        f"the run of {name(optimizer)} diverged in {_percents(share)} of the choices"
        for optimizer, share in of_each
        if share.value > 0
    ]
    where = f", where {listed(shares)}" if shares else ""
    return f"{pair(row)} is {row.interval}{where}"


def _percents(share: Estimate) -> str:
    """A share with its interval, all three with the same decimals: `12 % [2 %, 38 %]`."""
    numbers = [100 * x for x in (share.value, share.low, share.high)]
    decimals = 1 if min(number for number in numbers if number > 0) < 1 else 0
    value, low, high = (
        "below 0.1 %" if 0 < number < 0.05 else f"{number:.{decimals}f} %" for number in numbers
    )
    return f"{value} [{low}, {high}]"


def seeds(row: Difference) -> str:
    """How many seeds would decide, to the two digits that such a number has at most."""
    number = row.seeds_needed
    assert number is not None
    digits = max(0, len(str(number)) - 2)
    rounded = math.ceil(number / 10**digits) * 10**digits
    about = f"about {rounded:,}" if number <= MANY_SEEDS else f"more than {MANY_SEEDS:,}"
    return f"it would take {about} seeds"


def measure(dataset: xr.Dataset) -> str:
    """The reported metric of a task, from its results, and which values of it are better."""
    attributes = dataset.attrs
    return f"{attributes['report_label']}, {attributes['report_better']} is better"


def pair(difference: Difference) -> str:
    """The two optimizers of a difference: `RMSprop / AdaGrad`, or with a minus between them."""
    sign = "/" if difference.is_ratio else "-"
    return f"{name(difference.first)} {sign} {name(difference.second)}"


def verdict(difference: Difference) -> str:
    """The verdict on the two in a few words, for a table: `equal within 5 %`."""
    if difference.too_few:
        return "too few seeds"
    if difference.winner is None:
        equal = difference.verdict == "equal"
        return f"equal within {margin(difference)}" if equal else "not decided"
    slightly = "slightly " if difference.verdict == "slightly better" else ""
    return f"{name(difference.winner)} is {slightly}better"


def judgement(difference: Difference) -> str:
    """The verdict on the two as a clause: `the two are equal within 5 %`."""
    if difference.too_few:
        return "there are too few seeds"
    if difference.winner is not None:
        return verdict(difference)
    equal = difference.verdict == "equal"
    return f"the two are {verdict(difference)}" if equal else OPEN


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
    return "no rate was measured" if math.isnan(estimate.value) else str(estimate)


def rates(interval: RateInterval | None) -> str:
    """The learning rates that are close to the best: `0.003 to 0.02 (0.8 decades)`.

    Args:
        interval: The learning rates; None where every rate diverged.
    """
    if interval is None:
        return "none, because every rate diverged"
    least = "" if interval.bounded else "at least "
    return f"{interval.low:.2g} to {interval.high:.2g} ({least}{interval.decades:.1f} decades)"


def steps_to(estimate: Estimate) -> str:
    """The step at which the target was reached, `never` where that is infinite."""
    if math.isnan(estimate.value):
        return "no target"
    if math.isinf(estimate.value):
        return "never" if math.isinf(estimate.low) else "seldom"
    if math.isnan(estimate.low):
        return f"{estimate.value:.0f} [no interval]"
    low, high = (f"{x:.0f}" if math.isfinite(x) else "∞" for x in (estimate.low, estimate.high))
    return f"{estimate.value:.0f} [{low}, {high}]"
