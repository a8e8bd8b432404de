"""The tables of the page: the results of all tasks, and all numbers of each.

What is drawn or said in sentences stands elsewhere; here is what the cells of a table hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from rmsprop.study import spelling
from rmsprop.study.report import sentences
from rmsprop.study.report.page import markup
from rmsprop.study.results import exponents, trials
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.schema import DEFAULT
from rmsprop.study.results.summary import Row

ARROWS: Mapping[str, str] = {"lower": "↓", "higher": "↑"}


def results_table(results: Results) -> str:
    """The table of results: a row per task and optimizer."""
    rows, bold = [], []
    for task in results.tasks:
        best = results.best(task).optimizer
        defaults = results.summary(task, setting=DEFAULT)
        for row, default in zip(results.summary(task), defaults, strict=True):
            if row.optimizer == best:
                bold.append(len(rows))
            rows.append(
                (
                    f"{task}: {_metric_label(results, task)}",
                    spelling.name(row.optimizer),
                    row.metric,
                    default.metric,
                    f"{row.diverged} of {row.runs}",
                    spelling.settings(row.hyperparameters),
                )
            )
    heads = ("Task", "Optimizer", "Tuned [95 %]", "Default [95 %]", "Diverged", "Chosen")
    return (
        markup.table("Results of all tasks", heads, rows, bold)
        + '<p class="small">↓ lower is better, ↑ higher is better. The best of a task is bold, '
        "which the interval of the difference need not confirm. Diverged runs are those of the "
        "tuned setting.</p>"
    )


def notebook_table(results: Results) -> str:
    """The table of results without configurations and defaults, for a notebook."""
    rows = [
        (row.task, spelling.name(row.optimizer), row.metric, f"{row.diverged} of {row.runs}")
        for row in results.summary()
    ]
    heads = ("Task", "Optimizer", "Result [95 %]", "Diverged")
    return markup.table("Results", heads, rows)


def edges(results: Results) -> str:
    """A note on every best value that is at the edge of its grid; empty where there is none."""
    notes = [f"<li>{markup.text(note)}</li>" for note in sentences.limits(results)]
    if not notes:
        return ""
    return (
        f'<div class="note"><strong>At the edge of a grid</strong><ul>{"".join(notes)}</ul></div>'
    )


def all_numbers(results: Results, task: str) -> str:
    """All numbers of a task, a table per schedule."""
    schedules = results.schedules(task)
    if len(schedules) == 1:
        return _numbers_under(results, task, schedules[0], f"All numbers of {task}")
    return "".join(
        _numbers_under(
            results,
            task,
            schedule,
            f"All numbers of {task}, schedule {spelling.schedule(schedule)}",
        )
        for schedule in schedules
    )


def _numbers_under(results: Results, task: str, schedule: str, caption: str) -> str:
    """The table of all numbers of a task under one schedule."""
    view = results.view(task, schedule)
    tuned = results.summary(task, schedule=schedule)
    defaults = results.summary(task, schedule=schedule, setting=DEFAULT)
    budgets = {row.optimizer: trials.budget_of(view, row.optimizer) for row in tuned}
    score = view.attrs["choose_by_label"]
    facts: dict[str, Sequence[object]] = {
        **_metrics(tuned, view.attrs["report_label"], "tuned"),
        **_metrics(defaults, view.attrs["report_label"], "default"),
        "configuration, tuned": [spelling.settings(row.hyperparameters) for row in tuned],
        "configuration, default": [spelling.settings(row.hyperparameters) for row in defaults],
        "trials": [sentences.trials(row) for row in tuned],
        **{
            f"{score}, expected best of {spelling.trial_count(k)}": [
                _expected_best(budgets[row.optimizer].of(k)) for row in tuned
            ]
            for k in trials.BUDGETS
        },
        "learning rates within 5 % of the best": [
            sentences.rates(trials.rates_of(view, row.optimizer)) for row in tuned
        ],
        "exponent of the effective rate": [
            sentences.exponent(exponents.exponent_of(view, row.optimizer)) for row in tuned
        ],
        **_costs(tuned),
    }
    heads = ("Number", *(spelling.name(row.optimizer) for row in tuned))
    rows = [(name, *cells) for name, cells in facts.items()]
    return markup.table(caption, heads, rows)


def _metrics(rows: Sequence[Row], label: str, setting: str) -> dict[str, Sequence[object]]:
    """What was measured of the reporting runs under one setting, a cell for each optimizer."""
    facts: dict[str, Callable[[Row], object]] = {
        label: lambda row: row.metric,
        "training loss, last step": lambda row: row.last_loss,
        "training loss, mean of the last tenth": lambda row: row.final_loss,
        "training loss, mean of all steps": lambda row: row.online_loss,
        "steps to a good run": lambda row: sentences.steps_to(row.steps_to_target),
        "diverged": lambda row: f"{row.diverged} of {row.runs}",
    }
    return {f"{name}, {setting}": [fact(row) for row in rows] for name, fact in facts.items()}


def _costs(rows: Sequence[Row]) -> dict[str, Sequence[object]]:
    """Time and memory, a cell for each optimizer."""
    return {
        "seconds a run": [spelling.seconds(row.seconds_per_run) for row in rows],
        "seconds to compile, once": [spelling.seconds(row.compile_seconds) for row in rows],
        "optimizer state": [
            f"{spelling.size(row.state_bytes)}, of parameters {spelling.size(row.parameter_bytes)}"
            for row in rows
        ],
    }


def _expected_best(number: float | None) -> str:
    """The expected best score of some trials; None where fewer were run."""
    if number is None:
        return "fewer were tried"
    return f"{number:.3g}" if math.isfinite(number) else "∞, all may diverge"


def _metric_label(results: Results, task: str) -> str:
    """The reported metric of a task, with an arrow towards its better values."""
    attributes = results.task(task).attrs
    return f"{attributes['report_label']} {ARROWS[attributes['report_better']]}"
