"""Places the tasks of the comparison on the map, and asks which number predicts the winner.

    python tests/study/maps/placing.py

measures every task with `rmsprop.study.measure` and keeps the numbers in `recorded_places.json`,
from which `write_map.py` writes the chapter in docs/map.md. The verdicts are those of the
comparison, from `tests/study/recorded_findings.json`.

What is asked is fixed here, apart from the numbers:

* The map's answer is "RMSprop" where x is above the frontier of the schedule; the comparison's is
  "RMSprop" where its interval favours RMSprop and is not within the margin. They agree where both
  or neither are.
* Candidates for a number that predicts are `CANDIDATES`; the larger, the more for RMSprop.
* The tasks are split by their order in `TASKS`, where two forms of one task count as one: they go
  in turns to the first and the second half. On one half each candidate gets, for each schedule, the
  threshold with the fewest errors, and the candidate with the fewest errors over both schedules is
  taken, the first of several. It is tested on the other half; then the halves change places.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rmsprop.study.maps.predicting import FRONTIERS

HERE = Path(__file__).parent
RECORD = HERE / "recorded_places.json"
FINDINGS = HERE.parent / "recorded_findings.json"
SCHEDULES = ("constant", "linear")
SEEDS = (0, 1, 2)
# What two optimizers may differ by and count as equal: the margins of the metrics.
LOSS_MARGIN = math.log(1.05)

Place = dict[str, Any]


def _inverse(ratio: float) -> float:
    return 1 / ratio if ratio else math.inf


# What is above no threshold: its answer is always no.
ALWAYS = ("always that RMSprop is not better", lambda place, schedule: -math.inf)
CANDIDATES: dict[str, tuple[str, Callable[[Place, str], float]]] = {
    "x": ("drift times shrinking over noise", lambda p, s: p["number"]),
    "shrinking": ("scale of the gradients, early over late", lambda p, s: p["shrinking"]),
    "signal": ("signal over noise late in the run", lambda p, s: _inverse(p["noise_late"])),
    "unevenness": ("spread of the coordinates' shrinking", lambda p, s: p["unevenness"]),
    "distance": ("share of the way that is left at half time", lambda p, s: p["late_distance"]),
    "seen": ("share of coordinates with a gradient", lambda p, s: p["seen"]),
    "trial": ("a short run of both, each at its best", lambda p, s: p["trials"][s]),
}


def halves(tasks: Sequence[str]) -> tuple[list[str], list[str]]:
    """The tasks in two halves; two forms of one task are in the same."""
    families = list(dict.fromkeys(task.split("-")[0] for task in tasks))
    parts = [
        [task for task in tasks if families.index(task.split("-")[0]) % 2 == i] for i in (0, 1)
    ]
    return parts[0], parts[1]


def winner(row: dict[str, str], schedule: str) -> str:
    """Who is better in a line of the recorded findings: R, A, = or ?."""
    from rmsprop.study.results.statistics import Estimate
    from rmsprop.study.results.verdicts import verdict
    from rmsprop.study.tasks.batches import ACCURACY_MARGIN

    value, low, high = map(float, re.findall(r"-?[\d.]+(?:e[-+]\d+)?", row[schedule]))
    if row["metric"].endswith("RMSprop / AdaGrad"):  # of losses
        value, low, high = (-math.log(x) for x in (value, high, low))
        margin = LOSS_MARGIN
    else:  # a difference of accuracies
        margin = ACCURACY_MARGIN
    said = verdict(Estimate(value, low, high), margin)
    if said in ("equal", "undecided"):
        return "=" if said == "equal" else "?"
    return "R" if value > 0 else "A"


def winners() -> dict[str, dict[str, str]]:
    """The comparison's answer for every task and schedule."""
    rows = json.loads(FINDINGS.read_text())["all"]["rows"]
    return {
        row["task"]: {schedule: winner(row, schedule) for schedule in SCHEDULES} for row in rows
    }


def threshold(values: Sequence[float], is_first: Sequence[bool]) -> tuple[float, int]:
    """The threshold with the fewest errors, the middle one of several, and how many it makes."""
    finite = sorted({x for x in values if math.isfinite(x)})
    between = [(x + y) / 2 for x, y in itertools.pairwise(finite)]
    options = [-math.inf, *between, max(finite, default=0.0)]
    errors = [
        sum((x > option) != yes for x, yes in zip(values, is_first, strict=True))
        for option in options
    ]
    best = [option for option, count in zip(options, errors, strict=True) if count == min(errors)]
    return best[(len(best) - 1) // 2], min(errors)


def tested(places: dict[str, Place], answers: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """For each half on which a number is found: what each candidate does there and on the other."""
    parts = halves(list(places))
    rounds = []
    for find, test in (parts, parts[::-1]):
        rows = {}
        for name, (_, read) in {**CANDIDATES, "always": ALWAYS}.items():
            errors, right = 0, dict.fromkeys(SCHEDULES, 0)
            for schedule in SCHEDULES:
                values = {task: read(places[task], schedule) for task in places}
                is_first = {task: answers[task][schedule] == "R" for task in places}
                limit, wrong = threshold(
                    [values[task] for task in find], [is_first[task] for task in find]
                )
                errors += wrong
                right[schedule] = sum((values[t] > limit) == is_first[t] for t in test)
            rows[name] = {"errors": errors, "right": right}
        least = min(rows[name]["errors"] for name in CANDIDATES)
        chosen = next(name for name in CANDIDATES if rows[name]["errors"] == least)
        rounds.append({"find": find, "test": test, "rows": rows, "chosen": chosen})
    return rounds


def agreement(
    places: dict[str, Place], answers: dict[str, dict[str, str]], schedule: str
) -> tuple[int, int]:
    """In how many tasks the map's answer is the comparison's, and in how many "no" is."""
    first = {task: answers[task][schedule] == "R" for task in places}
    frontier = FRONTIERS[schedule]
    right = sum((places[task]["number"] > frontier) == first[task] for task in places)
    return right, sum(not yes for yes in first.values())


def measured(task: str) -> Place:
    """The numbers of a task: the median over some seeds of each."""
    from rmsprop import study

    each = [study.measure(study.task(task), seed=seed) for seed in SEEDS]

    def median(read: Callable[[Any], float]) -> float:
        """The median of one number, NaN where any is."""
        return float(np.median([read(measurement) for measurement in each]))

    names = ("shrinking", "noise_early", "noise_late", "seen", "drift", "number")
    return {
        "steps": each[0].steps,
        **{name: median(lambda m, n=name: getattr(m, n)) for name in names},
        "unevenness": median(lambda m: m.unevenness),
        "late_distance": median(lambda m: m.late_distance),
        "trials": {s: median(lambda m, s=s: m.trials[s]) for s in SCHEDULES},
        "trials_by_seed": {s: [m.trials[s] for m in each] for s in SCHEDULES},
        "numbers_by_seed": [m.number for m in each],
    }


def main() -> None:
    """Measures what is not measured yet, and keeps it."""
    places = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for task in winners():
        if task not in places:
            places[task] = measured(task)
            places = {name: places[name] for name in winners() if name in places}
            RECORD.write_text(json.dumps(places, indent=1) + "\n")


if __name__ == "__main__":
    main()
