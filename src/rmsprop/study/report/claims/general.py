"""What is often said of RMSprop and AdaGrad, beside what a comparison measured.

Each claim is judged task by task and then as a whole:

* `supported` where it holds on every task that can show it, `not supported` where the opposite is
  shown on some task and the claim on none, `mixed` where it holds on some tasks and not on all,
  `not shown here` where no task decides.
* A task decides where a 95 % interval excludes what the claim denies, or lies within the margin in
  which two optimizers are equal: that refutes a claim that one of them is better. At least six
  reporting seeds are needed, as everywhere in the study.
* Results are compared by the estimator of the study (`rmsprop.study.results.reselection`), whose
  choices and scores are never of the same seed. What is measured of one configuration, such as how
  its effective learning rate falls, is measured on reporting seeds, which did not choose it.

Only the optimizers called `rmsprop` and `adagrad` are spoken of, and `sgd` where one of them is
compared with it. A claim about tasks that are not in the comparison is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rmsprop.study.report.claims import two_weights
from rmsprop.study.report.claims.advantages import advantage, advantage_over_sgd
from rmsprop.study.report.claims.claim import (
    ADAGRAD,
    CONSTANT,
    RMSPROP,
    Claim,
    Part,
    claim_of,
    those_of,
    with_both,
)
from rmsprop.study.report.claims.effective_rates import fall_of_rate, level_of_rate
from rmsprop.study.report.claims.oscillation import VALLEY, less_oscillation
from rmsprop.study.report.claims.tuning import effect_of_decay, effect_of_tuning, forgiveness
from rmsprop.study.results.digest import Digest
from rmsprop.study.tasks import Kind, names_of

# The tasks of `rmsprop.study.tasks` by kind, in the order in which claims name them.
VALLEYS = names_of(Kind.VALLEY)
SPARSE = names_of(Kind.SPARSE, Kind.RARE)
MOVING = names_of(Kind.MOVING)
# The networks with hidden layers; one that is of none of the others is a multi-layer perceptron.
RECURRENT, CONVOLUTIONAL = ("characters",), ("mnist",)
PERCEPTRONS = tuple(x for x in names_of(Kind.DEEP) if x not in RECURRENT + CONVOLUTIONAL)


def claims(of_tasks: Sequence[Digest]) -> list[Claim]:
    """The general claims about the two optimizers, each with a verdict from these results.

    Args:
        of_tasks: What the results of each task say.

    Returns:
        The claims that at least one task of the results speaks of; none where one of the two
        optimizers is missing.
    """
    tasks = with_both(of_tasks)
    if not tasks:
        return []
    candidates = (
        *_of_effective_rates(tasks),
        *_of_results(tasks),
        *_of_tuning(tasks),
    )
    return [claim for claim in candidates if claim is not None]


def _of_effective_rates(tasks: Sequence[Digest]) -> tuple[Claim | None, ...]:
    constant = [digest for digest in tasks if CONSTANT in digest.schedules]
    return (
        claim_of(
            "RMSprop gives each weight a learning rate of its own: with gradients of 0.1 and 10, "
            "two weights have rates in the ratio 100 to 1 and move equally far.",
            [two_weights.of_rmsprop()],
        ),
        claim_of(
            "AdaGrad's effective learning rate keeps falling, about as t^-1/2.",
            (fall_of_rate(digest) for digest in constant),
        ),
        claim_of(
            "RMSprop's effective learning rate settles, where AdaGrad's keeps falling.",
            (level_of_rate(digest) for digest in constant),
        ),
    )


def _of_results(tasks: Sequence[Digest]) -> tuple[Claim | None, ...]:
    networks = {
        "deep networks of fully connected layers": PERCEPTRONS,
        "recurrent networks": RECURRENT,
        "convolutional networks": CONVOLUTIONAL,
        "problems that change during training": MOVING,
    }
    return (
        claim_of(
            "RMSprop reduces the oscillation across a narrow valley. Here it is compared with SGD "
            "at its best learning rate.",
            _present(map(less_oscillation, those_of(tasks, [VALLEY]))),
        ),
        claim_of(
            "RMSprop is especially helpful in a narrow valley, steep in one direction and shallow "
            "in another. Here it is compared with AdaGrad, which also has a rate for each "
            "parameter.",
            (advantage(digest, RMSPROP) for digest in those_of(tasks, VALLEYS)),
        ),
        claim_of(
            "AdaGrad suits sparse features, such as words and categories, better than SGD does.",
            (advantage_over_sgd(digest, ADAGRAD) for digest in those_of(tasks, SPARSE)),
        ),
        *(
            claim_of(
                f"RMSprop suits {what}.",
                [advantage(digest, RMSPROP) for digest in those_of(tasks, selection)],
            )
            for what, selection in networks.items()
        ),
    )


def _of_tuning(tasks: Sequence[Digest]) -> tuple[Claim | None, ...]:
    return (
        claim_of(
            "The decay of RMSprop, usually 0.9 and sometimes 0.99 or 0.999, matters more than the "
            "choice between RMSprop and AdaGrad.",
            _present(effect_of_decay(digest) for digest in tasks),
        ),
        claim_of(
            "AdaGrad tolerates a wrong learning rate better than RMSprop does.",
            (part for digest in tasks for part in forgiveness(digest)),
        ),
        claim_of(
            "RMSprop still requires tuning of its learning rate and decay.",
            (part for digest in tasks for part in effect_of_tuning(digest)),
        ),
    )


def _present(parts: Iterable[Part | None]) -> list[Part]:
    return [part for part in parts if part is not None]
