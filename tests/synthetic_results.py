"""Made-up results that follow the schema: what the study's tests work on where no run is needed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from rmsprop.study.comparison import Comparison
from rmsprop.study.results.schema import QUANTILES, RATE_FACTORS

Grid = Mapping[str, Sequence[float]]

SETTINGS = ("tuned", "default")

RATES = tuple(10.0 ** (k / 2) for k in range(-8, 1))
DECAYS = tuple(10.0 ** (k / 2) for k in range(-6, 0))
GRIDS: Mapping[str, Grid] = {
    "rmsprop": {"learning_rate": RATES, "one_minus_decay": DECAYS},
    "adagrad": {"learning_rate": RATES},
}
ROOT = {
    "created": "2026-01-31T12:00:00+00:00",
    "command": "rmsprop compare --tasks valley,digits,bible --seeds 8",
    "versions": json.dumps({"rmsprop": "0.1.0", "jax": "0.10.2", "python": "3.12.1"}),
    "device": "cpu",
    "cores": 2,
    "settings": json.dumps({"tasks": ["valley", "digits", "bible"], "seeds": 8, "steps": None}),
    "seconds": 48.25,
}


def task(
    grids: Mapping[str, Grid] = GRIDS,
    *,
    seeds: int = 8,
    tuning_seeds: int = 3,
    steps: int = 300,
    start: float = 2.3,
    floor: float = 0.05,
    spread: float = 0.08,
    diverged: Mapping[str, Sequence[int]] | None = None,
    better: str = "lower",
    label: str = "test error (share of images)",
    path: bool = False,
    schedules: Sequence[str] = ("constant",),
    settings: Sequence[str] = SETTINGS,
    references: Sequence[str] = (),
    second_metric: bool = False,
    seed: int = 0,
    **attributes: Any,
) -> xr.Dataset:
    """Results of one task, in the shape that real ones have.

    Args:
        grids: optimizer -> hyper-parameter -> its values; every combination is a configuration.
        seeds: number of reporting seeds.
        tuning_seeds: number of tuning seeds.
        steps: number of steps.
        start: training loss before the first step.
        floor: training loss of the best configuration in the end.
        spread: standard deviation over seeds, relative.
        diverged: optimizer -> positions of the reporting seeds on which it diverged.
        better: whether a lower or a higher metric is better.
        label: of the metric.
        path: whether the path of two parameters is recorded.
        schedules: names of the schedules of the learning rate.
        settings: names of the settings, "tuned" first.
        references: names of optimizers that ran under the last schedule alone, tuned alone.
        second_metric: whether the training loss is reported too.
        seed: of the noise.
        attributes: to replace those of the task.
    """
    random = np.random.default_rng(seed)
    names = list(grids)
    lists = [list(itertools.product(*grid.values())) for grid in grids.values()]
    size = max(len(configurations) for configurations in lists)
    worst = np.inf if better == "lower" else -np.inf
    places = (len(names), len(schedules))
    hypers = {name: np.full((*places, size), np.nan) for grid in grids.values() for name in grid}
    scores = np.full((*places, size, tuning_seeds), np.nan)
    growth = np.full((*places, size), -1)
    for i, (grid, configurations) in enumerate(zip(grids.values(), lists, strict=True)):
        for j, configuration in enumerate(configurations):
            values = dict(zip(grid, configuration, strict=True))
            for name, value in values.items():
                hypers[name][i, :, j] = value
            score = _score(values, better)
            noise = random.standard_normal((len(schedules), tuning_seeds))
            scores[i, :, j] = score * (1 + spread * noise)
            growth[i, :, j] = values["learning_rate"] > 0.5  # the last ones came by growing
            if values["learning_rate"] > 0.5:
                scores[i, :, j, j % tuning_seeds :] = worst
    mean = np.where(np.isnan(scores), worst, scores).mean(axis=-1)
    chosen = (mean if better == "lower" else -mean).argmin(axis=-1)

    runs = (*places, len(settings), seeds)
    bad = np.zeros(runs, dtype=bool)
    for name, positions in (diverged or {}).items():
        bad[names.index(name), ..., list(positions)] = True
    loss = _losses(random, (*runs, steps), start, floor, spread)
    loss[bad, steps // 2 :] = np.nan
    worse = 0.08 * np.arange(len(names))[:, None, None, None]
    worse = worse - 0.03 * np.arange(len(schedules))[:, None, None]
    worse = worse + 0.5 * np.arange(len(settings))[:, None] * (1 if better == "lower" else -1)
    noise = spread * random.standard_normal(runs)
    metric = _score({"learning_rate": 1e-2}, better) * (1 + noise + worse)
    metric = np.where(bad, worst, metric)
    finalists = _finalists(random, mean, metric[:, :, 0], better)
    finalists = (finalists[0], *(x[:, :, None] for x in finalists[1:]))
    margin, chance = (attributes.pop(key, None) for key in ("margin", "chance"))
    headline = {
        "name": attributes.get("report", "test_error"),
        "label": attributes.get("report_label", label),
        "better": attributes.get("report_better", better),
        "margin": margin,
        "chance": chance,
        "choose_by": {
            "name": "validation_loss",
            "label": "validation error (share of images)" if better == "lower" else "accuracy",
            "better": attributes.get("choose_by_better", better),
        },
    }
    training = {"name": "training_loss", "label": "training loss", "better": "lower"}
    training = {**training, "margin": None, "chance": None, "choose_by": training}
    metrics = [headline, training] if second_metric else [headline]
    if second_metric:
        losses = np.exp(random.standard_normal(finalists[1].shape) / 10)
        losses[np.isnan(finalists[1])] = np.nan
        finalists = (finalists[0], *(np.concatenate([x, losses], axis=2) for x in finalists[1:]))
    tenth = max(1, steps // 10)
    points = np.arange(1, 11) * tenth
    early = np.linspace(3, 1, 10) if better == "lower" else np.linspace(0.2, 1, 10)
    bins = np.unique(np.geomspace(1, steps, 20).astype(int))
    trials = ("optimizer", "schedule", "configuration")
    runs_of = ("optimizer", "schedule", "setting", "seed")
    variables: dict[str, Any] = {
        **{name: (trials, values) for name, values in hypers.items()},
        "growth": (trials, growth),
        "tuning_score": ((*trials, "tuning_seed"), scores),
        "tuning_diverged": ((*trials, "tuning_seed"), np.isinf(scores)),
        "chosen": (trials[:2], chosen.astype(np.int64)),
        "at_edge": (trials[:2], _edges(names, schedules)),
        "finalist_configuration": ((*trials[:2], "finalist"), finalists[0]),
        "finalist_choice": ((*trials[:2], "metric_name", "finalist", "seed"), finalists[1]),
        "finalist_report": ((*trials[:2], "metric_name", "finalist", "seed"), finalists[2]),
        "off_rate_report": (
            (*trials[:2], "rate_factor", "seed"),
            off_rates(metric[:, :, 0], (1.3, 1.1, 1.1, 1.3), better),
        ),
        "loss": ((*runs_of, "step"), loss),
        "metric": (runs_of, metric),
        "evaluation": ((*runs_of, "point"), metric[..., None] * early),
        "online_loss": (runs_of, np.where(bad, np.inf, loss.mean(-1))),
        "final_loss": (runs_of, np.where(bad, np.inf, loss[..., -tenth:].mean(-1))),
        "last_loss": (runs_of, np.where(bad, np.inf, loss[..., -1])),
        "diverged": (runs_of, bad),
        "effective_rate": ((*runs_of, "bin", "quantile"), _rates(random, names, runs, bins)),
        "seconds_per_run": ("optimizer", np.linspace(0.021, 0.025, len(names))),
        "compile_seconds": ("optimizer", np.linspace(1.5, 1.8, len(names))),
        "state_bytes": ("optimizer", np.full(len(names), 104_488)),
        "parameter_bytes": ("optimizer", np.full(len(names), 104_488)),
    }
    if path:
        variables["path"] = ((*runs_of, "step", "coordinate"), _paths(random, loss))
    dataset = xr.Dataset(
        variables,
        coords={
            "optimizer": names,
            "schedule": list(schedules),
            "configuration": np.arange(size),
            "tuning_seed": np.arange(tuning_seeds),
            "finalist": np.arange(finalists[0].shape[-1]),
            "metric_name": [metric["name"] for metric in metrics],
            "setting": list(settings),
            "rate_factor": list(RATE_FACTORS),
            "seed": 1000 + np.arange(seeds),
            "step": 1 + np.arange(steps),
            "point": points,
            "bin": bins,
            "quantile": list(QUANTILES),
        },
        attrs={
            "title": "Handwritten digits, MLP 64-128-64-10",
            "choose_by": "validation_loss",
            "choose_by_label": "validation error (share of images)"
            if better == "lower"
            else "accuracy",
            "choose_by_better": better,
            "report": "test_error",
            "report_label": label,
            "report_better": better,
            "steps": steps,
            "target": 0.05,
            "width": 8,
            "tuning_seeds": tuning_seeds,
            "metrics": json.dumps(metrics),
            "references": json.dumps(list(references)),
            "citation": "Alpaydin and Kaynak, Optical recognition of handwritten digits, 1998",
            "data_sha256": "6f1fd0b4a5d64d3a8c4f7b0e0f6e7b4c2c1f0a9d8e7b6a5c4d3e2f1a0b9c8d7e",
            "tuned": json.dumps({name: list(grid) for name, grid in grids.items()}),
            "defaults": json.dumps(
                {
                    name: {setting: dict.fromkeys(grid, 0.01) for setting in settings[1:]}
                    for name, grid in grids.items()
                }
            ),
            **attributes,
        },
    )
    return _without_what_references_lack(dataset, references)


def _without_what_references_lack(dataset: xr.Dataset, references: Sequence[str]) -> xr.Dataset:
    """The same results, where references ran under the last schedule alone, and only tuned."""
    if not references:
        return dataset
    is_reference = xr.DataArray(
        np.isin(dataset["optimizer"].values, [*references]), dims="optimizer"
    )
    last = dataset["schedule"] == dataset["schedule"][-1]
    ran = ~is_reference | last
    variables = {}
    for name, variable in dataset.data_vars.items():
        dims = set(variable.dims)
        if "optimizer" not in dims or "schedule" not in dims:
            continue
        there = ran
        if "setting" in dims:
            there = ran & (~is_reference | (dataset["setting"] == "tuned"))
        blank = {"i": -1, "b": False, "U": "[]"}.get(variable.dtype.kind, np.nan)
        variables[name] = variable.where(there, blank).transpose(*variable.dims)
        variables[name] = variables[name].astype(variable.dtype)
    return dataset.assign(variables)


def with_one_finalist(dataset: xr.Dataset) -> xr.Dataset:
    """The same results, where the only finalist of each optimizer has the metric that is shown."""
    metric = dataset["metric"].sel(setting="tuned", drop=True)
    metric = metric.expand_dims(("metric_name", "finalist"), axis=(2, 3))
    one = dataset.isel(finalist=[0], metric_name=[0])
    return one.assign(
        finalist_configuration=one["chosen"].expand_dims("finalist", axis=2),
        finalist_choice=metric,
        finalist_report=metric,
    )


def _finalists(
    random: np.random.Generator, mean: np.ndarray, metric: np.ndarray, better: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers, choices and reports of the best four; the best one has the metric that is shown."""
    sign = 1 if better == "lower" else -1
    order = np.argsort(sign * mean, axis=-1, kind="stable")[..., :4]
    numbers = np.where(np.isfinite(np.take_along_axis(mean, order, axis=-1)), order, -1)
    worse = 1 + sign * 0.03 * np.arange(order.shape[-1])[:, None]
    report = metric[:, :, None] * worse
    choice = report * (1 + 0.01 * random.standard_normal(report.shape))
    padding = (numbers < 0)[..., None]
    return numbers, np.where(padding, np.nan, choice), np.where(padding, np.nan, report)


