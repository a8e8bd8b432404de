"""Arguments of other releases, which people paste: each is taken, or refused with what to do."""

import inspect
import re

import jax.numpy as jnp
import numpy as np
import pytest

from rmsprop import frameworks
from rmsprop.frameworks._calls import definitions
from rmsprop.frameworks._other_arguments import PARAMETERS, sentences_of

PORTS = {
    f"{module}.{name}": function
    for module in frameworks.MODULES
    for name, function in definitions(getattr(frameworks, module), inspect.isfunction).items()
}
LEGACY = r"call keras\.legacy_{}, which takes lr and decay"
PASTED = [
    ("keras.rmsprop", {"decay": 1e-6}, LEGACY.format("rmsprop")),
    ("keras.rmsprop", {"lr": 1e-4}, LEGACY.format("rmsprop")),
    ("keras.adagrad", {"lr": 1e-4}, LEGACY.format("adagrad")),
    ("keras.adagrad", {"decay": 1e-6}, LEGACY.format("adagrad")),
    ("keras.rmsprop", {"jit_compile": True}, "no number depends on it"),
    ("keras.legacy_rmsprop", {"weight_decay": 0.1}, r"call keras\.rmsprop, whose formula differs"),
    ("keras.legacy_adagrad", {"use_ema": True}, r"call keras\.adagrad, whose formula differs"),
    ("keras.legacy_rmsprop", {"gradient_transformers": []}, r"optax\.chain\(transformation"),
    ("tensorflow.rmsprop", {"rho": 0.9}, r"call that of frameworks\.keras"),
    ("tensorflow.adagrad", {"epsilon": 1e-7}, r"call that of frameworks\.keras"),
    ("torch.rmsprop", {"params": []}, r"state = optimizer\.init\(params\)"),
    ("torch.adagrad", {"params": []}, r"state = optimizer\.init\(params\)"),
    ("timm.rmsprop_tf", {"params": []}, r"state = optimizer\.init\(params\)"),
    ("stable_baselines3.rmsprop_tf_like", {"params": []}, r"state = optimizer\.init\(params\)"),
    ("chainer.rmsprop", {"model": None}, r"state = optimizer\.init\(params\)"),
    ("paddle.rmsprop", {"parameters": []}, r"state = optimizer\.init\(params\)"),
    ("paddle.adagrad", {"parameter_list": []}, r"state = optimizer\.init\(params\)"),
    ("paddle.rmsprop", {"regularization": 0.1}, r"weight_decay=paddle\.L2Decay"),
    ("paddle.rmsprop", {"name": "r"}, "It is a label"),
    ("mxnet.rmsprop", {"rho": 0.9}, "rho is gamma1, and momentum is gamma2"),
    ("mxnet.rmsprop", {"lr_scheduler": None}, "pass it as learning_rate"),
    ("mxnet.adagrad", {"epsilon": 1e-7}, "In MXNet 1.9 it is eps"),
    ("mxnet.adagrad", {"multi_precision": True}, "at least float32 here"),
]


@pytest.mark.parametrize(("path", "argument", "remedy"), PASTED)
def test_an_argument_of_another_release_is_refused_with_what_to_do(path, argument, remedy):
    (name,) = argument
    with pytest.raises(TypeError, match=rf"^{re.escape(path)} takes no {name}\. .*{remedy}"):
        PORTS[path](1e-4, **argument)


def test_what_the_sentence_about_keras_says_to_call_takes_the_argument():
    legacy = frameworks.keras.legacy_rmsprop(lr=1e-4, decay=1e-6)
    assert legacy.convention.learning_rate(0) == pytest.approx(1e-4)


def test_parameters_before_the_rate_are_refused_with_where_they_go():
    for path in ("torch.rmsprop", "torch.adagrad", "timm.rmsprop_tf"):
        with pytest.raises(TypeError, match=r"as if it took the parameters.*optimizer\.init"):
            PORTS[path]([1.0], lr=1e-3)
    with pytest.raises(TypeError, match="multiple values for argument 'learning_rate'"):
        PORTS["keras.rmsprop"](1e-3, learning_rate=1e-3)


@pytest.mark.parametrize(
    "parameters",
    [
        [np.ones((6, 2))],
        (np.ones(3), np.ones(2)),
        {"w": np.ones((6, 2))},
        {"w": 1.0}.values(),
        (p for p in [np.ones(3)]),
        filter(None, [1.0]),
    ],
    ids=lambda parameters: type(parameters).__name__,
)
@pytest.mark.parametrize("rest", [(), (1e-3,)])
@pytest.mark.parametrize(
    "path", [x for x in PORTS if PARAMETERS in sentences_of(PORTS[x]).values()]
)
def test_parameters_by_position_are_refused_with_where_they_go(path, rest, parameters):
    name = type(parameters).__name__
    first = next(iter(inspect.signature(PORTS[path]).parameters))
    with pytest.raises(
        TypeError, match=rf"^{path} is called with a {name} for {first}, as if .*optimizer\.init"
    ):
        PORTS[path](parameters, *rest)


@pytest.mark.parametrize(
    "rate", [np.float32(0.1), np.array(0.1), jnp.asarray(0.1), lambda count: 0.1, 1]
)
def test_a_rate_by_position_is_no_parameters(rate):
    PORTS["torch.rmsprop"](rate)
    with pytest.raises(ValueError, match=r"lr has shape \(3,\); .*jax\.vmap"):
        PORTS["torch.rmsprop"](np.ones(3))


def test_an_argument_that_no_release_has_is_unexpected():
    with pytest.raises(TypeError, match="unexpected keyword argument 'epsilon'"):
        PORTS["torch.rmsprop"](1e-3, epsilon=1e-8)


def test_a_call_as_text_is_refused_with_the_same_sentence():
    sentence = LEGACY.format("rmsprop")
    with pytest.raises(TypeError, match=rf"keras\.rmsprop takes no lr\. .*{sentence}"):
        frameworks.optimizer("keras.rmsprop(lr=1e-4, decay=1e-6)")


@pytest.mark.parametrize("path", PORTS)
def test_a_port_shows_its_own_arguments_alone(path):
    """In `help`, for inspection and for wrappers that bind arguments."""
    names = set(inspect.signature(PORTS[path]).parameters)
    assert not names & set(sentences_of(PORTS[path]))
    assert not {"args", "kwargs"} & names


@pytest.mark.parametrize(
    ("path", "module", "name"),
    [
        ("torch.rmsprop", "torch.optim", "RMSprop"),
        ("torch.adagrad", "torch.optim", "Adagrad"),
        ("keras.rmsprop", "keras.optimizers", "RMSprop"),
        ("keras.adagrad", "keras.optimizers", "Adagrad"),
        ("optax.rmsprop", "optax", "rmsprop"),
        ("optax.adagrad", "optax", "adagrad"),
        ("timm.rmsprop_tf", "timm.optim", "RMSpropTF"),
        ("mlx.rmsprop", "mlx.optimizers", "RMSprop"),
        ("paddle.rmsprop", "paddle.optimizer", "RMSProp"),
        ("paddle.adagrad", "paddle.optimizer", "Adagrad"),
        ("chainer.rmsprop", "chainer.optimizers", "RMSprop"),
    ],
)
def test_every_argument_of_the_installed_framework_is_answered(path, module, name, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    framework = pytest.importorskip(module)
    theirs = {
        parameter.name
        for parameter in inspect.signature(getattr(framework, name)).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD
    }
    ours = set(inspect.signature(PORTS[path]).parameters) | set(sentences_of(PORTS[path]))
    assert theirs - ours == set()
