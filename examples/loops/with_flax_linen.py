"""The loop of Flax Linen: a `TrainState` holds parameters, optimizer and state."""

import jax
import jax.numpy as jnp
from flax import linen
from flax.training.train_state import TrainState
from moons import STEPS, batch, cross_entropy, optimizer, report


class Network(linen.Module):
    @linen.compact
    def __call__(self, points):
        return linen.Dense(2)(jnp.tanh(linen.Dense(32)(points)))


@jax.jit
def train_step(training, step):
    points, labels = batch(step)
    loss = lambda params: cross_entropy(training.apply_fn(params, points), labels)
    return training.apply_gradients(grads=jax.grad(loss)(training.params))


def main():
    model = Network()
    params = model.init(jax.random.key(0), jnp.zeros((1, 2)))
    training = TrainState.create(apply_fn=model.apply, params=params, tx=optimizer)
    for step in range(STEPS):
        training = train_step(training, step)
    report("Flax Linen", lambda points: model.apply(training.params, points))


if __name__ == "__main__":
    main()
