"""Studies whose true difference is known, for no run is trained: scores drawn from a population."""

from dataclasses import dataclass

import numpy as np
from recording import Records
from tables import TableEngine

from rmsprop.study import Metric
from rmsprop.study.results.reselection import PENALTY, Finalists
from rmsprop.study.running.progress import Silent
from rmsprop.study.running.tuning import Race

TWELVE = 12  # so many configurations lie between the best and one that is half a unit worse
GRID = 54
LOSS = Metric("loss", "loss", "lower")


@dataclass(frozen=True)
class Population:
    """Two optimizers of some configurations each, and how their scores vary.

    The logarithm of a loss is the mean of its configuration, plus what a seed does to all
    configurations of both optimizers, plus noise of each run, which the choice and the report share
    in part.

    Attributes:
        shift: How much worse the first optimizer is, in logarithms.
        noise: Draws standard noise of a shape from a generator.
        grain: The unit that scores are rounded to, so that configurations tie; 0 for none.
        diverging: The probability that a run of one of the four best configurations diverges.
        count: How many configurations there are; of twelve any may be the best, and of a whole grid
            most are far from it.
    """

    shift: float = 0.1
    noise: str = "normal"
    grain: float = 0.0
    diverging: float = 0.0
    count: int = TWELVE

    def study(self, rng, seeds, *, same=False):
        """The finalists of both optimizers on so many new seeds.

        Args:
            rng: The generator of the study.
            seeds: Their number.
            same: Whether the second is the first under another name, with noise of its own.
        """
        of_seed = 0.3 * self._noise(rng, (2, 1, seeds))
        shifts = (0.0, 0.0) if same else (self.shift, 0.0)
        steepness = (1.0, 1.0) if same else (1.0, 0.7)
        return tuple(
            self._finalists(rng, of_seed, shift, slope)
            for shift, slope in zip(shifts, steepness, strict=True)
        )

    def _finalists(self, rng, of_seed, shift, slope):
        # The best are close to each other, as the points near the floor of a bowl are.
        places = np.arange(self.count)[:, None]
        means = shift + slope * 0.5 * (places / (TWELVE - 1)) ** 2
        shape = (self.count, of_seed.shape[-1])
        shared = 0.15 * self._noise(rng, shape)
        choice, report = (
            means + of_seed[i] + shared + 0.15 * self._noise(rng, shape) for i in range(2)
        )
        if self.grain:
            choice, report = (np.round(x / self.grain) * self.grain for x in (choice, report))
        # The best configurations are at the edge of divergence, as they often are.
        bad = rng.random(shape) < np.where(places < TWELVE // 3, self.diverging, 0)
        return Finalists(*(np.where(bad, np.inf, np.exp(x)) for x in (choice, report)))

    def _noise(self, rng, shape):
        if self.noise == "heavy":
            return rng.standard_t(3, shape) / np.sqrt(3)
        return rng.normal(size=shape)

    def truth(self, rng, tuning_seeds, *, raced=False, seeds=40_000, choices=10_000):
        """The difference on a new seed of optimizers tuned on so many seeds, by brute force.

        Args:
            rng: The generator.
            tuning_seeds: The number of seeds of a choice.
            raced: Whether only the finalists of a race on three other seeds may be chosen.
            seeds: How many seeds stand for all.
            choices: How many choices stand for all, each reported on four seeds.
        """
        pair = self.study(rng, seeds)
        draws = [rng.integers(seeds, size=(choices, size)) for size in (tuning_seeds, 3, 4)]
        tuning, racing, new = draws
        scores = [np.log(each.choice) for each in pair]
        left = np.ones((2, self.count, choices), bool)
        if raced:
            left = np.stack([self._race(each[:, racing]) for each in scores])
        reports = np.log(np.stack([each.report for each in pair]))[..., new]
        known = np.isfinite(reports) & left[..., None]
        worst = np.where(known, reports, -np.inf).max(axis=(0, 1)) + PENALTY
        means = np.where(np.isfinite(reports), reports, worst).mean(axis=-1)
        chosen = []
        for each, among, mean in zip(scores, left, means, strict=True):
            average = np.where(among, self._averages(each[:, tuning]), np.inf)
            ties = average <= average.min(axis=0) + 1e-12
            chosen.append((ties * mean).sum(0) / ties.sum(0))
        return float(np.mean(chosen[0] - chosen[1]))

    @staticmethod
    def _averages(scores):
        """Of (configurations, choices, seeds), infinite where others diverged less often."""
        bad = ~np.isfinite(scores)
        average = np.where(bad, 0, scores).sum(-1) / np.maximum((~bad).sum(-1), 1)
        return np.where(bad.sum(-1) == bad.sum(-1).min(axis=0), average, np.inf)

    @staticmethod
    def _race(scores):
        """Who is among the best eight on three seeds, of the third that is best on the first."""
        count = len(scores)
        leads = _place(scores[..., 0]) < max(8, -(-count // 3))
        return _place(np.where(leads, scores.mean(-1), np.inf)) < 8


def _place(scores):
    """How many are better, in each column."""
    return scores.argsort(axis=0, kind="stable").argsort(axis=0)


def race(finalists, seeds):
    """The numbers of the finalists after a race on some of the seeds, by the code of a study."""
    points = [(float(i),) for i in range(1, len(finalists.choice) + 1)]
    engine = TableEngine(
        [Records(points, {LOSS.name: finalists.choice[None]})], {LOSS.name: np.inf}
    )
    entries = Race(engine, [LOSS], 0, np.asarray(seeds), Silent())
    entries.join(points, 0)
    return entries.finalists()


def part(finalists, rows, seeds):
    """Some configurations on some seeds."""
    return Finalists(finalists.choice[rows][:, seeds], finalists.report[rows][:, seeds])
