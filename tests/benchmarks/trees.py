"""Parameter trees to update: one large leaf, ResNet-50, a thousand leaves."""

import jax
import jax.numpy as jnp
import optax


def one_leaf():
    return {"w": jnp.ones(8_000_000)}


def resnet50():
    """The 161 arrays of ResNet-50 (He et al., 2016): 53 convolutions with their norms, a head."""
    shapes = [(7, 7, 3, 64), (64,), (64,)]
    channels = 64
    for width, blocks in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for block in range(blocks):
            inner = [(1, 1, channels, width), (3, 3, width, width), (1, 1, width, 4 * width)]
            if block == 0:
                inner.append((1, 1, channels, 4 * width))
            for shape in inner:
                shapes += [shape, (shape[-1],), (shape[-1],)]
            channels = 4 * width
    shapes += [(2048, 1000), (1000,)]
    assert len(shapes) == 161
    return {f"leaf{i}": jnp.ones(shape) for i, shape in enumerate(shapes)}


def thousand_leaves():
    return {f"leaf{i}": jnp.ones((64, 64)) for i in range(1000)}


TREES = {"1 leaf": one_leaf, "161 leaves": resnet50, "1000 leaves": thousand_leaves}


def lowered_step(optimizer, params, state):
    """A training step's update, parameters and state donated, traced and lowered."""

    def step(params, state, gradients):
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    return jax.jit(step, donate_argnums=(0, 1)).lower(params, state, params)
