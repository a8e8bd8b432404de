"""What a framework has saved, paired with the leaves of the user's tree, and the other way round.

A framework's module reads its own containers into `Entries` and writes them from `Entries`; what
belongs to all of them stands here: which entry belongs to which leaf, the layouts of arrays, and
the one error that prints both sides.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import numpy as np
import optax

from rmsprop._conversion import convert_state
from rmsprop._layouts import misfit
from rmsprop._typing import Tree
from rmsprop.frameworks import _slots as slots_
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer
from rmsprop.frameworks._slots import Arrays, Counts, Leaves

Name: TypeAlias = str | int
"""What a framework calls a parameter: its number or its name."""

Turn: TypeAlias = Callable[[Name, np.ndarray], np.ndarray]
"""`(name, array) -> array`: an array of one layout in another."""

_MOST = 10  # lines of each kind in an error


@dataclass(frozen=True)
class Entries:
    """What a framework keeps for its parameters.

    Attributes:
        order: The names of its parameters in its order.
        arrays: By the name of the parameter, and by the framework's name of the slot, an array.
    """

    order: tuple[Name, ...]
    arrays: Mapping[Name, Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Layout:
    """How the parameters of a framework stand in a tree of another library.

    Its attributes are arguments of `import_state` and `export_state`.

    Attributes:
        names: A tree like the parameters, with the number of each in the framework's order.
        to_ours: `(number, array) -> array` from the framework's layout to that of the tree.
        to_theirs: `(number, array) -> array` back.
    """

    names: Tree
    to_ours: Turn
    to_theirs: Turn

    def params(self, arrays: Iterable[Any]) -> Tree:
        """The framework's parameters, given in its order, as a tree of NumPy arrays."""
        values = [as_numpy(array) for array in arrays]
        return jax.tree.map(lambda number: self.to_ours(number, values[number]), self.names)

    def arrays(self, params: Tree) -> list[np.ndarray]:
        """The leaves of a tree in the framework's layout and order."""
        numbers, values = jax.tree.leaves(self.names), jax.tree.leaves(params)
        pairs = sorted(zip(numbers, values, strict=True), key=lambda pair: pair[0])
        return [self.to_theirs(number, np.asarray(value)) for number, value in pairs]


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
    template = optimizer.init(params)
    leaves = Leaves.of(params)
    counted = slots_.counts_anything(template)
    if steps is None and counted:
        raise ValueError(
            f"step is missing: {optimizer.convention.name} counts steps with these options, and"
            f" the framework does not save how many were taken. Pass step=, for example from the"
            f" training loop."
        )
    arrays = _paired(
        leaves, _signed(entries, negated), slots, names, to_ours, may_lack=may_lack, spare=spare
    )
    counts = None if steps is None else Counts(steps, per_step)
    state = slots_.filled(template, leaves, arrays, counts)
    if new is None:
        return state
    step = None if counted or steps is None else steps
    return convert_state(state, params, optimizer, new, step=step)


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
    """What a framework would have saved, in the order of its parameters."""
    check_state(optimizer, state, params)
    leaves = Leaves.of(params)
    chosen: list[Name] = _names(leaves, names) or [*range(len(leaves.paths))]
    double = [name for name in chosen if chosen.count(name) > 1]
    if double:
        raise ValueError(f"names has {double[0]!r} for two leaves; every leaf has one of its own.")
    held = slots_.arrays_of(state, leaves)
    arrays: dict[Name, dict[str, np.ndarray]] = {}
    for position, name in enumerate(chosen):
        own = {theirs: held[ours][position] for theirs, ours in slots.items() if ours in held}
        arrays[name] = {
            slot: x if to_theirs is None else np.asarray(to_theirs(name, x))
            for slot, x in own.items()
        }
    numbers = all(isinstance(name, int) for name in chosen)
    order = tuple(sorted(arrays) if numbers else arrays)  # pyright: ignore[reportArgumentType]
    return _signed(Entries(order, {name: arrays[name] for name in order}), negated)


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


def as_numpy(array: Any) -> np.ndarray:  # noqa: ANN401 (of any framework)
    """An array of any framework as NumPy's, bfloat16 of PyTorch as float32."""
    if hasattr(array, "detach"):  # a tensor of PyTorch
        array = array.detach().cpu().resolve_conj()
        if str(array.dtype) == "torch.bfloat16":
            array = array.float()
    if hasattr(array, "asnumpy"):  # of MXNet
        return array.asnumpy()
    if hasattr(array, "numpy"):
        return np.asarray(array.numpy())
    return np.asarray(array)


def number_of(value: object, steps: int = 0) -> float | bool | int:
    """A hyper-parameter as Python's number: of a schedule the value after so many steps."""
    if callable(value):
        value = value(steps)
    if isinstance(value, bool | int | float):
        return value
    return np.asarray(value).item()


def refuse_file(saved: object, sentence: str) -> None:
    """Refuses a path where the framework's files would be executed.

    Raises:
        TypeError: `saved` is a path.
    """
    if isinstance(saved, str | os.PathLike):
        raise TypeError(f"saved is the path {os.fspath(saved)!r}. {sentence}")


