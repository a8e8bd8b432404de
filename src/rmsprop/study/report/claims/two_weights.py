"""The claim that RMSprop moves a weight with small gradients as far as one with large gradients.

It is about the algorithm alone, so that it is judged by running it on two weights.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax

from rmsprop.study.contenders import named
from rmsprop.study.report.claims.claim import RMSPROP, Part

SMALL, LARGE = 0.1, 10.0
STEPS = 300
# What lies within 1 % of a ratio is called that ratio: eps adds a little to a small gradient.
TOLERANCE = 0.01


@functools.cache
def of_rmsprop() -> Part:
    """What RMSprop of this library does, at a learning rate of 0.01 and a decay of 0.9."""
    return two_weights(named(RMSPROP).factory(0.01, 0.9, 1e-8))


def two_weights(optimizer: optax.GradientTransformation) -> Part:
    """Whether effective rates are 100 : 1, and steps alike, after steps with these gradients.

    Args:
        optimizer: What makes the steps.
    """
    gradients = jnp.array([SMALL, LARGE])
    weights = jnp.zeros(2)
    state = optimizer.init(weights)
    update = jax.jit(optimizer.update)
    updates = weights
    for _ in range(STEPS):
        updates, state = update(gradients, state, weights)
        weights = optax.apply_updates(weights, updates)
    steps = np.abs(np.asarray(updates, np.float64))
    rates = steps / np.array([SMALL, LARGE])
    of_rates, of_steps = rates[0] / rates[1], steps[0] / steps[1]
    figures = (
        f"after {STEPS} steps with gradients of {SMALL:g} and {LARGE:g}, the effective learning"
        f" rates are {rates[0]:.3g} and {rates[1]:.3g}, a ratio of {of_rates:.2f}, and the steps"
        f" are {steps[0]:.3g} and {steps[1]:.3g}, a ratio of {of_steps:.4f}"
    )
    errors = np.abs([of_steps - 1, of_rates / (LARGE / SMALL) - 1])
    alike = bool((errors <= TOLERANCE).all())
    finding = "the steps are alike" if alike else "the steps differ"
    return Part("two weights", figures, alike, finding)
