"""Whether the verdicts of several tasks hold together, as the page says it."""

import dataclasses

import numpy as np
import pytest

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report.page import page


def _tasks(*shifts, seeds=8):
    """A comparison with a task for each shift of the first optimizer, as a share of its metric."""
    tasks = {}
    for number, shift in enumerate(shifts):
        task = synthetic.task(seeds=seeds, steps=10, seed=number)
        noise = 0.01 * np.random.default_rng(number).standard_normal((2, 1, 2, seeds))
        task["metric"][:] = 1 + noise
        task["metric"][0] *= 1 + shift
        tasks[f"t{number}"] = synthetic.with_one_finalist(task)
    return Comparison.of(tasks, synthetic.ROOT)


@pytest.mark.parametrize(
    ("shifts", "sentence"),
    [
        ((0.5, -0.3), "all together that of 2 pairs 2 differ."),
        ((0.5, 0.0), "all together that of 2 pairs 1 differs."),
        ((0.0, 0.0), None),
        ((0.5,), None),
    ],
)
def test_whether_verdicts_hold_together_is_said(shifts, sentence):
    text = page._joint(_tasks(*shifts))
    assert ("Holm" in text) == (sentence is not None)
    if sentence:
        assert text.endswith(sentence)


def test_without_six_seeds_nothing_is_said_to_hold_together():
    assert page._joint(_tasks(0.5, -0.3, seeds=5)) == ""


def test_a_verdict_that_holds_by_itself_alone():
    results = _tasks(0.5, -0.3)
    first, second = results.differences()

    class Given(Comparison):
        def differences(self, *_, **__):
            none = [dataclasses.replace(second, verdict="undecided", p_value=0.5)] * 4
            return (first, dataclasses.replace(second, p_value=0.04), *none)

    text = page._joint(Given(results.tree))
    assert text == (
        " Each verdict holds by itself at 95 %, by which of 6 pairs 2 differ; for all together"
        " Holm's method leaves 1."
    )
