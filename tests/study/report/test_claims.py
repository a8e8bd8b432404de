"""Claims beside results that were made up to support them and to contradict them."""

import re

import numpy as np
import pytest
from claim_results import (
    GRIDS,
    INF,
    RATES,
    REST,
    bowl,
    claim_about,
    comparison_of,
    one_task,
    task_by_decay,
    with_differences,
    with_scores,
    with_slopes,
)

import synthetic_results as synthetic
from rmsprop.study.report.claims.general import claims
from rmsprop.study.report.claims.published import published

pytestmark = pytest.mark.slow

FALLS, SETTLES = "keeps falling, about", "settles"


def test_adagrads_rate_falls():
    claim = claim_about(claims(comparison_of(valley=with_slopes(one_task()))), FALLS)
    assert claim.verdict == "supported"
    assert claim.reason == "It falls about as t^-1/2 on valley."
    assert claim.measurements == ("valley: AdaGrad's exponent is -0.500 [-0.507, -0.493].",)


@pytest.mark.parametrize(
    ("exponent", "spread", "verdict", "reason"),
    [
        (-0.25, 0.01, "supported", "It falls more slowly than t^-1/2 on own."),
        (-0.9, 0.01, "supported", "It falls faster than t^-1/2 on own."),
        (-0.5, 0.3, "supported", "It falls at a pace that the interval leaves open, on own."),
        (0.2, 0.01, "not supported", "It does not fall on own."),
        (0.0, 0.01, "not shown here", "No fall is shown on own."),
    ],
)
def test_another_exponent_of_adagrad(exponent, spread, verdict, reason):
    task = with_slopes(one_task(), adagrad=exponent, spread=spread)
    claim = claim_about(claims(comparison_of(own=task)), FALLS)
    assert (claim.verdict, claim.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("rmsprop", "adagrad", "verdict", "reason"),
    [
        (0.0, -0.5, "supported", "It settles on own."),
        (0.3, -0.5, "not supported", "It rises on own."),
        (-0.3, -0.5, "not supported", "It falls on own."),
        (0.1, -0.5, "not shown here", "Neither is shown on own."),
        (
            0.0,
            0.0,
            "not shown here",
            "It settles, but not shown to be apart from AdaGrad's, on own.",
        ),
    ],
)
def test_rmsprops_rate_settles(rmsprop, adagrad, verdict, reason):
    task = with_slopes(one_task(), rmsprop=rmsprop, adagrad=adagrad)
    claim = claim_about(claims(comparison_of(own=task)), SETTLES)
    assert (claim.verdict, claim.reason) == (verdict, reason)


def test_rates_that_were_not_seen():
    task = one_task()
    task["effective_rate"][:] = np.nan
    mixed = with_slopes(one_task())
    mixed["effective_rate"].loc[{"seed": mixed["seed"][:2]}] = np.nan
    for words in (FALLS, SETTLES):
        claim = claim_about(claims(comparison_of(own=task)), words)
        assert claim.verdict == "not shown here"
        assert claim.reason == "Nothing was seen on own."
        assert claim_about(claims(comparison_of(own=mixed)), words).verdict == "supported"
        assert claim_about(claims(comparison_of(own=mixed, none=task)), words).verdict == "mixed"


def test_the_schedule_is_not_mistaken_for_the_optimizer():
    task = one_task(schedules=("linear", "constant"))
    answers = claims(comparison_of(own=task))
    assert claim_about(answers, FALLS) is None
    assert claim_about(answers, SETTLES) is None
    assert claim_about(answers, "requires tuning") is not None


