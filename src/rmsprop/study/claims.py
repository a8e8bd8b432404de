"""What is often said of RMSprop and AdaGrad, beside what a comparison measured.

Each claim is judged task by task and then as a whole:

* `supported` where it holds on every task that can show it, `not supported` where the opposite is
  shown on some task and the claim on none, `mixed` where it holds on some tasks and not on all,
  `not shown here` where no task decides.
* A task decides where a 95 % interval excludes what the claim denies. Of the reporting seeds at
  least five are needed, as everywhere in the study.
* What is said of decays and of the width of good learning rates can only be seen in the tuning
  runs. Their seeds are fewer, three by default, so these intervals cover less than they say
  (`rmsprop.study.statistics`); each such line names the number of seeds.

Published numbers are compared by their shape, which is an order of values: most of them come
without an interval, so ours are shown and do not decide.

Only the optimizers called `rmsprop` and `adagrad` are spoken of, under the first schedule of each
task. A claim about tasks that are not in the comparison is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from rmsprop.study import wording
from rmsprop.study.results import Comparison
from rmsprop.study.schema import DEFAULT, TUNED, tuned_names
from rmsprop.study.sensitivity import TOLERANCE, best_by, exponents, rate_interval
from rmsprop.study.statistics import Estimate, bootstrap_interval, paired_difference
from rmsprop.study.summary import LEAST_SEEDS, Difference

RMSPROP, ADAGRAD = "rmsprop", "adagrad"
SUPPORTED, NOT_SUPPORTED, MIXED = "supported", "not supported", "mixed"
NOT_SHOWN = "not shown here"
AGREES, DIFFERS = "agrees", "differs"
FEW = "there are too few seeds"

VALLEYS = ("valley", "rosenbrock")
SPARSE = ("bible", "flights", "rare")
DEEP = ("digits", "mnist", "characters", "drift")

# AdaGrad's exponent under gradients of a constant size is -1/2 exactly, that of a settled average
# 0; the gradients of a task change, so what lies within a tenth of these is called near.
NEAR = 0.1
# The published ratio is 5.5; half of that is still far.
FAR = 2.5


@dataclass(frozen=True)
class Claim:
    """Something said, and what was measured of it.

    Attributes:
        said: the claim.
        measured: one line per task, or per part of a published result, with intervals.
        verdict: of `claims`: "supported", "not supported", "mixed" or "not shown here"; of
            `published`: "agrees" or "differs".
        because: one sentence.
    """

    said: str
    measured: tuple[str, ...]
    verdict: str
    because: str


@dataclass(frozen=True)
class _Part:
    """What one task says of a claim.

    Attributes:
        task: its name.
        figures: what was measured.
        holds: whether the claim does there; None where that is not shown.
        finding: the same in words, to be continued by "on" and the names of tasks.
    """

    task: str
    figures: str
    holds: bool | None
    finding: str


def claims(comparison: Comparison) -> list[Claim]:
    """What is said of the two optimizers in general, with a verdict from these results.

    Args:
        comparison: the results.

    Returns:
        The claims of which there is a task here; none without both optimizers.
    """
    tasks = _tasks(comparison)
    constant = [task for task in tasks if comparison.schedules(task)[0] == "constant"]
    made = (
        _claim(
            "AdaGrad's effective learning rate keeps falling, about as t^-1/2.",
            (_falling(comparison, task) for task in constant),
        ),
        _claim(
            "RMSprop's effective learning rate settles, where AdaGrad's keeps falling.",
            (_settling(comparison, task) for task in constant),
        ),
        _claim(
            "RMSprop is especially helpful in a narrow valley, steep in one direction and shallow "
            "in another; here it is compared with AdaGrad, which also has a rate for each "
            "parameter.",
            (_winning(comparison, task, RMSPROP) for task in _of(tasks, VALLEYS)),
        ),
        _claim(
            "AdaGrad suits sparse features, such as words and categories.",
            (_winning(comparison, task, ADAGRAD) for task in _of(tasks, SPARSE)),
        ),
        _claim(
            "RMSprop suits deep networks, non-convex problems and ones that change.",
            (_winning(comparison, task, RMSPROP) for task in _of(tasks, DEEP)),
        ),
        _claim(
            "The decay of RMSprop matters, usually set to 0.9 and sometimes to 0.99 or 0.999: more "
            "than the choice between RMSprop and AdaGrad.",
            (_deciding(comparison, task) for task in tasks if len(_decays(comparison, task)) > 1),
        ),
        _claim(
            "AdaGrad forgives a learning rate that is off, RMSprop less so.",
            (_forgiving(comparison, task) for task in tasks),
        ),
        _claim(
            "RMSprop still requires tuning of its learning rate and decay.",
            (_tuning(comparison, task) for task in tasks),
        ),
    )
    return [claim for claim in made if claim is not None]


def published(comparison: Comparison) -> list[Claim]:
    """Published results beside ours on the same or similar data: whether their shape is the same.

    Args:
        comparison: the results.

    Returns:
        One for each of `bible`, `characters` and `flights` that is here with both optimizers, and
        for the first two with the decays that the published result speaks of.
    """
    makers: dict[str, Callable[[Comparison], Claim | None]] = {
        "bible": _published_bible,
        "characters": _published_characters,
        "flights": _published_flights,
    }
    made = (makers[task](comparison) for task in _of(_tasks(comparison), tuple(makers)))
    return [claim for claim in made if claim is not None]


def _tasks(comparison: Comparison) -> list[str]:
    """Those on which both optimizers ran."""
    return [
        task
        for task in comparison.tasks
        if {RMSPROP, ADAGRAD} <= tuned_names(comparison.task(task)).keys()
    ]


def _of(tasks: Sequence[str], wanted: Sequence[str]) -> list[str]:
    return [task for task in wanted if task in tasks]


def _claim(said: str, parts: Iterable[_Part]) -> Claim | None:
    found = list(parts)
    if not found:
        return None
    lines = tuple(f"{part.task}: {part.figures}." for part in found)
    return Claim(said, lines, _verdict([part.holds for part in found]), _because(found))


def _verdict(holds: Sequence[bool | None]) -> str:
    if all(holds):
        return SUPPORTED
    if any(holds):
        return MIXED
    return NOT_SUPPORTED if False in holds else NOT_SHOWN


def _because(parts: Sequence[_Part]) -> str:
    """The findings in one sentence, each with the tasks it was made on."""
    tasks: dict[str, list[str]] = {}
    for part in parts:
        tasks.setdefault(part.finding, []).append(part.task)
    findings = [f"{finding} on {_listed(names)}" for finding, names in tasks.items()]
    return _sentence("; ".join(findings))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


# Effective learning rates.


def _slopes(comparison: Comparison, task: str, optimizer: str) -> NDArray[np.float64]:
    """The exponents of the seeds that have one."""
    rates = comparison.view(task)["effective_rate"].sel(optimizer=optimizer)
    median = rates.sel(quantile=0.5, method="nearest")
    found = exponents(median.values, median["bin"].values)
    return found[np.isfinite(found)]


def _falling(comparison: Comparison, task: str) -> _Part:
    slopes = _slopes(comparison, task, ADAGRAD)
    if slopes.size == 0:
        return _Part(task, "no exponent, for no gradient was seen", None, "nothing was seen")
    found = bootstrap_interval(slopes)
    figures = f"AdaGrad's exponent is {found}"
    if slopes.size < LEAST_SEEDS:
        return _Part(task, figures, None, FEW)
    if found.high < 0:
        return _Part(task, figures, True, f"it falls {_pace(found)}")
    if found.low >= 0:
        return _Part(task, figures, False, "it does not fall")
    return _Part(task, figures, None, "no fall is shown")


def _pace(found: Estimate) -> str:
    if _within(found, -0.5):
        return "about as t^-1/2"
    if found.low <= -0.5 <= found.high:
        return "at a pace that the interval leaves open,"
    return f"{'faster' if found.high < -0.5 else 'more slowly'} than t^-1/2"


def _settling(comparison: Comparison, task: str) -> _Part:
    of_rmsprop, of_adagrad = (_slopes(comparison, task, name) for name in (RMSPROP, ADAGRAD))
    if not (of_rmsprop.size and of_adagrad.size):
        return _Part(task, "no exponent, for no gradient was seen", None, "nothing was seen")
    rmsprop, adagrad = bootstrap_interval(of_rmsprop), bootstrap_interval(of_adagrad)
    figures = f"RMSprop's exponent is {rmsprop}, AdaGrad's {adagrad}"
    if min(of_rmsprop.size, of_adagrad.size) < LEAST_SEEDS:
        return _Part(task, figures, None, FEW)
    if rmsprop.low > NEAR:
        return _Part(task, figures, False, "it rises")
    if rmsprop.high < -NEAR:
        return _Part(task, figures, False, "it falls")
    if not _within(rmsprop, 0.0):
        return _Part(task, figures, None, "neither is shown")
    if rmsprop.low > adagrad.high:
        return _Part(task, figures, True, "it settles")
    finding = "it settles, but not shown to be apart from AdaGrad's,"
    return _Part(task, figures, None, finding)


def _within(estimate: Estimate, center: float) -> bool:
    """Whether the whole interval is near."""
    return center - NEAR <= estimate.low and estimate.high <= center + NEAR


# Results of the two optimizers.


def _winning(comparison: Comparison, task: str, favourite: str) -> _Part:
    found = comparison.pair(task, RMSPROP, ADAGRAD)
    figures = (
        f"{wording.pair(found)} is {found.metric} ({_measure(comparison, task)}): "
        f"{wording.verdict(found)}"
    )
    if found.winner is None:
        finding = FEW if found.too_few else "no difference is shown"
        return _Part(task, figures, None, finding)
    return _Part(task, figures, found.winner == favourite, wording.verdict(found))


def _measure(comparison: Comparison, task: str) -> str:
    attributes = comparison.task(task).attrs
    return f"{attributes['report_label']}, {attributes['report_better']} is better"


def _tuning(comparison: Comparison, task: str) -> _Part:
    cost, other = (_cost_of_defaults(comparison, task, name) for name in (RMSPROP, ADAGRAD))
    pair = comparison.pair(task, RMSPROP, ADAGRAD, setting=DEFAULT)
    figures = (
        f"default - tuned is {cost.metric} for RMSprop and {other.metric} for AdaGrad; with "
        f"defaults {wording.pair(pair)} is {pair.metric} ({_measure(comparison, task)})"
    )
    if cost.too_few:
        return _Part(task, figures, None, FEW)
    if cost.winner is None:
        return _Part(task, figures, None, "no gain from tuning is shown")
    gain = cost.winner == TUNED
    return _Part(task, figures, gain, "tuning gains" if gain else "tuning loses")


def _cost_of_defaults(comparison: Comparison, task: str, optimizer: str) -> Difference:
    """The default setting against the tuned one, in the form of two optimizers compared."""
    default, tuned = (
        comparison.view(task, setting=setting)["metric"].sel(optimizer=optimizer).values
        for setting in (DEFAULT, TUNED)
    )
    better = comparison.task(task).attrs["report_better"]
    schedule = comparison.schedules(task)[0]
    found = paired_difference(default, tuned)
    place = (task, schedule, optimizer, DEFAULT, TUNED, better)
    return Difference(*place, found, Estimate(math.nan, math.nan, math.nan), default.size)


# The tuning runs. Scores are arrays over the tuning seeds.


def _trials(comparison: Comparison, task: str, optimizer: str) -> xr.Dataset:
    """The configurations of an optimizer, without padding."""
    row = comparison.view(task).sel(optimizer=optimizer)
    return row.isel(configuration=np.flatnonzero(row["learning_rate"].notnull().values))


def _best(trials: xr.Dataset, where: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Scores of the configuration with the best mean, of all or of some."""
    scores = trials["tuning_score"].values.astype(np.float64)
    scores = scores if where is None else scores[where]
    mean = scores.mean(axis=-1)
    lower = trials.attrs["choose_by_better"] == "lower"
    return scores[int(mean.argmin() if lower else mean.argmax())]


