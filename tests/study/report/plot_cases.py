"""Made-up results to draw, and how to read what was drawn."""

from typing import Any

from matplotlib.figure import Figure

import synthetic_results as synthetic
from rmsprop.study.results import schema

GRIDS = {
    "rmsprop": {"learning_rate": [1e-4, 1e-2, 1e-1, 1.0], "one_minus_decay": [0.3, 0.03]},
    "adagrad": {"learning_rate": [1e-2, 1e-1]},
}


def view_of(*arguments: Any, **options: Any) -> Any:
    """Made-up results of `synthetic_results.task`, in the form that pictures of one task take."""
    return schema.view(synthetic.task(*arguments, **options))


def axes_of(figure: Figure) -> Any:
    """The axes of a figure. What matplotlib annotates as array-like is an array here."""
    return figure.axes


def lines_of(axes: Any, label: str) -> Any:
    """The lines whose label begins with `label`."""
    return [line for line in axes.get_lines() if line.get_label().startswith(label)]
