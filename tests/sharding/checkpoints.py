"""Runs that are saved: parameters and a spread state whose values tell the step."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

import rmsprop
from rmsprop import sharding

OPTIMIZER = rmsprop.rmsprop(0.1, momentum=0.9, bias_correction=True)
SHAPES = {"kernel": (2048, 2048), "bias": (24,)}  # 32 MB of state, which take a while to write


def parameters(mesh):
    whole = NamedSharding(mesh, PartitionSpec())
    return {
        name: jax.ShapeDtypeStruct(shape, jnp.float32, sharding=whole)
        for name, shape in SHAPES.items()
    }


def target(mesh):
    """What is to be restored: the shapes, the dtypes and the places on a mesh."""
    params = parameters(mesh)
    state = jax.tree.map(
        lambda x, place: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=place),
        jax.eval_shape(OPTIMIZER.init, params),
        sharding.shardings(OPTIMIZER, params, mesh=mesh),
    )
    return {"params": params, "state": state}


def values_at(step):
    """The numbers of a run, in NumPy."""

    def values(x):
        return np.asarray(step + np.arange(x.size).reshape(x.shape) % 1000, x.dtype)

    params = {name: jax.ShapeDtypeStruct(shape, jnp.float32) for name, shape in SHAPES.items()}
    state = jax.eval_shape(OPTIMIZER.init, params)
    return jax.tree.map(values, {"params": params, "state": state})


def run_at(step, mesh):
    """The same on the devices of a mesh."""
    places = jax.tree.map(lambda x: x.sharding, target(mesh))
    return jax.device_put(values_at(step), places)
