"""RMSprop against itself on small maps, each with its own tuning seeds and its own noise.

    python tests/study/maps/against_itself.py

measures how often it is better than itself and keeps that in `recorded_self.json`, from which
`write_map.py` writes it into docs/map.md.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rmsprop import study
from rmsprop.study.contenders import RMSPROP
from rmsprop.study.folder import StudyFolder
from rmsprop.study.maps import making
from rmsprop.study.maps.plan import MapPlan
from rmsprop.study.running.progress import Silent

RECORD = Path(__file__).parent / "recorded_self.json"
# Cells of every kind: the optimum at rest and not, with little noise, some and much.
PLANE = study.Plane("itself", "noise", (0.03, 0.3, 3.0), "drift", (0.0, 0.03))
MAPS, SEEDS = 60, 20


Counts = dict[str, dict[str, int]]


def counts_of(number: int, seeds: int = SEEDS) -> Counts:
    """In how many cells of one map RMSprop is better than itself, by line of schedules.

    Args:
        number: Of the map; those of different numbers have disjoint seeds.
        seeds: The reporting seeds.

    Returns:
        The cells that are "better" or "slightly better" before Holm's correction, and after it.
    """
    pair = (RMSPROP, replace(RMSPROP, name="again"))
    plan = MapPlan([PLANE], pair, seeds, 3, 200 * number, ("constant", "linear"), (0, 1))
    result = making.run(plan, StudyFolder(None), None, "against itself", Silent())
    counts: Counts = {}
    for line in result.lines:
        cells = result.cells(PLANE.name, line)
        before = sum("better" in cell.plain_verdict for cell in cells)
        counts[line] = {"before": before, "after": sum(bool(cell.winner) for cell in cells)}
    return counts


def shares(counts: list[Counts]) -> dict[str, dict[str, float]]:
    """The share of the cells of some maps, by line of schedules, before and after."""
    total = len(counts) * len(PLANE.cells())
    return {
        line: {when: sum(each[line][when] for each in counts) / total for when in first}
        for line, first in counts[0].items()
    }


if __name__ == "__main__":
    measured = {"seeds": SEEDS, "counts": [counts_of(number) for number in range(MAPS)]}
    RECORD.write_text(json.dumps(measured) + "\n")
