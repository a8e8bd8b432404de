"""Calls as text."""

import jax.numpy as jnp
import pytest

from rmsprop import frameworks


def test_arguments_are_read():
    convention = frameworks.optimizer(
        "torch.rmsprop(1e-2, eps=0.01/32**2, centered=True)"
    ).convention
    assert convention.learning_rate == 0.01
    assert convention.eps == 0.01 / 32**2
    assert convention.centered is True


def test_calls_are_read_as_they_stand_in_a_program():
    for prefix in ("", "frameworks.", "rmsprop.frameworks."):
        assert (
            frameworks.optimizer(f" {prefix}torch.rmsprop(+1e-3)").convention.learning_rate == 1e-3
        )


def test_schedules_are_optax_s():
    convention = frameworks.optimizer(
        "timm.rmsprop_tf(optax.piecewise_constant_schedule(0.5, {10: 0.1}), momentum=0.9)"
    ).convention
    assert float(convention.learning_rate(jnp.asarray(0))) == 0.5
    assert float(convention.learning_rate(jnp.asarray(11))) == pytest.approx(0.05)


def test_what_an_argument_is_made_of():
    convention = frameworks.optimizer(
        "paddle.rmsprop(0.01, weight_decay=paddle.L2Decay(0.1),"
        " grad_clip=paddle.ClipGradByNorm(2.0))"
    ).convention
    assert convention.weight_decay == 0.1
    assert convention.clipping.kind == "norm"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("torch.rmsprop", "is not a call of an optimizer"),
        ("torch.rmsprop(", "is no Python call"),
        ("rmsprop(0.1)", "is not a call of an optimizer"),
        ("theano.rmsprop(0.1)", "names no framework that is here; these are chainer"),
        ("torch.adam(0.1)", "torch has no optimizer 'adam'; it has adagrad, rmsprop"),
        ("troch.rmsprop(0.1)", "these are chainer.* Did you mean torch\\? Write it as"),
        ("torch.rmsprp(0.1)", "no optimizer 'rmsprp'; .* Did you mean rmsprop\\? Write it as"),
        ("torch.build(0.1)", "torch has no optimizer 'build'"),
        ("torch.rmsprop(__import__('os').getpid())", "neither a number nor a schedule"),
        ("torch.rmsprop(optax.sgd(0.1))", "neither a number nor a schedule"),
        ("torch.rmsprop(paddle.build(0.1))", "neither a number nor a schedule"),
        ("torch.rmsprop(x)", "'x' in .* is neither a number nor a schedule"),
        ("torch.rmsprop(alpha=1.5)", r"alpha is 1\.5"),
        ("torch.rmsprop(1/0)", r"'1 / 0' in .* is no number: division by zero"),
        ("torch.rmsprop(10.0**400)", "is no number"),
        ("torch.rmsprop(-None)", "is no number"),
        ("torch.rmsprop(**{'lr': 1})", "write its arguments out"),
    ],
)
def test_what_is_no_such_call_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        frameworks.optimizer(call)


def test_another_framework_s_argument_is_refused_with_the_right_call():
    with pytest.raises(
        TypeError, match=r"'learning_rate'. Its call is torch.adagrad\(lr=0.01, lr_de"
    ):
        frameworks.optimizer("torch.adagrad(learning_rate=0.1)")