def _decays(comparison: Comparison, task: str) -> dict[str, NDArray[np.float64]]:
    """The best scores of RMSprop for each decay that was tried, the shortest memory first.

    Decays are searched as one minus themselves, whatever the argument is called. Grids that grew by
    multiplication are equal up to their last bits, hence the rounding.
    """
    trials = _trials(comparison, task, RMSPROP)
    names = [x for x in tuned_names(comparison.task(task))[RMSPROP] if x in _one_minus(trials)]
    if not names:
        return {}
    rest = np.array([float(f"{x:.6g}") for x in trials[names[0]].values])
    return {wording.value(names[0], x): _best(trials, rest == x) for x in np.unique(rest)[::-1]}


def _one_minus(trials: xr.Dataset) -> list[str]:
    return [str(name) for name in trials if str(name).startswith(wording.ONE_MINUS)]


def _deciding(comparison: Comparison, task: str) -> _Part:
    by_decay = _decays(comparison, task)
    attributes = comparison.task(task).attrs
    order = sorted(by_decay, key=lambda decay: float(by_decay[decay].mean()))
    best, worst = (order[0], order[-1])[:: 1 if attributes["choose_by_better"] == "lower" else -1]
    spread = _apart(by_decay[worst], by_decay[best])
    other = _apart(by_decay[best], _best(_trials(comparison, task, ADAGRAD)))
    more = bootstrap_interval(_minus(spread, other))
    scores = [f"{bootstrap_interval(found)} at {decay}" for decay, found in by_decay.items()]
    figures = (
        f"the best {attributes['choose_by_label']} for each decay is {_listed(scores)}; {best} is "
        f"best, and {worst} is {bootstrap_interval(spread)} from it, AdaGrad "
        f"{bootstrap_interval(other)} ({_seeds(spread)})"
    )
    if not more.excludes_zero():
        return _Part(task, figures, None, "neither is shown to matter more")
    if more.low > 0:
        return _Part(task, figures, True, "the decay makes the larger difference")
    return _Part(task, figures, False, "the optimizer makes the larger difference")


