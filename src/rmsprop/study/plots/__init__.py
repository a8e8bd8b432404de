"""The pictures of a comparison: one function each, from results to a matplotlib figure.

Conventions:

* Pictures of one task take a view of its results (`rmsprop.study.schema.view`): one schedule, one
  setting.
* An optimizer has the same colour and line style in every picture; see `rmsprop.study.style`.
* What is infinite is drawn at the edge of the axes, never left out.
"""

from rmsprop.study.plots.answers import differences, memory, schedules
from rmsprop.study.plots.runs import effective_rates, loss_curves, path
from rmsprop.study.plots.tuning import budget, heat_map, learning_rates

__all__ = [
    "budget",
    "differences",
    "effective_rates",
    "heat_map",
    "learning_rates",
    "loss_curves",
    "memory",
    "path",
    "schedules",
]
