"""Training runs a second of the digits network: the study's engine against four plain loops.

The network is 64-128-64-10, batch 64, 500 steps (50 in the small size), RMSprop with decay 0.99.
The loops do what people write: PyTorch in one process and in two, and Python over a jitted Optax
step, reading its loss at every step or never. On an accelerator PyTorch runs on it too, one process
alone, and the engine maps so many runs together as fill it.
"""

import functools
import multiprocessing

import jax
import numpy as np
import optax
import pytest

import rmsprop
from rmsprop.study import tasks
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.program import Program
from rmsprop.study.running.training import Trained
from rmsprop.study.tasks import data

ACCELERATOR = jax.default_backend() != "cpu"
RUNS = {"small": 4, "usual": 32, "full": 32}
RUNS_ON_ACCELERATORS = {"small": 256, "usual": 8192, "full": 8192}
STEPS = {"small": 50, "usual": 500, "full": 500}


@functools.cache
def _engine(count, steps):
    program = Program.of(
        tasks.task("digits-wide"),
        lambda values, schedule: rmsprop.rmsprop(values["learning_rate"], 0.99),
        ("learning_rate",),
        steps,
        width=count if ACCELERATOR else None,
    )
    return Engine(program)


def _study(count, steps):
    rates = {"learning_rate": np.logspace(-4, -2, count)}
    # As in tuning, where most runs are: what is as long as a run is not kept.
    runs = _engine(count, steps).run(rates, np.arange(count), scores_only=True)
    assert len(runs) == count


@functools.cache
def _jax_step():
    problem = tasks.task("digits-wide")
    optimizer = optax.rmsprop(1e-3, 0.99)
    key = jax.random.key(0)

    start = Trained.of(problem.init(key))

    def loss_of(params, batch):
        return problem.loss(start.whole(params), batch)

    @jax.jit
    def step(params, state, count):
        loss, gradients = jax.value_and_grad(loss_of)(params, problem.sample(key, count))
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state, loss

    return step, start.params, optimizer.init(start.params)


def _jax_loop(steps, *, read):
    step, params, state = _jax_step()
    loss = 0.0
    for count in range(steps):
        params, state, loss = step(params, state, count)
        if read:
            float(loss)
    jax.block_until_ready(params)


def _torch_run(seed, threads, steps):
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    torch.set_default_device("cuda" if ACCELERATOR and torch.cuda.is_available() else "cpu")
    digits = data.digits()
    training = len(digits.labels) - 2 * digits.held_out
    features = torch.tensor(digits.features[:training], dtype=torch.float32)
    labels = torch.tensor(digits.labels[:training], dtype=torch.long)
    model = torch.nn.Sequential(
        torch.nn.Linear(64, 128),
        torch.nn.ReLU(),
        torch.nn.Linear(128, 64),
        torch.nn.ReLU(),
        torch.nn.Linear(64, 10),
    )
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.99)
    for _ in range(steps):
        rows = torch.randint(len(labels), (64,))
        loss = torch.nn.functional.cross_entropy(model(features[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def test_training_runs(race, size):
    count, steps = (RUNS_ON_ACCELERATORS if ACCELERATOR else RUNS)[size], STEPS[size]
    pytest.importorskip("torch", reason="torch is not installed: pip install '.[parity]'")
    contenders = {
        "study engine": lambda: _study(count, steps),
        # One thread: with two, which is its default here, such small operations take longer.
        "PyTorch, one process": lambda: _torch_run(0, 1, steps),
        "jitted Optax step, loss read": lambda: _jax_loop(steps, read=True),
        "jitted Optax step, loss never read": lambda: _jax_loop(steps, read=False),
    }
    work = dict.fromkeys(contenders, 1.0) | {"study engine": float(count)}
    with multiprocessing.get_context("spawn").Pool(2) as pool:

        def two_processes():
            pool.starmap(_torch_run, [(seed, 1, steps) for seed in range(4)], chunksize=2)

        if not ACCELERATOR:
            contenders["PyTorch, two processes"] = two_processes
            work["PyTorch, two processes"] = 4.0
        race("digits training runs", contenders, rounds=7, unit="run", work=work)
