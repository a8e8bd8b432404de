"""The gated recurrent unit and its own gradient, against loops in float64."""

import jax
import jax.numpy as jnp
import numpy as np

from rmsprop.study.tasks.recurrence import gated_states


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference_states(recur, inputs):
    """One state after the other, each gate by itself."""
    hidden = len(recur)
    state, states = np.zeros((inputs.shape[1], hidden)), []
    of_reset, of_update, of_new = np.split(recur, 3, axis=1)
    for x in inputs:
        x_reset, x_update, x_new = np.split(x, 3, axis=1)
        reset = sigmoid(x_reset + state @ of_reset)
        update = sigmoid(x_update + state @ of_update)
        state = update * state + (1 - update) * np.tanh(x_new + reset * (state @ of_new))
        states.append(state)
    return np.array(states)


def differences(function, x):
    """The gradient by central differences: exact but for about 1e-10 of values of order 1."""
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[place] = 1e-5
        gradient[place] = (function(x + shift) - function(x - shift)) / 2e-5
    return gradient


def test_states_and_gradients_are_those_of_the_loop(rng):
    recur = rng.standard_normal((3, 9))
    inputs = rng.standard_normal((5, 2, 9))
    weights = rng.standard_normal((5, 2, 3))
    narrow = [jnp.asarray(x, jnp.float32) for x in (recur, inputs)]
    states, transpose = jax.vjp(gated_states, *narrow)
    # Five steps of products of 3 terms of order 1, in which errors of 2^-24 grow by little.
    np.testing.assert_allclose(states, reference_states(recur, inputs), rtol=0, atol=2.0**-18)
    of_recur, of_inputs = transpose(jnp.asarray(weights, jnp.float32))
    expected = [
        differences(lambda x: np.sum(weights * reference_states(x, inputs)), recur),
        differences(lambda x: np.sum(weights * reference_states(recur, x)), inputs),
    ]
    # Each entry of `recur` is in 5 * 2 products, and each of these has the error of a state.
    np.testing.assert_allclose(of_recur, expected[0], rtol=0, atol=2.0**-15)
    np.testing.assert_allclose(of_inputs, expected[1], rtol=0, atol=2.0**-16)
