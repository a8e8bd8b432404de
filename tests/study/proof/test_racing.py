"""A race before the choice changes the estimate by little, and hardly depends on its seeds."""

import itertools

import numpy as np
import pytest
from made_up_studies import GRID, Population, part, race
from recording import SCHEDULES, order
from scipy import stats
from tables import CHOICE, RACING_SEEDS, REPORT, TUNING_SEEDS, recorded

from rmsprop.study import tasks
from rmsprop.study.contenders import CONTENDERS
from rmsprop.study.results.reselection import Finalists, reselect
from rmsprop.study.running import tuning

# The estimates differ by at most so much on average, in logarithms.
MOST = 0.015
# At least so many of the later finalists come through the first seed.
SHARE = 0.96
# Differences at the limit fail a test once in a thousand times.
CHANCE = 1e-3
# Without divergence: what a diverged run counts as is the worst run of its seed, and among all
# configurations of a grid that is another than among finalists.
POPULATION = Population(noise="heavy", grain=0.01, count=GRID)


def estimates(pair, seeds, racings):
    """The estimate with all configurations, and with the finalists of a race on each of some seeds.

    Args:
        pair: All runs of both optimizers.
        seeds: The seeds that are reported.
        racings: Lists of seeds; None for no race.
    """
    values = []
    for racing in racings:
        rows = [slice(None) if racing is None else race(each, racing) for each in pair]
        finals = [part(each, of, seeds) for each, of in zip(pair, rows, strict=True)]
        values.append(reselect(*finals, TUNING_SEEDS, "lower").difference.value)
    return values


def limits(differences):
    """The mean of differences, and what chance may add to it."""
    differences = np.asarray(differences)
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    print(f"{differences.mean():+.4f} +- {error:.4f}, standard deviation {differences.std():.4f}")
    return abs(differences.mean()), stats.norm.isf(CHANCE) * error


def made_up(studies, seeds):
    """With a race on other seeds minus with all, and minus with a race on the first seeds."""
    rng, all_of_them, own = np.random.default_rng(0), [], []
    reporting = np.arange(seeds)
    for _ in range(studies):
        pair = POPULATION.study(rng, seeds + RACING_SEEDS)
        others = seeds + np.arange(RACING_SEEDS)
        racings = [None, others, reporting[:RACING_SEEDS]]
        whole, raced, on_own = estimates(pair, reporting, racings)
        all_of_them.append(raced - whole)
        own.append(on_own - raced)
    return all_of_them, own


@pytest.mark.parametrize(
    ("studies", "seeds"), [(40, 13), pytest.param(200, 20, marks=pytest.mark.slow)]
)
def test_eight_finalists_of_a_race_stand_for_all_configurations(studies, seeds):
    for differences in made_up(studies, seeds):
        mean, chance = limits(differences)
        assert mean <= MOST + chance


def test_with_one_finalist_the_estimate_would_depend_on_the_race(monkeypatch):
    """Its mean stays, for one choice on three seeds is as good as another; its spread does not."""
    of_eight, _ = made_up(40, 13)
    monkeypatch.setattr(tuning, "FINALISTS", 1)
    of_one, _ = made_up(40, 13)
    assert np.std(of_one) > 2 * np.std(of_eight)


@pytest.mark.parametrize("studies", [20, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_race_of_digits_on_its_own_seeds_gives_the_same(schedule, studies):
    """Of the headline, on studies of twenty seeds from the recorded table.

    A choice from all that was recorded is printed beside it, and is no other form of the same: it
    is one on three seeds, where a race and a choice look at six.
    """
    all_of_them, own = of_digits(schedule, studies)
    limits(all_of_them)
    mean, chance = limits(own)
    assert mean <= MOST + chance


def of_digits(schedule, studies):
    """With a race minus with all that was recorded, and with one on the study's own seeds minus."""
    pair = [
        Finalists(
            *(recorded("recorded")[name, schedule].values[each][0] for each in (CHOICE, REPORT))
        )
        for name in CONTENDERS
    ]
    rng, all_of_them, own = np.random.default_rng(0), [], []
    for _ in range(studies):
        seeds = rng.permutation(pair[0].choice.shape[1])[: RACING_SEEDS + 20]
        racings = [None, seeds[:RACING_SEEDS], seeds[RACING_SEEDS:][:RACING_SEEDS]]
        whole, raced, on_own = estimates(pair, seeds[RACING_SEEDS:], racings)
        all_of_them.append(raced - whole)
        own.append(on_own - raced)
    return all_of_them, own


def test_the_first_seed_keeps_the_later_finalists_of_digits():
    """Of the eight best on three seeds most are in the third that is best on the first."""
    problem, shares = tasks.task("digits"), []
    for (name, _), records in recorded("screened").items():
        grid = CONTENDERS[name].within(problem.steps).configurations()
        assert records.configurations[: len(grid)] == grid
        scores = records.values[CHOICE][0, : len(grid)]
        of_study = []
        for seeds in itertools.permutations(range(scores.shape[1]), RACING_SEEDS):
            best = order(problem.choices[0], scores[:, seeds])[: tuning.FINALISTS]
            first = order(problem.choices[0], scores[:, seeds[:1]])[: tuning.leaders_of(len(grid))]
            of_study.append(np.isin(best, first).mean())
        shares.append(np.mean(of_study))
    print(f"kept: {np.mean(shares):.4f}, by table {np.round(shares, 3)}")
    assert np.mean(shares) >= SHARE
