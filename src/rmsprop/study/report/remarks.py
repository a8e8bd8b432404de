"""What a reader has to know of the configurations that were chosen, a sentence each.

A best value at the limit of its grid, and an RMSprop that is close to AdaGrad.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rmsprop.study.spelling import (
    LONG_MEMORY,
    argument,
    listed,
    name,
    schedule,
    settings,
    value,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmsprop.study.results.digest import Digest
    from rmsprop.study.results.summary import Row

LONG = "has a memory longer than a third of the run"


def limits(digests: Sequence[Digest]) -> list[str]:
    """One sentence for each optimizer whose best configuration is still on the edge of its grid."""
    return [
        f"On {row.task}{_under(digest, row)}, {_best_at_limit(row)}."
        for digest in digests
        for row in digest.tuned_rows
        if row.at_edge
    ]


def _under(digest: Digest, row: Row) -> str:
    """The schedule of a row, to follow the name of its task; empty where it is the only one."""
    several = len(digest.schedules) > 1
    return f" under the schedule {schedule(row.schedule)}" if several else ""


def _best_at_limit(row: Row) -> str:
    """The hyper-parameters whose best value is the end of their range, with these values."""
    names = listed([argument(key) for key in row.at_edge])
    values = listed([value(key, row.hyperparameters[key]) for key in row.at_edge])
    several = len(row.at_edge) > 1
    end = "which are the ends of the ranges" if several else "which is the end of the range"
    best = f"the best {names} of {name(row.optimizer)} {'are' if several else 'is'} {values}"
    return f"{best}, {end} that may be tried"


def twins(digest: Digest) -> list[str]:
    """One sentence for each chosen RMSprop that is close to AdaGrad.

    Where `(1 - d) T < 3` for a decay d and T steps, the average of RMSprop has hardly begun
    to forget when the run ends. Without bias correction it is then close to

        AdaGrad with the rate η / sqrt(1 - d) and the starting value ε / (1 - d).

    Whether averages are bias-corrected is known where the attribute `fixed` of the task holds the
    arguments of each optimizer that are not tuned, as JSON.
    """
    return [
        f"{name(row.optimizer)} on {row.task}{_under(digest, row)}"
        f" ({settings(row.hyperparameters)}) {LONG}, so that it is {_twin(digest, row)}."
        for row in digest.tuned_rows
        if row.optimizer in ("rmsprop", LONG_MEMORY) and _remembers(row) * digest.steps < 3
    ]


def _remembers(row: Row) -> float:
    """One minus the decay of a row; infinite where it has none that was tuned."""
    return row.hyperparameters.get("one_minus_decay", math.inf)


def _twin(digest: Digest, row: Row) -> str:
    """What AdaGrad it is; with its values where averages are known not to be bias-corrected."""
    fixed = digest.fixed.get(row.optimizer, {})
    arguments = {**fixed, **row.hyperparameters}
    if fixed.get("bias_correction", True) or "eps" not in arguments:
        return "close to AdaGrad with another learning rate"
    rest = _remembers(row)
    rate = arguments["learning_rate"] / math.sqrt(rest)
    start = arguments["eps"] / rest
    twin = settings({"learning_rate": rate, "initial_accumulator_value": start})
    return f"close to AdaGrad with {twin}"
