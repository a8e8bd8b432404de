"""Calls as text."""

import inspect

import jax.numpy as jnp
import optax  # noqa: F401 for the calls of this package that are evaluated
import pytest

import rmsprop
from rmsprop import frameworks
from rmsprop.frameworks import _originals, _this_package
from rmsprop.frameworks._calls import definitions, read_call


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
        ("rmsprop(0.1)", r"rmsprop may be chainer\.rmsprop, .*torch\.rmsprop\. Write the one"),
        ("RMSprop(w)", r"RMSprop may be .*keras\.optimizers\.RMSprop, .*torch\.optim\.RMSprop"),
        ("RMSprop(1e-3)", r"RMSprop may be chainer.*, keras.*, mlx\.optimizers\.RMSprop\. Write"),
        ("RMSprop(lr=1e-3, alpha=0.9)", r"may be chainer\.optimizers.*, torch\.optim\.RMSprop\. W"),
        (
            "optim.RMSprop(params, learning_rate=0.1)",
            r"may be one of 2, and none takes these arguments\. mlx\.optimizers\.RMSprop: multiple"
            r" values for argument 'learning_rate'\. torch\.optim\.RMSprop: got an unexpected",
        ),
        ("optim.RMSprop(0.1, lr=0.1)", r"torch\.optim\.RMSprop: '0\.1' .* place of the parameters"),
        ("rmsprop.rmsprp(0.1)", "rmsprop has no optimizer 'rmsprp'; it has adagrad, rmsprop"),
        (
            "rmsprop.rmsprop(0.1, accumulator_dtype=jnp.bfloat16)",
            "accumulator_dtype is 'bfloat16'; a convention has no dtype.* Leave it out",
        ),
        ("rmsprop.adagrad(0.1, accumulator_dtype='bfloat16')", "a convention has no dtype"),
        ("rmsprop.rmsprop(0.1, nesterov=True)", "nesterov=True without momentum"),
        ("rmsprop.rmsprop(0.1, eps=-1)", "eps is -1"),
        ("optim.RMSprop(p)", r"may be mlx\.optimizers\.RMSprop, torch\.optim\.RMSprop\. Write"),
        ("optimizers.RMSprop(0.1)", r"may be chainer\.optimizers\.RMSprop, keras\.optimizers\."),
        ("RMSPropOptimizer(0.1)", r"may be paddle\.fluid.*, tensorflow\.compat\.v1\.train\."),
        ("torch.optim.Adam(p)", r"torch\.optim\.Adam is no optimizer that is here; .*RMSprop"),
        ("Adam(p)", r"Adam is no optimizer that is here; these are AdaGrad, "),
        ("torch.optim.RMSprop(1e-2)", r"in the place of the parameters, .*torch\.rmsprop\(0\.01\)"),
        ("from mine import RMSprop; RMSprop(0.1)", r"mine\.RMSprop names no framework"),
        ("x = 1; torch.rmsprop(x)", "'x = 1' in .* is neither an import nor the call"),
        ("torch.optim.RMSprop(p, lr=args.lr)", r"'args\.lr' in .* is neither a number"),
        ("model.compile(torch.rmsprop(0.1))", r"model\.compile names no framework"),
        ("(lambda: 1)()", "is not a call of an optimizer"),
        ("make()(0.1)", "is not a call of an optimizer"),
        ("", "is not a call of an optimizer"),
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


