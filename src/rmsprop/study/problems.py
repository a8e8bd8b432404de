"""What a problem is: the handful of pure functions that optimizers are compared on.

A `Problem` says how to begin, what a batch is, what its loss is, and what is measured. Its
functions are written in JAX, work under `jit` and `vmap`, and depend on nothing but their
arguments: with the same key every optimizer gets the same initial parameters and the same batches.
Four arguments make one; `rmsprop.study.tasks` has those that `rmsprop compare` knows by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jax import Array

Params = Any
Batch = Any
Tree = Any  # any pytree: parameters, gradients, the state of an optimizer

# The metrics are measured after every tenth of the steps.
TENTHS = 10


@dataclass(frozen=True)
class Metric:
    """A number that says how good a run was.

    Attributes:
        name: the key in what `Problem.metrics` returns.
        label: the same in words, for axes and tables.
        better: which values are better.

    Raises:
        ValueError: for a `better` that is neither of the two.
    """

    name: str
    label: str
    better: Literal["lower", "higher"]

    def __post_init__(self) -> None:
        if self.better not in ("lower", "higher"):
            raise ValueError(
                f"better is {self.better!r}; it must be 'lower' or 'higher', whichever values of"
                f" {self.name!r} are the better ones."
            )


# Mean loss of the last tenth of the steps. The study measures it of every problem, under this name.
TRAINING_LOSS = Metric("training_loss", "training loss", "lower")


@dataclass(frozen=True, eq=False)
class Problem:
    """What is minimised and what is measured. To compare on a task of your own, build one of these.

    Attributes:
        name: one word, as on the command line.
        init: takes a key, returns the initial parameters.
        loss: takes parameters and a batch, returns a scalar. Its gradient is what optimizers see.
        sample: takes a key and the number of the step from 0 (int32), returns a batch; the same for
            the same arguments.
        metrics: takes the parameters after some step, returns scalars by name, NaN where they mean
            nothing; None to measure nothing but the training loss.
        choose_by: what hyper-parameters are chosen by, on tuning seeds; never measured on test
            data.
        report: what is reported, on other seeds.
        steps: of one run, unless the user asks for another number; a multiple of 10, for metrics
            are measured after every tenth.
        title: for headings; the name if it is empty.
        target: a value of `report` that a good run reaches; NaN for none.
        citation: where the task and its data come from.
        data_sha256: of the data's source file; empty where there are no data.
        path: for two-dimensional problems, takes parameters, returns their point, shape (2,).
        width: how many runs are mapped together on one CPU core. It changes the last bits of the
            results.

    Raises:
        TypeError: for a function that cannot be called, or a number that is no integer.
        ValueError: for numbers out of range, or a metric that nothing measures.
    """

    name: str
    init: Callable[[Array], Params]
    loss: Callable[[Params, Batch], Array]
    sample: Callable[[Array, Array], Batch]
    metrics: Callable[[Params], Mapping[str, Array]] | None = None
    choose_by: Metric = TRAINING_LOSS
    report: Metric = TRAINING_LOSS
    steps: int = 500
    title: str = ""
    target: float = math.nan
    citation: str = ""
    data_sha256: str = ""
    path: Callable[[Params], Array] | None = None
    width: int = 4

    def __post_init__(self) -> None:
        for argument in ("init", "loss", "sample", "metrics", "path"):
            self._check_callable(argument)
        self._check_count("steps", TENTHS)
        self._check_count("width", 1)
        if self.steps % TENTHS:
            nearest = self.steps - self.steps % TENTHS
            raise ValueError(
                f"steps is {self.steps}; it must be a multiple of {TENTHS}, because metrics are"
                f" measured after every tenth of the steps. The nearest below is {nearest}."
            )
        for argument in ("choose_by", "report"):
            metric = getattr(self, argument)
            if self.metrics is None and metric.name != TRAINING_LOSS.name:
                raise ValueError(
                    f"{argument} is {metric.name!r}; it must be the training loss, because metrics"
                    f" is None. Leave {argument} out, or pass a function metrics that returns"
                    f" {metric.name!r}."
                )
        if not isinstance(self.target, (int, float)):
            raise TypeError(
                f"target is {self.target!r}; it must be a number. Leave it out where there is none."
            )
        if not self.title:
            object.__setattr__(self, "title", self.name)  # it is frozen for everybody else

    def _check_callable(self, argument: str) -> None:
        value = getattr(self, argument)
        optional = argument in ("metrics", "path")
        if not callable(value) and not (optional and value is None):
            allowed = "a function or None" if optional else "a function"
            raise TypeError(
                f"{argument} is {value!r}; it must be {allowed}. See the help of Problem."
            )

    def _check_count(self, argument: str, least: int) -> None:
        value = getattr(self, argument)
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{argument} is {value!r}; it must be an integer of at least {least}.")
        if value < least:
            raise ValueError(f"{argument} is {value}; it must be at least {least}.")
