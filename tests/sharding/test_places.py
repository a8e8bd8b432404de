"""Where the arrays of a spread state are to lie, and what is refused; on meshes without devices."""

import re
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec

import rmsprop
from rmsprop import rows, sharding, telemetry

DATA = AbstractMesh((8,), ("data",))
BOTH = AbstractMesh((4, 2), ("data", "model"))


def parameter(shape, *spec, mesh=BOTH, dtype=jnp.float32):
    place = NamedSharding(mesh, PartitionSpec(*spec))
    return jax.ShapeDtypeStruct(shape, dtype, sharding=place)


def place(shape, *spec, mesh=BOTH, axis="data"):
    """Where the average of a parameter lies that is divided so."""
    of_state = sharding.shardings(
        rmsprop.scale_by_rms(), parameter(shape, *spec, mesh=mesh), mesh=mesh, axis=axis
    )
    return tuple(of_state.nu.spec)


@pytest.mark.parametrize(
    ("shape", "spec", "expected"),
    [
        ((64,), (), ("data",)),
        ((6, 64), (), (None, "data")),
        ((8, 4096), (), ("data",)),  # the first, whose parts are contiguous, and not the longest
        ((3, 3, 12, 64), (), (None, None, "data")),
        ((10, 7), (), ()),
        ((), (), ()),
        ((1,), (), ()),
        ((0, 4), (), ()),
        ((64, 64), (None, "model"), ("data", "model")),
        ((64, 64), ("model",), ("model", "data")),
        ((6, 64), (None, "model"), (None, ("model", "data"))),
        ((16,), ("model",), (("model", "data"),)),
        ((12,), ("model",), ("model",)),  # parts of 6, which four devices cannot share
        ((64, 64), ("data", "model"), ("data", "model")),  # fully sharded
        ((64, 64), (("model", "data"),), (("model", "data"),)),
    ],
)
def test_an_array_is_divided_over_the_axis_in_addition(shape, spec, expected):
    assert place(shape, *spec) == expected


def test_several_axes_are_divided_over_together():
    assert place((16, 6), axis=("data", "model")) == (("data", "model"),)
    assert place((6, 16), None, "model", axis=("data", "model")) == (None, ("model", "data"))
    assert place((6, 4), axis=("data", "model")) == ()


TRUE_OF_INNER = {"kernel": False, "inner": {"kernel": True, "other": True}}


def test_a_state_lies_as_the_parameter_at_the_end_of_its_path():
    """Arrays of one shape belong to the parameters of their names, in any wrapper."""
    params = {
        "kernel": parameter((64, 8), "model"),
        "inner": {"kernel": parameter((64, 8), None, "model"), "other": parameter((64, 8))},
    }
    for optimizer in (
        rmsprop.rmsprop(0.1, momentum=0.9),
        optax.chain(
            optax.masked(optax.adam(0.1), {"kernel": True, "inner": False}), optax.ema(0.9)
        ),
        optax.MultiSteps(optax.inject_hyperparams(optax.rmsprop)(learning_rate=0.1), 2),
        rmsprop.frameworks.keras.rmsprop(0.1, use_ema=True),
    ):
        of_state = sharding.shardings(optimizer, params, mesh=BOTH)
        new = jax.eval_shape(optimizer.init, params)
        assert jax.tree.structure(of_state) == jax.tree.structure(new)
        leaves, _ = jax.tree_util.tree_flatten_with_path(of_state)
        specs = {jax.tree_util.keystr(path): tuple(leaf.spec) for path, leaf in leaves}
        arrays = {path: spec for path, spec in specs.items() if "ernel" in path or "other" in path}
        assert arrays
        for path, spec in arrays.items():
            expected = ("data", "model") if "['inner']['kernel']" in path else ("model", "data")
            assert spec == (("data",) if "other" in path else expected), path
        assert {spec for path, spec in specs.items() if path not in arrays} <= {()}


def test_pairs_of_parameters_have_their_names_in_the_middle():
    """Lookahead's parameters are `.fast['w']` and `.slow['w']`, its state `.fast_state.nu['w']`."""
    params = optax.LookaheadParams.init_synced(
        {"v": parameter((64, 8), "model"), "w": parameter((64, 8), None, "model")}
    )
    optimizer = optax.lookahead(rmsprop.scale_by_rms(), 2, 0.5)
    of_state = sharding.shardings(optimizer, params, mesh=BOTH)
    specs = {name: tuple(leaf.spec) for name, leaf in of_state.fast_state.nu.items()}
    assert specs == {"v": ("model", "data"), "w": ("data", "model")}


def test_of_a_table_with_its_averages_and_counts_of_rows():
    table = parameter((64, 8), "model")
    for optimizer, expected in {
        rows.adagrad(0.1, row_wise=True): (("model", "data"),),
        rows.rmsprop(0.1, momentum=0.9, semantics="lazy"): ("model", "data"),
    }.items():
        of_state = sharding.shardings(optimizer, table, mesh=BOTH)
        assert {tuple(x.spec) for x in jax.tree.leaves(of_state)} == {expected}
    counted = sharding.shardings(rows.rmsprop(0.1), parameter((64, 8)), mesh=BOTH)
    assert tuple(counted.seen.spec) == ("data",)
    assert tuple(counted.count.spec) == ()


