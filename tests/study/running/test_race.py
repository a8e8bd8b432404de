"""The race: who runs on how many seeds, who is a finalist, and how far a grid grows."""

from types import SimpleNamespace

import numpy as np
import pytest

from rmsprop.study import Metric
from rmsprop.study.optimizers import Optimizer, Tunable
from rmsprop.study.running import tuning
from rmsprop.study.running.chunks import Runs
from rmsprop.study.running.progress import Silent

SEEDS = np.array([100, 101, 102])
LOSS = Metric("loss", "loss", "lower")
OTHER = Metric("other", "another loss", "lower")
ACCURACY = Metric("accuracy", "accuracy", "higher")


class Table:
    """An engine whose scores are written down, and that remembers what it was asked for."""

    def __init__(self, **scores):
        self.scores, self.calls = scores, []

    def run_configurations(self, configurations, seeds, schedule, advance, *, scores_only):
        assert scores_only
        self.calls.append(([point[0] for point in configurations], list(seeds)))
        pairs = [(point, seed) for point in configurations for seed in seeds]
        metrics = {
            name: np.array([[np.float32(score(point, seed))] for point, seed in pairs])
            for name, score in self.scores.items()
        }
        finite = np.all([np.isfinite(values[:, 0]) for values in metrics.values()], axis=0)
        advance(len(pairs))
        return Runs(metrics, finite, None, None, None, float(len(pairs)))


def grid(count):
    """A line of rates, `count` of them, that cannot grow."""
    rates = tuple(float(x) for x in range(1, count + 1))
    return Optimizer("line", lambda _: None, (Tunable("learning_rate", rates, 1.0, 1.0),))


def race(engine, optimizer, *metrics):
    return tuning.tune(optimizer, engine, metrics, 0, SEEDS, Silent())


def test_all_run_on_the_first_seed_and_the_best_third_on_all():
    engine = Table(loss=lambda point, seed: 1 + abs(point[0] - 20))
    tuned = race(engine, grid(30), LOSS)
    assert engine.calls[0] == (list(range(1, 31)), [100])
    leaders, seeds = engine.calls[1]
    assert seeds == [101, 102]
    assert sorted(leaders) == list(range(16, 26)) or sorted(leaders) == list(range(15, 25))
    assert len(engine.calls) == 2
    assert np.isnan(tuned.scores[:, 1]).sum() == 20
    assert tuned.runs == 30 + 10 * 2 == tuning.race_runs(grid(30), 3)
    assert tuned.seconds == tuned.runs
    assert tuned.best == (20.0,)
    assert len(tuned.finalists) == tuning.FINALISTS


def test_who_leads_by_another_metric_comes_through_as_well():
    """The best ninth by it, for the best by two metrics are seldom the same."""
    engine = Table(loss=lambda point, _: point[0], other=lambda point, _: 31 - point[0])
    tuned = race(engine, grid(30), LOSS, OTHER)
    leaders = engine.calls[1][0]
    assert sorted(leaders) == [*range(1, 11), 27, 28, 29, 30]
    rates = [tuned.configurations[i][0] for i in tuned.finalists]
    assert rates == [*range(1, 9), 30, 29, 28, 27]


def test_the_order_is_that_of_mean_logarithms():
    """Rate 1 has the lower mean, 2 the lower mean logarithm: (9 + 1 + 1)/3 < (0.1 + ...)."""
    scores = {1.0: (4.0, 4.0, 4.0), 2.0: (12.0, 1.0, 1.0), 3.0: (5.0, 5.0, 5.0)}
    engine = Table(loss=lambda point, seed: scores[point[0]][seed - 100])
    every = tuning.Race(engine, [LOSS], 0, SEEDS, Silent())
    every.join([(1.0,), (2.0,), (3.0,)], 0)
    assert every.finalists() == [1, 0, 2]
    whole = tuning.Race(engine, [LOSS], 0, SEEDS[:1], Silent())
    whole.join([(1.0,), (2.0,), (3.0,)], 0)
    assert whole.finalists() == [0, 2, 1]
    ordered = every._order(0, np.array([scores[x] for x in (1.0, 2.0, 3.0)]))
    assert ordered == [1, 0, 2]
    signed = every._order(0, np.array([[4.0, 4.0], [12.0, -1.0], [5.0, 5.0]]))
    assert signed == [0, 2, 1], "differences, where not all are positive"


def test_higher_is_better_for_an_accuracy():
    tuned = race(Table(accuracy=lambda point, _: point[0] / 40), grid(30), ACCURACY)
    assert [tuned.configurations[i][0] for i in tuned.finalists] == [*range(30, 22, -1)]


def test_what_diverged_comes_last():
    engine = Table(loss=lambda point, _: np.inf if point[0] < 25 else 31 - point[0])
    tuned = race(engine, grid(30), LOSS)
    assert [tuned.configurations[i][0] for i in tuned.finalists[:6]] == [*range(30, 24, -1)]
    assert tuned.diverged[:24, 0].all()
    assert np.isposinf(tuned.scores[:24, 0]).all()


@pytest.mark.parametrize("target", [3e-7, 1e3])
def test_a_grid_grows_around_its_best_point_until_that_has_neighbours(target):
    """In two hyper-parameters: the optimum lies outside of both grids, and is reached."""
    rate = Tunable("learning_rate", tuple(10.0**k for k in (-3, -2, -1)), 1e-8, 1e4)
    damping = Tunable("eps", (1e-4, 1e-1), 1e-16, 1e8)
    optimizer = Optimizer("plane", lambda *_: None, (rate, damping))

    def loss(point, seed):
        return 1 + abs(np.log10(point[0] / 0.3)) + abs(np.log10(point[1] / target))

    tuned = race(Table(loss=loss), optimizer, LOSS)
    growths = max(tuned.growth)
    assert 1 <= growths <= tuning.MOST_GROWTHS
    first = sum(growth == 0 for growth in tuned.growth)
    assert first == 6
    assert len(set(tuned.configurations)) == len(tuned.configurations)
    if growths < tuning.MOST_GROWTHS:
        assert tuned.optimizer.edges(tuned.best) == ()
        assert np.log10(tuned.best[1] / target) == pytest.approx(0, abs=0.3)
    # A line of the grid has three points and more; its neighbours are at most three times three.
    added = [tuned.growth.count(k) for k in range(1, growths + 1)]
    assert max(added) <= 9


def test_progress_is_told_of_every_run():
    engine = Table(loss=lambda point, seed: point[0])
    told = SimpleNamespace(total=0, done=0)

    class Counter(Silent):
        def extend(self, runs):
            told.total += runs

        def advance(self, runs):
            told.done += runs

    rate = Tunable("learning_rate", (1.0, 10.0, 100.0), 1e-3, 1e3)
    optimizer = Optimizer("line", lambda _: None, (rate,))
    told.total = tuning.race_runs(optimizer, 3)
    tuned = tuning.tune(optimizer, engine, [LOSS], 0, SEEDS, Counter())
    assert max(tuned.growth) > 0
    assert told.done == told.total == tuned.runs
