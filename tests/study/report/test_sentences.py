"""The sentences, against ones written by hand."""

import dataclasses
import math

import pytest

import synthetic_results as synthetic
from rmsprop.study import spelling
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import sentences
from rmsprop.study.results import trials
from rmsprop.study.results.schema import Better
from rmsprop.study.results.statistics import Estimate
from rmsprop.study.results.summary import Difference, Row

GRIDS = {
    "rmsprop": {"learning_rate": [1e-2, 1e-1]},
    "adagrad": {"learning_rate": [1e-2, 1e-1]},
}


def _results(rows, difference, verdict="undecided", better: Better = "lower", **options):
    """Results of one task whose rows and whose difference are those of a test.

    Args:
        rows: The name of each optimizer, its reported metric and its diverged runs (default 0).
        difference: The difference of the first two.
        verdict: On the two.
        better: Which values of the metric are better.
        options: Other attributes of the difference than those of a ratio on ten seeds.
    """
    none = Estimate(1.0, 1.0, 1.0)

    def row(name, metric, diverged=0):
        values = {"learning_rate": 0.00316, "one_minus_decay": 0.03162}
        place = ("digits", name, "constant", "tuned")
        losses = (none, none, none, none)
        return Row(*place, values, "", 27, 0, metric, 1, 1, *losses, diverged, 5, 0.01, 1, 100, 100)

    attributes = {
        "metric": difference,
        "is_ratio": True,
        "improvement": Estimate(0.5, 0.1, 0.9),
        "diverged": (Estimate(0, 0, 0.1),) * 2,
        "p_value": 0.5,
        "margin": 0.05,
        "verdict": verdict,
        "seeds": 10,
        "tuning_seeds": 3,
        "seeds_needed": None,
        **options,
    }

    class Given(Comparison):
        def summary(self, *_, **__):
            return tuple(row(*arguments) for arguments in rows)

        def differences(self, *_, **__):
            place = ("digits", "constant", "tuned", rows[0][0], rows[1][0])
            return (Difference(*place, better, **attributes),)

    task = synthetic.task(GRIDS, steps=10, label="test error", better=better)
    return Given.of({"digits": task}, synthetic.ROOT)


def _answer(*arguments, **options):
    (answer,) = sentences.answers(_results(*arguments, **options))
    return answer


ROWS = [("rmsprop", Estimate(0.031, 0.028, 0.034)), ("adagrad", Estimate(0.033, 0.03, 0.036))]


def test_answers_are_single_sentences():
    assert _answer(ROWS, Estimate(0.94, 0.85, 1.03), seeds_needed=23) == (
        "digits: RMSprop reaches test error 0.0310 [0.0280, 0.0340], AdaGrad "
        "0.0330 [0.0300, 0.0360]; over all choices on 3 of the 10 seeds, RMSprop / AdaGrad is "
        "0.94 [0.85, 1.03]: not decided (it would take about 23 seeds)."
    )
    ratio = Estimate(0.80, 0.71, 0.90)
    assert _answer(ROWS, ratio, "better").endswith("0.80 [0.71, 0.90]: RMSprop is better.")
    slightly = "is 0.80 [0.71, 0.90]: RMSprop is slightly better."
    assert _answer(ROWS, ratio, "slightly better").endswith(slightly)
    assert _answer(ROWS, ratio, "better", "higher").endswith("AdaGrad is better.")
    points = Estimate(-0.001, -0.002, 0.001)
    options = {"is_ratio": False, "margin": 0.005}
    assert _answer(ROWS, points, "equal", "higher", **options).endswith(
        "RMSprop - AdaGrad is -0.0010 [-0.0020, 0.0010]: equal within 0.005."
    )
    assert _answer(ROWS, ratio, "equal").endswith("equal within 5 %.")
    assert _answer(ROWS, ratio, "equal", margin=0.025).endswith("equal within 2.5 %.")
    assert _answer(ROWS, ratio, seeds=5).endswith("too few seeds.")


@pytest.mark.parametrize(
    ("seeds", "text"),
    [(40, "40"), (99, "99"), (101, "110"), (1234, "1,300"), (9_901, "10,000"), (10_001, None)],
)
def test_the_seeds_that_an_answer_needs_have_two_digits(seeds, text):
    answer = _answer(ROWS, Estimate(0.94, 0.85, 1.03), seeds_needed=seeds)
    amount = f"about {text}" if text else "more than 10,000"
    assert answer.endswith(f": not decided (it would take {amount} seeds).")


def test_the_share_of_diverged_choices_is_said():
    shares = (Estimate(0.125, 0.0213, 0.38), Estimate(0.0, 0.0, 0.3))
    answer = _answer(ROWS, Estimate(1.2, 0.9, 1.6), diverged=shares)
    assert answer.endswith(
        "RMSprop / AdaGrad is 1.20 [0.90, 1.60], in 12 % [2.1 %, 38 %] of the choices the run of "
        "RMSprop diverged: not decided."
    )
    shares = (Estimate(1.0, 0.7, 1.0),) * 2
    answer = _answer(ROWS, Estimate(1, 1, 1), diverged=shares)
    assert answer.endswith(
        "seeds, all chosen runs of RMSprop and of AdaGrad diverged: not decided."
    )


