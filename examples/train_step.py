"""A training step as one compiled function: our RMSprop chained with Optax's clipping and schedule.

A small network learns to tell the two moons apart. The whole optimizer is one chain of gradient
transformations: clip by the global norm, rescale by the running average of squared gradients, apply
a rate that warms up and decays.  Parameters and state are donated: updated in place.
"""

import functools

import jax
import jax.numpy as jnp
import optax

import rmsprop

STEPS = 300

schedule = optax.warmup_cosine_decay_schedule(
    init_value=0.0, peak_value=3e-3, warmup_steps=30, decay_steps=STEPS
)
optimizer = optax.chain(
    optax.clip_by_global_norm(1.0),
    rmsprop.rmsprop(schedule, decay=0.95, momentum=0.9),
)


def two_moons(key, count):
    """Points on two interlocking half circles, with their class."""
    angle_key, noise_key = jax.random.split(key)
    label = jnp.arange(count) % 2
    angle = jnp.pi * jax.random.uniform(angle_key, (count,))
    points = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
    moved = jnp.where(label[:, None] == 0, points, jnp.array([1.0, 0.5]) - points)
    return moved + 0.1 * jax.random.normal(noise_key, (count, 2)), label


def logits(params, points):
    hidden = jax.nn.tanh(points @ params["hidden"]["kernel"] + params["hidden"]["bias"])
    return hidden @ params["out"]["kernel"] + params["out"]["bias"]


def loss(params, points, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits(params, points), labels).mean()


@functools.partial(jax.jit, donate_argnums=(0, 1))
def train_step(params, state, key):
    points, labels = two_moons(key, 64)
    value, gradients = jax.value_and_grad(loss)(params, points, labels)
    updates, state = optimizer.update(gradients, state, params)
    return optax.apply_updates(params, updates), state, value


def main():
    key = jax.random.key(0)
    params = {
        "hidden": {"kernel": jax.random.normal(key, (2, 32)), "bias": jnp.zeros(32)},
        "out": {"kernel": jnp.zeros((32, 2)), "bias": jnp.zeros(2)},
    }
    state = optimizer.init(params)
    for step in range(STEPS):
        params, state, value = train_step(params, state, jax.random.fold_in(key, step))
        if step % 50 == 0:
            print(f"step {step:3d}  loss {value:.4f}")
    points, labels = two_moons(jax.random.key(1), 1000)
    accuracy = (logits(params, points).argmax(axis=1) == labels).mean()
    print(f"accuracy on new points {accuracy:.3f}")
    assert accuracy > 0.95, "the network should have learned the two moons"


if __name__ == "__main__":
    main()
