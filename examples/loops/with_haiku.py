"""The loop of Haiku: a pair of pure functions, and parameters in a dictionary of dictionaries."""

import haiku as hk
import jax
import jax.numpy as jnp
import optax
from moons import STEPS, batch, cross_entropy, optimizer, report

network = hk.without_apply_rng(
    hk.transform(lambda points: hk.nets.MLP([32, 2], activation=jnp.tanh)(points))
)


@jax.jit
def train_step(params, state, step):
    points, labels = batch(step)
    loss = lambda params: cross_entropy(network.apply(params, points), labels)
    updates, state = optimizer.update(jax.grad(loss)(params), state, params)
    return optax.apply_updates(params, updates), state


def main():
    params = network.init(jax.random.key(0), jnp.zeros((1, 2)))
    state = optimizer.init(params)
    for step in range(STEPS):
        params, state = train_step(params, state, step)
    report("Haiku", lambda points: network.apply(params, points))


if __name__ == "__main__":
    main()