PARAMS = "model.parameters()"
PASTED = {
    f"torch.optim.RMSprop({PARAMS}, lr=1e-3)": "torch.rmsprop(lr=1e-3)",
    f"torch.optim.RMSprop({PARAMS}, 1e-3, 0.9)": "torch.rmsprop(1e-3, 0.9)",
    "torch.optim.RMSprop(params=[w, b], foreach=True)": "torch.rmsprop()",
    "torch.optim.Adagrad(params, 0.1)": "torch.adagrad(0.1)",
    "torch.optim.adagrad.Adagrad([{'params': a}], 0.1)": "torch.adagrad(0.1)",
    f"timm.optim.RMSpropTF({PARAMS}, lr=.1)": "timm.rmsprop_tf(lr=.1)",
    f"RMSpropTF({PARAMS})": "timm.rmsprop_tf()",
    f"RMSpropTFLike({PARAMS}, eps=1e-5)": "stable_baselines3.rmsprop_tf_like(eps=1e-5)",
    "keras.optimizers.RMSprop(learning_rate=1e-3)": "keras.rmsprop(1e-3)",
    "tf.keras.optimizers.RMSprop(1e-3)": "keras.rmsprop(1e-3)",
    "tf.optimizers.Adagrad(1e-3)": "keras.adagrad(1e-3)",
    "tf_keras.optimizers.Adagrad(1e-3)": "keras.adagrad(1e-3)",
    "tf.keras.optimizers.legacy.RMSprop(1e-3)": "keras.legacy_rmsprop(1e-3)",
    "tf.keras.optimizers.legacy.Adagrad(1e-3)": "keras.legacy_adagrad(1e-3)",
    "keras.optimizers.rmsprop(lr=1e-4, decay=1e-6)": "keras.legacy_rmsprop(lr=1e-4, decay=1e-6)",
    "keras.optimizers.rmsprop(1e-4, 0.8)": "keras.legacy_rmsprop(lr=1e-4, rho=0.8)",
    "tf.compat.v1.train.RMSPropOptimizer(0.1, 0.95)": "tensorflow.rmsprop(0.1, 0.95)",
    "tf.train.AdagradOptimizer(0.1, use_locking=True)": "tensorflow.adagrad(0.1)",
    "optax.rmsprop(1e-3)": "optax.rmsprop(1e-3)",
    f"paddle.optimizer.RMSProp(0.1, parameters={PARAMS})": "paddle.rmsprop(0.1)",
    f"paddle.optimizer.RMSProp(0.1, 0.9, 1e-6, 0.0, True, {PARAMS}, 0.2)": (
        "paddle.rmsprop(0.1, 0.9, centered=True, weight_decay=0.2)"
    ),
    f"paddle.optimizer.Adagrad(0.1, 1e-6, {PARAMS}, paddle.regularizer.L2Decay(0.2))": (
        "paddle.adagrad(0.1, weight_decay=0.2)"
    ),
    "fluid.optimizer.RMSPropOptimizer(0.1, parameter_list=[w])": "paddle.rmsprop(0.1)",
    "mx.optimizer.RMSProp(0.1, param_idx2name=names)": "mxnet.rmsprop(0.1)",
    "mxnet.optimizer.AdaGrad(learning_rate=0.1)": "mxnet.adagrad(0.1)",
    "mlx.optimizers.RMSprop(0.1)": "mlx.rmsprop(0.1)",
    "chainer.optimizers.RMSprop(eps_inside_sqrt=True)": "chainer.rmsprop(eps_inside_sqrt=True)",
    "chainer.optimizers.RMSpropGraves()": "chainer.rmsprop_graves()",
    "jax.example_libraries.optimizers.rmsprop(0.1)": "jax_examples.rmsprop(0.1)",
    "jax.example_libraries.optimizers.adagrad(0.1)": "jax_examples.adagrad(0.1)",
    "Flux.RMSProp(0.1)": "flux.rmsprop(0.1)",
    f"from torch import optim; optim.RMSprop({PARAMS}, 0.1)": "torch.rmsprop(0.1)",
    f"from torch.optim import RMSprop as R\nopt = R({PARAMS}, 0.1)": "torch.rmsprop(0.1)",
    f"optim.RMSprop({PARAMS}, lr=1e-3)": "torch.rmsprop(lr=1e-3)",
    "optim.RMSprop(self.net.parameters())": "torch.rmsprop()",
    "optim.RMSprop([w, b], 1e-3)": "torch.rmsprop(1e-3)",
    "optim.RMSprop((p for p in ps if p.requires_grad), 1e-3)": "torch.rmsprop(1e-3)",
    "optim.Adagrad(net.parameters(), lr=.1)": "torch.adagrad(.1)",
    f"RMSprop({PARAMS}, lr=1e-3, weight_decay=0.1)": "torch.rmsprop(lr=1e-3, weight_decay=0.1)",
    "RMSprop(params, 1e-3)": "torch.rmsprop(1e-3)",
    "RMSprop(0.1, centered=True, clipnorm=1.0, use_ema=True)": (
        "keras.rmsprop(0.1, centered=True, clipnorm=1.0, use_ema=True)"
    ),
    "optim.RMSprop(learning_rate=1e-3)": "mlx.rmsprop(1e-3)",
    "optim.RMSprop(1e-3)": "mlx.rmsprop(1e-3)",
    "import rmsprop as r; r.rmsprop(0.1)": "rmsprop.rmsprop(0.1)",
    "from rmsprop import adagrad; adagrad(0.1)": "rmsprop.adagrad(0.1)",
    "import mlx.optimizers as optim; optim.RMSprop(0.1)": "mlx.rmsprop(0.1)",
    "import torch.optim; torch.optim.Adagrad(w, 0.1)": "torch.adagrad(0.1)",
    "from tensorflow import keras; keras.optimizers.RMSprop(0.1)": "keras.rmsprop(0.1)",
    "from keras.optimizers.legacy import Adagrad; Adagrad(0.1)": "keras.legacy_adagrad(0.1)",
    "from keras import optimizers\n  # then\noptimizers.RMSprop(0.1)": "keras.rmsprop(0.1)",
    "opt: Optimizer = optax.rmsprop(0.1)  # from the paper": "optax.rmsprop(0.1)",
}


