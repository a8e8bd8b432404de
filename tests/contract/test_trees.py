"""Any tree of parameters, and leaves that are not there, empty, hidden or not floating point."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from runs import assert_same, at, expected, problem, reference, renamed, steps, types
from table import every_entry, every_entry_compiled, every_state_compiled

import rmsprop


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


NOT_TRAINED = {
    "count": jnp.array([3, 4]),
    "flag": jnp.array(True),
    "bytes": np.zeros((2, 2), np.uint8),
    "key": jax.random.key(0),
}


@every_entry
@pytest.mark.parametrize("no_gradient", ["None", "float0"])
def test_integers_bools_and_keys_have_no_state_and_are_left_alone(entry, no_gradient):
    """A module of Equinox with a counter: its gradient is None, and float0 with `allow_int`."""
    params, gradients = problem()
    optimizer = entry.make()
    params, gradients = jax.tree.map(jnp.asarray, (params, gradients))
    alone, more = optimizer.init(params), optimizer.init(params | NOT_TRAINED)
    assert types(more) == types(_with_none(optimizer, params))
    missing = {
        name: None if no_gradient == "None" else np.zeros(np.shape(leaf), jax.dtypes.float0)
        for name, leaf in NOT_TRAINED.items()
    }
    everything = params | NOT_TRAINED
    for k in range(2):
        updates, alone = optimizer.update(at(gradients, k), alone, params)
        params = rmsprop.apply_updates(params, updates)
        changes, more = optimizer.update(at(gradients, k) | missing, more, everything)
        assert all(changes[name] is missing[name] for name in missing)
        everything = rmsprop.apply_updates(everything, changes)
    for name, leaf in NOT_TRAINED.items():
        assert everything.pop(name) is leaf
    assert_same(everything, params, renamed(entry))


def _with_none(optimizer, params):
    """The state of the parameters with None in the place of those that are not trained."""
    return optimizer.init(params | dict.fromkeys(NOT_TRAINED))


@every_entry
def test_where_no_parameter_is_trained_nothing_happens(entry):
    optimizer = entry.make()
    state = optimizer.init(NOT_TRAINED)
    updates, _ = optimizer.update(dict.fromkeys(NOT_TRAINED), state, NOT_TRAINED)
    assert updates == dict.fromkeys(NOT_TRAINED)


@every_entry
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.int32])
def test_a_real_gradient_of_an_integer_is_refused_by_its_path(entry, dtype):
    params = {"a": None, "n": jnp.zeros((), jnp.int32), "w": jnp.ones(2)}
    gradients = {"a": None, "n": jnp.zeros((), dtype), "w": jnp.ones(2)}
    optimizer = entry.make()
    with pytest.raises((TypeError, ValueError), match=r"gradient\['n'\] is of dtype .*not trained"):
        optimizer.update(gradients, optimizer.init(params), params)


@every_entry
def test_an_integer_gradient_of_a_parameter_that_is_trained_is_refused_by_its_path(entry):
    params = {"a": None, "w": jnp.ones(2)}
    optimizer = entry.make()
    with pytest.raises(TypeError, match=r"gradient\['w'\] is of dtype int32; gradients are"):
        optimizer.update({"a": None, "w": jnp.ones(2, int)}, optimizer.init(params), params)


@every_entry
@pytest.mark.parametrize(
    "leaf", [jax.nn.relu, "relu", object()], ids=["function", "text", "object"]
)
def test_what_is_no_array_is_refused_by_its_path_and_with_a_remedy(entry, leaf):
    """Also where None, which is no leaf, stands before it."""
    params = {"frozen": None, "kernel": jnp.ones(2), "layer": {"bias": None, "activation": leaf}}
    message = r"^parameter\['layer'\]\['activation'\] is of type .*eqx\.is_inexact_array"
    with pytest.raises(TypeError, match=message):
        entry.make().init(params)


@every_entry
def test_parameters_of_numpy_in_double_precision_are_those_that_jax_makes_of_them(entry):
    """A warning that they are narrowed would be an error here."""
    params = {"w": np.ones((2, 3))}
    assert types(entry.make().init(params)) == types(
        entry.make().init(jax.tree.map(jnp.asarray, params))
    )


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
