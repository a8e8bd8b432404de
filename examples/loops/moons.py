"""The data of these programs, and the optimizer: what they share, so that each shows its loop."""

import jax
import jax.numpy as jnp
import optax

import rmsprop

STEPS = 300

optimizer = optax.chain(
    optax.clip_by_global_norm(1.0),
    rmsprop.rmsprop(optax.cosine_decay_schedule(3e-3, STEPS), decay=0.95, momentum=0.9),
)


def two_moons(key, count=64):
    """Points on two interlocking half circles, with their class."""
    angle_key, noise_key = jax.random.split(key)
    label = jnp.arange(count) % 2
    angle = jnp.pi * jax.random.uniform(angle_key, (count,))
    points = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
    moved = jnp.where(label[:, None] == 0, points, jnp.array([1.0, 0.5]) - points)
    return moved + 0.1 * jax.random.normal(noise_key, (count, 2)), label


def batch(step):
    """The points of a step."""
    return two_moons(jax.random.fold_in(jax.random.key(0), step))


def cross_entropy(logits, labels):
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def report(loop, predict):
    """Prints the share of new points that a function of points tells apart, and checks it."""
    points, labels = two_moons(jax.random.key(1), 1000)
    accuracy = (predict(points).argmax(axis=1) == labels).mean()
    print(f"{loop}: accuracy on new points {accuracy:.3f}")
    assert accuracy > 0.95, "the network should have learned the two moons"
