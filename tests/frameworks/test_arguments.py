"""What every framework's function has in common: errors, documentation, no framework imported."""

import inspect
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rmsprop import frameworks
from rmsprop.frameworks._calls import definitions


def _functions():
    for framework in frameworks.MODULES:
        module = getattr(frameworks, framework)
        for name, function in definitions(module, inspect.isfunction).items():
            yield pytest.param(function, id=f"{framework}.{name}")


FUNCTIONS = list(_functions())
# Of PyTorch 2.13.0, timm 1.0.31 and Stable-Baselines3 2.9.2 by their own checks of `lr < 0`. All
# others make no such check, of which Keras, TensorFlow, Paddle, MXNet, MLX, Chainer and Optax were
# read; the papers speak of descent alone.
REFUSE_NEGATIVE_RATES = {
    frameworks.torch.rmsprop,
    frameworks.torch.adagrad,
    frameworks.timm.rmsprop_tf,
    frameworks.stable_baselines3.rmsprop_tf_like,
}
TAKE_NEGATIVE_RATES = [x for x in FUNCTIONS if x.values[0] not in REFUSE_NEGATIVE_RATES]
PARAMETERS = {"w": jnp.ones((2, 3)), "b": jnp.ones(3)}


def rate_of(function):
    return next(iter(inspect.signature(function).parameters))


def numbers(function):
    """The arguments whose default is a number, and the learning rate."""
    found = [rate_of(function)]
    for name, parameter in inspect.signature(function).parameters.items():
        numeric = isinstance(parameter.default, float | int)
        if numeric and not isinstance(parameter.default, bool):
            found.append(name)
    return dict.fromkeys(found)


# Arguments that mean something beside others only, and are refused without them.
TOGETHER = {
    "gamma2": {"centered": True},
    "ema_momentum": {"use_ema": True, "ema_overwrite_frequency": 1},
}


def call(function, **arguments):
    """The optimizer with a rate of 0.01 unless another one is given."""
    needed = [TOGETHER.get(name, {}) for name in arguments]
    given = {rate_of(function): 0.01} | arguments
    for more in needed:
        given |= {k: v for k, v in more.items() if k in inspect.signature(function).parameters}
    return function(**given)


def steps(optimizer, count=3):
    params, state = PARAMETERS, optimizer.init(PARAMETERS)
    for k in range(count):
        gradients = jax.tree.map(lambda p, k=k: 0.1 * (k + 1) * p, PARAMETERS)
        updates, state = optimizer.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
    return params


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_learning_rate_may_be_a_number_an_array_or_a_schedule(function):
    expected = steps(function(0.01))
    for rate in (
        jnp.float32(0.01),
        np.float64(0.01),
        lambda count: 0.01,
        lambda count: jnp.float32(0.01),
    ):
        found = steps(function(rate))
        for name, leaf in expected.items():
            # One rounding of the rate, of the size of the update.
            np.testing.assert_allclose(found[name], leaf, rtol=2**-22)
            assert not np.array_equal(leaf, PARAMETERS[name])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_wrong_number_is_refused_by_the_framework_s_own_name(function):
    for name in numbers(function):
        for wrong in (-1.0, float("nan"), float("inf")):
            if wrong < 0 and name == rate_of(function) and function not in REFUSE_NEGATIVE_RATES:
                continue
            with pytest.raises(ValueError, match=rf"^{name} is {wrong}"):
                call(function, **{name: wrong})


@pytest.mark.parametrize("function", TAKE_NEGATIVE_RATES)
def test_a_negative_rate_climbs_where_the_framework_takes_one(function):
    up, down = steps(function(-0.01), 1), steps(function(0.01), 1)
    for name, start in PARAMETERS.items():
        # Each parameter is rounded once, and the update no more than it.
        np.testing.assert_allclose(
            up[name] - start, start - down[name], atol=2**-22 * np.abs(start).max()
        )
        assert not np.array_equal(up[name], start)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_docstring_says_which_rates_are_taken(function):
    words = " ".join(function.__doc__.split())
    takes = function not in REFUSE_NEGATIVE_RATES
    assert ("negative one climbs" in words) == takes
    assert ("a number of at least 0 or a schedule" in words) != takes


