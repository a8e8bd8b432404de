"""What is refused before a long job, and in which words."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rmsprop.study import Metric, optimizer
from rmsprop.study.running import checks
from tiny_problem import tiny


def _changed(**changes):
    return dataclasses.replace(tiny(path=False), **changes)


def _nan(params, noise):
    return jnp.sum(jnp.log(params - 2 + noise * 0))


def _nan_gradient(params, noise):
    return jnp.sum(jnp.sqrt(params * 0 + noise * 0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": lambda p, x: (p - x) ** 2}, r"loss returns float32 of shape \(2,\); .*mean over"),
        ({"loss": lambda p, x: jnp.int32(1)}, r"loss returns int32 of shape \(\)"),
        ({"loss": lambda p, x: {"a": p.sum()}}, "loss returns a tree"),
        ({"loss": lambda p, x: p @ jnp.ones((3, 3))}, "loss fails when JAX traces it: "),
        ({"loss": lambda p, x: 1.0 if p[0] > 0 else 0.0}, "loss fails when JAX traces it: "),
        ({"loss": _nan}, "the loss is nan before the first step"),
        ({"loss": _nan_gradient}, "the gradient is not finite before the first step"),
        ({"init": lambda key: {"n": 3}}, "init returns no array of real or complex numbers"),
        ({"init": lambda key: {}}, "init returns no array of real or complex numbers, or only"),
        ({"init": lambda key: {"a": jnp.ones((0, 3))}}, "or only empty ones, so there is nothing"),
        (
            {"metrics": lambda p: {"final": p.sum().astype(complex)}},
            "final is complex",
        ),
        ({"init": lambda: jnp.ones(2)}, "init fails when JAX traces it: .*takes 0 positional"),
        ({"sample": lambda key: key}, "sample fails when JAX traces it"),
        ({"metrics": lambda p: {"final": p}}, r"the metric final has the shape \(2,\)"),
        ({"metrics": lambda p: {"final": {"a": p.sum()}}}, "the metric final is a tree"),
        ({"path": lambda p: jnp.ones(3)}, r"path must return .*it returns \(3,\)"),
        ({"path": lambda p: (p[0], p[1])}, "path must return .*it returns a tree"),
        ({"metrics": lambda p: {"other": p.sum()}}, "choose_by is final, .*measured are other"),
        (
            {
                "metrics": lambda p: {"final": p.sum()},
                "report": [
                    Metric("final", "final", "lower"),
                    Metric("absent", "absent", "lower"),
                ],
            },
            "report is absent, which neither metrics nor averages returns; measured are final and",
        ),
        ({"averages": lambda p: {"final": p.sum()}}, "metrics and averages both return final"),
        ({"averages": lambda p: {"mean": p}}, r"the metric mean has the shape \(2,\)"),
        ({"averages": lambda p: {"training_loss": p.sum()}}, "averages returns training_loss"),
        ({"averages": lambda p: p["a"]}, "averages fails when JAX traces it"),
        ({"metrics": lambda p: {"training_loss": p.sum()}}, "which the study measures itself"),
    ],
)
def test_problems_that_cannot_be_run(changes, message):
    with pytest.raises(ValueError, match=f"problem 'tiny': .*{message}") as told:
        checks.check_problem(_changed(**changes))
    assert "\n" not in str(told.value)


def test_a_problem_that_can_be_run_passes():
    checks.check_problem(tiny())
    checks.check_problem(_changed(report=Metric("training_loss", "loss", "lower")))


def _returns_none(learning_rate):
    return None


def _fails(learning_rate):
    raise RuntimeError("no licence\nsecond line")


def _branches(learning_rate):
    return optax.sgd(0.1 if learning_rate > 1 else 0.2)


def _unscheduled(optimizer):
    return lambda values, schedule: optimizer.build(values)


@pytest.mark.parametrize("factory", [_returns_none, _fails, _branches])
def test_a_factory_that_fails_is_named_before_anything_is_compiled(factory):
    made = optimizer("mine", factory)
    with pytest.raises(ValueError, match=r"optimizer 'mine' cannot be used: .*JAX traces") as told:
        checks.check_optimizer(made.name, made.names, _unscheduled(made), tiny())
    assert "\n" not in str(told.value)


def _widens(learning_rate):
    plain = optax.sgd(learning_rate)

    def update(updates, state, params=None):
        return plain.update(updates, plain.init(params))[0], state.astype(jnp.float32)

    return optax.GradientTransformation(lambda params: jnp.zeros((), jnp.bfloat16), update)


def test_a_state_that_changes_its_dtype_is_refused():
    made = optimizer("mine", _widens)
    with pytest.raises(ValueError, match=r"state changes from bfloat16\[\] to float32\[\]"):
        checks.check_optimizer(made.name, made.names, _unscheduled(made), tiny())


def test_an_optimizer_of_trees_with_other_leaves_passes():
    problem = _changed(init=lambda key: {"w": jnp.ones(2), "f": jax.nn.relu, "n": np.int32(3)})
    made = optimizer("adam", optax.sgd)
    checks.check_optimizer(made.name, made.names, _unscheduled(made), problem)
