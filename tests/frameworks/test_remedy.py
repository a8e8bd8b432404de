"""What to set in a second call so that it is equal to the first: applied, it has to be so."""

import ast
import inspect
import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from rmsprop import frameworks
from rmsprop.commands import command_line
from rmsprop.frameworks import _comparison, _remedy
from rmsprop.frameworks._calls import read_call

# Most programs here run once: to compile them is most of the work.
pytestmark = pytest.mark.usefixtures("compiled_quickly")

CALLS = [
    "torch.optim.RMSprop(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4)",
    "torch.adagrad(0.1, lr_decay=0.01)",
    "keras.optimizers.RMSprop(learning_rate=0.002, clipnorm=1.0, use_ema=True)",
    "keras.legacy_rmsprop(lr=1e-3, decay=1e-2, momentum=0.8)",
    "tf.compat.v1.train.RMSPropOptimizer(0.01, centered=True, momentum=0.5, epsilon=1e-3)",
    "timm.rmsprop_tf(0.05, weight_decay=1e-2, decoupled_decay=True, momentum=0.9, caution=True)",
    "optax.rmsprop(optax.linear_schedule(0.01, 0.0, 5), nesterov=True, momentum=0.7)",
    "paddle.rmsprop(0.01, weight_decay=paddle.L1Decay(0.1), grad_clip=paddle.ClipGradByValue(2.0))",
    "mxnet.rmsprop(0.01, rescale_grad=0.25, wd=0.1, clip_gradient=1.0)",
    "chainer.rmsprop_graves(0.01)",
    "jax_examples.adagrad(0.1)",
    "papers.dqn_2015()",
]
TINY = {"gradients": np.linspace(-1.0, 2.0, 12).reshape(4, 3), "steps": (4,)}


def compared(first, second):
    return frameworks.compare_conventions(first, second, **TINY)


PAIRS = [*itertools.permutations(CALLS, 2)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(*pair, marks=() if k % 11 == 0 else pytest.mark.slow)
        for k, pair in enumerate(PAIRS)
    ],
)
def test_with_the_settings_only_what_the_remedy_names_differs(first, second):
    """By what `compare_conventions` compares with, without a run of the two."""
    calls = [read_call(call, frameworks.MODULES) for call in (first, second)]
    gradients = jnp.asarray(TINY["gradients"])
    comparison = _comparison._comparison(
        calls[0].optimizer.convention,
        _comparison._Runs(gradients, gradients[0], TINY["steps"]),
        lambda optimizer: -float(optimizer.convention.eps),  # another epsilon whenever there is one
    )
    remedy = _remedy.remedy(calls[1], calls[0], comparison)
    port = calls[1].function
    assert {name for name, _ in remedy.settings} <= {*inspect.signature(port).parameters}
    corrected = port(**{**calls[1].arguments, **dict(remedy.settings)}).convention
    assert set(comparison.axes(corrected)) == {axis for axis, _, _ in remedy.rest}
    before = comparison.axes(calls[1].optimizer.convention)
    exposed = {name for axis in before for name in comparison.companions.get(axis, ())}
    for axis, ours, _ in remedy.rest:
        assert getattr(comparison.first, axis) is ours
        assert axis in {*before, *exposed}, "what was equal is not to be spoilt"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(*pair, marks=() if k % 44 == 0 else pytest.mark.slow)
        for k, pair in enumerate(PAIRS)
    ],
)
def test_compared_again_the_two_differ_in_what_the_remedy_names(first, second):
    remedy = compared(first, second).remedy
    after = compared(first, remedy.optimizer)
    assert {d.axis for d in after.differences} == {axis for axis, _, _ in remedy.rest}


