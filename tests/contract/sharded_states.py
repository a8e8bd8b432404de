"""For every entry of the contract table, where the arrays of a new state lie; run on 8 devices.

Prints one JSON object: for each entry and each way to call `init`, the arrays of the state that are
not divided over devices as their parameter is.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from table import TABLE

MESH = Mesh(np.asarray(jax.devices()).reshape(4, 2), ("a", "b"))
# A parameter of each kind of dtype; their shapes differ, so that an array tells whose it is.
SPECS = {"w": ("a", "b"), "h": (None, ("a", "b")), "z": ("b",), "s": ()}
SHAPES = {"w": (8, 4), "h": (3, 16), "z": (6,), "s": ()}
DTYPES = {"w": jnp.float32, "h": jnp.bfloat16, "z": jnp.complex64, "s": jnp.float32}


def shardings(entry):
    """How the parameters that an entry can train are divided."""
    names = [name for name in SPECS if name != "z" or entry.has_complex]
    return {name: NamedSharding(MESH, PartitionSpec(*SPECS[name])) for name in names}


def parameters(names):
    return {name: jnp.ones(SHAPES[name], DTYPES[name]) for name in names}


def ways(entry):
    """By name the state, made in the ways in which programs make it."""
    init, of_each = entry.make().init, shardings(entry)
    params = jax.device_put(parameters(of_each), of_each)
    made = jax.jit(lambda: jax.lax.with_sharding_constraint(parameters(of_each), of_each))
    yield "not traced", init(params)
    yield "an argument", jax.jit(init)(params)
    if entry.plain or entry.path.endswith(("keras.rmsprop", "timm.rmsprop_tf")):
        yield "made in the program", jax.jit(lambda: init(made()))()
        yield "closed over", jax.jit(lambda: init(params))()
        mapped = jax.tree.map(lambda x: x[None], params)
        yield "mapped", jax.tree.map(lambda x: x[0], jax.jit(jax.vmap(init))(mapped))
        yield "differentiated", jax.linearize(init, params)[0]


def elsewhere(state, of_each):
    """The arrays of a state that are not where their parameter is; counts are anywhere."""
    by_shape = {SHAPES[name]: sharding for name, sharding in of_each.items() if SHAPES[name]}
    arrays, _ = jax.tree_util.tree_flatten_with_path(state)
    return [
        f"{jax.tree_util.keystr(path)}: {array.sharding}"
        for path, array in arrays
        if array.ndim and not array.sharding.is_equivalent_to(by_shape[array.shape], array.ndim)
    ]


print(
    json.dumps(
        {
            entry.name: {way: elsewhere(state, shardings(entry)) for way, state in ways(entry)}
            for entry in TABLE
        }
    )
)
