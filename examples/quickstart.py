"""RMSprop in a valley, steep in one direction and flat in the other: the README's example."""

import jax
import jax.numpy as jnp
import optax

import rmsprop

optimizer = optax.chain(optax.clip_by_global_norm(10.0), rmsprop.rmsprop(0.05, decay=0.9))
params = {"w": jnp.array([-4.0, 1.0])}
state = optimizer.init(params)
gradient = jax.jit(jax.grad(lambda p: p["w"][0] ** 2 + 100 * p["w"][1] ** 2))
for _ in range(100):
    updates, state = optimizer.update(gradient(params), state, params)
    params = optax.apply_updates(params, updates)
print(params)
