"""What the tasks on real data share: batches, cross entropy, metrics on held-out examples.

Batches are drawn without replacement. The rows of the training data are in a random order
already; epoch after epoch, position i reads row (a * i + b) mod n, where n is the number of rows
and a, b are random in each epoch, a without a common divisor with n. That is a permutation, and
costs a few integer operations for the rows of one batch, where shuffling would sort all n in every
step. The last n mod (batch size) positions of an epoch are left out. So that a * i fits into 32
bits, a is below 2^32 / n where that is less than n: thousands of orders are left for 2^18 rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from rmsprop.study.problems import Metric, Params
from rmsprop.study.tasks import data


def batches(examples: data.Examples, size: int) -> Callable[[Array, Array], tuple[Array, Array]]:
    """`Problem.sample` for batches of `size` examples: their features and labels."""

    def sample(key: Array, step: Array) -> tuple[Array, Array]:
        rows = epoch_rows(key, step, len(examples.labels), size)
        return jnp.asarray(examples.features)[rows], jnp.asarray(examples.labels)[rows]

    return sample


def epoch_rows(key: Array, step: Array, count: int, size: int) -> Array:
    """The rows in the batch of `step`, as the module's description says.

    Args:
        key: decides the order in all epochs.
        step: counted from 0.
        count: of rows, below 2^20, above which few multipliers would be left.
        size: of a batch, at most `count`.

    Returns:
        Their numbers, int32 of shape (size,).

    Raises:
        ValueError: for a count or a size out of range.
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
    """Mean over the examples of -log softmax at the label."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def classification(
    logits: Callable[[Any, Array], Array],
    dataset: data.Dataset,
    size: int,
    by: Literal["loss", "accuracy"] = "loss",
) -> dict[str, Any]:
    """What the `Problem`s of all classifiers have alike, as keywords.

    Args:
        logits: of parameters and features, shape (n, classes).
        dataset: to train on, to choose by and to report on.
        size: of a batch.
        by: what is chosen by, on validation data, and reported, on test data.
    """
    better: Literal["lower", "higher"] = "lower" if by == "loss" else "higher"
    return {
        "loss": lambda params, batch: cross_entropy(logits(params, batch[0]), batch[1]),
        "sample": batches(dataset.train, size),
        "metrics": held_out_metrics(logits, dataset),
        "choose_by": Metric(f"validation_{by}", f"validation {by}", better),
        "report": Metric(f"test_{by}", f"test {by}", better),
        "data_sha256": dataset.sha256,
    }


def two_scores(second: Array) -> Array:
    """Scores of two classes, shape (n, 2), whose softmax is the logistic function of `second`."""
    return jnp.stack([jnp.zeros_like(second), second], axis=1)


def held_out_metrics(
    logits: Callable[[Any, Array], Array], dataset: data.Dataset
) -> Callable[[Params], Mapping[str, Array]]:
    """`Problem.metrics` for a classifier: loss and accuracy on validation and test data."""

    def metrics(params: Params) -> dict[str, Array]:
        measured = {}
        for part, examples in (("validation", dataset.validation), ("test", dataset.test)):
            scores = logits(params, jnp.asarray(examples.features))
            labels = jnp.asarray(examples.labels)
            loss = cross_entropy(scores, labels)
            found = jnp.argmax(scores, axis=-1).astype(labels.dtype)
            accuracy = jnp.mean(found == labels, dtype=jnp.float32)
            measured[f"{part}_loss"] = loss
            # The largest of scores that are NaN would be the first, a class like any other.
            measured[f"{part}_accuracy"] = jnp.where(jnp.isfinite(loss), accuracy, jnp.nan)
        return measured

    return metrics
