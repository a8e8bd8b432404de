"""Intervals over all choices hold the truth, and an optimizer does not beat itself."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_studies import GRID, Population, part, race
from scipy import stats

from rmsprop.study.results.reselection import reselect

POPULATIONS = {
    "normal": Population(),
    "heavy tails": Population(noise="heavy"),
    "ties": Population(grain=0.1),
    "divergence": Population(diverging=0.1),
    "all of them": Population(noise="heavy", grain=0.1, diverging=0.1),
}
# What the protocol promises of an interval of 95 %: it holds the truth at least 93 times in 100,
# and an optimizer differs from itself at most 7 times.
COVERAGE, FALSE = 0.93, 0.07
# A right interval fails a test of so many studies once in a thousand.
CHANCE = 1e-3


def finalists(population, rng, seeds, *, raced, same):
    """The finalists of both optimizers, all configurations or those that a race has left."""
    pair = population.study(rng, seeds + 3 * raced, same=same)
    if not raced:
        return pair
    reporting, racing = np.arange(seeds), seeds + np.arange(3)
    return [part(each, race(each, racing), reporting) for each in pair]


def outcomes(population, seeds, studies, *, raced):
    """How often the interval holds the true difference, and how often one of zero excludes it."""
    rng = np.random.default_rng(seeds)
    many = {} if studies > 150 else {"seeds": 10_000}
    truth = population.truth(np.random.default_rng(1), 3, raced=raced, **many)
    held = false = 0
    for _ in range(studies):
        pair = finalists(population, rng, seeds, raced=raced, same=False)
        ours = reselect(*pair, 3, "lower").difference
        held += ours.low <= truth <= ours.high
        pair = finalists(population, rng, seeds, raced=raced, same=True)
        false += reselect(*pair, 3, "lower").difference.excludes_zero()
    return held, false


@pytest.mark.parametrize(
    ("name", "seeds", "raced", "studies"),
    [("all of them", 13, False, 100), ("all of them", 13, True, 100)]
    + [
        pytest.param(name, seeds, raced, 200, marks=pytest.mark.slow)
        for name in POPULATIONS
        for seeds in (13, 20, 40)
        for raced in (False, True)
    ],
)
def test_the_interval_holds_the_truth_and_an_optimizer_does_not_beat_itself(
    name, seeds, raced, studies
):
    population = replace(POPULATIONS[name], count=GRID) if raced else POPULATIONS[name]
    held, false = outcomes(population, seeds, studies, raced=raced)
    print(f"{name}, {seeds} seeds, {'a race of 54' if raced else 'all of 12'}: ", end="")
    print(f"covers {held / studies:.3f}, false {false / studies:.3f}")
    assert held >= stats.binom.ppf(CHANCE, studies, COVERAGE)
    assert false <= stats.binom.ppf(1 - CHANCE, studies, FALSE)


def test_one_choice_for_all_seeds_would_fail_it():
    """One choice on three seeds, an interval over the others: worse the more others there are."""
    rng, studies, false = np.random.default_rng(0), 200, 0
    for _ in range(studies):
        first, second = POPULATIONS["normal"].study(rng, 43, same=True)
        chosen = [np.log(x.choice[:, :3]).mean(axis=1).argmin() for x in (first, second)]
        scores = [np.log(x.report[i, 3:]) for x, i in zip((first, second), chosen, strict=True)]
        false += stats.ttest_rel(*scores).pvalue < 0.05
    assert false > stats.binom.ppf(1 - CHANCE, studies, FALSE)
