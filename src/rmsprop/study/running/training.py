"""One training run from its hyper-parameters and seed, as a pure function.

It is a `lax.scan` over ten tenths of the steps, each a `lax.scan` over its steps, with the metrics
measured after each tenth and the averages after each step: no Python between the steps, and no loss
that is read one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeGuard

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from jax.typing import ArrayLike

from rmsprop.study.problems import TENTHS, Batch, Params, Problem, Tree
from rmsprop.study.running import effective_rates
from rmsprop.study.running.devices import on_cpu
from rmsprop.study.running.factoring import FACTORING

# From the hyper-parameters by name and the number of the schedule, all of them traced scalars.
Build = Callable[[Mapping[str, Array], Array], optax.GradientTransformation]


class Outcome(NamedTuple):
    """What one run leaves behind.

    Attributes:
        loss: Training loss before each step, float32 of shape (steps,).
        metrics: What `Problem.metrics` measured after each tenth of the steps, and the mean over
            each tenth of what `Problem.averages` measured after each of its steps; shape (10,)
            each.
        rates: Effective learning rates, shape (watched steps, coordinates).
        path: Parameters before each step, shape (steps, 2), for two-dimensional problems.
    """

    loss: Array
    metrics: Mapping[str, Array]
    rates: Array
    path: Array | None


class Trained(NamedTuple):
    """The leaves of parameters that are trained: arrays of real or complex numbers.

    Everything else that a tree of parameters may hold, such as the functions and sizes in the
    modules of some libraries, stays as it comes from `Problem.init`.

    Attributes:
        params: The tree, None in the place of what is not trained.
        whole: The function that puts trained leaves back among the others.
    """

    params: Params
    whole: Callable[[Params], Params]

    @classmethod
    def of(cls, params: Params) -> Trained:
        """Separates the leaves of `params`."""
        leaves, structure = jax.tree.flatten(params)
        mask = [_is_trained(leaf) for leaf in leaves]
        trained = [leaf if yes else None for leaf, yes in zip(leaves, mask, strict=True)]

        def whole(params: Params) -> Params:
            """The tree of the problem, with these in the place of what is trained."""
            fresh = iter(jax.tree.leaves(params))
            filled = [next(fresh) if yes else leaf for leaf, yes in zip(leaves, mask, strict=True)]
            return structure.unflatten(filled)

        return cls(structure.unflatten(trained), whole)


def _is_array(leaf: object) -> TypeGuard[Array | np.ndarray]:
    return isinstance(leaf, (jax.Array, np.ndarray))


def _is_trained(leaf: object) -> bool:
    return _is_array(leaf) and jnp.issubdtype(leaf.dtype, jnp.inexact)


def start_of(problem: Problem, key: Array) -> Trained:
    """The parameters that a run starts from.

    Where they take the factors of matrices, as orthogonal ones do, runs that are mapped together
    make them one after the other on a CPU, where the factorisations of batches may wait for each
    other for ever.

    Args:
        problem: What is minimised.
        key: The key of the run's start.
    """
    trees: list[tuple[Callable[[Sequence[Any]], Params], Sequence[Any]]] = []

    def arrays(key: Array) -> list[Array | np.ndarray]:
        """The leaves that are arrays; `trees` takes the other leaves, and what puts all back."""
        leaves, structure = jax.tree.flatten(problem.init(key))
        others = [None if _is_array(leaf) else leaf for leaf in leaves]
        trees.append((structure.unflatten, others))
        return [leaf for leaf in leaves if _is_array(leaf)]

    shape = jax.ShapeDtypeStruct(key.shape, key.dtype)
    if not on_cpu() or FACTORING not in jax.jit(arrays).lower(shape).as_text():
        return Trained.of(problem.init(key))
    made = iter(jax.custom_batching.sequential_vmap(arrays)(key))
    whole, others = trees[-1]
    return Trained.of(whole([next(made) if leaf is None else leaf for leaf in others]))


def training_run(
    problem: Problem, build: Build, steps: int
) -> Callable[[Mapping[str, Array], Array, Array], Outcome]:
    """The function that trains once.

    Args:
        problem: What is minimised.
        build: Makes the optimizer from its hyper-parameters and the number of its schedule.
        steps: Of the run, a multiple of 10.

    Returns:
        A function of the hyper-parameters, float32 scalars by name, and of two int32 scalars: the
        number of the schedule and the seed.
    """
    watched = effective_rates.watched_steps(steps)
    slots = np.full(steps, len(watched))  # the last slot takes what is not watched
    slots[watched - 1] = np.arange(len(watched))

    def run(hyperparameters: Mapping[str, Array], schedule: Array, seed: Array) -> Outcome:
        """Trains once; traced for one run, and mapped over many."""
        initial_key, batch_key = jax.random.split(jax.random.key(seed))
        optimizer = build(hyperparameters, schedule)
        start = start_of(problem, initial_key)
        places = effective_rates.watched_coordinates(start.params)

        def loss_of(params: Params, batch: Batch) -> Array:
            """The loss as a function of what is trained."""
            return problem.loss(start.whole(params), batch)

        def step(carry: Tree, now: tuple[Array, Array]) -> tuple[Tree, Tree]:
            """One step, and what is noted of it: loss, place, averages."""
            params, state, rates = carry
            count, slot = now
            loss, gradients = jax.value_and_grad(loss_of)(params, problem.sample(batch_key, count))
            gradients = jax.tree.map(jnp.conj, gradients)  # JAX's point the other way if complex
            updates, state = optimizer.update(gradients, state, params)
            place = None if problem.path is None else _single(problem.path(start.whole(params)))
            ratio = effective_rates.ratio(updates, gradients, places)
            rates = lax.dynamic_update_index_in_dim(rates, ratio, slot, 0)
            params = optax.apply_updates(params, updates)
            averages = _singles(problem.averages, start.whole(params))
            return (params, state, rates), (_single(loss), place, averages)

        def tenth(carry: Tree, now: tuple[Array, Array]) -> tuple[Tree, Tree]:
            """The steps of a tenth of the run, and the metrics after them."""
            carry, (loss, path, averages) = lax.scan(step, carry, now)
            means = {name: values.mean() for name, values in averages.items()}
            return carry, (loss, path, means | _singles(problem.metrics, start.whole(carry[0])))

        rates = jnp.full((len(watched) + 1, len(places)), jnp.nan, jnp.float32)
        shape = (TENTHS, steps // TENTHS)
        now = (np.arange(steps, dtype=np.int32), slots.astype(np.int32))
        carry = (start.params, optimizer.init(start.params), rates)
        (_, _, rates), (loss, path, metrics) = lax.scan(
            tenth, carry, jax.tree.map(lambda x: jnp.asarray(x.reshape(shape)), now)
        )
        path = None if path is None else path.reshape(steps, -1)
        return Outcome(loss.reshape(steps), metrics, rates[:-1], path)

    return run


def _singles(
    measure: Callable[[Params], Mapping[str, Array]] | None, params: Params
) -> dict[str, Array]:
    """What `Problem.metrics` or `Problem.averages` measures; nothing where it is None."""
    values = {} if measure is None else measure(params)
    return {name: _single(value) for name, value in values.items()}


def _single(value: ArrayLike) -> Array:
    """A number in float32, in which results are kept."""
    return jnp.asarray(value).astype(jnp.float32)


def sizes(problem: Problem, build: Build, names: tuple[str, ...]) -> tuple[int, int]:
    """Bytes of the trained parameters of one run, and of its optimizer's state; nothing is run."""

    def start(hyperparameters: Mapping[str, Array], schedule: Array) -> tuple[Params, Tree]:
        """The parameters and the state before the first step."""
        params = Trained.of(problem.init(jax.random.key(0))).params
        return params, build(hyperparameters, schedule).init(params)

    scalars = {name: jax.ShapeDtypeStruct((), jnp.float32) for name in names}
    params, state = jax.eval_shape(start, scalars, jax.ShapeDtypeStruct((), jnp.int32))
    return _bytes(params), _bytes(state)


def _bytes(tree: Tree) -> int:
    return sum(math.prod(x.shape) * x.dtype.itemsize for x in jax.tree.leaves(tree))
