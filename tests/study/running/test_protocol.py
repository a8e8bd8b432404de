"""Tune, choose, report: the same runs again by hand, to the bit."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from engines import engine_of

import rmsprop
from rmsprop.study import compare, named
from rmsprop.study.running import tuning
from tiny_problem import tiny

pytestmark = pytest.mark.optimized("several runs have to give the same bits")


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
        [named("rmsprop"), named("adagrad")],
        seeds=3,
        tuning_seeds=2,
        first_seed=2,
        schedules="constant",
    )
    task, before = others.view("tiny", setting="torch"), result.view("tiny", setting="torch")
    assert task["seed"].values.tolist() == [2, 3, 4]
    assert task["tuning_seed"].values.tolist() == [10_002, 10_003, 10_004]
    # Seeds 2 and 3 are in both: what a run comes to depends on its own seed alone.
    losses = before["loss"].sel(seed=[2, 3])
    np.testing.assert_array_equal(task["loss"].sel(seed=[2, 3]), losses)
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


SETTINGS = ("torch", "keras", "optax")
RATES = {"rmsprop": 0.003, "adagrad": 1.0}


@pytest.fixture(scope="module")
def losses_of_ports():
    """Of the port of each, run by itself with a rate that is a number; shape (seeds, steps)."""
    problem = tiny()

    def losses(optimizer, seed):
        initial, batches = jax.random.split(jax.random.key(seed))
        params = problem.init(initial)

        def step(carry, count):
            params, state = carry
            batch = problem.sample(batches, count)
            loss, gradient = jax.value_and_grad(problem.loss)(params, batch)
            updates, state = optimizer.update(gradient, state, params)
            return (optax.apply_updates(params, updates), state), loss

        counts = jnp.arange(20, dtype=jnp.int32)
        return jax.lax.scan(step, (params, optimizer.init(params)), counts)[1]

    def all_losses(seeds):
        return {
            (setting, name): jax.vmap(functools.partial(losses, port))(seeds)
            for setting in SETTINGS
            for name, rate in RATES.items()
            for factory in [getattr(getattr(rmsprop.frameworks, setting), name)]
            for port in [factory(rate) if setting == "optax" else factory()]
        }

    return jax.jit(all_losses)(jnp.arange(4))


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_shipped_defaults_are_those_of_the_frameworks(result, losses_of_ports, setting):
    assert result.settings("tiny") == ("tuned", *SETTINGS)
    shown = result.view("tiny", setting=setting)["loss"]
    for name in RATES:
        # Rates as float32 scalars differ from Python's by 2^-25 relative, over 20 steps.
        np.testing.assert_allclose(
            shown.sel(optimizer=name), losses_of_ports[setting, name], rtol=20 * 2**-20
        )


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
    with pytest.raises(
        ValueError, match=r"one run needs [\d.]+ kB, and memory allows 100 B; .*--memory"
    ):
        compare(tiny(), optimizers, seeds=2, tuning_seeds=1, memory=100)


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
