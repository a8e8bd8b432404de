"""What a problem is: a few pure functions on which optimizers are compared.

A `Problem` says where the parameters start, what a batch is, what its loss is, and what is
measured. Its functions are written in JAX, work under `jit` and `vmap`, and depend on nothing but
their arguments: with the same key every optimizer gets the same initial parameters and the same
batches. Four arguments are enough for a problem; `rmsprop.study.tasks` has the problems that
`rmsprop compare` knows by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jax import Array

from rmsprop.study import names

# Trees of arrays, of any structure: each problem has its own.
Params = Any
Batch = Any
Tree = Any  # any pytree: parameters, gradients, the state of an optimizer

# The metrics are measured after every tenth of the steps.
TENTHS = 10

# The arguments of `Problem` that are functions or None.
_OPTIONAL = ("metrics", "averages", "path")


@dataclass(frozen=True)
class Metric:
    """A number that says how good a run was.

    Attributes:
        name: The key of the number in what `Problem.metrics` or `Problem.averages` returns.
        label: The name in words, for axes and tables.
        better: Which values are better, `"lower"` or `"higher"`.
        margin: The largest difference between two optimizers that counts as none, above 0. For
            losses, which are compared by their ratio, it is a share: 0.05 calls two losses equal
            that are shown to differ by less than 5 %. The default is None: 0.05 for losses, and for
            any other metric no margin, so that nothing is called equal.
        chance: The value of a run that has learnt nothing, such as 0.1 for the accuracy on ten
            classes: what a diverged run counts as where higher values are better. The default is
            None: it counts as the worst run of its seed that did not diverge.

    Raises:
        TypeError: `name` or `label` is no text, or `margin` or `chance` is no number of Python.
        ValueError: `better` is neither of the two, `margin` is not above 0, `chance` is not finite,
            or `name` or `label` is empty or has control characters.

    Example:
        >>> Metric("test_accuracy", "test accuracy", "higher").better
        'higher'
    """

    name: str
    label: str
    better: Literal["lower", "higher"]
    margin: float | None = None
    chance: float | None = None

    def __post_init__(self) -> None:
        names.check_line("name", self.name)
        names.check_line("label", self.label, longest=None)
        if self.better not in ("lower", "higher"):
            raise ValueError(
                f"better is {self.better!r}; it must be 'lower' or 'higher', whichever values of"
                f" {self.name!r} are the better ones."
            )
        for argument, value in (("margin", self.margin), ("chance", self.chance)):
            if isinstance(value, bool) or not isinstance(value, (int, float, type(None))):
                raise TypeError(
                    f"{argument} is {names.excerpt(value)}; it must be a number of Python, or None."
                )
        if self.margin is not None and not 0 < self.margin < math.inf:
            raise ValueError(
                f"margin is {self.margin!r}; it must be a finite number above 0, or None for the"
                f" default."
            )
        if self.chance is not None and not math.isfinite(self.chance):
            raise ValueError(
                f"chance is {self.chance!r}; it must be a finite number, or None for none."
            )


# The mean loss of the last tenth of the steps. The study measures it on every problem.
TRAINING_LOSS = Metric("training_loss", "training loss", "lower")


@dataclass(frozen=True, eq=False)
class Problem:
    """A problem: what is minimised and what is measured.

    To compare optimizers on a problem of your own, build one of these.

    Attributes:
        name: The name of the problem, one word of at most 100 letters, digits, `_`, `-` and `.`, as
            on the command line.
        init: Takes a key and returns the initial parameters.
        loss: Takes parameters and a batch and returns a scalar, whose gradient the optimizers get.
        sample: Takes a key and the number of the step, an int32 that counts from 0, and returns a
            batch. The same arguments give the same batch.
        metrics: Takes parameters and returns scalars by name, NaN where they have no meaning. It is
            called after every tenth of the steps. The default is None: nothing is measured so.
        averages: A function like `metrics`, with names of its own, that is called after every step.
            Its values are averaged over each tenth of the steps, so that what counts is the mean of
            the last tenth. It suits problems that are noisy to the end, where the value after the
            last step is a matter of luck. The default is None: nothing is measured so.
        choose_by: The metric by which hyper-parameters are chosen, or a sequence with one for each
            reported metric; a single one counts for all. It must not be measured on test data. The
            default is the training loss.
        report: The metric that is reported, on other seeds, or a sequence of several with distinct
            names, of which the first is the headline. The default is the training loss. `reports`
            and `choices` give both as tuples.
        steps: The number of steps of a run, a multiple of 10; the default is 500. A user of
            `compare` may ask for another number.
        title: The title of the problem in headings; the default is its name.
        target: A value of the first reported metric that a good run reaches; the default is NaN,
            for none.
        citation: The source of the problem and of its data; the default is empty.
        data_sha256: The SHA-256 of the data's source file; the default is empty, for no data.
        path: Takes the parameters of a two-dimensional problem and returns them as a point, an
            array of shape (2,). The default is None: no paths are drawn.
        width: The number of runs that are mapped together on one CPU core, at least 1; the default
            is 4. It changes the last bits of the results.

    Raises:
        TypeError: A function is not callable, or a number or a text has the wrong type.
        ValueError: A number is out of range, the name is no word, a text has control characters,
            nothing measures a metric, two reported metrics have one name, or `choose_by` is a
            sequence of another length than `report`.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> bowl = Problem(
        ...     "bowl",
        ...     init=lambda key: jax.random.normal(key, (3,)),
        ...     loss=lambda params, batch: jnp.sum((params - batch) ** 2),
        ...     sample=lambda key, step: jax.random.normal(jax.random.fold_in(key, step), (3,)),
        ... )
        >>> [metric.label for metric in bowl.reports]
        ['training loss']
    """

    name: str
    init: Callable[[Array], Params]
    loss: Callable[[Params, Batch], Array]
    sample: Callable[[Array, Array], Batch]
    metrics: Callable[[Params], Mapping[str, Array]] | None = None
    averages: Callable[[Params], Mapping[str, Array]] | None = None
    choose_by: Metric | Sequence[Metric] = TRAINING_LOSS
    report: Metric | Sequence[Metric] = TRAINING_LOSS
    steps: int = 500
    title: str = ""
    target: float = math.nan
    citation: str = ""
    data_sha256: str = ""
    path: Callable[[Params], Array] | None = None
    width: int = 4

    def __post_init__(self) -> None:
        names.check_task_name(self.name)
        if self.title != "":
            names.check_line("title", self.title, longest=None)
        for argument in ("citation", "data_sha256"):
            names.check_text(argument, getattr(self, argument))
        for argument in ("init", "loss", "sample", *_OPTIONAL):
            self._check_callable(argument)
        self._check_count("steps", TENTHS)
        self._check_count("width", 1)
        if self.steps % TENTHS:
            nearest = self.steps - self.steps % TENTHS
            raise ValueError(
                f"steps is {self.steps}; it must be a multiple of {TENTHS}, because metrics are"
                f" measured after every tenth of the steps. The nearest below is {nearest}."
            )
        self._check_metrics()
        if not names.is_number(self.target) and not isinstance(self.target, float):
            raise TypeError(
                f"target is {names.excerpt(self.target)}; it must be a number. Leave it out where"
                f" there is none."
            )
        if not self.title:
            object.__setattr__(self, "title", self.name)  # the class is frozen

    @property
    def reports(self) -> tuple[Metric, ...]:
        """The reported metrics; the first is the headline."""
        return _metrics(self.report)

    @property
    def choices(self) -> tuple[Metric, ...]:
        """The metrics that `reports` are chosen by, one for each of them in the same order."""
        choices = _metrics(self.choose_by)
        return choices * len(self.reports) if isinstance(self.choose_by, Metric) else choices

    def _check_metrics(self) -> None:
        for argument in ("choose_by", "report"):
            value = getattr(self, argument)
            if not isinstance(value, Metric):
                if not isinstance(value, Sequence) or not all(
                    isinstance(entry, Metric) for entry in value
                ):
                    raise TypeError(
                        f"{argument} is {value!r}; it must be a Metric or a sequence of them."
                    )
                object.__setattr__(self, argument, tuple(value))  # the class is frozen
            for metric in _metrics(value):
                nothing = self.metrics is None and self.averages is None
                if nothing and metric.name != TRAINING_LOSS.name:
                    raise ValueError(
                        f"{argument} is {metric.name!r}; it must be the training loss, because"
                        f" metrics and averages are None. Leave {argument} out, or pass a function"
                        f" metrics or averages that returns {metric.name!r}."
                    )
        reported = [metric.name for metric in self.reports]
        if not reported or len(set(reported)) < len(reported):
            raise ValueError(
                f"report is {', '.join(reported) or 'empty'}; it must be one metric or several"
                f" whose names are distinct."
            )
        if len(self.choices) != len(reported):
            raise ValueError(
                f"choose_by has {len(self.choices)} metrics and report {len(reported)}; choose_by"
                f" must be a single Metric, which counts for all, or have one for each reported"
                f" metric."
            )

    def _check_callable(self, argument: str) -> None:
        value = getattr(self, argument)
        optional = argument in _OPTIONAL
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


def _metrics(value: Metric | Sequence[Metric]) -> tuple[Metric, ...]:
    return (value,) if isinstance(value, Metric) else tuple(value)
