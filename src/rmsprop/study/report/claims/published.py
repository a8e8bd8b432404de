"""Published results beside ours: whether their shape is the same.

A shape is an order of values. Most published numbers come without an interval, so ours are shown
and do not decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rmsprop.study import spelling
from rmsprop.study.report import sentences
from rmsprop.study.report.claims.claim import (
    ADAGRAD,
    RMSPROP,
    Claim,
    measure,
    sentence,
    tasks_of,
    those_of,
)
from rmsprop.study.report.claims.general import width_of_good_rates
from rmsprop.study.results import trials
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.statistics import bootstrap_interval

AGREES, DIFFERS = "agrees", "differs"
# The published ratio is 5.5; half of that is still far.
FAR = 2.5


def published(results: Results) -> list[Claim]:
    """Published results beside ours on the same or similar data: whether their shape is the same.

    Args:
        results: The results.

    Returns:
        One for each of `bible`, `characters` and `flights` that is here with both optimizers, and
        for the first two with the decays that the published result speaks of.
    """
    makers: dict[str, Callable[[Results], Claim | None]] = {
        "bible": _bible,
        "characters": _characters,
        "flights": _flights,
    }
    made = (makers[task](results) for task in those_of(tasks_of(results), tuple(makers)))
    return [claim for claim in made if claim is not None]


# Published numbers: those of the sources named. Each result has parts: what was measured, whether
# it has the published shape, and that shape in words.

_Shape = tuple[str, bool, str]


def _claim_of_shapes(said: str, parts: Sequence[_Shape]) -> Claim:
    failed = [shape for _, holds, shape in parts if not holds]
    held = [shape for _, holds, shape in parts if holds]
    found = [f"as published, {spelling.listed(held)}"] if held else []
    found += (
        [f"otherwise than published, it is not so that {spelling.listed(failed)}"] if failed else []
    )
    lines = tuple(f"{figures}." for figures, _, _ in parts)
    return Claim(said, lines, DIFFERS if failed else AGREES, sentence("; ".join(found)))


def _bible(results: Results) -> Claim | None:
    by_decay = trials.by_decay(results, "bible")
    if not {"0.9", "0.99", "0.999"} <= by_decay.keys():
        return None
    short, middle, long = (by_decay[decay] for decay in ("0.9", "0.99", "0.999"))
    adagrad = trials.best_scores(trials.trials_of(results, "bible", ADAGRAD))
    label = results.task("bible").attrs["choose_by_label"]
    near = min(_distance(adagrad, middle), _distance(adagrad, long)) < _distance(adagrad, short)
    return _claim_of_shapes(
        "Verses of the Bible to books, three epochs, test accuracy at the best learning rate: "
        "RMSprop 0.483 with decay 0.9, 0.518 with 0.99, 0.524 with 0.999; AdaGrad 0.520 (measured "
        "with Optax 0.2.8, 3 seeds).",
        [
            _ascending(label, ("decay 0.9", short), ("0.99", middle)),
            _ascending(label, ("decay 0.99", middle), ("0.999", long)),
            (
                f"AdaGrad's {label} is {bootstrap_interval(adagrad)} "
                f"({sentences.tuning_seeds(adagrad)})",
                near,
                "AdaGrad is nearer to decays 0.99 and 0.999 than to 0.9",
            ),
        ],
    )


def _characters(results: Results) -> Claim | None:
    by_decay = trials.by_decay(results, "characters")
    if not {"0.9", "0.99"} <= by_decay.keys():
        return None
    adagrad = trials.best_scores(trials.trials_of(results, "characters", ADAGRAD))
    label = results.task("characters").attrs["choose_by_label"]
    middle = ("decay 0.99", by_decay["0.99"])
    return _claim_of_shapes(
        "Next character, a GRU of 128 on Python's documentation, mean training loss over 600 "
        "steps: RMSprop 1.596 with decay 0.9 and 1.709 with 0.99, AdaGrad 1.811 (measured with "
        "Optax 0.2.8).",
        [
            _ascending(label, ("decay 0.9", by_decay["0.9"]), middle),
            _ascending(label, middle, ("AdaGrad", adagrad)),
        ],
    )


def _ascending(
    label: str,
    low: tuple[str, NDArray[np.float64]],
    high: tuple[str, NDArray[np.float64]],
) -> _Shape:
    """Whether the first has the lower mean score, with the paired difference."""
    difference = bootstrap_interval(trials.minus(low[1], high[1]))
    figures = (
        f"the best {label} is {bootstrap_interval(low[1])} for {low[0]} and "
        f"{bootstrap_interval(high[1])} for {high[0]}, a difference of {difference} "
        f"({sentences.tuning_seeds(low[1])})"
    )
    below = float(low[1].mean()) < float(high[1].mean())
    return figures, below, f"{low[0]} is below {high[0]}"


def _distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(trials.apart(a, b).mean())


def _flights(results: Results) -> Claim | None:
    return _claim_of_shapes(
        "Late flights, one epoch, mean loss of the batches: AdaGrad 0.5044, RMSprop with decay "
        "0.99 0.5049, a tie when tuned; at a learning rate of 1 AdaGrad 0.507, RMSprop 2.79 "
        "(measured with Optax 0.2.8).",
        [_tie(results), _wider(results), *_at_one(results)],
    )


def _tie(results: Results) -> _Shape:
    found = results.pair("flights", RMSPROP, ADAGRAD)
    rows = results.summary("flights")
    adagrad = next(row.metric for row in rows if row.optimizer == ADAGRAD)
    ends = (found.metric.value, found.metric.low, found.metric.high)
    share = max((abs(end) for end in ends if not math.isnan(end)), default=math.inf)
    figures = (
        f"{sentences.pair(found)} is {found.metric}, AdaGrad {adagrad} "
        f"({measure(results, 'flights')})"
    )
    tie = math.isfinite(adagrad.value) and share <= 0.01 * abs(adagrad.value)
    return figures, tie, "tuned they tie within 1 %"


def _wider(results: Results) -> _Shape:
    part = width_of_good_rates(results, "flights")
    (wide, _), (narrow, _) = (
        trials.widths(trials.trials_of(results, "flights", name)) for name in (ADAGRAD, RMSPROP)
    )
    shape = "AdaGrad's range of good learning rates is the wider one"
    return part.figures, bool(wide.mean() > narrow.mean()), shape


def _at_one(results: Results) -> list[_Shape]:
    """Scores at a learning rate of 1, RMSprop's with decay 0.99; nothing where there are none."""
    decay = trials.one_minus(trials.trials_of(results, "flights", RMSPROP))
    found = []
    for name in (ADAGRAD, RMSPROP):
        tried = trials.trials_of(results, "flights", name)
        where = np.isclose(tried["learning_rate"].values, 1.0)
        if name == RMSPROP and decay:
            where &= np.isclose(tried[decay[0]].values, 0.01)
        if not where.any():
            return []
        found.append(trials.best_scores(tried, where))
    adagrad, rmsprop = found
    label = results.task("flights").attrs["choose_by_label"]
    figures = (
        f"at a learning rate of 1 the {label} of AdaGrad is {bootstrap_interval(adagrad)}, of "
        f"RMSprop {bootstrap_interval(rmsprop)} ({sentences.tuning_seeds(adagrad)})"
    )
    far = np.isfinite(adagrad).all() and rmsprop.mean() > FAR * adagrad.mean()
    return [(figures, bool(far), "RMSprop is far worse at a learning rate of 1")]
