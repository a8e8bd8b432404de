"""Ten studies on other seeds each say the same: of digits as recorded, of the valley made here."""

import collections
import json
from pathlib import Path

import numpy as np
import pytest
from record_replication import FILE
from replication import FIRST_SEEDS, by_line, held, replicate

from rmsprop.study import tasks

# At least so many intervals hold the mean of the others' estimates, of all lines and of each.
POOLED, OF_A_LINE = 0.85, 0.60
ROOT = Path(__file__).parents[3]


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


@pytest.mark.parametrize("studies", [digits, pytest.param(valley, marks=pytest.mark.slow)])
def test_a_verdict_comes_out_again(studies):
    check_winners(by_line(studies()))


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("README.md", "of ten such studies {} decide for RMSprop and {} do not decide; under the"),
        (
            "docs/comparison.md",
            "{} say that RMSprop's test loss is lower under its own schedule and {}",
        ),
        ("examples/notebooks/rmsprop_or_adagrad.ipynb", "{} decide, for RMSprop, and {} do not"),
    ],
)
def test_how_often_digits_are_decided_is_what_the_pages_say(page, sentence):
    words = {2: "two", 8: "eight"}
    winners = collections.Counter(
        each["winner"]
        for each in digits()
        if (each["schedule"], each["metric"]) == ("own", "test_loss")
    )
    assert winners.keys() == {"rmsprop", None}
    text = " ".join((ROOT / page).read_text().split())
    assert sentence.format(words[winners["rmsprop"]], words[winners[None]]) in text


def test_under_the_linear_decay_all_ten_say_the_same():
    """As the pages have it."""
    winners = [
        each["winner"]
        for each in digits()
        if (each["schedule"], each["metric"]) == ("linear", "test_loss")
    ]
    assert winners == ["rmsprop"] * 10


@pytest.mark.parametrize("studies", [digits, pytest.param(valley, marks=pytest.mark.slow)])
def test_intervals_hold_the_other_estimates(studies):
    check_share(by_line(studies()))