def off_rates(metric: np.ndarray, worse: Sequence[float], better: str) -> np.ndarray:
    """What a rate that is off makes of a metric: so many times as bad for each factor."""
    factors = np.array(worse)[:, None]
    return metric[..., None, :] * (factors if better == "lower" else 1 / factors)


def _edges(names: Sequence[str], schedules: Sequence[str]) -> np.ndarray:
    of_each = np.array(["[]", '["learning_rate"]'] * 9)[: len(names)]
    return np.repeat(of_each[:, None], len(schedules), axis=1)


def _rates(
    random: np.random.Generator, names: Sequence[str], runs: tuple[int, ...], bins: np.ndarray
) -> np.ndarray:
    """Effective rates: those of AdaGrad fall as 1/sqrt(t), those of all others settle."""
    exponents = np.array([-0.5 if name == "adagrad" else 0.0 for name in names])
    shape = (len(names), 1, 1, 1, 1, 1)
    fall = (bins[:, None] / bins[0]) ** exponents.reshape(shape)
    spread = 10.0 ** np.linspace(-1, 1, len(QUANTILES))
    noise = np.exp(0.02 * random.standard_normal((*runs, len(bins), 1)))
    return (0.1 * fall * spread * noise).astype(np.float32)


def comparison(**root: Any) -> Comparison:
    """Three tasks: a valley with its path, digits, and words with diverged runs."""
    return Comparison.of(
        {
            "valley": task(
                path=True,
                start=30.0,
                floor=1e-7,
                seed=1,
                label="loss after the last step",
                title="Narrow valley, condition number 100",
                data_sha256="",
                citation="a quadratic function of two parameters, rotated by 30 degrees",
            ),
            "digits": task(seed=2, schedules=("constant", "linear")),
            "bible": task(
                seed=3,
                start=4.2,
                floor=1.4,
                better="higher",
                label="test accuracy (share of verses)",
                title="Which book of the bible, bag of words",
                diverged={"rmsprop": [1]},
            ),
        },
        {**ROOT, **root},
    )


