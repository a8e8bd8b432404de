"""Published results beside results that were made up to agree and to differ."""

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
)

from rmsprop.study.report.claims.published import published

pytestmark = pytest.mark.slow


def test_the_published_bible():
    as_published = task_by_decay([0.483, 0.518, 0.524], 0.520, better="higher")
    claim = claim_about(published(comparison_of(**{"bible-books": as_published})), "Bible")
    assert claim.verdict == "agrees"
    assert claim.reason == (
        "As published, decay 0.9 is below 0.99, decay 0.99 is below 0.999 and AdaGrad is nearer to "
        "decays 0.99 and 0.999 than to 0.9."
    )
    assert len(claim.measurements) == 3
    other = task_by_decay([0.53, 0.518, 0.524], 0.54, better="higher")
    claim = claim_about(published(comparison_of(**{"bible-books": other})), "Bible")
    assert claim.verdict == "differs"
    assert claim.reason == (
        "As published, decay 0.99 is below 0.999; otherwise than published, it is not so that "
        "decay 0.9 is below 0.99 and AdaGrad is nearer to decays 0.99 and 0.999 than to 0.9."
    )


def test_the_published_characters():
    of = "Next character"
    as_published = task_by_decay([1.6, 1.7, 1.9], 1.8)
    assert claim_about(published(comparison_of(characters=as_published)), of).verdict == "agrees"
    for scores, adagrad in (([1.8, 1.7, 1.9], 1.8), ([1.6, 1.7, 1.9], 1.65), ([INF] * 3, INF)):
        claim = claim_about(published(comparison_of(characters=task_by_decay(scores, adagrad))), of)
        assert claim.verdict == "differs"


def test_published_decays_that_were_not_tried():
    grids = {**GRIDS, "rmsprop": {"learning_rate": RATES, "one_minus_decay": [0.3, 0.03]}}
    task = one_task(grids)
    assert published(comparison_of(**{"bible-books": task}, characters=task, own=one_task())) == []


def _flights(rmsprop=0.001, wide=2.0, at_one=2.8):
    """AdaGrad's bowl is 1.1 at a rate of 1, for a width of 2.8; RMSprop's is narrower."""

    def of_rmsprop(rate, rest):
        return at_one if rate == 1 and rest == 0.01 else bowl(1.0)(rate, rest)

    return with_differences(
        with_scores(one_task(), bowl(wide), rmsprop=of_rmsprop), rmsprop=rmsprop
    )


def _close(task):
    """The same seeds for both, so that a small difference is known well."""
    task["metric"].loc[{"optimizer": "rmsprop"}] = (
        task["metric"].sel(optimizer="adagrad").values + 0.001
    )
    return task


def test_the_published_flights():
    claim = claim_about(
        published(comparison_of(flights=_close(_flights(at_one=INF)))), "Late flights"
    )
    assert claim.verdict == "agrees"
    assert claim.reason == (
        "As published, tuned they tie within 1 %, AdaGrad's range of good learning rates is the "
        "wider one and RMSprop is far worse at a learning rate of 1."
    )
    assert "of RMSprop ∞" in claim.measurements[2]


@pytest.mark.parametrize(
    ("task", "fails"),
    [
        (lambda: _flights(rmsprop=0.5), "tuned they tie within 1 %"),
        (lambda: _close(_flights(wide=0.5)), "AdaGrad's range of good learning rates is the wider"),
        (lambda: _close(_flights(at_one=1.2)), "RMSprop is far worse at a learning rate of 1"),
    ],
)
def test_flights_other_than_published(task, fails):
    claim = claim_about(published(comparison_of(flights=task())), "Late flights")
    assert claim.verdict == "differs"
    assert fails in claim.reason.partition("otherwise than published")[2]


def test_flights_that_all_diverged_are_no_tie():
    task = one_task(diverged={"rmsprop": range(8), "adagrad": range(8)})
    task["metric"] = task["metric"].where(~task["diverged"], INF)
    claim = claim_about(published(comparison_of(flights=task)), "Late flights")
    assert "it is not so that tuned they tie" in claim.reason


def test_flights_without_a_rate_of_one():
    rates = {"learning_rate": RATES[:3]}
    task = one_task({"rmsprop": {**rates, "one_minus_decay": REST}, "adagrad": rates})
    claim = claim_about(published(comparison_of(flights=task)), "Late flights")
    assert len(claim.measurements) == 2