@pytest.mark.standard_promotion("Optax's split of complex leaves multiplies them by 1j")
@pytest.mark.parametrize("framework", ["torch", "optax"])
@pytest.mark.parametrize("name", ["rmsprop", "adagrad"])
def test_gradients_of_complex_parameters_are_to_be_conjugated_as_is_said(framework, name):
    function = getattr(getattr(frameworks, framework), name)
    assert "`jax.tree.map(jnp.conj, gradients)`" in function.__doc__
    optimizer, target = function(0.1), jnp.complex64(3 - 4j)
    ends = []
    for transform in (jnp.conj, lambda gradient: gradient):
        params = {"z": jnp.complex64(0)}
        state = optimizer.init(params)
        for _ in range(5):
            gradients = jax.grad(lambda p: jnp.abs(p["z"] - target) ** 2)(params)
            updates, state = optimizer.update(jax.tree.map(transform, gradients), state)
            params = optax.apply_updates(params, updates)
        ends.append(complex(params["z"]))
    assert ends[0].real > 0 > ends[0].imag
    assert ends[1].imag > 0, "it climbs along the imaginary axis"


@pytest.mark.parametrize("function", sorted(REFUSE_NEGATIVE_RATES, key=str))
def test_no_framework_looks_at_the_rates_of_a_schedule(function):
    up, down = (steps(function(lambda count, rate=x: rate), 1) for x in (-0.01, 0.01))
    for name, start in PARAMETERS.items():
        np.testing.assert_allclose(
            up[name] - start, start - down[name], atol=2**-22 * np.abs(start).max()
        )


def test_keras_legacy_optimizers_refuse_a_negative_lr_alone():
    """They look at what arrives in `kwargs`, of which `lr` is one and `learning_rate` is not."""
    for function in (frameworks.keras.legacy_rmsprop, frameworks.keras.legacy_adagrad):
        function(learning_rate=-0.01)
        with pytest.raises(ValueError, match=r"^lr is -0\.01.* Negate the loss to maximise\.$"):
            function(lr=-0.01)


