"""What the explorable page computes, by the library in float64: functions, noise and runs."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

import rmsprop
from rmsprop._experimental import enable_x64

FloatArray = npt.NDArray[np.float64]
Settings = Mapping[str, Any]

# A browser rounds a product before it is added to something. XLA fuses the two where the processor
# can, which is as right, and another number; with this instruction set of x86 none can.
UNFUSED = "--xla_cpu_max_isa=AVX"
# How far aside the library's own run starts, relative to the start.
ASIDE = 1e-15

OPTIMIZERS = ("sgd", "adagrad", "rmsprop", "adam")
STEPS = 300

# The range of each setting on its slider, and of the start in the picture of each function.
RATES = (1e-4, 10.0)
WINDOWS = {
    "square": [(-5, 5)],
    "valley": [(-2, 5), (-2.1, 2.1)],
    "rosenbrock": [(-2, 2), (-0.9, 2.1)],
    "saddle": [(-5, 5), (-4, 4)],
    "weights": [(-6, 6), (-5, 5)],
    "changing": [(-5, 5), (-3, 3)],
    "noise": [(-3, 5), (-2.5, 2.5)],
}


# The gradient at a point `x` and a step `k`, with the settings `s` and a number `z` of noise for
# each weight; in the page's order of operations.
def _centre(k: jax.Array, s: Settings) -> jax.Array:
    return jnp.where(k >= s["steps"] / 2, jnp.array([2.0, 1.0]), jnp.array([-2.0, -1.0]))


def _steepness(k: jax.Array, s: Settings) -> jax.Array:
    return jnp.where(k >= s["steps"] / 2, 0.1, 1.0)


def _rosenbrock(x: jax.Array) -> jax.Array:
    above = x[1] - x[0] * x[0]
    return jnp.stack([-2 * (1 - x[0]) - 400 * x[0] * above, 200 * above])


GRADIENTS: Mapping[str, Callable[[jax.Array, jax.Array, Settings, jax.Array], jax.Array]] = {
    "square": lambda x, k, s, z: 2 * x,
    "valley": lambda x, k, s, z: jnp.stack([x[0], s["condition"] * x[1]]),
    "rosenbrock": lambda x, k, s, z: _rosenbrock(x),
    "saddle": lambda x, k, s, z: jnp.stack([x[0], (x[1] - 3) * (x[1] + 3) * x[1] / 8]),
    "weights": lambda x, k, s, z: jnp.array([0.1, 10.0]),
    "changing": lambda x, k, s, z: _steepness(k, s) * jnp.array([1.0, 10.0]) * (x - _centre(k, s)),
    "noise": lambda x, k, s, z: jnp.array([1.0, 10.0]) * x + s["noise"] * z,
}

# What the gradients are of, for JAX to differentiate.
VALUES: Mapping[str, Callable[[jax.Array, jax.Array, Settings], jax.Array]] = {
    "square": lambda x, k, s: x[0] ** 2,
    "valley": lambda x, k, s: (x[0] ** 2 + s["condition"] * x[1] ** 2) / 2,
    "rosenbrock": lambda x, k, s: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2,
    "saddle": lambda x, k, s: x[0] ** 2 / 2 + (x[1] ** 2 - 9) ** 2 / 32,
    "weights": lambda x, k, s: 0.1 * x[0] + 10 * x[1],
    "changing": lambda x, k, s: (
        _steepness(k, s) * jnp.sum(jnp.array([1.0, 10.0]) * (x - _centre(k, s)) ** 2) / 2
    ),
    "noise": lambda x, k, s: (x[0] ** 2 + 10 * x[1] ** 2) / 2,
}


def noise(n: int) -> float:
    """The n-th number of the page's noise: a hash of 32 bits, spread evenly to variance 1."""
    n = (n ^ n >> 16) * 0x21F0AAAD % 2**32
    n = (n ^ n >> 15) * 0xD35A2D97 % 2**32
    return float(np.sqrt(3.0) * ((n ^ n >> 15) / 2**31 - 1))


NOISE = np.array([[noise(2 * k + 1), noise(2 * k + 2)] for k in range(STEPS)])


def _optimizer(name: str, inside: bool, s: Settings) -> optax.GradientTransformation:
    eps = s["eps"]
    if name == "sgd":
        return optax.sgd(s["sgd"], s["momentum"])
    if name == "adagrad":
        return rmsprop.adagrad(s["adagrad"], s["initial"], eps, eps_in_sqrt=inside)
    if name == "rmsprop":
        return rmsprop.rmsprop(
            s["rmsprop"], s["decay"], eps, eps_in_sqrt=inside, momentum=s["momentum"]
        )
    under, beside = (eps, 0.0) if inside else (0.0, eps)
    return optax.adam(s["adam"], b1=0.9, b2=s["decay"], eps=beside, eps_root=under)


