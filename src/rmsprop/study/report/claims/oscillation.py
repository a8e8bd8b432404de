"""The claim that RMSprop oscillates less in a narrow valley.

The oscillation of a run is how often its path changes sides across the valley, for each step. The
runs are those of the configurations chosen on other seeds, under the schedule that SGD ran under,
and are paired over the reporting seeds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rmsprop.study import spelling
from rmsprop.study.report.claims.advantages import NO_SGD
from rmsprop.study.report.claims.claim import (
    ADAGRAD,
    RMSPROP,
    SGD,
    TOO_FEW,
    Part,
    schedule_of,
)
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.jackknife import LEAST_SEEDS, mean_interval
from rmsprop.study.results.oscillation import side_changes
from rmsprop.study.tasks.landscapes import valley_axes

# The task whose direction across is the same everywhere.
VALLEY = "valley"


def less_oscillation(digest: Digest) -> Part | None:
    """Whether RMSprop changes sides less often than SGD at its best learning rate.

    Returns:
        What the narrow valley says; None where its paths were not recorded.
    """
    if "path" not in digest.dataset:
        return None
    schedule = schedule_of(digest, SGD)
    under = digest.schedules[0] if schedule is None else schedule
    names = [RMSPROP, ADAGRAD] if schedule is None else [RMSPROP, SGD, ADAGRAD]
    shares = {name: _changes(digest, under, name) for name in names}
    whole = np.all([np.isfinite(x) for x in shares.values()], axis=0)
    if not whole.any():
        return Part(VALLEY, "no path is finite", None, "no finite path was measured")
    shares = {name: 100 * x[whole] for name, x in shares.items()}
    of_each = [f"{mean_interval(x)} % for {spelling.name(name)}" for name, x in shares.items()]
    apart = {name: mean_interval(shares[RMSPROP] - shares[name]) for name in names[1:]}
    distances = [f"RMSprop - {spelling.name(name)} is {x} points" for name, x in apart.items()]
    figures = (
        f"under the schedule {spelling.schedule(under)}, the share of steps that change sides is"
        f" {spelling.listed(of_each)}; over the same seeds, {spelling.listed(distances)}"
    )
    if schedule is None:
        return Part(VALLEY, figures, None, NO_SGD)
    if whole.sum() < LEAST_SEEDS:
        return Part(VALLEY, figures, None, TOO_FEW)
    if not apart[SGD].excludes_zero():
        return Part(VALLEY, figures, None, "no difference from SGD is shown")
    less = apart[SGD].high < 0
    finding = f"RMSprop changes sides {'less' if less else 'more'} often than SGD"
    return Part(VALLEY, figures, less, finding)


def _changes(digest: Digest, schedule: str, optimizer: str) -> NDArray[np.float64]:
    path = digest.views[schedule]["path"].sel(optimizer=optimizer)
    _, across = valley_axes()
    return side_changes(path.transpose("seed", "step", "coordinate").values, across)
