"""Claims about tuning: decays, learning rates that are off, defaults.

None of them is judged on the seeds that chose: decays by the finalists, each choice on some of the
reporting seeds and its score on the others; wrong rates and defaults by runs on reporting seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from rmsprop.study import spelling
from rmsprop.study.report import sentences
from rmsprop.study.report.claims.claim import ADAGRAD, RMSPROP, TOO_FEW, Part, part_name
from rmsprop.study.results import trials
from rmsprop.study.results.decays import decay_effect, decay_name, decays_of, finalists_by_decay
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.jackknife import LEAST_SEEDS
from rmsprop.study.results.regret import Regret, ran_off_rate, regrets
from rmsprop.study.results.reselection import Finalists, Reselection, reselect
from rmsprop.study.results.schema import OWN, TUNED, Better, mean_tuning_scores
from rmsprop.study.results.statistics import Estimate, Ratio
from rmsprop.study.results.summary import Line, finalists, metrics_of
from rmsprop.study.results.verdicts import verdict

BOTH_ALIKE = "neither the decay nor the optimizer is shown to matter more"


def effect_of_decay(digest: Digest) -> Part | None:
    """Whether the decays differ by more than the best of them does from AdaGrad.

    Returns:
        What the task says; None where fewer than two decays were tried.
    """
    dataset = digest.dataset
    decays = decays_of(dataset, RMSPROP)
    if len(decays) < 2:
        return None
    headline = digest.metrics[0]
    by_decay = finalists_by_decay(dataset, RMSPROP, OWN, headline)
    lost = [decay for decay in decays if decay not in by_decay]
    scores = _tuning_scores(digest) if lost else ""
    if len(by_decay) < 2:
        finding = f"{spelling.listed([*by_decay])} is the only decay among the finalists"
        return Part(digest.task, scores, None, finding)
    pair = digest.pair(RMSPROP, ADAGRAD, OWN)
    other = finalists(dataset, ADAGRAD, Line(digest.task, OWN, TUNED, headline, RMSPROP, ADAGRAD))
    effect = decay_effect(dataset, by_decay, other, headline, pair.tuning_seeds)
    apart = "differ by a factor of" if effect.is_ratio else "differ by"
    both = "factor divided by the second" if effect.is_ratio else "difference minus the second"
    figures = (
        f"the worst and the best decay, most often {effect.worst} and {effect.best},"
        f" {apart} {effect.spread}; AdaGrad and the best decay {apart} {effect.other}; the first"
        f" {both} is {effect.excess} ({sentences.measure(digest.dataset)})"
    )
    if lost:
        figures = f"{figures}; no finalist has a decay of {spelling.listed(lost, 'or')}; {scores}"
    if pair.too_few:
        return Part(digest.task, figures, None, TOO_FEW)
    if effect.sign > 0:
        return Part(digest.task, figures, True, "the decay makes the larger difference")
    if effect.sign < 0 and lost:
        finding = "the decays among the finalists make the smaller difference"
        return Part(digest.task, figures, None, finding)
    if effect.sign < 0:
        return Part(digest.task, figures, False, "the optimizer makes the larger difference")
    return Part(digest.task, figures, None, BOTH_ALIKE)


def _tuning_scores(digest: Digest) -> str:
    """The best score of each decay on the seeds that all configurations ran on: the first."""
    dataset = digest.dataset
    attributes = dataset.attrs
    one_seed = dataset.isel(tuning_seed=[0])
    scores = mean_tuning_scores(one_seed).sel(optimizer=RMSPROP)
    name = decay_name(dataset, RMSPROP)
    assert name is not None
    rests, best = trials.best_by(
        dataset[name].sel(optimizer=RMSPROP), scores, attributes["choose_by_better"]
    )
    of_each = [
        f"{score:.3g} with {spelling.value(name, rest)}"
        for rest, score in zip(rests[::-1], best[::-1], strict=True)
    ]
    return (
        f"on the first tuning seed, the best {spelling.metric(attributes['choose_by_label'])} by"
        f" decay is"
        f" {spelling.listed(of_each)}"
    )


def forgiveness(digest: Digest) -> Iterator[Part]:
    """Whether AdaGrad loses less than RMSprop by a learning rate that is off.

    Yields:
        One part for each schedule under which both ran with such rates.
    """
    dataset = digest.dataset
    names = [
        schedule
        for schedule in digest.schedules
        if all(ran_off_rate(dataset, name, schedule) for name in (RMSPROP, ADAGRAD))
    ]
    for schedule in names:
        yield _forgiveness(digest, schedule, names)


def _forgiveness(digest: Digest, schedule: str, names: Sequence[str]) -> Part:
    """What the task says of one of the schedules that both ran under with wrong rates."""
    dataset = digest.dataset
    of_distances = regrets(dataset, schedule, RMSPROP, ADAGRAD)
    label, better = dataset.attrs["report_label"], dataset.attrs["report_better"]
    figures = "; ".join(regret_in_words(x, label, better) for x in of_distances)
    part = part_name(digest.task, spelling.schedule(schedule), names)
    if dataset.sizes["seed"] < LEAST_SEEDS:
        return Part(part, figures, None, TOO_FEW)
    signs = {x.sign for x in of_distances} - {0}
    if not signs:
        return Part(part, figures, None, "no difference is shown")
    if len(signs) == 2:
        return Part(
            part, figures, None, "which of the two loses less depends on how far the rate is off"
        )
    adagrad = signs == {1}
    where = spelling.listed([x.distance for x in of_distances if x.sign], "or")
    winner = "AdaGrad" if adagrad else "RMSprop"
    finding = f"{winner} loses less from a learning rate that is off by {where}"
    return Part(part, figures, adagrad, finding)


def regret_in_words(regret: Regret, label: str, better: Better) -> str:
    """What a wrong rate costs each of the two, and how the costs differ: one clause.

    Args:
        regret: The regrets of RMSprop, the first, and AdaGrad.
        label: The name of the metric in words.
        better: Whether a lower or a higher value of it is better.
    """
    metric = spelling.metric(label)
    start = f"a learning rate that is off by {regret.distance}"
    if regret.is_ratio:
        return (
            f"{start} multiplies the {metric} by {regret.first} for RMSprop and"
            f" {regret.second} for AdaGrad, and the factor of RMSprop divided by that of AdaGrad is"
            f" {regret.difference}"
        )
    changes = [x if better == "lower" else _negative(x) for x in (regret.first, regret.second)]
    return (
        f"{start} changes the {metric} by {changes[0]} for RMSprop and {changes[1]} for"
        f" AdaGrad, and the regret of RMSprop minus that of AdaGrad is {regret.difference}"
    )


def _negative(estimate: Estimate) -> Estimate:
    return Estimate(-estimate.value, -estimate.high, -estimate.low)


def effect_of_tuning(digest: Digest) -> Iterator[Part]:
    """Whether the tuned RMSprop is better than each of the complete defaults, by name.

    Both run under the first schedule; what is tuned is chosen on some of the reporting seeds and
    compared on the others.

    Yields:
        One part for each setting that RMSprop has under the first schedule.
    """
    names = [x for x in digest.settings[1:] if RMSPROP in _optimizers(digest, x)]
    for setting in names:
        yield _gain(digest, setting, names)


def _gain(digest: Digest, setting: str, names: list[str]) -> Part:
    gain = _tuned_beside(digest, setting, RMSPROP)
    # The margin of a metric depends on its values alone: on whether they are compared as ratios.
    pair = digest.pair(RMSPROP, ADAGRAD, digest.schedules[0])
    margin = pair.margin if pair.is_ratio == gain.logarithmic else None
    scaled = math.log1p(margin) if margin is not None and gain.logarithmic else margin
    figures = f"{_beside(gain)} for RMSprop"
    if ADAGRAD in _optimizers(digest, setting):
        other = _tuned_beside(digest, setting, ADAGRAD)
        figures = f"{figures} and {_in_units(other)} for AdaGrad"
    figures = f"{figures} ({sentences.measure(digest.dataset)})"
    part = part_name(digest.task, spelling.setting(setting), names)
    if gain.seeds < LEAST_SEEDS:
        return Part(part, figures, None, TOO_FEW)
    conclusion = verdict(gain.difference, scaled)
    if conclusion == "equal":
        return Part(part, figures, False, "tuning does not help")
    if conclusion == "undecided":
        return Part(part, figures, None, "no gain from tuning is shown")
    better = (gain.difference.value < 0) == (pair.better == "lower")
    finding = "tuning helps" if better else "tuning makes the result worse"
    return Part(part, figures, better, finding)


def _optimizers(digest: Digest, setting: str) -> set[str]:
    """The optimizers that have a setting under the first schedule."""
    return {row.optimizer for row in digest.defaults.get((digest.schedules[0], setting), ())}


def _tuned_beside(digest: Digest, setting: str, optimizer: str) -> Reselection:
    """The optimizer tuned and with complete defaults, on the headline under the first schedule."""
    dataset = digest.dataset
    metric = metrics_of(dataset)[0]
    schedule = digest.schedules[0]
    better: Better = metric["better"]
    choose_by: Better = metric["choose_by"]["better"]
    line = Line(digest.task, schedule, TUNED, metric["name"], optimizer, optimizer)
    tuned = finalists(dataset, optimizer, line)
    runs = dataset.sel(optimizer=optimizer, schedule=schedule, setting=[setting])["metric"].values
    # There is one of each default, so that whatever it is chosen by, it is chosen.
    default = Finalists(np.ones_like(runs), runs)
    size = digest.pair(RMSPROP, ADAGRAD, digest.schedules[0]).tuning_seeds
    return reselect(tuned, default, size, better, choose_by=choose_by, chance=metric["chance"])


def _beside(gain: Reselection) -> str:
    return f"tuned {'/' if gain.logarithmic else '-'} default is {_in_units(gain)}"


def _in_units(gain: Reselection) -> Estimate:
    return Ratio.exp(gain.difference) if gain.logarithmic else gain.difference
