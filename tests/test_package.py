"""What `import rmsprop` brings, its names, and how its functions show themselves."""

import importlib.metadata
import inspect
import pydoc
import re
import subprocess
import sys
import typing

import jax
import jax.numpy as jnp
import optax
import pytest

import rmsprop
from rmsprop import frameworks

# One function of each module whose signature people read.
SHOWN = {
    "rmsprop.rmsprop": rmsprop.rmsprop,
    "rmsprop.adagrad": rmsprop.adagrad,
    "rmsprop.scale_by_rms": rmsprop.scale_by_rms,
    "rmsprop.scale_by_stddev": rmsprop.scale_by_stddev,
    "rmsprop.scale_by_rss": rmsprop.scale_by_rss,
    "rmsprop.apply_updates": rmsprop.apply_updates,
    "rmsprop.round_stochastically": rmsprop.round_stochastically,
    "rmsprop.convert_state": rmsprop.convert_state,
    "rmsprop.rows.rmsprop": rmsprop.rows.rmsprop,
    "rmsprop.sharding.init": rmsprop.sharding.init,
    "rmsprop.sharding.shardings": rmsprop.sharding.shardings,
    "rmsprop.telemetry.watch": rmsprop.telemetry.watch,
    "rmsprop.telemetry.observe": rmsprop.telemetry.observe,
    "rmsprop.frameworks.keras.rmsprop": frameworks.keras.rmsprop,
    "rmsprop.frameworks.torch.adagrad": frameworks.torch.adagrad,
    "rmsprop.frameworks.torch.import_state": frameworks.torch.import_state,
    "rmsprop.frameworks.keras.export_state": frameworks.keras.export_state,
    "rmsprop.frameworks.compare_conventions": frameworks.compare_conventions,
}


def test_import_brings_only_jax_optax_and_numpy():
    code = (
        "import sys, jax, jax.numpy, numpy, optax;"
        " before = set(sys.modules); import rmsprop;"
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(out.stdout.split()) - sys.stdlib_module_names == {"rmsprop"}


def test_public_names():
    for name in rmsprop.__all__:
        assert getattr(rmsprop, name).__doc__
    assert rmsprop.__version__ == importlib.metadata.version("rmsprop")
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        rmsprop.nonsense  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("module", "submodules"),
    [
        (rmsprop, ("frameworks", "rows", "sharding", "study", "telemetry")),
        (frameworks, frameworks.MODULES),
    ],
    ids=["rmsprop", "frameworks"],
)
def test_dir_lists_the_public_names_once(module, submodules):
    names = [name for name in dir(module) if not re.fullmatch("__.*__", name)]
    assert names == sorted([*module.__all__, *submodules])
    for name in submodules:
        if name != "study":  # needs its extra
            assert getattr(module, name).__name__ == f"{module.__name__}.{name}"


@pytest.mark.parametrize("path", SHOWN)
def test_signatures_are_short(path):
    """Types are shown by their names: spelled out, that of `rmsprop.rmsprop` has 1,400 letters."""
    first = pydoc.render_doc(SHOWN[path], renderer=pydoc.plaintext).splitlines()[2]
    parameters = inspect.signature(SHOWN[path]).parameters
    assert len(first) < 60 + 50 * len(parameters)
    assert "Union[" not in first
    assert all(name in first for name in parameters)


@pytest.mark.parametrize("path", SHOWN)
def test_the_names_of_types_can_be_looked_up(path):
    hints = typing.get_type_hints(SHOWN[path])
    assert hints.keys() == inspect.signature(SHOWN[path]).parameters.keys() | {"return"}


@pytest.mark.parametrize("function", [rmsprop.rmsprop, rmsprop.adagrad])
def test_the_type_of_the_rate_is_optax_s(function):
    """Optax's own tests read from it that the rate may be a schedule."""
    rate = inspect.signature(function, eval_str=True).parameters["learning_rate"]
    assert rate.annotation == optax.ScalarOrSchedule


@pytest.mark.parametrize("function", [rmsprop.rmsprop, frameworks.torch.rmsprop])
def test_hyper_parameters_are_injected_and_scheduled(function):
    name = next(iter(inspect.signature(function).parameters))
    rates = optax.linear_schedule(0.5, 0.1, 2)
    optimizer = optax.inject_hyperparams(function)(**{name: rates})
    params = jnp.ones(2)
    state = optimizer.init(params)
    for k in range(3):
        updates, state = optimizer.update(params, state, params)
        assert state.hyperparams[name] == rates(k)
        expected = function(float(rates(k)))
        if k == 0:
            plain = expected.init(params)
        reference, plain = expected.update(params, plain, params)
        assert jnp.allclose(updates, reference, rtol=1e-6)


def test_a_port_shows_its_convention():
    assert repr(frameworks.torch.rmsprop(1e-3, momentum=0.9)) == (
        "FrameworkOptimizer(torch.rmsprop(learning_rate=0.001, decay=0.99, eps=1e-08,"
        " eps_in_sqrt=False, initial=0.0, momentum=0.9, lr_in_momentum=False,"
        " complex_leaves='apart'))"
    )
    shown = repr(frameworks.keras.adagrad(lambda count: 0.1, clipnorm=1.0, use_ema=True))
    assert "learning_rate=<schedule>" in shown
    assert "around=['average of the parameters with 0.99']" in shown
    assert "<function" not in shown


def test_a_port_shows_itself_whatever_its_rate():
    shown = []
    jax.jit(lambda rate: shown.append(repr(frameworks.torch.rmsprop(rate))))(0.1)
    assert "learning_rate=" in shown[0]
    assert "learning_rate=0.5," in repr(frameworks.torch.rmsprop(jnp.asarray(0.5)))