def full(**root: Any) -> Comparison:
    """A valley, digits and words with all that a study can hold.

    Two schedules, two metrics, references under the second schedule, defaults of two frameworks of
    which AdaGrad lacks one, and configurations that left the race after the first seed. On the
    valley RMSprop is better under the second schedule, and remembers longer than a third of it.
    """
    grids = {
        "rmsprop": {"learning_rate": RATES, "one_minus_decay": DECAYS[::2], "eps": (1e-7, 1e-4)},
        "adagrad": {"learning_rate": RATES, "initial_accumulator_value": (1e-7, 1e-4)},
        "sgd": {"learning_rate": RATES},
        "adam": {"learning_rate": RATES},
    }
    options: dict[str, Any] = {
        "grids": grids,
        "seeds": 20,
        "schedules": ("constant", "linear"),
        "settings": ("tuned", "torch", "keras"),
        "references": ("sgd", "adam"),
        "second_metric": True,
    }
    tasks = {
        "valley": task(path=True, seed=1, label="loss", title="Narrow valley", **options),
        "digits": task(seed=2, label="test loss", margin=0.05, **options),
        "bible": task(
            seed=3, label="test accuracy", better="higher", margin=0.005, chance=0.02, **options
        ),
    }
    faster = {"optimizer": "rmsprop", "schedule": "linear", "metric_name": "test_error"}
    for name in ("finalist_choice", "finalist_report"):
        tasks["valley"][name].loc[faster] *= 0.2
    tasks["valley"]["metric"].loc[{"optimizer": "rmsprop", "schedule": "linear"}] *= 0.2
    for dataset in tasks.values():
        _race(dataset)
        dataset["metric"].loc[{"optimizer": "adagrad", "setting": "keras"}] = np.nan
        dataset["diverged"].loc[{"optimizer": "adagrad", "setting": "keras"}] = False
        dataset["metric"].loc[{"schedule": "linear", "setting": ["torch", "keras"]}] = np.nan
    long = np.isclose(tasks["valley"]["one_minus_decay"].values[0, 0], DECAYS[0])
    first = int(np.flatnonzero(long)[8])
    tasks["valley"]["chosen"].loc[{"optimizer": "rmsprop"}] = first
    return Comparison.of(tasks, {**ROOT, **root})


