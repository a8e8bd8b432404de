"""What is often said of RMSprop and AdaGrad, beside what a comparison measured.

Each claim is judged task by task and then as a whole:

* `supported` where it holds on every task that can show it, `not supported` where the opposite is
  shown on some task and the claim on none, `mixed` where it holds on some tasks and not on all,
  `not shown here` where no task decides.
* A task decides where a 95 % interval excludes what the claim denies, or lies within the margin in
  which two optimizers are equal: that refutes a claim that one of them is better. Of the reporting
  seeds at least six are needed, as everywhere in the study.
* What is said of decays and of the width of good learning rates can only be seen in the tuning
  runs. Their seeds are fewer, three by default, so these intervals cover less than they say
  (`rmsprop.study.results.statistics`); each such line names the number of seeds.

Only the optimizers called `rmsprop` and `adagrad` are spoken of, under the first schedule of each
task. A claim about tasks that are not in the comparison is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rmsprop.study import spelling
from rmsprop.study.report import sentences
from rmsprop.study.report.claims.claim import (
    ADAGRAD,
    RMSPROP,
    TOO_FEW,
    Claim,
    Part,
    claim_of,
    tasks_of,
    those_of,
)
from rmsprop.study.report.claims.rate_widths import RateWidths
from rmsprop.study.results import trials
from rmsprop.study.results.exponents import exponents
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.schema import DEFAULT, TUNED
from rmsprop.study.results.statistics import Estimate, bootstrap_interval, paired_difference
from rmsprop.study.results.summary import LEAST_SEEDS
from rmsprop.study.tasks import Kind, names_of

# The tasks of `rmsprop.study.tasks` by kind, in the order in which claims name them.
VALLEYS = names_of(Kind.VALLEY)
SPARSE = names_of(Kind.SPARSE, Kind.RARE)
DEEP = names_of(Kind.DEEP, Kind.MOVING)

# AdaGrad's exponent under gradients of a constant size is -1/2 exactly, that of a settled average
# 0; the gradients of a task change, so what lies within a tenth of these is called near.
NEAR = 0.1


def claims(results: Results) -> list[Claim]:
    """The general claims about the two optimizers, each with a verdict from these results.

    Args:
        results: The results of a comparison.

    Returns:
        The claims that at least one task of the results speaks of; none where one of the two
        optimizers is missing.
    """
    tasks = tasks_of(results)
    constant = [task for task in tasks if results.schedules(task)[0] == "constant"]
    candidates = (
        claim_of(
            "AdaGrad's effective learning rate keeps falling, about as t^-1/2.",
            (_fall_of_rate(results, task) for task in constant),
        ),
        claim_of(
            "RMSprop's effective learning rate settles, where AdaGrad's keeps falling.",
            (_level_of_rate(results, task) for task in constant),
        ),
        claim_of(
            "RMSprop is especially helpful in a narrow valley, steep in one direction and shallow "
            "in another; here it is compared with AdaGrad, which also has a rate for each "
            "parameter.",
            (_advantage(results, task, RMSPROP) for task in those_of(tasks, VALLEYS)),
        ),
        claim_of(
            "AdaGrad suits sparse features, such as words and categories.",
            (_advantage(results, task, ADAGRAD) for task in those_of(tasks, SPARSE)),
        ),
        claim_of(
            "RMSprop suits deep networks, non-convex problems and ones that change.",
            (_advantage(results, task, RMSPROP) for task in those_of(tasks, DEEP)),
        ),
        claim_of(
            "The decay of RMSprop matters, usually set to 0.9 and sometimes to 0.99 or 0.999: more "
            "than the choice between RMSprop and AdaGrad.",
            (
                _effect_of_decay(results, task)
                for task in tasks
                if len(trials.by_decay(results, task)) > 1
            ),
        ),
        claim_of(
            "AdaGrad forgives a learning rate that is off, RMSprop less so.",
            (_wider_range(results, task) for task in tasks),
        ),
        claim_of(
            "RMSprop still requires tuning of its learning rate and decay.",
            (_effect_of_tuning(results, task) for task in tasks),
        ),
    )
    return [claim for claim in candidates if claim is not None]


# Effective learning rates.


def _slopes(results: Results, task: str, optimizer: str) -> NDArray[np.float64]:
    """The exponents of the effective rate, one for each seed that has one."""
    rates = results.view(task)["effective_rate"].sel(optimizer=optimizer)
    median = rates.sel(quantile=0.5, method="nearest")
    slopes = exponents(median.values, median["bin"].values)
    return slopes[np.isfinite(slopes)]


def _fall_of_rate(results: Results, task: str) -> Part:
    """Whether AdaGrad's effective rate falls."""
    slopes = _slopes(results, task, ADAGRAD)
    if slopes.size == 0:
        return Part(task, "no exponent, for no gradient was seen", None, "nothing was seen")
    exponent = bootstrap_interval(slopes)
    figures = f"AdaGrad's exponent is {exponent}"
    if slopes.size < LEAST_SEEDS:
        return Part(task, figures, None, TOO_FEW)
    if exponent.high < 0:
        return Part(task, figures, True, f"it falls {_pace(exponent)}")
    if exponent.low >= 0:
        return Part(task, figures, False, "it does not fall")
    return Part(task, figures, None, "no fall is shown")


def _pace(exponent: Estimate) -> str:
    """The pace of a fall in words, beside that of 1/sqrt(t)."""
    if _is_near(exponent, -0.5):
        return "about as t^-1/2"
    if exponent.low <= -0.5 <= exponent.high:
        return "at a pace that the interval leaves open,"
    return f"{'faster' if exponent.high < -0.5 else 'more slowly'} than t^-1/2"


