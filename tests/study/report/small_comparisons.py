"""Made-up results that are quickly reported, and what is expected of their report."""

from typing import Any

import xarray as xr

import synthetic_results as synthetic

GRIDS = {
    "rmsprop": {"learning_rate": [1e-2, 1e-1], "one_minus_decay": [0.3, 0.03]},
    "adagrad": {"learning_rate": [1e-2, 1e-1]},
}

# Pictures of a task whose first optimizer has two hyper-parameters tuned.
KINDS = ("budget", "effective-rates", "heat-rmsprop", "learning-rates", "loss", "schedules")
# Pictures of all tasks together.
OVERVIEW = ("differences.png", "memory.png")

# What would be run if a page showed it unescaped.
EVIL = '<script>alert("\'&")</script>'


def small_task(**attributes: Any) -> xr.Dataset:
    """Results of one task: two optimizers, five seeds, ten steps."""
    return synthetic.task(GRIDS, seeds=5, steps=10, **attributes)
