"""How much of a ratio is the spacing of the rates: RMSprop with as fine a grid as AdaGrad.

    python tests/study/maps/spacing.py

maps some cells in which the optimum stands still under a constant rate, once with the grids of the
map and once with four rates a decade for both, and keeps that in `recorded_spacing.json`, from
which `write_map.py` writes it into docs/map.md.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rmsprop import study
from rmsprop.study.contenders import ADAGRAD, RMSPROP
from rmsprop.study.maps import plots
from rmsprop.study.optimizers import QUARTER_DECADES, rates_of

RECORD = Path(__file__).parent / "recorded_spacing.json"
PLANE = study.Plane("spacing", "noise", (0.1, 0.3, 1.0), "horizon", (200.0, 400.0, 800.0))
SEEDS = 40


def cells_with(rmsprop: study.Optimizer, seeds: int = SEEDS) -> list[str]:
    """The ratio and the mark of each cell, row by row."""
    result = study.map(PLANE, [rmsprop, ADAGRAD], seeds=seeds, schedules="constant")
    marks = plots.marks(result)
    return [
        f"{plots.ratio_words(cell.ratio.value)} {plots.mark_of(cell, marks)}"
        for cell in result.cells(PLANE.name, "constant")
    ]


if __name__ == "__main__":
    fine = replace(RMSPROP, tuned=(rates_of(QUARTER_DECADES), *RMSPROP.tuned[1:]))
    measured = {"seeds": SEEDS, "usual": cells_with(RMSPROP), "fine": cells_with(fine)}
    RECORD.write_text(json.dumps(measured, indent=1) + "\n")
