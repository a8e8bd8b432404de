"""Tables of runs, from which the tests of this folder draw studies without training.

A seed has one split of the data and one start of the parameters, and batches in two streams: what
the seed draws itself, and another draw.  An optimizer in the one stream and the same optimizer in
the other are two optimizers of which neither is better.
"""

from dataclasses import dataclass, replace

import jax
import numpy as np

from rmsprop.study.contenders import CONTENDERS
from rmsprop.study.running.engine import Engine
from rmsprop.study.running.plan import Plan
from rmsprop.study.running.program import Program
from rmsprop.study.running.tuning import scores_of

SCHEDULES = ("constant", "linear")
STREAMS = 2
# Any constant: it is folded into the key of the batches in the second stream.
OTHER_BATCHES = 1_000_003
# The grid grows around so many of the best, for a race on a few seeds may begin at any of them.
GROWN_AROUND = 4


@dataclass(frozen=True)
class Records:
    """Runs of one optimizer under one schedule, infinitely bad where one diverged.

    Attributes:
        configurations: The points of the grid.
        values: By the name of a metric, shape (streams, configurations, seeds).
    """

    configurations: list
    values: dict


def in_stream(problem, stream):
    """The problem with the batches of a stream."""
    if stream == 0:
        return problem

    def sample(key, step):
        return problem.sample(jax.random.fold_in(key, OTHER_BATCHES), step)

    return replace(problem, sample=sample)


def plan_of(problem, first_seed=0):
    """A comparison of the two optimizers as it is by default, without references."""
    return Plan([problem], [*CONTENDERS.values()], 20, 3, first_seed, None, SCHEDULES, 10**9)


def engines_of(problem, names=tuple(CONTENDERS)):
    """An engine for each optimizer in each stream, as a comparison makes them."""
    engines = {}
    for optimizer in (CONTENDERS[name] for name in names):
        build = plan_of(problem).build(optimizer, problem.steps)
        for stream in range(STREAMS):
            streamed = in_stream(problem, stream)
            program = Program.of(streamed, build, optimizer.names, problem.steps)
            engines[optimizer.name, stream] = Engine(program)
    return engines


def metrics_of(problem):
    """What is reported and what that is chosen by, each metric once."""
    return {metric.name: metric for metric in (*problem.reports, *problem.choices)}


def candidates(engine, problem, optimizer, schedule, seeds):
    """The grid and its growth around the best points, with what they are chosen by on some seeds.

    Returns:
        `Records` of one stream.
    """
    larger = optimizer.within(problem.steps)
    points, values = [], {metric.name: [] for metric in problem.choices}
    fresh = larger.configurations()
    while fresh:
        runs = engine.run_configurations(fresh, seeds, schedule, scores_only=True)
        points += fresh
        for metric in problem.choices:
            values[metric.name] += [*scores_of(runs, metric).reshape(len(fresh), -1)]
        best = order(problem.choices[0], np.array(values[problem.choices[0].name]))
        for index in best[:GROWN_AROUND]:
            larger = larger.grown(points[index])
        near = [x for index in best[:GROWN_AROUND] for x in larger.around(points[index])]
        fresh = [x for x in dict.fromkeys(near) if x not in points]
    return Records(points, {name: np.array(rows)[None] for name, rows in values.items()})


def order(metric, scores):
    """The rows by their mean score, or mean logarithm of a loss, the best first."""
    keys = -scores if metric.better == "higher" else np.log(scores)
    return np.argsort(keys.mean(axis=1), kind="stable")


def records_of(engines, problem, optimizer, schedule, points, seeds):
    """The points on the seeds, in both streams."""
    values = {name: [] for name in metrics_of(problem)}
    for stream in range(STREAMS):
        engine = engines[optimizer.name, stream]
        runs = engine.run_configurations(points, seeds, schedule, scores_only=True)
        for name, metric in metrics_of(problem).items():
            values[name].append(scores_of(runs, metric).reshape(len(points), -1))
    return Records(points, {name: np.stack(both) for name, both in values.items()})
