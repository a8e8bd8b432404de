"""The sentences, against ones written by hand."""

import dataclasses
import json
import math

import pytest

import synthetic_results as synthetic
from rmsprop.study import spelling
from rmsprop.study.comparison import Comparison
from rmsprop.study.report import remarks, sentences
from rmsprop.study.results import trials
from rmsprop.study.results.digest import Digest, digests
from rmsprop.study.results.statistics import Estimate
from rmsprop.study.results.summary import Difference

GRIDS = {
    "rmsprop": {"learning_rate": [1e-2, 1e-1]},
    "adagrad": {"learning_rate": [1e-2, 1e-1]},
}


def difference_of(task="digits", interval=None, verdict="undecided", **options):
    """A difference of RMSprop and AdaGrad: of a ratio on twenty seeds unless `options` say else."""
    none = Estimate(0.0, 0.0, 0.1)
    attributes = {
        "schedule": "own",
        "setting": "tuned",
        "metric_name": "test_error",
        "metric_label": "test error",
        "first": "rmsprop",
        "second": "adagrad",
        "better": "lower",
        "interval": interval or Estimate(0.94, 0.85, 1.03),
        "is_ratio": True,
        "well_tuned": None,
        "improvement": Estimate(0.5, 0.1, 0.9),
        "diverged": (none, none),
        "p_value": 0.5,
        "margin": 0.05,
        "verdict": verdict,
        "seeds": 20,
        "tuning_seeds": 3,
        "seeds_needed": None,
        "is_reference": False,
        **options,
    }
    return Difference(task, **attributes)


def _with(headlines, schedules=("constant",)):
    """Results whose headlines are those of a test."""

    class Given(Comparison):
        def differences(self, task=None, *, schedule=None, **options):
            if schedule == "own":
                return tuple(row for row in headlines if task in (None, row.task))
            return super().differences(task, schedule=schedule, **options)

    tasks = {
        row.task: synthetic.task(GRIDS, steps=10, schedules=schedules, seed=seed)
        for seed, row in enumerate(headlines)
    }
    return Given.of(tasks, synthetic.ROOT)


def _answer(interval=None, verdict="undecided", **options):
    (answer,) = sentences.answers(
        digests(_with([difference_of("digits", interval, verdict, **options)]))
    )
    return answer


TUNED = " Each optimizer is tuned on 3 of 20 seeds."


def test_answers_are_sentences():
    assert _answer(seeds_needed=23) == (
        "digits: RMSprop / AdaGrad is 0.94 [0.85, 1.03]: which is better is not decided (it would"
        " take about 23 seeds). Each optimizer is tuned on 3 of 20 seeds."
    )
    ratio = Estimate(0.80, 0.71, 0.90)
    assert _answer(ratio, "better").endswith(f"0.80 [0.71, 0.90]: RMSprop is better.{TUNED}")
    slightly = f"is 0.80 [0.71, 0.90]: RMSprop is slightly better.{TUNED}"
    assert _answer(ratio, "slightly better").endswith(slightly)
    assert _answer(ratio, "better", better="higher").endswith(f"AdaGrad is better.{TUNED}")
    points = Estimate(-0.001, -0.002, 0.001)
    options = {"is_ratio": False, "margin": 0.005, "better": "higher"}
    assert _answer(points, "equal", **options).endswith(
        f"RMSprop - AdaGrad is -0.0010 [-0.0020, 0.0010]: the two are equal within 0.005.{TUNED}"
    )
    assert _answer(ratio, "equal").endswith(f": the two are equal within 5 %.{TUNED}")
    assert _answer(ratio, "equal", margin=0.025).endswith(f"equal within 2.5 %.{TUNED}")
    few = ": there are too few seeds. Each optimizer is tuned on 3 of 5 seeds."
    assert _answer(ratio, seeds=5).endswith(few)


def test_what_half_of_the_seeds_choose_stands_beside_the_headline():
    half = Estimate(0.85, 0.78, 0.93)
    assert _answer(Estimate(0.8, 0.7, 0.9), "better", well_tuned=half).endswith(
        f"RMSprop is better.{TUNED} With tuning on 10 seeds, RMSprop / AdaGrad is 0.85 [0.78,"
        " 0.93]."
    )


