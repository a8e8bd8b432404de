"""The state of one optimizer as that of another, for an option that changes in the middle of a run.

Both states are taken apart in the same way (`_layouts`): chains into their links, wrappers into
their fields.  Links of the same kind belong together, in their order; what an optimizer does not
tell is read off trial steps (`_probes`).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.core import Tracer

from rmsprop import _layouts as layouts
from rmsprop._layouts import MOMENTS, MOMENTUM, SCHEDULE, Link, Path, pairs, refusal
from rmsprop._moment_forms import MomentChange, in_dtype, times
from rmsprop._probes import Probe
from rmsprop._typing import Tree


def convert_state(
    state: Tree,
    params: Tree,
    old: optax.GradientTransformation,
    new: optax.GradientTransformation,
    *,
    step: int | None = None,
) -> Tree:
    """The state of the optimizer `old` as a state of `new`, with which training goes on.

    Use it where an option changes in the middle of a run, and to continue the centered state of
    Optax. Both optimizers may be of this package, of `rmsprop.frameworks` or of Optax, alone or in
    the same chains and wrappers of Optax. What the two states have in common is carried over:

    - *Second moments.* With bias correction the average that divides a gradient after `t` steps is
      `w = v / (1 - ρ^t)`, and without it `w = v`. The conversion keeps `w`, so that denominators go
      on. Centered, the mean is kept too, and of Optax's averages `σ^2 = max(v - |m|^2, 0)`; in the
      other direction, and for an optimizer that is not centered, `v = σ^2 + |m|^2`.
    - *AdaGrad's sum* and an average are `s = s_0 + t w` and `w = (s - s_0) / t`, with the starting
      value `s_0` of AdaGrad's `init`. The mean of the squares is kept; at the same learning rate a
      step of AdaGrad is then `sqrt(t)` times shorter.
    - *The momentum buffer* stays. Where the learning rate changes its place (`lr_in_momentum`), the
      buffer is multiplied by the rate of the coming step, or divided by it, so that what it holds
      moves the parameters as far as before. It starts at zero where momentum is new, and is dropped
      where there is none any more.
    - *The step count* is that of the old state, or `step`.
    - *Dtypes* become those of `new`, rounded to nearest. One such rounding changes a bfloat16
      accumulator by at most 2^-9 of itself; that every later store is rounded stochastically is
      what keeps an average from stalling.
    - *Hyper-parameters* of `optax.inject_hyperparams` that were changed in the state keep the value
      that was set; the others are those of `new`.
    - *Other transformations and wrappers* must be the same in both, and their states stay.

    Other values of decay, learning rate or momentum leave the state as it is. An optimizer does not
    tell its decay or its rate, so that both are read off trial steps of one element, in float32 or
    the wider dtype of the parameters; where the state has the same structure as before, the place
    of the rate is taken to be the same.

    Args:
        state: A state with the structure of `old.init(params)`. Of a flax `TrainState` it is the
            attribute `opt_state`. Of an `nnx.Optimizer` it is `nnx.as_pure(optimizer.opt_state)`,
            with `nnx.as_pure(nnx.state(model, nnx.Param))` for `params`; the result goes into
            another one by `nnx.update(other.opt_state, nnx.state(result))`.
        params: The parameters. Only their structure, shapes, dtypes and placement matter.
        old: The optimizer that made the state, with the options that it had.
        new: The optimizer that is to go on.
        step: The number of steps taken so far, at least 0. It is needed where `new` counts steps,
            or AdaGrad is converted, and the state has no count.

    Returns:
        A state with the structure, shapes and dtypes of `new.init(params)`. Its arrays lie where
        those of the old state do, and where the parameters do if they are new.

    Raises:
        ValueError: The state is not one of `old`, the two have different parts, an uncentered
            average is to become a centered one (there is no mean), or `step` is missing or
            contradicts the count of the state or is out of its range.
        TypeError: `step` is no integer, or the state is traced or is a training state of Flax.

    Example:
        >>> import jax.numpy as jnp, optax, rmsprop
        >>> old = rmsprop.rmsprop(0.1, momentum=0.9)
        >>> new = rmsprop.rmsprop(optax.linear_schedule(0.1, 0.0, 100), momentum=0.9)
        >>> params = jnp.array([1.0])
        >>> _, state = old.update(jnp.array([2.0]), old.init(params))
        >>> state = rmsprop.convert_state(state, params, old, new, step=1)
        >>> print([type(link).__name__ for link in state], state[1].count)
        ['ScaleByRmsState', 'ScaleByScheduleState', 'TraceState'] 1
    """
    number = None if step is None else checked_step(step)
    _check_plain(state, params)
    target = new.init(params)
    template = jax.eval_shape(old.init, params)
    clause = layouts.misfit(state, template)
    if clause is not None:
        raise ValueError(
            f"the state is not one of `old`: {clause}. Pass the optimizer that made the state, with"
            f" the options that it had, and the parameters that it trained."
        )
    return _Conversion(params, old, new, number).convert(Link((), state), Link((), target), number)


class _Conversion:
    """A conversion between two optimizers, part by part."""

    def __init__(
        self,
        params: optax.Params,
        old: optax.GradientTransformation,
        new: optax.GradientTransformation,
        step: int | None,
    ) -> None:
        self._old = Probe("old", old, params)
        self._new = Probe("new", new, params)
        self._step = step

    def convert(self, old: Link, new: Link, outer: int | None) -> Tree:
        """The part `old` of the state in the form of `new`.

        Args:
            old: A part of the state and its path.
            new: The part that takes its place, as `init` makes it.
            outer: The number of steps taken so far where the part itself has no count.
        """
        steps = self._steps(layouts.counts(old.state), outer)
        same = layouts.misfit(old.state, new.state) is None
        states: dict[Path, Tree] = {}
        for before, after in pairs(old, new):
            if before is None:
                states[after.path] = _with_count(after, after.state, steps)
            elif after.kind == MOMENTS:
                states[after.path] = self._moments(before, after, steps, same_layout=same)
            elif after.kind == MOMENTUM:
                states[after.path] = self._buffer(before, after, steps, same_layout=same)
            elif after.kind == SCHEDULE:
                states[after.path] = _with_count(before, after.state, steps)
            else:
                states[after.path] = self._other(before, after, steps)
        return layouts.replace_links(new.state, states, new.path)

    def _steps(self, counts: Iterable[Tree], outer: int | None) -> int | None:
        """The number of steps that a part of the state counts, and that around it without one."""
        numbers = {_concrete(count) for count in counts}
        if not numbers:
            return outer
        if self._step is not None and self._step not in numbers:
            raise ValueError(
                f"step is {self._step}, but the state counts {min(numbers)} steps. Leave the"
                f" argument out; it is for states that have no count."
            )
        return numbers.pop() if len(numbers) == 1 else self._step

    def _moments(self, before: Link, after: Link, steps: int | None, *, same_layout: bool) -> Tree:
        """The second moments of one transformation as those of another."""
        if "mu" in after.state._fields and "mu" not in before.state._fields:
            raise refusal(
                f"{before} has no mean of the gradients, which the {type(after.state).__name__} of"
                f" `new` needs",
                "Begin with the state that new.init(params) makes, or go on uncentered.",
            )
        form, new_form = (layouts.squares_field(link) for link in (before, after))
        is_counted = any("count" in link.state._fields for link in (before, after))
        needs_steps = is_counted or (form == "sum_of_squares") != (new_form == "sum_of_squares")
        number = _need(steps, before) if needs_steps else 1
        if number == 0:  # the starting values, which each optimizer has of its own
            return after.state
        first = layouts.node_at(self._old.initial, before.path)
        change = MomentChange(
            centered=("mu" in before.state._fields, "mu" in after.state._fields),
            fields=(form, new_form),
            corrections=self._corrections(before, after, number, same_layout=same_layout),
            steps=number,
        )
        squares = getattr(before.state, form)
        mean = before.state.mu if change.centered[0] else squares
        start = getattr(first, form)
        changes = {
            new_form: _map(
                after, getattr(after.state, new_form), change.squares, squares, mean, start
            )
        }
        if change.centered[1]:
            changes["mu"] = _map(after, after.state.mu, change.mean, mean)
        return _with_count(before, after.state._replace(**changes), steps)

    def _corrections(
        self, before: Link, after: Link, steps: int, *, same_layout: bool
    ) -> tuple[float, float]:
        """By what the old average and the new one are divided before they are used."""
        if same_layout:
            peculiarity = self._old.peculiarity(before, steps)
            if peculiarity is not None and peculiarity == self._new.peculiarity(after, steps):
                return 1.0, 1.0  # both use the average in the same way of their own
        return self._old.correction(before, steps), self._new.correction(after, steps)

    def _buffer(self, before: Link, after: Link, steps: int | None, *, same_layout: bool) -> Tree:
        """The momentum buffer, multiplied where the learning rate changes its place."""
        if steps == 0:
            return after.state
        factor = 1.0
        if not same_layout:
            old = self._old.buffer_factor(before, steps or 0)
            new = self._new.buffer_factor(after, steps or 0)
            old_inside, new_inside = (math.isclose(x, 1, rel_tol=1e-5) for x in (old, new))
            factor = 1.0 if old_inside == new_inside else old / new
        trace = _map(after, after.state.trace, lambda b, _: times(b, factor), before.state.trace)
        return _with_count(before, after.state._replace(trace=trace), steps)

    def _other(self, before: Link, after: Link, steps: int | None) -> Tree:
        """The state of a wrapper, or of a transformation that this package does not know."""
        fields = getattr(before.state, "_fields", ())
        own = [name for name in ("count", "gradient_step") if name in fields]
        if own and {"inner_state", "inner_opt_state"} & {*fields}:
            steps = self._steps([getattr(before.state, name) for name in own], steps)
        if {"hyperparams", "inner_state"} <= {*fields}:
            return self._injected(before, after, steps)
        parts, new_parts = layouts.children(before.state), layouts.children(after.state)
        if not parts and not new_parts:
            return _map(after, after.state, lambda x, _: x, before.state)
        if parts.keys() != new_parts.keys():
            raise refusal(
                f"{before} has the parts {layouts.list_keys(parts)}, and that of `new` has"
                f" {layouts.list_keys(new_parts)}",
                "Use the same labels and options of the wrapper in both optimizers.",
            )
        converted = {
            key: self.convert(
                Link((*before.path, key), parts[key]), Link((*after.path, key), part), steps
            )
            for key, part in new_parts.items()
        }
        return layouts.with_children(after.state, converted)

    def _injected(self, before: Link, after: Link, steps: int | None) -> Tree:
        """The state of `optax.inject_hyperparams`, where the options are numbers in the state."""
        state, result = before.state, after.state
        schedules = getattr(state, "hyperparams_states", {})
        new_schedules = getattr(result, "hyperparams_states", {})
        first = layouts.node_at(self._old.initial, before.path).hyperparams
        values = dict(result.hyperparams)
        for name in (values.keys() & first.keys()) - schedules.keys() - new_schedules.keys():
            value = jnp.asarray(state.hyperparams[name])
            if bool(value != first[name]):
                values[name] = lax.convert_element_type(value, values[name].dtype)
        fields: dict[str, Tree] = {"hyperparams": values, "count": jnp.asarray(state.count)}
        if new_schedules:
            fields["hyperparams_states"] = {
                name: schedules.get(name, own._replace(count=fields["count"]))
                for name, own in new_schedules.items()
            }
        self._old.injected[before.path] = {
            name: value for name, value in state._asdict().items() if name != "inner_state"
        }
        self._new.injected[after.path] = fields
        key = ".inner_state"
        inner = self.convert(
            Link((*before.path, key), state.inner_state),
            Link((*after.path, key), result.inner_state),
            steps,
        )
        return result._replace(**fields, inner_state=inner)


def _map(
    link: Link, like: Tree, function: Callable[..., jax.Array], tree: Tree, *others: Tree
) -> Tree:
    """`function(array, the array that it becomes, ...)` of all leaves, in the dtypes of `like`."""
    leaves, treedef = jax.tree.flatten(like)
    try:
        columns = [treedef.flatten_up_to(other) for other in (tree, *others)]
    except (ValueError, TypeError, KeyError):
        raise refusal(
            f"the arrays of {link} do not have the structure of those in the state",
            "Pass the parameters that the state was made for.",
        ) from None
    results = []
    for own, array, *rest in zip(leaves, *columns, strict=True):
        if getattr(array, "shape", None) != own.shape:
            raise refusal(
                f"{link} has an array of shape {own.shape}, and the state has one of shape"
                f" {getattr(array, 'shape', None)} there",
                "Pass the parameters that the state was made for.",
            )
        results.append(in_dtype(function(jnp.asarray(array), own, *rest), own.dtype))
    return treedef.unflatten(results)


def _with_count(before: Link, state: Tree, steps: int | None) -> Tree:
    """The state with the count of the old one, or with the number of steps, if it has a count."""
    if "count" not in state._fields:
        return state
    if "count" in before.state._fields and before.state is not state:
        return state._replace(count=lax.convert_element_type(before.state.count, jnp.int32))
    return state._replace(count=jnp.full_like(state.count, _need(steps, before)))


def _check_plain(state: Tree, params: Tree) -> None:
    """Refuses a training state of Flax, and arrays that NNX has wrapped."""
    if hasattr(state, "opt_state"):
        raise TypeError(
            f"state is {layouts.with_article(type(state).__name__)}, which holds the state of an"
            f" optimizer. Pass its attribute opt_state; of an nnx.Optimizer that is"
            f" nnx.as_pure(optimizer.opt_state)."
        )
    for name, tree in (("state", state), ("params", params)):
        if any(map(is_variable, jax.tree.leaves(tree, is_leaf=is_variable))):
            raise TypeError(
                f"{name} has variables of flax.nnx in the place of arrays. Pass"
                f" nnx.as_pure(optimizer.opt_state) as the state and"
                f" nnx.as_pure(nnx.state(model, nnx.Param)) as the parameters."
            )


def is_variable(node: object) -> bool:
    """Whether a node is a variable of flax.nnx, which this package does not import."""
    return any(base.__module__ == "flax.nnx.variablelib" for base in type(node).__mro__)


def _need(steps: int | None, link: Link) -> int:
    if steps is None:
        raise ValueError(
            f"step is missing: the conversion of {link} needs the number of steps taken so far, and"
            f" the state has no count. Pass step=, for example from the training loop or the"
            f" checkpoint."
        )
    return steps


def _concrete(count: jax.Array) -> int:
    if isinstance(count, Tracer):
        raise TypeError(
            "the state is traced; a conversion reads its step count and makes trial steps. Call"
            " rmsprop.convert_state outside of jax.jit and jax.vmap, once, before training goes on."
        )
    if np.shape(count) != ():
        raise ValueError(
            f"a step count of the state has shape {np.shape(count)}; one number is expected."
            f" Convert the states of mapped models one by one."
        )
    return int(count)


def checked_step(step: object, name: str = "step") -> int:
    """A number of steps after its check.

    Raises:
        TypeError: It is no integer.
        ValueError: It is out of the range of a step count.
    """
    allowed = "it must be the number of steps taken so far, an integer from 0 to 2**31 - 1"
    if isinstance(step, bool):
        raise TypeError(f"{name} is {step!r}; {allowed}.")
    try:
        number = operator.index(step)  # pyright: ignore[reportArgumentType] (it may be an array)
    except TypeError:
        raise TypeError(f"{name} is {step!r}; {allowed}.") from None
    if not 0 <= number <= np.iinfo(np.int32).max:
        raise ValueError(f"{name} is {number}; {allowed}, the range of a step count.")
    return number
