"""What `docs/move.md` shows beside its programs, on states that the ports have written."""

import inspect
import re
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rmsprop
from rmsprop import frameworks

PAGE = (Path(__file__).parents[1] / "docs" / "move.md").read_text()
pytestmark = pytest.mark.standard_promotion("a reader's own interpreter")


def _text(start):
    (block,) = (b for b in re.findall(r"```text\n(.*?)```", PAGE, re.S) if b.startswith(start))
    return block


def _moved(start, names):
    exec(_text(start), names)
    return names


def _state(optimizer, params, steps=3):
    state = optimizer.init(params)
    gradients = jax.tree.map(lambda p: jnp.full_like(p, 0.1), params)
    for _ in range(steps):
        _, state = optimizer.update(gradients, state, params)
    return state


def _same(state, expected):
    jax.tree.map(np.testing.assert_array_equal, state, expected)


DENSE = {"dense": {"kernel": jnp.ones((2, 3)), "bias": jnp.zeros(3)}}


def test_every_module_that_moves_a_run_has_the_two_functions():
    """Names are for frameworks that save no tree; Optax and JAX's example libraries do."""
    moving = [getattr(frameworks, name) for name in frameworks.MODULES]
    moving = [module for module in moving if hasattr(module, "import_state")]
    assert len(moving) == 11
    for function in ("import_state", "export_state"):
        (arguments,) = re.findall(rf"{function}\((.*)\)", _text("state = frameworks.<"))
        positional, named = arguments.split(", names=..., ")
        for module in moving:
            parameters = [*inspect.signature(getattr(module, function)).parameters]
            assert parameters[:3] == positional.split(", "), module
            if module not in (frameworks.optax, frameworks.jax_examples):
                assert {"names", named.removesuffix("=...")} <= set(parameters), module


def test_a_mask_that_no_file_knows():
    rate, weight_decay = 0.1, 0.01
    port = frameworks.keras.rmsprop(rate)
    state = _state(port, DENSE)
    names = {"dense": {"kernel": 0, "bias": 1}}
    saved = frameworks.keras.export_state(port, state, DENSE, names=names, step=3)
    mask = {"dense": {"kernel": True, "bias": False}}
    values = {"rate": rate, "weight_decay": weight_decay, "mask": mask, "saved": saved}
    packages = {"frameworks": frameworks, "optax": optax}
    moved = _moved("port = ", packages | values | {"params": DENSE, "names": names})
    gradients = jax.tree.map(jnp.ones_like, DENSE)
    updates, _ = moved["optimizer"].update(gradients, moved["state"], DENSE)
    own, _ = port.update(gradients, state, DENSE)
    decayed = own["dense"]["kernel"] - rate * weight_decay * DENSE["dense"]["kernel"]
    np.testing.assert_allclose(updates["dense"]["kernel"], decayed, rtol=1e-6)
    np.testing.assert_array_equal(updates["dense"]["bias"], own["dense"]["bias"])


def test_a_checkpoint_of_tensorflow():
    port = frameworks.tensorflow.rmsprop(0.1, momentum=0.9)
    state = _state(port, DENSE)
    names = {"dense": {"kernel": "net/dense/kernel", "bias": "net/dense/bias"}}
    tensors = frameworks.tensorflow.export_state(port, state, DENSE, names=names)
    reader = SimpleNamespace(
        get_tensor=tensors.__getitem__,
        get_variable_to_shape_map=lambda: {name: value.shape for name, value in tensors.items()},
    )
    tf = SimpleNamespace(train=SimpleNamespace(load_checkpoint={"model": reader}.__getitem__))
    moved = _moved(
        "reader = ", {"tf": tf, "path": "model", "frameworks": frameworks, "params": DENSE}
    )
    _same(moved["state"], state)


def test_options_that_change_on_the_way():
    names = {"dense": {"kernel": 0, "bias": 1}}
    old = frameworks.torch.rmsprop(lr=1e-3, alpha=0.9, momentum=0.9)
    state = _state(old, DENSE)
    saved = frameworks.torch.export_state(old, state, DENSE, names=names, step=3)
    packages = {"frameworks": frameworks, "rmsprop": rmsprop, "optax": optax}
    moved = _moved("old = ", packages | {"params": DENSE, "saved": saved, "names": names})
    _same(moved["state"], rmsprop.convert_state(state, DENSE, old, moved["new"], step=3))
    moved["new"].update(DENSE, moved["state"], DENSE)


def test_groups_are_moved_one_by_one():
    params = {"dense": jnp.ones(2), "out": jnp.ones(3)}
    names = {"dense": 0, "out": 1}
    fast, slow = frameworks.torch.rmsprop(lr=0.7), frameworks.torch.rmsprop(lr=0.1)
    optimizer = optax.partition({"fast": fast, "slow": slow}, {"dense": "fast", "out": "slow"})
    state = _state(optimizer, params)
    entries = {}
    for port, (name, number) in zip((fast, slow), names.items(), strict=True):
        part = frameworks.torch.export_state(
            port, _state(port, {name: params[name]}), {name: params[name]}, names={name: 0}, step=3
        )
        entries[number] = part["state"][0], part["param_groups"][0] | {"params": [number]}
    saved = {
        "state": {number: entry for number, (entry, _) in entries.items()},
        "param_groups": [group for _, group in entries.values()],
    }
    packages = {"frameworks": frameworks, "optax": optax}
    moved = _moved("labels = ", packages | {"params": params, "names": names, "saved": saved})
    _same(moved["state"], state)


def test_what_does_not_fit():
    port = frameworks.torch.rmsprop(lr=0.1)
    theirs = {"weight": jnp.ones((16, 8)), "bias": jnp.ones(16)}  # as PyTorch has them, in order
    saved = frameworks.torch.export_state(
        port, _state(port, theirs), theirs, names={"weight": 0, "bias": 1}, step=3
    )
    ours = {"hidden": {"bias": jnp.ones(16), "kernel": jnp.ones((8, 16))}}
    with pytest.raises(ValueError, match="does not fit") as raised:
        frameworks.torch.import_state(port, saved, ours)
    assert str(raised.value).split() == _text("the saved").split()