def _race(dataset: xr.Dataset) -> None:
    """Takes the scores on the later tuning seeds from the worse two thirds of configurations."""
    scores = dataset["tuning_score"].values
    sign = 1 if dataset.attrs["choose_by_better"] == "lower" else -1
    order = np.argsort(np.argsort(sign * scores[..., 0], axis=-1), axis=-1)
    count = (~np.isnan(scores[..., 0])).sum(axis=-1, keepdims=True)
    last = order >= np.ceil(count / 3)
    scores[last, 1:] = np.nan
    dataset["tuning_diverged"].values[last, 1:] = False


def unusual() -> xr.Dataset:
    """One small task with three optimizers, diverged runs, padding and a path."""
    grid = {"learning_rate": [0.001, 0.01, 1.0]}
    grids = {
        "rmsprop": {**grid, "one_minus_decay": [0.1, 0.01]},
        "adagrad": grid,
        "αdam": {**grid, "eps": [1e-8]},
    }
    return task(grids, seeds=5, steps=10, diverged={"rmsprop": [1], "adagrad": [1, 4]}, path=True)


def surface(points: np.ndarray) -> np.ndarray:
    """The narrow valley: a quadratic function with condition number 100, rotated by 30 degrees."""
    cosine, sine = np.cos(np.pi / 6), np.sin(np.pi / 6)
    along = cosine * points[..., 0] + sine * points[..., 1]
    across = cosine * points[..., 1] - sine * points[..., 0]
    return 0.5 * (along**2 + 100 * across**2)


