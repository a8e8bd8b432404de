"""Regrets of wrong learning rates, against a computation by hand, and their place in results."""

import json

import numpy as np
import pytest
from scipy import stats

import synthetic_results as synthetic
from rmsprop.study.results.regret import ran_off_rate, regrets
from rmsprop.study.results.schema import RATE_FACTORS
from rmsprop.study.results.validation import validate


def _task(**options):
    task = synthetic.task(seeds=7, steps=10, **options)
    random = np.random.default_rng(0)
    off = task["off_rate_report"]
    off[:] = np.exp(random.standard_normal(off.shape))
    task["metric"][:] = np.exp(random.standard_normal(task["metric"].shape))
    return task


def _runs(task, optimizer):
    chosen = task["metric"].sel(optimizer=optimizer, schedule="constant", setting="tuned").values
    return chosen, task["off_rate_report"].sel(optimizer=optimizer, schedule="constant").values


def test_regrets_of_losses_are_ratios():
    task = _task()
    near, far = regrets(task, "constant", "rmsprop", "adagrad")
    assert (near.distance, far.distance) == ("a factor of 3", "a factor of 10")
    for regret, columns in ((near, (1, 2)), (far, (0, 3))):
        means = []
        for name in ("rmsprop", "adagrad"):
            chosen, off = _runs(task, name)
            means.append(np.mean([np.log(off[k] / chosen) for k in columns], axis=0))
        assert regret.is_ratio
        assert np.log(regret.first.value) == pytest.approx(means[0].mean())
        assert np.log(regret.second.value) == pytest.approx(means[1].mean())
        paired = means[0] - means[1]
        interval = stats.ttest_1samp(paired, 0).confidence_interval()
        assert np.log(regret.difference.low) == pytest.approx(interval.low)
        assert np.log(regret.difference.high) == pytest.approx(interval.high)
        assert regret.sign == int(interval.low > 0) - int(interval.high < 0)


def test_regrets_of_accuracies_are_what_is_lost():
    task = _task(better="higher")
    (near, _) = regrets(task, "constant", "rmsprop", "adagrad")
    chosen, off = _runs(task, "rmsprop")
    assert not near.is_ratio
    assert near.first.value == pytest.approx(np.mean(chosen - off[1:3].mean(axis=0)))


def test_a_run_that_diverged_is_twice_as_bad_as_the_worst_of_its_seed():
    task = _task()
    place = {"optimizer": "rmsprop", "schedule": "constant", "rate_factor": task["rate_factor"][3]}
    task["off_rate_report"].loc[{**place, "seed": task["seed"][2]}] = np.inf
    _, far = regrets(task, "constant", "rmsprop", "adagrad")
    runs = {name: _runs(task, name) for name in ("rmsprop", "adagrad")}
    of_seed = [x for chosen, off in runs.values() for x in (chosen[2], *off[:, 2])]
    chosen, off = runs["rmsprop"]
    off[3, 2] = 2 * max(x for x in of_seed if np.isfinite(x))
    expected = np.mean([np.log(off[k] / chosen) for k in (0, 3)])
    assert np.log(far.first.value) == pytest.approx(expected)


def test_an_accuracy_that_diverged_is_one_of_chance():
    task = _task(better="higher", chance=0.25)
    place = {"optimizer": "rmsprop", "schedule": "constant"}
    task["off_rate_report"].loc[place] = -np.inf
    (near, _) = regrets(task, "constant", "rmsprop", "adagrad")
    chosen, _ = _runs(task, "rmsprop")
    assert near.first.value == pytest.approx(np.mean(chosen) - 0.25)


def test_equal_regrets_do_not_differ_by_rounding():
    task = _task()
    # log(0.33) - log(0.3) and log(0.99) - log(0.9) differ in the last bits, on all seeds alike.
    for name, scale in (("rmsprop", 1.0), ("adagrad", 3.0)):
        place = {"optimizer": name, "schedule": "constant"}
        task["metric"].loc[{**place, "setting": "tuned"}] = scale * 0.3
        task["off_rate_report"].loc[place] = scale * 0.33
    for regret in regrets(task, "constant", "rmsprop", "adagrad"):
        assert regret.sign == 0


def test_five_seeds_have_no_interval():
    task = _task().isel(seed=slice(5))
    (near, _) = regrets(task, "constant", "rmsprop", "adagrad")
    assert np.isnan(near.difference.low)
    assert near.sign == 0


def test_who_ran_with_wrong_rates():
    task = _task()
    task["off_rate_report"].loc[{"optimizer": "adagrad"}] = np.nan
    assert ran_off_rate(task, "rmsprop", "constant")
    assert not ran_off_rate(task, "adagrad", "constant")


def _set(index, value):
    def change(task):
        task["off_rate_report"][index] = value
        return task

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda task: task.drop_vars("off_rate_report"), "off_rate_report is missing"),
        (lambda task: task.assign_coords(rate_factor=[0.1, 0.2, 3.0, 10.0]), "rate_factor must be"),
        (_set((0, 0, 0, 0), np.nan), "NaN on all factors and seeds or on none"),
        (_set((0, 0, 0, 0), -np.inf), "off_rate_report must not be -inf"),
    ],
)
def test_each_break_of_the_schema_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        validate(change(_task()))


def test_what_the_schema_allows():
    task = _task()
    task["off_rate_report"][0, 0, 3, :] = np.inf
    task["off_rate_report"][1] = np.nan
    validate(task)
    assert json.loads(task.attrs["metrics"])[0]["better"] == "lower"
    np.testing.assert_allclose(np.diff(np.log10(RATE_FACTORS)), [0.5, 1.0, 0.5])


def test_an_optimizer_that_did_not_run_has_no_wrong_rates():
    references = {**synthetic.GRIDS, "sgd": {"learning_rate": [0.1, 0.01]}}
    task = synthetic.task(references, schedules=("constant", "linear"), references=["sgd"])
    validate(task)
    task["off_rate_report"].loc[{"optimizer": "sgd", "schedule": "constant"}] = 1.0
    with pytest.raises(ValueError, match="where chosen is -1"):
        validate(task)
