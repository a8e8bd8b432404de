"""The loop of Flax NNX: `nnx.Optimizer` keeps the state and changes the model in place."""

import jax.numpy as jnp
from flax import nnx
from moons import STEPS, batch, cross_entropy, optimizer, report


class Network(nnx.Module):
    def __init__(self, rngs):
        self.hidden = nnx.Linear(2, 32, rngs=rngs)
        self.out = nnx.Linear(32, 2, rngs=rngs)

    def __call__(self, points):
        return self.out(jnp.tanh(self.hidden(points)))


@nnx.jit
def train_step(model, training, step):
    points, labels = batch(step)
    gradients = nnx.grad(lambda model: cross_entropy(model(points), labels))(model)
    training.update(model, gradients)


def main():
    model = Network(nnx.Rngs(0))
    training = nnx.Optimizer(model, optimizer, wrt=nnx.Param)
    for step in range(STEPS):
        train_step(model, training, step)
    report("Flax NNX", model)


if __name__ == "__main__":
    main()
