"""What a comparison tunes, refuses and runs, on problems whose right answers are known."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from engines import engine_of

import rmsprop
from rmsprop.study import Optimizer, Problem, Tunable, compare, comparison, optimizer
from rmsprop.study.folder import StudyFolder
from rmsprop.study.optimizers import TRIALS
from rmsprop.study.running import protocol
from tiny_problem import tiny


def _sgd(learning_rate):
    return optax.sgd(learning_rate)


def test_grids_grow_until_the_best_is_inside():
    """SGD on the parabola is best with a rate near 0.4, which is 2 here: beyond the first grid."""
    finder = optimizer("sgd", lambda learning_rate: optax.sgd(0.2 * learning_rate))
    result = compare([tiny()], [finder], seeds=2, tuning_seeds=1, schedules="constant")
    sgd = result.view("tiny").sel(optimizer="sgd")
    rates = sgd["learning_rate"].values
    best = rates[int(sgd["chosen"])]
    assert 1.0 < best < np.nanmax(rates)
    growth = sgd["growth"].values[np.isfinite(rates)]
    assert (growth == 0).sum() == TRIALS
    assert growth.max() > 0
    # Half a decade each time, in steps of the grid, 4 decades in 53 of them.
    assert len(growth) == TRIALS + int(0.5 / (4 / 53)) * growth.max()
    assert sgd["at_edge"] == "[]"


def test_a_limit_that_is_reached_is_said():
    """The smaller the rate the better, without end: the grid stops, and the result says so."""
    problem = tiny(loss=lambda p, noise: -jnp.sum(p), better="higher", path=False)
    rates = Tunable("learning_rate", (0.1, 1.0), 0.01, 1.0)
    result = compare([problem], [Optimizer("sgd", _sgd, (rates,))], seeds=2, tuning_seeds=1)
    task = result.task("tiny")
    assert task.sizes["configuration"] == 4
    assert task["at_edge"].values.tolist() == [['["learning_rate"]'] * 2]
    assert [row.hyperparameters["learning_rate"] for row in result.summary()] == pytest.approx(
        [0.01]
    )


def test_diverged_runs_are_infinitely_bad_and_kept():
    problem = tiny(loss=lambda p, noise: jnp.sum(p**4), path=False)
    sgd = [optimizer("sgd", _sgd)]
    task = compare([problem], sgd, seeds=2, tuning_seeds=1, schedules="constant").task("tiny")
    bad = task["tuning_diverged"]
    assert bad.any()
    assert np.isposinf(task["tuning_score"].values[bad.values]).all()
    assert not task["diverged"].any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seeds": 1}, "seeds is 1; it must be at least 2"),
        ({"tuning_seeds": 0}, "tuning_seeds is 0; it must be at least 1"),
        ({"steps": 5}, "steps is 5; it must be a multiple of 10"),
        ({"steps": 25}, "steps is 25; it must be a multiple of 10"),
        ({"steps": 2_000_000}, "at most 1,000,000"),
        ({"schedules": ["cosine"]}, "schedule 'cosine' is unknown"),
        ({"memory": 0}, "memory is 0 bytes; it must be positive"),
        ({"problems": "digits"}, r'rmsprop.study.task\("digits"\)'),
        ({"optimizers": ["rmsprop"]}, "give a dictionary of names and functions"),
        ({"seeds": 10_000}, "seeds is 10000; it must be below"),
        ({"schedules": []}, "there is no schedule"),
        ({"first_seed": -1}, "first_seed is -1; it must be at least 0 and at most 2,147,473,645"),
        ({"first_seed": 2**31}, "first_seed is 2147483648; it must be at least 0"),
        ({"problems": []}, "there is no task to compare"),
        ({"optimizers": []}, "there is no optimizer to compare"),
        ({"problems": [tiny(), tiny()]}, "task tiny is named twice"),
    ],
)
def test_bad_input_is_refused_before_anything_is_compiled(arguments, message, monkeypatch):
    monkeypatch.setattr(protocol.Program, "of", lambda *_: pytest.fail("something was compiled"))
    call: dict = {
        "problems": [tiny()],
        "optimizers": [optimizer("r", rmsprop.rmsprop)],
        **arguments,
    }
    with pytest.raises((ValueError, TypeError), match=message):
        compare(call.pop("problems"), call.pop("optimizers"), **call)


def test_an_own_optimizer_s_default_is_its_function_s():
    """Its own decay, and the rate 0.001 where it has none."""
    own = optimizer("own", lambda learning_rate, decay=0.8: rmsprop.rmsprop(learning_rate, decay))
    result = compare([tiny()], [own], seeds=4, tuning_seeds=2, schedules="constant")
    (shown,) = result.summary("tiny", setting="default")
    assert shown.hyperparameters == pytest.approx({"learning_rate": 0.001, "one_minus_decay": 0.2})
    engine = engine_of(
        tiny(), lambda v: rmsprop.rmsprop(v["learning_rate"], 0.8), ("learning_rate",), 20
    )
    again = engine.run({"learning_rate": np.full(4, 0.001)}, np.arange(4))
    # 1 - 0.2 as a float32 differs from 0.8 by 2^-24 / 0.2 relative in the average, over 20 steps.
    np.testing.assert_allclose(
        result.view("tiny", setting="default")["loss"].squeeze(), again.loss, rtol=20 * 2**-20
    )


@pytest.mark.standard_promotion("Adam of Optax takes powers of a count")
def test_references_run_under_one_schedule_and_take_part_in_no_verdict():
    # As many steps as in `test_command_line.py`, so that the programs are compiled once for both.
    result = compare(tiny(), seeds=2, tuning_seeds=1, steps=30)
    assert result.optimizers("tiny", "linear") == ("rmsprop", "adagrad", "sgd", "adam")
    assert result.optimizers("tiny", "constant") == ("rmsprop", "adagrad")
    assert [row.second for row in result.headlines()] == ["adagrad"]
    assert np.isnan(result.task("tiny")["off_rate_report"].sel(optimizer=["sgd", "adam"])).all()


def test_who_asks_for_references_gets_them_and_a_namesake_takes_their_place():
    given = {"sgd": optax.sgd}
    known = [
        each.name for each in comparison._references(given, True, comparison._optimizers(given))
    ]
    assert known == ["adam"]
    assert comparison._references(given, None, comparison._optimizers(given)) == []
    contenders = comparison._optimizers(None)
    assert comparison._references(None, False, contenders) == []
    both = comparison._references(None, None, contenders)
    assert [each.name for each in both] == ["sgd", "adam"]


def test_names_given_to_optimizers_are_theirs():
    given = {"plain": optax.sgd, "heavy": optimizer("x", optax.sgd, {"momentum": (0.5, 0.9)})}
    result = compare(tiny(), given, seeds=2, tuning_seeds=1, schedules="constant")
    assert [row.optimizer for row in result.summary()] == ["plain", "heavy"]
    assert set(result.summary()[1].hyperparameters) == {"learning_rate", "momentum"}


def test_a_problem_without_metrics_is_judged_by_its_training_loss():
    bare = Problem("bare", init=tiny().init, loss=tiny().loss, sample=tiny().sample, steps=20)
    result = compare(bare, {"sgd": optax.sgd}, seeds=2, tuning_seeds=1, schedules="constant")
    task = result.task("bare")
    np.testing.assert_allclose(task["metric"], task["final_loss"], rtol=2**-22)
    assert np.isnan(result.summary()[0].steps_to_target.value)


def test_a_name_that_the_results_use_is_refused_before_anything_is_run():
    own = optimizer("x", lambda learning_rate, loss: optax.sgd(loss), {"loss": (0.1, 0.2)})
    with pytest.raises(ValueError, match="tunes loss, a name that the results use"):
        compare(tiny(), [own], seeds=2, tuning_seeds=1)


def test_a_name_of_two_words_may_be_at_the_edge_of_its_grid():
    """A `Tunable` is public, and its name is the user's."""
    momentum = Tunable("heavy ball", (0.1, 0.5), 0.1, 0.5, "momentum")
    rate = Tunable("learning_rate", (1e-6, 1e-5), 1e-6, 1e-5)
    heavy = Optimizer("heavy", optax.sgd, (rate, momentum))
    result = compare(tiny(), [heavy], seeds=2, tuning_seeds=1, schedules="constant")
    assert set(result.summary()[0].at_edge) == {"learning_rate", "heavy ball"}


def test_a_finalist_that_diverged_is_infinitely_bad():
    problem = tiny(loss=lambda p, noise: jnp.sum(p**4), path=False)
    steep = Optimizer("sgd", _sgd, (Tunable("learning_rate", (1e-3, 1e3), 1e-3, 1e3),))
    result = compare([problem], [steep], seeds=2, tuning_seeds=1, schedules="constant")
    task = result.task("tiny").sel(optimizer="sgd", schedule="constant", metric_name="final")
    bad = task["learning_rate"].values[task["finalist_configuration"].values] > 1
    assert bad.tolist() == [False, True]
    assert np.isfinite(task["finalist_report"].values[~bad]).all()
    assert np.isposinf(task["finalist_report"].values[bad]).all()
    assert np.isposinf(task["finalist_choice"].values[bad]).all()


def test_a_failure_ends_all_contests_that_share_the_cores(monkeypatch):
    """None of them waits for calls that will never be made."""

    def full(*_):
        raise OSError("there is no room left")

    monkeypatch.setattr(StudyFolder, "put", full)
    call = {"seeds": 4, "tuning_seeds": 1, "folder": None}
    with pytest.raises(OSError, match="no room left"):
        compare(tiny(), {"a": optax.sgd, "b": optax.sgd}, **call)
