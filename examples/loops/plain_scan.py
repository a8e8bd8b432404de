"""No framework and no loop in Python: the whole run is one compiled `scan`."""

import jax
import jax.numpy as jnp
import optax
from jax import lax
from moons import STEPS, batch, cross_entropy, optimizer, report


def network(params, points):
    return jnp.tanh(points @ params["w1"] + params["b1"]) @ params["w2"] + params["b2"]


def loss(params, step):
    points, labels = batch(step)
    return cross_entropy(network(params, points), labels)


def train_step(carry, step):
    params, state = carry
    value, gradients = jax.value_and_grad(loss)(params, step)
    updates, state = optimizer.update(gradients, state, params)
    return (optax.apply_updates(params, updates), state), value


@jax.jit
def train(params):
    return lax.scan(train_step, (params, optimizer.init(params)), jnp.arange(STEPS))


def main():
    params = {
        "w1": jax.random.normal(jax.random.key(0), (2, 32)),
        "b1": jnp.zeros(32),
        "w2": jnp.zeros((32, 2)),
        "b2": jnp.zeros(2),
    }
    (params, _), values = train(params)
    print(f"loss {values[0]:.3f} at the first step, {values[-1]:.3f} at the last")
    report("scan", lambda points: network(params, points))


if __name__ == "__main__":
    main()