@pytest.mark.parametrize(
    ("seeds", "text"),
    [(40, "40"), (99, "99"), (101, "110"), (1234, "1,300"), (9_901, "10,000"), (10_001, None)],
)
def test_the_seeds_that_an_answer_needs_have_two_digits(seeds, text):
    amount = f"about {text}" if text else "more than 10,000"
    words = f": which is better is not decided (it would take {amount} seeds).{TUNED}"
    assert _answer(seeds_needed=seeds).endswith(words)


def test_the_share_of_diverged_choices_is_said():
    shares = (Estimate(0.125, 0.0213, 0.38), Estimate(0.0, 0.0, 0.3))
    assert _answer(Estimate(1.2, 0.9, 1.6), diverged=shares).endswith(
        "RMSprop / AdaGrad is 1.20 [0.90, 1.60], where the run of RMSprop diverged in 12 % [2 %, 38"
        f" %] of the choices: which is better is not decided.{TUNED}"
    )
    few = (Estimate(0.0004, 0.00002, 0.169), Estimate(0.0, 0.0, 0.3))
    assert "diverged in below 0.1 % [below 0.1 %, 16.9 %] of" in _answer(diverged=few)
    none = (Estimate(0.008, 0.0, 0.169), Estimate(0.0, 0.0, 0.3))
    assert "diverged in 0.8 % [0.0 %, 16.9 %] of" in _answer(diverged=none)
    shares = (Estimate(1.0, 0.7, 1.0),) * 2
    assert _answer(Estimate(1, 1, 1), diverged=shares).endswith(
        "digits: All chosen runs of RMSprop and of AdaGrad diverged: which is better is not"
        f" decided.{TUNED}"
    )


def test_each_schedule_has_its_estimate_beside_the_headline():
    several = synthetic.task(GRIDS, steps=10, schedules=("inverse_sqrt", "constant"))
    comparison = Comparison.of({"t": several}, synthetic.ROOT)
    (answer,) = sentences.answers(digests(comparison))
    (own,) = comparison.headlines("t")
    both = [comparison.differences("t", schedule=x)[0] for x in ("inverse_sqrt", "constant")]
    assert own.well_tuned is not None
    assert answer == (
        f"t: {sentences.conclusion(own)}. Each optimizer runs under its own better schedule and is "
        f"tuned on 3 of 8 seeds. With tuning on 4 seeds, RMSprop / AdaGrad is {own.well_tuned}. "
        f"Under the same schedule, RMSprop / AdaGrad is {both[0].interval} (1/sqrt(t)) and "
        f"{both[1].interval} (constant)."
    )


def test_a_single_optimizer_has_results():
    grids = {"adagrad": GRIDS["adagrad"]}
    schedules = ("constant", "linear")
    task = synthetic.task(grids, steps=10, schedules=schedules, label="test error")
    task["metric"].loc[{"schedule": "linear"}] = math.inf
    for name in ("online_loss", "final_loss", "last_loss"):
        task[name].loc[{"schedule": "linear"}] = math.inf
    task["diverged"].loc[{"schedule": "linear"}] = True
    alone = Comparison.of({"t": synthetic.with_one_finalist(task)}, synthetic.ROOT)
    (answer,) = sentences.answers(digests(alone))
    (row,) = alone.summary("t")
    assert answer == (
        f"t: Under the schedule constant, the test error of AdaGrad is {row.metric}. Under the "
        "schedule linear to 0, AdaGrad has no test error, because 8 of 8 runs diverged."
    )
    assert sentences.overall(digests(alone)) == ""


BETTER = Estimate(0.5, 0.4, 0.6)
WORSE = Estimate(2.0, 1.7, 2.5)
KINDS = {
    "a": (BETTER, "better", 1e-6),
    "b": (BETTER, "slightly better", 1e-3),
    "c": (WORSE, "better", 1e-4),
    "d": (None, "equal", 0.4),
    "e": (None, "undecided", 0.2),
    "f": (None, "undecided", 0.3),
    "g": (BETTER, "slightly better", 0.04),
}


def _overall(names, schedules=("constant", "linear"), **options):
    rows = [
        difference_of(name, interval, verdict, p_value=p, **options)
        for name, (interval, verdict, p) in ((name, KINDS[name]) for name in names)
    ]
    return sentences.overall(digests(_with(rows, schedules)))


