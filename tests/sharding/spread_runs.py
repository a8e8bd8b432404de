"""Runs with a spread state beside runs on one device; on 8 devices, one JSON object of both.

`python spread_runs.py "rmsprop, automatic" ...` makes these runs, and all of `runs()` without a
name. Any entry of the contract's table may be named, also where `runs()` leaves it out.
"""

import json
import pathlib
import re
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AxisType, NamedSharding, PartitionSpec

sys.path.append(str(pathlib.Path(__file__).parents[1] / "contract"))

from table import OPTIMIZERS, PORTS, RESCALINGS, WITH_A_STATE_OF_THEIR_OWN

import rmsprop
from rmsprop import sharding

STEPS = 3
SHAPES = {"w": (16, 6), "conv": (3, 3, 8), "b": (24,), "h": (5, 16)}
DTYPES = dict.fromkeys(SHAPES, jnp.float32) | {"h": jnp.bfloat16}

EVERYWHERE = {
    "rmsprop": lambda: rmsprop.rmsprop(0.1, momentum=0.9),
    "in bfloat16": lambda: rmsprop.rmsprop(0.1, centered=True, accumulator_dtype=jnp.bfloat16),
    "adagrad": lambda: rmsprop.adagrad(lambda count: 0.1 / (1 + count)),
    "Adam": lambda: optax.adam(0.1),
    "masked": lambda: optax.adamw(0.1, mask={"w": True, "conv": True, "b": False, "h": False}),
    "clipped": lambda: optax.chain(optax.clip(0.5), rmsprop.rmsprop(0.1)),
    "in groups": lambda: optax.partition(
        {"train": rmsprop.rmsprop(0.1, centered=True), "freeze": optax.set_to_zero()},
        {"w": "train", "conv": "train", "b": "train", "h": "freeze"},
    ),
    "injected": lambda: optax.inject_hyperparams(rmsprop.rmsprop, hyperparam_dtype=jnp.float32)(
        learning_rate=optax.linear_schedule(0.1, 0.0, 10), momentum=0.5
    ),
    "two batches a step": lambda: optax.MultiSteps(rmsprop.rmsprop(0.1), 2),
}
# Optax's functions for these compute with what is divided and what is whole in ways that a mesh
# with explicit axes does not allow.
ON_AUTOMATIC_AXES = {
    "if finite": lambda: optax.apply_if_finite(optax.rmsprop(0.1, momentum=0.9), 3),
    "schedule-free": lambda: optax.contrib.schedule_free(rmsprop.rmsprop(0.1), 0.1, b1=0.9),
    "flattened": lambda: optax.flatten(optax.trace(0.9)),
}
OF_THE_CONTRACT = {entry.name: entry for entry in [*RESCALINGS, *OPTIMIZERS, *PORTS]}
AXES = {"automatic": AxisType.Auto, "explicit": AxisType.Explicit}


def runs():
    """The names of all runs: an optimizer, and the kind of the mesh's axes.

    Of the ports those whose state is not that of our own chain alone.
    """
    paths = {f"rmsprop.frameworks.{name}" for name in WITH_A_STATE_OF_THEIR_OWN}
    ports = [entry for entry in PORTS if entry.path in paths]
    names = [f"{name}, {axes}" for name in EVERYWHERE for axes in AXES]
    entries = [entry.name for entry in [*RESCALINGS, *OPTIMIZERS, *ports]]
    return names + [f"{name}, automatic" for name in [*ON_AUTOMATIC_AXES, *entries]]


def optimizer_of(name):
    entry = OF_THE_CONTRACT.get(name)
    return (EVERYWHERE | ON_AUTOMATIC_AXES)[name]() if entry is None else entry.make()


def trees():
    """Parameters, and the gradients of every step, in NumPy."""
    rng = np.random.default_rng(3)
    draw = lambda: {  # noqa: E731
        name: rng.normal(size=shape).astype(DTYPES[name]) for name, shape in SHAPES.items()
    }
    return draw(), [draw() for _ in range(STEPS)]


def bits(tree):
    """The leaves by their paths, as bytes."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): np.asarray(leaf).tobytes() for path, leaf in leaves}


def distance(ours, theirs):
    """The largest difference between two trees, relative to the largest number of a leaf."""
    largest = 0.0
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        largest = max(largest, np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-30))
    return largest


def bytes_by_device(tree):
    """What each device holds of the arrays of a tree."""
    held = dict.fromkeys(jax.devices(), 0)
    for leaf in jax.tree.leaves(tree):
        for shard in leaf.addressable_shards:
            held[shard.device] += shard.data.nbytes
    return [*held.values()]


def collectives(program):
    """What is sent from one device to another: `["all-gather", number of elements]`."""
    found = re.findall(
        r"= (\(.*?\)|\S+) (all-\w+|reduce-scatter|collective-permute)(?:-start)?\(", program
    )
    return [
        [kind, int(np.prod([int(n) for n in shape.split(",") if n], initial=1))]
        for types, kind in found
        for shape in re.findall(r"[a-z]+\d+\[([\d,]*)\]", types)
    ]


def result(optimizer, mesh):
    """Both runs of an optimizer, and what the spread one holds and sends."""

    def step(params, state, gradients):
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    whole = NamedSharding(mesh, PartitionSpec())
    params, gradients = trees()
    alone, alone_state = jax.tree.map(jnp.asarray, params), optimizer.init(params)
    spread = jax.device_put(params, whole)
    state = sharding.init(optimizer, spread, mesh=mesh)
    begins_equal = bits(state) == bits(alone_state)
    of_params = jax.tree.map(lambda p: p.sharding, spread)
    of_state = sharding.shardings(optimizer, spread, mesh=mesh)
    step_alone = jax.jit(step)
    step_spread = jax.jit(step, out_shardings=(of_params, of_state), donate_argnums=(0, 1))
    gradients = [jax.device_put(gradient, whole) for gradient in gradients]
    program = step_spread.lower(spread, state, gradients[0]).compile().as_text()
    for gradient in gradients:
        alone, alone_state = step_alone(alone, alone_state, jax.tree.map(np.asarray, gradient))
        spread, state = step_spread(spread, state, gradient)
    here, there = bits((spread, state)), bits((alone, alone_state))
    arrays, numbers = [], []
    for leaf in jax.tree.leaves(state):
        (arrays if leaf.ndim else numbers).append(leaf.nbytes)
    return {
        "begins equal": begins_equal,
        "different": [path for path in there if here[path] != there[path]],
        "distance": distance(spread, alone),
        "bytes of arrays": sum(arrays),
        "bytes of numbers": sum(numbers),
        "bytes by device": bytes_by_device(state),
        "collectives": collectives(program),
        "parameters whole": all(p.sharding.is_fully_replicated for p in jax.tree.leaves(spread)),
        "state divided": jax.tree.map(lambda x: x.sharding, state) == of_state,
    }


def main(names):
    warnings.simplefilter("error")
    results = {}
    for name in names or runs():
        optimizer, _, axes = name.rpartition(", ")
        mesh = jax.make_mesh((8,), ("data",), axis_types=(AXES[axes],))
        results[name] = result(optimizer_of(optimizer), mesh)
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1:])
