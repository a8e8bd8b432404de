"""The arguments that make a second call equal to a first one, found by trying them.

Whatever is tried is given to the port itself, and the convention that comes out is compared as a
whole.  What a remedy says is therefore true by construction, and no table of the arguments of every
port has to be kept beside the ports.
"""

import dataclasses
import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import cast

import jax
import numpy as np
import optax

from rmsprop._hyperparameters import Scalar
from rmsprop.frameworks._calls import Call, definitions
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer, is_zero
from rmsprop.frameworks._drift import Conversion, Remedy
from rmsprop.frameworks._gradients import Clipping

Changes = dict[str, object]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How conventions are compared with the first one.

    Attributes:
        first: The convention of the first call.
        axes: The fields in which a convention differs from it in a way that can matter.
        differs: Whether a convention differs from it in one field.
        companions: By field the fields that mean nothing without it, or another thing.
        drift: How far apart the first optimizer and another one are after the last step.
    """

    first: Convention
    axes: Callable[[Convention], list[str]]
    differs: Callable[[Convention, str], bool]
    companions: Mapping[str, tuple[str, ...]]
    drift: Callable[[FrameworkOptimizer], float]


def remedy(call: Call, first_call: Call | None, comparison: Comparison) -> Remedy | None:
    """What to set in a call so that its convention is the first one, and what then remains.

    Args:
        call: The second call.
        first_call: The first one, if it is known as a call.
        comparison: How conventions are compared.
    """
    if not isinstance(call.optimizer, FrameworkOptimizer):
        return None
    changes: Changes = {}
    axes, dead_ends = comparison.axes(call.optimizer.convention), set[str]()
    # Every step settles a field for good, so that the steps come to an end.
    while ahead := [axis for axis in axes if axis not in dead_ends]:
        axis = ahead[0]
        step = _step(call, changes, axis, comparison, first_call)
        if step is None:
            dead_ends.add(axis)
            continue
        changes |= step
        axes = comparison.axes(_convention(call, changes) or call.optimizer.convention)
        dead_ends = set()
    changes = _essentials(call, changes, comparison, axes)
    conversion: Conversion | None = None
    if "eps_in_sqrt" in axes:
        changes, conversion = _epsilon_in_its_place(call, changes, comparison, axes)
    optimizer = _optimizer(call, changes) or call.optimizer
    convention = optimizer.convention
    return Remedy(
        call.name,
        tuple(changes.items()),
        tuple(
            (axis, getattr(comparison.first, axis), getattr(convention, axis))
            for axis in comparison.axes(convention)
        ),
        optimizer,
        conversion,
    )


def _epsilon_in_its_place(
    call: Call, changes: Changes, comparison: Comparison, axes: list[str]
) -> tuple[Changes, Conversion | None]:
    """The changes with an epsilon for the second call's place of it, and how it is computed.

    A small moment is kept from zero at `eps` where epsilon is added to the root, and at `sqrt(eps)`
    where it stands under the root.  Under the root the square therefore has the effect of the first
    one.  Added to the root, the same number is nearer to the first where the moments are large, and
    its root where they are small: the one that drifts less is taken.
    """
    eps = comparison.first.eps
    if not comparison.first.eps_in_sqrt:
        return _with_epsilon(call, changes, comparison, axes, _short(eps**2), "square")
    converted, conversion = _with_epsilon(call, changes, comparison, axes, _short(eps**0.5), "root")
    drifts = [
        comparison.drift(_optimizer(call, each) or cast("FrameworkOptimizer", call.optimizer))
        for each in (changes, converted)
    ]
    return (converted, conversion) if drifts[1] < drifts[0] else (changes, None)


def _with_epsilon(
    call: Call,
    changes: Changes,
    comparison: Comparison,
    axes: list[str],
    eps: Scalar,
    conversion: Conversion,
) -> tuple[Changes, Conversion | None]:
    """The changes with another epsilon, and with no change of it where the call has it already.

    They are what they were, and there is no conversion, where no argument sets epsilon alone.
    """
    start = _convention(call, changes) or comparison.first
    for name in inspect.signature(call.function).parameters:
        without = {other: value for other, value in changes.items() if other != name}
        for trial in (without, changes | {name: eps}):
            convention = _convention(call, trial)
            if convention is None or np.float32(convention.eps) != np.float32(eps):
                continue
            others_after = set(comparison.axes(convention)) - {"eps"}
            if others_after <= {*axes} and _leaves_alone(convention, start, others_after):
                is_another = comparison.differs(convention, "eps")
                return trial, conversion if is_another else None
    return changes, None


def _step(
    call: Call,
    changes: Changes,
    axis: str,
    comparison: Comparison,
    first_call: Call | None,
) -> Changes | None:
    """The change of few arguments that settles a field and unsettles no other; or None.

    A change may unsettle another field if a second one settles that again: MXNet has a momentum of
    0.9 as soon as the second moment is centered.
    """
    start = _convention(call, changes) or comparison.first
    before = set(comparison.axes(start))
    allowed = before | set(comparison.companions.get(axis, ()))
    near_misses: list[tuple[Changes, set[str]]] = []
    for trials in _trials(call, axis, comparison.first, first_call):
        steps: list[tuple[int, Changes]] = []
        for trial in trials:
            convention = _convention(call, changes | trial)
            if convention is None or comparison.differs(convention, axis):
                continue
            after = set(comparison.axes(convention))
            if axis in after or not _leaves_alone(convention, start, before & after):
                continue
            if after <= allowed:
                steps.append((len(after), trial))
            elif len(trial) == 1:
                near_misses.append((trial, after - allowed))
        if steps:
            return min(steps, key=lambda step: step[0])[1]
    for trial, damage in near_misses:
        for other in sorted(damage):
            for name, value in _singles(call, other, comparison.first):
                both = {name: value} | trial
                convention = _convention(call, changes | both)
                if convention is not None and set(comparison.axes(convention)) <= allowed - {axis}:
                    return both
    return None


def _leaves_alone(convention: Convention, start: Convention, axes: set[str]) -> bool:
    """Whether fields that differ from the first convention before and after are left alone."""
    values = ((getattr(convention, axis), getattr(start, axis)) for axis in axes)
    return all(callable(x) or isinstance(x, tuple) or x == y for x, y in values)


def _trials(
    call: Call, axis: str, first: Convention, first_call: Call | None
) -> Iterator[Iterator[Changes]]:
    """What to try: the arguments of a first call of the same port, single ones, then pairs."""
    if first_call is not None and first_call.function is call.function:
        theirs = {
            name: first_call.arguments.get(name, parameter.default)
            for name, parameter in inspect.signature(call.function).parameters.items()
        }
        yield iter([{name: value} for name, value in theirs.items()])
        yield iter([theirs])
    singles = _singles(call, axis, first)
    yield ({name: value} for name, value in singles)
    yield (dict(pair) for pair in itertools.combinations(singles, 2) if pair[0][0] != pair[1][0])


def _singles(call: Call, axis: str, first: Convention) -> list[tuple[str, object]]:
    """Each argument of a port with each value that it may have to have for a field."""
    return [
        (name, value)
        for name, parameter in inspect.signature(call.function).parameters.items()
        if not isinstance(parameter.default, str)
        for value in _values(call, axis, first, parameter.default)
    ]


def _values(call: Call, axis: str, first: Convention, default: object) -> list[object]:
    """What an argument may have to be so that a field is the first one's."""
    if isinstance(default, bool):
        return [True, False]
    target = getattr(first, axis)
    if axis == "weight_decay_rule":
        target = first.weight_decay
    values: list[object] = [] if default is inspect.Parameter.empty else [default]
    if isinstance(target, Clipping):
        limit = _short(target.limit)
        values += [limit, *_objects(call, limit)]
        if target.lowest is not None:
            values += _objects(call, limit, _short(target.lowest))
    elif callable(target):
        values.append(target)
    elif target is None:
        values.append(0.0)
    elif not isinstance(target, bool | str | tuple):
        number = _short(cast("Scalar", target))  # all other fields hold numbers
        values += [number, *_objects(call, number)]
        if axis == "gradient_scale" and not is_zero(number):
            values.append(_short(1 / number))
    return values


