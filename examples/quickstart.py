"""RMSprop in a valley, steep in one direction and flat in the other: the README's example."""

import jax
import jax.numpy as jnp
import optax

import rmsprop

loss = lambda p: p["flat"] ** 2 + 100 * p["steep"] ** 2
optimizer = rmsprop.rmsprop(optax.linear_schedule(0.1, 0.0, 100), decay=0.9)
params = {"flat": jnp.array(-4.0), "steep": jnp.array(1.0)}
state = optimizer.init(params)
for _ in range(100):
    updates, state = optimizer.update(jax.grad(loss)(params), state, params)
    params = optax.apply_updates(params, updates)
print(f"flat {params['flat']:.3f}, steep {params['steep']:.3f}, loss {loss(params):.5f}")