def _score(values: Mapping[str, float], better: str) -> float:
    distance = abs(np.log10(values["learning_rate"] / 1e-2)) ** 2
    distance += 0.3 * abs(np.log10(values.get("one_minus_decay", 0.03) / 0.03))
    return 0.03 + 0.06 * distance if better == "lower" else 0.52 / (1 + 0.3 * distance)


def _losses(
    random: np.random.Generator,
    shape: tuple[int, int, int, int, int],
    start: float,
    floor: float,
    spread: float,
) -> np.ndarray:
    optimizers, _, _, seeds, steps = shape
    time = np.linspace(0, 1, steps)
    speed = 1 + 0.4 * np.arange(optimizers)[:, None, None, None, None]
    noise = spread * random.standard_normal(shape) + spread * random.standard_normal((seeds, 1))
    return (start * (floor / start) ** (time ** (speed / 2)) * np.exp(noise)).astype(np.float32)


def _paths(random: np.random.Generator, loss: np.ndarray) -> np.ndarray:
    steps = loss.shape[-1]
    time = np.linspace(0, 6, steps)
    turn = random.uniform(0.8, 1.2, (*loss.shape[:-1], 1))
    turn = turn + 0.4 * np.arange(len(loss))[:, None, None, None, None]
    along, across = 4 * np.exp(-0.5 * time * turn), 1.2 * np.cos(9 * time) * np.exp(-time * turn)
    points = np.stack([0.87 * along - 0.5 * across, 0.5 * along + 0.87 * across], axis=-1)
    points[..., 0, :] = [3.0, 2.6]
    return points.astype(np.float32)
