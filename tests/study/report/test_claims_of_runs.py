"""Claims about effective rates, oscillation and two weights, each both ways and undecided."""

import numpy as np
import optax
import pytest
from claim_results import (
    GRIDS,
    RATES,
    claim_about,
    claims,
    comparison_of,
    one_task,
    with_choice,
    with_crossings,
    with_slopes,
)

from rmsprop.study.report.claims import two_weights
from rmsprop.study.tasks.landscapes import valley, valley_axes

pytestmark = pytest.mark.slow

FALLS, SETTLES, OSCILLATES = "keeps falling, about", "settles", "oscillation"
TWO_WEIGHTS = "two weights"


def test_adagrads_rate_falls():
    claim = claim_about(claims(comparison_of(valley=with_slopes(one_task()))), FALLS)
    assert claim.verdict == "supported"
    assert claim.reason == "The rate falls about as t^-1/2 on valley."
    assert claim.measurements == ("valley: AdaGrad's exponent is -0.500 [-0.506, -0.494].",)


@pytest.mark.parametrize(
    ("exponent", "spread", "verdict", "reason"),
    [
        (-0.42, 0.01, "supported", "The rate falls about as t^-1/2 on own."),
        (-0.07, 0.01, "not supported", "The rate falls more slowly than t^-1/2 on own."),
        (-0.35, 0.01, "not supported", "The rate falls more slowly than t^-1/2 on own."),
        (-0.9, 0.01, "not supported", "The rate falls faster than t^-1/2 on own."),
        (
            0.0,
            0.01,
            "not supported",
            "The rate falls more slowly than t^-1/2, or not at all, on own.",
        ),
        (0.2, 0.01, "not supported", "The rate does not fall on own."),
        (-0.4, 0.02, "not shown here", "The rate falls, but how fast is not shown, on own."),
        (-0.5, 0.3, "not shown here", "The rate falls, but how fast is not shown, on own."),
        (-0.2, 0.9, "not shown here", "No fall of the rate is shown on own."),
    ],
)
def test_another_exponent_of_adagrad(exponent, spread, verdict, reason):
    task = with_slopes(one_task(), adagrad=exponent, spread=spread)
    claim = claim_about(claims(comparison_of(own=task)), FALLS)
    assert (claim.verdict, claim.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("rmsprop", "adagrad", "verdict", "reason"),
    [
        (0.0, -0.5, "supported", "The rate settles on own."),
        (0.3, -0.5, "not supported", "The rate rises on own."),
        (-0.3, -0.5, "not supported", "The rate falls on own."),
        (0.1, -0.5, "not shown here", "It is not shown whether the rate settles on own."),
        (
            0.0,
            0.0,
            "not shown here",
            "The rate settles, but no difference from AdaGrad's is shown, on own.",
        ),
    ],
)
def test_rmsprops_rate_settles(rmsprop, adagrad, verdict, reason):
    task = with_slopes(with_choice(one_task(), 0.01), rmsprop=rmsprop, adagrad=adagrad)
    claim = claim_about(claims(comparison_of(own=task)), SETTLES)
    assert (claim.verdict, claim.reason) == (verdict, reason)


def test_a_twin_of_adagrad_does_not_tell_whether_rmsprop_settles():
    # 1 - decay is 0.001 and there are 400 steps, so that their product is 0.4.
    for slope in (0.0, -0.5):
        task = with_slopes(with_choice(one_task(), 0.001), rmsprop=slope)
        claim = claim_about(claims(comparison_of(own=task)), SETTLES)
        assert claim.verdict == "not shown here"
        assert claim.reason == (
            "The memory of the chosen RMSprop is longer than a third of the run on own."
        )
        assert "with a decay of 0.999 over 400 steps" in claim.measurements[0]
    at_the_limit = with_choice(one_task(), 0.1)
    assert claim_about(claims(comparison_of(own=at_the_limit)), SETTLES).verdict == "supported"


def test_a_decay_that_the_claim_is_not_about():
    grids = {**GRIDS, "rmsprop": {"learning_rate": RATES, "one_minus_decay": [0.3]}}
    claim = claim_about(claims(comparison_of(own=one_task(grids))), SETTLES)
    assert (claim.verdict, claim.reason) == (
        "not shown here",
        "The chosen decay lies outside of 0.9 to 0.99 on own.",
    )


