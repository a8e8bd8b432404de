"""What the state of an optimizer consists of: links of chains, wrappers, and trees of arrays.

A *link* is the state of one transformation of a chain.  Those that the optimizers of this package
are made of are known by the names of their classes, which are Optax's names too; every other named
tuple is a wrapper, whose fields are states again, or a transformation that this package knows
nothing of.  The nesting of chains and the links without content (`optax.EmptyState`) mean nothing:
two states consist of the same parts where their links with content are the same.
"""

import copy
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import numpy as np

from rmsprop._typing import Tree

MOMENTS = "second moments"
MOMENTUM = "momentum"
SCHEDULE = "schedule"
KNOWN = (MOMENTS, MOMENTUM, SCHEDULE)

# The fields of the squares; a mean in the field `mu` may stand beside them.
SQUARES = ("nu", "var", "sum_of_squares")

_KINDS = {
    "ScaleByRmsState": MOMENTS,
    "ScaleByRmsWithCountState": MOMENTS,
    "ScaleByStddevState": MOMENTS,
    "ScaleByStddevWithCountState": MOMENTS,
    "ScaleByRStdDevState": MOMENTS,
    "ScaleByRStdDevWithCountState": MOMENTS,
    "ScaleByRssState": MOMENTS,
    "ScaleByRssWithCountState": MOMENTS,
    "TraceState": MOMENTUM,
    "TraceWithCountState": MOMENTUM,
    "ScaleByScheduleState": SCHEDULE,
}

RESTORE = (
    "a checkpoint was restored without a target; restore it with optimizer.init(params) as the"
    " target, which gives the containers back"
)

Path = tuple[str, ...]


class Link(NamedTuple):
    """The state of one transformation, and its place in the state of the optimizer.

    Attributes:
        path: The way to it, as it is written in Python: `("[0]", ".inner_state")`.
        state: The state, which is no chain and has content.
    """

    path: Path
    state: Tree

    @property
    def kind(self) -> str:
        """What the state is: one of the three kinds above, the name of its class, or "arrays"."""
        name = type(self.state).__name__
        is_container = is_named(self.state) or isinstance(self.state, dict | list)
        return _KINDS.get(name, name if is_container else "arrays")

    def __str__(self) -> str:
        """The class and the place, for messages."""
        return f"{type(self.state).__name__} at state{''.join(self.path)}"


def is_named(node: object) -> bool:
    """Whether a node is a named tuple, as the states of transformations are."""
    return isinstance(node, tuple) and hasattr(node, "_fields")


def links(state: Tree, path: Path = ()) -> list[Link]:
    """The links with content of a chain, those of chains in it included, in their order."""
    if _is_nesting(state):
        parts = children(state).items()
        return [link for key, part in parts for link in links(part, (*path, key))]
    if state is None or (is_named(state) and not state._fields):
        return []
    return [Link(path, state)]


def replace_links(state: Tree, states: dict[Path, Tree], path: Path = ()) -> Tree:
    """The chain with other states in the places of its links."""
    if path in states:
        return states[path]
    if _is_nesting(state):
        parts = children(state).items()
        new = {key: replace_links(part, states, (*path, key)) for key, part in parts}
        return with_children(state, new)
    return state


def _is_nesting(state: Tree) -> bool:
    """Whether a node only holds links: a chain, or Optax's wrapper for complex leaves.

    With that wrapper the arrays of a real leaf are what they are without it.
    """
    is_chain = isinstance(state, tuple) and not is_named(state)
    return is_chain or type(state).__name__ == "SplitRealAndImaginaryState"


def children(node: Tree) -> dict[str, Tree]:
    """The parts of a wrapper's state or a chain's by their keys; a tree of arrays has none."""
    if is_named(node):
        return {f".{name}": getattr(node, name) for name in node._fields}
    if isinstance(node, tuple | list):
        return {f"[{i}]": child for i, child in enumerate(node)}
    if isinstance(node, dict):
        return {f"[{key!r}]": child for key, child in node.items()}
    return {}


def with_children(node: Tree, parts: dict[str, Tree]) -> Tree:
    """The node with other parts, in the order of `children`."""
    if is_named(node):
        return type(node)(*parts.values())
    if isinstance(node, dict):
        new = copy.copy(node)
        new.update(zip(node, parts.values(), strict=True))
        return new
    return type(node)(parts.values())


def map_known_links(function: Callable[[Link], Tree], state: Tree, path: Path = ()) -> Tree:
    """The state with every link of a known kind replaced, wherever it is."""
    if type(state).__name__ in _KINDS:
        return function(Link(path, state))
    parts = children(state)
    if not parts:
        return state
    new = {key: map_known_links(function, part, (*path, key)) for key, part in parts.items()}
    return with_children(state, new)


