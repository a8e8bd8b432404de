"""Weight decay; learning rate and momentum are tested with the optimizers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rmsprop._chain import add_decayed_weights, decouple_decayed_weights


def test_coupled_decay_is_added_to_the_gradient(rng):
    g, p = rng.normal(size=7).astype(np.float32), rng.normal(size=7).astype(np.float32)
    updates, _ = add_decayed_weights(0.1).update(jnp.asarray(g), optax.EmptyState(), jnp.asarray(p))
    # A product and a sum, each rounded once.
    np.testing.assert_allclose(updates, g + 0.1 * p, rtol=0, atol=2**-24 * 2 * np.abs([g, p]).max())


def test_decoupled_decay_follows_the_schedule():
    link = decouple_decayed_weights(lambda k: 0.5 * (k.astype(jnp.float32) + 1), 0.25)
    p = jnp.asarray([4.0, -2.0])
    state = link.init(p)
    for k in range(3):
        updates, state = link.update(jnp.zeros(2), state, p)
        np.testing.assert_array_equal(updates, -0.5 * (k + 1) * 0.25 * p)
    assert state.count == 3


@pytest.mark.parametrize("link", [add_decayed_weights(0.1), decouple_decayed_weights(1.0, 0.1)])
def test_a_missing_gradient_stays_missing_and_missing_parameters_are_an_error(link):
    params = {"a": jnp.ones(2), "b": jnp.ones(3)}
    gradients = {"a": jnp.ones(2), "b": None}
    updates, _ = link.update(gradients, link.init(params), params)
    assert updates["b"] is None
    with pytest.raises(
        ValueError, match=r"needs the parameters.*update\(gradients, state, params\)"
    ):
        link.update(gradients, link.init(params))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision_is_computed_in_float32_and_rounded_once(dtype, rng):
    p = jnp.asarray(rng.normal(size=100), dtype)
    g = jnp.asarray(rng.normal(size=100), dtype)
    updates, _ = jax.jit(add_decayed_weights(1e-3).update)(g, optax.EmptyState(), p)
    wide = np.asarray(g, np.float32) + np.float32(1e-3) * np.asarray(p, np.float32)
    assert updates.dtype == dtype
    # Compiled, the product may be fused with the sum: then a tie can fall to the other side.
    steps = np.abs(
        np.asarray(updates, np.float32) - np.asarray(jnp.asarray(wide, dtype), np.float32)
    )
    assert (steps > 0).sum() <= 1


def test_a_negative_coefficient_is_refused():
    with pytest.raises(ValueError, match=r"weight_decay is -0\.1"):
        add_decayed_weights(-0.1)
