"""A chunk: runs that are mapped together, the name under which their results are kept, and `Runs`.

The last chunk of a sweep is filled up with copies of its first run, for a program has one width.
Each run has a name of its own too, for a run gives the same bits whatever its neighbours are: a
study that has grown takes the runs of its earlier chunks one by one.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np
import numpy.typing as npt

from rmsprop.study.folder import RUN_NAMES, digest
from rmsprop.study.problems import TENTHS, TRAINING_LOSS
from rmsprop.study.running import effective_rates
from rmsprop.study.running.program import Program
from rmsprop.study.running.training import Outcome

# Part of a chunk's name. Raise it with any change to what `Chunk.results` makes of an outcome.
CHUNK_FORMAT = "2"
# What is as long as a run, or costs as much, and is not kept where only scores are asked for.
LONG = ("loss", "effective_rate", "path")


@dataclass(frozen=True, eq=False)
class Runs:
    """What runs leave behind; the first dimension of every array counts the runs.

    Attributes:
        metrics: What was measured after each tenth of the steps, each of shape (runs, 10);
            `training_loss`, the mean loss of the tenth, is always among them.
        finite: Whether the loss was finite in every step.
        loss: Training loss before each step, shape (runs, steps); None of scores alone.
        effective_rate: Quantiles of the effective learning rate, shape (runs, bins, quantiles);
            None of scores alone.
        path: Parameters before each step, shape (runs, steps, 2), for two-dimensional problems;
            None for others, and of scores alone.
        seconds: Time of one core or device for all of them, without compilation.
    """

    metrics: Mapping[str, npt.NDArray[np.float32]]
    finite: npt.NDArray[np.bool_]
    loss: npt.NDArray[np.float32] | None
    effective_rate: npt.NDArray[np.float32] | None
    path: npt.NDArray[np.float32] | None
    seconds: float

    def __len__(self) -> int:
        return len(self.finite)

    @classmethod
    def joined(cls, parts: Sequence[tuple[Sequence[int], Mapping[str, np.ndarray]]]) -> Runs:
        """The runs of several parts.

        Args:
            parts: For each part the numbers of its runs, and what is kept of them.

        Returns:
            The runs in the order of their numbers.
        """
        order = np.argsort(np.concatenate([numbers for numbers, _ in parts]))
        first = parts[0][1]

        def column(name: str) -> np.ndarray:
            """One array of all runs."""
            return np.concatenate([results[name] for _, results in parts])[order]

        metrics = {
            name.removeprefix("metric_"): column(name)
            for name in first
            if name.startswith("metric_")
        }
        # Summed in the order of the runs: a sum in another order would end with other bits.
        ordered = sorted(parts, key=lambda part: part[0][0])
        seconds = float(sum(results["seconds"] for _, results in ordered))
        whole = {
            name: column(name) if all(name in results for _, results in parts) else None
            for name in LONG
        }
        return cls(metrics=metrics, finite=column("finite"), seconds=seconds, **whole)

    def last(self, metric: str) -> npt.NDArray[np.float32]:
        """A metric after the last step."""
        return self.metrics[metric][:, -1]

    def diverged(self, metric: str) -> npt.NDArray[np.bool_]:
        """Which runs met a loss, or ended with a value of this metric, that is not finite."""
        return np.logical_not(np.logical_and(self.finite, np.isfinite(self.last(metric))))


@dataclass(frozen=True, eq=False)
class Chunk:
    """Runs that are mapped together.

    Attributes:
        fingerprint: Of the program that runs them.
        width: Runs that the program maps together.
        steps: Steps of every run.
        columns: The hyper-parameters of the runs by name, float32 of shape (runs,).
        schedules: The number of each run's schedule, int32 of shape (runs,).
        seeds: Of the runs, int32 of shape (runs,); at most `width` of them.
        scores_only: Whether what is as long as a run is left out.
    """

    fingerprint: str
    width: int
    steps: int
    columns: Mapping[str, np.ndarray]
    schedules: np.ndarray
    seeds: np.ndarray
    scores_only: bool

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def name(self) -> str:
        """The name under which the results are kept, made of all that decides them."""
        return digest(*self.run_names)

    @functools.cached_property
    def run_names(self) -> tuple[str, ...]:
        """The name of each run, made of all that decides what is kept of it."""
        return self.names_of_runs(scores_only=self.scores_only)

    def names_of_runs(self, *, scores_only: bool) -> tuple[str, ...]:
        """The names of these runs, with or without what is as long as a run."""
        what = "scores" if scores_only else "all"
        columns = [self.columns[name] for name in sorted(self.columns)]
        arguments = zip(*columns, self.schedules, self.seeds, strict=True)
        first = (self.fingerprint, CHUNK_FORMAT, what)
        return tuple(digest(*first, *(x.tobytes() for x in each)) for each in arguments)

    def arguments(self) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
        """The arguments of the program, filled up with copies of the first run."""
        rows = np.append(np.arange(len(self)), np.zeros(self.width - len(self), int))
        columns = {name: column[rows] for name, column in self.columns.items()}
        return columns, self.schedules[rows], self.seeds[rows]

    def results(self, outcome: Outcome, seconds: float) -> dict[str, np.ndarray]:
        """What is kept of an outcome, without the padding.

        Args:
            outcome: Of the whole chunk, in memory of the host.
            seconds: That the whole chunk took.
        """
        loss, metrics, rates, path = jax.tree.map(lambda x: x[: len(self)], outcome)
        tenths = loss.reshape(len(loss), TENTHS, -1).astype(np.float64)
        with np.errstate(all="ignore"):  # a diverged run is no news here
            means = tenths.mean(axis=-1).astype(np.float32)
        results = {f"metric_{name}": values for name, values in metrics.items()}
        results |= {
            RUN_NAMES: np.array(self.run_names),
            f"metric_{TRAINING_LOSS.name}": means,
            "finite": np.isfinite(loss).all(axis=1),
            # The padding was no work of these runs.
            "seconds": np.array(seconds * len(self) / self.width),
        }
        if self.scores_only:
            return results
        results |= {
            "loss": loss,
            "effective_rate": effective_rates.quantiles(rates, self.steps),
        }
        return results if path is None else results | {"path": path}


def chunks_of(
    program: Program,
    columns: Mapping[str, np.ndarray],
    schedules: np.ndarray,
    seeds: np.ndarray,
    *,
    scores_only: bool,
) -> list[Chunk]:
    """The chunks of a sweep, each as wide as the program but for the last.

    Args:
        program: What runs them.
        columns: The hyper-parameters of all runs by name, float32 of shape (runs,).
        schedules: The number of each run's schedule, int32 of shape (runs,).
        seeds: Of the runs, int32 of shape (runs,).
        scores_only: Whether what is as long as a run is left out.
    """
    slices = [slice(i, i + program.width) for i in range(0, len(seeds), program.width)]
    return [
        Chunk(
            program.fingerprint,
            program.width,
            program.steps,
            {name: column[rows] for name, column in columns.items()},
            schedules[rows],
            seeds[rows],
            scores_only,
        )
        for rows in slices
    ]
