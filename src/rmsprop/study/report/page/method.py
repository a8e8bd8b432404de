"""How the page is read: the protocol of a comparison in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from rmsprop.study import spelling
from rmsprop.study.report import sentences
from rmsprop.study.report.page import self_comparison
from rmsprop.study.report.page.markup import text
from rmsprop.study.results.digest import Digest
from rmsprop.study.results.jackknife import LEAST_SEEDS, MOST_SUBSETS


def how_to_read(of_tasks: Sequence[Digest]) -> str:
    """The section on method, as a list; what this comparison does not have is left out."""
    parts = [
        _seeds(),
        _tuning(of_tasks),
        *_verdicts(of_tasks),
        _against_itself(),
        _references(of_tasks),
        _numbers(),
        _settings(of_tasks),
        _budget(),
        """Training loss, the reported metric and the mean loss over all steps are given
separately, because the best optimizer may not be the same by each of them. The seconds of a run are
those of one core or device, without compilation.""",
        """A picture states the values of the point that is nearest to the pointer or to a tap. The
arrow keys go from point to point when the picture has the focus.""",
    ]
    items = "\n".join(f"<li>{part}</li>" for part in parts if part)
    return f"<ul>\n{items}\n</ul>"


def _seeds() -> str:
    return """A seed draws the initial parameters, the batches and, in the tasks that come with
rmsprop, the split of the data into training, validation and test data. An interval over seeds
therefore includes the randomness of the split. On each seed every optimizer starts from the same
parameters and sees the same batches."""


def _tuning(of_tasks: Sequence[Digest]) -> str:
    schedules = {spelling.schedule(name) for digest in of_tasks for name in digest.schedules}
    several = (
        """Each optimizer is tuned under each schedule of the learning rate. The pictures show the
first schedule unless they name another."""
        if len(schedules) > 1
        else ""
    )
    raced = max(digest.dataset.sizes["tuning_seed"] for digest in of_tasks)
    return f"""Configurations are tuned by a race: all configurations run on one seed, the best
third of them on {raced}, and the best of these, the finalists, on all reporting seeds, which are
other seeds. A grid grows where the best configuration lies on its edge. Grids are still coarse:
shifting the grid of learning rates by half of its spacing changes the result on the valley by about
25 %.
{several}"""


def _verdicts(of_tasks: Sequence[Digest]) -> list[str]:
    """How a verdict is reached; nothing where one optimizer has nothing to be compared with."""
    rows = sentences.headlines(of_tasks)
    if not rows:
        return []
    row = rows[0]
    own = (
        """ In the headline each optimizer runs under its own better schedule, which is chosen like
everything else. In the lines below it both run under the same schedule."""
        if any(len(digest.schedules) > 1 for digest in of_tasks)
        else ""
    )
    return [
        f"""A verdict does not rest on one choice of hyper-parameters, which may depend on a few
lucky seeds. Each optimizer chooses among its finalists on {row.tuning_seeds} of {row.seeds} seeds,
by the metric that “Chosen by” names, and is compared on the others. The difference is the mean over
all such choices, or over {MOST_SUBSETS:,} of them where there are more. It is what to expect on a
new seed. Its interval comes from leaving out one seed after the other, so that it includes the
randomness of the choice. The estimate with choices on half of the seeds is given beside it.
Losses are compared by their ratio where all are positive.{own}""",
        f"""Two optimizers are equal if the interval lies within a margin, which is 5 % of a loss or
half a point of an accuracy unless the problem sets another. One is better if the interval lies
beyond the margin. One is slightly better if the interval excludes equality and a difference of the
margin or more is not shown. Everything else is not decided; the approximate number of seeds that
would decide is given. Below {LEAST_SEEDS} seeds there is no verdict.{_joint(len(rows))}""",
    ]


def _joint(count: int) -> str:
    """What is corrected for several comparisons, and what is not."""
    if count < 2:
        return ""
    return f""" The answer over all tasks corrects the {count} headlines by Holm's method. The
probability that it reports a difference on any task where there is none is at most about 5 %.
Equalities and all other lines
are not corrected."""


def _against_itself() -> str:
    figures = self_comparison.SELF_COMPARISON
    if figures is None:
        return ""
    return f"""An optimizer was compared with itself {figures.repetitions:,} times by this method,
on {figures.seeds} seeds, under two names with the same initial parameters and split and with
batches of their own. One of the two was called better or slightly better in {figures.all_lines:.1f}
% of all lines (standard error {figures.error:.1f} %), and in {figures.worst_line:.1f} % of the line
where this was most frequent."""


def _references(of_tasks: Sequence[Digest]) -> str:
    names = dict.fromkeys(spelling.name(name) for digest in of_tasks for name in digest.references)
    if not names:
        return ""
    are = "are references" if len(names) > 1 else "is a reference"
    return text(
        f"{spelling.listed(list(names))} {are}. References begin with as many trials as the"
        " others, under one schedule alone. They have estimates and intervals, and no part in the"
        " answer over all tasks."
    )


def _numbers() -> str:
    return """A result is what an optimizer reaches on a new seed, over all choices that the seeds
allow: a geometric mean of losses or a mean of accuracies, with its 95 % interval. The ratio or the
difference of two results is that of the verdict under their schedule. The configuration beside a
result is the one that won the race. Training losses and steps are interquartile means over the
seeds of that configuration, without the best and the worst quarter, with a 95 % bootstrap interval.
In these means, a run that diverged counts as ∞. In a result and in a verdict it counts as
twice the worst loss of its seed, or as an accuracy by chance, and the share of such runs is given.
"""


def _settings(of_tasks: Sequence[Digest]) -> str:
    names = dict.fromkeys(
        spelling.defaults(setting) for digest in of_tasks for setting in digest.settings[1:]
    )
    if not names:
        return ""
    return text(
        "A default setting is what a user gets who tunes nothing. It is complete, the learning rate"
        f" included. The page shows these: {spelling.listed(list(names))}."
    )


def _budget() -> str:
    return """The expected best of k trials: k configurations are drawn without replacement from the
first grid, before it grew. The best of them is chosen by its tuning score, and its value
is what it reached on the reporting seeds, which did not choose it. The value of a configuration
that was no finalist is its tuning score. The interval is over the reporting seeds."""
