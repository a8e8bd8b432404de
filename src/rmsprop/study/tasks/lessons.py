"""Small problems, each of which shows one thing that AdaGrad, RMSprop or both cannot do."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from rmsprop.study.problems import TRAINING_LOSS, Metric, Problem
from rmsprop.study.tasks.batches import ACCURACY_MARGIN


def reddi(period: int = 8) -> Problem:
    """The counter-example of Reddi et al.: on [-1, 1], slope C in one of C steps, else -1.

    Over C steps the slopes add up to 1, so the best place is -1. The metric is the distance from
    it, at most 2, averaged over the last tenth of the steps. Optimizers know no borders, so the
    borders are part of the loss: the line is folded at -1 and at 1, and a parameter beyond a border
    stands for the place at the same distance inside. Thus the loss has a gradient everywhere, and
    -1 and 1 remain its extremes.

    What it teaches: RMSprop divides the one large slope by a root of v that this slope has just
    increased, and the small slopes by a root of v that has decayed since. Where it forgets too fast
    for the period, it goes to the worst place with any small learning rate: for C = 8, it goes to
    the best place only if 1 - decay is below 0.0712. AdaGrad goes there for every C. A run begins
    near a distance of 1; a perfect run has 0.

    Args:
        period: The number of steps C, at least 2.

    Raises:
        ValueError: `period` is out of range.
    """
    if period < 2:
        raise ValueError(
            f"period is {period!r}; it must be an integer of at least 2. The default is 8."
        )

    def place(parameter: Array) -> Array:
        """The parameter folded into [-1, 1]: a triangular wave, which is the identity there."""
        return jnp.abs((parameter - 1) % 4 - 2) - 1

    def sample(key: Array, step: Array) -> Array:
        """The gradient of a step: the rare large one, or the frequent small one."""
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
        averages=lambda parameter: {distance.name: place(parameter).sum() + 1},
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
    """The parameters of `wilson`.

    Attributes:
        common: The weights of the three features that all examples have, shape (3,).
        own: The weights of the features that one example has alone, shape (examples, 5).
    """

    common: Array
    own: Array


def wilson(examples: int = 100, positive: float = 0.6) -> Problem:
    """Separable data on which adaptive methods fit every example and learn little.

    A label y is 1 with probability `positive`, else -1. The first feature is y, and the second and
    the third are 1. Then come features that no other example has, all of them 1: one feature if
    y = 1, five if y = -1. The loss is half the sum of the squared residuals over all examples. All
    weights start at zero, so a seed only decides the labels. An example that was not trained on has
    weights for its first three features only; the metric is the probability that such an example
    is classified correctly.

    What it teaches: plain gradient descent finds the solution of smallest norm, which relies on the
    first feature and is always right. Where every gradient is divided by its own size, all weights
    are equally large at first, so that two features outvote the first and every example is called
    positive: the training loss goes to zero and the accuracy is `positive`. So 0.6 is the share of
    the larger class, and gradient descent gets 1.0. Hyper-parameters are
    chosen by the training loss, because the lesson is what a good fit is worth.

    Args:
        examples: The number of training examples, at least 1.
        positive: The probability of y = 1; above 0.5 and below 1.

    Raises:
        ValueError: An argument is out of range.
    """
    if examples < 1:
        raise ValueError(f"examples is {examples!r}; it must be at least 1. The default is 100.")
    if not 0.5 < positive < 1:
        raise ValueError(
            f"positive is {positive!r}; it must be above 0.5 and below 1, or the features that"
            " mislead do not. The default is 0.6."
        )

    def init(key: Array) -> Weights:
        """All weights start at zero."""
        return Weights(jnp.zeros(3, jnp.float32), jnp.zeros((examples, 5), jnp.float32))

    def sample(key: Array, step: Array) -> Array:
        """The labels of all training examples, 1 or -1."""
        is_positive = jax.random.uniform(key, (examples,), jnp.float32) < positive
        return jnp.where(is_positive, jnp.float32(1), jnp.float32(-1))

    def loss(weights: Weights, labels: Array) -> Array:
        """Half the squared error of all examples."""
        first, second, third = weights.common
        own = weights.own[:, 0] + jnp.where(labels > 0, 0, weights.own[:, 1:].sum(axis=1))
        return 0.5 * jnp.sum((first * labels + second + third + own - labels) ** 2)

    def metrics(weights: Weights) -> dict[str, Array]:
        """What the weights reach on examples that were not seen."""
        first, second, third = weights.common
        positives = jnp.where(second + third > -first, jnp.float32(positive), 0)
        negatives = jnp.where(second + third < first, jnp.float32(1 - positive), 0)
        finite = jnp.isfinite(weights.common).all()
        return {accuracy.name: jnp.where(finite, positives + negatives, jnp.nan)}

    accuracy = Metric(
        "test_accuracy", "accuracy on other examples", "higher", ACCURACY_MARGIN, chance=0.5
    )
    return Problem(
        name="wilson",
        title="Separable data of Wilson et al.",
        init=init,
        loss=loss,
        sample=sample,
        metrics=metrics,
        choose_by=TRAINING_LOSS,
        report=(accuracy, TRAINING_LOSS),
        # Enough for every method. After more steps the training loss, by which learning rates are
        # chosen, would consist of rounding errors.
        steps=20,
        target=1.0,
        citation="A. C. Wilson et al., The marginal value of adaptive gradient methods in machine "
        "learning, NeurIPS (2017), section 3.3.",
        width=32,
    )


class Observation(NamedTuple):
    """A batch of `rare`.

    Attributes:
        present: Whether each feature occurs in this step; booleans of shape (features,).
        values: The noisy optimum z of each weight, shape (features,).
    """

    present: Array
    values: Array


def rare(periods: tuple[int, ...] = (1, 10, 100), noise: float = 0.5) -> Problem:
    """Features that occur in every step, in every tenth, and in every hundredth.

    Each feature has a weight, which starts at 0 and has its optimum at 1. In the steps in which
    feature j occurs, the loss has the term 0.5 (w_j - z)^2 with z ~ N(1, noise^2). The metric is
    the mean of 0.5 (w_j - 1)^2 over the features, averaged over the last tenth of the steps: a rare
    feature counts as much as a frequent one.

    What it teaches: AdaGrad's step for a feature is about lr / sqrt(n) at its n-th occurrence,
    large while the feature is new and small once its weight is known. RMSprop's steps also depend
    on how often a feature occurs, because v decays in between, but they do not become smaller. The
    excess begins at 0.5; a perfect run has 0.

    Args:
        periods: The number of steps from one occurrence of a feature to the next, for each feature;
            at least 1.
        noise: The standard deviation of z; finite, at least 0.

    Raises:
        ValueError: An argument is out of range.
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

    def sample(key: Array, step: Array) -> Observation:
        """Which features occur in a step, and their values with noise."""
        offset_key, noise_key = jax.random.split(key)
        share = jax.random.uniform(offset_key, every.shape, jnp.float32)
        offsets = (share * every.astype(np.float32)).astype(jnp.int32)
        normal = jax.random.normal(jax.random.fold_in(noise_key, step), every.shape, jnp.float32)
        return Observation((step[None] + offsets) % every == 0, 1 + noise * normal)

    def loss(weights: Array, batch: Observation) -> Array:
        """Half the squared error of the features that occur."""
        return 0.5 * jnp.sum(jnp.where(batch.present, (weights - batch.values) ** 2, 0))

    excess = Metric("mean_excess", "mean excess loss of a feature", "lower")
    return Problem(
        name="rare",
        title="Features that are seen rarely",
        init=lambda key: jnp.zeros(len(every), jnp.float32),
        loss=loss,
        sample=sample,
        averages=lambda weights: {excess.name: 0.5 * jnp.mean((weights - 1) ** 2)},
        choose_by=excess,
        report=excess,
        steps=3000,
        target=0.01,
        citation="Made for this comparison, after J. Duchi, E. Hazan and Y. Singer, Adaptive "
        "subgradient methods for online learning and stochastic optimization, JMLR 12 (2011).",
        width=64,
    )
