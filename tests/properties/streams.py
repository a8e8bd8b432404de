"""Adversarial gradients: what hypothesis draws, and the streams that are made of it.

A stream has a row for each step and a lane for each coordinate.  A lane is a pattern, a magnitude
and a seed; what is drawn is small, so that hypothesis can shrink it, and the streams are long.
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st

STEPS, LANES = 128, 16


def _ones(rng):
    return np.ones(STEPS)


def _alternating(rng):
    return (-1.0) ** np.arange(STEPS)


def _settling(rng):
    return np.where(np.arange(STEPS) < 50, 3.0, 1.0)


def _normal(rng):
    return rng.normal(size=STEPS)


def _forty_decades(rng):
    return rng.choice([-1.0, 1.0], STEPS) * 10.0 ** rng.uniform(-40, 40, STEPS)


def _log_normal(rng):
    """Most within forty decades, and some beyond."""
    return rng.normal(size=STEPS) * np.exp(rng.normal(scale=20.0, size=STEPS))


def _spike(rng):
    g = 1e-12 * rng.normal(size=STEPS)
    g[rng.integers(STEPS)] = 1.0
    return g


def _mostly_zero(rng):
    return np.where(rng.random(STEPS) < 0.9, 0.0, rng.normal(size=STEPS))


def _growing(rng):
    return 10.0 ** np.linspace(-20, 20, STEPS)


def _shrinking(rng):
    return 10.0 ** np.linspace(20, -20, STEPS)


PATTERNS = (
    _ones,
    _alternating,
    _settling,
    _normal,
    _forty_decades,
    _log_normal,
    _spike,
    _mostly_zero,
    _growing,
    _shrinking,
)
# Zero; subnormal; where the square is; where it begins to be; usual ones; where it ends.
MAGNITUDES = (0.0, 1e-45, 1e-40, 1e-38, 2e-38, 1e-23, 1e-19, 1e-8, 1e-4, 1.0, 10.0, 1e4, 1e19, 1e38)


@dataclass(frozen=True)
class Lane:
    pattern: object
    magnitude: float
    seed: int

    def __repr__(self):
        return f"{self.pattern.__name__.strip('_')} of {self.magnitude:g}, seed {self.seed}"

    def values(self):
        return self.magnitude * self.pattern(np.random.default_rng(self.seed))


LANE = st.builds(
    Lane,
    st.sampled_from(PATTERNS),
    st.one_of(
        st.sampled_from(MAGNITUDES),
        st.floats(-45, 38).map(lambda exponent: 10.0**exponent),
    ),
    st.integers(0, 2**16),
)
STREAMS = st.lists(LANE, min_size=1, max_size=LANES)


def stream(lanes, dtype):
    """The gradients of these lanes, finite in their dtype; further lanes are repetitions."""
    columns = [lanes[i % len(lanes)].values() for i in range(LANES)]
    x = np.stack(columns, axis=1)
    if jnp.issubdtype(dtype, jnp.complexfloating):
        x = x + 1j * np.roll(x, 1, axis=1)
        # Half of the end, for the magnitude has to be finite too.
        largest = float(jnp.finfo(dtype).max) / 2
        return (
            np.clip(x.real, -largest, largest) + 1j * np.clip(x.imag, -largest, largest)
        ).astype(dtype)
    largest = float(jnp.finfo(dtype).max)
    return np.clip(x, -largest, largest).astype(dtype)
