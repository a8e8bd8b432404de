"""What is searched: transformations, optimizers, and how far each may step at most."""

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import optax

import rmsprop


@dataclass(frozen=True)
class Case:
    """One setting.

    Attributes:
        name: For the message.
        make: The transformation.
        longest: The bound of a step: of the step number from 1, and of the gradients' magnitudes.
        keeps_sign: Whether a step has the sign of its gradient; with momentum it need not.
    """

    name: str
    make: Callable[[], optax.GradientTransformation]
    longest: Callable[[np.ndarray, np.ndarray], np.ndarray]
    keeps_sign: bool = True


def _decay(decay):
    """T3: v >= (1 - decay) g^2, for any starting value and any eps."""
    return lambda t, g: np.broadcast_to(1 / np.sqrt(1 - decay), g.shape)


def _corrected(decay):
    """T3 with v / (1 - decay^t): no further than the square root of t."""
    return lambda t, g: np.sqrt((1 - decay**t) / (1 - decay)) + 0 * g


def _centered(eps, *, eps_in_sqrt=True):
    """The variance may be zero: a step is then g / sqrt(eps), and ends at 2^64 without eps."""
    root = np.sqrt(eps) if eps_in_sqrt else eps
    limit = 2.0**64 * root  # as a limit of g, whose quotient may overflow
    return lambda t, g: np.minimum(g, limit) / root if root else np.full(g.shape, 2.0**64)


def _times(factor, bound):
    return lambda t, g: factor * bound(t, g)


def _annealed(count):
    return 1 - 1 / (2 + count.astype(jnp.float32))


def _scheduled(t, g):
    """T3 with the decay of each step; it, its distance from 1 and the root of that are float32."""
    decay = 1 - 1 / (1 + t.astype(np.float32))
    return (1 + 2.0**-24) / np.sqrt(1 - decay.astype(float)) + 0 * g


CASES = (
    Case("decay .9", lambda: rmsprop.scale_by_rms(0.9), _decay(0.9)),
    Case("decay .99, eps 0", lambda: rmsprop.scale_by_rms(0.99, 0.0), _decay(0.99)),
    Case(
        "decay .999, eps outside",
        lambda: rmsprop.scale_by_rms(0.999, 1e-8, eps_in_sqrt=False),
        _decay(0.999),
    ),
    Case("decay 1 - 1e-5", lambda: rmsprop.scale_by_rms(1 - 1e-5, 1e-30), _decay(1 - 1e-5)),
    Case("decay 0, eps 0", lambda: rmsprop.scale_by_rms(0.0, 0.0), _decay(0.0)),
    Case("from 1", lambda: rmsprop.scale_by_rms(0.9, 0.0, initial_scale=1.0), _decay(0.9)),
    Case(
        "in bfloat16",
        lambda: rmsprop.scale_by_rms(0.99, 0.0, accumulator_dtype=jnp.bfloat16),
        _decay(0.99),
    ),
    Case(
        "sum in bfloat16",
        lambda: rmsprop.scale_by_rss(0.0, 0.0, accumulator_dtype=jnp.bfloat16),
        lambda t, g: np.ones_like(g),
    ),
    Case(
        "bias corrected",
        lambda: rmsprop.scale_by_rms(0.99, 1e-8, bias_correction=True),
        _corrected(0.99),
    ),
    Case(
        "bias corrected, eps 0",
        lambda: rmsprop.scale_by_rms(0.9, 0.0, bias_correction=True, eps_in_sqrt=False),
        _corrected(0.9),
    ),
    Case("scheduled decay", lambda: rmsprop.scale_by_rms(_annealed, 0.0), _scheduled),
    Case(
        "sum from 0, eps 0",
        lambda: rmsprop.scale_by_rss(0.0, 0.0),
        lambda t, g: np.ones_like(g),
    ),
    Case("sum", rmsprop.scale_by_rss, lambda t, g: np.ones_like(g)),
    Case(
        "sum, eps outside",
        lambda: rmsprop.scale_by_rss(0.0, 1e-10, eps_in_sqrt=False),
        lambda t, g: np.ones_like(g),
    ),
    Case("centered", lambda: rmsprop.scale_by_stddev(0.95, 0.01), _centered(0.01)),
    Case("centered, eps 0", lambda: rmsprop.scale_by_stddev(0.9, 0.0), _centered(0.0)),
    Case(
        "centered, eps outside",
        lambda: rmsprop.scale_by_stddev(0.99, 1e-8, eps_in_sqrt=False),
        _centered(1e-8, eps_in_sqrt=False),
    ),
    Case(
        "centered in bfloat16",
        lambda: rmsprop.scale_by_stddev(0.9, 0.0, accumulator_dtype=jnp.bfloat16),
        _centered(0.0),
    ),
    Case(
        "momentum in bfloat16",
        lambda: rmsprop.rmsprop(0.25, 0.9, momentum=0.75, accumulator_dtype=jnp.bfloat16),
        _times(0.25 / (1 - 0.75) * (1 + 2**-7 / (1 - 0.75)), _decay(0.9)),  # buffers round up
        False,
    ),
    Case("rmsprop", lambda: rmsprop.rmsprop(0.25, 0.9), _times(0.25, _decay(0.9)), False),
    Case(
        "rmsprop with momentum",
        lambda: rmsprop.rmsprop(0.25, 0.9, 0.0, momentum=0.75, lr_in_momentum=False),
        _times(0.25 / (1 - 0.75), _decay(0.9)),
        False,
    ),
    Case(
        "rmsprop with Nesterov momentum",
        lambda: rmsprop.rmsprop(0.25, 0.9, momentum=0.75, nesterov=True),
        _times(0.25 / (1 - 0.75), _decay(0.9)),
        False,
    ),
    Case("adagrad", lambda: rmsprop.adagrad(0.25, 0.0, 0.0), lambda t, g: 0.25 + 0 * g, False),
)