@pytest.mark.parametrize(
    ("words", "tasks", "favourite"),
    [
        ("narrow valley", ("valley", "rosenbrock"), "rmsprop"),
        ("sparse", ("bible", "flights", "rare"), "adagrad"),
        ("deep networks", ("digits", "mnist", "characters", "scale-change"), "rmsprop"),
    ],
)
@pytest.mark.parametrize("better", ["lower", "higher"])
def test_who_wins(words, tasks, favourite, better):
    other = {"rmsprop": "adagrad", "adagrad": "rmsprop"}[favourite]
    gain = -0.2 if better == "lower" else 0.2
    won = {task: with_differences(one_task(better=better), **{favourite: gain}) for task in tasks}
    lost = {task: with_differences(one_task(better=better), **{other: gain}) for task in tasks}
    tied = {task: one_task(better=better) for task in tasks}
    claim = claim_about(claims(comparison_of(**won)), words)
    assert claim.verdict == "supported"
    assert [line.partition(":")[0] for line in claim.measurements] == list(tasks)
    sign = "/" if better == "lower" else "-"
    assert all(f"RMSprop {sign} AdaGrad is " in line for line in claim.measurements)
    assert claim_about(claims(comparison_of(**lost)), words).verdict == "not supported"
    # Equality within the margin of a loss is shown, and there is no margin of the other metric.
    tie = "not supported" if better == "lower" else "not shown here"
    assert claim_about(claims(comparison_of(**tied)), words).verdict == tie
    first, second = tasks[:2]
    both = claim_about(claims(comparison_of(**{first: won[first], second: lost[second]})), words)
    assert both.verdict == "mixed"
    assert both.reason.count("is better on") == 2
    some = claim_about(claims(comparison_of(**{first: won[first], second: tied[second]})), words)
    assert some.verdict == "mixed"
    tie = "they are equal" if better == "lower" else "no difference is shown"
    assert some.reason.endswith(f"is better on {first}; {tie} on {second}.")
    assert claim_about(claims(comparison_of(own=won[first])), words) is None


def test_runs_that_diverged():
    task = one_task(diverged={"rmsprop": range(8)})
    task["metric"] = task["metric"].where(~task["diverged"], INF)
    claim = claim_about(claims(comparison_of(bible=task)), "sparse")
    assert claim.verdict == "supported"
    assert "all chosen runs of RMSprop diverged (" in claim.measurements[0]
    both = one_task(diverged={"rmsprop": range(8), "adagrad": range(8)})
    both["metric"] = both["metric"].where(~both["diverged"], INF)
    for claim in claims(comparison_of(bible=both)):
        assert claim_about([claim], claim.statement)
    assert claim_about(claims(comparison_of(bible=both)), "sparse").verdict == "not shown here"


DECAY = "The decay of RMSprop matters"


def test_the_decay_matters_more():
    task = task_by_decay([0.7, 0.5, 0.6], 0.51)
    claim = claim_about(claims(comparison_of(own=task)), DECAY)
    assert claim.verdict == "supported"
    assert claim.reason == "The decay makes the larger difference on own."
    (line,) = claim.measurements
    assert "0.70020 [0.70000, 0.70040] at 0.9, " in line
    assert "at 0.999; 0.99 is best, and 0.9 is 0.200 [0.200, 0.200] from it" in line
    assert line.endswith("AdaGrad 0.0100 [0.0100, 0.0100] (5 tuning seeds).")


def test_the_optimizer_matters_more():
    claim = claim_about(claims(comparison_of(own=task_by_decay([0.52, 0.5, 0.51], 0.7))), DECAY)
    assert claim.verdict == "not supported"
    task = task_by_decay([0.52, 0.5, 0.51], 0.52)
    assert claim_about(claims(comparison_of(own=task)), DECAY).verdict == "not shown here"
    higher = task_by_decay([0.9, 0.5, 0.6], 0.85, better="higher")
    claim = claim_about(claims(comparison_of(own=higher)), DECAY)
    assert claim.verdict == "supported"
    assert "; 0.9 is best, and 0.99 is 0.4" in claim.measurements[0]


def test_decays_that_diverge_and_grids_without():
    claim = claim_about(claims(comparison_of(own=task_by_decay([0.7, 0.5, INF], 0.51))), DECAY)
    assert claim.verdict == "supported"
    claim = claim_about(claims(comparison_of(own=task_by_decay([INF, INF, INF], INF))), DECAY)
    assert claim.verdict == "not shown here"
    none = {name: {"learning_rate": RATES} for name in GRIDS}
    assert claim_about(claims(comparison_of(own=one_task(none))), DECAY) is None
    single = {**GRIDS, "rmsprop": {"learning_rate": RATES, "one_minus_decay": [0.1]}}
    assert claim_about(claims(comparison_of(own=one_task(single))), DECAY) is None
    # The same under another name of the argument.
    alpha = {**GRIDS, "rmsprop": {"learning_rate": RATES, "one_minus_alpha": REST}}
    assert claim_about(claims(comparison_of(own=one_task(alpha))), DECAY) is not None