def test_diverged_runs_are_counted():
    lost = [("rmsprop", Estimate(0.031, 0.028, float("inf")), 1), ("mine", ROWS[1][1])]
    answer = _answer(lost, Estimate(0.94, 0.85, 1.03))
    assert "RMSprop reaches test error 0.0310 [0.0280, ∞], mine 0.0330" in answer
    assert answer.endswith("not decided; diverged: 1 of 5 RMSprop runs.")


def test_what_is_infinite_reads_well():
    lost = ("rmsprop", Estimate(math.inf, 0.5, math.inf), 3)
    ratio = Estimate(2.1, 1.9, 2.3)
    assert _answer([lost, ROWS[1]], ratio, "better") == (
        "digits: RMSprop reaches no test error, for 3 of 5 runs diverged, AdaGrad 0.0330 [0.0300, "
        "0.0360]; over all choices on 3 of the 10 seeds, RMSprop / AdaGrad is 2.10 [1.90, 2.30]: "
        "AdaGrad is better."
    )
    assert _answer([ROWS[1], lost], ratio).startswith(
        "digits: AdaGrad reaches test error 0.0330 [0.0300, 0.0360], RMSprop none, for 3 of 5 runs "
        "diverged; over all choices on"
    )


def test_the_schedule_is_named_where_there_are_several():
    several = synthetic.task(GRIDS, steps=10, schedules=("inverse_sqrt", "constant"))
    comparison = Comparison.of({"t": several}, synthetic.ROOT)
    (answer,) = sentences.answers(comparison)
    assert answer.startswith("t under the schedule 1/sqrt(t): RMSprop reaches")
    (row, _) = comparison.summary("t")
    assert str(row.metric) in answer
    (own,) = comparison.differences("t", schedule="own")
    assert f"; each under its own best schedule, {sentences.conclusion(own)}." in answer


def test_facts_of_tuning_are_words():
    close = trials.RateInterval(0.003, 0.03, True)
    assert sentences.rates(close) == "0.003 to 0.03 (1.0 decades)"
    cut = trials.RateInterval(0.003, 0.03, False)
    assert sentences.rates(cut) == "0.003 to 0.03 (at least 1.0 decades)"
    assert sentences.rates(None) == "none, every rate diverged"
    comparison = Comparison.of({"t": synthetic.task(GRIDS, steps=10)}, synthetic.ROOT)
    row = comparison.summary("t")[0]
    tried = [sentences.trials(dataclasses.replace(row, trials=30, growths=n)) for n in range(4)]
    assert tried == [
        "30",
        "30, its grid grew once",
        "30, its grid grew twice",
        "30, its grid grew 3 times",
    ]


def test_steps_to_a_target_are_words():
    inf, nan = math.inf, math.nan
    assert sentences.steps_to(Estimate(30, 20, 40)) == "30 [20, 40]"
    assert sentences.steps_to(Estimate(inf, inf, inf)) == "never"
    assert sentences.steps_to(Estimate(inf, 20, inf)) == "seldom"
    assert sentences.steps_to(Estimate(nan, nan, nan)) == "no target"


def test_two_seeds_are_no_evidence():
    two = Comparison.of({"t": synthetic.task(GRIDS, seeds=2, steps=10)}, synthetic.ROOT)
    (answer,) = sentences.answers(two)
    assert answer.endswith("[no interval]: too few seeds.")


def test_several_pairs_are_named():
    comparison = Comparison.of({"t": synthetic.unusual()}, synthetic.ROOT)
    (answer,) = sentences.answers(comparison)
    assert "; over all choices on 2 of the 5 seeds, RMSprop / AdaGrad is" in answer
    assert "; RMSprop / αdam is" in answer


@pytest.mark.parametrize(
    ("hyperparameter", "number", "text"),
    [
        ("learning_rate", 0.0031622776, "learning rate 0.00316"),
        ("initial_accumulator_value", 0.1, "initial accumulator value 0.1"),
        ("one_minus_decay", 0.1, "decay 0.9"),
        ("one_minus_decay", 0.031622776, "decay 0.968"),
        ("one_minus_decay", 0.00031622776, "decay 0.99968"),
        ("one_minus_decay", 1e-5, "decay 0.99999"),
        ("one_minus_decay", 1.0, "decay 0"),
    ],
)
def test_settings_are_written_as_they_are_passed(hyperparameter, number, text):
    assert spelling.settings({hyperparameter: number}) == text


def test_settings_are_listed():
    assert spelling.settings({"learning_rate": 1.0, "eps": 1e-8}) == "learning rate 1, eps 1e-08"
    assert spelling.axis("one_minus_decay") == "1 - decay"


def test_names_are_as_people_write_them():
    assert [spelling.name(x) for x in ("rmsprop", "adagrad", "mine")] == [
        "RMSprop",
        "AdaGrad",
        "mine",
    ]
    assert spelling.short("x" * 20) == "x" * 20
    assert spelling.short("x" * 21) == "x" * 19 + "…"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (104_488, "104 kB"), (2.5e6, "2.5 MB"), (3e9, "3 GB")],
)
def test_sizes(count, text):
    assert spelling.size(count) == text


def test_durations():
    assert spelling.seconds(0.000189) == "0.00019"
    assert spelling.seconds(math.nan) == "unknown"
