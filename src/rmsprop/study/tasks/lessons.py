"""Small problems that show one thing each: what AdaGrad or RMSprop, or both, cannot do."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from rmsprop.study.problems import TRAINING_LOSS, Metric, Problem


def reddi(period: int = 8) -> Problem:
    """The counter-example of Reddi et al.: slope C in one of C steps, else -1, on [-1, 1].

    Over C steps the slopes add up to 1, so the best place is -1. The metric is the distance from
    it, 2 at worst. The borders are part of the loss, for optimizers know none: a parameter beyond
    a border stands for the place as far inside, as if the line were folded there. So the loss has
    an ordinary gradient everywhere, and -1 and 1 stay its extremes.

    What it teaches: RMSprop divides the one large slope by its root of v, which that slope has just
    made large, and the small ones by what is left of it later. If it forgets too fast for the
    period it walks to the worst place, at any small learning rate: with C = 8 it takes 1 - decay
    below 0.0712 to go the right way. AdaGrad goes there for every C.

    Args:
        period: C, at least 2.

    Raises:
        ValueError: for a period out of range.
    """
    if period < 2:
        raise ValueError(
            f"period is {period!r}; it must be an integer of at least 2. The default is 8."
        )

    def place(parameter: Array) -> Array:
        """Folded into [-1, 1]: a triangular wave, the identity between."""
        return jnp.abs((parameter - 1) % 4 - 2) - 1

    def sample(key: Array, step: Array) -> Array:
        offset = jax.random.randint(key, (), 0, period, jnp.int32)
        steep = (step + offset) % period == 0
        return jnp.where(steep, jnp.float32(period), jnp.float32(-1))

    distance = Metric("distance", "distance from the best place", "lower")
    return Problem(
        name="reddi",
        title=f"Counter-example of Reddi et al., C = {period}",
        init=lambda key: jax.random.uniform(key, (1,), jnp.float32, -0.5, 0.5),
        loss=lambda parameter, slope: slope * (place(parameter).sum() + 1),
        sample=sample,
        metrics=lambda parameter: {distance.name: place(parameter).sum() + 1},
        choose_by=distance,
        report=distance,
        steps=1000,
        target=0.1,
        citation="S. J. Reddi, S. Kale and S. Kumar, On the convergence of Adam and beyond, ICLR "
        "(2018); the threshold as in N. Shi et al., RMSprop converges with proper hyper-parameter, "
        "ICLR (2021).",
        width=64,
    )


class Weights(NamedTuple):
    """Of `wilson`: of the three features that all examples have, and of those of one example.

    Attributes:
        common: shape (3,).
        own: shape (examples, 5).
    """

    common: Array
    own: Array


def wilson(examples: int = 100, positive: float = 0.6) -> Problem:
    """Separable data on which adaptive methods fit everything and learn little.

    A label y is 1 with probability `positive`, else -1. The first feature is y, the second and the
    third are 1, and then come features that no other example has, all of them 1: one if y = 1, five
    if y = -1. The loss is half the sum of squares over all examples, from weights of zero; a seed
    decides the labels. On other examples only the first three features have weights, and the metric
    is the share of these examples, of all there may be, that is classified right.

    What it teaches: plain gradient descent finds the solution of smallest norm, which relies on the
    first feature and is always right. Where every gradient is divided by its own size all weights
    are as large as each other at first, two features outvote the first, and everything is called
    positive: the training loss goes to zero and the accuracy is `positive`. Hyper-parameters are
    chosen by the training loss, for the lesson is what a good fit is worth.

    Args:
        examples: to train on; at least 1.
        positive: probability of y = 1; above 0.5 and below 1.

    Raises:
        ValueError: for arguments out of range.
    """
    if examples < 1:
        raise ValueError(f"examples is {examples!r}; it must be at least 1. The default is 100.")
    if not 0.5 < positive < 1:
        raise ValueError(
            f"positive is {positive!r}; it must be above 0.5 and below 1, or the features that"
            " mislead do not. The default is 0.6."
        )

    def init(key: Array) -> Weights:
        return Weights(jnp.zeros(3, jnp.float32), jnp.zeros((examples, 5), jnp.float32))

    def sample(key: Array, step: Array) -> Array:
        chosen = jax.random.uniform(key, (examples,), jnp.float32) < positive
        return jnp.where(chosen, jnp.float32(1), jnp.float32(-1))

    def loss(weights: Weights, labels: Array) -> Array:
        first, second, third = weights.common
        own = weights.own[:, 0] + jnp.where(labels > 0, 0, weights.own[:, 1:].sum(axis=1))
        return 0.5 * jnp.sum((first * labels + second + third + own - labels) ** 2)

    def metrics(weights: Weights) -> dict[str, Array]:
        first, second, third = weights.common
        positives = jnp.where(second + third > -first, jnp.float32(positive), 0)
        negatives = jnp.where(second + third < first, jnp.float32(1 - positive), 0)
        known = jnp.isfinite(weights.common).all()
        return {accuracy.name: jnp.where(known, positives + negatives, jnp.nan)}

    accuracy = Metric("test_accuracy", "accuracy on other examples", "higher")
    return Problem(
        name="wilson",
        title="Separable data of Wilson et al.",
        init=init,
        loss=loss,
        sample=sample,
        metrics=metrics,
        choose_by=TRAINING_LOSS,
        report=accuracy,
        # Enough for every method. After more, rates would be chosen by what rounding leaves of the
        # training loss.
        steps=20,
        target=1.0,
        citation="A. C. Wilson et al., The marginal value of adaptive gradient methods in machine "
        "learning, NeurIPS (2017), section 3.3.",
        width=32,
    )


class Seen(NamedTuple):
    """Of `rare`, in one step.

    Attributes:
        present: which features are seen, shape (features,).
        values: what their weights should be, as far as can be seen; shape (features,).
    """

    present: Array
    values: Array


def rare(periods: tuple[int, ...] = (1, 10, 100), noise: float = 0.5) -> Problem:
    """Features that are seen in every step, in every tenth, and in every hundredth.

    Each has a weight to be found, which starts one away from it. Where feature j is seen, the loss
    has the term 0.5 (w_j - z)^2 with z ~ N(1, noise^2). The metric is the mean of 0.5 (w_j - 1)^2
    over the features: a rare one counts as much as one that is always seen.

    What it teaches: at its n-th sight AdaGrad's step is lr / sqrt(n), large as long as a feature is
    new and small once it is known. RMSprop's steps depend on how often a feature is seen too, for v
    decays between the sights, but never become smaller.

    Args:
        periods: from one sight of a feature to the next, for each feature; at least 1.
        noise: standard deviation of z; at least 0.

    Raises:
        ValueError: for arguments out of range.
    """
    if not periods or min(periods) < 1:
        raise ValueError(
            f"periods is {periods!r}; it must be one number of steps or more, each at least 1. The"
            " default is (1, 10, 100)."
        )
    if not 0 <= noise < math.inf:
        raise ValueError(
            f"noise is {noise!r}; it must be a finite number of at least 0. With 0 there is no"
            " noise."
        )
    every = np.array(periods, np.int32)

    def sample(key: Array, step: Array) -> Seen:
        offset_key, noise_key = jax.random.split(key)
        share = jax.random.uniform(offset_key, every.shape, jnp.float32)
        offsets = (share * every.astype(np.float32)).astype(jnp.int32)
        normal = jax.random.normal(jax.random.fold_in(noise_key, step), every.shape, jnp.float32)
        return Seen((step[None] + offsets) % every == 0, 1 + noise * normal)

    def loss(weights: Array, seen: Seen) -> Array:
        return 0.5 * jnp.sum(jnp.where(seen.present, (weights - seen.values) ** 2, 0))

    excess = Metric("mean_excess", "mean excess loss of a feature", "lower")
    return Problem(
        name="rare",
        title="Features that are seen rarely",
        init=lambda key: jnp.zeros(len(every), jnp.float32),
        loss=loss,
        sample=sample,
        metrics=lambda weights: {excess.name: 0.5 * jnp.mean((weights - 1) ** 2)},
        choose_by=excess,
        report=excess,
        steps=3000,
        target=0.01,
        citation="Made for this comparison, after J. Duchi, E. Hazan and Y. Singer, Adaptive "
        "subgradient methods for online learning and stochastic optimization, JMLR 12 (2011).",
        width=64,
    )