def _apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.abs(_minus(a, b))


def _minus(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Their difference; where both are infinite alike there is none."""
    return np.subtract(a, b, out=np.zeros_like(a), where=a != b)


def _seeds(scores: NDArray[np.float64]) -> str:
    return f"{scores.size} tuning seed{'s' if scores.size > 1 else ''}"


def _forgiving(comparison: Comparison, task: str) -> _Part:
    (wide, wide_seen), (narrow, narrow_seen) = (
        _widths(_trials(comparison, task, name)) for name in (ADAGRAD, RMSPROP)
    )
    if np.isnan(wide).any() or np.isnan(narrow).any():
        return _Part(task, "on some tuning seed every rate diverged", None, "no width is known")
    found = paired_difference(wide, narrow)
    figures = (
        f"{_width(wide, wide_seen)} of learning rates are within {100 * TOLERANCE:.0f} % of "
        f"the best for AdaGrad and {_width(narrow, narrow_seen)} for RMSprop, a difference of "
        f"{found} ({_seeds(wide)})"
    )
    if not found.excludes_zero():
        return _Part(task, figures, None, "neither range is shown to be wider")
    # A range that the grid cuts off may be the wider one after all.
    if not (narrow_seen if found.low > 0 else wide_seen):
        return _Part(task, figures, None, "the grid ends too early to tell")
    wider = found.low > 0
    return _Part(task, figures, wider, f"{'AdaGrad' if wider else 'RMSprop'}'s range is wider")


def _widths(trials: xr.Dataset) -> tuple[NDArray[np.float64], bool]:
    """Decades of good learning rates on each tuning seed, and whether all their ends were seen."""
    better = trials.attrs["choose_by_better"]
    scores = trials["tuning_score"].values
    found = [
        rate_interval(*best_by(trials["learning_rate"].values, scores[:, seed], better), better)
        for seed in range(scores.shape[-1])
    ]
    decades = [math.nan if interval is None else interval.decades for interval in found]
    return np.array(decades), all(interval is not None and interval.bounded for interval in found)


def _width(decades: NDArray[np.float64], seen: bool) -> str:
    return f"{'' if seen else 'at least '}{bootstrap_interval(decades)} decades"


# Published numbers: those of the sources named. Each result has parts: what was measured, whether
# it has the published shape, and that shape in words.

_Shape = tuple[str, bool, str]


def _shapes(said: str, parts: Sequence[_Shape]) -> Claim:
    failed = [shape for _, holds, shape in parts if not holds]
    held = [shape for _, holds, shape in parts if holds]
    found = [f"as published, {_listed(held)}"] if held else []
    found += [f"otherwise than published, it is not so that {_listed(failed)}"] if failed else []
    lines = tuple(f"{figures}." for figures, _, _ in parts)
    return Claim(said, lines, DIFFERS if failed else AGREES, _sentence("; ".join(found)))


def _published_bible(comparison: Comparison) -> Claim | None:
    by_decay = _decays(comparison, "bible")
    if not {"0.9", "0.99", "0.999"} <= by_decay.keys():
        return None
    short, middle, long = (by_decay[decay] for decay in ("0.9", "0.99", "0.999"))
    adagrad = _best(_trials(comparison, "bible", ADAGRAD))
    label = comparison.task("bible").attrs["choose_by_label"]
    near = min(_between(adagrad, middle), _between(adagrad, long)) < _between(adagrad, short)
    return _shapes(
        "Verses of the Bible to books, three epochs, test accuracy at the best learning rate: "
        "RMSprop 0.483 with decay 0.9, 0.518 with 0.99, 0.524 with 0.999; AdaGrad 0.520 (measured "
        "with Optax 0.2.8, 3 seeds).",
        [
            _ascending(label, ("decay 0.9", short), ("0.99", middle)),
            _ascending(label, ("decay 0.99", middle), ("0.999", long)),
            (
                f"AdaGrad's {label} is {bootstrap_interval(adagrad)} ({_seeds(adagrad)})",
                near,
                "AdaGrad is nearer to decays 0.99 and 0.999 than to 0.9",
            ),
        ],
    )


def _published_characters(comparison: Comparison) -> Claim | None:
    by_decay = _decays(comparison, "characters")
    if not {"0.9", "0.99"} <= by_decay.keys():
        return None
    adagrad = _best(_trials(comparison, "characters", ADAGRAD))
    label = comparison.task("characters").attrs["choose_by_label"]
    middle = ("decay 0.99", by_decay["0.99"])
    return _shapes(
        "Next character, a GRU of 128 on Python's documentation, mean training loss over 600 "
        "steps: RMSprop 1.596 with decay 0.9 and 1.709 with 0.99, AdaGrad 1.811 (measured with "
        "Optax 0.2.8).",
        [
            _ascending(label, ("decay 0.9", by_decay["0.9"]), middle),
            _ascending(label, middle, ("AdaGrad", adagrad)),
        ],
    )


def _ascending(
    label: str,
    low: tuple[str, NDArray[np.float64]],
    high: tuple[str, NDArray[np.float64]],
) -> _Shape:
    """Whether the first has the lower mean score, with the paired difference."""
    difference = bootstrap_interval(_minus(low[1], high[1]))
    figures = (
        f"the best {label} is {bootstrap_interval(low[1])} for {low[0]} and "
        f"{bootstrap_interval(high[1])} for {high[0]}, a difference of {difference} "
        f"({_seeds(low[1])})"
    )
    below = float(low[1].mean()) < float(high[1].mean())
    return figures, below, f"{low[0]} is below {high[0]}"


def _between(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(_apart(a, b).mean())


def _published_flights(comparison: Comparison) -> Claim | None:
    return _shapes(
        "Late flights, one epoch, mean loss of the batches: AdaGrad 0.5044, RMSprop with decay "
        "0.99 0.5049, a tie when tuned; at a learning rate of 1 AdaGrad 0.507, RMSprop 2.79 "
        "(measured with Optax 0.2.8).",
        [_tie(comparison), _wider(comparison), *_at_one(comparison)],
    )


def _tie(comparison: Comparison) -> _Shape:
    found = comparison.pair("flights", RMSPROP, ADAGRAD)
    rows = comparison.summary("flights")
    adagrad = next(row.metric for row in rows if row.optimizer == ADAGRAD)
    ends = (found.metric.value, found.metric.low, found.metric.high)
    share = max((abs(end) for end in ends if not math.isnan(end)), default=math.inf)
    figures = (
        f"{wording.pair(found)} is {found.metric}, AdaGrad {adagrad} "
        f"({_measure(comparison, 'flights')})"
    )
    tie = math.isfinite(adagrad.value) and share <= 0.01 * abs(adagrad.value)
    return figures, tie, "tuned they tie within 1 %"


def _wider(comparison: Comparison) -> _Shape:
    part = _forgiving(comparison, "flights")
    (wide, _), (narrow, _) = (
        _widths(_trials(comparison, "flights", name)) for name in (ADAGRAD, RMSPROP)
    )
    shape = "AdaGrad's range of good learning rates is the wider one"
    return part.figures, bool(wide.mean() > narrow.mean()), shape


def _at_one(comparison: Comparison) -> list[_Shape]:
    """Scores at a learning rate of 1, RMSprop's with decay 0.99; nothing where there are none."""
    decay = _one_minus(_trials(comparison, "flights", RMSPROP))
    found = []
    for name in (ADAGRAD, RMSPROP):
        trials = _trials(comparison, "flights", name)
        where = np.isclose(trials["learning_rate"].values, 1.0)
        if name == RMSPROP and decay:
            where &= np.isclose(trials[decay[0]].values, 0.01)
        if not where.any():
            return []
        found.append(_best(trials, where))
    adagrad, rmsprop = found
    label = comparison.task("flights").attrs["choose_by_label"]
    figures = (
        f"at a learning rate of 1 the {label} of AdaGrad is {bootstrap_interval(adagrad)}, of "
        f"RMSprop {bootstrap_interval(rmsprop)} ({_seeds(adagrad)})"
    )
    far = np.isfinite(adagrad).all() and rmsprop.mean() > FAR * adagrad.mean()
    return [(figures, bool(far), "RMSprop is far worse at a learning rate of 1")]
