"""Claims beside results that were made up to support them and to contradict them."""

import re

import numpy as np
import pytest

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report.claims.general import claims
from rmsprop.study.report.claims.published import published

pytestmark = pytest.mark.slow

RATES = [1e-3, 1e-2, 1e-1, 1.0]
REST = [0.1, 0.01, 0.001]
GRIDS = {
    "rmsprop": {"learning_rate": RATES, "one_minus_decay": REST},
    "adagrad": {"learning_rate": RATES},
}
INF = float("inf")


def _task(grids=GRIDS, better="lower", seeds=8, tuning_seeds=5, **attributes):
    made = synthetic.task(
        grids, better=better, seeds=seeds, tuning_seeds=tuning_seeds, steps=40, **attributes
    )
    random = np.random.default_rng(1)
    made["metric"] = made["metric"].copy(
        data=1 + 0.01 * random.standard_normal(made["metric"].shape)
    )
    return made


def _metric(task, rmsprop=0.0, adagrad=0.0, default=0.0):
    """Differences put between the two, and between the settings of both."""
    task["metric"].loc[{"optimizer": "rmsprop"}] += rmsprop
    task["metric"].loc[{"optimizer": "adagrad"}] += adagrad
    task["metric"].loc[{"setting": "default"}] += default
    return task


def _slopes(task, rmsprop=0.0, adagrad=-0.5, spread=0.01):
    """Effective rates that are powers of the step, with other exponents on other seeds."""
    steps = task["bin"].values[:, None]
    noise = spread * np.linspace(-1, 1, task.sizes["seed"])[:, None, None]
    for name, power in (("rmsprop", rmsprop), ("adagrad", adagrad)):
        task["effective_rate"].loc[{"optimizer": name}] = (steps ** (power + noise)).astype("f4")
    return task


def _scores(task, adagrad, **decays):
    """Scores of the tuning runs; `of(rate, 1 - decay)` is what a configuration reaches."""
    noise = 1e-4 * np.arange(task.sizes["tuning_seed"])
    for name, of in (("rmsprop", decays["rmsprop"]), ("adagrad", adagrad)):
        row = task.sel(optimizer=name, schedule="constant")
        for j in np.flatnonzero(row["learning_rate"].notnull()):
            rate = float(row["learning_rate"][j])
            rest = float(row["one_minus_decay"][j])
            place = {"optimizer": name, "schedule": "constant", "configuration": j}
            task["tuning_score"].loc[place] = of(rate, rest) + noise
    task["tuning_diverged"] = np.isinf(task["tuning_score"])
    return task


def _bowl(width):
    """Scores from 1 upwards; the width is of what is good, in decades around a rate of 0.01."""
    return lambda rate, _: 1 + (2 * np.log10(rate / 0.01) / width) ** 2 / 20


def _compared(**tasks):
    return Comparison.of(tasks, synthetic.ROOT)


def _one(found, words):
    """The claim that says this, if it is there, which must read well."""
    chosen = [claim for claim in found if words in claim.said]
    assert len(chosen) <= 1
    for claim in chosen:
        for text in (claim.said, claim.because, *claim.measured):
            _reads_well(text)
    return chosen[0] if chosen else None


def _reads_well(text):
    assert not re.search(r"\bnan\b|None|  |<|\.\.|,,|;;|_", text), text
    assert text.endswith("."), text


FALLS, SETTLES = "keeps falling, about", "settles"


def test_adagrads_rate_falls():
    found = _one(claims(_compared(valley=_slopes(_task()))), FALLS)
    assert found.verdict == "supported"
    assert found.because == "It falls about as t^-1/2 on valley."
    assert found.measured == ("valley: AdaGrad's exponent is -0.500 [-0.507, -0.493].",)


@pytest.mark.parametrize(
    ("exponent", "spread", "verdict", "because"),
    [
        (-0.25, 0.01, "supported", "It falls more slowly than t^-1/2 on own."),
        (-0.9, 0.01, "supported", "It falls faster than t^-1/2 on own."),
        (-0.5, 0.3, "supported", "It falls at a pace that the interval leaves open, on own."),
        (0.2, 0.01, "not supported", "It does not fall on own."),
        (0.0, 0.01, "not shown here", "No fall is shown on own."),
    ],
)
def test_another_exponent_of_adagrad(exponent, spread, verdict, because):
    task = _slopes(_task(), adagrad=exponent, spread=spread)
    found = _one(claims(_compared(own=task)), FALLS)
    assert (found.verdict, found.because) == (verdict, because)


