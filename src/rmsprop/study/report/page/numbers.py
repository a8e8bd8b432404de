"""The tables of the page: the results of all tasks, and all numbers of each.

What is drawn or said in sentences stands elsewhere; here is what the cells of a table hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import xarray as xr

from rmsprop.study import spelling
from rmsprop.study.report import remarks, sentences
from rmsprop.study.report.page import markup
from rmsprop.study.report.page.markup import ABSENT, Cell
from rmsprop.study.results import trials
from rmsprop.study.results.digest import Digest, digests
from rmsprop.study.results.labelled import Results
from rmsprop.study.results.schema import OWN
from rmsprop.study.results.summary import Difference, Row

ARROWS: Mapping[str, str] = {"lower": "↓", "higher": "↑"}


def results_table(of_tasks: Sequence[Digest]) -> str:
    """The table of results: a row per task, schedule and optimizer, a column per setting."""
    defaults = default_settings(of_tasks)
    rows, bold, leads = [], [], []
    for digest in of_tasks:
        leads.append(len(rows))
        for schedule, tuned in digest.rows.items():
            best = sentences.winners(digest, schedule)
            by_default = {
                setting: {
                    row.optimizer: row.metric
                    for row in digest.defaults.get((schedule, setting), ())
                }
                for setting in defaults
            }
            for row in tuned:
                if row.optimizer in best:
                    bold.append(len(rows))
                rows.append(
                    (
                        _task_cell(digest),
                        spelling.schedule(schedule),
                        spelling.name(row.optimizer),
                        row.metric,
                        *(by_default[setting].get(row.optimizer, ABSENT) for setting in defaults),
                        Cell(f"{row.diverged} of {row.runs}", value=row.diverged / row.runs),
                        spelling.settings(row.hyperparameters),
                    )
                )
    settings = [f"{_capital(spelling.defaults(setting))} [95 %]" for setting in defaults]
    heads = ("Task", "Schedule", "Optimizer", "Tuned [95 %]", *settings, "Diverged", "Chosen")
    table = markup.table(
        "Results of all tasks",
        heads,
        rows,
        file="results-of-tasks",
        bold=bold,
        emphasis=leads,
        style="results",
    )
    return (
        table
        + f'<p class="small">{markup.text(_metrics_in_words(of_tasks))} A bold optimizer is better'
        " than those it is compared with under this schedule, references left aside; this verdict"
        " is not corrected. The answers above are corrected, and they are about each optimizer"
        " under its own better schedule. The diverged runs are those of the tuned setting. Defaults"
        " are complete and run under the first schedule alone;"
        f" {ABSENT} marks that there are none.</p>"
    )


def _task_cell(digest: Digest) -> Cell:
    """The name of a task with an arrow towards better values; its metric stands in its title."""
    words = f"{digest.task} {ARROWS[digest.better]}"
    return Cell(words, title=sentences.measure(digest.dataset))


def _metrics_in_words(of_tasks: Sequence[Digest]) -> str:
    """The metric of each task: `digits: test loss, lower is better (↓).`"""
    words = [
        f"{digest.task}: {sentences.measure(digest.dataset)} ({ARROWS[digest.better]})"
        for digest in of_tasks
    ]
    return f"{'; '.join(words)}."


def default_settings(of_tasks: Sequence[Digest]) -> tuple[str, ...]:
    """The settings of all tasks but the tuned one, in their order."""
    return tuple(dict.fromkeys(setting for digest in of_tasks for setting in digest.settings[1:]))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def lines_table(digest: Digest) -> str:
    """All comparisons of a task, the headline first, then by schedule, metric and reference."""
    rows, headlines = [], []
    for row in lines(digest):
        if is_headline(digest, row):
            headlines.append(len(rows))
        rows.append(
            (
                row.metric_label,
                spelling.schedule(row.schedule),
                sentences.pair(row),
                row.interval,
                sentences.verdict(row),
            )
        )
    if not rows:
        return ""
    heads = ("Metric", "Schedule", "Pair", "Estimate [95 %]", "Verdict")
    caption = f"All comparisons on {digest.task}"
    table = markup.table(
        caption, heads, rows, file=f"{digest.task}-comparisons", emphasis=headlines
    )
    uncorrected = (
        '<p class="small">The headline comes first. The intervals of the other lines are not'
        " corrected for their number.</p>"
    )
    return table + (uncorrected if len(rows) > len(headlines) else "")


def lines(digest: Digest) -> list[Difference]:
    """The comparisons of a task as they are read: headline, schedules, other metrics, references.

    Where there is one schedule its line repeats the headline, and is left out.
    """
    metrics, rows = digest.metrics, digest.differences
    if len(digest.schedules) == 1:
        rows = tuple(row for row in rows if row.schedule == OWN or row.is_reference)
    return sorted(
        rows,
        key=lambda row: (row.is_reference, metrics.index(row.metric_name), row.schedule != OWN),
    )


def is_headline(digest: Digest, row: Difference) -> bool:
    """Whether a comparison is one that verdicts over all tasks are about."""
    headline = row.metric_name == digest.metrics[0]
    return headline and row.schedule == OWN and not row.is_reference


def notebook_table(results: Results) -> str:
    """The table of results without configurations and defaults, for a notebook."""
    of_tasks = digests(results)
    rows = [
        (
            row.task,
            spelling.schedule(row.schedule),
            spelling.name(row.optimizer),
            row.metric,
            f"{row.diverged} of {row.runs}",
        )
        for digest in of_tasks
        for row in digest.tuned_rows
    ]
    heads = ("Task", "Schedule", "Optimizer", "Result [95 %]", "Diverged")
    overall = sentences.overall(of_tasks)
    answer = f"<p>{markup.text(overall)}</p>" if overall else ""
    return answer + markup.table("Results", heads, rows)


def edges(of_tasks: Sequence[Digest]) -> str:
    """A note on every best value that is the end of its range; empty where there is none."""
    notes = [f"<li>{markup.text(note)}</li>" for note in remarks.limits(of_tasks)]
    if not notes:
        return ""
    return (
        '<div class="note"><strong>Best values at the end of their range</strong>'
        f"<ul>{''.join(notes)}</ul></div>"
    )


def twins(of_tasks: Sequence[Digest]) -> str:
    """A note on every chosen RMSprop that is close to AdaGrad; empty without one."""
    notes = [
        f"<li>{markup.text(note)}</li>" for digest in of_tasks for note in remarks.twins(digest)
    ]
    if not notes:
        return ""
    return (
        '<div class="note"><strong>RMSprop that is close to AdaGrad</strong>'
        f"<ul>{''.join(notes)}</ul></div>"
    )


def all_numbers(digest: Digest) -> str:
    """All numbers of a task, a table per schedule."""
    caption = f"All numbers of {digest.task}"
    if len(digest.schedules) == 1:
        return _numbers_under(digest, digest.schedules[0], caption)
    return "".join(
        _numbers_under(digest, schedule, f"{caption}, schedule {spelling.schedule(schedule)}")
        for schedule in digest.schedules
    )


def _numbers_under(digest: Digest, schedule: str, caption: str) -> str:
    """The table of all numbers of a task under one schedule."""
    view, tuned = digest.views[schedule], digest.rows[schedule]
    by_setting: dict[str, list[Row | None]] = {"tuned": list(tuned)}
    for setting in digest.settings[1:]:
        rows = {row.optimizer: row for row in digest.defaults.get((schedule, setting), ())}
        if rows:
            by_setting[spelling.defaults(setting)] = [rows.get(row.optimizer) for row in tuned]
    score = _budget_label(view)
    facts: dict[str, Sequence[object]] = {}
    for words, of_setting in by_setting.items():
        facts |= _metrics(of_setting, view.attrs["report_label"], words)
    for words, of_setting in by_setting.items():
        facts[f"configuration, {words}"] = [
            ABSENT if row is None else spelling.settings(row.hyperparameters) for row in of_setting
        ]
    facts |= {
        "trials": [sentences.trials(row) for row in tuned],
        **{
            f"{score}, expected best of {spelling.trial_count(k)}": [
                _expected_best(digest.budgets[schedule, row.optimizer].of(k)) for row in tuned
            ]
            for k in trials.BUDGETS
        },
        "learning rates within 5 % of the best": [
            sentences.rates(digest.rates[schedule, row.optimizer]) for row in tuned
        ],
        "exponent of the effective rate": [
            sentences.exponent(digest.exponents[schedule, row.optimizer]) for row in tuned
        ],
        **_costs(tuned),
    }
    heads = ("Number", *(spelling.name(row.optimizer) for row in tuned))
    rows_of_table = [(name, *cells) for name, cells in facts.items()]
    file = f"{digest.task}-{schedule}-numbers"
    return markup.table(caption, heads, rows_of_table, file=file)


def _metrics(rows: Sequence[Row | None], label: str, setting: str) -> dict[str, Sequence[object]]:
    """What was measured of the reporting runs under one setting, a cell for each optimizer.

    None stands for an optimizer without this setting.
    """
    facts: dict[str, Callable[[Row], object]] = {
        label: lambda row: row.metric,
        "training loss, last step": lambda row: row.last_loss,
        "training loss, mean of the last tenth": lambda row: row.final_loss,
        "training loss, mean of all steps": lambda row: row.online_loss,
        "steps to a good run": lambda row: sentences.steps_to(row.steps_to_target),
        "diverged": lambda row: f"{row.diverged} of {row.runs}",
    }
    return {
        f"{name}, {setting}": [ABSENT if row is None else fact(row) for row in rows]
        for name, fact in facts.items()
    }


def _costs(rows: Sequence[Row]) -> dict[str, Sequence[object]]:
    """Time and memory, a cell for each optimizer."""
    return {
        "time of a run": spelling.durations([row.seconds_per_run for row in rows]),
        "time to compile, once": spelling.durations([row.compile_seconds for row in rows]),
        "optimizer state": [
            f"{spelling.size(row.state_bytes)}, beside {spelling.size(row.parameter_bytes)} of"
            " parameters"
            for row in rows
        ],
    }


def _expected_best(number: float | None) -> str:
    """The expected best score of some trials; None where fewer were run."""
    if number is None:
        return "fewer trials were run"
    return spelling.number(number) if math.isfinite(number) else "∞, all may diverge"


def _budget_label(view: xr.Dataset) -> str:
    """What the expected best of some trials is worth; see `rmsprop.study.results.trials`."""
    alike = view.attrs["choose_by_better"] == view.attrs["report_better"]
    return view.attrs["report_label" if alike else "choose_by_label"]