@pytest.mark.parametrize("function", sorted(REFUSE_NEGATIVE_RATES, key=str))
def test_a_refused_negative_rate_is_answered_with_how_to_maximise(function):
    is_torch = function.__module__.endswith(".torch")
    how = "Pass maximize=True" if is_torch else "Negate the loss"
    for wrong in (-0.01, np.float32(-2.0), -1):
        with pytest.raises(ValueError, match=rf"^lr is -.*, at least 0\. {how} to maximise\.$"):
            function(lr=wrong)
    assert ("maximize" in inspect.signature(function).parameters) == is_torch
    for wrong in (float("nan"), float("inf"), -float("inf")):
        with pytest.raises(ValueError, match=r"^lr is .*, at least 0\.$"):
            function(lr=wrong)
    with pytest.raises(ValueError, match=r"^lr has shape \(2,\)"):
        function(lr=np.array([-0.1, 0.1]))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_half_precision_is_refused_by_the_framework_s_own_name(function):
    for name in numbers(function):
        with pytest.raises(TypeError, match=rf"^{name} has arrived in bfloat16"):
            call(function, **{name: jnp.bfloat16(0.5)})


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_rate_in_half_precision_from_a_schedule_is_refused(function):
    optimizer = function(lambda count: jnp.bfloat16(0.01))
    with pytest.raises(TypeError, match=rf"^{rate_of(function)} has arrived in bfloat16"):
        steps(optimizer, 1)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_switches_are_booleans(function):
    for name, parameter in inspect.signature(function).parameters.items():
        if isinstance(parameter.default, bool):
            with pytest.raises(TypeError, match=f"^{name} is 'yes'"):
                function(**{rate_of(function): 0.01, name: "yes"})


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_hyperparameters_may_be_traced(function):
    """A sweep over any number is one vmap."""
    for name in numbers(function):
        default = inspect.signature(function).parameters[name].default
        if isinstance(default, int) and default > 1:
            continue  # counts, which decide the program
        if (function.__name__, name) == ("legacy_rmsprop", "momentum"):
            continue  # decides the formula, and an array is refused
        low, high = (0.01, 0.02) if name == rate_of(function) else (0.3, 0.4)

        def final(value, name=name):
            return steps(call(function, **{name: value}))["b"]

        several = jax.vmap(final)(jnp.asarray([low, high]))
        for value, found in zip((low, high), several, strict=True):
            # The arithmetic of hyper-parameters in float32 in the place of Python's.
            np.testing.assert_allclose(found, final(value), rtol=1e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_injected_hyperparameters_are_the_same_optimizer(function):
    """The wrapper makes arrays of all numbers, of the defaults too."""
    static = ("momentum",) if function.__name__ == "legacy_rmsprop" else ()
    wrapped = optax.inject_hyperparams(function, static_args=static, hyperparam_dtype=jnp.float32)(
        **{rate_of(function): 0.01}
    )
    # A step computed of float32 hyper-parameters: some roundings of the step.
    for name, leaf in steps(function(0.01)).items():
        np.testing.assert_allclose(steps(wrapped)[name], leaf, rtol=2**-20)


def test_an_array_may_not_decide_the_formula():
    legacy = frameworks.keras.legacy_rmsprop
    with pytest.raises(TypeError, match=r"momentum is an array.*static_args"):
        legacy(0.01, momentum=jnp.float32(0.0))
    with pytest.raises(ValueError, match="needs max_lr where lr is a schedule, an array"):
        frameworks.timm.rmsprop_tf(
            jnp.float32(0.1), weight_decay=0.1, decoupled_decay=True, corrected_weight_decay=True
        )


@pytest.mark.standard_promotion("Optax joins real and imaginary parts as x + 1j * y")
@pytest.mark.parametrize("function", FUNCTIONS)
def test_complex_parameters_are_trained_or_refused(function):
    optimizer = function(0.01)
    params = {"z": jnp.asarray([1 + 2j])}
    convention = getattr(optimizer, "convention", None)
    if convention is not None and convention.complex_leaves == "refused":
        with pytest.raises(TypeError, match="has been given complex parameters"):
            optimizer.init(params)
    else:
        updates, _ = optimizer.update({"z": jnp.asarray([3 - 1j])}, optimizer.init(params), params)
        assert updates["z"].dtype == jnp.complex64
        assert np.isfinite(updates["z"]).all()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_documentation_says_what_it_is(function):
    text = inspect.getdoc(function)
    assert "One step is::" in text
    for section in ("Args:", "Returns:", "Raises:", "Example:"):
        assert section in text
    for name in inspect.signature(function).parameters:
        assert f"    {name}: " in text, name
    assert "Agreement: " in text
    assert "@" not in text


def test_no_framework_is_imported():
    names = ", ".join(f"rmsprop.frameworks.{module}" for module in frameworks.MODULES)
    code = f"import sys, {names}; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(out.stdout.split())
    others = {"torch", "keras", "tf_keras", "tensorflow", "timm", "stable_baselines3", "paddle"}
    assert not imported & (others | {"mxnet", "mlx", "chainer", "rmsprop.study"})
    assert "rmsprop.frameworks.torch" in imported


def test_a_module_that_is_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'theano'; it has chainer, "):
        frameworks.theano  # noqa: B018
    assert "torch" in dir(frameworks)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (
            frameworks.keras.rmsprop,
            {"learning_rate": 1e38, "weight_decay": 10.0},
            "learning_rate \\* weight_decay is 1e\\+39",
        ),
        (
            frameworks.timm.rmsprop_tf,
            {"lr": 1e38, "weight_decay": 10.0, "decoupled_decay": True},
            "learning_rate \\* weight_decay is 1e\\+39",
        ),
        (frameworks.keras.rmsprop, {"loss_scale_factor": 1e-40}, "1 / loss_scale_factor is "),
    ],
)
def test_products_that_float32_cannot_hold_are_refused(function, arguments, message):
    """As infinity they would make NaN of a gradient of zero."""
    with pytest.raises(ValueError, match=message):
        function(**arguments)
