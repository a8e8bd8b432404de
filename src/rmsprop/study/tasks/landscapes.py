"""Functions of two parameters, on which a run can be drawn as a path."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from rmsprop.study.problems import Metric, Problem

# Between the valley and the first coordinate, in degrees.
VALLEY_ANGLE = 30.0
_FINAL = Metric("final_loss", "loss without noise, mean of the last tenth", "lower")


def valley_axes(angle: float = VALLEY_ANGLE) -> NDArray[np.float64]:
    """The two unit vectors along and across the narrow valley, one a row.

    Args:
        angle: The angle between the valley and the first coordinate, in degrees.
    """
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.array([[cosine, sine], [-sine, cosine]])


def valley(condition: float = 100.0, angle: float = VALLEY_ANGLE, noise: float = 0.03) -> Problem:
    """A narrow valley: a quadratic function of two parameters, steep across and flat along.

    The loss of a batch is 0.5 * (p - z)^T A (p - z) with A = R diag(1, condition) R^T, where R is
    the rotation by `angle` and z ~ N(0, noise^2 I) is the minimum of the batch. The metric is the
    loss at z = 0, averaged over the last tenth of the steps. Adaptive methods scale each
    coordinate: that would turn the valley into a round bowl at 0 degrees, and would change nothing
    at 45 degrees.

    What it teaches: one learning rate fits one direction only, and noise keeps a rate that does not
    fall from settling. The loss begins near 58; a perfect run has 0.

    Args:
        condition: The ratio of the curvature across to that along the valley; finite, at least 1.
        angle: The angle between the valley and the first coordinate, in degrees; finite.
        noise: The standard deviation of each coordinate of z; finite, at least 0.

    Raises:
        ValueError: An argument is out of range.

    Example:
        >>> valley(condition=10.0).title
        'Narrow valley, condition number 10'
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
    axes = valley_axes(angle)
    curvature = np.array([1.0, condition])
    start = np.array([-4.0, 1.0]) @ axes

    def loss(point: Array, minimum: Array) -> Array:
        """The quadratic around a minimum that noise has moved."""
        along_across = jnp.asarray(axes, jnp.float32) @ (point - minimum)
        return 0.5 * jnp.sum(jnp.asarray(curvature, jnp.float32) * along_across**2)

    return Problem(
        name="valley",
        title=f"Narrow valley, condition number {condition:g}",
        init=lambda key: jnp.asarray(start, jnp.float32) + 0.1 * _normal(key),
        sample=lambda key, step: noise * _normal(jax.random.fold_in(key, step)),
        loss=loss,
        averages=lambda point: {_FINAL.name: loss(point, jnp.zeros_like(point))},
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
    """A narrow valley that bends: f(x, y) = 100 (y - x^2)^2 + (1 - x)^2.

    A run starts near (-1.2, 1); the minimum is at (1, 1). The loss of a batch is f((x, y) - z) with
    z ~ N(0, noise^2 I), and the metric is f, averaged over the last tenth of the steps.

    What it teaches: where the steep direction turns, no scale of the coordinates fits for long, and
    good learning rates lie close together. RMSprop follows the floor of the valley in steps as long
    as its learning rate, and keeps oscillating by that much. AdaGrad takes long steps at first and
    then settles. The loss begins near 24; a perfect run has 0.

    Args:
        noise: The standard deviation of each coordinate of z; finite, at least 0.

    Raises:
        ValueError: `noise` is out of range.
    """
    _check_noise(noise)

    def loss(point: Array, shift: Array) -> Array:
        """The function of Rosenbrock, moved by noise."""
        x, y = point - shift
        return 100 * (y - x**2) ** 2 + (1 - x) ** 2

    start = np.array([-1.2, 1.0])
    return Problem(
        name="rosenbrock",
        title="Rosenbrock's bent valley",
        init=lambda key: jnp.asarray(start, jnp.float32) + 0.1 * _normal(key),
        loss=loss,
        sample=lambda key, step: noise * _normal(jax.random.fold_in(key, step)),
        averages=lambda point: {_FINAL.name: loss(point, jnp.zeros_like(point))},
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
    """A batch of `scale_change`: a noisy view of the optimum.

    Attributes:
        place: Where the optimum appears to be, shape (2,).
        steepness: The factor s of the squared distance to it, a scalar.
    """

    place: Array
    steepness: Array


def scale_change(
    period: int = 200, noise: float = 0.1, steepness: float = 100.0, change: int = 200
) -> Problem:
    """An optimum that moves, and gradients that shrink a hundredfold on the way.

    The optimum goes around the unit circle once in `period` steps. The loss of a batch is
    0.5 s |p - c_t - z|^2, where c_t is the optimum, z ~ N(0, noise^2 I), and s is `steepness`
    before step `change` and 1 from then on: the scale of all gradients falls by that factor. The
    metric is the mean of this loss over the last tenth of the steps: it says how closely the
    optimum is followed. A perfect follower pays for the noise alone, noise^2, 0.01 by default; a
    run that stays in the middle of the circle has 0.51.

    What it teaches: AdaGrad never recovers from a steep beginning. There an effective learning rate
    above 2 / s is unstable, so the sum of squares grows until the effective rate is below that.
    With any learning rate it stays there afterwards, at a hundredth of what following the optimum
    needs. RMSprop has forgotten the beginning after about 1 / (1 - decay) steps. (If s were 1 from
    the start, AdaGrad with a large learning rate would follow the optimum for as long as this run
    lasts.)

    Args:
        period: The number of steps in which the optimum goes around the circle; at least 1.
        noise: The standard deviation of each coordinate of z; finite, at least 0.
        steepness: The value of s before `change`; finite, above 0.
        change: The number of the first step in which s is 1.

    Raises:
        ValueError: An argument is out of range.
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
        """Where the optimum is seen in a step, and how steep the loss is there."""
        angle = (2 * math.pi / period) * (step % period).astype(jnp.float32)
        optimum = jnp.stack([jnp.cos(angle), jnp.sin(angle)])
        place = optimum + noise * _normal(jax.random.fold_in(key, step))
        return Sighting(place, jnp.where(step < change, jnp.float32(steepness), jnp.float32(1)))

    def loss(point: Array, sighting: Sighting) -> Array:
        """The squared distance from where the optimum is seen, times its steepness."""
        return 0.5 * sighting.steepness * jnp.sum((point - sighting.place) ** 2)

    return Problem(
        name="scale-change",
        title="A moving optimum, gradients that shrink",
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
