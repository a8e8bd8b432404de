"""Which entry of a saved state belongs to which leaf, and the error that prints both sides."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from rmsprop._typing import Tree
from rmsprop.frameworks._leaves import Leaves, by_path, dotted
from rmsprop.frameworks._saved_arrays import Entries, Name, Turn
from rmsprop.frameworks._slots import Arrays

_MOST = 10  # lines of each kind in an error


def names_of(leaves: Leaves, names: Tree) -> list[Name] | None:
    """The name of each leaf, in the order of the leaves; None where they were not given."""
    if names is None:
        return None
    if isinstance(names, np.ndarray):
        names = names.tolist()
    flat = isinstance(names, Sequence) and not isinstance(names, str)
    if flat and all(isinstance(name, str | int | np.integer) for name in names):
        found = [*names]
    else:
        try:
            found = leaves.subtrees(names)
        except (ValueError, TypeError, KeyError):  # other containers of the same paths
            found = _by_path(leaves, names)
    found = [int(name) if isinstance(name, np.integer) else name for name in found]
    if len(found) != len(leaves.paths) or not all(
        isinstance(x, str | int) and not isinstance(x, bool) for x in found
    ):
        raise ValueError(
            f"names is {names!r}; it must be a tree with the structure of the parameters, or a"
            f" sequence in the order of their {len(leaves.paths)} leaves, of numbers or names:"
            f" {', '.join(leaves.paths[:_MOST])}."
        )
    return found


def numbers_in(order: Sequence[str] | None, name: Name, framework: str) -> Name:
    """The number of a name in the framework's order; a number as it is.

    Raises:
        ValueError: The order does not have it.
    """
    if order is None:
        return name
    if isinstance(name, str) and name in order:
        return [*order].index(name)
    if isinstance(name, str) or name >= len(order):
        raise ValueError(
            f"names has {name!r}, which the {len(order)} names of order do not have:"
            f" {', '.join(order[:_MOST])}. It must have all of {framework}'s, in its order."
        )
    return name


def _by_path(leaves: Leaves, names: Tree) -> list[Name]:
    """The names of a tree that has the paths of the leaves in containers of another kind."""
    own = by_path(names)
    paths = [dotted(keys) for keys in leaves.keys]
    return [own[path] for path in paths] if own.keys() == {*paths} else []


def paired(
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
    chosen = names_of(leaves, names)
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
            array = own[theirs]
            if to_ours is not None:
                try:
                    array = np.asarray(to_ours(name, array))
                except (ValueError, IndexError) as error:
                    failure = f", on which to_ours fails ({error})"
                    other.append(_pair(path, leaf, name, theirs, array) + failure)
                    continue
            arrays[ours].append(array)
            if np.iscomplexobj(array) and not jnp.iscomplexobj(leaf):
                other.append(f"{_pair(path, leaf, name, theirs, array)}, which is complex")
            if array.shape != np.shape(leaf):
                turned = "" if to_ours is None else f" after to_ours, {own[theirs].shape} before"
                other.append(_pair(path, leaf, name, theirs, array) + turned)
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


def _pair(path: str, leaf: jax.Array, name: Name, slot: str, array: np.ndarray) -> str:
    return f"{path} {np.shape(leaf)} and {name}: {slot} {array.shape}"


def _mismatch(missing: list[str], superfluous: list[str], other: list[str]) -> ValueError:
    """The error that prints both sides."""
    lines = ["the saved state does not fit the parameters."]
    for title, found in (
        ("parameters without an entry", missing),
        ("entries without a parameter", superfluous),
        ("a parameter and its entry of another shape or kind", other),
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
