"""An optimizer against itself: the whole procedure from the race to the verdict, on drawn studies.

The two sides race on seeds of their own. On those that are reported they have the same starts and
splits of the data, and each its own batches; which stream of batches is whose is drawn for each
seed, so that neither side is better by construction. Digits are read from a recorded table
(`record_digits.py`), the runs of the valley are made here.
"""

import numpy as np
import pytest
from recording import SCHEDULES, candidates, engines_of, records_of
from scipy import stats
from tables import DIGITS, RACING_SEEDS, REPORT, Contest, digits

from rmsprop.study import tasks
from rmsprop.study.contenders import CONTENDERS
from rmsprop.study.running import tuning

pytestmark = pytest.mark.slow

REPETITIONS, SEEDS = 150, 20
# At most so often a verdict, over all lines and on one of them.
POOLED, OF_A_LINE = 0.07, 0.10
# A procedure at these limits fails once in a thousand times.
CHANCE = 1e-3


def valley():
    """Studies of the valley, whose runs cost little: all points on all seeds."""
    problem = tasks.task("valley")
    engines, records = engines_of(problem), {}
    for name, optimizer in CONTENDERS.items():
        for number, schedule in enumerate(SCHEDULES):
            screened = candidates(
                engines[name, 0], problem, optimizer, number, 1_000 + np.arange(8)
            )
            points = screened.configurations
            records[name, schedule] = records_of(
                engines, problem, optimizer, number, points, np.arange(92)
            )
    return Contest.of(problem, records, np.arange(80, 92), np.arange(80))


def verdicts(contest, name, repetitions):
    """Whether each line declares one side better, in each repetition."""
    rng, outcomes = np.random.default_rng(0), []
    engine = contest.engines[name]
    for _ in range(repetitions):
        races = rng.permutation(contest.racing)[: 2 * RACING_SEEDS].reshape(2, RACING_SEEDS)
        streams = rng.integers(2, size=engine.streams.shape)
        sides = [
            (name, engine.in_streams(of_side), race)
            for of_side, race in zip((streams, 1 - streams), races, strict=True)
        ]
        study = contest.study(sides, rng.permutation(contest.reporting)[:SEEDS])
        outcomes.append([d.winner is not None for d in contest.differences(study)])
    return np.array(outcomes)


def told(contest, false):
    """Prints the share of each line, and the share of all with its standard error, and returns it.

    The error is that of the repetitions, in each of which the lines share their runs; that another
    table would be another one is not in it.
    """
    names = [f"{name} {' '.join(line)}" for name in CONTENDERS for line in contest.lines()]
    for name, share in zip(names, false.mean(axis=0), strict=True):
        error = np.sqrt(share * (1 - share) / len(false))
        print(f"{contest.problem.name} {name}: {share:.3f} +- {error:.3f}")
    pooled, error = mean_of(false)
    print(f"{contest.problem.name}, all lines: {pooled:.4f} +- {error:.4f}")


def mean_of(false):
    """The share over all lines, and its standard error over repetitions."""
    of_each = false.mean(axis=1)
    return of_each.mean(), of_each.std(ddof=1) / np.sqrt(len(false))


def check(false):
    """Holds the shares to their limits, and allows for chance."""
    pooled, error = mean_of(false)
    assert pooled <= POOLED + stats.norm.isf(CHANCE) * error
    most = stats.binom.isf(CHANCE / false.shape[1], len(false), OF_A_LINE)
    assert false.sum(axis=0).max() <= most


def both(contest, repetitions):
    false = np.hstack([verdicts(contest, name, repetitions) for name in CONTENDERS])
    told(contest, false)
    return false


@pytest.mark.parametrize("contest", [digits, valley])
def test_it_is_seldom_better_than_itself(contest):
    contest = contest()
    check(both(contest, REPETITIONS))


def test_with_one_finalist_it_would_be_better_than_itself(monkeypatch):
    """One finalist is one choice on three seeds, and nothing knows how lucky that was."""
    monkeypatch.setattr(tuning, "FINALISTS", 1)
    monkeypatch.setattr(tuning, "OTHER_FINALISTS", 1)
    contest = digits()
    headline = np.array([metric == REPORT for _, metric in contest.lines()] * len(CONTENDERS))
    false = both(contest, 200)[:, headline]
    with pytest.raises(AssertionError):
        check(false)


def test_the_table_is_small_enough():
    assert DIGITS.stat().st_size < 400_000
