"""Runs of a plane as a labelled dataset, as `rmsprop.study.maps.results` says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from rmsprop.study.maps.dials import number_of
from rmsprop.study.maps.plan import MapPlan
from rmsprop.study.maps.planes import Plane
from rmsprop.study.maps.tuning import TunedCells
from rmsprop.study.maps.verdicts import CellVerdict

# The cells that have the same number of steps, by their numbers, and what an optimizer did there.
Parts = Sequence[tuple[NDArray[np.intp], TunedCells]]


def labelled(
    plan: MapPlan,
    plane: Plane,
    tuned: Sequence[Parts],
    verdicts: Mapping[str, Sequence[CellVerdict]],
) -> xr.Dataset:
    """The dataset of a plane.

    Args:
        plan: What was asked for.
        plane: The plane.
        tuned: The parts of the plane for each optimizer.
        verdicts: The verdict of each cell under each line of schedules.
    """
    names = [optimizer.name for optimizer in plan.optimizers]
    rows: dict[str, tuple[tuple[str, ...], NDArray[Any]]] = {}
    cells = ("line", "y", "x")

    def of_verdicts(read: Callable[[CellVerdict], float | str]) -> NDArray[Any]:
        """One value of every verdict, by line and cell."""
        return np.array([[read(each) for each in verdicts[line]] for line in verdicts]).reshape(
            len(verdicts), *plane.shape
        )

    rows["ratio"] = cells, of_verdicts(lambda each: each.ratio.value)
    rows["low"] = cells, of_verdicts(lambda each: each.ratio.low)
    rows["high"] = cells, of_verdicts(lambda each: each.ratio.high)
    rows["p_value"] = cells, of_verdicts(lambda each: each.p_value)
    rows["adjusted_p_value"] = cells, of_verdicts(lambda each: each.adjusted)
    rows["plain_verdict"] = cells, of_verdicts(lambda each: each.plain)
    rows["verdict"] = cells, of_verdicts(lambda each: each.verdict)
    rows["winner"] = (
        cells,
        of_verdicts(lambda each: "" if each.winner is None else names[each.winner]),
    )
    shares = [of_verdicts(lambda each, i=i: each.diverged[i]) for i in range(2)]
    rows["diverged"] = ("optimizer", *cells), np.stack(shares)
    numbers = np.array([number_of(cell) for cell in plane.cells()])
    rows["number"] = ("y", "x"), numbers.reshape(plane.shape)
    rows |= _of_runs(plan, plane, tuned)
    return xr.Dataset(
        rows,
        {
            "line": [*verdicts],
            "schedule": [*plan.schedules],
            "optimizer": names,
            "y": [*plane.y_values],
            "x": [*plane.x_values],
            "seed": plan.reporting_seed_numbers,
        },
        {
            "x_dial": plane.x,
            "y_dial": plane.y,
            "base": json.dumps(dict(plane.base)),
            "tuning_seeds": plan.tuning_seeds,
        },
    )


def _of_runs(
    plan: MapPlan, plane: Plane, tuned: Sequence[Parts]
) -> dict[str, tuple[tuple[str, ...], NDArray[Any]]]:
    """The runs and how they were tuned, padded where an optimizer has fewer configurations."""
    count = plane.shape[0] * plane.shape[1]
    most = max(len(part.configurations) for parts in tuned for _, part in parts)
    shape = (len(tuned), len(plan.schedules), count)
    tried = np.zeros((len(tuned), count), np.int64)
    edges = np.full(shape, "", object)
    risk = np.full((*shape, most, plan.seeds), np.nan, np.float32)
    names = dict.fromkeys(name for optimizer in plan.optimizers for name in optimizer.names)
    values = {name: np.full((len(tuned), count, most), np.nan) for name in names}
    for number, parts in enumerate(tuned):
        for cells, part in parts:
            known = len(part.configurations)
            tried[number, cells] = known
            risk[number, :, cells, :known] = part.risks.swapaxes(0, 1)
            for place, name in enumerate(part.names):
                values[name][number, cells, :known] = part.configurations[:, place]
            for schedule, row in enumerate(part.edges):
                edges[number, schedule, cells] = [json.dumps(names) for names in row]
    cells, runs = ("y", "x"), ("optimizer", "schedule", "y", "x", "configuration", "seed")

    def by_cell(array: NDArray[Any], axis: int) -> NDArray[Any]:
        """An array with rows and columns in the place of its axis of cells."""
        return array.reshape(*array.shape[:axis], *plane.shape, *array.shape[axis + 1 :])

    points = ("optimizer", *cells, "configuration")
    return {
        "configurations": (("optimizer", *cells), by_cell(tried, 1)),
        "at_edge": (runs[:4], by_cell(edges, 2).astype(str)),
        "risk": (runs, by_cell(risk, 2)),
        **{name: (points, by_cell(column, 1)) for name, column in values.items()},
    }
