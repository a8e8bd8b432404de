"""Ten studies of one problem that share no seed: what each says of every line."""

import numpy as np
from recording import engines_of, plan_of
from tables import Contest

from rmsprop.study.contenders import CONTENDERS

FIRST_SEEDS = range(0, 1_000, 100)


def replicate(problem):
    """For each line of a study what ten studies say, with live runs.

    Returns:
        A dictionary for each study and line, with what `Difference` has of it.
    """
    engines = {name: engine for (name, stream), engine in engines_of(problem).items() if not stream}
    nothing = np.arange(0)
    contest = Contest(problem, engines, nothing, nothing)
    lines = []
    for first_seed in FIRST_SEEDS:
        plan = plan_of(problem, first_seed)
        sides = [(*each, plan.tuning_seed_numbers) for each in engines.items()]
        study = contest.study(sides, plan.reporting_seed_numbers)
        lines += [_line(first_seed, each) for each in contest.differences(study)]
        print(f"{problem.name}: first seed {first_seed}", flush=True)
    return lines


def _line(first_seed, difference):
    names = dict(zip(("first", "second"), CONTENDERS, strict=True))
    return {
        "first_seed": first_seed,
        "schedule": difference.schedule,
        "metric": difference.metric_name,
        "is_ratio": difference.is_ratio,
        "estimate": difference.estimate,
        "low": difference.low,
        "high": difference.high,
        "verdict": difference.verdict,
        "winner": names.get(difference.winner),
    }


def by_line(lines):
    """The same lines by schedule and metric."""
    grouped = {}
    for each in lines:
        grouped.setdefault((each["schedule"], each["metric"]), []).append(each)
    return grouped


def held(lines):
    """Whether the interval of each study holds the mean of the other studies' estimates."""
    numbers = np.array([[each[key] for key in ("estimate", "low", "high")] for each in lines])
    estimate, low, high = (np.log(numbers) if lines[0]["is_ratio"] else numbers).T
    others = (estimate.sum() - estimate) / (len(lines) - 1)
    return (low <= others) & (others <= high)
