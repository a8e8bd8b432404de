"""The family of problems of `rmsprop.study.maps.dials`: what a seed draws, and one run on it.

What a seed draws is drawn in NumPy before the runs and shared by all of them, cells and
configurations alike: comparisons are paired, and no random number is made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax

from rmsprop.study.maps.dials import COORDINATES, LEAST_RISK
from rmsprop.study.problems import TENTHS, Tree
from rmsprop.study.running.training import Build

# The exponent i / (d - 1) of each coordinate.
PLACES = np.arange(COORDINATES, dtype=np.float32) / np.float32(COORDINATES - 1)


class Draws(NamedTuple):
    """What seeds draw; in float32, the first axis counts the seeds in `of`, and is none in a run.

    Attributes:
        start: The initial parameters, shape (seeds, coordinates).
        noise: The additive noise, shape (seeds, steps, coordinates).
        factor: The multiplicative noise, of the same shape.
        uniform: What decides whether a coordinate is seen, from 0 to 1, of the same shape.
        walk: The drift of the optimum, of the same shape.
    """

    start: Array | np.ndarray
    noise: Array | np.ndarray
    factor: Array | np.ndarray
    uniform: Array | np.ndarray
    walk: Array | np.ndarray

    @classmethod
    def of(cls, seeds: Sequence[int], steps: int, stream: int = 0) -> Draws:
        """What these seeds draw for runs of so many steps; those of shorter runs begin alike.

        Args:
            seeds: The seeds.
            steps: Steps of a run.
            stream: Another number draws another noise from the same initial parameters.
        """
        shape = (steps, COORDINATES)
        normal = [
            [np.random.default_rng([seed, stream, table]) for seed in seeds] for table in range(4)
        ]
        noise, factor, walk = (
            np.stack([rng.standard_normal(shape, np.float32) for rng in table])
            for table in (normal[0], normal[1], normal[3])
        )
        uniform = np.stack([rng.random(shape, np.float32) for rng in normal[2]])
        starts = [np.random.default_rng([seed]) for seed in seeds]
        start = np.stack([rng.standard_normal(COORDINATES, np.float32) for rng in starts])
        return cls(start, noise, factor, uniform, walk)


Run = Callable[[Mapping[str, Array], Mapping[str, Array], Array, Array, Draws], Array]


def run_of(build: Callable[[Array], Build], *, rotated: bool) -> Run:
    """The function that trains once.

    Args:
        build: Takes the steps of a run, a traced float32, and makes what makes the optimizer of a
            run from its hyper-parameters and the number of its schedule.
        rotated: Whether the dial of the rotation is obeyed. Without it, a run takes half the time.

    Returns:
        A function of the dials of the gradient and of the hyper-parameters, both float32 scalars by
        name, of the number of the schedule and the number of steps, both int32, and of what one
        seed draws, for as many steps at least.  It returns the risk, a float32 scalar.
    """

    def run(
        dials: Mapping[str, Array],
        hyperparameters: Mapping[str, Array],
        schedule: Array,
        steps: Array,
        draws: Draws,
    ) -> Array:
        """The risk at the end of one run."""
        seen = dials["sparsity"] ** -PLACES
        curvature = dials["condition"] ** -PLACES
        angle = dials["rotation"] * np.float32(np.pi / 180) if rotated else None
        total = steps.astype(jnp.float32)
        optimizer = build(total)(hyperparameters, schedule)
        start = jnp.asarray(draws.start)

        def body(step: Array, carry: tuple[Tree, Array, Tree, Array]) -> Tree:
            """One step: the gradient, the update, the walk of the optimum, the risk."""
            params, optimum, state, risk = carry
            deviation = _turned(params, angle, back=True) - optimum
            scale = dials["shrinking"] ** (-step.astype(jnp.float32) / total)
            factor = 1 + dials["multiplicative"] * draws.factor[step]
            gradient = curvature * deviation * factor + dials["noise"] * draws.noise[step]
            gradient = jnp.where(draws.uniform[step] < seen, scale * gradient, 0)
            updates, state = optimizer.update(_turned(gradient, angle), state, params)
            params = jnp.asarray(optax.apply_updates(params, updates))
            optimum = optimum + dials["drift"] * draws.walk[step]
            deviation = _turned(params, angle, back=True) - optimum
            now = jnp.sum(seen * curvature * deviation**2) / 2
            counted = TENTHS * step >= (TENTHS - 1) * steps
            return params, optimum, state, risk + jnp.where(counted, now, 0)

        carry = (start, jnp.zeros_like(start), optimizer.init(start), jnp.float32(0))
        *_, risk = lax.fori_loop(jnp.int32(0), steps, body, carry)
        return jnp.maximum(risk * TENTHS / total, LEAST_RISK)

    return run


def _turned(vector: Array, angle: Array | None, *, back: bool = False) -> Array:
    """A vector whose coordinates i and i + d/2 are turned by an angle, for each i below d/2."""
    if angle is None:
        return vector
    angle = -angle if back else angle
    first, second = vector[: COORDINATES // 2], vector[COORDINATES // 2 :]
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    return jnp.concatenate([cosine * first - sine * second, sine * first + cosine * second])
