"""The vertical axis of the pictures: logarithmic where ratios say more, with some room."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from rmsprop.study import style


def ratio_scale(values: NDArray[np.float64], better: str) -> bool:
    """Whether ratios say more of these finite values than differences do.

    They do of losses and errors that span a factor of four; an accuracy stays on a plain scale.
    """
    return better == "lower" and bool(values.min() > 0 and values.max() > 4 * values.min())


def vertical(axes: Axes, values: NDArray[np.float64], better: str = "lower") -> tuple[float, float]:
    """Set scale and limits of the vertical axis for what is finite, with some room; return them."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return axes.get_ylim()
    low, high = float(finite.min()), float(finite.max())
    if ratio_scale(finite, better):
        axes.set_yscale("log")
        room = (high / low) ** 0.08
        axes.set_ylim(low / room, high * room)
        style.logarithmic(axes.yaxis, low, high)
    else:
        room = 0.08 * (high - low) or 0.1 * abs(high) or 0.1
        axes.set_ylim(low - room, high + room)
    return axes.get_ylim()
