"""Claims about which of two optimizers has the better result.

RMSprop and AdaGrad are compared as in the headline of a task: the main metric, each under its own
better schedule. What each schedule says apart stands beside it. SGD is compared under the schedule
that it ran under. How rare a feature has to be is told by the tasks alone, each of them of other
features: results have the mean over all features of a task.
"""

from __future__ import annotations

from rmsprop.study import spelling
from rmsprop.study.report import sentences
from rmsprop.study.report.claims.claim import ADAGRAD, RMSPROP, SGD, TOO_FEW, Part, schedule_of
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.schema import OWN
from rmsprop.study.results.summary import Difference

NO_SGD = "there is no SGD to compare with"


def advantage(digest: Digest, favourite: str) -> Part:
    """Whether the favourite of RMSprop and AdaGrad has the better result."""
    pair = digest.pair(RMSPROP, ADAGRAD, OWN)
    return _part(digest.task, _figures(digest), pair, favourite)


def advantage_over_sgd(digest: Digest, favourite: str) -> Part:
    """Whether the favourite has a better result than SGD with momentum."""
    beside = _figures(digest)
    schedule = schedule_of(digest, SGD)
    if schedule is None:
        return Part(digest.task, beside, None, NO_SGD)
    pair = digest.pair(favourite, SGD, schedule)
    figures = f"under the schedule {spelling.schedule(schedule)}, {_conclusion(pair)}; {beside}"
    return _part(digest.task, figures, pair, favourite)


def _part(task: str, figures: str, pair: Difference, favourite: str) -> Part:
    if pair.verdict == "equal":
        return Part(task, figures, False, "the two are equal")
    if pair.winner is None:
        return Part(task, figures, None, TOO_FEW if pair.too_few else "no difference is shown")
    return Part(task, figures, pair.winner == favourite, sentences.verdict(pair))


def _figures(digest: Digest) -> str:
    """RMSprop and AdaGrad, each under its own schedule, and then under each schedule."""
    measure = sentences.measure(digest.dataset)
    own = _conclusion(digest.pair(RMSPROP, ADAGRAD, OWN))
    names = digest.schedules
    if len(names) == 1:
        return f"{own} ({measure})"
    apart = [
        f"under the schedule {spelling.schedule(name)},"
        f" {_conclusion(digest.pair(RMSPROP, ADAGRAD, name))}"
        for name in names
    ]
    return "; ".join([f"each under its own better schedule, {own} ({measure})", *apart])


def _conclusion(pair: Difference) -> str:
    return f"{sentences.comparison(pair)}: {sentences.judgement(pair)}"
