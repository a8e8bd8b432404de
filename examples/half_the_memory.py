"""Half the memory for the same loss: accumulators and parameters in bfloat16, measured.

`python examples/half_the_memory.py` (needs `pip install '.[study]'`, takes a few minutes)
trains the digits network of `rmsprop.study` and its GRU that predicts the next character of the
Bible, here of 64 units.  What is stored between steps is float32, or bfloat16 rounded
stochastically, or bfloat16 rounded to nearest; all arithmetic is float32, so that a difference
comes from what is stored.  Every row of a table has the same seeds, and so the same initial
parameters and batches.

`python examples/half_the_memory.py digits` is for one task alone, `characters` for the other.
"""

import itertools
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

import rmsprop
from rmsprop import study
from rmsprop.study.results.statistics import bootstrap_interval, paired_difference
from rmsprop.study.running.devices import available_cores
from rmsprop.study.running.training import Trained
from rmsprop.study.tasks import text


class Task(NamedTuple):
    """Pure functions as in `study.Problem`, and how long and how often they are run."""

    title: str
    init: Callable  # of a key
    sample: Callable  # of a key and the number of the step
    loss: Callable  # of parameters and a batch
    steps: int
    seeds: int
    optimizers: tuple[str, ...]  # of `OPTIMIZERS`


def digits():
    task = study.task("digits-wide")
    return Task(task.title, task.init, task.sample, task.loss, 2000, 8, tuple(OPTIMIZERS))


def characters():
    task = text.characters(hidden=64, steps=2000)
    long_memory = tuple(name for name in OPTIMIZERS if "0.999" in name)  # for the time it takes
    return Task(task.title, task.init, task.sample, task.loss, task.steps, 5, long_memory)


TASKS = {"digits": digits, "characters": characters}

# By name: from which module, with which arguments. 0.001 is a customary rate and no tuned one.
OPTIMIZERS = {
    "RMSprop, decay 0.9, rate 0.001": ("rmsprop", (1e-3, 0.9), {}),
    "RMSprop, decay 0.999, rate 0.001": ("rmsprop", (1e-3, 0.999), {"bias_correction": True}),
    "RMSprop, decay 0.999, rate 0.01": ("rmsprop", (1e-2, 0.999), {"bias_correction": True}),
    "AdaGrad, rate 0.1": ("adagrad", (0.1,), {}),
}


class Variant(NamedTuple):
    """What is bfloat16, and how it is rounded."""

    accumulators: Any = jnp.float32
    params: Any = jnp.float32
    stochastic: bool = True


FLOAT32 = "float32"
VARIANTS = {
    FLOAT32: Variant(),
    "accumulators bfloat16, stochastic": Variant(jnp.bfloat16),
    "accumulators bfloat16, to nearest": Variant(jnp.bfloat16, stochastic=False),
    "all bfloat16, stochastic": Variant(jnp.bfloat16, jnp.bfloat16),
    "all bfloat16, Optax": Variant(jnp.bfloat16, jnp.bfloat16, stochastic=False),
}


def rounded_to_nearest(optimizer):
    """The optimizer with its state cast to bfloat16 between the steps, as others store it."""

    def cast(state, dtype):
        return jax.tree.map(lambda x: x.astype(dtype) if x.ndim else x, state)

    def update(gradients, state, params=None):
        updates, state = optimizer.update(gradients, cast(state, jnp.float32), params)
        return updates, cast(state, jnp.bfloat16)

    init = lambda params: cast(optimizer.init(params), jnp.bfloat16)
    return optax.GradientTransformation(init, update)


def make(optimizer, variant):
    name, arguments, options = OPTIMIZERS[optimizer]
    ours = partial(getattr(rmsprop, name), *arguments, **options)
    if variant.stochastic:
        return ours(accumulator_dtype=variant.accumulators)
    if variant.params == jnp.bfloat16:  # in whose dtype Optax keeps the accumulators too
        return getattr(optax, name)(*arguments, **options)
    return rounded_to_nearest(ours())


def losses(task, optimizer, variant, steps=None, seeds=None):
    """The training loss of every seed at every step, and the bytes of a parameter and its state."""
    steps, seeds = steps or task.steps, seeds or task.seeds
    rule = make(optimizer, variant)

    def run(seed):
        initial_key, batch_key, rounding_key = jax.random.split(jax.random.key(seed), 3)
        start = Trained.of(task.init(initial_key))  # the split of the data is not trained
        params = jax.tree.map(lambda p: p.astype(variant.params), start.params)

        def loss(params, count):
            single = jax.tree.map(lambda p: p.astype(jnp.float32), params)
            return task.loss(start.whole(single), task.sample(batch_key, count))

        def step(carry, count):
            params, state = carry
            value, gradients = jax.value_and_grad(loss)(params, count)
            updates, state = rule.update(gradients, state, params)
            key = jax.random.fold_in(rounding_key, count) if variant.stochastic else None
            return (rmsprop.apply_updates(params, updates, key=key), state), value

        carry, values = lax.scan(step, (params, rule.init(params)), jnp.arange(steps))
        return values, carry

    program = jax.jit(lambda seeds: jax.vmap(run)(seeds)[0])
    # The cores are busy with one variant each; XLA's own threads would only get in their way.
    one_thread = {"xla_cpu_multi_thread_eigen": False} if jax.default_backend() == "cpu" else {}
    numbers = jnp.arange(seeds)
    values = program.lower(numbers).compile(compiler_options=one_thread)(numbers)
    params, state = jax.eval_shape(run, numbers[0])[1]
    size = lambda tree: sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(tree) if x.ndim)
    count = sum(p.size for p in jax.tree.leaves(params))
    return np.asarray(values, np.float64), (size(params) // count, size(state) // count)


def final_loss(values):
    """Of each seed: the mean over the last tenth of the steps."""
    return values[:, -max(1, values.shape[1] // 10) :].mean(axis=1)


def compared(found, base):
    """The loss with its interval, the difference in % of float32's with its own, and a verdict."""
    loss = bootstrap_interval(found, np.mean)
    limits = bootstrap_interval(base, np.mean)
    share = 100 / base.mean()
    difference = paired_difference(share * found, share * base, np.mean)
    return loss, difference, limits.low <= loss.value <= limits.high


def main():
    for name in sys.argv[1:] or TASKS:
        started, task = time.perf_counter(), TASKS[name]()
        print(f"\n{task.title}: {task.steps} steps, {task.seeds} seeds, 95 % intervals\n")
        print(f"{'stored':34} bytes  {'final loss':30} {'% above float32':26} in its interval")
        with ThreadPoolExecutor(available_cores()) as pool:
            jobs = {
                (optimizer, variant): pool.submit(losses, task, optimizer, VARIANTS[variant])
                for optimizer, variant in itertools.product(task.optimizers, VARIANTS)
            }
            for (optimizer, variant), job in jobs.items():
                values, (of_params, of_state) = job.result()
                found = final_loss(values)
                if variant == FLOAT32:
                    base = found
                    print(optimizer)
                loss, gap, inside = compared(found, base)
                gap = f"{gap.value:+.2f} [{gap.low:+.2f}, {gap.high:+.2f}]"
                row = ("", "") if variant == FLOAT32 else (gap, "yes" if inside else "no")
                memory = f"{of_params} + {of_state}"
                print(f"  {variant:34}{memory:5}  {loss!s:30} {row[0]:26} {row[1]}", flush=True)
        print(f"\n{time.perf_counter() - started:.0f} seconds")


if __name__ == "__main__":
    main()
