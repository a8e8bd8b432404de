"""What it costs to watch an optimizer, at every step and at every hundredth."""

import jax
import pytest
import trees

import rmsprop
from rmsprop import telemetry

OPTIMIZERS = {
    "rmsprop": lambda: rmsprop.rmsprop(1e-3),
    "adagrad": lambda: rmsprop.adagrad(1e-3),
}
WATCHED = {
    "not watched": lambda optimizer: optimizer,
    "watched, every step": telemetry.watch,
    "watched, every 100th": lambda optimizer: telemetry.watch(optimizer, every=100),
}


@pytest.mark.parametrize(
    ("tree", "name"),
    [(tree, "rmsprop") for tree in trees.TREES[:3]] + [("161 leaves", "adagrad")],
)
def test_watch(race, size, tree, name):
    params, count = trees.make(tree, size), trees.parameters(tree, size)
    gradients = jax.tree.map(lambda p: 0.1 * p, params)
    contenders = {}
    for kind, around in WATCHED.items():
        optimizer = around(OPTIMIZERS[name]())
        own = jax.tree.map(lambda p: p + 0, params)  # each contender gives its own away
        program = trees.jitted_step(optimizer)
        contenders[kind] = trees.Step(program, (own, optimizer.init(own)), gradients)
    memory = {
        kind: (trees.bytes_of(step.carry[1]) / count, step.peak_bytes() / count)
        for kind, step in contenders.items()
    }
    race(
        f"watch, {name}, {trees.title(tree, size)}",
        contenders,
        rounds=25,
        unit="step",
        memory=memory,
    )
