"""Distances of decays, against an enumeration of all choices, and without a bias by the choice."""

import itertools

import numpy as np
import pytest

import synthetic_results as synthetic
from rmsprop.study.results.decays import (
    decay_effect,
    decay_name,
    decays_of,
    finalists_by_decay,
)
from rmsprop.study.results.reselection import Finalists
from rmsprop.study.results.schema import OWN

METRIC = "test_error"


@pytest.fixture
def task():
    """Three decays, of which two are among the four finalists, and two schedules."""
    grids = {
        "rmsprop": {"learning_rate": [1e-2, 1e-1], "one_minus_decay": [0.1, 1 / 30, 0.001]},
        "adagrad": {"learning_rate": [1e-2, 1e-1]},
    }
    return synthetic.task(grids, steps=10, schedules=("constant", "linear"))


def test_decays_by_name(task):
    assert decay_name(task, "rmsprop") == "one_minus_decay"
    assert decay_name(task, "adagrad") is None
    assert decays_of(task, "rmsprop") == ("0.9", "0.967", "0.999")
    assert decays_of(task, "adagrad") == ()


def test_finalists_by_decay_are_those_of_the_decay(task):
    for schedule, names in (("linear", ["linear"]), (OWN, ["constant", "linear"])):
        by_decay = finalists_by_decay(task, "rmsprop", schedule, METRIC)
        expected = {}
        for name in names:
            runs = task.sel(optimizer="rmsprop", schedule=name, metric_name=METRIC)
            for k, number in enumerate(runs["finalist_configuration"].values):
                rest = float(runs["one_minus_decay"][int(number)])
                key = {0.1: "0.9", 0.001: "0.999"}.get(rest, "0.967")
                expected.setdefault(key, []).append(runs["finalist_report"].values[k])
        assert by_decay.keys() == expected.keys()
        for key, runs in by_decay.items():
            np.testing.assert_array_equal(runs.report, expected[key])
    assert finalists_by_decay(task, "adagrad", OWN, METRIC) == {}


def _finalists(random, configurations, seeds=7, level=1.0):
    report = level * np.exp(0.3 * random.standard_normal((configurations, seeds)))
    return Finalists(report * np.exp(0.1 * random.standard_normal(report.shape)), report)


def test_distances_are_means_over_all_choices(task):
    random = np.random.default_rng(5)
    by_decay = {name: _finalists(random, 2) for name in ("0.9", "0.967", "0.999")}
    other = _finalists(random, 3)
    effect = decay_effect(task, by_decay, other, METRIC, 3)
    spreads, distances = [], []
    for subset in itertools.combinations(range(7), 3):
        on = {}
        for name, runs in {**by_decay, "other": other}.items():
            means = np.log(runs.choice[:, subset]).mean(axis=1)
            on[name] = means.min(), np.log(runs.report[means.argmin()])
        order = sorted(by_decay, key=lambda name, on=on: on[name][0])
        best, worst = order[0], order[-1]
        side = np.sign(on["other"][0] - on[best][0])
        outside = [s for s in range(7) if s not in subset]
        spreads += [on[worst][1][s] - on[best][1][s] for s in outside]
        distances += [side * (on["other"][1][s] - on[best][1][s]) for s in outside]
    assert effect.is_ratio
    assert np.log(effect.spread.value) == pytest.approx(np.mean(spreads))
    assert np.log(effect.other.value) == pytest.approx(np.mean(distances))
    assert np.log(effect.excess.value) == pytest.approx(np.mean(spreads) - np.mean(distances))


def test_decays_that_are_equal_in_truth_are_not_apart_on_average(task):
    random = np.random.default_rng(6)
    spreads = []
    for _ in range(200):
        by_decay = {name: _finalists(random, 1) for name in ("0.9", "0.967", "0.999")}
        effect = decay_effect(task, by_decay, _finalists(random, 1), METRIC, 3)
        spreads.append((np.log(effect.spread.value), np.log(effect.other.value)))
    mean, error = np.mean(spreads, axis=0), np.std(spreads, axis=0) / np.sqrt(200)
    # The difference of the best and the worst of three on the same seeds would be 0.2.
    assert (np.abs(mean) < 4 * error).all()
    assert (error < 0.02).all()


def test_accuracies_are_compared_as_they_are():
    task = synthetic.task(better="higher", steps=10)
    level = np.full((1, 7), 1.0)
    by_decay = {"0.9": Finalists(0.5 * level, 0.5 * level), "0.99": Finalists(level, level)}
    effect = decay_effect(task, by_decay, Finalists(0.9 * level, 0.9 * level), METRIC, 3)
    assert (effect.best, effect.worst, effect.is_ratio) == ("0.99", "0.9", False)
    assert effect.spread.value == pytest.approx(0.5)
    assert effect.other.value == pytest.approx(0.1)
    assert effect.sign == 1


def test_equal_decays_have_two_names_and_no_distance(task):
    runs = _finalists(np.random.default_rng(7), 2)
    effect = decay_effect(task, {"0.9": runs, "0.99": runs}, runs, METRIC, 3)
    assert {effect.best, effect.worst} == {"0.9", "0.99"}
    assert effect.spread.value == effect.other.value == 1
    assert effect.sign == 0


@pytest.mark.slow
def test_optimizers_and_decays_that_are_alike_are_seldom_apart(task):
    random = np.random.default_rng(8)
    signs = [
        decay_effect(
            task,
            {decay: _finalists(random, 2, seeds=20) for decay in ("0.9", "0.967", "0.999")},
            _finalists(random, 2, seeds=20),
            METRIC,
            3,
        ).sign
        for _ in range(200)
    ]
    # At 5 %, 10 of 200 are expected, and 20 or more with a probability of 0.003.
    assert np.count_nonzero(signs) < 20
