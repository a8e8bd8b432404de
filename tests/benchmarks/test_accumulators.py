"""Accumulators in bfloat16 against float32: the time of a step, bytes of state, memory at the peak.

With bfloat16 throughout, parameters and gradients are bfloat16 too, and parameters are rounded
stochastically where they are updated.
"""

import jax
import jax.numpy as jnp
import pytest
import trees

import rmsprop

OPTIMIZERS = {
    "rmsprop": lambda dtype: rmsprop.rmsprop(1e-3, accumulator_dtype=dtype),
    "rmsprop with momentum": lambda dtype: rmsprop.rmsprop(
        1e-3, momentum=0.9, accumulator_dtype=dtype
    ),
    "rmsprop, centered": lambda dtype: rmsprop.rmsprop(
        1e-3, 0.95, 0.01, centered=True, accumulator_dtype=dtype
    ),
    "adagrad": lambda dtype: rmsprop.adagrad(1e-3, accumulator_dtype=dtype),
}


def _accumulating(name, dtype, tree, size):
    params = trees.make(tree, size)
    optimizer = OPTIMIZERS[name](dtype)
    carry = params, optimizer.init(params)
    gradients = jax.tree.map(lambda p: 0.1 * p, params)
    program = trees.jitted_step(optimizer)
    return trees.Step(program, carry, gradients)


def _bfloat16_throughout(name, tree, size):
    params = trees.make(tree, size, jnp.bfloat16)
    optimizer = OPTIMIZERS[name](jnp.bfloat16)

    def step(params, state, count, gradients, key):
        updates, state = optimizer.update(gradients, state, params)
        key = jax.random.fold_in(key, count)
        return rmsprop.apply_updates(params, updates, key=key), state, count + 1

    program = jax.jit(step, donate_argnums=(0, 1, 2))
    carry = params, optimizer.init(params), jnp.uint32(0)
    gradients = jax.tree.map(lambda p: jnp.full_like(p, 0.1), params)
    return trees.Step(program, carry, gradients, jax.random.key(0))


def kinds(name, tree, size):
    """The contenders."""
    return {
        "float32": _accumulating(name, None, tree, size),
        "bfloat16 accumulators": _accumulating(name, jnp.bfloat16, tree, size),
        "bfloat16 throughout": _bfloat16_throughout(name, tree, size),
    }


@pytest.mark.parametrize(
    ("tree", "name"),
    [(tree, "rmsprop") for tree in trees.TREES[:3]]
    + [(tree, name) for tree in trees.TREES[:2] for name in OPTIMIZERS if name != "rmsprop"],
)
def test_accumulators(race, size, tree, name):
    contenders = kinds(name, tree, size)
    count = trees.parameters(tree, size)
    memory = {
        kind: (trees.bytes_of(step.carry[1]) / count, step.peak_bytes() / count)
        for kind, step in contenders.items()
    }
    race(
        f"accumulators, {name}, {trees.title(tree, size)}",
        contenders,
        rounds=25,
        unit="step",
        memory=memory,
    )
    half = memory["float32"][0] / 2
    assert memory["bfloat16 accumulators"][0] == memory["bfloat16 throughout"][0] == half
