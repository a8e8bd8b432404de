"""Verdicts from intervals, the seeds that an answer needs, and several verdicts together."""

import math

import numpy as np
import pytest
from scipy import stats

from rmsprop.study.results.statistics import Estimate
from rmsprop.study.results.verdicts import holm, seeds_needed, verdict


@pytest.mark.parametrize(
    ("low", "high", "margin", "expected"),
    [
        (-0.02, 0.03, 0.05, "equal"),
        (0.01, 0.04, 0.05, "equal"),  # before "slightly better", though it excludes zero
        (-0.05, 0.03, 0.05, "undecided"),  # the margin itself is not inside
        (-0.02, 0.06, 0.05, "undecided"),
        (0.06, 0.10, 0.05, "better"),
        (-0.30, -0.06, 0.05, "better"),
        (0.05, 0.10, 0.05, "slightly better"),
        (-0.30, -0.01, 0.05, "slightly better"),
        (-0.30, 0.30, 0.05, "undecided"),
        (0.001, 0.002, None, "better"),
        (-0.001, 0.002, None, "undecided"),
        (0.0, 0.0, None, "undecided"),
        (0.0, 0.0, 0.05, "equal"),
        (math.nan, math.nan, 0.05, "undecided"),
    ],
)
def test_verdict_of_an_interval(low, high, margin, expected):
    middle = (low + high) / 2
    assert verdict(Estimate(middle, low, high), margin) == expected
    assert verdict(Estimate(-middle, -high, -low), margin) == expected


def test_seeds_that_an_answer_needs():
    # Half as wide would exclude zero: four times as many.
    assert seeds_needed(Estimate(0.1, -0.1, 0.3), None, 20) == 80
    # Equality within 0.3 needs no more than that the half-width falls below 0.2.
    assert seeds_needed(Estimate(0.1, -0.3, 0.5), 0.3, 20) == 80
    assert seeds_needed(Estimate(0.0, -0.1, 0.1), 0.05, 20) == 80
    assert seeds_needed(Estimate(0.0, -0.1, 0.1), None, 20) is None
    assert seeds_needed(Estimate(0.05, -0.1, 0.2), 0.05, 20) == 180
    assert seeds_needed(Estimate(0.1, math.nan, math.nan), 0.05, 4) is None


def test_holm_is_its_definition(rng):
    for count in (1, 2, 5, 11):
        p = rng.random(count) ** 3
        adjusted = holm(p.tolist())
        for level in (0.01, 0.05, 0.2):
            given_up = set()
            for rank, index in enumerate(np.argsort(p)):
                if p[index] > level / (count - rank):
                    break
                given_up.add(int(index))
            assert given_up == {i for i, x in enumerate(adjusted) if x <= level}
    assert holm([]) == ()
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([math.nan, 0.01]) == (1.0, 0.02)


def test_holm_keeps_its_level():
    """Of 2,000 families of five true hypotheses at most one in twenty has a false verdict."""
    p = np.random.default_rng(0).random((2000, 5))
    false = sum(min(holm(row)) <= 0.05 for row in p.tolist())
    assert false <= stats.binom.ppf(0.999, 2000, 0.05)
    assert sum((row <= 0.05).any() for row in p) > 300  # without it: more than three in twenty