def test_the_answer_over_all_tasks_groups_them_by_verdict():
    start = "In the comparison of RMSprop with AdaGrad, "
    own = "Each optimizer runs under its own better schedule."
    assert _overall("abcdef") == (
        f"{start}RMSprop is better on a, slightly better on b; AdaGrad is better on c; the two are "
        f"equal on d; e and f are not decided. {own} The differences are corrected for 6 "
        "comparisons by Holm's method."
    )
    assert _overall("e") == f"{start}e is not decided. {own}"
    assert _overall("a", ["constant"]) == f"{start}RMSprop is better on a."
    assert _overall("e", seeds=5) == f"{start}there are too few seeds on e. {own}"


def test_a_verdict_that_holds_by_itself_alone_is_no_answer_over_all_tasks():
    """Of three p-values 0.04 is multiplied by one, if the others are smaller, or by more."""
    assert "RMSprop is better on a, slightly better on b and g" in _overall("abg")
    answer = _overall("aeg")
    assert "RMSprop is better on a; e and g are not decided." in answer
    assert answer.endswith(
        "The differences are corrected for 3 comparisons by Holm's method. Without this "
        "correction, there would be a verdict on g (RMSprop is slightly better) too."
    )


def test_the_answer_over_all_tasks_is_of_each_pair(full):
    answer = sentences.overall(digests(full))
    assert "SGD" not in answer, "references have no part in it"
    assert "corrected for 3 comparisons" in answer
    odd = Comparison.of({"t": synthetic.unusual()}, synthetic.ROOT)
    assert sentences.overall(digests(odd)) == (
        "In the comparison of RMSprop with AdaGrad, there are too few seeds on t. In the comparison"
        " of RMSprop with αdam, there are too few seeds on t. The differences are corrected for 2"
        " comparisons by Holm's method."
    )


def test_the_probability_of_improvement_is_that_of_all_tasks(full):
    (sentence,) = sentences.across_tasks(digests(full))
    assert sentence.startswith("On a new seed, RMSprop beats AdaGrad with a probability of 0.")
    assert sentence.endswith(", which is the mean over 3 tasks.")
    alone = Comparison.of({"t": synthetic.task(GRIDS, steps=10)}, synthetic.ROOT)
    assert sentences.across_tasks(digests(alone)) == []


def test_a_comma_in_the_name_of_a_metric_is_closed():
    assert spelling.metric("test loss") == "test loss"
    assert spelling.metric("loss, mean of all steps") == "loss, mean of all steps,"
    task = synthetic.task({"adagrad": GRIDS["adagrad"]}, steps=10, label="loss, mean of all steps")
    alone = Comparison.of({"t": synthetic.with_one_finalist(task)}, synthetic.ROOT)
    (answer,) = sentences.answers(digests(alone))
    assert answer.startswith("t: The loss, mean of all steps, of AdaGrad is ")


def test_the_winner_of_a_schedule_is_one_by_a_verdict(full):
    assert sentences.winners(Digest(full, "valley"), "linear") == {"rmsprop"}
    assert sentences.winners(Digest(full, "bible"), "linear") == {"adagrad"}, "not SGD, a reference"
    few = Comparison.of({"t": synthetic.task(GRIDS, seeds=4, steps=10)}, synthetic.ROOT)
    assert sentences.winners(Digest(few, "t"), "constant") == set()


def test_what_is_at_the_limit_of_its_grid_is_said_under_each_schedule(full):
    limits = remarks.limits(digests(full))
    assert (
        "On valley under the schedule linear to 0, the best learning rate of Adam is 0.01, "
        in (limits[2])
    )
    one = Comparison.of({"t": synthetic.task(GRIDS, steps=10)}, synthetic.ROOT)
    assert remarks.limits(digests(one)) == [
        "On t, the best learning rate of AdaGrad is 0.01, which is the end of the range that may be"
        " tried."
    ]


LONG = "eps 1e-07) has a memory longer than a third of the run, so that it is"


@pytest.mark.parametrize(
    ("fixed", "end"),
    [
        (None, "close to AdaGrad with another learning rate."),
        ({"bias_correction": True}, "close to AdaGrad with another learning rate."),
        (
            {"bias_correction": False},
            "close to AdaGrad with learning rate 0.316, initial accumulator value 0.0001.",
        ),
    ],
)
def test_an_rmsprop_that_is_adagrad_is_named(fixed, end, full, monkeypatch):
    """0.01 / sqrt(0.001) and 1e-7 / 0.001, for the averages without bias correction."""
    if fixed is not None:
        attributes = full.tree["valley"].attrs
        monkeypatch.setitem(attributes, "fixed", json.dumps({"rmsprop": fixed}))
    twins = remarks.twins(Digest(full, "valley"))
    assert len(twins) == 2, "one of each schedule"
    assert twins[0] == (
        "RMSprop on valley under the schedule constant (learning rate 0.01, decay 0.999, "
        f"{LONG} {end}"
    )
    assert remarks.twins(Digest(full, "digits")) == [], "0.99 forgets a third of 300 steps"


