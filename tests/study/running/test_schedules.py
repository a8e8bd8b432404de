"""Schedules of the learning rate, as a factor."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rmsprop.study import compare
from rmsprop.study.optimizers import TRIALS
from rmsprop.study.running import schedules
from tiny_problem import tiny


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("constant", [1.0, 1.0, 1.0, 1.0]),
        ("linear", [1.0, 0.75, 0.5, 0.25]),
        ("inverse_sqrt", [1.0, 1 / np.sqrt(2), 1 / np.sqrt(3), 0.5]),
    ],
)
@pytest.mark.parametrize("names", [tuple(schedules.SCHEDULES), None])
def test_rates(name, expected, names):
    """Alone and among the others, with the number traced; constant alone stays a number."""
    names = (name,) if names is None else names
    number = jnp.int32(names.index(name))
    rate = jax.jit(
        lambda rate, number: [
            found(jnp.int32(k)) if callable(found) else found
            for found in [schedules.scheduled(rate, names, number, 4)]
            for k in range(4)
        ]
    )(jnp.float32(0.5), number)
    # A root and a product, or a quotient and a difference: within two units in the last place.
    np.testing.assert_allclose(rate, 0.5 * np.array(expected), rtol=2**-22)


def test_constant_alone_is_a_number():
    rate = jnp.float32(0.5)
    assert schedules.scheduled(rate, ("constant",), 0, 10) is rate


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "there is no schedule"),
        (["cosine"], "schedule 'cosine' is unknown; choose of constant, linear"),
        (["linear", "linear"], "named twice"),
    ],
)
def test_wrong_names(names, message):
    with pytest.raises(ValueError, match=message):
        schedules.check_schedules(names)


def test_each_schedule_is_tuned_apart_and_is_that_of_optax():
    """SGD without noise on a parabola: each run can be written down by hand."""
    result = compare(
        tiny(path=False),
        {"sgd": optax.sgd},
        seeds=2,
        tuning_seeds=1,
    )
    task = result.task("tiny")
    assert result.schedules("tiny") == ("constant", "linear")
    problem = tiny(path=False)
    makers = {
        "constant": lambda rate: rate,
        "linear": lambda rate: optax.linear_schedule(rate, 0, 20),
    }
    for name, make in makers.items():
        shown = result.view("tiny", name).sel(optimizer="sgd", seed=0)
        chosen = float(shown["learning_rate"][int(shown["chosen"])])
        optimizer = optax.sgd(make(np.float32(chosen)))
        initial, batches = jax.random.split(jax.random.key(0))
        params = problem.init(initial)
        state = optimizer.init(params)
        losses = []
        for step in range(20):
            loss, gradient = jax.value_and_grad(problem.loss)(
                params, problem.sample(batches, jnp.int32(step))
            )
            losses.append(float(loss))
            updates, state = optimizer.update(gradient, state, params)
            params = optax.apply_updates(params, updates)
        # 20 steps, each a few roundings of parameters that begin at 1; losses are of order 1.
        np.testing.assert_allclose(shown["loss"], losses, atol=20 * 2**-21)
    assert task["tuning_score"].notnull().any("tuning_seed").sum() >= 2 * TRIALS


def test_one_schedule_by_its_name_alone():
    result = compare(tiny(), {"sgd": optax.sgd}, seeds=2, tuning_seeds=1, schedules="linear")
    assert result.schedules("tiny") == ("linear",)


def test_an_optimizer_that_takes_no_schedule_is_refused_in_a_sentence():
    def scaled(learning_rate):
        return optax.sgd(0.5 * learning_rate)

    compare(tiny(), {"scaled": scaled}, seeds=2, tuning_seeds=1, schedules="constant")
    sentence = r"'scaled' cannot be used: .*a schedule, a function.*--schedules constant"
    with pytest.raises(ValueError, match=sentence):
        compare(tiny(), {"scaled": scaled}, seeds=2, tuning_seeds=1)
