"""The pictures of a comparison: one function each, from results to a matplotlib figure.

Conventions:

* Pictures of one task take a view of its results (`rmsprop.study.results.schema.view`): one
  schedule, one setting.
* An optimizer has the same colour and line style in every picture; see `style` beside this.
* What is infinite is drawn at the edge of the axes, never left out.
"""

from rmsprop.study.report.plots.forest import differences
from rmsprop.study.report.plots.outcomes import memory, profile, schedules
from rmsprop.study.report.plots.paths import path
from rmsprop.study.report.plots.runs import effective_rates, loss_curves
from rmsprop.study.report.plots.tuning import budget, heat_map, learning_rates

__all__ = [
    "budget",
    "differences",
    "effective_rates",
    "heat_map",
    "learning_rates",
    "loss_curves",
    "memory",
    "path",
    "profile",
    "schedules",
]