def read_npz(saved: Any, sentence: str) -> Mapping[str, Any]:  # noqa: ANN401 (see `import_state`)
    """Arrays by name: a mapping as it is, and the content of an `.npz` file.

    Raises:
        TypeError: `saved` is neither.
    """
    if isinstance(saved, str | os.PathLike):
        if not os.fspath(saved).endswith(".npz"):
            refuse_file(saved, sentence)
        with np.load(saved, allow_pickle=False) as file:
            return dict(file)
    if not isinstance(saved, Mapping):
        raise TypeError(f"saved is {type(saved).__name__}; it must map names to arrays. {sentence}")
    return saved


def by_ending(saved: Mapping[str, Any], endings: Mapping[str, str]) -> Entries:
    """Entries from arrays whose names are that of a parameter and that of a slot.

    Args:
        saved: The arrays by name. Those with another ending are passed over.
        endings: By the name of the slot, how a name ends.
    """
    arrays: dict[Name, dict[str, np.ndarray]] = {}
    for key, array in saved.items():
        for slot, ending in endings.items():
            if key.endswith(ending):
                arrays.setdefault(key.removesuffix(ending), {})[slot] = as_numpy(array)
    return Entries(tuple(arrays), arrays)


def _equal(saved: object, own: object) -> bool:
    if saved is None or own is None:  # an option that is off is None or 0
        return not saved and not own
    if isinstance(saved, bool) or isinstance(own, bool):
        return saved == own
    # A number that was float32 on one side is as good as its neighbours in float64.
    return bool(np.isclose(float(as_numpy(saved)), number_of(own), rtol=1e-6, atol=0))


def _names(leaves: Leaves, names: Tree) -> list[Name] | None:
    """The name of each leaf, in the order of the leaves; None where they were not given."""
    if names is None:
        return None
    flat = isinstance(names, Sequence) and not isinstance(names, str)
    if flat and all(isinstance(name, str | int) for name in names):
        found = [*names]
    else:
        try:
            found = leaves.subtrees(names)
        except (ValueError, TypeError, KeyError):
            found = []
    if len(found) != len(leaves.paths) or not all(isinstance(x, str | int) for x in found):
        raise ValueError(
            f"names is {names!r}; it must be a tree with the structure of the parameters, or a"
            f" sequence in the order of their {len(leaves.paths)} leaves, of numbers or names:"
            f" {', '.join(leaves.paths[:_MOST])}."
        )
    return found


def _paired(
    leaves: Leaves,
    entries: Entries,
    slots: Mapping[str, str],
    names: Tree,
    to_ours: Turn | None,
    *,
    may_lack: bool,
    spare: Sequence[str],
) -> Arrays:
    """By the slot the array of each leaf.

    Raises:
        ValueError: Entries are missing, superfluous or have another shape.
    """
    chosen = _names(leaves, names)
    if chosen is None:
        chosen = [*entries.order[: len(leaves.paths)]]
    missing, other = [], []
    known = {*entries.order}
    for position, (path, leaf) in enumerate(zip(leaves.paths, leaves.values, strict=True)):
        if position >= len(chosen):
            missing.append(f"{path} {np.shape(leaf)}")
        elif chosen[position] not in known:
            missing.append(f"{path} {np.shape(leaf)}, for which names has {chosen[position]!r}")
    arrays: dict[str, list[np.ndarray | None]] = {slot: [] for slot in slots.values()}
    for path, leaf, name in zip(leaves.paths, leaves.values, chosen, strict=False):
        own = entries.arrays.get(name, {})
        for theirs, ours in slots.items():
            if theirs not in own:
                arrays[ours].append(None)
                if name in known and (name in entries.arrays or not may_lack):
                    missing.append(f"{path} {np.shape(leaf)}: {name} has no {theirs}")
                continue
            array = own[theirs] if to_ours is None else np.asarray(to_ours(name, own[theirs]))
            arrays[ours].append(array)
            if array.shape != np.shape(leaf):
                turned = "" if to_ours is None else f" after to_ours, {own[theirs].shape} before"
                other.append(f"{path} {np.shape(leaf)} and {name}: {theirs} {array.shape}{turned}")
    superfluous = [
        f"{name} ({', '.join(f'{slot} {x.shape}' for slot, x in own.items()) or 'never trained'})"
        for name in entries.order
        for own in [entries.arrays.get(name, {})]
        if name not in chosen
    ] + [
        f"{name}: {slot}, which the optimizer does not have with these options"
        for name in entries.order
        for slot in entries.arrays.get(name, {})
        if name in chosen and slot not in slots and slot not in spare
    ]
    double = [f"{name} for two leaves" for name in {*chosen} if chosen.count(name) > 1]
    if missing or superfluous or other or double:
        raise _mismatch(missing, superfluous + double, other)
    return arrays


def _mismatch(missing: list[str], superfluous: list[str], other: list[str]) -> ValueError:
    """The error that prints both sides."""
    lines = ["the saved state does not fit the parameters."]
    for title, found in (
        ("parameters without an entry", missing),
        ("entries without a parameter", superfluous),
        ("a parameter and its entry of another shape", other),
    ):
        if found:
            lines += [f"{title}:", *(f"    {line}" for line in found[:_MOST])]
        if len(found) > _MOST:
            lines.append(f"    and {len(found) - _MOST} more")
    lines.append(
        "Pass names, which says for each leaf which entry is its (the default is the order of the"
        " leaves), and to_ours, which turns an array to the layout of the leaf."
    )
    return ValueError("\n".join(lines))