@pytest.mark.every_case("takes no time")
@pytest.mark.parametrize("text", PASTED)
def test_a_call_of_the_framework_itself_is_understood(text):
    """Class names, module paths and imports; parameters of any spelling are passed over."""
    found, port = (read_call(each, frameworks.MODULES) for each in (text, PASTED[text]))
    assert found.name == port.name
    assert str(found.optimizer.convention) == str(port.optimizer.convention)


@pytest.mark.parametrize("name", ["rmsprop", "adagrad"])
def test_a_call_of_this_package_has_its_signature_and_by_default_optax_s_convention(name):
    ours = inspect.signature(getattr(_this_package, name)).parameters.values()
    theirs = inspect.signature(getattr(rmsprop, name)).parameters.values()
    assert [(p.name, p.kind, p.default) for p in ours] == [
        (p.name, p.kind, p.default) for p in theirs
    ]
    call = read_call(f"rmsprop.{name}(0.1)", frameworks.MODULES)
    assert call.name == call.optimizer.convention.name == f"rmsprop.{name}"
    assert call.optimizer.convention == frameworks.optimizer(f"optax.{name}(0.1)").convention


@pytest.mark.parametrize(
    "call",
    [
        "rmsprop(0.1, momentum=0.9, lr_in_momentum=False)",
        "rmsprop(optax.linear_schedule(0.1, 0.0, 5), 0.8, 1e-3, momentum=0.9, nesterov=True)",
        "rmsprop(0.1, optax.linear_schedule(0.5, 0.9, 5), eps_in_sqrt=False, initial_scale=0.5)",
        "rmsprop(0.1, centered=True, eps=1e-2)",
        "rmsprop(0.1, bias_correction=True)",
        "adagrad(0.1, 0.3, 1e-2, eps_in_sqrt=False)",
    ],
)
def test_the_convention_of_a_call_of_this_package_gives_its_numbers(call):
    drift = frameworks.compare_conventions(
        eval(f"rmsprop.{call}"), f"rmsprop.{call}", steps=(1, 6), scale=0.3
    )
    assert max(drift.apart) < 1e-6
    assert min(drift.travelled[0]) > 0


def test_every_full_name_stands_for_one_port_that_is_here():
    names = [name for names in _originals._ORIGINALS.values() for name in names]
    assert len(names) == len(set(names))
    for port, originals in _originals._ORIGINALS.items():
        module, name = port.split(".")
        assert inspect.isfunction(getattr(getattr(frameworks, module), name))
        for full in originals:
            parameters = "(p)" if module in _originals._PARAMETERS_FIRST else "(0.1)"
            assert read_call(full + parameters, frameworks.MODULES).name == port
    assert {*_originals._ORDERS} <= set(names)


def test_every_port_of_a_framework_has_a_full_name():
    of_frameworks = {
        f"{module}.{name}"
        for module in frameworks.MODULES
        if module not in ("papers", "optax")  # no framework, and one that has the same names
        for name in definitions(getattr(frameworks, module), inspect.isfunction)
    }
    assert of_frameworks == set(_originals._ORIGINALS)
