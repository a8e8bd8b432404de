"""What an optimizer does with its state, read off steps that are taken on trial.

An optimizer is two functions, and tells nobody its decay or its learning rate.  A step shows them:
with accumulators and a gradient that are known, the update is the product of what is looked for.
This works through every chain and wrapper, for Optax's optimizers too.

* What an average is divided by, `c_t = 1 - decay**t` or 1, from two steps that differ in the count
  of the average alone.  The update is proportional to `sqrt(c_t / v)`, and the average after the
  step is seen, so that the squared ratio of `u * sqrt(v)` at step `t` and at a very late one is
  `c_t`.
* By what a momentum buffer is multiplied when it moves the parameters: 1 where the learning rate
  was applied before it, `-learning_rate` where it is applied after it.

The trials are made on parameters that are all zero, so that weight decay has no part in them, with
one element in a leaf, and with accumulators in float32, so that no rounding blurs what is seen.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from rmsprop import _layouts as layouts
from rmsprop._layouts import MOMENTS, MOMENTUM, SQUARES, Link, Path
from rmsprop._states import accumulators_of_any_dtype
from rmsprop._typing import Tree

# Wrappers that accumulate gradients move the parameters every so many calls.
_CALLS = 1000
_LATE = 2**30  # a step at which no bias is left to correct
_LARGE = 2.0**80  # squares beside which no eps counts
_SMALL, _TINY = 2.0**-10, 2.0**-80  # within every limit of steps; and nothing beside it


class Probe:
    """An optimizer to be tried.

    Attributes:
        initial: The first state, for parameters with one element in a leaf where the optimizer
            makes a state of the same structure for them.
        injected: The fields of `optax.inject_hyperparams` in the state that is converted, by the
            path of the wrapper's state; they take the place of the first ones.
    """

    def __init__(
        self, name: str, optimizer: optax.GradientTransformation, params: optax.Params
    ) -> None:
        """Args: the argument's name for messages, the optimizer, and its parameters."""
        extended = optax.with_extra_args_support(optimizer)
        self._name = name
        self._params = jax.tree.map(_zero, params)
        if jax.tree.structure(jax.eval_shape(extended.init, params)) != jax.tree.structure(
            jax.eval_shape(extended.init, self._params)
        ):  # for example a mask of the leaves above some size
            self._params = jax.tree.map(jnp.zeros_like, params)
        self._update = jax.jit(extended.update)
        self.initial = extended.init(self._params)
        self.injected: dict[Path, dict[str, Tree]] = {}

    def correction(self, link: Link, steps: int) -> float:
        """`1 - decay**steps` for an average that is divided by it, and 1 for others."""
        if not self._may_be_corrected(link, steps):
            return 1.0
        peculiarity = self.peculiarity(link, steps)
        if peculiarity is not None:
            raise self._refusal(f"{link} is {peculiarity}")
        ratio = self._ratio(link, steps)
        return 1.0 if abs(ratio - 1) < 2.0**-20 else ratio

    def peculiarity(self, link: Link, steps: int) -> str | None:
        """What else is done with an average than a division by its root; None for the usual."""
        if not self._may_be_corrected(link, steps):
            return None
        values = [self._quotient(link.path, _LATE, steps, x) for x in (_LARGE, 16 * _LARGE)]
        if not math.isclose(*values, rel_tol=1e-3):
            return "divided by something else than its root"
        if self._ratio(link, steps) > 1.001:
            return "multiplied by a factor that grows with the steps"
        return None

    def _may_be_corrected(self, link: Link, steps: int) -> bool:
        fields = link.state._fields
        return "count" in fields and "sum_of_squares" not in fields and steps > 0

    def _ratio(self, link: Link, steps: int) -> float:
        """The correction at a step, relative to that at a very late one."""
        now, late = (self._quotient(link.path, k, steps, _LARGE) for k in (steps - 1, _LATE))
        return (now / late) ** 2

    def buffer_factor(self, link: Link, steps: int) -> float:
        """1 for a buffer that the learning rate has entered, and minus the rate for others."""

        def response(trace: float, gradient: float) -> float:
            state = self._state(
                lambda other: _constant(other, squares=1.0, trace=trace, count=steps)
            )
            update, buffer = self._step(link.path, "trace", trace, state, gradient)
            return update / buffer if buffer else math.nan

        # Where steps against the gradient are masked, only one of the two signs moves anything.
        tail = max((response(_SMALL, sign * _TINY) for sign in (1, -1)), key=abs)
        entering = response(0.0, _SMALL)
        if not (math.isfinite(tail) and math.isfinite(entering) and tail != 0):
            raise self._refusal(f"{link} does not move the parameters at step {steps + 1}")
        # Nesterov's step looks ahead: 1 + momentum in the place of 1, and momentum.
        return entering - tail if entering / tail > 1.5 else tail

    def _quotient(self, path: Path, count: int, steps: int, squares: float) -> float:
        """`u * sqrt(v)` for a unit gradient, with `v` from after the step."""

        def fill(link: Link) -> Tree:
            if link.path != path:
                return _constant(link, squares=1.0, trace=0.0, count=steps)
            return _constant(link, squares=squares, trace=0.0, count=count)

        state = self._state(fill)
        field = layouts.squares_field(Link(path, layouts.node_at(state, path)))
        update, average = self._step(path, field, squares, state, 1.0)
        value = abs(update) * math.sqrt(average) if average > 0 else 0.0
        if not (math.isfinite(value) and value > 0):
            raise self._refusal(f"no step of state{''.join(path)} can be tried at step {steps}")
        return value

    def _state(self, function: Callable[[Link], Tree]) -> Tree:
        """The first state with other contents of its known links, and the present options."""
        state = self.initial
        for path, fields in self.injected.items():
            state = _replace_at(state, path, fields)
        return layouts.map_known_links(function, state)

    def _step(
        self, path: Path, field: str, start: float, state: Tree, gradient: float
    ) -> tuple[float, float]:
        """The update of one element, and its accumulator after the step that it belongs to.

        A wrapper may wait for several gradients before it makes a step: until then the parameters
        do not move, and the accumulator has the value `start` from before.
        """
        gradients = jax.tree.map(lambda p: _gradient(p, gradient), self._params)
        update, accumulator = 0.0, math.nan
        for _ in range(_CALLS):
            try:
                with accumulators_of_any_dtype():
                    updates, state = self._update(gradients, state, self._params)
            except Exception as error:
                raise self._refusal(
                    f"its step cannot be tried, for {_first_line(error)}"
                ) from error
            update, accumulator = _element(
                updates, getattr(layouts.node_at(state, path), field), self
            )
            if update != 0 or accumulator != start:
                break
        return update, accumulator

    def _refusal(self, reason: str) -> ValueError:
        return ValueError(
            f"the state cannot be converted, because its meaning is read from trial steps of"
            f" `{self._name}`, and {reason}. Begin with the state that {self._name}.init(params)"
            f" makes, or convert in a step for which this holds."
        )

    def no_element(self) -> ValueError:
        """The error where the arrays of a link belong to no parameter of their own."""
        return self._refusal("its accumulators have other paths than the parameters")


