"""Any tree of parameters, and leaves that are not there, empty, hidden or not floating point."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from runs import assert_same, at, expected, problem, reference, renamed, steps
from table import every_entry, every_entry_compiled, every_state_compiled


class Layer(NamedTuple):
    w: jax.Array
    b: jax.Array


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Model:
    layer: Layer
    rest: list


def _as_model(tree):
    return Model(Layer(tree["w"], tree["b"]), [tree["s"], ()])


def _as_dict(model):
    return {"w": model.layer.w, "b": model.layer.b, "s": model.rest[0]}


@every_state_compiled
def test_named_tuples_dataclasses_lists_and_tuples_are_trees(entry):
    params, gradients = problem()
    after, state, traces = steps(entry.make(), _as_model(params), _as_model(gradients))
    assert isinstance(after[-1], Model)
    assert traces == 1
    assert len(jax.tree.leaves(state)) == len(jax.tree.leaves(reference(entry).state))
    assert_same(_as_dict(after[-1]), expected(entry), renamed(entry))


@every_entry
def test_a_single_array_is_a_tree(entry):
    params, gradients = problem()
    optimizer = entry.make()
    updates, _ = optimizer.update(at(gradients, 0)["w"], optimizer.init(params["w"]), params["w"])
    assert updates.shape == params["w"].shape


@every_entry
def test_none_empty_and_scalar_leaves_pass_through(entry):
    params, gradients = problem()
    more = {"none": None, "empty": jnp.zeros((0, 3)), "scalar": jnp.asarray(2.0)}
    params = params | more
    gradient = at(gradients, 0) | {"none": None, "empty": jnp.zeros((0, 3)), "scalar": params["s"]}
    optimizer = entry.make()
    updates, state = optimizer.update(gradient, optimizer.init(params), params)
    assert updates["none"] is None
    assert (updates["empty"].shape, updates["empty"].dtype) == ((0, 3), jnp.float32)
    assert (updates["scalar"].shape, updates["scalar"].dtype) == ((), jnp.float32)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((updates, state)))


@every_entry
def test_a_gradient_that_is_none_leaves_its_state_alone(entry):
    """The other leaves go on; afterwards the one without a gradient is where it was."""
    params, gradients = problem()
    optimizer = entry.make()
    updates, state = optimizer.update(at(gradients, 0), optimizer.init(params), params)
    params = optax.apply_updates(params, updates)
    missing = at(gradients, 1) | {"w": None}
    updates, after = optimizer.update(missing, state, params)
    assert updates["w"] is None
    alone, other = _parts(state, after, "w"), _parts(state, after, "b")
    assert alone
    assert all(np.array_equal(x, y) for x, y in alone)
    assert any(not np.array_equal(x, y) for x, y in other)


def _parts(before, after, name):
    """The arrays of one parameter in two states, but not the average of the parameters itself.

    That of Keras' `use_ema` follows the parameters, which are averaged also while they stand still.
    """
    pairs = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(before):
        key = jax.tree_util.keystr(path)
        if key.endswith(f"['{name}']") and ".average" not in key:
            pairs.append((leaf, dict(_flat(after))[key]))
    return pairs


def _flat(tree):
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return [(jax.tree_util.keystr(path), leaf) for path, leaf in leaves]


@every_entry_compiled
def test_masked_leaves_are_left_alone(entry):
    """A step counter among the parameters, and a leaf that another optimizer trains."""
    params, gradients = problem()
    optimizer = optax.masked(entry.make(), {"w": True, "b": True, "s": True, "count": False})
    count = jnp.zeros((4,), jnp.int32) + 3
    after, _, traces = steps(optimizer, params | {"count": count[0]}, gradients | {"count": count})
    assert traces == 1
    assert after[-1].pop("count") == 3 * (1 + len(after))  # its gradient was added, unchanged
    assert_same(after[-1], expected(entry))


@every_entry
def test_integer_parameters_are_refused_with_the_remedy(entry):
    with pytest.raises(TypeError, match=r"parameter\['n'\] has dtype int32; .*optax\.masked"):
        entry.make().init({"n": jnp.zeros((), jnp.int32), "w": jnp.ones(2)})


@every_entry
def test_gradients_of_another_tree_or_shape_are_refused(entry):
    params, gradients = problem()
    optimizer = entry.make()
    state = optimizer.init(params)
    wrong = at(gradients, 0) | {"b": jnp.ones(5)}
    with pytest.raises(ValueError, match=r"gradient\['b'\] has shape \(5,\), but the optimizer"):
        optimizer.update(wrong, state, params | {"b": jnp.ones(5)})
    fewer = {"w": params["w"]}
    with pytest.raises(ValueError, match="the gradients do not match the optimizer state"):
        optimizer.update(fewer, state, fewer)
