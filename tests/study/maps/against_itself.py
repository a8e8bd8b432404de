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


def shares(maps: int, seeds: int = SEEDS) -> dict[str, dict[str, float]]:
    """How often RMSprop is better than itself, by line of schedules.

    Args:
        maps: The number of maps, on disjoint seeds.
        seeds: The reporting seeds of each.

    Returns:
        The share of cells that are "better" or "slightly better" before Holm's correction, and
        after it.
    """
    pair, counts = (RMSPROP, replace(RMSPROP, name="again")), {}
    for number in range(maps):
        plan = MapPlan([PLANE], pair, seeds, 3, 200 * number, ("constant", "linear"), (0, 1))
        result = making.run(plan, StudyFolder(None), None, "against itself", Silent())
        for line in result.lines:
            cells = result.cells(PLANE.name, line)
            count = counts.setdefault(line, {"before": 0, "after": 0})
            count["before"] += sum("better" in cell.plain_verdict for cell in cells)
            count["after"] += sum(bool(cell.winner) for cell in cells)
    total = maps * len(PLANE.cells())
    return {line: {when: x / total for when, x in each.items()} for line, each in counts.items()}


if __name__ == "__main__":
    measured = {"maps": MAPS, "seeds": SEEDS, "shares": shares(MAPS)}
    RECORD.write_text(json.dumps(measured, indent=1) + "\n")
