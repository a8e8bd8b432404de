"""The results of a map: one labelled dataset for each plane, saved, loaded, summed up.

The tree has a group for each plane, with the dimensions

* `y`, `x`: the values of the two dials, ascending; the attributes `y_dial` and `x_dial` name them;
* `line`: `own` for each optimizer under its own better schedule, then the schedules;
* `schedule`: of the learning rate, what each optimizer was tuned under;
* `optimizer`: the two, the first of which divides: a ratio above 1 says that it is better;
* `configuration`: the points of the grids, NaN for padding;
* `seed`: those that are reported.

`ratio`, `low` and `high` are the ratio of risks with its uncorrected 95 % interval, `p_value` and
`adjusted_p_value` what belongs to it before and after Holm's correction over the plane, `verdict`
what is left after the correction, `plain_verdict` what the interval says, `winner` the name of the
better one, or nothing.  `risk` holds all runs: infinite where one diverged.
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr

from rmsprop.study.lookup import suggestion
from rmsprop.study.maps.planes import Plane
from rmsprop.study.results import netcdf
from rmsprop.study.results.netcdf import FILE_NAME
from rmsprop.study.results.schema import names_of
from rmsprop.study.results.statistics import Ratio

# The number of what this module says, in every file. Raise it with any change to the meaning.
FORMAT = 1
KIND = "map"
_CELLS = ("line", "y", "x")
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "ratio": _CELLS,
    "low": _CELLS,
    "high": _CELLS,
    "p_value": _CELLS,
    "adjusted_p_value": _CELLS,
    "plain_verdict": _CELLS,
    "verdict": _CELLS,
    "winner": _CELLS,
    "diverged": ("optimizer", *_CELLS),
    "number": ("y", "x"),
    "configurations": ("optimizer", "y", "x"),
    "at_edge": ("optimizer", "schedule", "y", "x"),
    "learning_rate": ("optimizer", "y", "x", "configuration"),
    "risk": ("optimizer", "schedule", "y", "x", "configuration", "seed"),
}

# Those that a cell has one value of.
_OF_CELL = (*(name for name, dimensions in VARIABLES.items() if dimensions == _CELLS), "number")


@dataclass(frozen=True)
class Cell:
    """One cell of a plane under one line of schedules.

    Attributes:
        plane: The name of the plane.
        line: "own", or a schedule.
        dials: The value of every dial.
        number: Drift times shrinking over noise; NaN where it says nothing.
        ratio: The risk of the second optimizer over that of the first.
        p_value: Of the hypothesis that the ratio is 1.
        adjusted: The same after Holm's correction over the plane.
        plain_verdict: What the interval says, uncorrected.
        verdict: What is left after the correction.
        winner: The name of the better optimizer; empty where there is none.
        place: The row and the column.
    """

    plane: str
    line: str
    dials: Mapping[str, float]
    number: float
    ratio: Ratio
    p_value: float
    adjusted: float
    plain_verdict: str
    verdict: str
    winner: str
    place: tuple[int, int]


@dataclass(frozen=True, eq=False)
class MapResults:
    """The results of all planes.

    Attributes:
        tree: The results, one group per plane, as this module says. It is not to be changed.

    Raises:
        ValueError: the tree is no map.
    """

    tree: xr.DataTree

    def __post_init__(self) -> None:
        """Refuses what is no map."""
        attributes = self.tree.attrs
        if attributes.get("kind") != KIND or attributes.get("format") != FORMAT:
            raise ValueError(
                f"the results are no map of format {FORMAT}; make one with rmsprop map."
            )
        if not self.tree.children:
            raise ValueError("the results hold no plane.")
        for name in self.tree.children:
            dataset = self.tree[name].to_dataset()
            for variable, dimensions in VARIABLES.items():
                if variable not in dataset or dataset[variable].dims != dimensions:
                    raise ValueError(
                        f"plane {name} has no {variable} over {', '.join(dimensions)}; it was"
                        f" altered, or is no map of rmsprop."
                    )

    @classmethod
    def of(cls, planes: Mapping[str, xr.Dataset], attributes: Mapping[str, object]) -> Self:
        """Puts planes together.

        Args:
            planes: The dataset of each plane, by its name.
            attributes: Of the root: where the results come from.
        """
        tree = xr.DataTree.from_dict({f"/{name}": each for name, each in planes.items()})
        tree.attrs = {**attributes, "kind": KIND, "format": FORMAT}
        return cls(tree)

    @property
    def planes(self) -> tuple[str, ...]:
        """The names of the planes."""
        return tuple(self.tree.children)

    def plane(self, name: str) -> xr.Dataset:
        """The results of a plane.

        Raises:
            ValueError: there is no such plane.
        """
        if name not in self.planes:
            near = suggestion(name, self.planes)
            raise ValueError(f"plane {name!r} is not here; name {', '.join(self.planes)}.{near}")
        return self.tree[name].to_dataset()

    def definition(self, name: str) -> Plane:
        """The plane as it was asked for."""
        dataset = self.plane(name)
        x, y = dataset.attrs["x_dial"], dataset.attrs["y_dial"]
        values = (tuple(dataset[axis].values.tolist()) for axis in "xy")
        return Plane(name, x, next(values), y, next(values), json.loads(dataset.attrs["base"]))

    @property
    def optimizers(self) -> tuple[str, str]:
        """The names of the two optimizers."""
        first, second = names_of(self.plane(self.planes[0]), "optimizer")
        return first, second

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of schedules: "own" where there are several schedules, and each of them."""
        return names_of(self.plane(self.planes[0]), "line")

    @property
    def extent(self) -> dict[str, tuple[int, tuple[str, ...]]]:
        """The number of seeds and the names of the optimizers of each plane."""
        return {name: (self.plane(name).sizes["seed"], self.optimizers) for name in self.planes}

    def cells(self, name: str, line: str) -> list[Cell]:
        """The cells of a plane under one line of schedules, row by row.

        Args:
            name: The name of the plane.
            line: "own", or a schedule.

        Raises:
            ValueError: there is no such plane or line.
        """
        dataset = self.plane(name)
        if line not in self.lines:
            raise ValueError(f"line {line!r} is not here; name {', '.join(self.lines)}.")
        dials, view = self.definition(name).cells(), dataset.sel(line=line)
        of_each = {key: np.ravel(view[key].values).tolist() for key in _OF_CELL}
        columns = dataset.sizes["x"]
        cells = []
        for number, of_cell in enumerate(dials):
            at = {key: values[number] for key, values in of_each.items()}
            cells.append(
                Cell(
                    plane=name,
                    line=line,
                    dials=of_cell,
                    number=at["number"],
                    ratio=Ratio(at["ratio"], at["low"], at["high"]),
                    p_value=at["p_value"],
                    adjusted=at["adjusted_p_value"],
                    plain_verdict=at["plain_verdict"],
                    verdict=at["verdict"],
                    winner=at["winner"],
                    place=(number // columns, number % columns),
                )
            )
        return cells

    def save(self, folder: str | os.PathLike[str]) -> pathlib.Path:
        """Writes the results into a folder, as `results.nc`.

        Raises:
            WriteError: the file cannot be written.
        """
        file = pathlib.Path(folder) / FILE_NAME
        netcdf.write(self.tree, file)
        return file

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Reads the results of a folder, or of a file.

        Raises:
            FileNotFoundError: there are none.
            ValueError: they are damaged, or no map.
        """
        path = pathlib.Path(folder)
        return cls(netcdf.read(path / FILE_NAME if path.is_dir() else path))
