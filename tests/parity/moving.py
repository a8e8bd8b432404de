"""A run that moves: 20 steps in a framework, its saved state, and 20 more steps.

Each framework has a module `moving_<framework>` with `CASES` and a class `Run` of one run there:
its parameters lie in another order, and the kernel is transposed, as PyTorch has it.

NumPy alone, as `trajectories`.
"""

import importlib
import importlib.util
import json
from importlib import metadata
from pathlib import Path

import numpy as np
from trajectories import gradients, start

BOTH = ("float64", "float32")
BEFORE, AFTER = 20, 20
STEPS = BEFORE + AFTER
SAVED = Path(__file__).parent / "saved"
ORDER = ("kernel", "bias")  # of the framework; JAX has the keys of a dictionary sorted

# As in `trajectories`, over 40 steps; a saved state is rounded once more when it moves.
TOLERANCE = {"float64": 1e-12, "complex128": 1e-12, "float32": 4e-6, "complex64": 4e-6}

FRAMEWORKS = sorted(
    path.stem.removeprefix("moving_") for path in Path(__file__).parent.glob("moving_*.py")
)


def module(framework):
    return importlib.import_module(f"moving_{framework}")


def turned(name, array):
    """An array in the layout of the other side; the kernel alone has another."""
    return np.ascontiguousarray(array.T) if name == "kernel" else array


def theirs(framework, tree):
    """Parameters or gradients in the framework's order and layout."""
    if getattr(module(framework), "SAME_TREE", False):
        return tree
    return {name: turned(name, np.asarray(tree[name])) for name in ORDER}


def ours(framework, tree):
    """Parameters of the framework in our layout."""
    if getattr(module(framework), "SAME_TREE", False):
        return {name: np.asarray(x) for name, x in tree.items()}
    return {name: turned(name, np.asarray(tree[name])) for name in sorted(ORDER)}


def stream(case):
    """The gradient and the rate of each of the 40 steps."""
    return list(zip(gradients(case.dtype, STEPS), case.rates(STEPS), strict=True))


def begin(framework, case):
    """A run of the framework of which no step has been taken."""
    return module(framework).Run(case, theirs(framework, start(case.dtype)))


def follow(framework, run, steps):
    """The parameters after each of these steps, in our layout."""
    after = []
    for gradient, rate in steps:
        run.step(theirs(framework, gradient), rate)
        after.append(ours(framework, run.params()))
    return after


def difference(found, expected):
    """The largest difference, relative to the largest value that each coordinate takes."""
    worst = 0.0
    for name in expected[0]:
        one, two = (np.stack([np.asarray(p[name]) for p in side]) for side in (found, expected))
        distance = np.abs(one.astype(np.complex128) - two.astype(np.complex128))
        relative = distance / np.abs(two).max(axis=0).astype(np.float64)
        worst = max(worst, np.inf if np.isnan(relative).any() else float(relative.max()))
    return worst


def record(framework, packages):
    """Writes saved states of a framework, with the parameters before and after, and versions."""
    own = module(framework)
    content, arrays = {}, []
    for case in own.RECORDED:
        run = begin(framework, case)
        steps = stream(case)
        middle = follow(framework, run, steps[:BEFORE])[-1]
        saved = run.saved()
        after = follow(framework, run, steps[BEFORE:])
        content[case.name] = _packed({"middle": middle, "saved": saved, "after": after}, arrays)
    versions = {package: metadata.version(package) for package in packages}
    SAVED.mkdir(exist_ok=True)
    text = json.dumps({"versions": versions, "cases": content})
    values = {f"a{number}": array for number, array in enumerate(arrays)}
    np.savez_compressed(SAVED / f"{framework}.npz", content=np.array(text), **values)
    print(f"{framework}: {len(content)} saved states of {versions}")


def recordings(framework):
    """By the name of the case what `record` wrote."""
    with np.load(SAVED / f"{framework}.npz") as file:
        content = json.loads(str(file["content"]))
        return {name: _unpacked(node, file) for name, node in content["cases"].items()}


def _packed(node, arrays):
    """A tree as JSON, with numbers in the places of its arrays."""
    if isinstance(node, np.ndarray | np.generic):
        arrays.append(np.asarray(node))
        return {"array": len(arrays) - 1}
    if isinstance(node, dict):
        return {"dict": [[key, _packed(value, arrays)] for key, value in node.items()]}
    if isinstance(node, list | tuple):
        return {type(node).__name__: [_packed(value, arrays) for value in node]}
    return {"value": node}


def _unpacked(node, arrays):
    ((kind, value),) = node.items()
    if kind == "array":
        return arrays[f"a{value}"]
    if kind == "dict":
        return {key: _unpacked(own, arrays) for key, own in value}
    if kind in ("list", "tuple"):
        return {"list": list, "tuple": tuple}[kind](_unpacked(own, arrays) for own in value)
    return value
