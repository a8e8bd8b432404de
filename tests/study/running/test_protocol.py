"""Tune, choose, report: on a problem whose right answers are known."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from engines import engine_of

import rmsprop
from rmsprop.study import Optimizer, Problem, Tunable, compare, comparison, named, optimizer
from rmsprop.study.optimizers import TRIALS
from rmsprop.study.running import protocol, tuning
from tiny_problem import tiny

pytestmark = pytest.mark.optimized("several runs have to give the same bits")


def _sgd(learning_rate):
    return optax.sgd(learning_rate)


@pytest.fixture(scope="module")
def result():
    optimizers = [named("rmsprop"), named("adagrad")]
    return compare(
        [tiny()], optimizers, seeds=4, tuning_seeds=2, schedules="constant", command="test"
    )


def test_the_chosen_configuration_has_the_best_mean_logarithm_of_those_that_came_through(result):
    scores = np.log(result.task("tiny")["tuning_score"])
    means = scores.mean("tuning_seed", skipna=False).fillna(np.inf)
    np.testing.assert_array_equal(result.task("tiny")["chosen"], means.argmin("configuration"))


def test_tuning_and_reporting_seeds_differ(result):
    task = result.task("tiny")
    assert task.sizes["seed"] == 4
    assert task.sizes["tuning_seed"] == 3, "a race is on three seeds at least"
    assert task.attrs["tuning_seeds"] == 2, "a verdict chooses on as many as one asks for"
    assert not set(task["seed"].values) & set(task["tuning_seed"].values)


def test_another_first_seed_moves_all_seeds(result):
    others = compare(
        [tiny()],
        [named("rmsprop")],
        seeds=3,
        tuning_seeds=2,
        first_seed=2,
        schedules="constant",
    )
    task, before = others.view("tiny", setting="torch"), result.view("tiny", setting="torch")
    assert task["seed"].values.tolist() == [2, 3, 4]
    assert task["tuning_seed"].values.tolist() == [10_002, 10_003, 10_004]
    # Seeds 2 and 3 are in both: what a run comes to depends on its own seed alone.
    losses = before["loss"].sel(optimizer=["rmsprop"], seed=[2, 3])
    # The programs differ, for the other one has AdaGrad's defaults as well, and so may last bits.
    np.testing.assert_allclose(task["loss"].sel(seed=[2, 3]), losses, rtol=20 * 2**-20)
    assert not np.array_equal(task["loss"].sel(seed=4), losses.sel(seed=3))


def test_reporting_runs_use_the_chosen_configuration(result):
    """The first reporting run again, by hand: the same losses to the bit."""
    task = result.view("tiny").sel(optimizer="rmsprop")
    chosen = task.isel(configuration=int(task["chosen"]))
    engine = engine_of(tiny(), named("rmsprop").build, named("rmsprop").names, 20)
    names = named("rmsprop").names
    again = engine.run({n: np.full(4, float(chosen[n])) for n in names}, np.arange(4))
    np.testing.assert_array_equal(again.loss, task["loss"])
    np.testing.assert_array_equal(again.last("final"), task["metric"].astype(np.float32))
    np.testing.assert_allclose(task["online_loss"], again.loss.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(task["final_loss"], again.loss[:, -2:].mean(axis=1), rtol=1e-6)


def test_optimizers_begin_with_the_same_parameters_and_batches(result):
    """Paired: the first loss of a seed does not depend on the optimizer, and differs by seed."""
    first = result.view("tiny")["loss"].isel(step=0)
    np.testing.assert_array_equal(first.sel(optimizer="rmsprop"), first.sel(optimizer="adagrad"))
    assert len(np.unique(first.sel(optimizer="rmsprop"))) == 4


@pytest.mark.slow
def test_the_same_call_gives_the_same_numbers(result):
    optimizers = [named("rmsprop"), named("adagrad")]
    again = compare([tiny()], optimizers, seeds=4, tuning_seeds=2, schedules="constant")
    volatile = ["seconds_per_run", "compile_seconds"]
    assert again.task("tiny").drop_vars(volatile).equals(result.task("tiny").drop_vars(volatile))


def test_grids_grow_until_the_best_is_inside():
    """SGD on the parabola is best with a rate near 0.4, which is 2 here: beyond the first grid."""
    finder = optimizer("sgd", lambda learning_rate: optax.sgd(0.2 * learning_rate))
    both = [finder, named("adagrad")]
    result = compare([tiny()], both, seeds=2, tuning_seeds=1, schedules="constant")
    task = result.view("tiny")
    sgd = task.sel(optimizer="sgd")
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
    task = compare([problem], [optimizer("sgd", _sgd)], seeds=2, tuning_seeds=1).task("tiny")
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


@pytest.mark.parametrize("setting", ["torch", "keras", "optax"])
def test_shipped_defaults_are_those_of_the_frameworks(result, setting):
    """The port of each, run by itself with a rate that is a number."""
    assert result.settings("tiny") == ("tuned", "torch", "keras", "optax")
    shown = result.view("tiny", setting=setting)["loss"]
    for name, rate in (("rmsprop", 0.003), ("adagrad", 1.0)):
        factory = getattr(getattr(rmsprop.frameworks, setting), name)
        arguments = {"learning_rate": rate} if setting == "optax" else {}
        engine = engine_of(tiny(), lambda _, f=factory, a=arguments: f(**a), ("unused",), 20)
        again = engine.run({"unused": np.zeros(4)}, np.arange(4))
        # Rates as float32 scalars differ from Python's by 2^-25 relative, over 20 steps.
        np.testing.assert_allclose(shown.sel(optimizer=name), again.loss, rtol=20 * 2**-20)


def test_a_rate_that_is_off_is_run_on_all_seeds(result):
    task = result.task("tiny").sel(optimizer="rmsprop", schedule="constant")
    assert task["rate_factor"].values == pytest.approx([0.1, 10**-0.5, 10**0.5, 10])
    chosen = task.isel(configuration=int(task["chosen"]))
    contender = named("rmsprop")
    engine = engine_of(tiny(), contender.build, contender.names, 20)
    values = {n: np.full(4, float(chosen[n])) for n in contender.names}
    values["learning_rate"] *= 10
    again = engine.run(values, np.arange(4)).last("final")
    np.testing.assert_array_equal(task["off_rate_report"][3], again.astype(np.float64))


@pytest.mark.standard_promotion("Adam of Optax takes powers of a count")
def test_references_run_under_one_schedule_and_take_part_in_no_verdict():
    result = compare(tiny(), seeds=2, tuning_seeds=1)
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
    result = compare(tiny(), given, seeds=2, tuning_seeds=1)
    assert [row.optimizer for row in result.summary()] == ["plain", "heavy"]
    assert set(result.summary()[1].hyperparameters) == {"learning_rate", "momentum"}


def test_a_problem_without_metrics_is_judged_by_its_training_loss():
    bare = Problem("bare", init=tiny().init, loss=tiny().loss, sample=tiny().sample, steps=20)
    result = compare(bare, {"sgd": optax.sgd, "rmsprop": rmsprop.rmsprop}, seeds=2, tuning_seeds=1)
    task = result.task("bare")
    np.testing.assert_allclose(task["metric"], task["final_loss"], rtol=2**-22)
    assert np.isnan(result.summary()[0].steps_to_target.value)


@pytest.mark.slow
def test_a_width_that_does_not_fit_into_memory_is_halved(tmp_path):
    """And is kept: the same study with more memory has the same width, so the same last bits."""
    wide = engine_of(tiny(), named("rmsprop").build, named("rmsprop").names, 20, width=4)
    narrow = engine_of(tiny(), named("rmsprop").build, named("rmsprop").names, 20, width=2)
    assert narrow.program.chunk_bytes < wide.program.chunk_bytes
    call = {"seeds": 2, "tuning_seeds": 1, "folder": tmp_path}
    optimizers = {"rmsprop": rmsprop.rmsprop}
    tight = compare(tiny(), optimizers, memory=wide.program.chunk_bytes - 1, **call)
    assert tight.task("tiny").attrs["width"] == 2
    free = compare(tiny(), optimizers, **call)
    assert free.task("tiny").identical(tight.task("tiny"))
    with pytest.raises(ValueError, match=r"one run needs .* MB, and memory allows .*--memory"):
        compare(tiny(), optimizers, seeds=2, tuning_seeds=1, memory=100)


def test_a_name_that_the_results_use_is_refused_before_anything_is_run():
    own = optimizer("x", lambda learning_rate, loss: optax.sgd(loss), {"loss": (0.1, 0.2)})
    with pytest.raises(ValueError, match="tunes loss, a name that the results use"):
        compare(tiny(), [own], seeds=2, tuning_seeds=1)


def test_a_name_of_two_words_may_be_at_the_edge_of_its_grid():
    """A `Tunable` is public, and its name is the user's."""
    momentum = Tunable("heavy ball", (0.1, 0.5), 0.1, 0.5, "momentum")
    rate = Tunable("learning_rate", (1e-6, 1e-5), 1e-6, 1e-5)
    heavy = Optimizer("heavy", optax.sgd, (rate, momentum))
    result = compare(tiny(), [heavy], seeds=2, tuning_seeds=1)
    assert set(result.summary()[0].at_edge) == {"learning_rate", "heavy ball"}


def test_finalists_are_the_best_configurations_on_all_reporting_seeds(result):
    task = result.task("tiny").sel(optimizer="adagrad", schedule="constant", metric_name="final")
    means = np.log(task["tuning_score"].values).mean(axis=-1)
    expected = np.argsort(np.where(np.isnan(means), np.inf, means), kind="stable")
    numbers = task["finalist_configuration"].values
    np.testing.assert_array_equal(numbers[: tuning.FINALISTS], expected[: tuning.FINALISTS])
    assert numbers[0] == task["chosen"]
    # The first is what is shown, and the fourth is run again by hand: the same numbers to the bit.
    tuned = task["metric"].sel(setting="tuned").values
    np.testing.assert_array_equal(task["finalist_report"].values[0], tuned)
    optimizer_ = named("adagrad")
    engine = engine_of(tiny(), optimizer_.build, optimizer_.names, 20)
    values = {n: np.full(4, float(task[n][numbers[3]])) for n in optimizer_.names}
    again = engine.run(values, np.arange(4)).last("final")
    np.testing.assert_array_equal(task["finalist_report"].values[3], again.astype(np.float64))
    np.testing.assert_array_equal(task["finalist_choice"], task["finalist_report"])  # one metric


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
