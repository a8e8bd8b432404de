"""Results made up to support claims and to contradict them, and how a claim about them is read."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.report.claims import general
from rmsprop.study.report.claims import published as earlier
from rmsprop.study.report.claims.claim import Claim
from rmsprop.study.results.digest import digests
from rmsprop.study.tasks.landscapes import valley_axes

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
        grids, better=better, seeds=seeds, tuning_seeds=tuning_seeds, steps=400, **attributes
    )
    random = np.random.default_rng(1)
    one = 1 + 0.01 * random.standard_normal(dataset["metric"].shape)
    dataset["metric"] = dataset["metric"].copy(data=one).where(dataset["metric"].notnull())
    dataset["off_rate_report"] = dataset["off_rate_report"].copy(
        data=synthetic.off_rates(
            dataset["metric"].sel(setting="tuned").values, (2, 1.5, 1.5, 2), better
        )
    )
    return dataset


def with_differences(
    task: xr.Dataset, rmsprop: float = 0.0, adagrad: float = 0.0, default: float = 0.0
) -> xr.Dataset:
    """Differences put between the two, and between what is tuned and what is not."""
    task["metric"].loc[{"optimizer": "rmsprop"}] += rmsprop
    task["metric"].loc[{"optimizer": "adagrad"}] += adagrad
    task["metric"].loc[{"setting": task["setting"][1:]}] += default
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


def with_choice(task: xr.Dataset, rest: float) -> xr.Dataset:
    """Results of which the chosen RMSprop has another decay, `rest` being one minus it."""
    rests = task["one_minus_decay"].sel(optimizer="rmsprop", schedule="constant").values
    task["chosen"].loc[{"optimizer": "rmsprop"}] = int(np.flatnonzero(np.isclose(rests, rest))[0])
    return task


def with_finalists(
    task: xr.Dataset, decays: Mapping[float, float], adagrad: float, noise: float = 0.01
) -> xr.Dataset:
    """Results with one finalist of each of these decays, by one minus it, and one of AdaGrad.

    The score of each is the number beside it on every seed, but for the noise.
    """
    random = np.random.default_rng(2)
    seeds = task.sizes["seed"]
    rests = task["one_minus_decay"].sel(optimizer="rmsprop", schedule="constant").values
    of_decays = [int(np.flatnonzero(np.isclose(rests, rest))[0]) for rest in decays]
    numbers = np.full((len(task["optimizer"]), task.sizes["schedule"], len(decays)), -1)
    scores = np.full((*numbers.shape[:2], 1, len(decays), seeds), np.nan)
    names = task["optimizer"].values.tolist()
    for name, configurations, values in (
        ("rmsprop", of_decays, [*decays.values()]),
        ("adagrad", [0], [adagrad]),
    ):
        place = names.index(name)
        numbers[place, :, : len(values)] = configurations
        draws = noise * random.standard_normal((len(values), seeds))
        scores[place, :, 0, : len(values)] = np.array(values)[:, None] * (1 + draws)
    dims = ("optimizer", "schedule", "metric_name", "finalist", "seed")
    one = task.isel(finalist=[0], metric_name=[0]).drop_dims("finalist")
    return one.assign(
        finalist_configuration=(("optimizer", "schedule", "finalist"), numbers),
        finalist_choice=(dims, scores),
        finalist_report=(dims, scores.copy()),
    ).assign_coords(finalist=np.arange(len(decays)))


def with_regrets(
    task: xr.Dataset, rmsprop: Sequence[float], adagrad: Sequence[float], noise: float = 0.01
) -> xr.Dataset:
    """Results that are so many times as bad with each learning rate that is off."""
    random = np.random.default_rng(3)
    better = task.attrs["report_better"]
    for name, worse in (("rmsprop", rmsprop), ("adagrad", adagrad)):
        metric = task["metric"].sel(optimizer=name, setting="tuned").values
        values = synthetic.off_rates(metric, worse, better)
        draws = noise * random.standard_normal(values.shape)
        task["off_rate_report"].loc[{"optimizer": name}] = values * (1 + draws)
    return task


def with_crossings(task: xr.Dataset, **shares: float) -> xr.Dataset:
    """Paths that change sides across the valley in about that share of the steps."""
    random = np.random.default_rng(4)
    along, across = valley_axes()
    steps = task.sizes["step"]
    for name, share in shares.items():
        for seed in range(task.sizes["seed"]):
            side = np.cumprod(np.where(random.random(steps) < share, -1, 1))
            path = np.linspace(4, 0, steps)[:, None] * along + 0.1 * side[:, None] * across
            task["path"].loc[{"optimizer": name, "seed": task["seed"][seed]}] = path.astype("f4")
    return task


def comparison_of(**tasks: xr.Dataset) -> Comparison:
    """The comparison of the tasks, by name; the only finalist has the metric that is shown."""
    of_one = {name: synthetic.with_one_finalist(task) for name, task in tasks.items()}
    return Comparison.of(of_one, synthetic.ROOT)


def comparison_of_finalists(**tasks: xr.Dataset) -> Comparison:
    """The comparison of the tasks, by name, with the finalists that they have."""
    return Comparison.of(tasks, synthetic.ROOT)


def claims(comparison: Comparison) -> list[Claim]:
    """The general claims about the results of a comparison."""
    return general.claims(digests(comparison))


def published(comparison: Comparison) -> list[Claim]:
    """The published results beside those of a comparison."""
    return earlier.published(digests(comparison))


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
