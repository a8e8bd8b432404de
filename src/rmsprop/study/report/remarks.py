"""What a reader has to know of the configurations that were chosen, a sentence each.

A best value at the limit of its grid, and an RMSprop that is AdaGrad under another name.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rmsprop.study.spelling import LONG_MEMORY, name, schedule, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmsprop.study.results.digest import Digest
    from rmsprop.study.results.summary import Row

LONG = "remembers longer than a third of the run"


def limits(digests: Sequence[Digest]) -> list[str]:
    """One sentence for each optimizer whose best configuration is still on the edge of its grid."""
    return [
        f"{row.task}{_under(digest, row)}, {name(row.optimizer)}: the best"
        f" {_settings_at_limit(row)} is at the limit of its grid."
        for digest in digests
        for row in digest.tuned_rows
        if row.at_edge
    ]


def _under(digest: Digest, row: Row) -> str:
    """The schedule of a row, to follow the name of its task; empty where it is the only one."""
    several = len(digest.schedules) > 1
    return f" under the schedule {schedule(row.schedule)}" if several else ""


def _settings_at_limit(row: Row) -> str:
    """The hyper-parameters at the limit of their grid, with their values."""
    return settings({key: row.hyperparameters[key] for key in row.at_edge})


def twins(digest: Digest) -> list[str]:
    r"""One sentence for each chosen RMSprop that is AdaGrad under another name.

    Where :math:`(1 - d) T < 3` for a decay d and T steps, the average of RMSprop has hardly begun
    to forget when the run ends. Without bias correction it is then close to

    .. math:: \text{AdaGrad}(\eta / \sqrt{1 - d}, \; v_0 = \epsilon / (1 - d)).

    Whether averages are bias-corrected is known where the attribute `fixed` of the task holds the
    arguments of each optimizer that are not tuned, as JSON.
    """
    return [
        f"{name(row.optimizer)} on {row.task}{_under(digest, row)},"
        f" {settings(row.hyperparameters)}, {_twin(digest, row)}."
        for row in digest.tuned_rows
        if row.optimizer in ("rmsprop", LONG_MEMORY) and _remembers(row) * digest.steps < 3
    ]


def _remembers(row: Row) -> float:
    """One minus the decay of a row; infinite where it has none that was tuned."""
    return row.hyperparameters.get("one_minus_decay", math.inf)


def _twin(digest: Digest, row: Row) -> str:
    """What AdaGrad it is; exactly so where the averages are known not to be bias-corrected."""
    fixed = digest.fixed.get(row.optimizer, {})
    arguments = {**fixed, **row.hyperparameters}
    if fixed.get("bias_correction", True) or "eps" not in arguments:
        return (
            "remembers longer than a third of the run, and is AdaGrad but for the size of its rate"
        )
    rest = _remembers(row)
    rate = arguments["learning_rate"] / math.sqrt(rest)
    start = arguments["eps"] / rest
    twin = settings({"learning_rate": rate, "initial_accumulator_value": start})
    return f"{LONG}, and is about the AdaGrad of {twin}"
