"""A run of Keras goes on in JAX, and comes back: `python examples/move_from_keras.py`."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax

from rmsprop.frameworks import keras as port

# A small network and its data in Keras, trained for 20 steps and saved with its optimizer.
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).standard_normal((64, 8)).astype(np.float32)
y = np.sin(x.sum(1, keepdims=True))
layers = [
    keras.layers.Dense(16, activation="tanh", name="hidden"),
    keras.layers.Dense(1, name="out"),
]
model = keras.Sequential([keras.Input((8,)), *layers])
model.compile(keras.optimizers.RMSprop(1e-3, momentum=0.9, weight_decay=1e-2), loss="mse")
model.fit(x, y, batch_size=64, epochs=20, shuffle=False, verbose=0)
model.save("model.keras")

# The same network in JAX. The arrays have the same layout, and another order.
shapes = {
    "hidden": {"kernel": jnp.zeros((8, 16)), "bias": jnp.zeros(16)},
    "out": {"kernel": jnp.zeros((16, 1)), "bias": jnp.zeros(1)},
}
order = [v.path for v in model.trainable_variables]  # sequential/hidden/kernel, ...
layout = port.flax_layout(shapes, order)
params = jax.tree.map(jnp.asarray, layout.params(model.trainable_variables))

# The port takes the options of the run; those in the file are compared with them.
optimizer = port.rmsprop(1e-3, momentum=0.9, weight_decay=1e-2)
state = port.import_state(optimizer, "model.keras", params, names=layout.names)


def loss(params):
    hidden = jnp.tanh(x @ params["hidden"]["kernel"] + params["hidden"]["bias"])
    return jnp.mean((hidden @ params["out"]["kernel"] + params["out"]["bias"] - y) ** 2)


@jax.jit
def train_here(params, state):
    updates, state = optimizer.update(jax.grad(loss)(params), state, params)
    return optax.apply_updates(params, updates), state


for _ in range(20):
    params, state = train_here(params, state)

# Trained on in both, the parameters are the same up to rounding.
model.fit(x, y, batch_size=64, epochs=20, shuffle=False, verbose=0)
expected = layout.params(model.trainable_variables)
for here, there in zip(jax.tree.leaves(params), jax.tree.leaves(expected), strict=True):
    np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-6)
print(f"loss after 40 steps: {loss(expected):.4f} there, {loss(params):.4f} here")

# And back: Keras goes on from 40 steps.
saved = port.export_state(optimizer, state, params, names=layout.names, step=40)
model.set_weights(layout.arrays(params))
model.optimizer.set_weights(saved)
model.fit(x, y, batch_size=64, epochs=1, shuffle=False, verbose=0)
