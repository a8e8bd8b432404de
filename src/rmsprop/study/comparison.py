"""Comparing optimizers, and what comes of it: `compare` and the `Comparison` that it returns.

This module stands above the wings of the study and joins them: `running` makes the runs, `results`
holds what came out, `report` tells it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from rmsprop.study import atomic
from rmsprop.study.contenders import CONTENDERS, REFERENCES, contender
from rmsprop.study.folder import ADVICE, StudyFolder
from rmsprop.study.names import check_text
from rmsprop.study.optimizers import Factory, Optimizer
from rmsprop.study.problems import Problem
from rmsprop.study.results import across
from rmsprop.study.results.digest import Digest, digests
from rmsprop.study.results.labelled import FILE_NAME, Results
from rmsprop.study.results.schema import names_of
from rmsprop.study.running.cluster import Client, Cluster
from rmsprop.study.running.devices import available_memory
from rmsprop.study.running.duration import Duration
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.plan import Plan
from rmsprop.study.running.progress import Progress, Silent
from rmsprop.study.running.protocol import compare_on
from rmsprop.study.running.provenance import Provenance, versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

    from rmsprop.study.report.surfaces import Surface


def compare(
    problem: Problem | Sequence[Problem],
    optimizers: Mapping[str, Factory | Optimizer] | Sequence[Optimizer] | None = None,
    *,
    seeds: int = 20,
    tuning_seeds: int = 3,
    first_seed: int = 0,
    steps: int | None = None,
    schedules: Sequence[str] = ("constant", "linear"),
    references: bool | None = None,
    folder: str | os.PathLike[str] | None = None,
    memory: int | None = None,
    executor: Client | None = None,
    command: str = "rmsprop.study.compare",
    progress: Progress | None = None,
) -> Comparison:
    """Compares optimizers on problems: tunes each, and reports on fresh seeds.

    Args:
        problem: What is minimised: your own `Problem`, a task (`rmsprop.study.task`), or several.
        optimizers: What is compared, by name: functions that make an Optax transformation from a
            learning rate, such as `optax.adam`, or `rmsprop.study.optimizer` where you choose what
            is tuned. The first is compared with each of the others. None for RMSprop and AdaGrad.
        seeds: Number of reporting seeds, 2 at least, 6 for a verdict; 20 by default. A seed draws
            the initial parameters, the batches and, in the tasks with data, their split.
        tuning_seeds: Number of reporting seeds that a verdict chooses on, at least 1, of which half
            of them is the most; 3 by default. The race before it is on as many seeds, others, and
            on 3 at least.
        first_seed: The first reporting seed, at least 0; the tuning seeds begin 10,000 after it.
            Whoever doubts a verdict asks for it again on other seeds. 0 by default.
        steps: Steps of every run, a multiple of 10; None for each problem's own number.
        schedules: Of the learning rate: "constant", "linear" (to 0) and "inverse_sqrt"
            (1/sqrt(t)). Each optimizer is tuned under each of them, and its own better one makes
            the headline. Constant and linear by default.
        references: Whether SGD with momentum and Adam show where the others stand, under the linear
            schedule (the first one where that is not among `schedules`). None, the default, for
            yes where `optimizers` is None. An optimizer of the same name, "sgd" or "adam", takes
            the place of the reference.
        folder: Where runs that have ended are kept, and the results of tasks that have. The same
            call with the same folder goes on where it was stopped, and ends with the same numbers
            bit for bit. With other problems, more optimizers or more seeds the study there grows:
            what is there stays, only what is missing is run, and all of it is returned. Runs of a
            problem that calls back into Python are made again, for what they call is not known.
            None for nowhere.
        memory: Bytes that the runs under way may take; None for half of what there is. A problem
            of which not even one run fits is refused when its turn comes. With an executor it is a
            bound for each worker, which takes half of its own memory at most.
        executor: A `distributed.Client` of Dask, whose workers make the runs; the numbers are the
            same, bit for bit, where all processors are of one kind. Workers need the packages of
            this process, and no file of the study. None, the default, for threads of this process.
        command: What made the comparison, for its record.
        progress: Where to show how far it is; None for nowhere.

    Returns:
        The labelled results.

    Raises:
        ValueError: an argument out of its range, a problem or an optimizer that cannot be run, or a
            folder with a study that this cannot be one with; before anything long has begun.
        TypeError: what is no function that makes an optimizer, or no client.
        OSError: the folder cannot be written to, or the cluster is lost; what has ended is kept.

    Example:
        >>> import jax, optax
        >>> from rmsprop import study
        >>> bowl = study.Problem(
        ...     "bowl",
        ...     init=lambda key: jax.random.normal(key, (2,)),
        ...     loss=lambda params, batch: ((params - batch) ** 2).sum(),
        ...     sample=lambda key, step: jax.random.normal(jax.random.fold_in(key, step), (2,)),
        ...     steps=20,
        ... )
        >>> result = study.compare(
        ...     bowl,
        ...     {"sgd": optax.sgd, "rmsprop": optax.rmsprop},
        ...     seeds=2,
        ...     tuning_seeds=1,
        ...     schedules="constant",
        ... )
        >>> [row.optimizer for row in result.summary("bowl")]
        ['sgd', 'rmsprop']
    """
    problems = [problem] if isinstance(problem, Problem) else list(problem)
    for each in problems:
        if not isinstance(each, Problem):
            raise TypeError(
                f"problem holds {each!r}; give a rmsprop.study.Problem, for a task"
                f' rmsprop.study.task("digits"), or a list of them.'
            )
    schedules = (schedules,) if isinstance(schedules, str) else tuple(schedules)
    cluster = Cluster.of(executor)
    contenders = _optimizers(optimizers)
    plan = Plan(
        problems,
        [*contenders, *_references(optimizers, references, contenders)],
        seeds,
        tuning_seeds,
        first_seed,
        steps,
        schedules,
        available_memory() if memory is None else memory,
        cluster,
    )
    plan.check()
    check_text("command", command)
    progress = progress if progress is not None else Silent()
    study_folder = StudyFolder(folder)
    study_folder.begin(plan.definition(command))
    provenance = Provenance.begin(None if cluster is None else cluster.threads)
    if cluster is not None and (remark := cluster.remark()):
        progress.say(remark)
    earlier = None if folder is None else _earlier(Path(folder), study_folder)
    results = {} if earlier is None else _with_their_versions(earlier)
    ready: Mapping[str, Engine] = {}
    # Of a study that goes on nobody knows how much is left; and nobody asks where nothing is shown.
    if progress.is_shown and not study_folder.has_runs():
        duration = Duration.measured(plan, study_folder)
        progress.say(str(duration))
        ready = duration.engines
    for each in problems:
        with progress.task(each.title, plan.runs(each)):
            result = compare_on(each, plan, study_folder, progress, ready.get(each.name))
            results[each.name] = _with_versions(result, results.get(each.name))
        if folder is not None:
            study_folder.note_seconds()
            with atomic.writing(folder, ADVICE):
                _comparison(results, plan, study_folder, provenance, command).save(folder)
    for file in study_folder.damaged:
        progress.say(f"{file} was damaged and has been made again.")
    return _comparison(results, plan, study_folder, provenance, command)


def _earlier(folder: Path, study_folder: StudyFolder) -> Results | None:
    """The results of the tasks that have ended in a folder, None where none can be read."""
    if not (folder / FILE_NAME).is_file():
        return None
    try:
        return Results.load(folder)
    except ValueError:  # their runs are kept beside them
        study_folder.damaged.append(str(folder / FILE_NAME))
        return None


def _with_their_versions(earlier: Results) -> dict[str, xr.Dataset]:
    """The tasks of an earlier part of a study, each with the versions of the part that made it.

    Of a task that does not have them they are those of all results there.
    """
    of_all = {"versions": earlier.tree.attrs["versions"]}
    datasets = {name: earlier.task(name) for name in earlier.tasks}
    return {
        name: dataset.assign_attrs({**of_all, **dataset.attrs})
        for name, dataset in datasets.items()
    }


def _with_versions(result: xr.Dataset, earlier: xr.Dataset | None) -> xr.Dataset:
    """The results of a task with the versions of the parts of the study that made them.

    Where all comes from the runs of an earlier part, so that nothing differs, that is that part.
    Where some do, a package has the versions of both parts: `0.9.9 and 0.10.2`.
    """
    if earlier is None:
        return result.assign_attrs(versions=versions())
    again = result.assign_attrs(versions=earlier.attrs["versions"])
    if again.identical(earlier):
        return again
    there, here = json.loads(earlier.attrs["versions"]), json.loads(versions())
    both = {
        name: " and ".join(dict.fromkeys([*there.get(name, version).split(" and "), version]))
        for name, version in here.items()
    }
    return result.assign_attrs(versions=json.dumps(both))


def _comparison(
    results: Mapping[str, xr.Dataset],
    plan: Plan,
    folder: StudyFolder,
    provenance: Provenance,
    command: str,
) -> Comparison:
    """The tasks of a study that have ended, in the study's order, and where they come from."""
    order = dict.fromkeys([*folder.tasks, *results])
    ordered = {name: results[name] for name in order if name in results}
    optimizers = [name for each in ordered.values() for name in names_of(each, "optimizer")]
    settings = {
        "seeds": plan.seeds,
        "tuning_seeds": plan.tuning_seeds,
        "first_seed": plan.first_seed,
        "steps": plan.steps,
        "schedules": list(plan.schedules),
        "tasks": list(ordered),
        "optimizers": list(dict.fromkeys(optimizers)),
    }
    attributes = provenance.attributes(command, settings)
    return Comparison.of(ordered, {**attributes, "seconds": folder.seconds()})


