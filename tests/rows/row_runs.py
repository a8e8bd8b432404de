"""Tables, batches of ids and the runs over them, for the tests of `rmsprop.rows`."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rmsprop import rows

ROWS, WIDTH, BATCH, STEPS = 23, 3, 8, 200
EVERY = {
    "exact": rows.rmsprop(0.1),
    "centered": rows.rmsprop(0.1, centered=True),
    "corrected": rows.rmsprop(lambda k: 0.1, bias_correction=True),
    "lazy": rows.rmsprop(0.1, semantics="lazy"),
    "lazy with momentum": rows.rmsprop(0.1, semantics="lazy", momentum=0.9, centered=True),
    "row-wise": rows.rmsprop(0.1, row_wise=True),
    "AdaGrad": rows.adagrad(0.1),
    "row-wise AdaGrad": rows.adagrad(lambda k: 0.1, row_wise=True),
}
every_optimizer = pytest.mark.parametrize("name", EVERY)
KINDS = ("corrected", "lazy with momentum", "row-wise", "AdaGrad")
every_kind = pytest.mark.parametrize("name", KINDS)


def rate(k):
    """A schedule, for arrays and for the loops in NumPy."""
    return 0.1 / (1 + 0.01 * (k.astype(float) if isinstance(k, jax.Array) else k))


def stream(rng, steps=STEPS, dtype=np.float64):
    """Random ids, among them repeated, negative and too large ones; some rows are rare."""
    ids = np.minimum(rng.geometric(0.15, (steps, BATCH)), ROWS + 2) - 2
    gradients = (rng.normal(size=(steps, BATCH, WIDTH)) * 10 ** rng.normal(size=WIDTH)).astype(
        dtype
    )
    return ids.astype(np.int32), gradients


def dense_gradient(ids, gradients, rows=ROWS):
    """The gradient of the whole table."""
    out = np.zeros((rows, *gradients.shape[ids.ndim :]), gradients.dtype)
    for row, gradient in zip(ids.ravel(), gradients.reshape(-1, *out.shape[1:]), strict=True):
        if 0 <= row < rows:
            out[row] += gradient
    return out


def trajectories(optimizers, table, ids, gradients):
    """By name the table after each step, the last one and the state, all in one compiled scan."""

    def step(carry, batch):
        after = {name: x.step(*carry[name], *batch) for name, x in optimizers.items()}
        return after, {name: table for name, (table, _) in after.items()}

    @jax.jit
    def run(carry):
        return jax.lax.scan(step, carry, (ids, gradients))

    last, tables = run({name: (table, x.init(table)) for name, x in optimizers.items()})
    return {name: (np.asarray(tables[name]), *last[name]) for name in optimizers}


def trajectory(optimizer, table, ids, gradients):
    """The table after each step, the last one and the state."""
    return trajectories({"": optimizer}, table, ids, gradients)[""]


def runs(optimizers, rng, dtype=np.float64):
    """Random batches: the table, the ids, the dense gradients, and the trajectories by name."""
    ids, gradients = stream(rng, dtype=dtype)
    table = rng.normal(size=(ROWS, WIDTH)).astype(dtype)
    along = trajectories(optimizers, jnp.asarray(table), ids, gradients)
    dense = np.stack([dense_gradient(*batch) for batch in zip(ids, gradients, strict=True)])
    return table, ids, dense, along


def run(optimizer, rng, dtype=np.float64):
    """The same for one optimizer: table, ids, dense gradients, its trajectory."""
    table, ids, dense, along = runs({"": optimizer}, rng, dtype)
    return table, ids, dense, *along[""]


@functools.cache
def jitted(name):
    return jax.jit(EVERY[name].step)
