"""How far apart two conventions drift, and which of their differences is responsible.

Both optimizers receive the same gradients, which do not depend on the parameters.  With `d(a, b)`
the root of the mean square of the difference of their parameters after `n` steps, divided by the
distance that the first optimizer has moved by then, the drift is `d(first, second)`.  For each
difference

* `alone` is the drift if the first optimizer takes over nothing but this one value, and
* `rest` is the drift that remains if the second one corrects nothing but this value.

A difference with a large `alone` matters by itself; the one with the smallest `rest` is the one to
correct first.  The two need not add up to the whole, because conventions interact: an epsilon of
1e-8 hardly matters while the average starts at 1.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from rmsprop import _hyperparameters as hyperparameters
from rmsprop._typing import Tree
from rmsprop.frameworks._calls import Call
from rmsprop.frameworks._convention import Convention, Rate, build, is_zero
from rmsprop.frameworks._drift import Difference, Drift
from rmsprop.frameworks._remedy import Comparison, remedy

COORDINATES = 1000


def compare(
    first: tuple[str, optax.GradientTransformation],
    second: tuple[str, optax.GradientTransformation],
    *,
    gradients: Tree = None,
    scale: float = 1.0,
    parameters: Tree = None,
    steps: Sequence[int] = (10, 100, 1000),
    seed: int = 0,
    calls: tuple[Call | None, Call | None] = (None, None),
) -> Drift:
    """The drift between two optimizers, each with its name; see `compare_conventions`.

    With `calls`, which are those of the two where they are known, it has a remedy.
    """
    counts = _counts(steps)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed is {seed!r}; it must be an integer, at least 0.")
    stream, description = _stream(gradients, scale, counts[-1], seed)
    conventions = [getattr(optimizer, "convention", None) for _, optimizer in (first, second)]
    start = _start(parameters, stream, conventions, seed)
    run = _Runs(stream, start, counts)
    a, b = run(first[1]), run(second[1])
    lengths = (run.distances(a, run.start), run.distances(b, run.start))
    differences = correction = None
    if isinstance(conventions[0], Convention) and isinstance(conventions[1], Convention):
        differences = _attribute(run, conventions[0], conventions[1], a, lengths[0])
        if calls[1] is not None and differences:

            def drift(optimizer: optax.GradientTransformation) -> float:
                return run.relative(a, run(optimizer), lengths[0])[-1]

            correction = remedy(calls[1], calls[0], _comparison(conventions[0], run, drift))
    return Drift(
        first[0],
        second[0],
        counts,
        lengths,
        run.relative(a, b, lengths[0]),
        differences,
        description,
        correction,
    )


def _comparison(
    first: Convention, run: "_Runs", drift: Callable[[optax.GradientTransformation], float]
) -> Comparison:
    """How the conventions that a remedy tries are compared with the first one."""
    return Comparison(
        first,
        lambda convention: _axes(first, convention, run),
        lambda convention, axis: (
            not _same(_read(first, axis), _read(convention, axis), run.counts[-1])
        ),
        # An epsilon is another constant in another place.
        {**_ONLY_WITH, "eps_in_sqrt": ("eps",)},
        drift,
    )


class _Runs:
    """Runs of optimizers over one stream of gradients, with snapshots of the parameters."""

    def __init__(self, stream: Tree, start: Tree, counts: tuple[int, ...]) -> None:
        self.stream, self.counts = stream, counts
        self.start = [start] * len(counts)

    def __call__(self, optimizer: optax.GradientTransformation) -> list[Tree]:
        """The parameters after each number of steps."""

        @jax.jit
        def advance(
            params: Tree, state: Tree, begin: jax.Array, end: jax.Array
        ) -> tuple[Tree, Tree]:
            def step(k: jax.Array, carry: tuple[Tree, Tree]) -> tuple[Tree, Tree]:
                params, state = carry
                gradient = jax.tree.map(lambda g: g[k], self.stream)
                updates, state = optimizer.update(gradient, state, params)
                return optax.apply_updates(params, updates), state

            return lax.fori_loop(begin, end, step, (params, state))

        params, snapshots = self.start[0], []
        state = optimizer.init(params)
        for begin, end in zip((0, *self.counts), self.counts, strict=False):
            params, state = advance(params, state, jnp.asarray(begin), jnp.asarray(end))
            snapshots.append(params)
        return snapshots

    def distances(self, a: list[Tree], b: list[Tree]) -> tuple[float, ...]:
        """The root mean square distances between snapshots."""

        def distance(x: Tree, y: Tree) -> float:
            gaps = [
                np.abs(np.asarray(p) - np.asarray(q)).astype(np.float64).ravel()
                for p, q in zip(jax.tree.leaves(x), jax.tree.leaves(y), strict=True)
            ]
            return float(np.sqrt(np.mean(np.concatenate(gaps) ** 2)))

        return tuple(distance(x, y) for x, y in zip(a, b, strict=True))

    def relative(self, a: list[Tree], b: list[Tree], lengths: Sequence[float]) -> tuple[float, ...]:
        """Distances divided by `lengths`; infinite where one of the two runs has diverged."""
        return tuple(
            _quotient(distance, length)
            for distance, length in zip(self.distances(a, b), lengths, strict=True)
        )


def _quotient(distance: float, length: float) -> float:
    if distance == 0:
        return 0.0
    return distance / length if length > 0 and np.isfinite(distance) else float("inf")


def _attribute(
    run: _Runs, first: Convention, second: Convention, a: list[Tree], lengths: Sequence[float]
) -> tuple[Difference, ...]:
    """The differences of two conventions, each with the drift it causes and the drift it leaves."""

    def drift(convention: Convention, **values: object) -> tuple[float, ...]:
        try:
            optimizer = build(dataclasses.replace(convention, **values))
        except ValueError:  # options exclude each other, such as centered and corrected
            return (float("nan"),) * len(run.counts)
        return run.relative(a, run(optimizer), lengths)

    results = []
    for axis in _axes(first, second, run):
        companions = _companions(first, second, axis)
        results.append(
            Difference(
                axis,
                getattr(first, axis),
                getattr(second, axis),
                drift(first, **_values(second, axis, *companions)),
                drift(second, **_values(first, axis, *companions)),
                tuple(
                    (name, getattr(first, name), getattr(second, name))
                    for name in companions
                    if not _same(getattr(first, name), getattr(second, name), run.counts[-1])
                ),
            )
        )
    return tuple(sorted(results, key=lambda d: tuple(np.nan_to_num(d.rest[::-1], nan=np.inf))))


# Fields that mean nothing without another field, and are exchanged with it where one side lacks it.
_ONLY_WITH = {
    "decay": ("centered", "bias_correction"),
    "momentum": ("lr_in_momentum", "nesterov", "dampened", "caution"),
    "weight_decay": ("weight_decay_rule", "max_lr", "clip_before_weight_decay"),
    "clipping": ("clip_before_weight_decay",),
}


def _values(convention: Convention, *axes: str) -> dict[str, object]:
    return {name: getattr(convention, name) for name in axes}


def _companions(first: Convention, second: Convention, axis: str) -> tuple[str, ...]:
    """The fields that are exchanged together with `axis`."""
    if axis in _ONLY_WITH and any(is_zero(getattr(c, axis)) for c in (first, second)):
        return _ONLY_WITH[axis]
    if axis == "weight_decay_rule":
        return ("max_lr",)
    # A schedule that counts the calls of accumulated gradients belongs to the accumulation.
    return ("learning_rate",) if axis == "around" else ()


def _axes(first: Convention, second: Convention, run: _Runs) -> list[str]:
    """The fields in which two conventions differ in a way that can matter here."""
    steps = run.counts[-1]

    def differs(name: str) -> bool:
        return not _same(_read(first, name), _read(second, name), steps)

    idle = {"name"}
    for switch, fields in _ONLY_WITH.items():
        if any(is_zero(getattr(c, switch)) for c in (first, second)):
            idle.update(fields)
    if is_zero(first.eps) and is_zero(second.eps):
        idle.add("eps_in_sqrt")
    if differs("weight_decay_rule"):
        idle.add("max_lr")
    if differs("around") and (callable(first.learning_rate) or callable(second.learning_rate)):
        idle.add("learning_rate")
    if not any(jnp.iscomplexobj(leaf) for leaf in jax.tree.leaves(run.stream)):
        idle.add("complex_leaves")
    names = [f.name for f in dataclasses.fields(Convention) if f.name not in idle]
    return [name for name in names if differs(name)]


def _read(convention: Convention, axis: str) -> object:
    """The value of a field; wrappers around a step are compared by their names."""
    value = getattr(convention, axis)
    return tuple(name for name, _ in value) if axis == "around" else value


def _same(x: object, y: object, steps: int) -> bool:
    if x is None or y is None:
        return x is y
    if callable(x) or callable(y):  # two schedules are equal if they give the same rates
        first, second = cast("Rate", x), cast("Rate", y)  # no other field holds functions
        return _rates(first, steps) == _rates(second, steps)
    if isinstance(x, float | jax.Array) and isinstance(y, float | jax.Array):
        # TensorFlow and others round their constants to float32, and the difference has no visible
        # effect.
        return bool(np.float32(x) == np.float32(y))
    return x == y


def _rates(rate: Rate, steps: int) -> list[float]:
    if not callable(rate):
        return [float(np.float32(rate))] * len(_sample(steps))
    return [float(np.float32(rate(jnp.asarray(k)))) for k in _sample(steps)]


def _sample(steps: int) -> list[int]:
    """The steps at which schedules are compared: the first 20, and about 100 of all steps."""
    return sorted({*range(min(steps, 20)), *np.linspace(0, steps - 1, 100).astype(int).tolist()})


def _counts(steps: Sequence[int]) -> tuple[int, ...]:
    counts = tuple(int(n) for n in steps)
    if not counts or min(counts) < 1 or list(counts) != sorted(set(counts)):
        raise ValueError(
            f"steps is {tuple(steps)}; it must be numbers of steps, at least 1 and in rising"
            f" order, such as (10, 100, 1000)."
        )
    return counts


def _stream(gradients: Tree, scale: float, count: int, seed: int) -> tuple[Tree, str]:
    """The gradients, with steps as the first axis, and a description of them in words."""
    if gradients is None:
        deviation = float(hyperparameters.positive("scale", scale))
        noise = np.random.default_rng(seed).standard_normal((count, COORDINATES))
        description = f"Gaussian gradients of standard deviation {deviation:g}"
        return jnp.asarray(noise * deviation, jnp.result_type(float)), description
    stream = jax.tree.map(_inexact, gradients)
    lengths = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(stream)}
    if len(lengths) != 1 or () in lengths:
        raise ValueError(
            "gradients must be an array, or a tree of arrays, whose first axis counts the steps;"
            f" the shapes are {', '.join(str(np.shape(x)) for x in jax.tree.leaves(stream))}."
        )
    length = lengths.pop()[0]
    if length < count:
        raise ValueError(
            f"gradients holds {length} steps and {count} are asked for. Pass"
            f" steps=({length},), say, or more gradients."
        )
    return stream, "the gradients that were given"


def _inexact(gradients: Tree) -> jax.Array:
    array = jnp.asarray(gradients)
    if jnp.issubdtype(array.dtype, jnp.inexact):
        return array
    return array.astype(jnp.result_type(float))


def _start(
    parameters: Tree, stream: Tree, conventions: Sequence[Convention | None], seed: int
) -> Tree:
    """The parameters at the start: zeros, or a random sample if a step depends on them.

    Next to zeros no step is lost to rounding.
    """
    if parameters is not None:
        return jax.tree.map(jnp.asarray, parameters)
    rng = np.random.default_rng([seed, 1])
    if all(
        isinstance(c, Convention) and is_zero(c.weight_decay) and not c.around for c in conventions
    ):
        return jax.tree.map(lambda g: jnp.zeros(g.shape[1:], g.dtype), stream)
    return jax.tree.map(lambda g: jnp.asarray(rng.standard_normal(g.shape[1:]), g.dtype), stream)
