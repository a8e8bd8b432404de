"""What parity is measured on: the stream of gradients, the rates, and how far two runs differ.

NumPy alone, so that a recording script needs nothing but this file and its framework.
"""

import itertools
import json
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np

STEPS = 25
SHAPES = {"bias": (5,), "kernel": (3, 4)}
SIZE = 17
GOLDEN = Path(__file__).parent / "golden"

# Relative to the largest value each coordinate takes. float64: some hundred roundings of 1.1e-16,
# through a centered variance that loses two digits. float32: of 25 steps, each rounds a parameter
# of the size of its largest value by up to 6e-8, in the framework and here.
TOLERANCE = {"float64": 1e-12, "complex128": 1e-12, "float32": 2e-6, "complex64": 2e-6}


@dataclass(frozen=True)
class Case:
    """One call of a framework's optimizer, and how it is run.

    Attributes:
        function: Name of the function here, in the module of the framework.
        arguments: All arguments but the learning rate, by the framework's names.
        learning_rate: The rate that `rates` starts from.
        dtype: Of parameters and gradients.
        path: Which of several implementations the framework uses, such as `foreach`.
        changing: Whether the rate changes: warm-up, decay, a tenfold drop.
    """

    function: str
    arguments: dict = field(default_factory=dict)
    learning_rate: float = 0.03
    dtype: str = "float64"
    path: str = ""
    changing: bool = True

    @property
    def name(self):
        said = ",".join(f"{key}={value!r}" for key, value in self.arguments.items())
        how = [
            self.dtype,
            *([self.path] if self.path else []),
            *([] if self.changing else ["constant"]),
        ]
        return f"{self.function}({said}) {' '.join(how)}"

    def rates(self, steps=STEPS):
        """The rate of every step: five steps of warm-up, a decay of 7 %, from the 18th a tenth."""
        if not self.changing:
            return [self.learning_rate] * steps
        factors = [(k + 1) / 5 if k < 5 else 0.93 ** (k - 4) for k in range(steps)]
        return [self.learning_rate * f * (0.1 if k >= 17 else 1.0) for k, f in enumerate(factors)]


def crossed(function, dtypes=("float64", "float32"), **choices):
    """The cases of every combination of the arguments' values; an argument of None is left out."""
    for values in itertools.product(*choices.values()):
        given = {k: v for k, v in zip(choices, values, strict=True) if v is not None}
        for dtype in dtypes:
            yield Case(function, given, dtype=dtype)


def start(dtype):
    """The parameters before the first step, by name."""
    flat = _normal(1, dtype, SIZE) * 0.5 + 1
    return _split(flat.astype(dtype))


def gradients(dtype, steps=STEPS):
    """The gradients of every step, by name.

    They do not depend on the parameters, so that a difference cannot grow by itself. The scale of
    a coordinate lies between 1e-3 and 10; one coordinate is always zero, one in ten elements is,
    and so is every element of the 12th step.
    """
    rng = np.random.default_rng(3)
    stream = _normal(2, dtype, (steps, SIZE)) * np.logspace(-3, 1, SIZE)
    stream[rng.random(stream.shape) < 0.1] = 0
    stream[11] = 0
    stream[:, 7] = 0
    return [_split(g.astype(dtype)) for g in stream]


def joined(tree):
    """All elements of a tree by name, as one vector."""
    return np.concatenate([np.asarray(tree[name]).ravel() for name in SHAPES])


def difference(found, expected):
    """The largest difference, relative to the largest value that each coordinate takes."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape == (STEPS, SIZE)
    distance = np.abs(found.astype(np.complex128) - expected.astype(np.complex128))
    relative = distance / np.abs(expected).max(axis=0).astype(np.float64)
    return np.inf if np.isnan(relative).any() else float(relative.max())


def record(framework, cases, trajectory, packages):
    """Runs the framework and writes its trajectories, with its version, to `golden`."""
    arrays = {case.name: trajectory(case) for case in cases}
    versions = {package: metadata.version(package) for package in packages}
    arrays["versions"] = np.array(json.dumps(versions))
    GOLDEN.mkdir(exist_ok=True)
    np.savez_compressed(GOLDEN / f"{framework}.npz", **arrays)
    print(f"{framework}: {len(arrays) - 1} trajectories of {versions}")


def _split(flat):
    ends = np.cumsum([int(np.prod(shape)) for shape in SHAPES.values()])[:-1]
    parts = np.split(flat, ends)
    return {
        name: part.reshape(shape) for (name, shape), part in zip(SHAPES.items(), parts, strict=True)
    }


def _normal(seed, dtype, shape):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else x
