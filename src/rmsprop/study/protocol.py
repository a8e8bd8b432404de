"""The protocol: tune on some seeds, choose, report on others, the same way for every optimizer.

1. Every optimizer sees the same initial parameters and batches for a seed: comparisons are paired.
2. Every optimizer begins with the same number of trials, on grids that grow by a value as long as
   the best point is on their edge; how many were tried, and what is still on the edge at the limit,
   is said.
3. A configuration is chosen by its mean score over the tuning seeds, on validation data, and
   reported on other seeds, on test data.
4. A run that diverges is infinitely bad, and never dropped.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import xarray as xr

from rmsprop.study.engine import Engine, Runs, available_cores
from rmsprop.study.problems import Problem
from rmsprop.study.progress import Progress, Silent
from rmsprop.study.provenance import Provenance
from rmsprop.study.results import Comparison
from rmsprop.study.schema import check_task_name, worst_value
from rmsprop.study.sweeps import Optimizer

# Grids grow at most this often, so that a study ends.
MOST_GROWTHS = 6
MOST_STEPS = 1_000_000
FIRST_TUNING_SEED = 10_000


@dataclass(frozen=True)
class _Tuning:
    """What tuning one optimizer has found.

    Attributes:
        optimizer: With the grids as they have grown.
        configurations: The points that were run.
        scores: Of shape (configurations, tuning seeds); infinitely bad where a run diverged.
        diverged: Of the same shape.
        chosen: Index of the best configuration.
        seconds: Wall-clock time of all runs.
    """

    optimizer: Optimizer
    configurations: list[tuple[float, ...]]
    scores: np.ndarray
    diverged: np.ndarray
    chosen: int
    seconds: float

    @property
    def best(self) -> tuple[float, ...]:
        """The values of the chosen configuration."""
        return self.configurations[self.chosen]


def compare(
    problems: Sequence[Problem],
    optimizers: Sequence[Optimizer],
    *,
    seeds: int = 10,
    tuning_seeds: int = 3,
    steps: int | None = None,
    command: str = "rmsprop.study.compare",
    progress: Progress | None = None,
) -> Comparison:
    """Compares optimizers on problems: tunes each, chooses, and reports on fresh seeds.

    Args:
        problems: What is minimised, as `rmsprop.study.task` or your own `Problem`.
        optimizers: What is compared; the first is compared with each of the others.
        seeds: Number of reporting seeds, at least 2 for an interval; 10 by default.
        tuning_seeds: Number of seeds, others, that configurations are chosen on; 3 by default.
        steps: Steps of every run; None for each problem's own number.
        command: What made the comparison, for its record.
        progress: Where to show how far it is; None for nowhere.

    Returns:
        The labelled results.

    Raises:
        ValueError: an argument out of its range, or two of a name; before anything is compiled.

    Example:
        >>> from rmsprop import study
        >>> result = study.compare(
        ...     [study.task("valley")], [study.named("rmsprop"), study.named("adagrad")],
        ...     seeds=2, tuning_seeds=1, steps=20,
        ... )
        >>> result.tasks
        ('valley',)
    """
    _check(problems, optimizers, seeds, tuning_seeds, steps)
    shown = progress if progress is not None else Silent()
    provenance = Provenance.begin()
    results: dict[str, xr.Dataset] = {}
    for problem in problems:
        trials = sum(len(o.configurations()) * tuning_seeds + seeds for o in optimizers)
        with shown.task(problem.title, trials):
            results[problem.name] = _compare_on(
                problem, optimizers, seeds, tuning_seeds, steps or problem.steps, shown
            )
    settings = {
        "seeds": seeds,
        "tuning_seeds": tuning_seeds,
        "steps": steps,
        "tasks": [problem.name for problem in problems],
        "optimizers": [optimizer.name for optimizer in optimizers],
    }
    return Comparison.of(results, provenance.attributes(command, settings))


def _check(
    problems: Sequence[Problem],
    optimizers: Sequence[Optimizer],
    seeds: int,
    tuning_seeds: int,
    steps: int | None,
) -> None:
    for what, named in (("task", problems), ("optimizer", optimizers)):
        names = [x.name for x in named]
        if not names:
            raise ValueError(f"there is no {what} to compare; name at least one.")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{what} {', '.join(twice)} is named twice; give each its own name.")
    for name, number, least in (("seeds", seeds, 2), ("tuning_seeds", tuning_seeds, 1)):
        if number < least:
            raise ValueError(f"{name} is {number}; it must be at least {least}. 10 is a good many.")
    if seeds >= FIRST_TUNING_SEED:
        raise ValueError(f"seeds is {seeds}; it must be below {FIRST_TUNING_SEED}.")
    for problem in problems:
        check_task_name(problem.name)
        number = problem.steps if steps is None else steps
        if not 10 <= number <= MOST_STEPS:
            raise ValueError(
                f"steps is {number}; it must be at least 10, for the last tenth is reported, and at"
                f" most {MOST_STEPS:,}."
            )


def _compare_on(
    problem: Problem,
    optimizers: Sequence[Optimizer],
    seeds: int,
    tuning_seeds: int,
    steps: int,
    shown: Progress,
) -> xr.Dataset:
    for optimizer in optimizers:
        optimizer.check(problem)
    with ThreadPoolExecutor(available_cores()) as pool:
        engines = list(pool.map(lambda o: Engine(problem, o.build, o.names, steps), optimizers))
    reporting, tunings, reports = np.arange(seeds), [], []
    tuning = np.arange(FIRST_TUNING_SEED, FIRST_TUNING_SEED + tuning_seeds)
    for optimizer, engine in zip(optimizers, engines, strict=True):
        tuned = _tune(problem, optimizer, engine, tuning, shown)
        chosen = {n: np.full(seeds, x) for n, x in zip(engine.names, tuned.best, strict=True)}
        tunings.append(tuned)
        reports.append(engine.run(chosen, reporting, shown.advance))
    return _dataset(problem, steps, tunings, reports, engines, tuning, reporting)


def _tune(
    problem: Problem, optimizer: Optimizer, engine: Engine, seeds: np.ndarray, shown: Progress
) -> _Tuning:
    """Runs the grid, and more of it as long as the best point is on its edge."""
    metric = problem.choose_by
    configurations: list[tuple[float, ...]] = []
    scores, diverged = np.empty((0, len(seeds))), np.empty((0, len(seeds)), bool)
    seconds, chosen = 0.0, 0
    for growth in range(MOST_GROWTHS + 1):
        fresh = [c for c in optimizer.configurations() if c not in configurations]
        if growth:
            shown.extend(len(fresh) * len(seeds))
        columns = np.repeat(np.array(fresh), len(seeds), axis=0).T
        runs = engine.run(
            dict(zip(engine.names, columns, strict=True)),
            np.tile(seeds, len(fresh)),
            shown.advance,
        )
        seconds += runs.seconds
        bad = runs.diverged(metric.name)
        values = np.where(bad, worst_value(metric.better), runs.metrics[metric.name])
        configurations += fresh
        scores = np.vstack([scores, values.reshape(-1, len(seeds))])
        diverged = np.vstack([diverged, bad.reshape(-1, len(seeds))])
        means = scores.mean(axis=1)
        chosen = int(np.argmin(means) if metric.better == "lower" else np.argmax(means))
        larger = optimizer.grown(configurations[chosen])
        if larger is None or growth == MOST_GROWTHS:
            break
        optimizer = larger
    return _Tuning(optimizer, configurations, scores, diverged, chosen, seconds)


def _dataset(
    problem: Problem,
    steps: int,
    tunings: Sequence[_Tuning],
    reports: Sequence[Runs],
    engines: Sequence[Engine],
    tuning_seeds: np.ndarray,
    seeds: np.ndarray,
) -> xr.Dataset:
    """The results of one task, as `rmsprop.study.schema` says."""
    most = max(len(t.configurations) for t in tunings)
    names = list(dict.fromkeys(name for engine in engines for name in engine.names))
    settings = ("optimizer", "configuration")
    data: dict[str, tuple[tuple[str, ...], object]] = {
        name: (settings, np.stack([_column(t, name, most) for t in tunings])) for name in names
    }
    data["tuning_score"] = (
        (*settings, "tuning_seed"),
        np.stack([_padded(t.scores, most, np.nan) for t in tunings]),
    )
    data["tuning_diverged"] = (
        (*settings, "tuning_seed"),
        np.stack([_padded(t.diverged, most, False) for t in tunings]),
    )
    data["chosen"] = (("optimizer",), np.array([t.chosen for t in tunings]))
    data["at_edge"] = (("optimizer",), np.array([t.optimizer.edges(t.best) for t in tunings]))
    runs = ("optimizer", "seed")
    for name, values in _reported(problem, reports).items():
        data[name] = (runs, values)
    data["loss"] = ((*runs, "step"), np.stack([r.loss for r in reports]))
    paths = [r.path for r in reports if r.path is not None]
    if paths:
        data["path"] = ((*runs, "step", "coordinate"), np.stack(paths))
    total = [t.scores.size + len(r) for t, r in zip(tunings, reports, strict=True)]
    spent = [t.seconds + r.seconds for t, r in zip(tunings, reports, strict=True)]
    data["seconds_per_run"] = (("optimizer",), np.array(spent) / np.array(total))
    data["compile_seconds"] = (("optimizer",), np.array([e.compile_seconds for e in engines]))
    data["state_bytes"] = (("optimizer",), np.array([e.state_bytes for e in engines]))
    coordinates = {
        "optimizer": [t.optimizer.name for t in tunings],
        "configuration": np.arange(most),
        "tuning_seed": tuning_seeds,
        "seed": seeds,
        "step": np.arange(1, steps + 1),
    }
    return xr.Dataset(data, coordinates, _attributes(problem, steps, tunings, engines[0].width))


def _reported(problem: Problem, reports: Sequence[Runs]) -> Mapping[str, np.ndarray]:
    """What is said of every reporting run, infinitely bad where it diverged."""
    diverged = np.stack([r.diverged(problem.report.name) for r in reports])
    losses = np.stack([r.loss for r in reports]).astype(np.float64)
    last = losses[..., -(losses.shape[-1] // 10) :]
    metric = np.stack([r.metrics[problem.report.name] for r in reports]).astype(np.float64)
    return {
        "diverged": diverged,
        "metric": np.where(diverged, worst_value(problem.report.better), metric),
        "online_loss": np.where(diverged, np.inf, losses.mean(axis=-1)),
        "final_loss": np.where(diverged, np.inf, last.mean(axis=-1)),
    }


def _attributes(
    problem: Problem, steps: int, tunings: Sequence[_Tuning], width: int
) -> dict[str, object]:
    attributes: dict[str, object] = {
        "title": problem.title,
        "citation": problem.citation,
        "data_sha256": problem.data_sha256,
        "steps": steps,
        "target": problem.target,
        "width": width,
        "tuned": json.dumps({t.optimizer.name: list(t.optimizer.names) for t in tunings}),
    }
    for key, metric in (("choose_by", problem.choose_by), ("report", problem.report)):
        attributes[key] = metric.name
        attributes[f"{key}_label"] = metric.label
        attributes[f"{key}_better"] = metric.better
    return attributes


def _column(tuning: _Tuning, name: str, length: int) -> np.ndarray:
    """The values of one hyper-parameter, NaN for an optimizer that does not have it."""
    if name not in tuning.optimizer.names:
        return np.full(length, np.nan)
    index = tuning.optimizer.names.index(name)
    return _padded(np.array([c[index] for c in tuning.configurations]), length, np.nan)


def _padded(values: np.ndarray, length: int, fill: float | bool) -> np.ndarray:
    missing = np.full((length - len(values), *values.shape[1:]), fill, values.dtype)
    return np.concatenate([values, missing])