def test_rates_that_were_not_seen():
    task = one_task()
    task["effective_rate"][:] = np.nan
    mixed = with_slopes(one_task())
    mixed["effective_rate"].loc[{"seed": mixed["seed"][:2]}] = np.nan
    few = with_slopes(one_task())
    few["effective_rate"].loc[{"seed": few["seed"][:3]}] = np.nan
    for words in (FALLS, SETTLES):
        claim = claim_about(claims(comparison_of(own=task)), words)
        assert claim.verdict == "not shown here"
        assert claim.reason == "No gradient was measured on own."
        assert claim_about(claims(comparison_of(own=mixed)), words).verdict == "supported"
        assert claim_about(claims(comparison_of(own=mixed, none=task)), words).verdict == "mixed"
        claim = claim_about(claims(comparison_of(own=few)), words)
        assert claim.reason == "There are too few seeds on own."


def test_the_schedule_is_not_mistaken_for_the_optimizer():
    task = with_slopes(one_task(schedules=("linear", "constant")))
    task["effective_rate"].loc[{"schedule": "linear"}] *= task["bin"].values[:, None] ** -0.3
    for words in (FALLS, SETTLES):
        assert claim_about(claims(comparison_of(own=task)), words).verdict == "supported"
    answers = claims(comparison_of(own=one_task(schedules=("linear",))))
    assert claim_about(answers, FALLS) is None
    assert claim_about(answers, SETTLES) is None
    assert claim_about(answers, "requires tuning") is not None


def _valley(**shares):
    grids = {**GRIDS, "sgd": {"learning_rate": [0.1]}}
    task = one_task(grids, schedules=("constant", "linear"), references=["sgd"], path=True)
    return comparison_of(valley=with_crossings(task, **shares))


def test_oscillation_across_the_valley():
    answers = claims(_valley(rmsprop=0.1, sgd=0.6, adagrad=0.1))
    claim = claim_about(answers, OSCILLATES)
    assert claim.verdict == "supported"
    assert claim.reason == "RMSprop changes sides less often than SGD on valley."
    (line,) = claim.measurements
    assert line.startswith(
        "valley: under the schedule linear to 0, the share of steps that change sides is "
    )
    claim = claim_about(claims(_valley(rmsprop=0.6, sgd=0.1, adagrad=0.6)), OSCILLATES)
    assert claim.verdict == "not supported"
    assert claim.reason == "RMSprop changes sides more often than SGD on valley."
    claim = claim_about(claims(_valley(rmsprop=0.3, sgd=0.3, adagrad=0.9)), OSCILLATES)
    assert (claim.verdict, claim.reason) == (
        "not shown here",
        "No difference from SGD is shown on valley.",
    )


def test_oscillation_without_sgd_or_without_paths():
    task = with_crossings(one_task(path=True), rmsprop=0.1, adagrad=0.6)
    claim = claim_about(claims(comparison_of(valley=task)), OSCILLATES)
    assert (claim.verdict, claim.reason) == (
        "not shown here",
        "There is no SGD to compare with on valley.",
    )
    assert claim_about(claims(comparison_of(valley=one_task())), OSCILLATES) is None
    assert claim_about(claims(comparison_of(rosenbrock=task)), OSCILLATES) is None
    task["path"][:] = np.nan
    claim = claim_about(claims(comparison_of(valley=task)), OSCILLATES)
    assert claim.reason == "No finite path was measured on valley."


def test_the_direction_across_is_that_of_the_valley():
    problem = valley(noise=0.0)
    along, across = (
        float(problem.loss(axis.astype("f4"), np.zeros(2, "f4"))) for axis in valley_axes()
    )
    assert across == pytest.approx(100 * along, rel=1e-5)


def test_two_weights():
    claim = claim_about(claims(comparison_of(own=one_task())), TWO_WEIGHTS)
    assert claim.verdict == "supported"
    assert claim.reason == "The steps are alike on two weights."
    assert claim.measurements == (
        "two weights: after 300 steps with gradients of 0.1 and 10, the effective learning rates"
        " are 0.1 and 0.001, a ratio of 100.00, and the steps are 0.01 and 0.01, a ratio of"
        " 1.0000.",
    )
    sgd = two_weights.two_weights(optax.sgd(0.01))
    assert sgd.holds is False
    assert sgd.finding == "the steps differ"
    assert "are 0.01 and 0.01, a ratio of 1.00, and the steps are 0.001 and 0.1" in sgd.figures
