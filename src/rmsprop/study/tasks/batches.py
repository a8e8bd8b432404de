"""Batches, cross entropy and metrics on held-out examples, for the tasks with real data.

Batches are drawn without replacement. The rows of the training data are in a random order already.
In each epoch, position i reads row (a * i + b) mod n, where n is the number of rows, and a and b
are random numbers of the epoch, a coprime to n. This map is a permutation. It costs a few integer
operations for the rows of one batch, where a shuffle would sort all n rows in every step. The last
n mod (batch size) positions of an epoch are left out. The product a * i must fit into 32 bits, so a
is below min(n, 2^32 / n), which leaves thousands of orders for 2^18 rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypedDict

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from rmsprop.study.problems import Batch, Metric, Params
from rmsprop.study.tasks import data

# Half a point: accuracies that differ by less count as equal.
ACCURACY_MARGIN = 0.005


class Classification(TypedDict):
    """The arguments of `Problem` that all classifiers have in common."""

    loss: Callable[[Params, Batch], Array]
    sample: Callable[[Array, Array], Batch]
    metrics: Callable[[Params], Mapping[str, Array]]
    choose_by: Metric
    report: Metric
    data_sha256: str


def batches(examples: data.Examples, size: int) -> Callable[[Array, Array], tuple[Array, Array]]:
    """A function for `Problem.sample` that draws batches of features and labels.

    Args:
        examples: The training examples.
        size: The number of examples in a batch.
    """

    def sample(key: Array, step: Array) -> tuple[Array, Array]:
        rows = epoch_rows(key, step, len(examples.labels), size)
        return jnp.asarray(examples.features)[rows], jnp.asarray(examples.labels)[rows]

    return sample


def epoch_rows(key: Array, step: Array, count: int, size: int) -> Array:
    """The rows in the batch of a step: (a * i + b) mod `count`, as the module describes.

    Args:
        key: The key that decides the order of the rows in all epochs.
        step: The number of the step, counted from 0.
        count: The number of rows, below 2^20; above that few multipliers would be left.
        size: The number of rows in a batch, from 1 to `count`.

    Returns:
        The numbers of the rows, int32 of shape (size,).

    Raises:
        ValueError: `count` or `size` is out of range.

    Example:
        >>> rows = epoch_rows(jax.random.key(0), jnp.int32(0), count=6, size=6)
        >>> sorted(rows.tolist())
        [0, 1, 2, 3, 4, 5]
    """
    if not 1 <= size <= count < 2**20:
        raise ValueError(
            f"size is {size} and count is {count}; they must satisfy 1 <= size <= count < 1048576."
        )
    multipliers = np.flatnonzero(np.gcd(np.arange(min(count, 2**32 // count)), count) == 1)
    epoch, batch = jnp.divmod(jnp.asarray(step, jnp.uint32), jnp.uint32(count // size))
    first, second = jax.random.bits(jax.random.fold_in(key, epoch), (2,), jnp.uint32)
    a = jnp.asarray(multipliers, jnp.uint32)[first % len(multipliers)]
    b = second % count
    position = batch * size + jnp.arange(size, dtype=jnp.uint32)
    return ((a * position % count + b) % count).astype(jnp.int32)


def cross_entropy(logits: Array, labels: Array) -> Array:
    """The mean over the examples of -log softmax(logits)[label]."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def classification(
    logits: Callable[[Params, Array], Array],
    dataset: data.Dataset,
    size: int,
    by: Literal["loss", "accuracy"] = "loss",
) -> Classification:
    """The arguments of `Problem` that all classifiers have in common.

    Args:
        logits: The classifier. It takes parameters and features and returns scores of shape
            (n, classes).
        dataset: The examples: training data for the loss, validation and test data for the metrics.
        size: The number of examples in a batch.
        by: The metric by which hyper-parameters are chosen, on validation data, and which is
            reported, on test data.
    """
    better: Literal["lower", "higher"] = "lower" if by == "loss" else "higher"
    margin, chance = (None, None) if by == "loss" else (ACCURACY_MARGIN, 1 / len(dataset.classes))
    return {
        "loss": lambda params, batch: cross_entropy(logits(params, batch[0]), batch[1]),
        "sample": batches(dataset.train, size),
        "metrics": held_out_metrics(logits, dataset),
        "choose_by": Metric(f"validation_{by}", f"validation {by}", better),
        "report": Metric(f"test_{by}", f"test {by}", better, margin, chance),
        "data_sha256": dataset.sha256,
    }


def two_scores(second: Array) -> Array:
    """Scores of two classes, shape (n, 2), whose softmax is the logistic function of `second`.

    Args:
        second: The scores of the second class, shape (n,). Those of the first class are zero.
    """
    return jnp.stack([jnp.zeros_like(second), second], axis=1)


def held_out_metrics(
    logits: Callable[[Params, Array], Array], dataset: data.Dataset
) -> Callable[[Params], Mapping[str, Array]]:
    """A function for `Problem.metrics`: loss and accuracy on validation and on test data.

    Args:
        logits: The classifier. It takes parameters and features and returns scores of shape
            (n, classes).
        dataset: The examples.
    """

    def metrics(params: Params) -> dict[str, Array]:
        values = {}
        for part, examples in (("validation", dataset.validation), ("test", dataset.test)):
            scores = logits(params, jnp.asarray(examples.features))
            labels = jnp.asarray(examples.labels)
            loss = cross_entropy(scores, labels)
            predictions = jnp.argmax(scores, axis=-1).astype(labels.dtype)
            accuracy = jnp.mean(predictions == labels, dtype=jnp.float32)
            values[f"{part}_loss"] = loss
            # Where all scores are NaN, argmax returns class 0, which would count as a prediction.
            values[f"{part}_accuracy"] = jnp.where(jnp.isfinite(loss), accuracy, jnp.nan)
        return values

    return metrics
