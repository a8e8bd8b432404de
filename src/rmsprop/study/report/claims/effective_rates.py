"""Claims about how effective learning rates go on: AdaGrad's falls, RMSprop's settles.

The exponent of a seed is the slope of the logarithm of the effective rate on that of the step, in
the reporting run of the configuration that was chosen on other seeds. A claim is judged by the
interval of its mean over the reporting seeds, under the constant schedule.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rmsprop.study import spelling
from rmsprop.study.report.claims.claim import ADAGRAD, CONSTANT, RMSPROP, TOO_FEW, Part
from rmsprop.study.results.decays import decay_name
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.exponents import exponents
from rmsprop.study.results.jackknife import LEAST_SEEDS, mean_interval
from rmsprop.study.results.statistics import Estimate

# AdaGrad's exponent under gradients of a constant size is -1/2 exactly, that of a settled average
# 0; the gradients of a task change, so what lies within a tenth of these is called near.
NEAR = 0.1
# With (1 - decay) * steps below this RMSprop has forgotten so little by the end that it is close
# to AdaGrad with another learning rate: its twin.
TWIN = 3
# The memories 1 / (1 - decay) that the claim is about, of decays from 0.9 to 0.99.
MEMORIES = (10, 100)
NOTHING = "no gradient was measured"
NO_GRADIENT = "there is no exponent, because no gradient was measured"


def fall_of_rate(digest: Digest) -> Part:
    """Whether AdaGrad's effective rate falls about as t^-1/2."""
    slopes = _slopes(digest, ADAGRAD)
    if slopes.size == 0:
        return Part(digest.task, NO_GRADIENT, None, NOTHING)
    exponent = mean_interval(slopes)
    figures = f"AdaGrad's exponent is {exponent}"
    if slopes.size < LEAST_SEEDS:
        return Part(digest.task, figures, None, TOO_FEW)
    if _is_near(exponent, -0.5):
        return Part(digest.task, figures, True, "the rate falls about as t^-1/2")
    if exponent.low >= 0:
        return Part(digest.task, figures, False, "the rate does not fall")
    if exponent.low > -0.5 + NEAR:
        pace = "" if exponent.high < 0 else ", or not at all,"
        return Part(digest.task, figures, False, f"the rate falls more slowly than t^-1/2{pace}")
    if exponent.high < -0.5 - NEAR:
        return Part(digest.task, figures, False, "the rate falls faster than t^-1/2")
    if exponent.high < 0:
        return Part(digest.task, figures, None, "the rate falls, but how fast is not shown,")
    return Part(digest.task, figures, None, "no fall of the rate is shown")


def level_of_rate(digest: Digest) -> Part:
    """Whether RMSprop's effective rate keeps its level, where AdaGrad's falls.

    The claim is about decays of 0.9 to 0.99; an RMSprop that is AdaGrad's twin decides nothing.
    """
    rmsprop_slopes, adagrad_slopes = (_slopes(digest, name) for name in (RMSPROP, ADAGRAD))
    if not (rmsprop_slopes.size and adagrad_slopes.size):
        return Part(digest.task, NO_GRADIENT, None, NOTHING)
    rmsprop, adagrad = mean_interval(rmsprop_slopes), mean_interval(adagrad_slopes)
    decay, doubt = _decay(digest)
    figures = f"RMSprop's exponent is {rmsprop}{decay}, and AdaGrad's exponent is {adagrad}"
    if min(rmsprop_slopes.size, adagrad_slopes.size) < LEAST_SEEDS:
        return Part(digest.task, figures, None, TOO_FEW)
    if doubt:
        return Part(digest.task, figures, None, doubt)
    if rmsprop.low > NEAR:
        return Part(digest.task, figures, False, "the rate rises")
    if rmsprop.high < -NEAR:
        return Part(digest.task, figures, False, "the rate falls")
    if not _is_near(rmsprop, 0.0):
        return Part(digest.task, figures, None, "it is not shown whether the rate settles")
    if rmsprop.low > adagrad.high:
        return Part(digest.task, figures, True, "the rate settles")
    finding = "the rate settles, but no difference from AdaGrad's is shown,"
    return Part(digest.task, figures, None, finding)


def _decay(digest: Digest) -> tuple[str, str]:
    """The decay of the RMSprop that was chosen, and why the claim is not about it; or nothing."""
    dataset = digest.dataset
    name = decay_name(dataset, RMSPROP)
    if name is None:
        return "", "no decay of RMSprop was tuned"
    runs = dataset.sel(optimizer=RMSPROP, schedule=CONSTANT)
    rest = float(runs[name].isel(configuration=int(runs["chosen"])))
    steps = int(dataset.attrs["steps"])
    decay = f" with a decay of {spelling.value(name, rest)} over {steps:,} steps"
    if rest * steps < TWIN:
        return decay, "the memory of the chosen RMSprop is longer than a third of the run"
    shortest, longest = MEMORIES
    # Grids are multiplied out, so that a memory of 100 may be one of 100.00000000000001.
    if not 1 / longest * (1 - 1e-9) <= rest <= 1 / shortest * (1 + 1e-9):
        return decay, "the chosen decay lies outside of 0.9 to 0.99"
    return decay, ""


def _slopes(digest: Digest, optimizer: str) -> NDArray[np.float64]:
    """The exponents of the effective rate, one for each seed that has one."""
    rates = digest.views[CONSTANT]["effective_rate"].sel(optimizer=optimizer)
    median = rates.sel(quantile=0.5, method="nearest")
    slopes = exponents(median.values, median["bin"].values)
    return slopes[np.isfinite(slopes)]


def _is_near(estimate: Estimate, center: float) -> bool:
    """Whether the whole interval lies within `NEAR` of the center."""
    return center - NEAR <= estimate.low and estimate.high <= center + NEAR
