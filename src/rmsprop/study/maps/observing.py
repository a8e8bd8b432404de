"""What a run shows of its problem, by a second batch in each step: signal, noise, scale and drift.

In step t the gradient is taken at the parameters `x_t` on the batch of that step and on the batch
of a neighbouring step.  With `g = m + n` and `g' = m + n'`, where the noises are independent and
have the mean 0, `E <g, g'> = |m|^2` is the power of the signal and `E |g - g'|^2 / 2 = E |n|^2`
that of the noise (both are sums over the coordinates).

Whether the gradients drift is seen where parameters are held: at the last ones, gradients of
batches that are one step apart are compared with those of batches that are half a tenth of the run
apart.  If the mean gradient walks by `delta` per step, half the squared difference grows by
`delta^2 / 2` with every step between the two, and on a stream without drift not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax

from rmsprop.study.problems import TENTHS, Batch, Params, Problem, Tree
from rmsprop.study.running.training import Build, Trained, start_of

# Pairs of batches in each tenth of the steps by which a drift is looked for, at most.
PAIRS = 20
# Coordinates whose scales are noted one by one, at most; evenly spaced among all of them.
COORDINATES = 4096


class Observations(NamedTuple):
    """What one run shows; all arrays are float32, sums go over the coordinates.

    Attributes:
        loss: The loss before each step, shape (steps,).
        power: The squared length of the gradient, shape (steps,).
        signal: The product of two gradients at the same parameters, shape (steps,).
        noise: Half the squared length of their difference, shape (steps,).
        seen: The share of coordinates whose gradient is not 0, shape (steps,).
        squares: The mean square of some coordinates' gradients in each tenth of the steps, shape
            (10, coordinates).
        moved: The squared distance between the parameters after each tenth of the steps and those
            after the last, the initial ones first, shape (11,).
        near: Half the squared difference of gradients at the last parameters whose batches are one
            step apart, shape (10, pairs): for each tenth of the steps.
        far: The same where they are `lag_of(steps)` steps apart.
    """

    loss: Array
    power: Array
    signal: Array
    noise: Array
    seen: Array
    squares: Array
    moved: Array
    near: Array
    far: Array


def lag_of(steps: int) -> int:
    """The steps between two batches that are far apart: half a tenth of the run."""
    return steps // TENTHS // 2


def _gradients(
    problem: Problem, start: Trained, key: Array
) -> Callable[[Params, Array], tuple[Array, Tree]]:
    """The loss on the batch of a step and its gradient, as a function of what is trained."""

    def loss_of(params: Params, batch: Batch) -> Array:
        """The loss as a function of what is trained."""
        return problem.loss(start.whole(params), batch)

    def gradient(params: Params, step: Array) -> tuple[Array, Tree]:
        """The loss on the batch of a step, and its gradient."""
        batch = problem.sample(key, step)
        loss, gradients = jax.value_and_grad(loss_of)(params, batch)
        return loss, jax.tree.map(jnp.conj, gradients)

    return gradient


def observed_run(
    problem: Problem, build: Build, steps: int
) -> Callable[[Mapping[str, Array], Array, Array], Observations]:
    """The function that trains once and observes.

    The run is that of `rmsprop.study.running.training`, batch for batch.

    Args:
        problem: What is minimised.
        build: Makes the optimizer from its hyper-parameters and the number of its schedule.
        steps: Of the run, a multiple of 10, 20 at least.

    Returns:
        A function of the hyper-parameters, float32 scalars by name, and of two int32 scalars: the
        number of the schedule and the seed.
    """
    tenth, lag = steps // TENTHS, lag_of(steps)
    places = np.unique(np.linspace(0, tenth - lag - 1, PAIRS).astype(np.int32))
    firsts = (tenth * np.arange(TENTHS, dtype=np.int32))[:, None] + places

    def run(hyperparameters: Mapping[str, Array], schedule: Array, seed: Array) -> Observations:
        """Trains once and observes."""
        initial_key, batch_key = jax.random.split(jax.random.key(seed))
        optimizer = build(hyperparameters, schedule)
        start = start_of(problem, initial_key)
        gradient = _gradients(problem, start, batch_key)

        def step(carry: Tree, now: Array) -> tuple[Tree, Tree]:
            """One step, with a second gradient at the same parameters."""
            params, state, squares = carry
            loss, first = gradient(params, now)
            _, second = gradient(params, jnp.where(now + 1 < steps, now + 1, now - 1))
            notes = (
                loss.astype(jnp.float32),
                product(first, first),
                product(first, second),
                half_difference(first, second),
                _share(first),
            )
            squares = squares + jnp.abs(_some(first)) ** 2 / tenth
            updates, state = optimizer.update(first, state, params)
            return (optax.apply_updates(params, updates), state, squares), notes

        def part(carry: Tree, now: Array) -> tuple[Tree, Tree]:
            """A tenth of the steps."""
            params, state = carry
            zeros = jnp.zeros_like(jnp.abs(_some(start.params)))
            (after, state, squares), notes = lax.scan(step, (params, state, zeros), now)
            return (after, state), (notes, squares, params)

        count = np.arange(steps, dtype=np.int32).reshape(TENTHS, tenth)
        carry = (start.params, optimizer.init(start.params))
        (last, _), (notes, squares, before) = lax.scan(part, carry, jnp.asarray(count))
        moved = jax.vmap(lambda params: 2 * half_difference(params, last))(before)

        def pair(first: Array) -> tuple[Array, Array]:
            """How far gradients at the last parameters are apart."""
            (_, here), (_, near), (_, far) = (
                gradient(last, first + between) for between in (0, 1, lag)
            )
            return half_difference(here, near), half_difference(here, far)

        near, far = lax.map(pair, jnp.asarray(firsts.ravel()))
        loss, power, signal, noise, seen = (note.reshape(steps) for note in notes)
        return Observations(
            loss=loss,
            power=power,
            signal=signal,
            noise=noise,
            seen=seen,
            squares=squares,
            moved=jnp.concatenate([moved, jnp.zeros(1)]),
            near=near.reshape(firsts.shape),
            far=far.reshape(firsts.shape),
        )

    return run


def product(first: Tree, second: Tree) -> Array:
    """The real part of the inner product of two trees, summed in float32."""
    leaves = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    return sum((_real(x * jnp.conj(y)).sum() for x, y in leaves), jnp.float32(0))


def half_difference(first: Tree, second: Tree) -> Array:
    """Half the squared length of the difference of two trees."""
    difference = jax.tree.map(jnp.subtract, first, second)
    return product(difference, difference) / 2


def _real(x: Array) -> Array:
    return jnp.real(x).astype(jnp.float32)


def _share(tree: Tree) -> Array:
    """The share of numbers that are not 0."""
    leaves = jax.tree.leaves(tree)
    return sum((_real(leaf != 0).sum() for leaf in leaves), jnp.float32(0)) / sum(
        leaf.size for leaf in leaves
    )


def _some(tree: Tree) -> Array:
    """The size of some coordinates of a tree in float32, evenly spaced among all of them."""
    leaves = [leaf.reshape(-1) for leaf in jax.tree.leaves(tree)]
    every = -(-sum(leaf.size for leaf in leaves) // COORDINATES)
    return jnp.concatenate([jnp.abs(leaf[::every]).astype(jnp.float32) for leaf in leaves])
