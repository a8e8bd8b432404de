"""Gradients through the update, as meta-learning takes them: finite, also at a zero gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from runs import apply
from table import TABLE, every_entry_compiled, over


def _trained(entry, gradients, start, **numbers):
    """The sum of the parameters after some steps with these gradients, one of them zero."""
    optimizer = entry.make(**numbers)
    params = start
    state = optimizer.init(params)
    for gradient in gradients:
        updates, state = optimizer.update(gradient, state, params)
        params = apply(params, updates)
    return params.sum()


def _slopes(entry, dtype):
    zeros, ones = jnp.zeros(2, dtype), jnp.asarray([1.0, 0.0], dtype)
    start = jnp.asarray([0.0, 1.0], dtype)
    slopes = jax.jit(jax.grad(lambda g, p: _trained(entry, g, p), argnums=(0, 1)))
    for stream in [(zeros, zeros, zeros), (ones, zeros, ones)]:
        yield slopes(stream, start)


def _assert_finite(tree):
    for leaf in jax.tree.leaves(tree):
        assert np.isfinite(np.asarray(leaf, np.float64)).all()


@every_entry_compiled
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_by_the_gradients_and_the_parameters(entry, dtype):
    for slopes in _slopes(entry, dtype):
        _assert_finite(slopes)


@over([entry for entry in TABLE if entry.eps_in_sqrt], compiled=True)
def test_in_float16(entry):
    """With eps inside the root: outside of it the derivative at zero is 1 / eps, and infinite."""
    for slopes in _slopes(entry, jnp.float16):
        _assert_finite(slopes)


@over([entry for entry in TABLE if entry.numbers], compiled=True)
def test_by_the_hyperparameters(entry):
    zeros, ones = jnp.zeros(2), jnp.asarray([1.0, 0.0])

    def trained(numbers):
        return _trained(entry, (ones, zeros, ones), jnp.asarray([0.0, 1.0]), **numbers)

    numbers = {name: jnp.float32(value) for name, value in entry.numbers.items()}
    _assert_finite(jax.jit(jax.grad(trained))(numbers))
