"""Statements about the two optimizers, each with its source."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rmsprop


def _steps(transformation, gradients):
    """The updates of a transformation along a stream of gradients."""

    def step(state, gradient):
        updates, state = transformation.update(gradient, state)
        return state, updates

    return np.asarray(jax.lax.scan(step, transformation.init(gradients[0]), gradients)[1])


def test_t1_rmsprop_becomes_adagrad(rng, x64):
    """T1: decay 1 - 1/t and rate lr / sqrt(t) (Mukkamala and Hein, 2017, section 4).

    The average of t terms is their sum over t. Its 2,000 steps average their own roundings too, so
    that the error grows like the root of the number of steps: 2^-53 * 3 * sqrt(2000) = 1.5e-14.
    """
    gradients = jnp.asarray(rng.normal(size=(2_000, 16)))
    as_adagrad = rmsprop.rmsprop(
        lambda k: 0.1 / jnp.sqrt(k.astype(jnp.float64) + 1),
        lambda k: 1 - 1 / (k.astype(jnp.float64) + 1),
        eps=0.0,
    )
    ours = _steps(as_adagrad, gradients)
    expected = -0.1 * np.asarray(gradients) / np.sqrt(np.cumsum(np.asarray(gradients) ** 2, axis=0))
    np.testing.assert_allclose(ours, expected, rtol=2e-14)
    np.testing.assert_allclose(ours, _steps(rmsprop.adagrad(0.1, 0.0, 0.0), gradients), rtol=2e-14)


def test_t2_bias_correction_is_adam_without_momentum(rng, x64):
    """T2: scale_by_adam(b1=0, b2=d), note in the documentation of `optax.scale_by_rms`."""
    gradients = jnp.asarray(rng.normal(size=(200, 8)))
    ours = _steps(rmsprop.scale_by_rms(0.99, bias_correction=True, eps_in_sqrt=False), gradients)
    adam = _steps(optax.scale_by_adam(b1=0.0, b2=0.99), gradients)
    np.testing.assert_allclose(ours, adam, rtol=1e-13)


@pytest.mark.parametrize("decay", [0.5, 0.9, 0.999])
def test_t3_the_longest_step(decay, rng):
    """T3: |step| <= lr / sqrt(1 - decay), attained at the first; AdaGrad from 0: |step| <= lr."""
    # From 1e-15, for at 1e-19 the average is subnormal and its root imprecise: steps are shorter.
    gradients = jnp.asarray(rng.normal(size=(500, 64)) * 10.0 ** rng.uniform(-15, 20, (500, 64)))
    gradients = gradients.astype(jnp.float32)
    bound = 0.1 / np.sqrt(1 - decay)
    ours = np.abs(_steps(rmsprop.rmsprop(0.1, decay, eps=0.0), gradients))
    # Roundings: the floor, its product with |g|, the quotient, the rate.
    assert np.max(ours) <= bound * (1 + 4 * 2**-24)
    np.testing.assert_allclose(ours[0], bound, rtol=4 * 2**-24)
    ada = np.abs(_steps(rmsprop.adagrad(0.1, 0.0, 0.0), gradients))
    assert np.max(ada) <= 0.1 * (1 + 3 * 2**-24)


@pytest.mark.parametrize("decay", [0.9, 0.99])
def test_t5_constant_gradient(decay, x64):
    """T5: AdaGrad's step is lr / sqrt(t), RMSprop's lr / sqrt(1 - decay**t)."""
    t = np.arange(1, 501)
    gradients = jnp.full((500, 1), 3.7)
    ada = _steps(rmsprop.adagrad(0.1, 0.0, 0.0), gradients)[:, 0]
    np.testing.assert_allclose(ada, -0.1 / np.sqrt(t), rtol=1e-13)
    rms = _steps(rmsprop.rmsprop(0.1, decay, eps=0.0), gradients)[:, 0]
    np.testing.assert_allclose(rms, -0.1 / np.sqrt(1 - decay**t), rtol=1e-12)


def test_t13_the_worked_example(x64):
    """T13: f(x) = x^2 from 4 with lr 0.1 and decay 0.9: E[g^2]_1 = 6.4 and x_1 = 3.6838."""
    optimizer = rmsprop.rmsprop(0.1, 0.9, 1e-8)
    x = jnp.array(4.0)
    updates, state = optimizer.update(jax.grad(lambda x: x**2)(x), optimizer.init(x))
    np.testing.assert_allclose(state[0].nu, 6.4, rtol=1e-14)
    np.testing.assert_allclose(x + updates, 4 - 0.1 / np.sqrt(6.4) * 8, rtol=1e-9)
    assert f"{x + updates:.4f}" == "3.6838"


@pytest.mark.parametrize("name", ["rmsprop", "adagrad"])
def test_t14_two_weights_move_alike(name, x64):
    """T14: gradients of magnitude 0.1 and 10 get effective rates a hundred times apart."""
    gradients = jnp.tile(jnp.array([0.1, 10.0]), (200, 1))
    optimizer = (
        rmsprop.rmsprop(0.1, eps=0.0) if name == "rmsprop" else rmsprop.adagrad(0.1, 0.0, 0.0)
    )
    steps = _steps(optimizer, gradients)
    effective = -steps / np.asarray(gradients)
    np.testing.assert_allclose(effective[:, 0] / effective[:, 1], 100.0, rtol=1e-12)
    np.testing.assert_allclose(steps[:, 0], steps[:, 1], rtol=1e-12)
    if name == "rmsprop":  # after the average has filled: lr / 0.1 and lr / 10
        np.testing.assert_allclose(effective[-1], [1.0, 0.01], rtol=1e-8)
