"""Does the decay of RMSprop matter more than the choice between RMSprop and another optimizer?

Both are distances of scores, and a distance that is estimated by the largest difference seen is too
large.  So whatever is the best or the worst is chosen on a subset `T` of the seeds, and the
distance is measured on a seed `s` outside of it, as in `reselection`.  On `T` each
decay and the other optimizer choose their configuration; `d(T)` is the best decay there,
`e(T)` the worst, and `σ(T)` is 1 where the other optimizer is worse than
`d(T)` there and -1 where it is better.  The two distances are the means

    mean of h(e(T), s) - h(d(T), s)    and    mean of σ(T) (h'(s) - h(d(T), s))

over all subsets and all seeds outside of them, with `h` the reported score, lower being better.
Neither is biased upwards by the choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from rmsprop.study import spelling
from rmsprop.study.results.jackknife import interval_of, jackknife, subsets_of
from rmsprop.study.results.reselection import (
    Finalists,
    logarithms,
    weights,
    without_divergence,
    without_rounding,
)
from rmsprop.study.results.schema import OWN, Better, names_of, tuned_names
from rmsprop.study.results.statistics import Estimate, Ratio
from rmsprop.study.results.summary import metric_of
from rmsprop.study.results.trials import six_digits


@dataclass(frozen=True)
class DecayEffect:
    """How much the decay matters, beside the choice of another optimizer.

    Attributes:
        best: The best decay of those two that are the best and the worst most often.
        worst: The worst of these two.
        spread: How far apart the worst and the best decay are, with a 95 % interval: a ratio of
            losses if `is_ratio`, else a difference of the metric.
        other: How far apart the other optimizer and the best decay are, likewise.
        excess: The first of the two distances beside the second: their ratio if `is_ratio`, else
            their difference. The ends are NaN below six seeds.
        sign: 1 where the decays are shown to be farther apart, -1 where the optimizers are, 0 else.
        is_ratio: Whether distances are ratios, as those of losses are.
    """

    best: str
    worst: str
    spread: Estimate
    other: Estimate
    excess: Estimate
    sign: int
    is_ratio: bool


def decay_name(dataset: xr.Dataset, optimizer: str) -> str | None:
    """The hyper-parameter that is one minus the decay; None where no decay was tuned."""
    names = tuned_names(dataset)[optimizer]
    return next((name for name in names if name.startswith(spelling.ONE_MINUS)), None)


def decays_of(dataset: xr.Dataset, optimizer: str) -> tuple[str, ...]:
    """The decays that were tried under any schedule, the shortest memory first."""
    name = decay_name(dataset, optimizer)
    if name is None:
        return ()
    values = six_digits(dataset[name].sel(optimizer=optimizer))
    return tuple(spelling.value(name, x) for x in np.unique(values[np.isfinite(values)])[::-1])


def finalists_by_decay(
    dataset: xr.Dataset, optimizer: str, schedule: str, metric_name: str
) -> dict[str, Finalists]:
    """The finalists of an optimizer, those of each decay apart, the shortest memory first.

    Args:
        dataset: The results of a task.
        optimizer: The name of the optimizer.
        schedule: The name of a schedule; "own" for the finalists of all together.
        metric_name: The name of a reported metric.

    Returns:
        By decay, as people write it: `0.99`. A decay without finalists is not among them.
    """
    name = decay_name(dataset, optimizer)
    if name is None:
        return {}
    schedules = names_of(dataset, "schedule") if schedule == OWN else (schedule,)
    runs = dataset.sel(optimizer=optimizer, schedule=list(schedules), metric_name=metric_name)
    numbers = runs["finalist_configuration"].values
    real = numbers >= 0
    rest = np.take_along_axis(runs[name].values, np.maximum(numbers, 0), axis=-1)[real]
    rest = six_digits(rest)
    choice, report = (runs[key].values[real] for key in ("finalist_choice", "finalist_report"))
    return {
        spelling.value(name, x): Finalists(choice[rest == x], report[rest == x])
        for x in np.unique(rest)[::-1]
    }


def decay_effect(
    dataset: xr.Dataset,
    by_decay: Mapping[str, Finalists],
    other: Finalists,
    metric_name: str,
    tuning_seeds: int,
) -> DecayEffect:
    """How far apart decays are, beside how far the best of them is from another optimizer.

    Args:
        dataset: The results of a task.
        by_decay: The finalists of each decay, of two at least.
        other: The finalists of the other optimizer, on the same seeds.
        metric_name: The name of the metric that these are of.
        tuning_seeds: The number of seeds that a choice is made on.
    """
    metric = metric_of(dataset, metric_name)
    better: Better = metric["better"]
    choose_by: Better = metric["choose_by"]["better"]
    everyone = [*by_decay.values(), other]
    seeds = other.choice.shape[1]
    subsets = subsets_of(seeds, tuning_seeds)
    turn, sign = (1 if x == "lower" else -1 for x in (choose_by, better))
    choices, logarithmic = logarithms([x.choice for x in everyone], choose_by)
    chosen = [weights(turn * x, subsets) for x in choices]
    choices = without_divergence(choices, choose_by, None, logarithmic=logarithmic)
    on_subset = np.stack(
        [turn * ((w @ x) * subsets).sum(axis=1) for w, x in zip(chosen, choices, strict=True)]
    )
    reports, is_ratio = logarithms([x.report for x in everyone], better)
    reports = without_divergence(reports, better, metric["chance"], logarithmic=is_ratio)
    costs = np.stack([sign * (w @ x) for w, x in zip(chosen, reports, strict=True)])
    rows = np.arange(len(subsets))
    best = on_subset[:-1].argmin(axis=0)
    worst = len(by_decay) - 1 - on_subset[-2::-1].argmax(axis=0)  # of equals, another than the best
    side = np.sign(on_subset[-1] - on_subset[best, rows])[:, None]
    spread = costs[worst, rows] - costs[best, rows]
    distance = side * (costs[-1] - costs[best, rows])
    scale = max(float(np.abs(x).max()) for x in reports)
    estimates = [
        interval_of(*jackknife(without_rounding(values, scale), subsets), seeds)
        for values in (spread, distance, spread - distance)
    ]
    excess = estimates[-1]
    names = [*by_decay]
    pairs = Counter(zip(best.tolist(), worst.tolist(), strict=True))
    at_best, at_worst = pairs.most_common(1)[0][0]
    return DecayEffect(
        names[at_best],
        names[at_worst],
        *(Ratio.exp(x) if is_ratio else x for x in estimates),
        sign=(excess.low > 0) - (excess.high < 0),
        is_ratio=is_ratio,
    )
