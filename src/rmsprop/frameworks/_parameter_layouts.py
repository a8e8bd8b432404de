"""Which leaf of a tree is which parameter of a framework, found by the names of both."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from rmsprop._typing import Tree
from rmsprop.frameworks._leaves import Leaves, words_of
from rmsprop.frameworks._saved_arrays import Name, Turn, as_numpy


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

        Leaves that are not trained are None in it.

        Raises:
            ValueError: Their number is another.
        """
        values = [  # copies of what still trains
            np.array(as_numpy(array, f"arrays[{number}]")) for number, array in enumerate(arrays)
        ]
        count = len(jax.tree.leaves(self.names))
        if len(values) != count:
            raise ValueError(
                f"arrays has {len(values)} arrays; it must have the {count} trained parameters in"
                f" the framework's order, without buffers such as running means."
            )

        def turned(number: int) -> np.ndarray:
            try:
                return self.to_ours(number, values[number])
            except ValueError as error:
                raise ValueError(
                    f"arrays[{number}] of shape {values[number].shape} is not the parameter that"
                    f" belongs there ({error}). Pass all parameters in the framework's order."
                ) from None

        return jax.tree.map(turned, self.names)

    def arrays(self, params: Tree) -> list[np.ndarray]:
        """The trained leaves of a tree in the framework's layout and order.

        Raises:
            ValueError: The tree is another one than the layout was made for.
        """
        leaves, numbers = Leaves.of(params), jax.tree.leaves(self.names)
        if len(numbers) != len(leaves.values):
            raise ValueError(
                f"params has {len(leaves.values)} trained leaves, and the layout {len(numbers)}:"
                f" {', '.join(leaves.paths[:10])}. Pass the tree that the layout was made for."
            )
        pairs = sorted(zip(numbers, leaves.values, strict=True), key=lambda pair: pair[0])
        return [np.array(self.to_theirs(number, np.asarray(value))) for number, value in pairs]


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
        words = words_of(keys)
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
        return self.change(array) if _number(name) in self.numbers else array


@dataclass(frozen=True)
class Reshaped:
    """Another shape for some of the numbers."""

    shapes: Mapping[int, tuple[int, ...]]

    def __call__(self, name: Name, array: np.ndarray) -> np.ndarray:
        shape = self.shapes.get(_number(name))
        return array if shape is None else array.reshape(shape)


def _number(name: Name) -> int:
    if isinstance(name, str):
        raise ValueError(
            f"a layout knows parameters by number, and names has {name!r}; pass layout.names."
        )
    return name