def test_a_long_memory_on_request_has_its_twin_named():
    long = spelling.LONG_MEMORY
    grids = {long: {**GRIDS["rmsprop"], "one_minus_decay": [1e-3], "eps": [1e-7]}}
    task = synthetic.task(grids, steps=300)
    task.attrs["fixed"] = json.dumps({long: {"bias_correction": False}})
    (twin,) = remarks.twins(Digest(Comparison.of({"t": task}, synthetic.ROOT), "t"))
    assert twin.startswith("RMSprop, long memory on t (learning rate ")
    assert LONG in twin


def test_facts_of_tuning_are_words():
    close = trials.RateInterval(0.003, 0.03, True)
    assert sentences.rates(close) == "0.003 to 0.03 (1.0 decades)"
    cut = trials.RateInterval(0.003, 0.03, False)
    assert sentences.rates(cut) == "0.003 to 0.03 (at least 1.0 decades)"
    assert sentences.rates(None) == "none, because every rate diverged"
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
    assert sentences.steps_to(Estimate(240.0, 240.0, 246.0)) == "240 [240, 246]"
    assert sentences.steps_to(Estimate(240.0, 240.0, inf)) == "240 [240, ∞]"
    assert sentences.steps_to(Estimate(240.0, nan, nan)) == "240 [no interval]"
    assert sentences.steps_to(Estimate(inf, inf, inf)) == "never"
    assert sentences.steps_to(Estimate(inf, 20, inf)) == "seldom"
    assert sentences.steps_to(Estimate(nan, nan, nan)) == "no target"


def test_two_seeds_are_no_evidence():
    two = Comparison.of({"t": synthetic.task(GRIDS, seeds=2, steps=10)}, synthetic.ROOT)
    (answer,) = sentences.answers(digests(two))
    assert "[no interval]: there are too few seeds. " in answer


def test_several_pairs_are_named():
    comparison = Comparison.of({"t": synthetic.unusual()}, synthetic.ROOT)
    (answer,) = sentences.answers(digests(comparison))
    assert answer.startswith("t: RMSprop / AdaGrad is ")
    assert ". RMSprop / αdam is " in answer
    assert answer.endswith("Each optimizer is tuned on 2 of 5 seeds.")


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
    [
        (0, "0 B"),
        (999, "999 B"),
        (104_488, "104 kB"),
        (2.5e6, "2.5 MB"),
        (3e9, "3 GB"),
        (8.8e13, "88 TB"),
        (8.8e16, "88,000 TB"),
    ],
)
def test_sizes(count, text):
    assert spelling.size(count) == text


def test_durations():
    assert spelling.seconds(0.000189) == "0.00019"
    assert spelling.seconds(math.nan) == "unknown"
    assert spelling.durations([7.9e-05, 9e-05, 0.00012]) == ["79 µs", "90 µs", "120 µs"]
    assert spelling.durations([0.0021, math.nan, 0.05]) == ["2.1 ms", "unknown", "50.0 ms"]
    assert spelling.durations([1.3, 12.0]) == ["1.3 s", "12.0 s"]
    assert spelling.durations([math.nan]) == ["unknown"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        *((0.54, "0.540"), (10.2, "10.2"), (2.5, "2.50"), (1234.5, "1230"), (999.9, "1000")),
        *((2e-7, "2.00e-07"), (-0.0, "0"), (0, "0"), (math.nan, "unknown"), (-1.5, "-1.50")),
        *((math.inf, "∞"), (-math.inf, "-∞"), (3.2e7, "3.20e+07")),
    ],
)
def test_numbers_have_three_digits(number, words):
    assert spelling.number(number) == words


def test_settings_are_named_after_who_ships_them():
    assert [spelling.defaults(x) for x in ("tuned", "torch", "keras", "optax", "default")] == [
        *("tuned", "defaults of PyTorch", "defaults of Keras", "defaults of Optax", "default")
    ]
    assert [spelling.setting(x) for x in ("torch", "default")] == ["PyTorch", "default"]
