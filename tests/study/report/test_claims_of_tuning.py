"""Claims about decays, wrong learning rates and defaults, each both ways and undecided."""

import re

import numpy as np
import pytest
from claim_results import (
    GRIDS,
    INF,
    RATES,
    claim_about,
    claims,
    comparison_of,
    comparison_of_finalists,
    one_task,
    with_differences,
    with_finalists,
    with_regrets,
)

from rmsprop.study.report.claims.tuning import regret_in_words
from rmsprop.study.results.regret import Regret
from rmsprop.study.results.statistics import Estimate

pytestmark = pytest.mark.slow

DECAY, FORGIVES, TUNING = "The decay of RMSprop", "tolerates", "requires tuning"


def _decay(scores, adagrad, **options):
    task = with_finalists(one_task(**options), scores, adagrad)
    return claim_about(claims(comparison_of_finalists(own=task)), DECAY)


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_the_decay_matters_more(better):
    far = 1.4 if better == "lower" else 0.6
    claim = _decay({0.1: far, 0.01: 1.0, 0.001: 1.05}, 1.1, better=better)
    assert claim.verdict == "supported"
    assert claim.reason == "The decay makes the larger difference on own."
    worst, best = ("0.9", "0.99") if better == "lower" else ("0.9", "0.999")
    (line,) = claim.measurements
    assert line.startswith(
        f"own: the worst and the best decay, most often {worst} and {best}, differ by "
    )


def test_the_optimizer_matters_more():
    # AdaGrad may be the better or the worse one of the two.
    for adagrad in (0.5, 2.0):
        claim = _decay({0.1: 1.1, 0.01: 1.0, 0.001: 1.05}, adagrad)
        assert claim.verdict == "not supported"
        assert claim.reason == "The optimizer makes the larger difference on own."
    assert re.search(
        r"AdaGrad and the best decay differ by a factor of (1\.9|2\.0)", claim.measurements[0]
    )


def test_neither_matters_more():
    claim = _decay({0.1: 1.1, 0.01: 1.0, 0.001: 1.05}, 1.1)
    assert (claim.verdict, claim.reason) == (
        "not shown here",
        "Neither the decay nor the optimizer is shown to matter more on own.",
    )


def test_decays_that_are_alike_are_not_far_apart():
    # The largest difference that is seen of decays that are equal is no difference.
    claim = _decay({0.1: 1.0, 0.01: 1.0, 0.001: 1.0}, 1.0)
    assert claim.verdict == "not shown here"


def test_decays_that_the_race_left_none_of():
    claim = _decay({0.01: 1.0}, 1.5)
    assert (claim.verdict, claim.reason) == (
        "not shown here",
        "0.99 is the only decay among the finalists on own.",
    )
    assert "on the first tuning seed, the best " in claim.measurements[0]
    for decay in ("0.9", "0.99", "0.999"):
        assert f" with {decay}" in claim.measurements[0]
    # The decay that the race left none of may be far worse than AdaGrad.
    claim = _decay({0.01: 1.0, 0.1: 1.02}, 1.5)
    assert claim.verdict == "not shown here"
    assert "no finalist has a decay of 0.999" in claim.measurements[0]
    assert _decay({0.01: 1.0, 0.1: 1.5}, 1.02).verdict == "supported"


def test_grids_without_decays():
    none = {name: {"learning_rate": RATES} for name in GRIDS}
    single = {**GRIDS, "rmsprop": {"learning_rate": RATES, "one_minus_decay": [0.1]}}
    for grids in (none, single):
        assert claim_about(claims(comparison_of(own=one_task(grids))), DECAY) is None
    # The same under another name of the argument.
    alpha = {**GRIDS, "rmsprop": {"learning_rate": RATES, "one_minus_alpha": [0.1, 0.01]}}
    assert claim_about(claims(comparison_of(own=one_task(alpha))), DECAY) is not None


NEAR = "AdaGrad loses less from a learning rate that is off by a factor of"
LITTLE, MUCH = (1.3, 1.1, 1.1, 1.3), (4.0, 2.0, 2.0, 4.0)


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_learning_rates_are_forgiving(better):
    for rmsprop, adagrad, verdict, reason in (
        (
            MUCH,
            LITTLE,
            "supported",
            "AdaGrad loses less from a learning rate that is off by a factor of 3 or",
        ),
        (
            LITTLE,
            MUCH,
            "not supported",
            "RMSprop loses less from a learning rate that is off by a factor of 3 or",
        ),
        (LITTLE, LITTLE, "not shown here", "No difference is shown on own."),
    ):
        task = with_regrets(one_task(better=better), rmsprop, adagrad)
        claim = claim_about(claims(comparison_of(own=task)), FORGIVES)
        assert claim.verdict == verdict
        assert claim.reason.startswith(reason)
    words = "multiplies" if better == "lower" else "changes"
    assert f"a learning rate that is off by a factor of 3 {words} the " in claim.measurements[0]