def node_at(state: Tree, path: Path) -> Tree:
    """The part of a state at a path."""
    for key in path:
        state = children(state)[key]
    return state


def squares_field(link: Link) -> str:
    """The name of the field that holds the squares of a link of the kind `MOMENTS`."""
    return next(name for name in SQUARES if name in link.state._fields)


def counts(state: Tree) -> Iterator[Tree]:
    """The step counts of the known links of a chain, but not of what its wrappers hold."""
    for link in links(state):
        if link.kind in KNOWN and "count" in link.state._fields:
            yield link.state.count


def misfit(state: Tree, template: Tree, path: str = "state") -> str | None:
    """Where a state differs from what an optimizer's `init` makes, as a clause; or None.

    Classes of other names and equal fields are equal where they are of the same kind, so that the
    states of Optax fit. The leaves may have any shape and dtype.
    """
    if isinstance(template, tuple) and not isinstance(state, tuple):
        if isinstance(state, dict | list):
            return (
                f"{path} is {with_article(type(state).__name__)} where"
                f" {with_article(_name(template))} belongs: {RESTORE}"
            )
        return f"{path} is {_name(state)} where {_name(template)} belongs"
    if is_named(template) or is_named(state):
        fields = getattr(state, "_fields", None)
        same_fields = fields == getattr(template, "_fields", None)
        if not same_fields or (fields and Link((), state).kind != Link((), template).kind):
            return f"{path} is {_name(state)} where {_name(template)} belongs"
    parts, expected = children(state), children(template)
    if not parts and not expected:
        if jax.tree.structure(state) == jax.tree.structure(template):
            return None
        return f"{path} has another structure than the parameters"
    if parts.keys() != expected.keys():
        return f"{path} has the parts {list_keys(parts)} where {list_keys(expected)} belong"
    clauses = (misfit(parts[key], expected[key], path + key) for key in expected)
    return next((clause for clause in clauses if clause is not None), None)


def _name(node: Tree) -> str:
    """The class of a node, with its fields or the number of its elements."""
    if is_named(node):
        fields = f" with {', '.join(node._fields)}" if node._fields else ""
        return f"{type(node).__name__}{fields}"
    if isinstance(node, tuple | list):
        return f"{type(node).__name__} of {len(node)}"
    if hasattr(node, "dtype"):
        return f"array of shape {np.shape(node)}"
    return type(node).__name__


def with_article(name: str) -> str:
    """The name of a class as it stands in a sentence: `a dict`, `an EmptyState`."""
    return f"{'an' if name[:1].upper() in 'AEIOU' else 'a'} {name}"


def list_keys(parts: dict[str, Tree]) -> str:
    """The first keys of the parts of a node, for messages."""
    first = ", ".join([*parts][:4]) or "none"
    return first + (", ..." if len(parts) > 4 else "")


def refusal(reason: str, remedy: str) -> ValueError:
    """The error of a state that has no meaning for the other optimizer."""
    return ValueError(f"the state cannot be converted: {reason}. {remedy}")


def pairs(old: Link, new: Link) -> Iterator[tuple[Link | None, Link]]:
    """The links of a part of the new state, each with the old one that it goes on from, or None.

    Links of one kind belong together in their order. Counts come first, because the rest may need
    them.
    """
    by_kind: dict[str, tuple[list[Link], list[Link]]] = {SCHEDULE: ([], [])}
    for side, part in enumerate((old, new)):
        for link in links(part.state, part.path):
            by_kind.setdefault(link.kind, ([], []))[side].append(link)
    # Of several things that one state lacks, a wrapper says more than what it wraps.
    for kind, (before, after) in sorted(by_kind.items(), key=lambda item: item[0] in KNOWN):
        may_begin = kind == SCHEDULE or (kind == MOMENTUM and not (before and after))
        if len(before) != len(after) and not may_begin:
            raise _unpaired(before, after)
    for before, after in by_kind.values():
        if len(before) == len(after):
            yield from zip(before, after, strict=True)
        else:
            yield from ((None, link) for link in after)


def _unpaired(before: list[Link], after: list[Link]) -> ValueError:
    """The error where one state has more links of a kind than the other."""
    names = ("the state", "`new`")
    owner, other = names if len(before) > len(after) else names[::-1]
    link = max(before, after, key=len)[-1]
    return refusal(
        f"{owner} has {link}, and {other} has nothing that belongs to it",
        "Use the same transformations and wrappers in both optimizers, except for learning rate"
        " and momentum.",
    )
