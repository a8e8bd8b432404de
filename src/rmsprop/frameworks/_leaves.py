"""The leaves of the user's tree that are trained, and where they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax

from rmsprop._conversion import is_variable
from rmsprop._trees import trained_dtype
from rmsprop._typing import Tree


@dataclass(frozen=True)
class Leaves:
    """The leaves of the user's tree that are trained, in their order.

    Attributes:
        paths: Where each is, as it is written in Python.
        keys: The keys of each path. A variable of flax.nnx is one leaf, without its attribute.
        values: The parameters themselves.
    """

    paths: tuple[str, ...]
    keys: tuple[tuple[object, ...], ...]
    values: tuple[jax.Array, ...]
    _treedef: Any  # JAX's class of it is no type for checkers
    _trained: tuple[int, ...]

    @classmethod
    def of(cls, params: Tree) -> "Leaves":
        """The trained leaves of a tree; what is no array is refused."""
        values, treedef = jax.tree.flatten(params)
        found = list(zip(_paths(params), values, strict=True))
        names = [jax.tree_util.keystr(path) for path, _ in found]
        trained = tuple(
            index
            for index, (_, leaf) in enumerate(found)
            if trained_dtype(leaf, lambda i=index: "parameter" + names[i]) is not None
        )
        return cls(
            tuple(names[i] for i in trained),
            tuple(found[i][0] for i in trained),
            tuple(found[i][1] for i in trained),
            treedef,
            trained,
        )

    def subtrees(self, tree: Tree) -> list[Tree]:
        """What a tree with the structure of the parameters has in the places of the leaves.

        Raises:
            ValueError: The tree has another structure.
            TypeError: Likewise.
            KeyError: Likewise.
        """
        every = self._treedef.flatten_up_to(tree)
        return [every[index] for index in self._trained]

    def tree(self, values: Sequence[Tree]) -> Tree:
        """A tree like the parameters with these leaves, and None for what is not trained."""
        every: list[Tree] = [None] * self._treedef.num_leaves
        for index, value in zip(self._trained, values, strict=True):
            every[index] = value
        return self._treedef.unflatten(every)

    def replaced(self, tree: Tree, subtrees: Sequence[Tree]) -> Tree:
        """The tree with other subtrees in the places of the leaves."""
        every = self._treedef.flatten_up_to(tree)
        for index, subtree in zip(self._trained, subtrees, strict=True):
            every[index] = subtree
        return self._treedef.unflatten(every)


def words_of(keys: Sequence[object]) -> list[str]:
    """The keys of a path without their brackets: of dictionaries, sequences and attributes."""
    return [
        next((str(getattr(key, x)) for x in ("key", "name", "idx") if hasattr(key, x)), str(key))
        for key in keys
    ]


def dotted(keys: Sequence[object]) -> str:
    """A path as PyTorch and MLX write it: `layers.0.weight`."""
    return ".".join(words_of(keys))


def by_path(tree: Tree) -> dict[str, Tree]:
    """The leaves of a tree by their paths, whatever its containers are."""
    return dict(zip(map(dotted, _paths(tree)), jax.tree.leaves(tree), strict=True))


def _paths(tree: Tree) -> list[tuple[object, ...]]:
    """The keys of the path of each leaf."""
    nodes = jax.tree_util.tree_flatten_with_path(tree, is_leaf=is_variable)[0]
    return [
        (*path, *(keys if len(below) > 1 or not is_variable(node) else ()))
        for path, node in nodes
        for below in [jax.tree_util.tree_flatten_with_path(node)[0]]
        for keys, _ in below
    ]
