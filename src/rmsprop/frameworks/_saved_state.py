"""What a framework has saved as the state of a port, and the other way round.

A framework's module reads its own containers into `Entries` and writes them from `Entries`; what
belongs to all of them stands here: the way from entries to a state and back, the number of steps,
and the comparison of options.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.core import Tracer

from rmsprop._conversion import checked_step, convert_state
from rmsprop._layouts import misfit
from rmsprop._typing import Tree
from rmsprop.frameworks import _slots as slots_
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer
from rmsprop.frameworks._leaves import Leaves
from rmsprop.frameworks._pairing import names_of, paired
from rmsprop.frameworks._saved_arrays import Entries, Name, Turn, as_numpy, number_of
from rmsprop.frameworks._slots import SQUARES, Counts


def imported(
    optimizer: FrameworkOptimizer,
    params: Tree,
    entries: Entries,
    slots: Mapping[str, str],
    *,
    names: Tree,
    to_ours: Turn | None,
    steps: int | None,
    new: optax.GradientTransformation | None,
    per_step: int = 1,
    may_lack: bool = False,
    negated: Sequence[str] = (),
    spare: Sequence[str] = (),
) -> Tree:
    """The state of a port that goes on from what was saved.

    Args:
        optimizer: The port.
        params: The parameters.
        entries: What was saved.
        slots: The slots that the framework has for these options, by its own names of them.
        names: Which entry belongs to which leaf.
        to_ours: The layout of the leaf from that of the entry.
        steps: The number of calls so far; None where the framework does not save it.
        new: The optimizer that goes on, where it is another one.
        per_step: The number of calls that make one step.
        may_lack: Whether a parameter that `entries.arrays` does not have never had a gradient.
        negated: Names of slots that have the other sign here.
        spare: Names of slots that the framework always has, and that these options do not use.
    """
    refuse_traced(params)
    template = optimizer.init(params)
    leaves = Leaves.of(params)
    counted = slots_.counts_anything(template)
    steps = None if steps is None else checked_step(steps)
    if steps is None and counted:
        raise ValueError(
            f"step is missing: {optimizer.convention.name} counts steps with these options, and"
            f" the framework does not save how many were taken. Pass step=, for example from the"
            f" training loop."
        )
    arrays = paired(
        leaves, _signed(entries, negated), slots, names, to_ours, may_lack=may_lack, spare=spare
    )
    _check_squares(arrays, leaves)
    counts = None if steps is None else Counts(steps, per_step)
    state = slots_.filled(template, leaves, arrays, counts)
    if new is None:
        return state
    if not isinstance(new, optax.GradientTransformation):
        raise TypeError(
            f"new is {type(new).__name__}; it must be an optimizer, such as rmsprop.rmsprop(0.1)."
        )
    _check_complex(optimizer, params, new)
    # The calls that Keras counts for its averages are no count for the schedule of `new`.
    is_counted = "count" in slots_.counts_of(template)
    step = None if steps is None or is_counted else steps // per_step
    return convert_state(state, params, optimizer, new, step=step)


def _check_complex(
    optimizer: FrameworkOptimizer, params: Tree, new: optax.GradientTransformation
) -> None:
    """Refuses to convert between squares of real and imaginary parts and those of the modulus.

    Raises:
        ValueError: Only one of the two optimizers keeps the parts apart.
    """
    if not any(map(jnp.iscomplexobj, Leaves.of(params).values)):
        return
    is_apart = {
        f"`{name}`": any(
            map(_is_split, jax.tree.leaves(jax.eval_shape(x.init, params), is_leaf=_is_split))
        )
        for name, x in (("optimizer", optimizer), ("new", new))
    }
    if len({*is_apart.values()}) == 2:
        one, other = sorted(is_apart, key=is_apart.__getitem__, reverse=True)
        raise ValueError(
            f"saved cannot be converted: {one} squares real and imaginary parts of complex leaves"
            f" apart, and {other} squares the modulus. Go on with an optimizer that does the same."
        )


def _is_split(node: object) -> bool:
    return type(node).__name__ == "SplitRealAndImaginaryState"


def exported(
    optimizer: FrameworkOptimizer,
    state: Tree,
    params: Tree,
    slots: Mapping[str, str],
    *,
    names: Tree,
    to_theirs: Turn | None,
    negated: Sequence[str] = (),
) -> Entries:
    """What a framework would have saved, in the order of its parameters, as arrays of its own."""
    refuse_traced(params, state)
    check_state(optimizer, state, params)
    leaves = Leaves.of(params)
    chosen: list[Name] = names_of(leaves, names) or [*range(len(leaves.paths))]
    double = [name for name in chosen if chosen.count(name) > 1]
    if double:
        raise ValueError(f"names has {double[0]!r} for two leaves; every leaf has one of its own.")
    held = slots_.arrays_of(state, leaves)
    _check_shapes(held, leaves)
    arrays: dict[Name, dict[str, np.ndarray]] = {}
    for position, name in enumerate(chosen):
        own = {theirs: held[ours][position] for theirs, ours in slots.items() if ours in held}
        arrays[name] = {
            slot: np.array(x if to_theirs is None else to_theirs(name, x))
            for slot, x in own.items()
        }
    numbers = all(isinstance(name, int) for name in chosen)
    order = tuple(sorted(arrays) if numbers else arrays)  # pyright: ignore[reportArgumentType]
    return _signed(Entries(order, {name: arrays[name] for name in order}), negated)


def with_zeros(own: Mapping[str, np.ndarray], slots: Iterable[str]) -> dict[str, np.ndarray]:
    """The arrays of a parameter, and zeros for slots that a framework keeps and does not use."""
    first = next(iter(own.values()))
    return {slot: own[slot] if slot in own else np.zeros_like(first) for slot in slots}


def is_at_start(optimizer: FrameworkOptimizer, state: Tree, params: Tree) -> bool:
    """Whether a state is the one with which the optimizer begins."""
    pairs = zip(jax.tree.leaves(state), jax.tree.leaves(optimizer.init(params)), strict=True)
    return all(bool(jnp.all(one == two)) for one, two in pairs)


def refuse_traced(*trees: Tree) -> None:
    """Refuses what `jax.jit` traces.

    Raises:
        TypeError: An array is traced.
    """
    for leaf in jax.tree.leaves(trees):
        if isinstance(leaf, Tracer):
            raise TypeError(
                "the parameters or the state are traced. A run moves once, by values: call"
                " import_state and export_state outside of jax.jit, jax.vmap and jax.grad."
            )


def _check_squares(arrays: slots_.Arrays, leaves: Leaves) -> None:
    """Refuses averages or sums of squares that are negative, which another slot may be.

    Raises:
        ValueError: One is.
    """
    for path, array in zip(leaves.paths, arrays.get(SQUARES, ()), strict=False):
        if array is not None and bool(np.any((np.real(array) < 0) | (np.imag(array) < 0))):
            raise ValueError(
                f"what was saved as the squares of {path} has negative values, so that it is"
                f" something else: a mean, a momentum buffer, or accumulated gradients. Pass an"
                f" optimizer with the options of the run that was saved."
            )


def _check_shapes(held: Mapping[str, Sequence[np.ndarray]], leaves: Leaves) -> None:
    """Refuses a state of other parameters.

    Raises:
        ValueError: An array has another shape than its parameter.
    """
    for arrays in held.values():
        for path, leaf, array in zip(leaves.paths, leaves.values, arrays, strict=True):
            if array.shape != np.shape(leaf):
                raise ValueError(
                    f"the state has an array of shape {array.shape} for {path}, whose shape is"
                    f" {np.shape(leaf)}; pass the parameters that the optimizer trained."
                )


def _signed(entries: Entries, negated: Sequence[str]) -> Entries:
    """The entries with some slots of the other sign."""
    if not negated:
        return entries
    arrays = {
        name: {slot: -x if slot in negated else x for slot, x in own.items()}
        for name, own in entries.arrays.items()
    }
    return Entries(entries.order, arrays)


def steps_to_save(
    optimizer: FrameworkOptimizer, state: Tree, step: int | None, per_step: int = 1
) -> int:
    """The number of calls so far, which the state counts or the caller knows.

    Raises:
        ValueError: Neither does, or they differ.
    """
    step = None if step is None else checked_step(step)
    counts = slots_.counts_of(state)
    if "calls" in counts:
        counted = counts["calls"]
    elif "count" in counts:
        counted = counts["count"] * per_step + counts.get("position", 0)
    else:
        counted = None
    if counted is None and step is None:
        raise ValueError(
            f"step is missing: the framework saves the number of steps, and the state of"
            f" {optimizer.convention.name} does not count them with these options. Pass step=."
        )
    if None not in (counted, step) and counted != step:
        raise ValueError(f"step is {step}, but the state counts {counted}. Leave step out.")
    return int(step if counted is None else counted)  # pyright: ignore[reportArgumentType]


def check_port(optimizer: object, *functions: str) -> Convention:
    """The convention of a port, which must be one of these functions.

    Raises:
        TypeError: It is another optimizer.
    """
    if isinstance(optimizer, FrameworkOptimizer) and optimizer.convention.name in functions:
        return optimizer.convention
    calls = " or ".join(f"frameworks.{name}(...)" for name in functions)
    given = repr(optimizer) if isinstance(optimizer, FrameworkOptimizer) else type(optimizer)
    raise TypeError(
        f"optimizer is {given}; it must be {calls}, with the options of the run that is moved."
        f" Another optimizer to go on with is passed to import_state as new=."
    )


def check_state(optimizer: FrameworkOptimizer, state: Tree, params: Tree) -> None:
    """Refuses a state that is not one of the port.

    Raises:
        ValueError: The state has another structure.
    """
    clause = misfit(state, jax.eval_shape(optimizer.init, params))
    if clause is not None:
        raise ValueError(
            f"the state is not one of {optimizer.convention.name} with these options: {clause}."
            f" Pass the optimizer that made the state; the state of another one becomes its by"
            f" rmsprop.convert_state(state, params, old, new)."
        )


def check_options(
    function: str, where: str, saved: Mapping[str, Any], options: Mapping[str, object]
) -> None:
    """Refuses options of a port that are not those that were saved.

    Args:
        function: The port.
        where: What was saved: `param_groups[0]`.
        saved: The saved options; one that is missing there is not compared.
        options: Those of the port, by the same names.

    Raises:
        ValueError: They differ.
    """
    differences = [
        f"{name} is {saved[name]!r} in {where} and {value!r} in {function}"
        for name, value in options.items()
        if name in saved and not _equal(saved[name], value)
    ]
    if differences:
        raise ValueError(
            f"the optimizer is not the one that was saved: {'; '.join(differences)}. Pass the"
            f" saved options to {function}, and an optimizer with other options to go on with as"
            f" new=; check=False takes the state as it is."
        )


def _equal(saved: object, own: object) -> bool:
    if saved is None or own is None:  # an option that is off is None or 0
        return not saved and not own
    if isinstance(saved, bool) or isinstance(own, bool):
        return saved == own
    # A number that was float32 on one side is as good as its neighbours in float64.
    if isinstance(saved, str) or np.ndim(as_numpy(saved, "an option")) != 0:
        return False
    return bool(np.isclose(float(as_numpy(saved, "an option")), number_of(own), rtol=1e-6, atol=0))