def _level_of_rate(results: Results, task: str) -> Part:
    """Whether RMSprop's effective rate keeps its level, where AdaGrad's falls."""
    rmsprop_slopes, adagrad_slopes = (_slopes(results, task, name) for name in (RMSPROP, ADAGRAD))
    if not (rmsprop_slopes.size and adagrad_slopes.size):
        return Part(task, "no exponent, for no gradient was seen", None, "nothing was seen")
    rmsprop, adagrad = bootstrap_interval(rmsprop_slopes), bootstrap_interval(adagrad_slopes)
    figures = f"RMSprop's exponent is {rmsprop}, AdaGrad's {adagrad}"
    if min(rmsprop_slopes.size, adagrad_slopes.size) < LEAST_SEEDS:
        return Part(task, figures, None, TOO_FEW)
    if rmsprop.low > NEAR:
        return Part(task, figures, False, "it rises")
    if rmsprop.high < -NEAR:
        return Part(task, figures, False, "it falls")
    if not _is_near(rmsprop, 0.0):
        return Part(task, figures, None, "neither is shown")
    if rmsprop.low > adagrad.high:
        return Part(task, figures, True, "it settles")
    finding = "it settles, but not shown to be apart from AdaGrad's,"
    return Part(task, figures, None, finding)


def _is_near(estimate: Estimate, center: float) -> bool:
    """Whether the whole interval lies within `NEAR` of the center."""
    return center - NEAR <= estimate.low and estimate.high <= center + NEAR


# Results of the two optimizers.


def _advantage(results: Results, task: str, favourite: str) -> Part:
    """Whether the favourite has the better result."""
    pair = results.pair(task, RMSPROP, ADAGRAD)
    verdict = sentences.verdict(pair)
    figures = f"{sentences.comparison(pair)} ({sentences.measure(results, task)}): {verdict}"
    if pair.verdict == "equal":
        return Part(task, figures, False, "they are equal")
    if pair.winner is None:
        return Part(task, figures, None, TOO_FEW if pair.too_few else "no difference is shown")
    return Part(task, figures, pair.winner == favourite, verdict)


def _effect_of_tuning(results: Results, task: str) -> Part:
    """Whether the tuned RMSprop is better than RMSprop with its default setting."""
    cost, other = (_cost_of_defaults(results, task, name) for name in (RMSPROP, ADAGRAD))
    pair = results.pair(task, RMSPROP, ADAGRAD, setting=DEFAULT)
    figures = (
        f"default - tuned is {cost} for RMSprop and {other} for AdaGrad; with "
        f"defaults {sentences.comparison(pair)} ({sentences.measure(results, task)})"
    )
    if pair.too_few:  # the seeds of both settings are the same
        return Part(task, figures, None, TOO_FEW)
    if not cost.excludes_zero():
        return Part(task, figures, None, "no gain from tuning is shown")
    gain = (cost.low > 0) == (pair.better == "lower")
    return Part(task, figures, gain, "tuning gains" if gain else "tuning loses")


def _cost_of_defaults(results: Results, task: str, optimizer: str) -> Estimate:
    """The paired difference of the reported metric, the default setting minus the tuned one."""
    default, tuned = (
        results.view(task, setting=setting)["metric"].sel(optimizer=optimizer).values
        for setting in (DEFAULT, TUNED)
    )
    return paired_difference(default, tuned)


# The tuning runs.


def _effect_of_decay(results: Results, task: str) -> Part:
    """Whether the decays differ by more than the best of them does from AdaGrad."""
    by_decay = trials.by_decay(results, task)
    attributes = results.task(task).attrs
    order = sorted(by_decay, key=lambda decay: float(by_decay[decay].mean()))
    if attributes["choose_by_better"] == "higher":
        order.reverse()
    best, worst = order[0], order[-1]
    spread = trials.apart(by_decay[worst], by_decay[best])
    other = trials.apart(
        by_decay[best], trials.best_scores(trials.trials_of(results, task, ADAGRAD))
    )
    excess = bootstrap_interval(trials.minus(spread, other))
    scores = [f"{bootstrap_interval(values)} at {decay}" for decay, values in by_decay.items()]
    figures = (
        f"the best {attributes['choose_by_label']} for each decay is {spelling.listed(scores)}; "
        f"{best} is best, and {worst} is {bootstrap_interval(spread)} from it, AdaGrad "
        f"{bootstrap_interval(other)} ({sentences.tuning_seeds(spread)})"
    )
    if not excess.excludes_zero():
        return Part(task, figures, None, "neither is shown to matter more")
    if excess.low > 0:
        return Part(task, figures, True, "the decay makes the larger difference")
    return Part(task, figures, False, "the optimizer makes the larger difference")


def _wider_range(results: Results, task: str) -> Part:
    """Whose range of good learning rates is wider: the claim holds where that is AdaGrad's."""
    widths = RateWidths.of(results, task)
    figures, difference = widths.figures(), widths.difference
    if difference is None:
        return Part(task, figures, None, "no width is known")
    if not difference.excludes_zero():
        return Part(task, figures, None, "neither range is shown to be wider")
    wider = difference.low > 0
    # A range that the grid cuts off may be the wider one after all.
    if not (widths.rmsprop_bounded if wider else widths.adagrad_bounded):
        return Part(task, figures, None, "the grid ends too early to tell")
    return Part(task, figures, wider, f"{'AdaGrad' if wider else 'RMSprop'}'s range is wider")
