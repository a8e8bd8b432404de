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


@dataclass(frozen=True)
class Lane:
    pattern: object
    magnitude: float
    seed: int

    def __repr__(self):
        return f"{self.pattern.__name__.strip('_')} of {self.magnitude:g}, seed {self.seed}"

    def values(self):
        with np.errstate(over="ignore"):  # infinities are made the largest number
            return self.magnitude * self.pattern(np.random.default_rng(self.seed))


def magnitudes(dtype):
    """Zero, the ends of the dtype, subnormal ones, where squares begin and end, usual ones."""
    info = jnp.finfo(dtype)
    tiny, largest = float(info.tiny), float(info.max)
    subnormal = float(info.smallest_subnormal)
    squares = (tiny**0.5, 2 * tiny**0.5, largest**0.5 / 2, 2 * largest**0.5)
    ends = (0.0, subnormal, tiny / 2, tiny, 2 * tiny, largest / 4, largest)
    return (*ends, *squares, 1e-4, 1.0, 10.0, 1e4)


def streams(dtype):
    """Some lanes that hypothesis chooses and shrinks, and a seed for the rest of the stream."""
    low, high = _decades(dtype)
    anywhere = st.floats(low, high).map(lambda exponent: 10.0**exponent)
    magnitude = st.one_of(st.sampled_from(magnitudes(dtype)), anywhere)
    lane = st.builds(Lane, st.sampled_from(PATTERNS), magnitude, st.integers(0, 2**32 - 1))
    return st.tuples(st.lists(lane, min_size=1, max_size=LANES // 2), st.integers(0, 2**32 - 1))


def stream(chosen, dtype):
    """The gradients: the lanes chosen, and further ones anywhere in what the dtype can hold."""
    lanes, seed = chosen
    rng = np.random.default_rng(seed)
    patterns = rng.choice(len(PATTERNS), LANES - len(lanes))
    sizes = 10.0 ** rng.uniform(*_decades(dtype), len(patterns))
    rest = [
        Lane(PATTERNS[p], size, seed + i)
        for i, (p, size) in enumerate(zip(patterns, sizes, strict=True))
    ]
    x = np.stack([lane.values() for lane in (*lanes, *rest)], axis=1)
    if jnp.issubdtype(dtype, jnp.complexfloating):
        x = np.clip(x, -1e308, 1e308)
        x = x + 1j * np.roll(x, 1, axis=1)
        # Half of the end, for the magnitude has to be finite too.
        largest = float(jnp.finfo(dtype).max) / 2
        return (
            np.clip(x.real, -largest, largest) + 1j * np.clip(x.imag, -largest, largest)
        ).astype(dtype)
    largest = float(jnp.finfo(dtype).max)
    return np.clip(x, -largest, largest).astype(dtype)


def _decades(dtype):
    info = jnp.finfo(dtype)
    return np.log10(float(info.smallest_subnormal)), np.log10(float(info.max)) - 0.01
