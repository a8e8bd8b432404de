"""Batches, cross entropy and metrics on held-out examples, for the tasks with real data.

Batches are drawn without replacement: each epoch reads the positions for training in an order of
its own, as `rmsprop.study.tasks.splits` describes. The last n mod (batch size) positions of an
epoch are left out. A batch is positions alone; the loss looks the rows up in the split of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypedDict

import jax
import jax.numpy as jnp
import optax
from jax import Array

from rmsprop.study.problems import TRAINING_LOSS, Batch, Metric, Params
from rmsprop.study.tasks import data
from rmsprop.study.tasks.splits import LARGEST, Model, order_of, rows_at

# Half a point: accuracies that differ by less count as equal.
ACCURACY_MARGIN = 0.005


class Classification(TypedDict):
    """The arguments of `Problem` that all classifiers have in common."""

    init: Callable[[Array], Params]
    loss: Callable[[Params, Batch], Array]
    sample: Callable[[Array, Array], Batch]
    metrics: Callable[[Params], Mapping[str, Array]]
    choose_by: tuple[Metric, ...]
    report: tuple[Metric, ...]
    data_sha256: str


def epoch_rows(key: Array, step: Array, count: int, size: int) -> Array:
    """The rows in the batch of a step, each at most once in an epoch.

    Args:
        key: The key that decides the order of the rows in all epochs.
        step: The number of the step, counted from 0.
        count: The number of rows, below 2^20.
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
    if not 1 <= size <= count < LARGEST:
        raise ValueError(
            f"size is {size} and count is {count}; they must satisfy 1 <= size <= count <"
            f" {LARGEST}."
        )
    epoch, batch = jnp.divmod(jnp.asarray(step, jnp.uint32), jnp.uint32(count // size))
    order = order_of(jax.random.fold_in(key, epoch), count)
    return rows_at(order, batch * size + jnp.arange(size, dtype=jnp.uint32), count)


def cross_entropy(logits: Array, labels: Array) -> Array:
    """The mean over the examples of -log softmax(logits)[label]."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def classification(
    init: Callable[[Array], Params],
    logits: Callable[[Params, Array], Array],
    dataset: data.Dataset,
    size: int,
    by: Literal["loss", "accuracy"] = "loss",
) -> Classification:
    """The arguments of `Problem` that all classifiers have in common.

    The parameters of the problem are a `Model`, whose split says which rows are held out.

    Args:
        init: Takes a key and returns the parameters of the classifier.
        logits: The classifier. It takes parameters and features and returns scores of shape
            (n, classes).
        dataset: The examples.
        size: The number of examples in a batch.
        by: The headline. Reported are the loss and the accuracy on test data, this one first, each
            chosen by its form on validation data; then the training loss, chosen by itself.
    """
    count = len(dataset.labels)
    training = count - 2 * dataset.held_out
    chance = 1 / len(dataset.classes)
    pairs = [
        (
            Metric("validation_loss", "validation loss", "lower"),
            Metric("test_loss", "test loss", "lower"),
        ),
        (
            Metric("validation_accuracy", "validation accuracy", "higher", ACCURACY_MARGIN, chance),
            Metric("test_accuracy", "test accuracy", "higher", ACCURACY_MARGIN, chance),
        ),
    ]
    if by == "accuracy":
        pairs.reverse()
    choices, reports = zip(*pairs, (TRAINING_LOSS, TRAINING_LOSS), strict=True)

    def start(key: Array) -> Model:
        """Initial parameters, and the split of the data that the seed draws."""
        params_key, split_key = jax.random.split(key)
        return Model(init(params_key), order_of(split_key, count))

    def scores_and_labels(model: Model, positions: Array) -> tuple[Array, Array]:
        """The scores and the labels of the rows at some positions of the split."""
        rows = rows_at(model.split, positions, count)
        features = jnp.asarray(dataset.features)[rows]
        return logits(model.params, features), jnp.asarray(dataset.labels)[rows]

    def metrics(model: Model) -> dict[str, Array]:
        """Loss and accuracy on the validation and the test rows of the split."""
        values = {}
        for part, first in (("validation", training), ("test", training + dataset.held_out)):
            positions = first + jnp.arange(dataset.held_out, dtype=jnp.int32)
            scores, labels = scores_and_labels(model, positions)
            values[f"{part}_loss"] = cross_entropy(scores, labels)
            values[f"{part}_accuracy"] = accuracy(scores, labels)
        return values

    return {
        "init": start,
        "loss": lambda model, positions: cross_entropy(*scores_and_labels(model, positions)),
        "sample": lambda key, step: epoch_rows(key, step, training, size),
        "metrics": metrics,
        "choose_by": choices,
        "report": reports,
        "data_sha256": dataset.sha256,
    }


def accuracy(scores: Array, labels: Array) -> Array:
    """The share of examples whose label has the largest score; NaN where a score is not finite."""
    predictions = jnp.argmax(scores, axis=-1).astype(labels.dtype)
    share = jnp.mean(predictions == labels, dtype=jnp.float32)
    # Where all scores are NaN, argmax returns class 0, which would count as a prediction.
    return jnp.where(jnp.isfinite(scores).all(), share, jnp.nan)


def two_scores(second: Array) -> Array:
    """Scores of two classes, shape (n, 2), whose softmax is the logistic function of `second`.

    Args:
        second: The scores of the second class, shape (n,). Those of the first class are zero.
    """
    return jnp.stack([jnp.zeros_like(second), second], axis=1)
