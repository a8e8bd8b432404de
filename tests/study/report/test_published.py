"""Published results beside results that were made up to agree, to differ and to show neither."""

import pytest
from claim_results import (
    GRIDS,
    INF,
    RATES,
    claim_about,
    comparison_of,
    comparison_of_finalists,
    one_task,
    published,
    with_differences,
    with_finalists,
    with_regrets,
)

pytestmark = pytest.mark.slow

RMSPROP = "the test error (share of images) of RMSprop with decay"


def _bible(scores, adagrad, **options):
    task = with_finalists(one_task(better="higher", **options), scores, adagrad)
    return claim_about(published(comparison_of_finalists(**{"bible-books": task})), "Bible")


def test_the_published_bible():
    claim = _bible({0.1: 0.48, 0.01: 0.52}, 0.52)
    assert claim.verdict == "agrees"
    assert claim.reason == (
        f"As published, {RMSPROP} 0.9 is below that of RMSprop with decay 0.99 and {RMSPROP} 0.9 is"
        " below that of AdaGrad."
    )
    assert len(claim.measurements) == 2
    assert claim.measurements[0].startswith("RMSprop with decay 0.9 - RMSprop with decay 0.99 is ")
    claim = _bible({0.1: 0.52, 0.01: 0.48}, 0.56)
    assert claim.verdict == "differs"
    assert claim.reason == (
        f"As published, {RMSPROP} 0.9 is below that of AdaGrad; unlike in the published result, it"
        f" is not so that {RMSPROP} 0.9 is below that of RMSprop with decay 0.99."
    )


def test_an_order_without_an_interval_that_shows_it_is_not_shown():
    # The means are in the published order; with few seeds or near each other nothing follows.
    claim = _bible({0.1: 0.5199, 0.01: 0.52}, 0.56)
    assert claim.verdict == "not shown here"
    assert claim.reason.endswith(
        f"it is not shown here that {RMSPROP} 0.9 is below that of RMSprop with decay 0.99."
    )
    assert _bible({0.1: 0.48, 0.01: 0.52}, 0.52, seeds=5).verdict == "not shown here"


def test_a_decay_that_the_race_left_none_of():
    claim = _bible({0.01: 0.52}, 0.52)
    assert claim.verdict == "not shown here"
    assert claim.measurements == ("No finalist of RMSprop has decay 0.9.",)


def test_the_published_characters():
    for scores, adagrad, verdict in (
        ({0.1: 1.6, 0.01: 1.7}, 1.8, "agrees"),
        ({0.1: 1.8, 0.01: 1.7}, 1.8, "differs"),
        ({0.1: 1.6, 0.01: 1.7}, 1.5, "differs"),
        ({0.1: 1.6, 0.01: 1.7}, 1.7, "not shown here"),
    ):
        task = with_finalists(one_task(), scores, adagrad)
        answers = published(comparison_of_finalists(characters=task))
        assert claim_about(answers, "next character").verdict == verdict


def test_published_decays_that_were_not_tried():
    grids = {**GRIDS, "rmsprop": {"learning_rate": RATES, "one_minus_decay": [0.3, 0.03]}}
    task = one_task(grids)
    names = {"bible-books": task, "characters": task, "bible": one_task(), "own": one_task()}
    assert published(comparison_of(**names)) == []


def test_the_constant_schedule_is_compared():
    task = with_finalists(
        one_task(better="higher", schedules=("linear", "constant")), {0.1: 0.48, 0.01: 0.52}, 0.52
    )
    for name in ("finalist_choice", "finalist_report"):
        place = {"optimizer": "rmsprop", "schedule": "linear", "finalist": 0}
        task[name].loc[place] += 0.3
    answers = published(comparison_of_finalists(**{"bible-books": task}))
    assert claim_about(answers, "Bible").verdict == "agrees"


LITTLE, MUCH = (1.3, 1.1, 1.1, 1.3), (4.0, 2.0, 2.0, 4.0)


def _flights(difference, rmsprop, adagrad, **options):
    task = one_task(**options)
    same = task["metric"].sel(optimizer="adagrad").values
    task["metric"].loc[{"optimizer": "rmsprop"}] = same + difference
    answers = published(comparison_of(flights=with_regrets(task, rmsprop, adagrad)))
    return claim_about(answers, "Late flights")


def test_the_published_flights():
    claim = _flights(0.001, MUCH, LITTLE)
    assert claim.verdict == "agrees"
    assert claim.reason == (
        "As published, the tuned optimizers differ by at most 1 % and RMSprop loses more than "
        "AdaGrad from a learning rate that is far off."
    )
    for difference, rmsprop, adagrad, fails in (
        (0.5, MUCH, LITTLE, "the tuned optimizers differ by at most 1 %"),
        (-0.5, MUCH, LITTLE, "the tuned optimizers differ by at most 1 %"),
        (0.001, LITTLE, MUCH, "RMSprop loses more"),
    ):
        claim = _flights(difference, rmsprop, adagrad)
        assert claim.verdict == "differs"
        assert fails in claim.reason.partition("unlike in the published result")[2]
    assert _flights(0.001, LITTLE, LITTLE).verdict == "not shown here"
    assert _flights(0.01, MUCH, LITTLE).verdict == "not shown here"


def test_flights_that_all_diverged_show_no_tie():
    task = one_task(diverged={"rmsprop": range(8), "adagrad": range(8)})
    task["metric"] = task["metric"].where(~task["diverged"], INF)
    claim = claim_about(published(comparison_of(flights=task)), "Late flights")
    assert "not shown here that the tuned optimizers differ by at most" in claim.reason


def test_flights_that_never_ran_with_a_wrong_rate():
    task = with_differences(one_task(), rmsprop=0.5)
    task["off_rate_report"][:] = float("nan")
    claim = claim_about(published(comparison_of(flights=task)), "Late flights")
    assert len(claim.measurements) == 1
    assert claim.verdict == "differs"