def test_random_keys_and_what_belongs_to_no_parameter():
    """Sums over rows and columns grow with the parameters, and keys do not."""
    params = {"w": parameter((128, 256), mesh=AbstractMesh((2,), ("data",)))}
    mesh = AbstractMesh((2,), ("data",))
    noise = sharding.shardings(optax.add_noise(0.1, 0.5, 0), params, mesh=mesh)
    assert {tuple(x.spec) for x in jax.tree.leaves(noise)} == {()}
    factored = sharding.shardings(optax.scale_by_factored_rms(), params, mesh=mesh)
    assert tuple(factored.v_row["w"].spec) == tuple(factored.v_col["w"].spec) == ("data",)


def test_what_a_watch_has_seen_is_whole_and_of_the_rest_nothing_is():
    params = {"w": parameter((8, 256), mesh=DATA)}
    inner = rmsprop.rmsprop(0.1, momentum=0.9)
    watched = optax.chain(optax.clip(1.0), telemetry.watch(inner))
    of_state = sharding.shardings(watched, params, mesh=DATA)[1]
    assert of_state.inner_state == sharding.shardings(inner, params, mesh=DATA)
    own = jax.tree.leaves(of_state._replace(inner_state=None))
    assert {tuple(x.spec) for x in own} == {()}
    assert len(own) == 5


def test_what_is_not_trained_has_no_place():
    params = {"w": np.ones((8, 2), np.float32), "count": np.arange(8), "none": None}
    of_state = sharding.shardings(rmsprop.rmsprop(0.1), params, mesh=DATA)
    assert of_state[0].nu["count"] is None
    assert tuple(of_state[0].nu["w"].spec) == ("data",)


def test_the_state_on_a_mesh_of_one_device():
    """Its values and its types are those of the optimizer's own."""
    mesh = jax.make_mesh((1,), ("data",))
    params = {"w": jnp.ones((3, 2)), "h": jnp.ones((5,), jnp.bfloat16)}
    optimizer = rmsprop.rmsprop(0.1, initial_scale=1.0, momentum=0.9, bias_correction=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # everything can be divided by one
        state = sharding.init(optimizer, params, mesh=mesh)
    jax.tree.map(np.testing.assert_array_equal, state, optimizer.init(params))
    assert jax.tree.map(jnp.dtype, state) == jax.tree.map(jnp.dtype, optimizer.init(params))
    of_state = sharding.shardings(optimizer, params, mesh=mesh)
    assert jax.tree.map(lambda x: x.sharding, state) == of_state


REFUSED = {
    "axis": (
        {"axis": "batch"},
        ValueError,
        "axis is 'batch'; it must be one of the mesh's axes, 'data' (4), 'model' (2).",
    ),
    "one axis of two": ({"axis": ("data", "row")}, ValueError, "axis is ('data', 'row'); it must"),
    "an axis twice": (
        {"axis": ("data", "data")},
        ValueError,
        "axis is ('data', 'data'); it must name each axis once.",
    ),
    "a number of an axis": (
        {"axis": 0},
        TypeError,
        "axis is 0; it must be the name of one of the mesh's axes, 'data' (4), 'model' (2), or a",
    ),
    "None for an axis": ({"axis": None}, TypeError, "axis is None; it must be the name of one"),
    "no axis": ({"axis": ()}, ValueError, "axis is (); it must be one of"),
    "mesh": ({"mesh": "data"}, TypeError, "mesh is an object of type str; it must be a"),
    "optimizer": (
        {"optimizer": rmsprop.rmsprop},
        TypeError,
        "optimizer is an object of type function; it must have the functions init and update",
    ),
    "no array": ({"params": {"a": {"b": "x"}}}, TypeError, "parameter['a']['b'] is of type str"),
    "another mesh": (
        {"params": {"a": [parameter((8,), "rows", mesh=AbstractMesh((2,), ("rows",)))]}},
        ValueError,
        "parameter['a'][0] is divided over the axis 'rows' (2) of another mesh; the axes of this"
        " one are 'data' (4), 'model' (2).",
    ),
    "another size": (
        {"params": {"a": parameter((8,), "data", mesh=DATA)}},
        ValueError,
        "parameter['a'] is divided over the axis 'data' (8) of another mesh",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    changes, error, message = REFUSED[name]
    arguments = {"optimizer": rmsprop.rmsprop(0.1), "params": {}, "mesh": BOTH} | changes
    with pytest.raises(error, match=re.escape(message)):
        sharding.shardings(arguments.pop("optimizer"), arguments.pop("params"), **arguments)


def test_an_abstract_mesh_holds_no_state():
    with pytest.raises(TypeError, match=r"mesh is an object of type AbstractMesh; it must be a"):
        sharding.init(rmsprop.rmsprop(0.1), jnp.ones(8), mesh=DATA)