@pytest.mark.parametrize(
    "call",
    [pytest.param(call, marks=() if k < 3 else pytest.mark.slow) for k, call in enumerate(CALLS)],
)
def test_any_setting_of_a_port_is_reached_from_its_defaults(call):
    """Nothing remains where the first is another call of the same port."""
    name = read_call(call, frameworks.MODULES).name
    rate = "lr=0.5" if "(lr=" in call else "0.5"
    drift = compared(call, f"{name}({rate})")
    assert drift.remedy.rest == ()
    after = compared(call, drift.remedy.optimizer)
    assert after.differences == ()
    assert max(after.apart) < 1e-5  # two roundings of one constant


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        (
            "torch.optim.RMSprop(params, lr=1e-3)",
            "optax.rmsprop(1e-2)",
            "Set learning_rate=0.001, decay=0.99, eps_in_sqrt=False in optax.rmsprop.",
        ),
        (
            "torch.optim.RMSprop(params, lr=1e-3)",
            "keras.optimizers.RMSprop(1e-3)",
            "Set rho=0.99, epsilon=1e-16 in keras.rmsprop. Its epsilon is the square of the first"
            " one's, because it stands under the root. No argument of keras.rmsprop alone corrects:"
            " place of epsilon (under the root, in the first added to the root).",
        ),
        (
            "torch.optim.RMSprop(params, lr=1e-3)",
            "keras.optimizers.RMSprop(1e-3, epsilon=1e-16)",
            "Set rho=0.99 in keras.rmsprop. Its epsilon is the square of the first one's, because"
            " it stands under the root. No argument of keras.rmsprop alone corrects: place of"
            " epsilon (under the root, in the first added to the root).",
        ),
        (
            "torch.rmsprop(1e-3, eps=1.0)",
            "keras.rmsprop(1e-3, 0.99, epsilon=1.0)",
            "No argument of keras.rmsprop alone corrects: place of epsilon (under the root, in the"
            " first added to the root).",
        ),
        (
            "torch.adagrad(0.01, initial_accumulator_value=0.1)",
            "tensorflow.adagrad(0.01)",
            "No argument of tensorflow.adagrad alone corrects: epsilon (0, in the first 1e-10);"
            " place of epsilon (under the root, in the first added to the root).",
        ),
        (
            "torch.rmsprop(0.01)",
            "torch.adagrad(0.01, eps=1e-8)",
            "No argument of torch.adagrad alone corrects: accumulation (sum, in the first decay"
            " 0.99).",
        ),
        (
            "mxnet.rmsprop(0.01, rescale_grad=0.5, epsilon=1e-7)",
            "keras.rmsprop(0.01)",
            "Set loss_scale_factor=2.0 in keras.rmsprop.",
        ),
        (
            "torch.rmsprop(0.01, weight_decay=0.1, eps=0.0)",
            "keras.rmsprop(0.01, 0.99, use_ema=True, ema_overwrite_frequency=3, epsilon=0.0)",
            "Set weight_decay=0.1, use_ema=False, ema_overwrite_frequency=None in keras.rmsprop."
            " No argument of keras.rmsprop alone corrects: kind of decay (decoupled, in the first"
            " coupled).",
        ),
        (
            "keras.rmsprop(0.01, clipnorm=0.1)",
            "paddle.optimizer.RMSProp(0.01, 0.9, 1e-7, parameters=p)",
            "Set grad_clip=paddle.ClipGradByNorm(clip_norm=0.1) in paddle.rmsprop.",
        ),
        (
            "torch.adagrad(0.1, lr_decay=0.01)",
            "torch.adagrad(0.5)",
            "Set lr=0.1, lr_decay=0.01 in torch.adagrad.",
        ),
        (
            "papers.dqn_2015(0.01)",
            "mxnet.rmsprop(0.01, gamma1=0.95, epsilon=0.01)",
            "Set gamma2=0.0, centered=True in mxnet.rmsprop.",
        ),
        (
            "torch.rmsprop(0.01, momentum=0.9, eps=1e-7, alpha=0.9)",
            "keras.legacy_rmsprop(0.01, momentum=0.8)",
            "Set momentum=0.9, epsilon=1e-14 in keras.legacy_rmsprop. Its epsilon is the square of"
            " the first one's, because it stands under the root. No argument of"
            " keras.legacy_rmsprop alone corrects: place of epsilon (under the root, in the first"
            " added to the root); place of the rate (before momentum, in the first after"
            " momentum).",
        ),
        (
            "keras.adagrad(0.1)",
            "torch.adagrad(0.2, lr_decay=0.1, initial_accumulator_value=0.1, eps=1e-7)",
            "Set lr=0.1, lr_decay=0 in torch.adagrad. No argument of torch.adagrad alone corrects:"
            " place of epsilon (added to the root, in the first under the root).",
        ),
        (
            "torch.rmsprop(optax.linear_schedule(1.0, 0.0, 10))",
            "torch.rmsprop(0.1)",
            "Set lr=<the rates of the first> in torch.rmsprop.",
        ),
    ],
)
def test_the_sentence(first, second, sentence):
    assert str(compared(first, second).remedy) == sentence


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("keras.rmsprop(1e-3, rho=0.95, clipvalue=0.5)", "mxnet.rmsprop(0.5)"),
        ("tensorflow.rmsprop(0.01, momentum=0.9)", "timm.rmsprop_tf(0.1, centered=True)"),
        ("keras.adagrad(0.1, epsilon=1e-3)", "optax.adagrad(0.2)"),
    ],
)
def test_what_the_command_says_at_its_end_can_be_pasted_into_the_second_call(first, second, capsys):
    assert command_line.main(["conventions", first, second, "--steps", "3"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    sentence = " ".join(printed[printed.rindex("\nSet ") :].split())
    settings = sentence.removeprefix("Set ").rpartition(" in ")[0]
    call = ast.parse(second, mode="eval").body
    theirs = {k.arg for k in ast.parse(f"f({settings})", mode="eval").body.keywords}
    first_name = next(iter(inspect.signature(_port(call)).parameters))
    kept = [ast.unparse(x) for x in call.args if first_name not in theirs]
    kept += [ast.unparse(k) for k in call.keywords if k.arg not in theirs]
    corrected = f"{ast.unparse(call.func)}({', '.join([*kept, settings])})"
    assert compared(first, corrected).differences == ()


@pytest.mark.parametrize(
    ("first", "second", "scale", "settings"),
    [
        ("torch.rmsprop(1e-3)", "keras.rmsprop(1e-3)", 1e-3, {"rho": 0.99, "epsilon": 1e-16}),
        pytest.param(
            "torch.rmsprop(1e-3)",
            "keras.rmsprop(1e-3)",
            1e-4,
            {"rho": 0.99, "epsilon": 1e-16},
            marks=pytest.mark.slow,
        ),
        ("keras.rmsprop(1e-3)", "torch.rmsprop(1e-3)", 1e-4, {"alpha": 0.9, "eps": 10**-3.5}),
        pytest.param(
            "keras.rmsprop(1e-3)",
            "torch.rmsprop(1e-3)",
            1.0,
            {"alpha": 0.9, "eps": 1e-7},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_an_epsilon_in_another_place_is_the_one_that_drifts_least(first, second, scale, settings):
    """Both numbers are run: that of the remedy, and the one it has not taken."""
    sides = {"scale": scale, "steps": (100,)}
    remedy = frameworks.compare_conventions(first, second, **sides).remedy
    assert dict(remedy.settings) == pytest.approx(settings, rel=1e-6)
    port, name = second.partition("(")[0], [*settings][1]
    other = {"epsilon": 1e-8, "eps": 1e-7 if remedy.conversion else 10**-3.5}[name]
    arguments = {**settings, name: other}
    rest = ", ".join(f"{key}={number}" for key, number in arguments.items())
    ours, theirs = (
        frameworks.compare_conventions(first, optimizer, **sides).apart[-1]
        for optimizer in (remedy.optimizer, frameworks.optimizer(f"{port}(1e-3, {rest})"))
    )
    assert ours < theirs
    if remedy.conversion == "square":
        assert ours < 0.01 < 0.2 < theirs


def _port(call):
    return getattr(getattr(frameworks, call.func.value.id), call.func.attr)


def test_there_is_no_remedy_where_nothing_differs_or_the_second_is_no_call():
    assert compared("torch.rmsprop(0.1)", "torch.rmsprop(0.1)").remedy is None
    second = frameworks.keras.rmsprop(0.1)
    drift = compared("torch.rmsprop(0.1)", second)
    assert drift.differences
    assert drift.remedy is None
    assert compared("torch.rmsprop(0.1)", "papers.sc_rmsprop(0.1)").remedy is None
    assert compared(second, "torch.rmsprop(0.1)").remedy.settings[0] == ("alpha", 0.9)
