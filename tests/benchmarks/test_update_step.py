"""The update step against Optax, PyTorch and a copy; the time to trace, lower and compile."""

import itertools
import time

import jax
import jax.numpy as jnp
import optax
import pytest
import trees
from races import Race

import rmsprop

OPTIMIZERS = {
    "rmsprop": lambda library: library.rmsprop(1e-3),
    "rmsprop with momentum": lambda library: library.rmsprop(1e-3, momentum=0.9),
    "rmsprop, centered": lambda library: library.rmsprop(1e-3, 0.95, 0.01, centered=True),
    "adagrad": lambda library: library.adagrad(1e-3),
}
# Read: gradient, parameter, state; written: parameter, state. Four bytes each.
BYTES_TOUCHED = {"rmsprop": 20, "rmsprop with momentum": 28, "rmsprop, centered": 28, "adagrad": 20}

every_tree = pytest.mark.parametrize("tree", trees.TREES)
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def _jax_step(library, name, params, gradients):
    optimizer = OPTIMIZERS[name](library)
    params = jax.tree.map(lambda p: p + 0, params)  # each contender gives its own away
    return trees.Step(trees.jitted_step(optimizer), (params, optimizer.init(params)), gradients)


class _TorchStep:
    """A step of `torch.optim`, on the GPU where JAX is on one."""

    def __init__(self, name, shapes, device, *, compiled=False, **how):
        import torch

        self.wait = torch.cuda.synchronize if device == "cuda" else lambda: None
        params = [torch.ones(s, device=device, requires_grad=True) for s in shapes]
        for p in params:
            p.grad = torch.full_like(p, 0.1)
        if name == "adagrad":
            made = torch.optim.Adagrad(params, lr=1e-3, **how)
        else:
            momentum = 0.9 if "momentum" in name else 0.0
            made = torch.optim.RMSprop(params, lr=1e-3, alpha=0.9, momentum=momentum, **how)
        self.step = torch.compile(made.step) if compiled else made.step
        self.step()  # a kind that this device or version lacks is refused here

    def __call__(self):
        self.step()


def _torch_steps(name, shapes):
    """Those there are, and why there are no others."""
    kinds = {"torch, single": {"foreach": False}, "torch, foreach": {"foreach": True}}
    if name == "adagrad":
        kinds["torch, fused"] = {"fused": True}
    try:
        import torch
    except ImportError:
        return {}, dict.fromkeys(kinds, "torch is not installed")
    device = "cpu" if jax.default_backend() == "cpu" else "cuda"
    if device == "cuda" and not torch.cuda.is_available():
        return {}, dict.fromkeys(kinds, "this build of torch has no GPU")
    if device == "cuda":
        kinds["torch, compiled"] = {"compiled": True}
    steps, left_out = {}, {}
    for kind, how in kinds.items():
        try:
            steps[kind] = _TorchStep(name, shapes, device, **how)
        except (RuntimeError, TypeError) as error:
            left_out[kind] = str(error).splitlines()[0]
    return steps, left_out


@every_tree
@every_optimizer
def test_step(race, size, tree, name):
    params, count = trees.make(tree, size), trees.parameters(tree, size)
    gradients = jax.tree.map(lambda p: 0.1 * p, params)
    ours, theirs = (_jax_step(library, name, params, gradients) for library in (rmsprop, optax))
    del params
    contenders = {"Optax": theirs, "this library": ours}
    memory = {
        kind: (trees.bytes_of(step.carry[1]) / count, step.peak_bytes() / count)
        for kind, step in contenders.items()
    }
    torch_steps, left_out = _torch_steps(name, trees.shapes(tree, size))
    contenders |= torch_steps
    contenders["copy"] = trees.copy_of(count * BYTES_TOUCHED[name])
    race(
        f"step, {name}, {trees.title(tree, size)}",
        contenders,
        rounds=25,
        unit="step",
        copy="copy",
        memory=memory,
        left_out=left_out,
    )
    copies = [step.compiled.as_text().count(" copy(") for step in (ours, theirs)]
    assert copies[0] <= copies[1]


STAGES = ("trace", "lower", "compile")


def _build(library, optimizer, params, state):
    """CPU seconds of each stage, of all cores together, from nothing kept.

    XLA compiles on as many cores as there are free, so that the time on the clock says more of the
    machine than of the program.
    """
    jax.clear_caches()
    at = [time.process_time()]
    traced = trees.jitted_step(optimizer).trace(params, state, params)
    at.append(time.process_time())
    lowered = traced.lower()
    at.append(time.process_time())
    lowered.compile()
    at.append(time.process_time())
    return dict(zip(STAGES, (b - a for a, b in itertools.pairwise(at)), strict=True))


NARROW = "this library, bfloat16 accumulators"


@pytest.mark.parametrize(
    ("tree", "name"),
    [(tree, "rmsprop") for tree in trees.TREES]
    + [("161 leaves", name) for name in OPTIMIZERS if name != "rmsprop"]
    + [("1000 leaves", "rmsprop, centered")],
)
def test_compilation(benchmark, size, tree, name):
    """All stages in each round, so that the ratio of the sum is measured and not computed."""
    params = trees.make(tree, size)
    optimizers = {"Optax": OPTIMIZERS[name](optax), "this library": OPTIMIZERS[name](rmsprop)}
    if name == "rmsprop":
        optimizers[NARROW] = rmsprop.rmsprop(1e-3, accumulator_dtype=jnp.bfloat16)
    states = {library: made.init(params) for library, made in optimizers.items()}
    rounds = 1 if size == "small" else 9
    where = f"{name}, {trees.title(tree, size)}: CPU ms a program, {rounds} rounds"
    races = {stage: Race(f"{stage}, {where}", optimizers) for stage in (*STAGES, "all three")}

    def build_all():
        for library, optimizer in optimizers.items():
            taken = _build(library, optimizer, params, states[library])
            for stage, seconds in taken.items():
                races[stage].seconds[library].append(seconds)
            races["all three"].seconds[library].append(sum(taken.values()))

    benchmark.pedantic(build_all, rounds=rounds, iterations=1)
    for stage in races:
        medians = races[stage].report()
        benchmark.extra_info[f"ratio {stage}"] = medians["this library"]
