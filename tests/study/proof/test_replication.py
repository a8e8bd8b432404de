"""Ten studies on other seeds each say the same: of digits as recorded, of the valley made here."""

import collections
import json

import numpy as np
import pytest
from record_replication import FILE
from replication import FIRST_SEEDS, by_line, held, replicate

from rmsprop.study import tasks
from rmsprop.study.problems import TRAINING_LOSS

# At least so many intervals hold the mean of the others' estimates, of all lines and of each.
POOLED, OF_A_LINE = 0.85, 0.60


def digits():
    return json.loads(FILE.read_text())


def valley():
    return replicate(tasks.task("valley"))


def check_winners(lines):
    """No line contradicts itself, and none is far from what the other studies say."""
    told(lines)
    for name, of_line in lines.items():
        assert len(of_line) == len(FIRST_SEEDS)
        winners = {each["winner"] for each in of_line} - {None}
        assert len(winners) <= 1, f"{name}: {winners}"
        assert held(of_line).mean() >= OF_A_LINE


def check_share(lines):
    """The intervals of all lines hold the others' estimates often enough."""
    assert np.mean([held(of_line).mean() for of_line in lines.values()]) >= POOLED


def told(lines):
    for name, of_line in lines.items():
        winners = collections.Counter(each["winner"] for each in of_line)
        print(*name, f"holds {held(of_line).mean():.1f}, winners {dict(winners)}")
        print("   ", *(f"{each['estimate']:.4f}" for each in of_line))
    shares = np.array([held(of_line).mean() for of_line in lines.values()])
    error = shares.std(ddof=1) / np.sqrt(len(shares))
    print(f"all lines: {shares.mean():.3f} +- {error:.3f}")


def but_for_training(lines):
    return {name: x for name, x in by_line(lines).items() if name[1] != TRAINING_LOSS.name}


@pytest.mark.parametrize("studies", [digits, pytest.param(valley, marks=pytest.mark.slow)])
def test_a_verdict_comes_out_again(studies):
    check_winners(but_for_training(studies()))


@pytest.mark.slow
def test_intervals_of_the_valley_hold_the_other_estimates():
    check_share(by_line(valley()))


# Whether points beyond the first grid are tried at all is decided by the seeds of the race.
BY_LUCK = pytest.mark.xfail(strict=True, reason="the growth of a grid depends on the race's seeds")


@BY_LUCK
def test_intervals_of_digits_hold_the_other_estimates():
    """They do in 83 % of the lines of test loss and accuracy, least under a constant rate."""
    check_share(but_for_training(digits()))


@BY_LUCK
def test_a_verdict_of_the_training_loss_comes_out_again():
    """A grid grows around the point that is best by the headline, not by the training loss."""
    check_winners(
        {name: x for name, x in by_line(digits()).items() if name[1] == TRAINING_LOSS.name}
    )