@functools.cache
def _compiled(function: str, name: str, inside: bool) -> Callable[..., jax.Array]:
    """The points of a run, for all settings that are numbers."""

    @jax.jit
    def points(start: jax.Array, s: Mapping[str, jax.Array]) -> jax.Array:
        optimizer = _optimizer(name, inside, s)

        def one_step(carry: Any, inputs: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
            (x, state), (k, z) = carry, inputs
            gradient = GRADIENTS[function](x, k, s, z[: x.size])
            updates, state = optimizer.update(gradient, state, x)
            x = x + updates
            return (x, state), x

        steps = (jnp.arange(float(STEPS)), jnp.asarray(NOISE))
        return jax.lax.scan(one_step, (start, optimizer.init(start)), steps)[1]

    return points


def run(settings: Settings, name: str, start: Sequence[float] | FloatArray) -> FloatArray:
    """The points of a run of 300 steps, the start first; the library's own, in float64."""
    numbers = {key: value for key, value in settings.items() if isinstance(value, float)}
    with enable_x64():
        begin = jnp.asarray(np.asarray(start, np.float64))
        values = {key: jnp.asarray(value, jnp.float64) for key, value in numbers.items()}
        points = _compiled(settings["function"], name, settings["inside"])(begin, values)
        return np.vstack([np.asarray(start, np.float64), np.asarray(points)])


def runs_and_neighbours(
    settings: Sequence[Settings], folder: pathlib.Path
) -> dict[str, FloatArray]:
    """The runs of all settings and optimizers, and each again from a start that is `ASIDE`.

    They run in a process of their own, because what XLA may fuse is decided when a process begins.

    Args:
        settings: The settings.
        folder: An empty folder.

    Returns:
        The points by `key(index, optimizer)`, and by `key(index, optimizer, aside=True)`.
    """
    given, result = folder / "settings.json", folder / "points.npz"
    given.write_text(json.dumps(list(settings)))
    environment = {**os.environ, "XLA_FLAGS": f"{os.getenv('XLA_FLAGS', '')} {UNFUSED}"}
    subprocess.run([sys.executable, __file__, given, result], env=environment, check=True)
    with np.load(result) as archive:
        return {name: archive[name] for name in archive.files}


def key(index: int, optimizer: str, *, aside: bool = False) -> str:
    """The name of a run in the result of `runs_and_neighbours`."""
    return f"{index} {optimizer}{' aside' if aside else ''}"


def settings_at_random(count: int, seed: int) -> list[dict[str, Any]]:
    """Settings over the whole length of every slider, with starts in the whole picture."""
    rng = np.random.default_rng(seed)

    def powers(low: float, high: float) -> float:
        return float(10 ** rng.uniform(np.log10(low), np.log10(high)))

    drawn = []
    for index in range(count):
        function = [*WINDOWS][index % len(WINDOWS)]
        drawn.append(
            {
                "function": function,
                "start": [float(rng.uniform(*ends)) for ends in WINDOWS[function]],
                "inside": bool(rng.integers(2)),
                **{name: powers(*RATES) for name in OPTIMIZERS},
                "decay": 1 - powers(1e-3, 1),
                "eps": powers(1e-10, 1),
                "initial": powers(1e-3, 100) if rng.integers(2) else 0.0,
                "momentum": float(rng.uniform(0, 0.99)) if rng.integers(2) else 0.0,
                "condition": powers(1, 1000),
                "noise": float(rng.uniform(0, 10)),
                "steps": float(STEPS),
            }
        )
    return drawn


def address(settings: Settings) -> str:
    """The part of the page's address that holds settings; numbers have all their digits."""
    words = {
        key: ",".join(map(repr, value))
        if isinstance(value, list)
        else {True: "yes", False: "no"}[value]
        if isinstance(value, bool)
        else value
        for key, value in settings.items()
    }
    return f"#{urllib.parse.urlencode(words, safe=',')}"


def difference(points: FloatArray, others: FloatArray) -> float:
    """The largest difference of two runs, relative to the largest value so far of a coordinate.

    A run that diverges is compared as long as its numbers, and their squares, are finite.
    """
    with np.errstate(all="ignore"):
        inside = (np.abs(points) < 1e150).all(axis=1)
        end = len(points) if inside.all() else int(np.argmin(inside))
        scale = np.maximum.accumulate(np.abs(points[:end]), axis=0)
        apart = np.abs(points[:end] - others[:end]) / np.where(scale == 0, 1, scale)
    return float(np.nan_to_num(apart, nan=np.inf).max())


if __name__ == "__main__":
    file, target = sys.argv[1:]
    points = {}
    for place, each in enumerate(json.loads(pathlib.Path(file).read_text())):
        for optimizer in OPTIMIZERS:
            points[key(place, optimizer)] = run(each, optimizer, each["start"])
            start = np.array(each["start"]) * (1 + ASIDE)
            points[key(place, optimizer, aside=True)] = run(each, optimizer, start)
    np.savez(target, **points)
