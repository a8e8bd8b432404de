"""Records the table of digits: `python tests/study/proof/record_digits.py`.

Of each optimizer under each schedule all points of the grid and of its growth run on eight seeds,
which races are drawn from.  Those that are finalists of a race, but for the rarest, run on 80 other
seeds in two streams of batches.  That takes some 17,000 runs, five minutes on two quiet cores.  The
numbers are float32, and the file has the `Records` of each optimizer and schedule.
"""

import collections
import itertools
import json
import pathlib

import jax
import numpy as np
from recording import SCHEDULES, candidates, engines_of, records_of
from tables import RACING_SEEDS, TableEngine, worst_of

from rmsprop.study import tasks
from rmsprop.study.contenders import CONTENDERS
from rmsprop.study.running import tuning
from rmsprop.study.running.progress import Silent

FILE = pathlib.Path(__file__).with_name("digits.npz")
SEEDS = np.arange(80)
SCREENING_SEEDS = 1_000 + np.arange(8)
# The points that are recorded make up this share of all finalists, where there are so many: more
# than a comparison has, so that other numbers can be measured with the same table.
SHARE, FINALISTS = 0.95, 12


def likely_finalists(problem, optimizer, screened):
    """The points that races of three of the seeds leave, the most frequent first."""
    engine = TableEngine([screened], worst_of(problem))
    counts = collections.Counter()
    usual, tuning.FINALISTS = tuning.FINALISTS, FINALISTS
    for race in itertools.permutations(range(len(SCREENING_SEEDS)), RACING_SEEDS):
        grids = optimizer.within(problem.steps)
        tuned = tuning.tune(grids, engine, problem.choices, 0, np.array(race), Silent())
        counts.update(tuned.configurations[i] for i in tuned.finalists)
    tuning.FINALISTS = usual
    ordered = counts.most_common()
    cumulated = np.cumsum([count for _, count in ordered]) / counts.total()
    return [point for point, _ in ordered[: np.searchsorted(cumulated, SHARE) + 1]]


def main():
    problem = tasks.task("digits")
    engines = engines_of(problem)
    arrays = {}
    for optimizer in CONTENDERS.values():
        for number, schedule in enumerate(SCHEDULES):
            prefix = f"{optimizer.name}/{schedule}"
            first = engines[optimizer.name, 0]
            screened = candidates(first, problem, optimizer, number, SCREENING_SEEDS)
            points = likely_finalists(problem, optimizer, screened)
            print(f"{prefix}: {len(screened.configurations)} points, {len(points)} recorded")
            records = records_of(engines, problem, optimizer, number, points, SEEDS)
            for kind, each in (("screened", screened), ("recorded", records)):
                arrays[f"{prefix}/{kind}/configurations"] = np.array(each.configurations)
                for name, values in each.values.items():
                    arrays[f"{prefix}/{kind}/{name}"] = values.astype(np.float32)
    about = {
        "jax": jax.__version__,
        "steps": problem.steps,
        "title": problem.title,
        "data_sha256": problem.data_sha256,
    }
    np.savez_compressed(FILE, about=np.array(json.dumps(about)), **arrays)
    print(f"{FILE.name}: {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
