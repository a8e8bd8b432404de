"""Limits of the gradients, where squares overflow too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rmsprop.frameworks._gradients import Clipping, clip

KINDS = ["norm", "global_norm"]


def _clipped(kind, gradients, limit):
    clipping = clip(Clipping(kind, limit))
    return clipping.update(gradients, clipping.init(gradients))[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("largest", [1e-3, 1.0, 1e9, 1e15, 1e25, 1e38])
def test_a_gradient_of_any_size_is_shortened_to_the_limit(kind, largest):
    gradient = largest * np.array([3.0, -4.0, 0.0]) / 4
    limit = min(2.0, largest / 8)
    found = _clipped(kind, {"w": jnp.asarray(gradient, jnp.float32)}, limit)["w"]
    expected = gradient * (limit / np.linalg.norm(gradient))
    # Three products, a sum, a root, a quotient and two more products are rounded.
    np.testing.assert_allclose(found, expected, rtol=8 * 2**-24)


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_gradient_below_the_limit_stays_as_it_is(kind):
    gradient = jnp.array([1e30, -3e30, 0.0])
    np.testing.assert_array_equal(_clipped(kind, gradient, 1e31), gradient)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_finite_does_not_pass_as_a_number(kind):
    for value in (np.inf, np.nan):
        assert np.isnan(_clipped(kind, jnp.array([value, 1.0]), 1.0)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_usual_gradient_is_shortened_by_the_frameworks_formula_to_the_bit(kind, rng):
    gradient = jnp.asarray(rng.normal(size=1000), jnp.float32)
    norm = jnp.sqrt(jnp.sum(jnp.square(gradient)))
    expected = gradient * (jnp.float32(0.5) / jnp.maximum(norm, jnp.float32(0.5)))
    np.testing.assert_array_equal(_clipped(kind, gradient, 0.5), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_no_infinity_arises_on_the_way(kind):
    with jax.debug_infs(True):
        jax.block_until_ready(_clipped(kind, {"w": jnp.full(5, 1e30)}, 1.0))
