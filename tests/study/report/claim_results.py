"""Results made up to support claims and to contradict them, and how a claim about them is read."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report.claims.claim import Claim

# From a learning rate and 1 - decay to a score.
Score = Callable[[float, float], float]

RATES = [1e-3, 1e-2, 1e-1, 1.0]
# Of 1 - decay.
REST = [0.1, 0.01, 0.001]
GRIDS = {
    "rmsprop": {"learning_rate": RATES, "one_minus_decay": REST},
    "adagrad": {"learning_rate": RATES},
}
INF = float("inf")


def one_task(
    grids: Mapping[str, synthetic.Grid] = GRIDS,
    better: str = "lower",
    seeds: int = 8,
    tuning_seeds: int = 5,
    **attributes: Any,
) -> xr.Dataset:
    """Results whose final metric is 1 in every run, but for a noise of 1 %."""
    dataset = synthetic.task(
        grids, better=better, seeds=seeds, tuning_seeds=tuning_seeds, steps=40, **attributes
    )
    random = np.random.default_rng(1)
    dataset["metric"] = dataset["metric"].copy(
        data=1 + 0.01 * random.standard_normal(dataset["metric"].shape)
    )
    return dataset


def with_differences(
    task: xr.Dataset, rmsprop: float = 0.0, adagrad: float = 0.0, default: float = 0.0
) -> xr.Dataset:
    """Differences put between the two, and between the settings of both."""
    task["metric"].loc[{"optimizer": "rmsprop"}] += rmsprop
    task["metric"].loc[{"optimizer": "adagrad"}] += adagrad
    task["metric"].loc[{"setting": "default"}] += default
    return task


def with_slopes(
    task: xr.Dataset, rmsprop: float = 0.0, adagrad: float = -0.5, spread: float = 0.01
) -> xr.Dataset:
    """Effective rates that are powers of the step, with other exponents on other seeds."""
    steps = task["bin"].values[:, None]
    noise = spread * np.linspace(-1, 1, task.sizes["seed"])[:, None, None]
    for name, power in (("rmsprop", rmsprop), ("adagrad", adagrad)):
        task["effective_rate"].loc[{"optimizer": name}] = (steps ** (power + noise)).astype("f4")
    return task


def with_scores(task: xr.Dataset, adagrad: Score, rmsprop: Score) -> xr.Dataset:
    """Scores of the tuning runs, as functions of a configuration."""
    noise = 1e-4 * np.arange(task.sizes["tuning_seed"])
    for name, of in (("rmsprop", rmsprop), ("adagrad", adagrad)):
        row = task.sel(optimizer=name, schedule="constant")
        for j in np.flatnonzero(row["learning_rate"].notnull()):
            rate = float(row["learning_rate"][j])
            rest = float(row["one_minus_decay"][j])
            place = {"optimizer": name, "schedule": "constant", "configuration": j}
            task["tuning_score"].loc[place] = of(rate, rest) + noise
    task["tuning_diverged"] = np.isinf(task["tuning_score"])
    return task


def bowl(width: float) -> Score:
    """Scores from 1 upwards; the width is of what is good, in decades around a rate of 0.01."""
    return lambda rate, _: 1 + (2 * np.log10(rate / 0.01) / width) ** 2 / 20


def task_by_decay(scores: Sequence[float], adagrad: float, **options: Any) -> xr.Dataset:
    """RMSprop's score is decided by the decay alone, one for each of `REST`; AdaGrad's is one."""
    of = {rest: scores[k] for k, rest in enumerate(REST)}
    return with_scores(one_task(**options), lambda *_: adagrad, rmsprop=lambda _, rest: of[rest])


def comparison_of(**tasks: xr.Dataset) -> Comparison:
    """The comparison of the tasks, by name."""
    of_one = {name: synthetic.with_one_finalist(task) for name, task in tasks.items()}
    return Comparison.of(of_one, synthetic.ROOT)


def claim_about(claims: Sequence[Claim], words: str) -> Claim | None:
    """The claim that says `words`, or None; every text of it must read well."""
    chosen = [claim for claim in claims if words in claim.statement]
    assert len(chosen) <= 1, chosen
    for claim in chosen:
        for text in (claim.statement, claim.reason, *claim.measurements):
            _check_text(text)
    return chosen[0] if chosen else None


def _check_text(text: str) -> None:
    assert not re.search(r"\bnan\b|None|  |<|\.\.|,,|;;|_", text), text
    assert text.endswith("."), text
