"""The engine on every task: runs a second, the share of the peak, memory, time to a first result.

Each task runs as in tuning, with RMSprop and the scores alone, as many runs as the cores take at
once.  The race is against a large product of matrices in the same run, which is the peak: the share
of it is that of the multiplications and additions in matrix products, and is left out for tasks
that hardly have any.  The first result is that of a fresh program: traced, compiled, run once.
"""

import functools
import itertools
import math
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from races import ROWS, TASKS, Task

import rmsprop
from rmsprop.study import tasks
from rmsprop.study.running.devices import available_cores, on_cpu
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.program import Program
from rmsprop.study.running.training import Trained

# Below this share of the peak, matrix products are not what a task spends its time on.
_HARDLY_ANY = 0.005


def _program(problem, steps):
    return Program.of(
        problem,
        lambda values, schedule: rmsprop.rmsprop(values["learning_rate"], 0.99),
        ("learning_rate",),
        steps,
    )


def operations(jaxpr):
    """Multiplications and additions in the matrix products of a program, those of loops counted.

    A loop whose number of turns is not in the program counts as one turn.
    """
    total = 0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            ((contracted, _), _) = equation.params["dimension_numbers"]
            lengths = [equation.invars[0].aval.shape[axis] for axis in contracted]
            total += 2 * math.prod(equation.outvars[0].aval.shape) * math.prod(lengths)
        # `cond` has its branches in a tuple, of which one runs; the largest is counted.
        inner = [
            operations(getattr(part, "jaxpr", part))
            for value in equation.params.values()
            for part in (value if isinstance(value, tuple) else (value,))
            if hasattr(part, "eqns") or hasattr(part, "jaxpr")
        ]
        total += equation.params.get("length", 1) * max(inner, default=0)
    return total


def _operations_of_step(problem):
    """Those of one step: a loss and its gradients."""
    key = jax.random.key(0)
    start = Trained.of(problem.init(key))

    def loss(params, count):
        return problem.loss(start.whole(params), problem.sample(key, count))

    return operations(jax.make_jaxpr(jax.value_and_grad(loss))(start.params, 0).jaxpr)


def _first_result(problem, steps):
    """Seconds until a fresh program has run a chunk, and what a chunk takes of memory."""
    jax.clear_caches()
    started = time.perf_counter()
    program = _program(problem, steps)
    Engine(program).run({"learning_rate": [1e-3]}, [0], scores_only=True)
    return time.perf_counter() - started, program


def _peak():
    """A product of matrices that are larger than the caches, and its operations."""
    side = 1536
    matrix = jnp.ones((side, side), jnp.float32)
    product = jax.jit(lambda x: x @ x).lower(matrix).compile()
    return functools.partial(lambda f: f(matrix).block_until_ready(), product), 2 * side**3


@pytest.mark.parametrize("name", tasks.TASKS)
def test_engine(race, size, name):
    try:
        problem = tasks.task(name)
    except ImportError as error:
        pytest.skip(str(error))
    steps = 20 if size == "small" else problem.steps
    seconds, program = _first_result(problem, steps)
    engine = Engine(program)
    cores = available_cores() if on_cpu() else program.devices
    count = program.width * cores
    rates, seeds = {"learning_rate": np.logspace(-4, -2, count)}, itertools.count()

    def study():
        runs = engine.run(rates, np.full(count, next(seeds)), scores_only=True)
        assert len(runs) == count

    peak, of_product = _peak()
    contenders = {"a product of matrices": peak, "study engine": study}
    work = {"a product of matrices": of_product / 1e9, "study engine": float(count)}
    medians = race(f"task {name}", contenders, rounds=5, unit="run, or 1e9 operations", work=work)
    (milliseconds,) = (
        row.milliseconds
        for row in ROWS
        if row.race.startswith(f"task {name}:") and row.contender == "study engine"
    )
    share = steps * _operations_of_step(problem) / 1e9 / medians["study engine"]
    TASKS.append(
        Task(
            name,
            steps=steps,
            width=program.width,
            runs_a_second=1e3 / milliseconds,
            of_peak=share if share > _HARDLY_ANY else None,
            megabytes=program.chunk_bytes * cores / 2**20,
            first_result=seconds,
        )
    )
