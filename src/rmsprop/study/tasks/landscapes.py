"""Two-dimensional functions, whose runs can be drawn as paths."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from rmsprop.study.problems import Metric, Problem

_FINAL = Metric("final_loss", "final loss without noise", "lower")


def valley(condition: float = 100.0, angle: float = 30.0, noise: float = 0.03) -> Problem:
    """A narrow valley: a quadratic in two dimensions, steep across and flat along.

    With rotation R by `angle` and A = R diag(1, condition) R^T, the loss of a batch is
    0.5 * (p - z)^T A (p - z), where z ~ N(0, noise^2 I) stands for a batch's own minimum. The
    metric is the loss at z = 0. A scale for each coordinate, which is what adaptive methods have,
    would make a round bowl of the valley at 0 degrees and nothing of it at 45.

    Args:
        condition: how many times steeper it is across than along; at least 1.
        angle: between the valley and the first coordinate, in degrees.
        noise: standard deviation of each coordinate of z; at least 0.

    Raises:
        ValueError: for arguments out of range.
    """
    if not 1 <= condition < math.inf:
        raise ValueError(
            f"condition is {condition!r}; it must be a finite number of at least 1. The default is"
            " 100."
        )
    if not -math.inf < angle < math.inf:
        raise ValueError(
            f"angle is {angle!r}; it must be a finite number of degrees. The default is 30."
        )
    _check_noise(noise)
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    axes = np.array([[cosine, sine], [-sine, cosine]])  # one a row: along, across
    curvature = np.array([1.0, condition])
    start = np.array([-4.0, 1.0]) @ axes

    def loss(point: Array, minimum: Array) -> Array:
        along_across = jnp.asarray(axes, jnp.float32) @ (point - minimum)
        return 0.5 * jnp.sum(jnp.asarray(curvature, jnp.float32) * along_across**2)

    return Problem(
        name="valley",
        title=f"Narrow valley, condition number {condition:g}",
        init=lambda key: jnp.asarray(start, jnp.float32) + 0.1 * _normal(key),
        sample=lambda key, step: noise * _normal(jax.random.fold_in(key, step)),
        loss=loss,
        metrics=lambda point: {_FINAL.name: loss(point, jnp.zeros_like(point))},
        choose_by=_FINAL,
        report=_FINAL,
        steps=300,
        target=0.1,
        citation="Made for this comparison: the textbook picture of why one learning rate does not "
        "fit all directions.",
        path=lambda point: point,
        width=64,
    )


def rosenbrock(noise: float = 0.01) -> Problem:
    """A narrow valley that bends: 100 (y - x^2)^2 + (1 - x)^2, from (-1.2, 1) to (1, 1).

    The loss of a batch is that of the point moved by z ~ N(0, noise^2 I); the metric is the loss
    without noise.

    What it teaches: where the steep direction turns, no scale of each coordinate fits for long, and
    good learning rates lie close together. RMSprop walks along the floor in steps as long as its
    rate and keeps swinging by that much; AdaGrad strides far at first and then settles. Tuned, they
    end alike.

    Args:
        noise: standard deviation of each coordinate of z; at least 0.

    Raises:
        ValueError: for an argument out of range.
    """
    _check_noise(noise)

    def loss(point: Array, moved: Array) -> Array:
        x, y = point - moved
        return 100 * (y - x**2) ** 2 + (1 - x) ** 2

    start = np.array([-1.2, 1.0])
    return Problem(
        name="rosenbrock",
        title="Rosenbrock's bent valley",
        init=lambda key: jnp.asarray(start, jnp.float32) + 0.1 * _normal(key),
        loss=loss,
        sample=lambda key, step: noise * _normal(jax.random.fold_in(key, step)),
        metrics=lambda point: {_FINAL.name: loss(point, jnp.zeros_like(point))},
        choose_by=_FINAL,
        report=_FINAL,
        steps=1000,
        target=0.2,
        citation="H. H. Rosenbrock, An automatic method for finding the greatest or least value of "
        "a function, The Computer Journal 3 (1960).",
        path=lambda point: point,
        width=64,
    )


class Sighting(NamedTuple):
    """Of the moving optimum in `drift`.

    Attributes:
        place: where it seems to be, shape (2,).
        steepness: how many times the squared distance to it counts.
    """

    place: Array
    steepness: Array


def drift(
    period: int = 200, noise: float = 0.1, steepness: float = 100.0, change: int = 200
) -> Problem:
    """An optimum that keeps moving: once around the unit circle in `period` steps.

    The loss of a batch is 0.5 s |p - c_t - z|^2 with c_t the optimum, z ~ N(0, noise^2 I) and
    s = `steepness` before step `change`, 1 after it. Measured by the loss itself in the last tenth
    of the steps, so by how closely the optimum is followed.

    What it teaches: AdaGrad cannot take steps again that a steep beginning has forbidden. There, a
    rate above 2 / s is unstable, so the sum of squares grows until the rate of a step is below, and
    whatever learning rate is chosen, it stays there afterwards: at a hundredth of what following
    needs. RMSprop has forgotten the beginning after about 1 / (1 - decay) steps. (Were s 1 all the
    time, AdaGrad with a large learning rate would follow for as long as this run lasts.)

    Args:
        period: steps for one round; at least 1.
        noise: standard deviation of each coordinate of z; at least 0.
        steepness: s of the beginning; above 0.
        change: step from which s is 1.

    Raises:
        ValueError: for arguments out of range.
    """
    _check_noise(noise)
    if period < 1:
        raise ValueError(f"period is {period!r}; it must be at least 1 step. The default is 200.")
    if not 0 < steepness < math.inf:
        raise ValueError(
            f"steepness is {steepness!r}; it must be a finite number above 0. With 1 the beginning"
            " is as steep as the rest."
        )

    def sample(key: Array, step: Array) -> Sighting:
        angle = (2 * math.pi / period) * (step % period).astype(jnp.float32)
        optimum = jnp.stack([jnp.cos(angle), jnp.sin(angle)])
        seen = optimum + noise * _normal(jax.random.fold_in(key, step))
        return Sighting(seen, jnp.where(step < change, jnp.float32(steepness), jnp.float32(1)))

    def loss(point: Array, seen: Sighting) -> Array:
        return 0.5 * seen.steepness * jnp.sum((point - seen.place) ** 2)

    return Problem(
        name="drift",
        title="An optimum that keeps moving",
        init=lambda key: 0.1 * _normal(key),
        loss=loss,
        sample=sample,
        steps=600,
        target=0.05,
        citation="Made for this comparison.",
        path=lambda point: point,
        width=64,
    )


def _normal(key: Array) -> Array:
    return jax.random.normal(key, (2,), jnp.float32)


def _check_noise(noise: float) -> None:
    if not 0 <= noise < math.inf:
        raise ValueError(
            f"noise is {noise!r}; it must be a finite number of at least 0. With 0 there is no"
            " noise."
        )
