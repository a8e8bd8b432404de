"""Published results beside those of a comparison: whether their shape is the same.

A shape is an order of values. It agrees or differs only where an interval over the reporting seeds
excludes the opposite, by the estimator of the study: configurations are chosen among the finalists
on some of these seeds and compared on the others. Everything else is not shown here; so is what is
said of a decay that the race left no finalist of. The published rates were constant, so the
constant schedule is compared where it is there, else the first. The published numbers are those of
the sources named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rmsprop.study import spelling
from rmsprop.study.report import sentences
from rmsprop.study.report.claims.claim import (
    ADAGRAD,
    CONSTANT,
    RMSPROP,
    UNDECIDED,
    Claim,
    sentence,
    those_of,
    with_both,
)
from rmsprop.study.report.claims.tuning import regret_in_words
from rmsprop.study.results.decays import decays_of, finalists_by_decay
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.regret import ran_off_rate, regrets
from rmsprop.study.results.reselection import Finalists, Reselection, reselect
from rmsprop.study.results.schema import TUNED, Better
from rmsprop.study.results.statistics import Ratio
from rmsprop.study.results.summary import Line, finalists, metrics_of

AGREES, DIFFERS = "agrees", "differs"
# What two losses differ by that tie.
TIE = 0.01


@dataclass(frozen=True)
class Shape:
    """One order of values in a published result.

    Attributes:
        figures: The numbers of the comparison, in words.
        holds: Whether they have the published order; None where that is not shown.
        order: The published order, in words.
    """

    figures: str
    holds: bool | None
    order: str


def published(of_tasks: Sequence[Digest]) -> list[Claim]:
    """Published results beside those of a comparison on the same or similar data.

    Args:
        of_tasks: What the results of each task say.

    Returns:
        One claim for each of `bible-books`, `characters` and `flights` that is among the results
        with both optimizers, and for the first two with decays that the published result speaks of.
    """
    makers: dict[str, Callable[[Digest], Claim | None]] = {
        "bible-books": _bible_books,
        "characters": _characters,
        "flights": _flights,
    }
    candidates = (
        makers[digest.task](digest) for digest in those_of(with_both(of_tasks), tuple(makers))
    )
    return [claim for claim in candidates if claim is not None]


def _claim_of_shapes(statement: str, shapes: Sequence[Shape]) -> Claim:
    """The claim that agrees where all of its shapes hold, and differs where the opposite of one."""
    openings = {
        True: "as published, ",
        False: "unlike in the published result, it is not so that ",
        None: "it is not shown here that ",
    }
    findings = [
        f"{opening}{spelling.listed(orders)}"
        for holds, opening in openings.items()
        if (orders := [shape.order for shape in shapes if shape.holds is holds])
    ]
    holds = [shape.holds for shape in shapes]
    verdict = DIFFERS if False in holds else AGREES if all(holds) else UNDECIDED
    lines = tuple(dict.fromkeys(sentence(shape.figures) for shape in shapes))
    return Claim(statement, lines, verdict, sentence("; ".join(findings)))


def _bible_books(digest: Digest) -> Claim | None:
    if not {"0.9", "0.99"} <= {*decays_of(digest.dataset, RMSPROP)}:
        return None
    below = [_ascent(digest, "0.9", x) for x in ("0.99", None)]
    return _claim_of_shapes(
        "Verses of the Bible are assigned to 66 books in three epochs. At the best learning rate, "
        "the test accuracy of RMSprop is 0.483 with decay 0.9, 0.518 with 0.99 and 0.524 with "
        "0.999; that of AdaGrad is 0.520 (measured with Optax 0.2.8 on 3 seeds).",
        below,
    )


def _characters(digest: Digest) -> Claim | None:
    if not {"0.9", "0.99"} <= {*decays_of(digest.dataset, RMSPROP)}:
        return None
    return _claim_of_shapes(
        "A GRU of 128 units predicts the next character of Python's documentation. The mean "
        "training loss over 600 steps of RMSprop is 1.596 with decay 0.9 and 1.709 with 0.99; that "
        "of AdaGrad is 1.811 (measured with Optax 0.2.8).",
        [
            _ascent(digest, "0.9", "0.99"),
            _ascent(digest, "0.99", None),
        ],
    )


def _flights(digest: Digest) -> Claim | None:
    return _claim_of_shapes(
        "Late flights are predicted in one epoch. The mean loss of the batches is 0.5044 for "
        "AdaGrad and 0.5049 for RMSprop with decay 0.99, a tie when tuned; at a learning rate of 1 "
        "it is 0.507 for AdaGrad and 2.79 for RMSprop (measured with Optax 0.2.8).",
        [_tie(digest), *_tolerance(digest)],
    )


def _schedule(digest: Digest) -> str:
    names = digest.schedules
    return CONSTANT if CONSTANT in names else names[0]


def _candidates(digest: Digest) -> Mapping[str | None, Finalists]:
    """The finalists of each decay, and, for None, those of AdaGrad."""
    dataset, schedule = digest.dataset, _schedule(digest)
    headline = digest.metrics[0]
    by_decay = finalists_by_decay(dataset, RMSPROP, schedule, headline)
    line = Line(digest.task, schedule, TUNED, headline, RMSPROP, ADAGRAD)
    return {**by_decay, None: finalists(dataset, ADAGRAD, line)}


def _who(decay: str | None) -> str:
    """Whose result it is: that of RMSprop with a decay, or for None of AdaGrad."""
    return "AdaGrad" if decay is None else f"RMSprop with decay {decay}"


def _ascent(digest: Digest, low: str, high: str | None) -> Shape:
    """Whether the first has the lower value of the headline.

    Args:
        digest: What the results of the task say.
        low: What is published to be the lower: the decay of an RMSprop.
        high: What is published to be the higher: another decay, or None for AdaGrad.
    """
    order = f"the {spelling.metric(digest.label)} of {_who(low)} is below that of {_who(high)}"
    runs = _candidates(digest)
    missing = [decay for decay in (low, high) if decay is not None and decay not in runs]
    if missing:
        decays = spelling.listed(missing, "or")
        return Shape(f"no finalist of RMSprop has decay {decays}", None, order)
    result = _reselection(digest, runs[low], runs[high])
    figures = (
        f"{_who(low)} {'/' if result.logarithmic else '-'} {_who(high)} is"
        f" {Ratio.exp(result.difference) if result.logarithmic else result.difference}"
        f" ({sentences.measure(digest.dataset)})"
    )
    holds = result.difference.value < 0 if result.difference.excludes_zero() else None
    return Shape(figures, holds, order)


def _reselection(digest: Digest, first: Finalists, second: Finalists) -> Reselection:
    metric = metrics_of(digest.dataset)[0]
    better: Better = metric["better"]
    size = digest.pair(RMSPROP, ADAGRAD, digest.schedules[0]).tuning_seeds
    choose_by: Better = metric["choose_by"]["better"]
    return reselect(first, second, size, better, choose_by=choose_by, chance=metric["chance"])


def _tie(digest: Digest) -> Shape:
    """Whether the two losses are within 1 % of each other, with the whole interval."""
    pair = digest.pair(RMSPROP, ADAGRAD, _schedule(digest))
    figures = f"{sentences.comparison(pair)} ({sentences.measure(digest.dataset)})"
    order = "the tuned optimizers differ by at most 1 %"
    # What all diverged has a ratio, but nothing is known of it.
    if not pair.is_ratio or pair.too_few or any(share.value >= 1 for share in pair.diverged):
        return Shape(figures, None, order)
    if pair.low >= 1 - TIE and pair.high <= 1 + TIE:
        return Shape(figures, True, order)
    apart = pair.high < 1 - TIE or pair.low > 1 + TIE
    return Shape(figures, False if apart else None, order)


def _tolerance(digest: Digest) -> list[Shape]:
    """Whether RMSprop loses more by a learning rate ten times off; nothing if it never ran so."""
    dataset, schedule = digest.dataset, _schedule(digest)
    if not all(ran_off_rate(dataset, name, schedule) for name in (RMSPROP, ADAGRAD)):
        return []
    regret = regrets(dataset, schedule, RMSPROP, ADAGRAD)[-1]
    attributes = dataset.attrs
    figures = regret_in_words(regret, attributes["report_label"], attributes["report_better"])
    order = "RMSprop loses more than AdaGrad from a learning rate that is far off"
    return [Shape(figures, regret.sign > 0 if regret.sign else None, order)]
