"""From the runs of one task to its labelled results, as `rmsprop.study.results.schema` says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import xarray as xr

from rmsprop.study.problems import TENTHS, Metric, Problem
from rmsprop.study.results.schema import DEFAULT, QUANTILES, RATE_FACTORS, worst_value
from rmsprop.study.running import effective_rates
from rmsprop.study.running.chunks import Runs
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.plan import Plan
from rmsprop.study.running.tuning import TunedRuns, Tuning

# By name: the dimensions and the values of a variable.
Variables = dict[str, tuple[tuple[str, ...], np.ndarray]]
# The runs of each optimizer under each schedule, in the order of the plan; None where it has none.
Table = Sequence[Sequence[TunedRuns | None]]


def dataset(problem: Problem, plan: Plan, runs: Table, engines: Mapping[str, Engine]) -> xr.Dataset:
    """The results of one task.

    Args:
        problem: What was minimised.
        plan: What was compared, and how.
        runs: The runs of each optimizer under each schedule.
        engines: The engine of each optimizer, by its name.
    """
    steps = plan.steps_of(problem)
    data = {
        **_trials(runs),
        **_finals(runs),
        **_reports(problem, plan.settings, runs),
        **_costs(runs, [engines[optimizer.name] for optimizer in plan.optimizers]),
    }
    coordinates = {
        "optimizer": [optimizer.name for optimizer in plan.optimizers],
        "schedule": list(plan.schedules),
        "configuration": np.arange(data["learning_rate"][1].shape[-1]),
        "tuning_seed": plan.tuning_seed_numbers,
        "finalist": np.arange(data["finalist_configuration"][1].shape[-1]),
        "metric_name": [metric.name for metric in problem.reports],
        "rate_factor": np.array(RATE_FACTORS),
        "setting": list(plan.settings),
        "seed": plan.reporting_seed_numbers,
        "step": np.arange(1, steps + 1),
        "point": np.arange(1, TENTHS + 1) * (steps // TENTHS),
        "bin": effective_rates.bins(steps),
        "quantile": list(QUANTILES),
    }
    width = next(iter(engines.values())).program.width
    return xr.Dataset(data, coordinates, _attributes(problem, plan, width))


def _trials(runs: Table) -> Variables:
    """The grids and their scores, padded to the longest."""
    optimizers = [t.tuning.optimizer for row in runs for t in row if t is not None]
    names = list(dict.fromkeys(name for optimizer in optimizers for name in optimizer.names))
    trials = ("optimizer", "schedule", "configuration")

    def table(values: Callable[[Tuning], np.ndarray], fill: float | bool) -> np.ndarray:
        """A number for each trial, padded with `fill`."""
        return _table(runs, lambda tuned: values(tuned.tuning), fill)

    def single(values: Callable[[Tuning], object], fill: object) -> np.ndarray:
        """A value for each optimizer and schedule; `fill` where it did not run."""
        return np.array([[fill if t is None else values(t.tuning) for t in row] for row in runs])

    return {
        **{name: (trials, table(lambda t, n=name: _column(t, n), np.nan)) for name in names},
        "growth": (trials, table(lambda t: np.array(t.growth), -1)),
        "tuning_score": ((*trials, "tuning_seed"), table(lambda t: t.scores, np.nan)),
        "tuning_diverged": ((*trials, "tuning_seed"), table(lambda t: t.diverged, False)),
        "chosen": (trials[:2], single(lambda t: t.chosen, -1)),
        "at_edge": (
            trials[:2],
            single(lambda t: json.dumps(t.optimizer.edges(t.best)), json.dumps([])),
        ),
    }


def _finals(runs: Table) -> Variables:
    """The runs that verdicts choose from, padded to the optimizer with the most finalists."""

    def of_metrics(values: Callable[[TunedRuns], np.ndarray]) -> np.ndarray:
        """A number for each metric, finalist and seed, padded with NaN."""
        # Finalists first, for that is what is padded.
        padded = _table(runs, lambda tuned: values(tuned).swapaxes(0, 1), np.nan)
        return padded.swapaxes(2, 3)

    dims = ("optimizer", "schedule", "finalist")
    of_each = ("optimizer", "schedule", "metric_name", "finalist", "seed")
    off_rates = _table(runs, lambda tuned: tuned.off_rates, np.nan)
    return {
        "finalist_configuration": (
            dims,
            _table(runs, lambda tuned: np.array(tuned.tuning.finalists), -1),
        ),
        "finalist_choice": (of_each, of_metrics(lambda tuned: tuned.choices)),
        "finalist_report": (of_each, of_metrics(lambda tuned: tuned.scores)),
        "off_rate_report": (("optimizer", "schedule", "rate_factor", "seed"), off_rates),
    }


def _reports(problem: Problem, settings: Sequence[str], runs: Table) -> Variables:
    """The reporting runs, infinitely bad where they diverged, NaN where there are none."""

    def table(values: Callable[[Runs], np.ndarray | None], fill: float | bool) -> np.ndarray:
        """What is reported of each setting, padded with `fill`."""

        def of(tuned: TunedRuns, setting: str) -> np.ndarray | None:
            """What is reported of one setting, or None where it was not run."""
            report = tuned.reports.get(setting)
            return None if report is None else values(report)

        of_settings = [_table(runs, lambda tuned, s=s: of(tuned, s), fill) for s in settings]
        return np.stack(of_settings, axis=2)

    headline = problem.reports[0]
    name, worst = headline.name, worst_value(headline.better)
    dims = ("optimizer", "schedule", "setting", "seed")
    diverged = table(lambda reports: reports.diverged(name), False)
    loss = table(lambda reports: reports.loss, np.nan)
    evaluation = table(lambda reports: reports.metrics[name], np.nan).astype(np.float64)
    missing = np.isnan(table(lambda reports: np.zeros(len(reports)), np.nan))
    bad = ~np.isfinite(evaluation) & ~missing[..., None]
    evaluation = np.where(bad, worst, evaluation)
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
            table(lambda reports: reports.effective_rate, np.nan),
        ),
        **{key: (dims, np.where(diverged, np.inf, values)) for key, values in means.items()},
    }
    if problem.path is not None:
        path = table(lambda reports: reports.path, np.nan)
        variables["path"] = ((*dims, "step", "coordinate"), path)
    return variables


def _costs(runs: Table, engines: Sequence[Engine]) -> Variables:
    """What the runs of each optimizer cost, in seconds of a core or device and in bytes."""
    seconds = [sum(tuned.seconds for tuned in row if tuned is not None) for row in runs]
    counts = [sum(tuned.runs for tuned in row if tuned is not None) for row in runs]
    costs = {
        "seconds_per_run": np.array(seconds) / np.array(counts),
        "compile_seconds": np.array([e.compile_seconds for e in engines]),
        "state_bytes": np.array([e.program.sizes.state for e in engines]),
        "parameter_bytes": np.array([e.program.sizes.parameters for e in engines]),
    }
    return {name: (("optimizer",), values) for name, values in costs.items()}


def _attributes(problem: Problem, plan: Plan, width: int) -> dict[str, object]:
    pairs = list(zip(problem.reports, problem.choices, strict=True))
    attributes: dict[str, object] = {
        "title": problem.title,
        "citation": problem.citation,
        "data_sha256": problem.data_sha256,
        "steps": plan.steps_of(problem),
        "target": problem.target,
        "width": width,
        "tuning_seeds": plan.tuning_seeds,
        "metrics": json.dumps(
            [{**asdict(report), "choose_by": asdict(choice)} for report, choice in pairs]
        ),
        "tuned": json.dumps({o.name: list(o.names) for o in plan.optimizers}),
        "references": json.dumps([o.name for o in plan.optimizers if o.is_reference]),
        "defaults": json.dumps(_defaults(plan)),
        "fixed": json.dumps({o.name: dict(o.fixed) for o in plan.optimizers}),
    }
    headline: dict[str, Metric] = {"choose_by": pairs[0][1], "report": pairs[0][0]}
    for key, metric in headline.items():
        attributes[key] = metric.name
        attributes[f"{key}_label"] = metric.label
        attributes[f"{key}_better"] = metric.better
    return attributes


def _defaults(plan: Plan) -> dict[str, dict[str, Mapping[str, float]]]:
    """The arguments of all defaults that ran, by optimizer and setting."""
    defaults: dict[str, dict[str, Mapping[str, float]]] = {}
    for optimizer in plan.optimizers:
        of_each = {name: defaults.arguments for name, defaults in optimizer.shipped.items()}
        known = {DEFAULT: optimizer.defaults, **of_each}
        defaults[optimizer.name] = {name: known[name] for name in plan.defaults_of(optimizer)}
    return defaults


def _column(tuning: Tuning, name: str) -> np.ndarray:
    """The values of one hyper-parameter, NaN for an optimizer that does not have it."""
    if name not in tuning.optimizer.names:
        return np.full(len(tuning.configurations), np.nan)
    index = tuning.optimizer.names.index(name)
    return np.array([float(c[index]) for c in tuning.configurations])


def _table(
    runs: Table, values: Callable[[TunedRuns], np.ndarray | None], fill: float | bool
) -> np.ndarray:
    """An array of each optimizer under each schedule, in one that is padded with `fill`.

    Args:
        runs: The runs.
        values: Gives the arrays, which may differ in their first axis; None where there is none.
        fill: What stands where there is nothing.
    """
    parts = [[None if tuned is None else values(tuned) for tuned in row] for row in runs]
    there = [part for row in parts for part in row if part is not None]
    longest = max(len(part) for part in there)
    shape = (len(parts), len(parts[0]), longest, *there[0].shape[1:])
    table = np.full(shape, fill, there[0].dtype)
    for i, row in enumerate(parts):
        for j, part in enumerate(row):
            if part is not None:
                table[i, j, : len(part)] = part
    return table