def _constant(link: Link, *, squares: float, trace: float, count: int) -> Tree:
    """The state of a link with these values in all elements, in at least float32."""
    changes = {}
    for field in link.state._fields:
        value = getattr(link.state, field)
        if field == "count":
            changes[field] = jnp.full_like(value, count)
            continue
        constant = squares if field in SQUARES else trace if field == "trace" else 0.0
        changes[field] = jax.tree.map(
            lambda x, c=constant: jnp.full_like(x, c, dtype=_at_least_float32(x.dtype)), value
        )
    if link.kind not in (MOMENTS, MOMENTUM):
        changes = {"count": changes["count"]}
    return link.state._replace(**changes)


def _replace_at(state: Tree, path: Path, fields: dict[str, Tree]) -> Tree:
    """The state with other fields in the wrapper's state at a path."""
    if not path:
        return state._replace(**fields)
    parts = layouts.children(state)
    parts[path[0]] = _replace_at(parts[path[0]], path[1:], fields)
    return layouts.with_children(state, parts)


def _element(updates: Tree, accumulators: Tree, probe: Probe) -> tuple[float, float]:
    """The first element of the first array that a parameter of the same path has."""
    changes = dict(jax.tree_util.tree_flatten_with_path(updates)[0])
    for path, leaf in jax.tree_util.tree_flatten_with_path(accumulators)[0]:
        # The parts of a complex leaf may stand in a container of their own.
        update = next(
            (changes[path[:n]] for n in range(len(path), -1, -1) if path[:n] in changes), None
        )
        if update is not None and np.size(update) and np.size(leaf):
            first, second = (complex(np.ravel(np.asarray(x))[0]).real for x in (update, leaf))
            return first, second
    raise probe.no_element()


def _zero(parameter: Tree) -> jax.Array:
    """A parameter of one element, in at least float32 so that updates are not rounded to less."""
    dtype = jnp.result_type(parameter)
    if jnp.issubdtype(dtype, jax.dtypes.extended):  # a key of random numbers
        return parameter
    if jnp.issubdtype(dtype, jnp.inexact):
        dtype = _at_least_float32(dtype)
    return jnp.zeros([min(length, 1) for length in np.shape(parameter)], dtype)


def _gradient(parameter: jax.Array, value: float) -> jax.Array | None:
    if not jnp.issubdtype(parameter.dtype, jnp.inexact):
        return None
    return jnp.full(parameter.shape, value, _at_least_float32(parameter.dtype))


def _at_least_float32(dtype: np.dtype) -> np.dtype:
    return np.promote_types(dtype, np.float32)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
