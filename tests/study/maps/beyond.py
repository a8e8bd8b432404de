"""Two planes beside those of the map: the row at rest on more seeds, and a far way with no drift.

    python tests/study/maps/beyond.py

keeps what they say in `recorded_beyond.json`, from which `write_map.py` writes it into docs/map.md.
"""

from __future__ import annotations

import json
from pathlib import Path

from rmsprop import study
from rmsprop.study.maps import plots

RECORD = Path(__file__).parent / "recorded_beyond.json"
# The row of drift-noise without drift, under a constant rate.
REST = study.Plane("rest", "noise", (0.01, 0.03, 0.1, 0.3, 1.0, 3.0), "drift", (0.0,))
# Nothing drifts, and the flat directions, which no coordinate is, are far from done at the end.
FAR = study.Plane(
    "far", "noise", (0.001, 0.01, 0.1), "condition", (1.0, 100.0, 10_000.0), {"rotation": 30.0}
)
SEEDS = {"rest": 160, "far": 40}


def cells_of(plane: study.Plane, schedule: str, seeds: int) -> list[str]:
    """The ratio and the mark of each cell, row by row."""
    result = study.map([plane], seeds=seeds, schedules=schedule)
    marks = plots.marks(result)
    return [
        f"{plots.ratio_words(cell.ratio.value)} {plots.mark_of(cell, marks)}"
        for cell in result.cells(plane.name, schedule)
    ]


if __name__ == "__main__":
    measured = {
        "rest": {"constant": cells_of(REST, "constant", SEEDS["rest"])},
        "far": {
            schedule: cells_of(FAR, schedule, SEEDS["far"]) for schedule in ("constant", "linear")
        },
    }
    RECORD.write_text(json.dumps(measured, indent=1) + "\n")
