"""What the contract is tested on: a small problem, a run of it, how close two runs have to be."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

STEPS = 4

# Two programs of the same formula are fused differently: some 16 roundings a step, of 2^-24 each,
# relative to the largest value that a leaf goes through.
TOLERANCE = 2**-24 * 16 * STEPS


def problem(dtype=jnp.float32):
    """Parameters, and the gradients of every step with a leading axis of the steps."""
    rng = np.random.default_rng(7)
    shapes = {"w": (2, 3), "b": (3,), "s": ()}
    params = {name: jnp.asarray(rng.normal(size=shape), dtype) for name, shape in shapes.items()}
    gradients = {
        name: jnp.asarray(rng.normal(size=(STEPS, *shape)), dtype) for name, shape in shapes.items()
    }
    return params, gradients


def at(gradients, k):
    """The gradients of step `k`."""
    return jax.tree.map(lambda g: g[k], gradients)


def apply(params, updates):
    """`optax.apply_updates`, which adds parameters and updates of different dtypes."""
    with jax.numpy_dtype_promotion("standard"):
        return optax.apply_updates(params, updates)


class Run(NamedTuple):
    """What a loop went through: the parameters after each step, the last state, the traces."""

    params: list[Any]
    state: Any
    traces: int


def steps(optimizer, params, gradients, state=None, first=0, last=STEPS):
    """A plain loop over a compiled step, from step `first` on."""
    traces = []

    @jax.jit
    def step(params, state, gradient):
        traces.append(1)
        updates, state = optimizer.update(gradient, state, params)
        return apply(params, updates), state

    state = optimizer.init(params) if state is None else state
    after = []
    for k in range(first, last):
        params, state = step(params, state, at(gradients, k))
        after.append(params)
    return Run(after, state, len(traces))


@functools.cache
def reference(entry):
    """The plain run of an entry, which other ways to run it have to reproduce."""
    return steps(entry.make(), *problem())


def expected(entry):
    """The parameters after the last step of the plain run."""
    return reference(entry).params[-1]


def renamed(entry):
    """The tolerance where the leaves have other paths: bfloat16 then rounds the other way.

    By up to 2^-7 of an average or a buffer at each store, and so of a step.
    """
    return 2**-7 * STEPS if entry.is_narrow else TOLERANCE


def assert_same(found, wanted, tolerance=TOLERANCE):
    """Two trees of parameters that came from the same gradients on different ways."""
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype
        ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        if ours.size:
            # Parameters start at the size of one, and an update may be as long.
            assert np.max(np.abs(ours - theirs)) <= tolerance * max(1.0, np.max(np.abs(theirs)))


def types(tree):
    """Structure, shapes and dtypes, weak types included, which decide what is compiled again."""
    leaves = jax.tree.leaves(tree)
    return jax.tree.structure(tree), [(x.shape, x.dtype, x.weak_type) for x in leaves]
