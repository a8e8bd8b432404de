"""What is taken from `jax.experimental`, also where JAX has it elsewhere or nowhere."""

import re
import sys
import threading
import types
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rmsprop
from rmsprop import _experimental

SOURCE = Path(rmsprop.__file__).parent


@pytest.fixture
def shared_sum():
    """A function over all devices that adds up the parts of its argument."""
    mesh = jax.sharding.Mesh(np.array(jax.devices()), ("parts",))
    spec = jax.sharding.PartitionSpec

    def add(x):
        # The check of varying values would refuse a loop whose first carry is the same everywhere.
        def step(k, carry):
            return carry + x.sum()

        return jax.lax.psum(jax.lax.fori_loop(0, 1, step, jnp.zeros(())), "parts")

    return lambda: _experimental.shard_map(add, mesh=mesh, in_specs=spec("parts"), out_specs=spec())


def test_metadata_reaches_the_program():
    @jax.jit
    def inner(x):
        return jnp.sin(x)

    def outer(x):
        with _experimental.set_xla_metadata(inlineable="false"):
            return inner(x)

    assert 'inlineable = "false"' in jax.jit(outer).lower(1.0).as_text()


@pytest.mark.slow
@pytest.mark.parametrize("module", [None, types.ModuleType("xla_metadata")])
def test_without_metadata_a_step_is_the_same(module, monkeypatch):
    """Where the module is gone, and where the name in it is."""
    gradients = jnp.linspace(-2.0, 2.0, 7)
    expected = _centered_step(gradients)
    jax.clear_caches()
    monkeypatch.setitem(sys.modules, "jax.experimental.xla_metadata", module)
    changed = _centered_step(gradients)
    monkeypatch.undo()
    jax.clear_caches()
    assert 'inlineable = "false"' in expected[1]
    assert 'inlineable = "false"' not in changed[1]
    np.testing.assert_array_equal(changed[0], expected[0])


def _centered_step(gradients):
    """The first update, and the text of the program."""
    optimizer = rmsprop.rmsprop(0.1, centered=True)
    step = jax.jit(optimizer.update)
    state = optimizer.init(gradients)
    return step(gradients, state)[0], step.lower(gradients, state).as_text()


def test_a_function_over_devices(shared_sum):
    x = jnp.arange(4.0 * jax.device_count())
    assert jax.jit(shared_sum())(x) == x.sum()


def test_a_function_over_devices_as_jax_0_6_0_has_it(shared_sum, monkeypatch):
    arguments = []

    def older(function, *, mesh, in_specs, out_specs, check_rep):
        arguments.append((mesh, in_specs, out_specs, check_rep))
        return function

    monkeypatch.delattr(jax, "shard_map", raising=False)
    module = types.ModuleType("shard_map")
    module.shard_map = older
    monkeypatch.setitem(sys.modules, "jax.experimental.shard_map", module)
    shared_sum()
    ((mesh, in_specs, out_specs, check_rep),) = arguments
    assert mesh.axis_names == ("parts",)
    assert in_specs == jax.sharding.PartitionSpec("parts")
    assert out_specs == jax.sharding.PartitionSpec()
    assert check_rep is False


def test_a_function_over_devices_that_jax_does_not_have(shared_sum, monkeypatch):
    monkeypatch.delattr(jax, "shard_map", raising=False)
    monkeypatch.setitem(sys.modules, "jax.experimental.shard_map", None)
    with pytest.raises(ImportError, match=r"has shard_map neither at its top level nor in jax\."):
        shared_sum()


def test_double_precision_is_for_the_calling_thread_alone():
    others = []
    with _experimental.enable_x64():
        here = jnp.zeros(()).dtype
        thread = threading.Thread(target=lambda: others.append(jnp.zeros(()).dtype))
        thread.start()
        thread.join()
    assert here == jnp.float64
    assert others == [jnp.float32]
    assert jnp.zeros(()).dtype == jnp.float32


def test_double_precision_as_jax_before_0_8_has_it(monkeypatch):
    values = []
    monkeypatch.delattr(jax, "enable_x64", raising=False)
    monkeypatch.setattr(jax.experimental, "enable_x64", values.append, raising=False)
    _experimental.enable_x64()
    assert values == [True]


def test_double_precision_that_jax_does_not_have(monkeypatch):
    monkeypatch.delattr(jax, "enable_x64", raising=False)
    monkeypatch.delattr(jax.experimental, "enable_x64", raising=False)
    with pytest.raises(ImportError, match="has enable_x64 neither"):
        _experimental.enable_x64()


def _unknown(model, array):
    raise NotImplementedError("no rule for this transformation")


@pytest.mark.parametrize("function", [None, _unknown], ids=["missing", "without a rule"])
def test_without_shard_alike_a_new_state_is_the_same(function, monkeypatch):
    """Where the module is gone, and where a transformation does not know the function."""
    calls = []

    def alike(model, array):
        calls.append(array)
        return (model, array) if function is None else function(model, array)

    module = types.ModuleType("shard_alike")
    module.shard_alike = alike
    monkeypatch.setattr(jax, "device_count", lambda: 2)
    monkeypatch.setitem(sys.modules, "jax.experimental.shard_alike", module)
    init = rmsprop.rmsprop(0.1, initial_scale=0.5).init
    found = jax.jit(lambda params: init(params))(jnp.ones((2, 3), jnp.bfloat16))[0].nu
    assert len(calls) == 1
    if function is None:
        monkeypatch.setitem(sys.modules, "jax.experimental.shard_alike", None)
        found = jax.jit(lambda params: init(params))(jnp.ones((2, 3), jnp.bfloat16))[0].nu
        assert len(calls) == 1
    assert found.dtype == jnp.float32
    np.testing.assert_array_equal(found, np.full((2, 3), 0.5))


def test_on_one_device_the_program_of_a_new_state_has_no_numbers_of_pairs(monkeypatch):
    """A second program would have others, so that no compilation cache would know it again."""
    monkeypatch.setattr(jax, "device_count", lambda: 1)
    init = rmsprop.rmsprop(0.1).init
    texts = {
        jax.jit(lambda params: init(params)).lower(jnp.ones((2, 3))).as_text() for _ in range(2)
    }
    assert len(texts) == 1
    assert not {"group", "Sharding"} & {*re.findall("group|Sharding", *texts)}
