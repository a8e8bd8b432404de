"""Making a map: the planes one after the other, each over all cores."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from rmsprop.study import atomic
from rmsprop.study.contenders import CONTENDERS
from rmsprop.study.folder import ADVICE, StudyFolder
from rmsprop.study.maps.labelling import Parts, labelled
from rmsprop.study.maps.plan import MapPlan, cells_by_horizon
from rmsprop.study.maps.planes import DEFAULT_PLANES, Plane, planes_of
from rmsprop.study.maps.presentation import Map
from rmsprop.study.maps.program import MapProgram, Seeds
from rmsprop.study.maps.results import MapResults
from rmsprop.study.maps.tuning import Contest, tune
from rmsprop.study.maps.verdicts import CellVerdict, judge
from rmsprop.study.names import check_text, excerpt
from rmsprop.study.optimizers import Optimizer
from rmsprop.study.results.netcdf import FILE_NAME
from rmsprop.study.results.schema import OWN
from rmsprop.study.running.cluster import Client, Cluster
from rmsprop.study.running.cores import Cores, Workforce
from rmsprop.study.running.devices import available_cores, available_memory, on_cpu
from rmsprop.study.running.progress import Progress, Silent
from rmsprop.study.running.provenance import Provenance


def map(  # noqa: A001 (as `study.map` it hides nothing)
    planes: str | Sequence[str | Plane] = DEFAULT_PLANES,
    optimizers: Sequence[Optimizer] | None = None,
    *,
    seeds: int = 40,
    tuning_seeds: int = 3,
    first_seed: int = 0,
    schedules: str | Sequence[str] = ("constant", "linear"),
    folder: str | os.PathLike[str] | None = None,
    memory: int | None = None,
    executor: Client | None = None,
    command: str = "rmsprop.study.map",
    progress: Progress | None = None,
) -> Map:
    """Maps where one optimizer beats another on a family of stochastic problems with dials.

    The family, and the formula of each dial, are in `rmsprop.study.maps.dials`.  In every cell of a
    plane both optimizers are tuned on `tuning_seeds` seeds and compared on `seeds` others, by the
    estimator of a comparison.  Public as `rmsprop.study.map`.

    Args:
        planes: What is mapped: names of planes (`rmsprop.study.maps.planes.PLANES`), planes of your
            own (`rmsprop.study.Plane`), or "all". The default is the four planes of sparsity,
            drift and shrinking against noise, and of shrinking against drift.
        optimizers: The two optimizers, as `rmsprop.study.named` or `rmsprop.study.optimizer` makes
            them; None for RMSprop and AdaGrad. A ratio is the risk of the second over that of the
            first: above 1 the first is better.
        seeds: Number of reporting seeds, 2 at least, 6 for a verdict; 40 by default.
        tuning_seeds: Number of seeds that configurations race on, and of reporting seeds that a
            verdict chooses on, from 1 to half of the seeds; 3 by default.
        first_seed: The first reporting seed, at least 0; the tuning seeds begin 10,000 after it.
        schedules: Of the learning rate: "constant", "linear" (to 0) and "inverse_sqrt"; constant
            and linear by default. Where there are several, each optimizer under its own better one
            is a line of the map as well.
        folder: Where runs that have ended are kept. The same call with the same folder goes on
            where it was stopped and ends with the same numbers bit for bit; one with other planes
            adds to what is there. None for nowhere.
        memory: Bytes that the runs under way may take; None for half of what there is. With an
            executor it is a bound for each worker.
        executor: A `distributed.Client` of Dask, whose workers make the runs, as in
            `rmsprop.study.compare`. None, the default, for threads of this process.
        command: What made the map, for its record.
        progress: Where to show how far it is; None for nowhere.

    Returns:
        The labelled results, with the pictures and texts that tell them.

    Raises:
        ValueError: an argument out of its range, or a folder that holds another study; before
            anything long has begun.
        TypeError: what is no plane, optimizer, integer or client.
        OSError: the folder cannot be written to, or the cluster is lost; what has ended is kept.

    Example:
        >>> from rmsprop import study
        >>> corner = study.Plane("corner", "noise", (0.1,), "shrinking", (100.0,), {"drift": 0.03})
        >>> result = study.map(corner, seeds=6, schedules="constant")
        >>> (cell,) = result.cells("corner", "constant")
        >>> cell.winner, cell.ratio.value > 3
        ('rmsprop', True)
    """
    pair = [*CONTENDERS.values()] if optimizers is None else [*optimizers]
    for each in pair:
        if not isinstance(each, Optimizer):
            raise TypeError(
                f"optimizers holds {excerpt(each)}; give two of rmsprop.study.named(...) or"
                f" rmsprop.study.optimizer(...)."
            )
    named = (schedules,) if isinstance(schedules, str) else tuple(schedules)
    chosen = planes_of(planes)
    plan = MapPlan(chosen, tuple(pair), seeds, tuning_seeds, first_seed, named)  # pyright: ignore[reportArgumentType] (it says what is wrong)
    plan.check()
    check_text("command", command)
    bound = available_memory() if memory is None else memory
    if not isinstance(bound, int) or isinstance(bound, bool):
        raise TypeError(f"memory is {excerpt(memory)}; it must be an integer of Python, in bytes.")
    if bound < 1:
        raise ValueError(f"memory is {bound} bytes; it must be positive.")
    cluster = Cluster.of(executor)
    return run(plan, StudyFolder(folder), folder, command, progress or Silent(), bound, cluster)


def run(
    plan: MapPlan,
    study_folder: StudyFolder,
    folder: str | os.PathLike[str] | None,
    command: str,
    progress: Progress,
    memory: int | None = None,
    cluster: Cluster | None = None,
) -> Map:
    """Makes the map of a plan that has been checked; the arguments are those of `map`.

    Without `memory` there is no bound to it; a cluster makes the runs where there is one.
    """
    study_folder.begin(plan.definition(command))
    provenance = Provenance.begin(None if cluster is None else cluster.threads)
    if cluster is not None and (remark := cluster.remark()):
        progress.say(remark)
    results = {} if folder is None else _earlier(Path(folder), study_folder)
    cores = Cores(available_cores() if on_cpu() else 2)
    workforce = cores if cluster is None else cluster.cores(memory)
    programs = _Programs(plan, cores, workforce, memory)
    try:
        for plane in plan.planes:
            with progress.task(f"map {plane.name}", plan.runs(plane)):
                results[plane.name] = _plane(plan, plane, programs, study_folder, progress)
            if folder is not None:
                study_folder.note_seconds()
                with atomic.writing(folder, ADVICE):
                    _map(results, plan, study_folder, provenance, command).save(folder)
    finally:
        workforce.stop()
        cores.stop()
    for file in study_folder.damaged:
        progress.say(f"{file} was damaged and has been made again.")
    return _map(results, plan, study_folder, provenance, command)


def _earlier(folder: Path, study_folder: StudyFolder) -> dict[str, xr.Dataset]:
    """The planes that have ended in a folder; none where nothing can be read."""
    if not (folder / FILE_NAME).is_file():
        return {}
    try:
        earlier = MapResults.load(folder)
    except ValueError:  # the runs are kept beside them
        study_folder.damaged.append(str(folder / FILE_NAME))
        return {}
    return {name: earlier.plane(name) for name in earlier.planes}


def _map(
    results: Mapping[str, xr.Dataset],
    plan: MapPlan,
    study_folder: StudyFolder,
    provenance: Provenance,
    command: str,
) -> Map:
    """The planes that have ended, in the order of the study, and where they come from."""
    order = dict.fromkeys([*study_folder.tasks, *results])
    settings = {
        "planes": [name for name in order if name in results],
        "optimizers": [optimizer.name for optimizer in plan.optimizers],
        "seeds": plan.seeds,
        "tuning_seeds": plan.tuning_seeds,
        "first_seed": plan.first_seed,
        "schedules": [*plan.schedules],
    }
    attributes = provenance.attributes(command, settings)
    ordered = {name: results[name] for name in order if name in results}
    return Map.of(ordered, {**attributes, "seconds": study_folder.seconds()})


class _Programs:
    """The programs of a map, and what its seeds draw, made when they are first asked for.

    Args:
        plan: What was asked for.
        cores: Threads of this process.
        workforce: What makes the runs.
        memory: Bytes that the runs under way may take; None for no bound.
    """

    def __init__(
        self, plan: MapPlan, cores: Cores, workforce: Workforce, memory: int | None
    ) -> None:
        self._plan, self.cores, self.workforce, self._memory = plan, cores, workforce, memory
        self._programs: dict[tuple[int, int, int, bool], MapProgram] = {}
        self._seeds: dict[tuple[str, int, int], Seeds] = {}

    def prepare(self, steps: int, *, rotated: bool) -> None:
        """Makes the programs for runs of at most so many steps, side by side."""
        if self.workforce is not self.cores:  # each worker compiles its own
            return
        compilations: list[Future[None]] = []
        for number in range(len(self._plan.optimizers)):
            for seeds in (self._plan.tuning_seeds, self._plan.seeds):
                program = self.program(number, steps, seeds, rotated=rotated)
                compilations.append(self.cores.submit(program.compile))
        for each in compilations:
            each.result()

    def program(self, number: int, steps: int, seeds: int, *, rotated: bool) -> MapProgram:
        """The program of one optimizer, by its number."""
        key = (number, steps, seeds, rotated)
        if key not in self._programs:
            optimizer = self._plan.optimizers[number]
            self._programs[key] = MapProgram(
                optimizer,
                self._plan.schedules,
                steps,
                seeds,
                rotated=rotated,
                memory=self._memory,
            )
        return self._programs[key]

    def seeds(self, what: str, steps: int, stream: int) -> Seeds:
        """The "tuning" or "reporting" seeds, for runs of at most so many steps."""
        key = (what, steps, stream)
        if key not in self._seeds:
            tuning = what == "tuning"
            reporting = self._plan.reporting_seed_numbers
            numbers = self._plan.tuning_seed_numbers(stream) if tuning else reporting
            self._seeds[key] = Seeds.of(numbers, steps, stream)
        return self._seeds[key]


def _plane(
    plan: MapPlan,
    plane: Plane,
    programs: _Programs,
    folder: StudyFolder,
    progress: Progress,
) -> xr.Dataset:
    """Tunes both optimizers in all cells of a plane, and judges each cell."""
    cells, groups = plane.cells(), cells_by_horizon(plane)
    most = max(groups)
    rotated = any(cell["rotation"] for cell in cells)
    programs.prepare(most, rotated=rotated)
    tuned: list[Parts] = []
    for number, (optimizer, stream) in enumerate(zip(plan.optimizers, plan.streams, strict=True)):
        contest = Contest(
            optimizer,
            len(plan.schedules),
            programs.program(number, most, plan.tuning_seeds, rotated=rotated),
            programs.program(number, most, plan.seeds, rotated=rotated),
            programs.seeds("tuning", most, stream),
            programs.seeds("reporting", most, stream),
            programs.workforce,
            folder,
            progress.advance,
            progress.extend,
        )
        tuned.append(
            [(at, tune(contest, [cells[i] for i in at], steps)) for steps, at in groups.items()]
        )
    return labelled(plan, plane, tuned, _verdicts(plan, len(cells), tuned, programs.cores))


def _verdicts(
    plan: MapPlan, cells: int, tuned: Sequence[Parts], cores: Cores
) -> dict[str, list[CellVerdict]]:
    """The verdict of each cell under each line of schedules; own comes first."""
    lines: dict[str, slice] = {
        name: slice(number, number + 1) for number, name in enumerate(plan.schedules)
    }
    if len(lines) > 1:
        lines = {OWN: slice(None), **lines}

    def judged(line: slice) -> list[CellVerdict]:
        """The verdicts of all cells."""
        risks: list[list[NDArray[np.float64]]] = []
        for parts in tuned:
            of_cells: list[NDArray[np.float64]] = [np.empty(0)] * cells
            for numbers, part in parts:
                for place, cell in enumerate(numbers.tolist()):
                    of_cells[cell] = part.risks[line, place].reshape(-1, plan.seeds)
            risks.append(of_cells)
        return judge(risks[0], risks[1], plan.tuning_seeds)

    calls = {name: cores.submit(judged, line) for name, line in lines.items()}
    return {name: call.result() for name, call in calls.items()}
