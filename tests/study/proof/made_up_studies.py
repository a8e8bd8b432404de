"""Studies whose true difference is known, for no run is trained: scores drawn from a population."""

from dataclasses import dataclass

import numpy as np

from rmsprop.study.results.reselection import PENALTY, Finalists

CONFIGURATIONS = 12


@dataclass(frozen=True)
class Population:
    """Two optimizers of twelve configurations each, and how their scores vary.

    The logarithm of a loss is the mean of its configuration, plus what a seed does to all
    configurations of both optimizers, plus noise of each run, which the choice and the report share
    in part.

    Attributes:
        shift: How much worse the first optimizer is, in logarithms.
        noise: Draws standard noise of a shape from a generator.
        grain: The unit that scores are rounded to, so that configurations tie; 0 for none.
        diverging: The probability that a run of the last third of the configurations diverges.
    """

    shift: float = 0.1
    noise: str = "normal"
    grain: float = 0.0
    diverging: float = 0.0

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
        # The best of twelve are close to each other, as the ends of a bowl are.
        means = shift + slope * 0.5 * np.linspace(0, 1, CONFIGURATIONS)[:, None] ** 2
        shape = (CONFIGURATIONS, of_seed.shape[-1])
        shared = 0.15 * self._noise(rng, shape)
        choice, report = (
            means + of_seed[i] + shared + 0.15 * self._noise(rng, shape) for i in range(2)
        )
        if self.grain:
            choice, report = (np.round(x / self.grain) * self.grain for x in (choice, report))
        risk = np.where(np.arange(CONFIGURATIONS) < 2 * CONFIGURATIONS // 3, 0, self.diverging)
        # The best configurations are at the edge of divergence, as they often are.
        bad = rng.random(shape) < risk[::-1, None]
        return Finalists(*(np.where(bad, np.inf, np.exp(x)) for x in (choice, report)))

    def _noise(self, rng, shape):
        if self.noise == "heavy":
            return rng.standard_t(3, shape) / np.sqrt(3)
        return rng.normal(size=shape)

    def truth(self, rng, tuning_seeds, *, seeds=40_000, choices=20_000):
        """The difference on a new seed of optimizers tuned on so many seeds, by brute force."""
        pair = self.study(rng, seeds)
        reports = np.log(np.stack([x.report for x in pair]))
        worst = np.where(np.isfinite(reports), reports, -np.inf).max(axis=(0, 1)) + PENALTY
        means = np.where(np.isfinite(reports), reports, worst).mean(axis=-1)
        subsets = rng.integers(seeds, size=(choices, tuning_seeds))
        chosen = []
        for finalists, mean in zip(pair, means, strict=True):
            scores = np.log(finalists.choice)[:, subsets]  # (configurations, choices, seeds)
            bad = ~np.isfinite(scores)
            average = np.where(bad, 0, scores).sum(-1) / np.maximum((~bad).sum(-1), 1)
            fewest = bad.sum(-1) == bad.sum(-1).min(axis=0)
            average = np.where(fewest, average, np.inf)
            ties = average <= average.min(axis=0) + 1e-12
            chosen.append((ties * mean[:, None]).sum(0) / ties.sum(0))
        return float(np.mean(chosen[0] - chosen[1]))