def _objects(call: Call, *numbers: Scalar) -> list[object]:
    """The objects that a framework makes of numbers for its arguments, such as `L2Decay(0.1)`."""
    module = inspect.getmodule(call.function)
    objects = []
    for kind in definitions(module, inspect.isclass).values() if module else ():
        try:
            objects.append(kind(*numbers))
        except (TypeError, ValueError):
            continue
    return objects


def _short(number: Scalar) -> Scalar:
    """The shortest number that is the same in float32, in which conventions are compared."""
    if isinstance(number, jax.Array):
        return number
    for digits in range(1, 17):
        short = float(f"{number:.{digits}g}")
        if np.float32(short) == np.float32(number):
            return short
    return number


def _optimizer(call: Call, changes: Changes) -> FrameworkOptimizer | None:
    """What the port returns with other arguments; None where it refuses them."""
    try:
        optimizer: optax.GradientTransformation = call.function(**call.arguments | changes)
    except (TypeError, ValueError):
        return None
    return optimizer if isinstance(optimizer, FrameworkOptimizer) else None


def _convention(call: Call, changes: Changes) -> Convention | None:
    optimizer = _optimizer(call, changes)
    return None if optimizer is None else optimizer.convention


def _essentials(call: Call, changes: Changes, comparison: Comparison, axes: list[str]) -> Changes:
    """The changes without those that change nothing."""
    for name in [*changes]:
        fewer = {other: value for other, value in changes.items() if other != name}
        convention = _convention(call, fewer)
        if convention is not None and set(comparison.axes(convention)) == set(axes):
            changes = fewer
    return changes