def _spoken(better, label):
    first, second = Estimate(0.2, 0.1, 0.3), Estimate(0.02, 0.01, 0.03)
    is_ratio = better == "lower"
    regret = Regret("a factor of 3", first, second, Estimate(0.18, 0.1, 0.26), 1, is_ratio)
    return regret_in_words(regret, label, better)


def test_the_cost_of_a_wrong_rate_in_words():
    assert _spoken("lower", "loss, mean of the last tenth") == (
        "a learning rate that is off by a factor of 3 multiplies the loss, mean of the last tenth,"
        " by 0.20 [0.10, 0.30] for RMSprop and 0.020 [0.010, 0.030] for AdaGrad, and the factor of"
        " RMSprop divided by that of AdaGrad is 0.18 [0.10, 0.26]"
    )
    assert _spoken("higher", "accuracy") == (
        "a learning rate that is off by a factor of 3 changes the accuracy by -0.20 [-0.30, -0.10]"
        " for RMSprop and -0.020 [-0.030, -0.010] for AdaGrad, and the regret of RMSprop minus that"
        " of AdaGrad is 0.18 [0.10, 0.26]"
    )


def test_a_rate_that_is_forgiven_near_or_far():
    near = with_regrets(one_task(), (1.3, 2.0, 2.0, 1.3), LITTLE)
    claim = claim_about(claims(comparison_of(own=near)), FORGIVES)
    assert claim.reason == f"{NEAR} 3 on own."
    both = with_regrets(one_task(), (1.3, 2.0, 2.0, 1.3), (4.0, 1.1, 1.1, 4.0))
    claim = claim_about(claims(comparison_of(own=both)), FORGIVES)
    assert claim.verdict == "not shown here"
    assert claim.reason == (
        "Which of the two loses less depends on how far the rate is off on own."
    )


def test_a_wrong_rate_under_each_schedule():
    schedules = ("constant", "linear")
    task = with_regrets(one_task(schedules=schedules), MUCH, LITTLE)
    other = with_regrets(one_task(schedules=schedules), LITTLE, MUCH)
    linear = {"schedule": "linear"}
    task["off_rate_report"].loc[linear] = other["off_rate_report"].loc[linear]
    claim = claim_about(claims(comparison_of(own=task)), FORGIVES)
    assert claim.verdict == "mixed"
    assert [line.partition(":")[0] for line in claim.measurements] == [
        "own (constant)",
        "own (linear to 0)",
    ]
    task["off_rate_report"].loc[{**linear, "optimizer": "adagrad"}] = np.nan
    claim = claim_about(claims(comparison_of(own=task)), FORGIVES)
    (line,) = claim.measurements
    assert line.startswith("own: "), "the only schedule with wrong rates needs no name"
    task["off_rate_report"][:] = np.nan
    assert claim_about(claims(comparison_of(own=task)), FORGIVES) is None


def test_wrong_rates_that_diverge():
    task = with_regrets(one_task(), (1.3, 1.1, 1.1, INF), LITTLE)
    claim = claim_about(claims(comparison_of(own=task)), FORGIVES)
    assert claim.verdict == "supported"
    assert claim.reason == f"{NEAR} 10 on own."


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_tuning_is_required(better):
    loss = 0.2 if better == "lower" else -0.2
    tie = "not supported" if better == "lower" else "not shown here"
    for default, verdict in ((loss, "supported"), (-loss, "not supported"), (0, tie)):
        task = with_differences(one_task(better=better), default=default)
        claim = claim_about(claims(comparison_of(own=task)), TUNING)
        assert claim.verdict == verdict
        sign = "/" if better == "lower" else "-"
        assert claim.measurements[0].startswith(f"own: tuned {sign} default is ")
        assert " for RMSprop and " in claim.measurements[0]
    reason = "Tuning does not help" if better == "lower" else "No gain from tuning is shown"
    assert claim.reason == f"{reason} on own."


def test_each_of_the_defaults_is_named():
    task = one_task(settings=("tuned", "torch", "keras", "optax"))
    task["metric"].loc[{"setting": "torch"}] += 0.5
    task["metric"].loc[{"setting": "keras"}] -= 0.5
    for_adagrad_alone = {"setting": "optax", "optimizer": "rmsprop"}
    task["metric"].loc[for_adagrad_alone] = np.nan
    task["metric"].loc[{"setting": "torch", "optimizer": "adagrad"}] = np.nan
    claim = claim_about(claims(comparison_of(own=task)), TUNING)
    assert claim.verdict == "mixed"
    start, end = "Tuning helps on own (PyTorch)", "tuning makes the result worse on own (Keras)"
    assert claim.reason == f"{start}; {end}."
    torch, keras = claim.measurements
    assert "AdaGrad" not in torch
    assert "for AdaGrad" in keras
    task["metric"].loc[{"setting": "keras"}] += 1.0
    claim = claim_about(claims(comparison_of(own=task)), TUNING)
    assert claim.reason == "Tuning helps on own (PyTorch and Keras)."