@pytest.mark.parametrize(
    ("rmsprop", "adagrad", "verdict", "because"),
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
def test_rmsprops_rate_settles(rmsprop, adagrad, verdict, because):
    task = _slopes(_task(), rmsprop=rmsprop, adagrad=adagrad)
    found = _one(claims(_compared(own=task)), SETTLES)
    assert (found.verdict, found.because) == (verdict, because)


def test_rates_that_were_not_seen():
    task = _task()
    task["effective_rate"][:] = np.nan
    mixed = _slopes(_task())
    mixed["effective_rate"].loc[{"seed": mixed["seed"][:2]}] = np.nan
    for words in (FALLS, SETTLES):
        found = _one(claims(_compared(own=task)), words)
        assert found.verdict == "not shown here"
        assert found.because == "Nothing was seen on own."
        assert _one(claims(_compared(own=mixed)), words).verdict == "supported"
        assert _one(claims(_compared(own=mixed, none=task)), words).verdict == "mixed"


def test_the_schedule_is_not_mistaken_for_the_optimizer():
    task = _task(schedules=("linear", "constant"))
    found = claims(_compared(own=task))
    assert _one(found, FALLS) is None
    assert _one(found, SETTLES) is None
    assert _one(found, "requires tuning") is not None


@pytest.mark.parametrize(
    ("words", "tasks", "favourite"),
    [
        ("narrow valley", ("valley", "rosenbrock"), "rmsprop"),
        ("sparse", ("bible", "flights", "rare"), "adagrad"),
        ("deep networks", ("digits", "mnist", "characters", "drift"), "rmsprop"),
    ],
)
@pytest.mark.parametrize("better", ["lower", "higher"])
def test_who_wins(words, tasks, favourite, better):
    other = {"rmsprop": "adagrad", "adagrad": "rmsprop"}[favourite]
    gain = -0.2 if better == "lower" else 0.2
    won = {task: _metric(_task(better=better), **{favourite: gain}) for task in tasks}
    lost = {task: _metric(_task(better=better), **{other: gain}) for task in tasks}
    tied = {task: _task(better=better) for task in tasks}
    found = _one(claims(_compared(**won)), words)
    assert found.verdict == "supported"
    assert [line.partition(":")[0] for line in found.measured] == list(tasks)
    assert all("RMSprop - AdaGrad is " in line for line in found.measured)
    assert _one(claims(_compared(**lost)), words).verdict == "not supported"
    assert _one(claims(_compared(**tied)), words).verdict == "not shown here"
    first, second = tasks[:2]
    both = _one(claims(_compared(**{first: won[first], second: lost[second]})), words)
    assert both.verdict == "mixed"
    assert both.because.count("is better on") == 2
    some = _one(claims(_compared(**{first: won[first], second: tied[second]})), words)
    assert some.verdict == "mixed"
    assert some.because.endswith(f"is better on {first}; no difference is shown on {second}.")
    assert _one(claims(_compared(own=won[first])), words) is None


def test_runs_that_diverged():
    task = _task(diverged={"rmsprop": range(8)})
    task["metric"] = task["metric"].where(~task["diverged"], INF)
    found = _one(claims(_compared(bible=task)), "sparse")
    assert found.verdict == "supported"
    assert "∞" in found.measured[0]
    both = _task(diverged={"rmsprop": range(8), "adagrad": range(8)})
    both["metric"] = both["metric"].where(~both["diverged"], INF)
    for claim in claims(_compared(bible=both)):
        assert _one([claim], claim.said)
    assert _one(claims(_compared(bible=both)), "sparse").verdict == "not shown here"


DECAY = "The decay of RMSprop matters"


def _by_decay(scores, adagrad, **options):
    of = {rest: scores[k] for k, rest in enumerate(REST)}
    return _scores(_task(**options), lambda *_: adagrad, rmsprop=lambda _, rest: of[rest])


def test_the_decay_matters_more():
    task = _by_decay([0.7, 0.5, 0.6], 0.51)
    found = _one(claims(_compared(own=task)), DECAY)
    assert found.verdict == "supported"
    assert found.because == "The decay makes the larger difference on own."
    (line,) = found.measured
    assert "0.70020 [0.70000, 0.70040] at 0.9, " in line
    assert "at 0.999; 0.99 is best, and 0.9 is 0.200 [0.200, 0.200] from it" in line
    assert line.endswith("AdaGrad 0.0100 [0.0100, 0.0100] (5 tuning seeds).")


def test_the_optimizer_matters_more():
    found = _one(claims(_compared(own=_by_decay([0.52, 0.5, 0.51], 0.7))), DECAY)
    assert found.verdict == "not supported"
    task = _by_decay([0.52, 0.5, 0.51], 0.52)
    assert _one(claims(_compared(own=task)), DECAY).verdict == "not shown here"
    higher = _by_decay([0.9, 0.5, 0.6], 0.85, better="higher")
    found = _one(claims(_compared(own=higher)), DECAY)
    assert found.verdict == "supported"
    assert "; 0.9 is best, and 0.99 is 0.4" in found.measured[0]


def test_decays_that_diverge_and_grids_without():
    found = _one(claims(_compared(own=_by_decay([0.7, 0.5, INF], 0.51))), DECAY)
    assert found.verdict == "supported"
    found = _one(claims(_compared(own=_by_decay([INF, INF, INF], INF))), DECAY)
    assert found.verdict == "not shown here"
    none = {name: {"learning_rate": RATES} for name in GRIDS}
    assert _one(claims(_compared(own=_task(none))), DECAY) is None
    single = {**GRIDS, "rmsprop": {"learning_rate": RATES, "one_minus_decay": [0.1]}}
    assert _one(claims(_compared(own=_task(single))), DECAY) is None
    # The same under another name of the argument.
    alpha = {**GRIDS, "rmsprop": {"learning_rate": RATES, "one_minus_alpha": REST}}
    assert _one(claims(_compared(own=_task(alpha))), DECAY) is not None


FORGIVES = "forgives"


def test_learning_rates_are_forgiving():
    wide, narrow = _bowl(2.0), _bowl(0.5)
    found = _one(claims(_compared(own=_scores(_task(), wide, rmsprop=narrow))), FORGIVES)
    assert found.verdict == "supported"
    assert found.because == "AdaGrad's range is wider on own."
    assert re.search(r"2\.0\d* \[.*\] decades of learning rates are within 5 %", found.measured[0])
    found = _one(claims(_compared(own=_scores(_task(), narrow, rmsprop=wide))), FORGIVES)
    assert found.verdict == "not supported"
    found = _one(claims(_compared(own=_scores(_task(), wide, rmsprop=wide))), FORGIVES)
    assert found.verdict == "not shown here"


def test_a_range_that_the_grid_cuts_off():
    endless = _bowl(20.0)
    cut = _scores(_task(), endless, rmsprop=_bowl(1.0))
    found = _one(claims(_compared(own=cut)), FORGIVES)
    assert found.verdict == "supported"
    assert "at least 3.00 [3.00, 3.00] decades" in found.measured[0]
    other = _scores(_task(), _bowl(2.0), rmsprop=lambda rate, _: 1 + (rate > 0.001))
    found = _one(claims(_compared(own=other)), FORGIVES)
    assert (found.verdict, found.because) == (
        "not shown here",
        "The grid ends too early to tell on own.",
    )
    bad = _scores(_task(), lambda *_: INF, rmsprop=endless)
    found = _one(claims(_compared(own=bad)), FORGIVES)
    assert (found.verdict, found.because) == ("not shown here", "No width is known on own.")


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_tuning_is_required(better):
    loss = 0.2 if better == "lower" else -0.2
    for default, verdict in ((loss, "supported"), (-loss, "not supported"), (0, "not shown here")):
        task = _metric(_task(better=better), default=default)
        found = _one(claims(_compared(own=task)), "requires tuning")
        assert found.verdict == verdict
        assert "with defaults RMSprop - AdaGrad is " in found.measured[0]


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_few_seeds_decide_nothing(seeds):
    task = _slopes(_metric(_task(seeds=seeds, tuning_seeds=1), rmsprop=-0.5, default=2.0))
    found = claims(_compared(valley=task))
    assert len(found) == 6
    for claim in found:
        assert claim.verdict == "not shown here"
        _one([claim], claim.said)
    few = [claim for claim in found if claim.because == "There are too few seeds on valley."]
    assert len(few) == 4


def test_without_one_of_the_two_nothing_is_said():
    for name in GRIDS:
        only = _compared(valley=_task({name: GRIDS["rmsprop"], "adam": GRIDS["rmsprop"]}))
        assert claims(only) == published(only) == []
    named = _compared(
        valley=_task({"rmsprop-plain": GRIDS["rmsprop"], "Adagrad": GRIDS["adagrad"]})
    )
    assert claims(named) == []


def test_the_two_among_others_and_in_any_order():
    others = {"adam": GRIDS["adagrad"], "adagrad": GRIDS["adagrad"], "rmsprop": GRIDS["rmsprop"]}
    task = _slopes(_metric(_task(others), rmsprop=-0.2))
    found = claims(_compared(valley=task))
    assert _one(found, "narrow valley").because == "RMSprop is better on valley."
    assert _one(found, FALLS).verdict == _one(found, SETTLES).verdict == "supported"


# Published results.


def test_the_published_bible():
    as_published = _by_decay([0.483, 0.518, 0.524], 0.520, better="higher")
    found = _one(published(_compared(bible=as_published)), "Bible")
    assert found.verdict == "agrees"
    assert found.because == (
        "As published, decay 0.9 is below 0.99, decay 0.99 is below 0.999 and AdaGrad is nearer to "
        "decays 0.99 and 0.999 than to 0.9."
    )
    assert len(found.measured) == 3
    other = _by_decay([0.53, 0.518, 0.524], 0.54, better="higher")
    found = _one(published(_compared(bible=other)), "Bible")
    assert found.verdict == "differs"
    assert found.because == (
        "As published, decay 0.99 is below 0.999; otherwise than published, it is not so that "
        "decay 0.9 is below 0.99 and AdaGrad is nearer to decays 0.99 and 0.999 than to 0.9."
    )


def test_the_published_characters():
    of = "Next character"
    as_published = _by_decay([1.6, 1.7, 1.9], 1.8)
    assert _one(published(_compared(characters=as_published)), of).verdict == "agrees"
    for scores, adagrad in (([1.8, 1.7, 1.9], 1.8), ([1.6, 1.7, 1.9], 1.65), ([INF] * 3, INF)):
        found = _one(published(_compared(characters=_by_decay(scores, adagrad))), of)
        assert found.verdict == "differs"


def test_published_decays_that_were_not_tried():
    grids = {**GRIDS, "rmsprop": {"learning_rate": RATES, "one_minus_decay": [0.3, 0.03]}}
    task = _task(grids)
    assert published(_compared(bible=task, characters=task, own=_task())) == []


def _flights(rmsprop=0.001, wide=2.0, at_one=2.8):
    """AdaGrad's bowl is 1.1 at a rate of 1, for a width of 2.8; RMSprop's is narrower."""

    def of_rmsprop(rate, rest):
        return at_one if rate == 1 and rest == 0.01 else _bowl(1.0)(rate, rest)

    return _metric(_scores(_task(), _bowl(wide), rmsprop=of_rmsprop), rmsprop=rmsprop)


def _close(task):
    """The same seeds for both, so that a small difference is known well."""
    task["metric"].loc[{"optimizer": "rmsprop"}] = (
        task["metric"].sel(optimizer="adagrad").values + 0.001
    )
    return task


def test_the_published_flights():
    found = _one(published(_compared(flights=_close(_flights(at_one=INF)))), "Late flights")
    assert found.verdict == "agrees"
    assert found.because == (
        "As published, tuned they tie within 1 %, AdaGrad's range of good learning rates is the "
        "wider one and RMSprop is far worse at a learning rate of 1."
    )
    assert "of RMSprop ∞" in found.measured[2]


@pytest.mark.parametrize(
    ("task", "fails"),
    [
        (lambda: _flights(rmsprop=0.5), "tuned they tie within 1 %"),
        (lambda: _close(_flights(wide=0.5)), "AdaGrad's range of good learning rates is the wider"),
        (lambda: _close(_flights(at_one=1.2)), "RMSprop is far worse at a learning rate of 1"),
    ],
)
def test_flights_other_than_published(task, fails):
    found = _one(published(_compared(flights=task())), "Late flights")
    assert found.verdict == "differs"
    assert fails in found.because.partition("otherwise than published")[2]


def test_flights_that_all_diverged_are_no_tie():
    task = _task(diverged={"rmsprop": range(8), "adagrad": range(8)})
    task["metric"] = task["metric"].where(~task["diverged"], INF)
    found = _one(published(_compared(flights=task)), "Late flights")
    assert "it is not so that tuned they tie" in found.because


def test_flights_without_a_rate_of_one():
    rates = {"learning_rate": RATES[:3]}
    task = _task({"rmsprop": {**rates, "one_minus_decay": REST}, "adagrad": rates})
    found = _one(published(_compared(flights=task)), "Late flights")
    assert len(found.measured) == 2


def test_every_sentence_of_a_whole_comparison_reads_well():
    made = synthetic.comparison()
    found = [*claims(made), *published(made)]
    assert len(found) == 9
    for claim in found:
        _one(found, claim.said)
