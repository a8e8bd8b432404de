"""Checks before a long job: that a problem and an optimizer can be run at all.

Shapes and dtypes are traced, which takes milliseconds; then one loss and its gradient are computed,
for a loss that is NaN at the start would cost an hour before it is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from rmsprop.study.problems import TRAINING_LOSS, Params, Problem, Tree
from rmsprop.study.running.factoring import called
from rmsprop.study.running.training import Build, Trained

# For a program that runs once: optimizing it takes longer than running it as it is.
_FEW_OPTIMIZATIONS = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
}


def check_problem(problem: Problem) -> None:
    """Refuses a problem that cannot be run, with a sentence that says what is wrong.

    Args:
        problem: The problem, one of the study's or the user's own.

    Raises:
        ValueError: a function of it fails, the loss is no scalar or is not finite at the start,
            nothing can be trained, or a metric is missing.
    """
    key = jax.random.key(0)
    trained = _traced(problem, "init", lambda k: Trained.of(problem.init(k))[0], key)
    if not sum(leaf.size for leaf in jax.tree.leaves(trained)):
        raise ValueError(
            f"problem {problem.name!r}: init returns no array of real or complex numbers, or only"
            f" empty ones, so there is nothing to train; return a tree with at least one number."
        )

    def start(key: Array) -> tuple[Callable[[Params], Array], Params]:
        """The loss on the first batch and the trained parameters at the start."""
        trained = Trained.of(problem.init(key))
        batch = problem.sample(key, jnp.int32(0))

        def loss(params: Params) -> Array:
            """The loss on the first batch."""
            return problem.loss(trained.whole(params), batch)

        return loss, trained.params

    def only_loss(key: Array) -> Array:
        """The loss at the start."""
        loss, params = start(key)
        return loss(params)

    _traced(problem, "sample", problem.sample, key, jnp.int32(0))
    _check_loss(problem, _traced(problem, "loss", only_loss, key))
    _check_metrics(problem, key)
    if (path := problem.path) is not None:
        point = _traced(problem, "path", lambda k: path(problem.init(k)), key)
        if getattr(point, "shape", None) != (2,):
            raise ValueError(
                f"problem {problem.name!r}: path must return the two coordinates of a point, an"
                f" array of shape (2,); it returns {getattr(point, 'shape', 'a tree')}."
            )

    def at_the_start(key: Array) -> tuple[Array, Array]:
        """The loss at the start, and whether its gradient is finite."""
        loss, params = start(key)
        value, gradient = jax.value_and_grad(loss)(params)
        return value, jnp.stack([jnp.isfinite(x).all() for x in jax.tree.leaves(gradient)]).all()

    value, finite = called(at_the_start, key, **_FEW_OPTIMIZATIONS)
    for what, passes in (
        (f"loss is {value}", np.isfinite(value)),
        ("gradient is not finite", finite),
    ):
        if not passes:
            raise ValueError(
                f"problem {problem.name!r}: the {what} before the first step; it must be finite"
                f" there. Look at init, and at logarithms, roots and divisions in the loss."
            )


def _traced(problem: Problem, part: str, function: Callable[..., Tree], *arguments: Array) -> Tree:
    """The shapes that a function of the problem gives."""
    try:
        return jax.eval_shape(lambda *x: jax.tree.map(_array, function(*x)), *arguments)
    except Exception as error:  # whatever a stranger's function raises
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"problem {problem.name!r}: {part} fails when JAX traces it: {reason}"
        ) from error


def _array(leaf: object) -> Array | np.ndarray | np.generic:
    """A leaf as it is traced; what is no array is a number in its place."""
    return leaf if isinstance(leaf, (jax.Array, np.ndarray, np.generic)) else jnp.zeros(())


def _check_loss(problem: Problem, loss: Tree) -> None:
    if getattr(loss, "shape", None) != () or not jnp.issubdtype(loss.dtype, jnp.floating):
        result = f"{loss.dtype} of shape {loss.shape}" if hasattr(loss, "shape") else "a tree"
        raise ValueError(
            f"problem {problem.name!r}: loss returns {result}; it must return one real number of"
            f" shape (), for example the mean over the batch."
        )


def _check_metrics(problem: Problem, key: Array) -> None:
    values: dict[str, Tree] = {}
    for part in ("metrics", "averages"):
        for name, value in _measurements(problem, part, key).items():
            if name in values:
                raise ValueError(
                    f"problem {problem.name!r}: metrics and averages both return {name}; give one"
                    f" of them another name."
                )
            values[name] = value
    for role, metrics in (("choose_by", problem.choices), ("report", problem.reports)):
        for metric in metrics:
            if metric.name not in (TRAINING_LOSS.name, *values):
                raise ValueError(
                    f"problem {problem.name!r}: {role} is {metric.name}, which neither metrics nor"
                    f" averages returns; measured are {', '.join(values) or 'none'} and"
                    f" {TRAINING_LOSS.name}."
                )


def _measurements(problem: Problem, part: str, key: Array) -> Mapping[str, Tree]:
    """The shapes of what `metrics` or `averages` returns, after their checks."""
    function = getattr(problem, part)
    if function is None:
        return {}
    values = _traced(problem, part, lambda k: dict(function(problem.init(k))), key)
    if TRAINING_LOSS.name in values:
        raise ValueError(
            f"problem {problem.name!r}: {part} returns {TRAINING_LOSS.name}, which the study"
            f" measures itself; give yours another name."
        )
    for name, value in values.items():
        if getattr(value, "shape", None) != ():
            shape = f"has the shape {value.shape}" if hasattr(value, "shape") else "is a tree"
            raise ValueError(
                f"problem {problem.name!r}: the metric {name} {shape}; it must be one number."
            )
        if jnp.issubdtype(value.dtype, jnp.complexfloating):
            raise ValueError(
                f"problem {problem.name!r}: the metric {name} is complex; it must be a real number."
            )
    return values


def check_optimizer(
    name: str,
    hyperparameters: Sequence[str],
    build: Build,
    problem: Problem,
    *,
    under_schedule: bool = False,
) -> None:
    """Traces one update of an optimizer without running it.

    Args:
        name: The name of the optimizer.
        hyperparameters: The names of what is tuned.
        build: Makes the optimizer from its hyper-parameters and the number of its schedule.
        problem: The problem to train on.
        under_schedule: Whether the learning rate is a function of the count of steps.

    Raises:
        ValueError: the factory fails or makes something else than a transformation.
    """

    def step(values: Mapping[str, Array], schedule: Array) -> object:
        """One update from the initial parameters."""
        params = Trained.of(problem.init(jax.random.key(0))).params
        optimizer = build(values, schedule)
        state = optimizer.init(params)
        updates, after = optimizer.update(params, state, params)
        for before, now in zip(jax.tree.leaves(state), jax.tree.leaves(after), strict=True):
            if (before.shape, before.dtype) != (now.shape, now.dtype):
                raise TypeError(
                    f"its state changes from {before.dtype}{list(before.shape)} to"
                    f" {now.dtype}{list(now.shape)} in a step."
                )
        return updates

    try:
        jax.eval_shape(step, dict.fromkeys(hyperparameters, jnp.float32(0.1)), jnp.int32(0))
    except Exception as error:  # whatever a stranger's function raises
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        what = "schedule, a function of the count," if under_schedule else "number"
        way_out = (
            " Or ask for the constant rate alone, which is a number: --schedules constant"
            ' (schedules="constant" in Python).'
            if under_schedule
            else ""
        )
        raise ValueError(
            f"optimizer {name!r} cannot be used: {reason} Its function must make an Optax"
            f" transformation from a learning rate that is a {what} that JAX traces, so it cannot"
            f" branch on it.{way_out}"
        ) from error
