"""Published results beside those of a comparison: whether their shape is the same.

A shape is an order of values. Most published numbers come without an interval, so the intervals of
the comparison are reported and do not decide. The published numbers are those of the sources named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rmsprop.study import spelling
from rmsprop.study.report import sentences
from rmsprop.study.report.claims.claim import (
    ADAGRAD,
    RMSPROP,
    Claim,
    sentence,
    tasks_of,
    those_of,
)
from rmsprop.study.report.claims.rate_widths import RateWidths
from rmsprop.study.results import trials
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.statistics import bootstrap_interval

AGREES, DIFFERS = "agrees", "differs"
# The published ratio is 5.5; half of that is still far.
FAR = 2.5


@dataclass(frozen=True)
class Shape:
    """One order of values in a published result.

    Attributes:
        figures: The numbers of the comparison, in words.
        holds: Whether they have the published order.
        order: The published order, in words.
    """

    figures: str
    holds: bool
    order: str


def published(results: Results) -> list[Claim]:
    """Published results beside those of a comparison on the same or similar data.

    Args:
        results: The results of a comparison.

    Returns:
        One claim for each of `bible-books`, `characters` and `flights` that is among the results
        with both optimizers, and for the first two with the decays that the published result speaks
        of.
    """
    makers: dict[str, Callable[[Results], Claim | None]] = {
        "bible-books": _bible,
        "characters": _characters,
        "flights": _flights,
    }
    candidates = (makers[task](results) for task in those_of(tasks_of(results), tuple(makers)))
    return [claim for claim in candidates if claim is not None]


def _claim_of_shapes(statement: str, shapes: Sequence[Shape]) -> Claim:
    """The claim that agrees where all of its shapes hold."""
    same = [shape.order for shape in shapes if shape.holds]
    other = [shape.order for shape in shapes if not shape.holds]
    findings = []
    if same:
        findings.append(f"as published, {spelling.listed(same)}")
    if other:
        findings.append(f"otherwise than published, it is not so that {spelling.listed(other)}")
    lines = tuple(f"{shape.figures}." for shape in shapes)
    return Claim(statement, lines, DIFFERS if other else AGREES, sentence("; ".join(findings)))


def _bible(results: Results) -> Claim | None:
    by_decay = trials.by_decay(results, "bible-books")
    if not {"0.9", "0.99", "0.999"} <= by_decay.keys():
        return None
    short, middle, long = (by_decay[decay] for decay in ("0.9", "0.99", "0.999"))
    adagrad = trials.best_scores(trials.trials_of(results, "bible-books", ADAGRAD))
    label = results.task("bible-books").attrs["choose_by_label"]
    near = min(_distance(adagrad, middle), _distance(adagrad, long)) < _distance(adagrad, short)
    return _claim_of_shapes(
        "Verses of the Bible to books, three epochs, test accuracy at the best learning rate: "
        "RMSprop 0.483 with decay 0.9, 0.518 with 0.99, 0.524 with 0.999; AdaGrad 0.520 (measured "
        "with Optax 0.2.8, 3 seeds).",
        [
            _ascent(label, ("decay 0.9", short), ("0.99", middle)),
            _ascent(label, ("decay 0.99", middle), ("0.999", long)),
            Shape(
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
            _ascent(label, ("decay 0.9", by_decay["0.9"]), middle),
            _ascent(label, middle, ("AdaGrad", adagrad)),
        ],
    )


def _flights(results: Results) -> Claim | None:
    return _claim_of_shapes(
        "Late flights, one epoch, mean loss of the batches: AdaGrad 0.5044, RMSprop with decay "
        "0.99 0.5049, a tie when tuned; at a learning rate of 1 AdaGrad 0.507, RMSprop 2.79 "
        "(measured with Optax 0.2.8).",
        [_tie(results), _wider_range(results), *_rate_of_one(results)],
    )


def _ascent(
    label: str,
    low: tuple[str, NDArray[np.float64]],
    high: tuple[str, NDArray[np.float64]],
) -> Shape:
    """Whether the first has the lower mean score, with the paired difference.

    Args:
        label: What the scores are.
        low: The name and the scores of what is published to be the lower.
        high: The name and the scores of what is published to be the higher.
    """
    difference = bootstrap_interval(trials.minus(low[1], high[1]))
    figures = (
        f"the best {label} is {bootstrap_interval(low[1])} for {low[0]} and "
        f"{bootstrap_interval(high[1])} for {high[0]}, a difference of {difference} "
        f"({sentences.tuning_seeds(low[1])})"
    )
    below = float(low[1].mean()) < float(high[1].mean())
    return Shape(figures, below, f"{low[0]} is below {high[0]}")


def _distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """The mean distance of two scores."""
    return float(trials.apart(a, b).mean())


def _tie(results: Results) -> Shape:
    """Whether the two losses are within 1 % of each other, with the whole interval."""
    pair = results.pair("flights", RMSPROP, ADAGRAD)
    figures = f"{sentences.comparison(pair)} ({sentences.measure(results, 'flights')})"
    ends = (pair.metric.value, pair.metric.low, pair.metric.high)
    near = (
        pair.is_ratio
        and not pair.too_few
        and all(abs(end - 1) <= 0.01 for end in ends if not math.isnan(end))
    )
    tie = near and all(share.value < 1 for share in pair.diverged)
    return Shape(figures, tie, "tuned they tie within 1 %")


def _wider_range(results: Results) -> Shape:
    """Whether AdaGrad's ranges of good learning rates are the wider ones on average."""
    widths = RateWidths.of(results, "flights")
    wider = bool(widths.adagrad.mean() > widths.rmsprop.mean())
    order = "AdaGrad's range of good learning rates is the wider one"
    return Shape(widths.figures(), wider, order)


def _rate_of_one(results: Results) -> list[Shape]:
    """Scores at a learning rate of 1, RMSprop's with decay 0.99; nothing where there are none."""
    scores = []
    for name in (ADAGRAD, RMSPROP):
        dataset = trials.trials_of(results, "flights", name)
        where = np.isclose(dataset["learning_rate"].values, 1.0)
        decays = trials.one_minus(dataset)
        if name == RMSPROP and decays:
            where &= np.isclose(dataset[decays[0]].values, 0.01)
        if not where.any():
            return []
        scores.append(trials.best_scores(dataset, where))
    adagrad, rmsprop = scores
    label = results.task("flights").attrs["choose_by_label"]
    figures = (
        f"at a learning rate of 1 the {label} of AdaGrad is {bootstrap_interval(adagrad)}, of "
        f"RMSprop {bootstrap_interval(rmsprop)} ({sentences.tuning_seeds(adagrad)})"
    )
    far = np.isfinite(adagrad).all() and rmsprop.mean() > FAR * adagrad.mean()
    return [Shape(figures, bool(far), "RMSprop is far worse at a learning rate of 1")]
