"""Prints the figures of "Is the verdict right?" in docs/comparison.md, with standard errors.

`python tests/study/proof/measure.py` prints all of them, which takes some ten minutes of a core;
`python tests/study/proof/measure.py race coverage` those of some parts: against-itself, coverage,
race and replication. The tests of this folder hold the same numbers to their limits.
"""

import sys
from dataclasses import replace

import numpy as np
import test_coverage_of_intervals as coverage
import test_one_against_itself as against_itself
import test_racing as racing
import test_replication as replication
from made_up_studies import GRID

from rmsprop.study.running import tuning


def print_against_itself():
    for finalists in (8, 12):
        tuning.FINALISTS = finalists
        for contest in (against_itself.digits(), against_itself.valley()):
            print(f"{finalists} finalists:")
            against_itself.both(contest, 1_000)
    tuning.FINALISTS = 8


def print_coverage():
    studies = 400
    for seeds in (13, 20, 40):
        for raced in (False, True):
            counts = [
                coverage.outcomes(
                    replace(population, count=GRID) if raced else population,
                    seeds,
                    studies,
                    raced=raced,
                )
                for population in coverage.POPULATIONS.values()
            ]
            shares = np.array(counts) / studies
            errors = np.sqrt(shares * (1 - shares) / studies)
            print(f"{seeds} seeds, {'after a race' if raced else 'without a race'}:")
            for name, share, error in zip(coverage.POPULATIONS, shares, errors, strict=True):
                print(f"  {name}: covers {share[0]:.3f} +- {error[0]:.3f}", end=", ")
                print(f"better than itself {share[1]:.3f} +- {error[1]:.3f}")
            mean, error = shares.mean(axis=0), np.sqrt((errors**2).sum(axis=0)) / len(shares)
            print(f"  all: covers {mean[0]:.3f} +- {error[0]:.3f}", end=", ")
            print(f"better than itself {mean[1]:.3f} +- {error[1]:.3f}", flush=True)


def print_race():
    print("with a race minus with all, then a race on the study's own seeds minus on others:")
    racing.test_eight_finalists_of_a_race_stand_for_all_configurations(400, 20)
    for schedule in racing.SCHEDULES:
        print(f"digits, {schedule}:")
        racing.test_a_race_of_digits_on_its_own_seeds_gives_the_same(schedule, 400)
    racing.test_the_first_seed_keeps_the_later_finalists_of_digits()


def print_replication():
    for studies in (replication.digits, replication.valley):
        replication.told(replication.by_line(studies()))


def main():
    parts = {
        "against-itself": print_against_itself,
        "coverage": print_coverage,
        "race": print_race,
        "replication": print_replication,
    }
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
