"""Many training runs as one compiled program, spread over the cores.

A run is a `lax.scan` over the steps: no Python between them, and no loss that is read one by one.
`width` runs with different hyper-parameters and seeds are mapped together with `vmap`; on a CPU a
thread per core feeds such chunks to the same program, for XLA spreads small operations badly over
cores, and two runs side by side keep two cores busy.  On an accelerator one wide `vmap` is right.
The width changes the last bits of the numbers and so belongs to the definition of a study;
the last chunk is filled up with copies of its first run.
"""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax
from jax import Array, lax

from rmsprop.study.problems import Problem

# Runs mapped together on an accelerator, where a chunk should fill the device.
ACCELERATOR_WIDTH = 256

# Called with the number of runs that have just ended.
Advance = Callable[[int], None]


@dataclass(frozen=True)
class Runs:
    """What runs leave behind; the first dimension of every array counts the runs.

    Attributes:
        loss: Training loss before each step, shape (runs, steps), float32.
        metrics: What `Problem.metrics` measured after the last step, each of shape (runs,).
        path: Parameters before each step, shape (runs, steps, 2), for two-dimensional problems.
        seconds: Wall-clock time of all of them, without compilation.
    """

    loss: npt.NDArray[np.float32]
    metrics: Mapping[str, npt.NDArray[np.float32]]
    path: npt.NDArray[np.float32] | None
    seconds: float

    def __len__(self) -> int:
        return len(self.loss)

    def diverged(self, metric: str) -> npt.NDArray[np.bool_]:
        """Which runs met a loss, or ended with a value of this metric, that is not finite."""
        finite = np.isfinite(self.loss).all(axis=1)
        return np.logical_not(np.logical_and(finite, np.isfinite(self.metrics[metric])))


class Engine:
    """The compiled program that runs one optimizer on one problem, whatever its hyper-parameters.

    Args:
        problem: What is minimised.
        build: Makes the optimizer of a run from its hyper-parameters, traced float32 scalars by
            name.
        names: The hyper-parameters that differ between runs.
        steps: Steps of every run, at least 1.
        cores: Threads that feed the program; None for one a core on a CPU, else one.

    Attributes:
        compile_seconds: Wall-clock time that tracing and compiling took.
        state_bytes: Size of the optimizer's state of one run.
    """

    def __init__(
        self,
        problem: Problem,
        build: Callable[[Mapping[str, Array]], optax.GradientTransformation],
        names: Sequence[str],
        steps: int,
        cores: int | None = None,
    ) -> None:
        on_cpu = jax.default_backend() == "cpu"
        self.names = tuple(names)
        self.width = problem.width if on_cpu else ACCELERATOR_WIDTH
        self.cores = cores if cores is not None else (available_cores() if on_cpu else 1)
        started = time.perf_counter()
        run = _run(problem, build, steps)
        self.state_bytes = _state_bytes(problem, build, self.names)
        self._program = _compile(run, self.names, self.width, one_thread=on_cpu)
        self.compile_seconds = time.perf_counter() - started

    def run(
        self,
        hyperparameters: Mapping[str, npt.ArrayLike],
        seeds: npt.ArrayLike,
        advance: Advance = lambda runs: None,
    ) -> Runs:
        """Trains once for each entry of the arrays.

        Args:
            hyperparameters: For every name of the engine an array of shape (runs,).
            seeds: Integers of shape (runs,): the initial parameters and the batches of each run.
            advance: Called after each chunk with the number of runs in it.

        Returns:
            The runs, in the order of the arrays.
        """
        columns = {name: np.asarray(hyperparameters[name], np.float32) for name in self.names}
        numbers = np.asarray(seeds, np.int32)
        started = time.perf_counter()
        starts = range(0, len(numbers), self.width)
        with ThreadPoolExecutor(self.cores) as pool:
            waiting = {
                pool.submit(self._chunk, columns, numbers, start): index
                for index, start in enumerate(starts)
            }
            try:
                for done in as_completed(waiting):
                    done.result()
                    advance(min(self.width, len(numbers) - starts[waiting[done]]))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # running ones end soon
                raise
        chunks = [future.result() for future in waiting]
        loss, metrics, path = jax.tree.map(lambda *parts: np.concatenate(parts), *chunks)
        return Runs(loss, metrics, path, time.perf_counter() - started)

    def _chunk(self, columns: Mapping[str, np.ndarray], seeds: np.ndarray, start: int) -> Any:
        """The results of `width` runs from `start` on, as NumPy arrays, without the padding."""
        rows = np.arange(start, min(start + self.width, len(seeds)))
        padded = np.resize(np.append(rows, np.full(self.width - len(rows), start)), self.width)
        values = self._program({name: c[padded] for name, c in columns.items()}, seeds[padded])
        return jax.tree.map(lambda x: np.asarray(x)[: len(rows)], values)


def available_cores() -> int:
    """The cores that this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _run(
    problem: Problem,
    build: Callable[[Mapping[str, Array]], optax.GradientTransformation],
    steps: int,
) -> Callable[[Mapping[str, Array], Array], Any]:
    """One training run from its hyper-parameters and seed, as a pure function."""

    def run(hyperparameters: Mapping[str, Array], seed: Array) -> Any:
        initial_key, batch_key = jax.random.split(jax.random.key(seed))
        optimizer = build(hyperparameters)
        params = problem.init(initial_key)

        def step(carry: Any, count: Array) -> tuple[Any, Any]:
            params, state = carry
            batch = problem.sample(batch_key, count)
            loss, gradients = jax.value_and_grad(problem.loss)(params, batch)
            updates, state = optimizer.update(gradients, state, params)
            place = None if problem.path is None else problem.path(params)
            return (optax.apply_updates(params, updates), state), (loss, place)

        carry = (params, optimizer.init(params))
        (params, _), (losses, path) = lax.scan(step, carry, jnp.arange(steps, dtype=jnp.int32))
        return losses, dict(problem.metrics(params)), path

    return run


def _compile(
    run: Callable[..., Any], names: Sequence[str], width: int, *, one_thread: bool
) -> Callable[..., Any]:
    if width == 1:  # vmap over one run would still give every array one more dimension

        def mapped(hyperparameters: Mapping[str, Array], seeds: Array) -> Any:
            alone = run({name: x[0] for name, x in hyperparameters.items()}, seeds[0])
            return jax.tree.map(lambda x: x[None], alone)
    else:
        mapped = jax.vmap(run)
    arguments = (
        {name: jax.ShapeDtypeStruct((width,), jnp.float32) for name in names},
        jax.ShapeDtypeStruct((width,), jnp.int32),
    )
    # The threads are ours: with XLA's own beside them the cores would only be handed to and fro.
    options: dict[str, str | bool] = {}
    if one_thread:
        options["xla_cpu_multi_thread_eigen"] = False
    return jax.jit(mapped).lower(*arguments).compile(compiler_options=options)


def _state_bytes(
    problem: Problem,
    build: Callable[[Mapping[str, Array]], optax.GradientTransformation],
    names: Sequence[str],
) -> int:
    def state(hyperparameters: Mapping[str, Array]) -> Any:
        return build(hyperparameters).init(problem.init(jax.random.key(0)))

    scalars = {name: jax.ShapeDtypeStruct((), jnp.float32) for name in names}
    leaves = jax.tree.leaves(jax.eval_shape(state, scalars))
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in leaves)
