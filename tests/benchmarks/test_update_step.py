"""The update step against Optax's: run time, copies, and the time to trace, lower and compile."""

import jax
import optax
import pytest
from trees import TREES, lowered_step

import rmsprop

OPTIMIZERS = {
    "rmsprop": lambda library: library.rmsprop(1e-3),
    "rmsprop with momentum": lambda library: library.rmsprop(1e-3, momentum=0.9),
    "adagrad": lambda library: library.adagrad(1e-3),
}
every_tree = pytest.mark.parametrize("tree", TREES)
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


class _Step:
    """A compiled step that goes on from its own result, as a training loop does."""

    def __init__(self, library, name, tree):
        params = TREES[tree]()
        self.gradients = jax.tree.map(lambda p: 0.1 * p, params)
        optimizer = OPTIMIZERS[name](library)
        state = optimizer.init(params)
        self.compiled = lowered_step(optimizer, params, state).compile()
        self.carry = (params, state)

    def __call__(self):
        self.carry = jax.block_until_ready(self.compiled(*self.carry, self.gradients))

    def copies(self):
        return self.compiled.as_text().count(" copy(")


@every_tree
@every_optimizer
def test_step(race, tree, name):
    ours, theirs = _Step(rmsprop, name, tree), _Step(optax, name, tree)
    race(f"step, {name}, {tree}", {"Optax": theirs, "this library": ours}, rounds=100, unit="step")
    assert ours.copies() <= theirs.copies()


@every_tree
@every_optimizer
@pytest.mark.parametrize("stage", ["trace and lower", "trace, lower and compile"])
def test_compilation(race, tree, name, stage):
    params = TREES[tree]()
    optimizers = {library: OPTIMIZERS[name](library) for library in (optax, rmsprop)}
    states = {library: made.init(params) for library, made in optimizers.items()}

    def build(library):
        jax.clear_caches()
        lowered = lowered_step(optimizers[library], params, states[library])
        if stage == "trace, lower and compile":
            lowered.compile()

    contenders = {"Optax": lambda: build(optax), "this library": lambda: build(rmsprop)}
    race(f"{stage}, {name}, {tree}", contenders, rounds=5, unit="program")