FORGIVES = "forgives"


def test_learning_rates_are_forgiving():
    wide, narrow = bowl(2.0), bowl(0.5)
    claim = claim_about(
        claims(comparison_of(own=with_scores(one_task(), wide, rmsprop=narrow))), FORGIVES
    )
    assert claim.verdict == "supported"
    assert claim.reason == "AdaGrad's range is wider on own."
    assert re.search(
        r"2\.0\d* \[.*\] decades of learning rates are within 5 %", claim.measurements[0]
    )
    claim = claim_about(
        claims(comparison_of(own=with_scores(one_task(), narrow, rmsprop=wide))), FORGIVES
    )
    assert claim.verdict == "not supported"
    claim = claim_about(
        claims(comparison_of(own=with_scores(one_task(), wide, rmsprop=wide))), FORGIVES
    )
    assert claim.verdict == "not shown here"


def test_a_range_that_the_grid_cuts_off():
    endless = bowl(20.0)
    cut = with_scores(one_task(), endless, rmsprop=bowl(1.0))
    claim = claim_about(claims(comparison_of(own=cut)), FORGIVES)
    assert claim.verdict == "supported"
    assert "at least 3.00 [3.00, 3.00] decades" in claim.measurements[0]
    other = with_scores(one_task(), bowl(2.0), rmsprop=lambda rate, _: 1 + (rate > 0.001))
    claim = claim_about(claims(comparison_of(own=other)), FORGIVES)
    assert (claim.verdict, claim.reason) == (
        "not shown here",
        "The grid ends too early to tell on own.",
    )
    bad = with_scores(one_task(), lambda *_: INF, rmsprop=endless)
    claim = claim_about(claims(comparison_of(own=bad)), FORGIVES)
    assert (claim.verdict, claim.reason) == ("not shown here", "No width is known on own.")


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_tuning_is_required(better):
    loss = 0.2 if better == "lower" else -0.2
    for default, verdict in ((loss, "supported"), (-loss, "not supported"), (0, "not shown here")):
        task = with_differences(one_task(better=better), default=default)
        claim = claim_about(claims(comparison_of(own=task)), "requires tuning")
        assert claim.verdict == verdict
        sign = "/" if better == "lower" else "-"
        assert f"with defaults RMSprop {sign} AdaGrad is " in claim.measurements[0]


@pytest.mark.parametrize("seeds", [2, 4])
def test_few_seeds_decide_nothing(seeds):
    task = with_slopes(
        with_differences(one_task(seeds=seeds, tuning_seeds=1), rmsprop=-0.5, default=2.0)
    )
    answers = claims(comparison_of(valley=task))
    assert len(answers) == 6
    for claim in answers:
        assert claim.verdict == "not shown here"
        claim_about([claim], claim.statement)
    few = [claim for claim in answers if claim.reason == "There are too few seeds on valley."]
    assert len(few) == 4


def test_without_one_of_the_two_nothing_is_said():
    for name in GRIDS:
        only = comparison_of(valley=one_task({name: GRIDS["rmsprop"], "adam": GRIDS["rmsprop"]}))
        assert claims(only) == published(only) == []
    named = comparison_of(
        valley=one_task({"rmsprop-plain": GRIDS["rmsprop"], "Adagrad": GRIDS["adagrad"]})
    )
    assert claims(named) == []


def test_the_two_among_others_and_in_any_order():
    others = {"adam": GRIDS["adagrad"], "adagrad": GRIDS["adagrad"], "rmsprop": GRIDS["rmsprop"]}
    task = with_slopes(with_differences(one_task(others), rmsprop=-0.2))
    answers = claims(comparison_of(valley=task))
    assert claim_about(answers, "narrow valley").reason == "RMSprop is better on valley."
    assert (
        claim_about(answers, FALLS).verdict == claim_about(answers, SETTLES).verdict == "supported"
    )


def test_every_sentence_of_a_whole_comparison_reads_well():
    comparison = synthetic.comparison()
    answers = [*claims(comparison), *published(comparison)]
    assert len(answers) == 9
    for claim in answers:
        claim_about(answers, claim.statement)
