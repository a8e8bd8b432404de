"""Claims about results and all claims together, beside results that were made up for them."""

import re

import pytest
from claim_results import (
    GRIDS,
    INF,
    claim_about,
    claims,
    comparison_of,
    one_task,
    published,
    with_differences,
    with_slopes,
)

import synthetic_results as synthetic

pytestmark = pytest.mark.slow

REFERENCES = {**GRIDS, "sgd": {"learning_rate": [0.01, 0.1]}}
SCHEDULES = ("constant", "linear")


def with_sgd(better="lower", sgd=0.0, **options):
    """Results with SGD as a reference, which ran under the linear schedule alone."""
    task = one_task(REFERENCES, better, schedules=SCHEDULES, references=["sgd"], **options)
    task["metric"].loc[{"optimizer": "sgd"}] += sgd
    return task


@pytest.mark.parametrize(
    ("words", "tasks"),
    [
        ("especially helpful in a narrow valley", ("valley", "rosenbrock")),
        ("fully connected", ("digits",)),
        ("recurrent", ("characters",)),
        ("convolutional", ("mnist",)),
        ("change during training", ("scale-change",)),
    ],
)
@pytest.mark.parametrize("better", ["lower", "higher"])
def test_rmsprop_wins(words, tasks, better):
    gain = -0.2 if better == "lower" else 0.2
    won = {name: with_differences(one_task(better=better), rmsprop=gain) for name in tasks}
    lost = {name: with_differences(one_task(better=better), adagrad=gain) for name in tasks}
    tied = {name: one_task(better=better) for name in tasks}
    claim = claim_about(claims(comparison_of(**won)), words)
    assert claim.verdict == "supported"
    assert [line.partition(":")[0] for line in claim.measurements] == list(tasks)
    sign = "/" if better == "lower" else "-"
    assert all(f"RMSprop {sign} AdaGrad is " in line for line in claim.measurements)
    claim = claim_about(claims(comparison_of(**lost)), words)
    assert claim.verdict == "not supported"
    assert claim.reason.startswith("AdaGrad is better on ")
    # Equality within the margin of a loss is shown, and there is no margin of the other metric.
    tie = "not supported" if better == "lower" else "not shown here"
    assert claim_about(claims(comparison_of(**tied)), words).verdict == tie
    assert claim_about(claims(comparison_of(own=won[tasks[0]])), words) is None


def test_tasks_that_disagree():
    won, lost = (with_differences(one_task(), rmsprop=gain) for gain in (-0.2, 0.2))
    words = "especially helpful in a narrow valley"
    both = claim_about(claims(comparison_of(valley=won, rosenbrock=lost)), words)
    assert both.verdict == "mixed"
    assert both.reason == "RMSprop is better on valley; AdaGrad is better on rosenbrock."
    some = claim_about(claims(comparison_of(valley=won, rosenbrock=one_task())), words)
    assert some.verdict == "mixed"
    assert some.reason == "RMSprop is better on valley; the two are equal on rosenbrock."


def test_the_headline_decides_and_each_schedule_is_named():
    task = one_task(schedules=SCHEDULES)
    # RMSprop is better under its own schedule, which is the linear one, and worse under the other.
    task["metric"].loc[{"optimizer": "rmsprop", "schedule": "linear"}] -= 0.5
    task["metric"].loc[{"optimizer": "rmsprop", "schedule": "constant"}] += 0.5
    claim = claim_about(claims(comparison_of(digits=task)), "fully connected")
    assert claim.verdict == "supported"
    pattern = r"(?:digits: )?(.+), RMSprop / AdaGrad is ([\d.]+) \[.*\]: (\w+) is better"
    clauses = [re.match(pattern, x).groups() for x in claim.measurements[0].split("; ")]
    assert [(where, round(float(ratio), 1), winner) for where, ratio, winner in clauses] == [
        ("each under its own better schedule", 0.5, "RMSprop"),
        ("under the schedule constant", 1.5, "AdaGrad"),
        ("under the schedule linear to 0", 0.5, "RMSprop"),
    ]


SPARSE = "suits sparse features"


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_sparse_features_are_judged_beside_sgd(better):
    worse = 0.3 if better == "lower" else -0.3
    for loss, verdict, reason in (
        (worse, "supported", "AdaGrad is better on bible, flights and rare."),
        (-worse, "not supported", "SGD is better on bible, flights and rare."),
    ):
        tasks = {name: with_sgd(better, loss) for name in ("bible", "flights", "rare")}
        claim = claim_about(claims(comparison_of(**tasks)), SPARSE)
        assert (claim.verdict, claim.reason) == (verdict, reason)
        sign = "/" if better == "lower" else "-"
        start = f"bible: under the schedule linear to 0, AdaGrad {sign} SGD is "
        assert claim.measurements[0].startswith(start)
    tie = claim_about(claims(comparison_of(bible=with_sgd("higher"))), SPARSE)
    assert tie.verdict == "not shown here"
    assert claim_about(claims(comparison_of(own=with_sgd())), SPARSE) is None


def test_without_sgd_nothing_is_said_of_sparse_features():
    # AdaGrad beats RMSprop, of which the claim does not speak.
    task = with_differences(one_task(), adagrad=-0.5)
    claim = claim_about(claims(comparison_of(bible=task)), SPARSE)
    assert claim.verdict == "not shown here"
    assert claim.reason == "There is no SGD to compare with on bible."


def test_runs_that_diverged():
    task = one_task(diverged={"rmsprop": range(8)})
    task["metric"] = task["metric"].where(~task["diverged"], INF)
    claim = claim_about(claims(comparison_of(digits=task)), "fully connected")
    assert claim.verdict == "not supported"
    assert "all chosen runs of RMSprop diverged" in claim.measurements[0]
    both = one_task(diverged={"rmsprop": range(8), "adagrad": range(8)})
    both["metric"] = both["metric"].where(~both["diverged"], INF)
    for claim in claims(comparison_of(digits=both)):
        claim_about([claim], claim.statement)
    claim = claim_about(claims(comparison_of(digits=both)), "fully connected")
    assert claim.verdict == "not shown here"


@pytest.mark.parametrize("seeds", [2, 5])
def test_few_seeds_decide_nothing(seeds):
    task = with_sgd(seeds=seeds, tuning_seeds=1, path=True)
    answers = claims(comparison_of(valley=task, bible=with_sgd(seeds=seeds)))
    of_results = [claim for claim in answers if "two weights" not in claim.statement]
    assert len(of_results) == len(answers) - 1 == 8
    for claim in of_results:
        assert claim.verdict == "not shown here", claim
        claim_about([claim], claim.statement)
    few = [claim for claim in of_results if claim.reason.startswith("There are too few seeds on")]
    assert len(few) == 7
    (decay,) = (claim for claim in of_results if claim not in few)
    assert "is the only decay among the finalists on" in decay.reason


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
    claim = claim_about(answers, "especially helpful in a narrow valley")
    assert claim.reason == "RMSprop is better on valley."
    for words in ("keeps falling, about", "settles"):
        assert claim_about(answers, words).verdict == "supported"


def test_every_sentence_of_a_whole_comparison_reads_well():
    comparison = synthetic.comparison()
    answers = [*claims(comparison), *published(comparison)]
    assert len(answers) == 10
    for claim in answers:
        claim_about(answers, claim.statement)
