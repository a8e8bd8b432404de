"""What is said about runs: their title, how their table is read, and how they ended."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from rmsprop.study.steps.minimise import Steps

# The name of each optimizer's accumulator; sgd has none.
ACCUMULATORS = {"rmsprop": "E[g^2]", "adagrad": "Sum g^2"}


def title(runs: Sequence[Steps]) -> str:
    """The title of runs: the optimizers, the function and the start; then the settings of each.

    Args:
        runs: The numbers of every step, of one optimizer or several on one function.

    Example:
        >>> from rmsprop.study.steps.minimise import minimise
        >>> print(title([minimise(lambda x: x**2, 4.0, "sgd")]))
        sgd on f from x = 4
        learning rate 0.1
    """
    first = runs[0]
    coordinates = zip(first.objective.names, first.x[0].tolist(), strict=True)
    start = ", ".join(f"{name} = {value:g}" for name, value in coordinates)
    names = [run.optimizer for run in runs]
    heading = f"{_list(names)} on {first.objective.formula} from {start}"
    if len(runs) == 1:
        return f"{heading}\n{_settings(first)}"
    return "\n".join([heading, *(f"{run.optimizer}: {_settings(run)}" for run in runs)])


def _list(words: Sequence[str]) -> str:
    """Words in a sentence: `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _settings(run: Steps) -> str:
    """The settings of a run; the usual start of an accumulator, 0, is not mentioned."""
    place = "inside" if run.settings.get("eps_in_sqrt") else "outside"
    words = {
        "learning_rate": "learning rate {:g}",
        "decay": "decay {:g}",
        "eps": f"eps {{:g}} {place} the root",
        "initial": f"{ACCUMULATORS.get(run.optimizer, '')} from {{:g}}",
    }
    return ", ".join(
        words[name].format(value)
        for name, value in run.settings.items()
        if name in words and (name, value) != ("initial", 0)
    )


def caption(runs: Sequence[Steps], every: int = 1) -> str:
    """The caption of a table: how to read it, and how the runs ended.

    Args:
        runs: The numbers of every step, of one optimizer or several on one function.
        every: The distance between the steps that are shown.
    """
    lines = []
    meaning = ", where Eff. LR is the effective learning rate" if len(runs) > 1 else ""
    if every > 1:
        lines += [f"One step in {every} is shown, and the last; --every 1 shows all."]
    lines += [
        "Each row is one moment: Gradient is taken at x, and the next x is x - Update.",
        f"Update = {rate_head(runs)} * Gradient{meaning}.",
    ]
    for run in runs:
        lines += _denominator(run, runs)
    objective = runs[0].objective
    if len(objective.names) == 2:
        lines += [f"{sentence}" for run in runs for sentence in _ratio(run, len(runs))]
    if not objective.bounded:
        lines += [f"f = {objective.formula} has no minimum: it falls for ever, and so do the runs."]
    return "\n".join([*lines, *(x for run in runs for x in _outcome(run, several=len(runs) > 1))])


def rate_head(runs: Sequence[Steps]) -> str:
    """The head of the column of effective learning rates, shorter beside the optimizers' names.

    Args:
        runs: The numbers of every step, of one optimizer or several on one function.
    """
    return "Effective LR" if len(runs) == 1 else "Eff. LR"


def _denominator(run: Steps, runs: Sequence[Steps]) -> Iterator[str]:
    """What the accumulator is, and what the learning rate is divided by."""
    if run.optimizer not in ACCUMULATORS:
        return
    v = ACCUMULATORS[run.optimizer]
    several = sum(each.optimizer in ACCUMULATORS for each in runs) > 1
    subject = f"v of {run.optimizer} is {v}, which" if several else v
    root = f"sqrt({v} + eps)" if run.settings["eps_in_sqrt"] else f"(sqrt({v}) + eps)"
    yield f"{subject} includes the gradient of its row;"
    yield f"{rate_head(runs)} = learning rate / {root}."


def _ratio(run: Steps, count: int) -> Iterator[str]:
    """How the effective learning rates of two weights differ at the last step; not said of sgd."""
    if run.optimizer not in ACCUMULATORS:
        return
    first, second = run.effective_learning_rate[-1].tolist()
    ratio = first / second if second else math.nan
    with_ = f" with {run.optimizer}" if count > 1 else ""
    names = run.objective.names
    yield f"Effective LR of {names[0]} over that of {names[1]}, last step{with_}: {ratio:.4g}."


def _outcome(run: Steps, *, several: bool) -> Iterator[str]:
    """The outcome of a run, in one or two sentences."""
    subject = f"{run.optimizer}: " if several else ""
    remedy = _too_large(run) or "Try a smaller learning rate."
    for name, finite in [
        ("x", np.isfinite(run.x).all(axis=1)),
        ("f", np.isfinite(run.value)),
    ]:
        if not finite.all():
            step = int(np.argmin(finite))
            if step == 0:
                yield f"{subject}f is not finite at the start; choose a start nearer to 0."
                return
            yield f"{subject}Diverged: {name} is not finite from step {step} on."
            yield remedy
            return
    start, end, count = float(run.value[0]), float(run.value[-1]), len(run.update)
    plural = "s" if count > 1 else ""
    yield f"{subject}f went from {start:.6g} to {end:.6g} in {count} step{plural}."
    if end > start:
        yield f"It ended above its start. {remedy}"
    elif _too_large(run):
        yield _too_large(run)


def _too_large(run: Steps) -> str:
    """A sentence where gradient descent has a larger rate than the function allows; or nothing."""
    limit, rate = run.objective.stable, run.settings["learning_rate"]
    if run.optimizer != "sgd" or limit is None or not rate > limit.value:
        return ""
    return (
        f"The learning rate {rate:g} exceeds {limit.formula} = {limit.value:g}, beyond which"
        " gradient descent diverges here; choose one below."
    )
