"""What a study cost, counted from its results."""

import jax
import numpy as np
import optax
import pytest

import synthetic_results as synthetic
from rmsprop import study
from rmsprop.study.results.costs import Costs, costs_of
from rmsprop.study.running.progress import Silent


def test_every_run_of_a_study_counts_once():
    class Counted(Silent):
        runs = 0

        def advance(self, runs=1):
            self.runs += runs

    bowl = study.Problem(
        "bowl",
        init=lambda key: jax.random.normal(key, (2,)),
        loss=lambda params, batch: ((params - batch) ** 2).sum(),
        sample=lambda key, step: jax.random.normal(jax.random.fold_in(key, step), (2,)),
        steps=20,
    )
    optimizers = {"sgd": optax.sgd, "rmsprop": optax.rmsprop}
    progress = Counted()
    result = study.compare(bowl, optimizers, seeds=3, tuning_seeds=2, progress=progress)
    assert costs_of(result.task("bowl")).runs == progress.runs


def test_the_time_is_that_of_all_runs_and_of_compilation():
    task = synthetic.task(steps=10)
    task["seconds_per_run"][:] = [0.5, 2.0]
    task["compile_seconds"][:] = [1.0, 3.0]
    both = costs_of(task)
    each = [costs_of(task.isel(optimizer=[index])) for index in (0, 1)]
    assert each[0] + each[1] == both
    assert each[0].seconds == pytest.approx(0.5 * each[0].runs + 1)
    assert each[1].seconds == pytest.approx(2.0 * each[1].runs + 3)
    task["compile_seconds"][0] = np.nan  # it is unknown
    assert costs_of(task).seconds == pytest.approx(both.seconds - 0.5 * each[0].runs - 1)
    assert Costs(1, 2.0) + Costs(3, 4.5) == Costs(4, 6.5)
