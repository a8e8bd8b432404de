"""The complete defaults that frameworks ship, all of a study's in one program.

They are optimizers of their own, each with a state of its own kind, and each runs on a few seeds
only: one program that chooses among them is compiled once, where one for each would take longer to
compile than to run.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import jax.numpy as jnp
import optax
from jax import Array, lax

from rmsprop.study.optimizers import Defaults
from rmsprop.study.problems import Tree
from rmsprop.study.running.schedules import scheduled
from rmsprop.study.running.training import Build

# The only hyper-parameter of the program: the number of the defaults, a whole float32.
NUMBER = "number"


def build_of(defaults: Sequence[Defaults], schedules: Sequence[str], steps: int) -> Build:
    """How the defaults of a number are made in a run of so many steps.

    Args:
        defaults: All that there are.
        schedules: The schedules of the study.
        steps: Of a run.
    """

    def build(values: Mapping[str, Array], schedule: Array) -> optax.GradientTransformation:
        """All of them in one, of which the value of `NUMBER` takes its step."""
        optimizers = [
            each.make(scheduled(jnp.float32(each.learning_rate), schedules, schedule, steps))
            for each in defaults
        ]
        return one_of(optimizers, values[NUMBER].astype(jnp.int32))

    return build


def one_of(
    optimizers: Sequence[optax.GradientTransformation], number: Array
) -> optax.GradientTransformation:
    """The optimizer of a number that is known when it runs; the states of the others stand still.

    Args:
        optimizers: At least one, for the same parameters.
        number: Which of them, an int32 scalar.
    """

    def init(params: optax.Params) -> Tree:
        """The states of all of them."""
        return tuple(each.init(params) for each in optimizers)

    def update(
        updates: optax.Updates, state: Tree, params: optax.Params | None = None
    ) -> tuple[optax.Updates, Tree]:
        """The updates of the chosen one, and all states, of which only its own is new."""

        def step_of(index: int) -> tuple[optax.Updates, Tree]:
            """The step of one of them."""
            steps, after = optimizers[index].update(updates, state[index], params)
            return steps, (*state[:index], after, *state[index + 1 :])

        branches = [functools.partial(step_of, index) for index in range(len(optimizers))]
        return lax.switch(number, branches)

    return optax.GradientTransformation(init, update)
