"""The planes of a map: two dials turned against each other, the others held."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from rmsprop.study import names
from rmsprop.study.lookup import suggestion
from rmsprop.study.maps.dials import DIALS, HORIZON, settings

_NOISES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_DRIFTS = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3)
_SHRINKINGS = (1.0, 3.0, 10.0, 100.0, 1000.0)
MOST_CELLS = 10_000


@dataclass(frozen=True)
class Plane:
    """Two dials turned against each other.

    Attributes:
        name: Its name, one word.
        x: The dial of the columns.
        x_values: The values of that dial, ascending.
        y: The dial of the rows.
        y_values: The values of that dial, ascending.
        base: The values of other dials; the default is none: each has its own default.

    Raises:
        TypeError: a name that is no text.
        ValueError: an unknown dial, one dial twice, or values that are out of range or not
            ascending.

    Example:
        >>> plane = Plane("mine", "noise", (0.1, 1.0), "drift", (0.0, 0.1), {"shrinking": 100.0})
        >>> [cell["noise"] for cell in plane.cells()]
        [0.1, 1.0, 0.1, 1.0]
    """

    name: str
    x: str
    x_values: tuple[float, ...]
    y: str
    y_values: tuple[float, ...]
    base: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses what could not be run, before a long job is begun."""
        names.check_task_name(self.name)
        turned = (self.x, self.y, *self.base)
        if len(set(turned)) < len(turned):
            raise ValueError(
                f"plane {self.name!r} has the dials {', '.join(turned)}; name each dial once."
            )
        settings({**dict.fromkeys(turned, 1.0), HORIZON: 10.0})  # refuses unknown names
        for axis in ("x", "y"):
            dial = DIALS[getattr(self, axis)]
            numbers = tuple(dial.check(value) for value in getattr(self, f"{axis}_values"))
            if not numbers or any(a >= b for a, b in itertools.pairwise(numbers)):
                raise ValueError(
                    f"{axis}_values of plane {self.name!r} is {numbers}; it must be ascending"
                    f" values of {dial.name}, one at least."
                )
            object.__setattr__(self, f"{axis}_values", numbers)  # the class is frozen
        if len(self.x_values) * len(self.y_values) > MOST_CELLS:
            raise ValueError(
                f"plane {self.name!r} has {len(self.x_values)} by {len(self.y_values)} cells; it"
                f" must have at most {MOST_CELLS:,}."
            )
        object.__setattr__(self, "base", MappingProxyType(dict(self.base)))
        settings(self.base)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return len(self.y_values), len(self.x_values)

    def cells(self) -> list[dict[str, float]]:
        """The values of all dials in each cell, row by row."""
        return [
            settings({**self.base, self.y: y, self.x: x})
            for y in self.y_values
            for x in self.x_values
        ]


_PLANES = (
    Plane("sparsity-noise", "noise", _NOISES, "sparsity", (1.0, 3.0, 10.0, 30.0, 100.0)),
    Plane("drift-noise", "noise", _NOISES, "drift", _DRIFTS),
    Plane("shrinking-noise", "noise", _NOISES, "shrinking", _SHRINKINGS),
    Plane("shrinking-drift", "drift", _DRIFTS, "shrinking", _SHRINKINGS),
    Plane(
        "rotation-condition",
        "condition",
        (1.0, 10.0, 100.0, 1000.0, 10_000.0),
        "rotation",
        (0.0, 5.0, 15.0, 30.0, 45.0),
    ),
    Plane("horizon-noise", "noise", _NOISES, HORIZON, (100.0, 200.0, 400.0, 800.0, 1600.0)),
    Plane(
        "multiplicative-drift",
        "drift",
        _DRIFTS,
        "multiplicative",
        (0.0, 0.3, 1.0, 3.0, 10.0),
        {"noise": 0.0},
    ),
)
PLANES: Mapping[str, Plane] = MappingProxyType({plane.name: plane for plane in _PLANES})
DEFAULT_PLANES = ("sparsity-noise", "drift-noise", "shrinking-noise", "shrinking-drift")


def planes_of(chosen: str | Iterable[str | Plane]) -> list[Plane]:
    """The planes that are named.

    Args:
        chosen: The names of planes, or planes; "all" for those of `PLANES`.

    Raises:
        TypeError: something else than names and planes.
        ValueError: there is no such plane, two have one name, or there is none.
    """
    if chosen == "all":
        return [*PLANES.values()]
    each: Sequence[str | Plane] = [chosen] if isinstance(chosen, (str, Plane)) else [*chosen]
    if not each:
        raise ValueError(f"there is no plane; name at least one of {', '.join(PLANES)}.")
    planes = []
    for one in each:
        if isinstance(one, str) and one not in PLANES:
            near = suggestion(one, PLANES)
            raise ValueError(
                f"plane {one!r} is unknown; choose of {', '.join(PLANES)}, or all.{near}"
            )
        if not isinstance(one, (str, Plane)):
            raise TypeError(f"planes holds {names.excerpt(one)}; give names of planes, or Plane.")
        planes.append(PLANES[one] if isinstance(one, str) else one)
    twice = sorted({x.name for x in planes if [y.name for y in planes].count(x.name) > 1})
    if twice:
        raise ValueError(f"plane {', '.join(twice)} is named twice; name each once.")
    return planes