def _optimizers(
    given: Mapping[str, Factory | Optimizer] | Sequence[Optimizer] | None,
) -> list[Optimizer]:
    if given is None:
        return [*CONTENDERS.values()]
    if not isinstance(given, Mapping):
        for each in given:
            if not isinstance(each, Optimizer):
                raise TypeError(
                    f"optimizers holds {each!r}; give a dictionary of names and functions, such as"
                    f' {{"adam": optax.adam}}, or a list of rmsprop.study.optimizer(...).'
                )
        return list(given)
    return [
        replace(factory, name=name) if isinstance(factory, Optimizer) else contender(name, factory)
        for name, factory in given.items()
    ]


def _references(
    given: object, references: bool | None, contenders: Sequence[Optimizer]
) -> list[Optimizer]:
    """The references of a comparison, but for those whose name a contender has."""
    wanted = given is None if references is None else references
    names = {each.name for each in contenders}
    return [each for each in REFERENCES.values() if wanted and each.name not in names]


@dataclass(frozen=True, eq=False)
class Comparison(Results):
    """The results of all tasks, with the pictures and texts that tell them.

    The methods that draw take the name of a task and, under several schedules, that of a schedule
    of the learning rate (None for the first). They return a figure of matplotlib, and raise a
    ValueError where there is no such task or schedule. A notebook shows a table.

    Attributes:
        tree: The results, one group per task, as `rmsprop.study.results.schema` says. It is not to
            be changed.

    Raises:
        ValueError: the tree does not follow the schema.
    """

    # The pictures, each made when it is asked for: reading results needs no matplotlib.

    def plot_losses(self, task: str, schedule: str | None = None) -> Figure:
        """Training loss against step, with bands."""
        from rmsprop.study.report import plots

        return plots.loss_curves(self.view(task, schedule))

    def plot_learning_rates(self, task: str, schedule: str | None = None) -> Figure:
        """Tuning score against learning rate."""
        from rmsprop.study.report import plots

        return plots.learning_rates(self.view(task, schedule))

    def plot_heat_map(self, task: str, optimizer: str, schedule: str | None = None) -> Figure:
        """Tuning score over learning rate and the second tuned hyper-parameter."""
        from rmsprop.study.report import plots

        return plots.heat_map(self.view(task, schedule), optimizer)

    def plot_budget(self, task: str, schedule: str | None = None) -> Figure:
        """The expected best of k trials against k."""
        from rmsprop.study.report import plots

        return plots.budget(self.view(task, schedule))

    def plot_effective_rates(self, task: str, schedule: str | None = None) -> Figure:
        """Quantiles of the effective learning rate against step."""
        from rmsprop.study.report import plots

        return plots.effective_rates(self.view(task, schedule))

    def plot_path(
        self, task: str, schedule: str | None = None, surface: Surface | None = None
    ) -> Figure:
        """The paths of two parameters; `surface`, of `report.surfaces`, is the loss below them."""
        from rmsprop.study.report import plots

        return plots.path(self.view(task, schedule), surface)

    def plot_memory(self) -> Figure:
        """Bytes of the optimizers' states beside those of the parameters."""
        from rmsprop.study.report import plots

        return plots.memory(digests(self))

    def plot_differences(self, schedule: str | None = None) -> Figure:
        """The differences, or ratios of losses, with their intervals."""
        from rmsprop.study.report import plots

        return plots.differences(digests(self), schedule)

    def plot_schedules(self, task: str, schedule: str | None = None) -> Figure:
        """Results by optimizer and schedule, tuned and default; None shows all schedules."""
        from rmsprop.study.report import plots

        return plots.schedules(Digest(self, task), schedule)

    def plot_profile(self) -> Figure:
        """The share of runs within a factor of the best optimizer, over all tasks.

        Raises:
            ValueError: No optimizer ran on every task, or no task has a metric with ratios.
        """
        from rmsprop.study.report import plots

        curves = across.profile(self)
        if curves is None:
            raise ValueError(
                "no optimizer ran on every task, or no task has a metric without values below 0,"
                " whose ratios mean something; show differences instead."
            )
        return plots.profile(curves)

    def to_html(self, surfaces: Mapping[str, Surface] | None = None) -> str:
        """The whole page, complete in itself; `surfaces` as `report.files.write` takes them."""
        from rmsprop.study.report.page import page

        return page.page_of(self, digests(self), surfaces)

    def __rich__(self) -> Table:
        """What rich prints: the table of the terminal."""
        from rmsprop.study.report import table

        return table.table(self)

    def __str__(self) -> str:
        """The table of the terminal as plain text of 80 columns."""
        from rmsprop.study.report import table

        return table.plain(self)

    def _repr_html_(self) -> str:
        """A short table, for notebooks."""
        from rmsprop.study.report.page import numbers

        return numbers.notebook_table(self)
