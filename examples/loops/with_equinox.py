"""The loop of Equinox: the module is the tree, of which the optimizer sees the arrays alone."""

import equinox as eqx
import jax
import jax.numpy as jnp
from moons import STEPS, batch, cross_entropy, optimizer, report


@eqx.filter_jit
def train_step(model, state, step):
    points, labels = batch(step)
    gradients = eqx.filter_grad(lambda model: cross_entropy(jax.vmap(model)(points), labels))(model)
    updates, state = optimizer.update(gradients, state, eqx.filter(model, eqx.is_inexact_array))
    return eqx.apply_updates(model, updates), state


def main():
    model = eqx.nn.MLP(2, 2, width_size=32, depth=1, activation=jnp.tanh, key=jax.random.key(0))
    state = optimizer.init(eqx.filter(model, eqx.is_inexact_array))
    for step in range(STEPS):
        model, state = train_step(model, state, jnp.asarray(step))
    report("Equinox", jax.vmap(model))


if __name__ == "__main__":
    main()
