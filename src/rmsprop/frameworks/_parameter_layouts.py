"""Which leaf of a tree is which parameter of a framework, found by the names of both."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from rmsprop._typing import Tree
from rmsprop.frameworks._saved_arrays import Name, Turn, as_numpy
from rmsprop.frameworks._slots import Leaves


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
        """The framework's parameters, given in its order, as a tree of NumPy arrays.

        Raises:
            ValueError: Their number is another.
        """
        values = [np.array(as_numpy(array)) for array in arrays]  # copies of what still trains
        count = len(jax.tree.leaves(self.names))
        if len(values) != count:
            raise ValueError(
                f"arrays has {len(values)} arrays; it must have the {count} trained parameters in"
                f" the framework's order, without buffers such as running means."
            )
        return jax.tree.map(lambda number: self.to_ours(number, values[number]), self.names)

    def arrays(self, params: Tree) -> list[np.ndarray]:
        """The leaves of a tree in the framework's layout and order."""
        numbers, values = jax.tree.leaves(self.names), jax.tree.leaves(params)
        pairs = sorted(zip(numbers, values, strict=True), key=lambda pair: pair[0])
        return [self.to_theirs(number, np.asarray(value)) for number, value in pairs]


@dataclass(frozen=True)
class Place:
    """A leaf of the tree."""

    position: int
    last: str
    shape: tuple[int, ...]


def places_of(
    params: Tree,
    order: Sequence[str],
    renamed: Mapping[str, str] | None,
    endings: Mapping[str, tuple[str, ...]],
    *,
    exact: bool,
) -> dict[int, Place]:
    """By the number of the framework's parameter the leaf that it belongs to.

    Args:
        params: The tree.
        order: The framework's names.
        renamed: Modules whose names differ.
        endings: What the last part of a name may be on the other side.
        exact: Whether the whole name must agree, with dots, or its end, with slashes.
    """
    separator = "." if exact else "/"
    leaves = Leaves.of(params)
    places: dict[int, Place] = {}
    without: list[str] = []
    for position, keys in enumerate(leaves.keys):
        words = [_word(key) for key in keys]
        module = separator.join(words[:-1])
        module = (renamed or {}).get(module, module)
        wanted = [
            separator.join([part for part in (module, ending) if part])
            for ending in endings.get(words[-1], (words[-1],))
        ]
        numbers = [
            number
            for number, name in enumerate(order)
            if any(name == w or (not exact and name.endswith("/" + w)) for w in wanted)
        ]
        if len(numbers) != 1 or numbers[0] in places:
            without.append(f"{leaves.paths[position]}, sought as {' or '.join(wanted)}")
        else:
            shape = np.shape(leaves.values[position])
            places[numbers[0]] = Place(position, words[-1], shape)
    left = [name for number, name in enumerate(order) if number not in places]
    if without or left:
        raise ValueError(
            "the leaves and order do not belong together."
            f" Leaves without a name: {'; '.join(without[:10]) or 'none'}."
            f" Names without a leaf: {', '.join(left[:10]) or 'none'}."
            " Pass renamed={'name here': 'name there'} for modules whose names differ."
        )
    return places


def layout_of(params: Tree, places: Mapping[int, Place], to_ours: Turn, to_theirs: Turn) -> Layout:
    numbers = {leaf.position: number for number, leaf in places.items()}
    names = Leaves.of(params).tree([numbers[k] for k in range(len(numbers))])
    return Layout(names, to_ours, to_theirs)


@dataclass(frozen=True)
class Transposed:
    """A change of axes for some of the numbers."""

    numbers: set[int]
    change: Callable[[np.ndarray], np.ndarray]

    def __call__(self, name: Name, array: np.ndarray) -> np.ndarray:
        if isinstance(name, str):
            raise ValueError(
                f"a layout knows parameters by number, and names has {name!r}; pass layout.names."
            )
        return self.change(array) if name in self.numbers else array


def _word(key: object) -> str:
    """A key of a path without its brackets: of a dictionary, a sequence or an attribute."""
    for attribute in ("key", "name", "idx"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    return str(key)
