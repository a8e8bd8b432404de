"""From the runs of one task to its labelled results, as `rmsprop.study.results.schema` says."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr

from rmsprop.study.problems import TENTHS, Problem
from rmsprop.study.results.schema import QUANTILES, worst_value
from rmsprop.study.running import effective_rates
from rmsprop.study.running.chunks import Runs
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.tuning import TunedRuns, Tuning

# By name: the dimensions and the values of a variable.
Variables = dict[str, tuple[tuple[str, ...], np.ndarray]]


def dataset(
    problem: Problem,
    steps: int,
    schedules: Sequence[str],
    runs: Sequence[Sequence[TunedRuns]],
    engines: Sequence[Engine],
    tuning_seeds: np.ndarray,
    seeds: np.ndarray,
) -> xr.Dataset:
    """The results of one task.

    Args:
        problem: What was minimised.
        steps: Of every run.
        schedules: The names of the schedules.
        runs: The runs of each optimizer under each schedule.
        engines: The engine of each optimizer.
        tuning_seeds: The seeds that configurations were chosen on.
        seeds: The seeds that are reported.
    """
    data = {
        **_trials(runs),
        **_finals(runs),
        **_reports(problem, runs),
        **_costs(runs, engines),
    }
    longest = max(len(tuned.tuning.configurations) for row in runs for tuned in row)
    coordinates = {
        "optimizer": [row[0].tuning.optimizer.name for row in runs],
        "schedule": list(schedules),
        "configuration": np.arange(longest),
        "tuning_seed": tuning_seeds,
        "finalist": np.arange(data["finalist_configuration"][1].shape[-1]),
        "setting": ["tuned", "default"],
        "seed": seeds,
        "step": np.arange(1, steps + 1),
        "point": np.arange(1, TENTHS + 1) * (steps // TENTHS),
        "bin": effective_rates.bins(steps),
        "quantile": list(QUANTILES),
    }
    width = engines[0].program.width
    return xr.Dataset(data, coordinates, _attributes(problem, steps, runs, width))


def _trials(runs: Sequence[Sequence[TunedRuns]]) -> Variables:
    """The grids and their scores, padded to the longest."""
    tunings = [[tuned.tuning for tuned in row] for row in runs]
    longest = max(len(t.configurations) for row in tunings for t in row)
    names = list(dict.fromkeys(n for row in tunings for t in row for n in t.optimizer.names))

    def table(values: Callable[[Tuning], np.ndarray], fill: float | bool) -> np.ndarray:
        return np.stack([np.stack([_padded(values(t), longest, fill) for t in r]) for r in tunings])

    trials = ("optimizer", "schedule", "configuration")
    return {
        **{name: (trials, table(lambda t, n=name: _column(t, n), np.nan)) for name in names},
        "growth": (trials, table(lambda t: np.array(t.growth), -1)),
        "tuning_score": ((*trials, "tuning_seed"), table(lambda t: t.scores, np.nan)),
        "tuning_diverged": ((*trials, "tuning_seed"), table(lambda t: t.diverged, False)),
        "chosen": (trials[:2], np.array([[t.chosen for t in row] for row in tunings])),
        "at_edge": (
            trials[:2],
            np.array([[json.dumps(t.optimizer.edges(t.best)) for t in row] for row in tunings]),
        ),
    }


def _finals(runs: Sequence[Sequence[TunedRuns]]) -> Variables:
    """The runs that verdicts choose from, padded to the optimizer with the most finalists."""
    most = max(len(tuned.finalists) for row in runs for tuned in row)

    def table(values: Callable[[TunedRuns], np.ndarray], fill: float) -> np.ndarray:
        return np.stack([np.stack([_padded(values(t), most, fill) for t in row]) for row in runs])

    dims = ("optimizer", "schedule", "finalist")
    return {
        "finalist_configuration": (dims, table(lambda t: np.array(t.finalists), -1)),
        "finalist_choice": ((*dims, "seed"), table(lambda t: t.choices, np.nan)),
        "finalist_report": ((*dims, "seed"), table(lambda t: t.scores, np.nan)),
    }


def _reports(problem: Problem, runs: Sequence[Sequence[TunedRuns]]) -> Variables:
    """The reporting runs, infinitely bad where they diverged."""

    def table(values: Callable[[Runs], np.ndarray | None]) -> np.ndarray:
        return np.stack(
            [
                [
                    [np.asarray(values(tuned.reports[s])) for s in ("tuned", "default")]
                    for tuned in row
                ]
                for row in runs
            ]
        )

    name, worst = problem.reports[0].name, worst_value(problem.reports[0].better)
    dims = ("optimizer", "schedule", "setting", "seed")
    diverged = table(lambda reports: reports.diverged(name))
    loss = table(lambda reports: reports.loss)
    evaluation = table(lambda reports: reports.metrics[name]).astype(np.float64)
    evaluation = np.where(np.isfinite(evaluation), evaluation, worst)
    losses = loss.astype(np.float64)
    means = {
        "online_loss": losses.mean(axis=-1),
        "final_loss": losses[..., -(losses.shape[-1] // TENTHS) :].mean(axis=-1),
        "last_loss": losses[..., -1],
    }
    variables: Variables = {
        "loss": ((*dims, "step"), loss),
        "metric": (dims, np.where(diverged, worst, evaluation[..., -1])),
        "evaluation": ((*dims, "point"), evaluation),
        "diverged": (dims, diverged),
        "effective_rate": (
            (*dims, "bin", "quantile"),
            table(lambda reports: reports.effective_rate),
        ),
        **{key: (dims, np.where(diverged, np.inf, values)) for key, values in means.items()},
    }
    if problem.path is not None:
        variables["path"] = ((*dims, "step", "coordinate"), table(lambda reports: reports.path))
    return variables


def _costs(runs: Sequence[Sequence[TunedRuns]], engines: Sequence[Engine]) -> Variables:
    """What the runs of each optimizer cost, in seconds of a core or device and in bytes."""
    seconds = [sum(map(_seconds, row)) for row in runs]
    counts = [sum(map(_count, row)) for row in runs]
    costs = {
        "seconds_per_run": np.array(seconds) / np.array(counts),
        "compile_seconds": np.array([e.compile_seconds for e in engines]),
        "state_bytes": np.array([e.program.sizes.state for e in engines]),
        "parameter_bytes": np.array([e.program.sizes.parameters for e in engines]),
    }
    return {name: (("optimizer",), values) for name, values in costs.items()}


def _seconds(tuned: TunedRuns) -> float:
    reports = sum(reports.seconds for reports in tuned.reports.values())
    return tuned.tuning.seconds + tuned.seconds + reports


def _count(tuned: TunedRuns) -> int:
    return tuned.tuning.scores.size + tuned.scores.size + sum(map(len, tuned.reports.values()))


def _attributes(
    problem: Problem, steps: int, runs: Sequence[Sequence[TunedRuns]], width: int
) -> dict[str, object]:
    optimizers = [row[0].tuning.optimizer for row in runs]
    attributes: dict[str, object] = {
        "title": problem.title,
        "citation": problem.citation,
        "data_sha256": problem.data_sha256,
        "steps": steps,
        "target": problem.target,
        "width": width,
        "tuned": json.dumps({o.name: list(o.names) for o in optimizers}),
        "defaults": json.dumps({o.name: o.defaults for o in optimizers}),
    }
    for key, metric in (("choose_by", problem.choices[0]), ("report", problem.reports[0])):
        attributes[key] = metric.name
        attributes[f"{key}_label"] = metric.label
        attributes[f"{key}_better"] = metric.better
    for key in ("margin", "chance"):
        value = getattr(problem.reports[0], key)
        attributes[key] = math.nan if value is None else value
    return attributes


def _column(tuning: Tuning, name: str) -> np.ndarray:
    """The values of one hyper-parameter, NaN for an optimizer that does not have it."""
    if name not in tuning.optimizer.names:
        return np.full(len(tuning.configurations), np.nan)
    index = tuning.optimizer.names.index(name)
    return np.array([float(c[index]) for c in tuning.configurations])


def _padded(values: np.ndarray, length: int, fill: float | bool) -> np.ndarray:
    missing = np.full((length - len(values), *values.shape[1:]), fill, values.dtype)
    return np.concatenate([values, missing])
