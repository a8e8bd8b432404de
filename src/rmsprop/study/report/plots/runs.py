"""Pictures of runs against step: the loss and the effective learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from rmsprop.study import spelling
from rmsprop.study.report.plots import style, values
from rmsprop.study.report.plots.style import fit_vertical_axis
from rmsprop.study.results.schema import QUANTILES

# The largest number of points of a curve; each is the mean of the steps that it stands for.
POINTS = 100


def loss_curves(dataset: xr.Dataset) -> Figure:
    """Training loss against step: median and range over the reporting seeds.

    A point is the mean of a hundredth of the steps, which smooths the noise of the batches; the
    label of the axis says of how many. The line is the median over the seeds, and the band reaches
    from the best seed to the worst: to the top of the axes, where one has diverged.

    Args:
        dataset: A view of the results of one task.
    """
    steps = dataset.sizes["step"]
    size = math.ceil(steps / POINTS)
    curves = _bin_means(dataset["loss"].values, size)
    middles = np.minimum((np.arange(curves.shape[-1]) + 0.5) * size + 0.5, steps)
    key, where = _step_words(steps, size)
    diverged = dataset["diverged"].values
    entries = dataset.sizes["optimizer"]
    figure, (axes,) = style.panels(2.4 + style.head_height(entries), top=style.head_height(entries))
    low, high = fit_vertical_axis(axes, curves if diverged.all() else curves[~diverged])
    for index, optimizer in enumerate(dataset["optimizer"].values):
        # of an even number the worse of the middle two: no mean with something infinite
        median = np.quantile(curves[index], 0.5, axis=0, method="higher")
        edges = curves[index].min(axis=0), curves[index].max(axis=0)
        band, line = np.clip(edges, low, high), np.clip(median, low, high)
        axes.fill_between(middles, *band, color=style.colour(index), alpha=0.22, linewidth=0)
        label = style.entry(str(optimizer))
        if diverged[index].any():
            label += f" ({diverged[index].sum()}/{diverged[index].size} diverged)"
        axes.plot(
            middles, line, ls=style.dash(index), color=style.colour(index), lw=1.8, label=label
        )
        points = (spelling.name(str(optimizer)), middles, median, key, where)
        low_words, high_words = map(values.words, edges)
        numbers = (values.words(median), "best to worst seed", low_words, high_words)
        values.note(values.Series(axes, *points, *numbers))
    axes.set_xlim(0, steps)
    axes.set_xlabel("step")
    unit = f", mean of {size} steps" if size > 1 else ""
    style.title(axes, f"training loss{unit}", entries)
    style.legend(axes)
    return figure


def _step_words(steps: int, size: int) -> tuple[str, list[str]]:
    """What a point of a curve of losses stands for: the word for it, and its steps."""
    firsts = range(1, steps + 1, size)
    lasts = [min(first + size - 1, steps) for first in firsts]
    return "step" if size == 1 else "steps", _intervals(firsts, lasts)


def _intervals(firsts: Sequence[int], lasts: Sequence[int]) -> list[str]:
    """Intervals of steps in words: `7–9`, or `7` for a single step."""
    return [
        f"{first}–{last}" if last > first else str(last)
        for first, last in zip(firsts, lasts, strict=True)
    ]


def effective_rates(dataset: xr.Dataset) -> Figure:
    """Quantiles of the effective learning rate over time, both on a logarithmic scale.

    What a coordinate moves for a unit of its gradient: the line is the median over the watched
    coordinates and the reporting seeds, the band reaches from their lower to their upper quartile,
    the thin lines are the 5 % and 95 % quantiles. The grey line falls as 1/sqrt(t).

    Args:
        dataset: A view of the results of one task.
    """
    entries = dataset.sizes["optimizer"] + 1
    figure, (axes,) = style.panels(2.4 + style.head_height(entries), top=style.head_height(entries))
    steps = dataset["bin"].values
    rates = _median_over_seeds(dataset["effective_rate"].values)
    rates = np.where(rates > 0, rates, np.nan)
    intervals = _intervals([1, *(steps[:-1] + 1).tolist()], steps.tolist())
    low, high = _positive_range(rates)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(1, steps[-1])
    axes.set_ylim(low, high)
    for index, optimizer in enumerate(dataset["optimizer"].values):
        colour = style.colour(index)
        ends = {level: rates[index, :, QUANTILES.index(level)] for level in QUANTILES}
        axes.fill_between(steps, ends[0.25], ends[0.75], alpha=0.22, linewidth=0, color=colour)
        for level in (0.05, 0.95):
            axes.plot(steps, ends[level], lw=0.7, alpha=0.8, color=colour)
        label = style.entry(str(optimizer))
        axes.plot(steps, ends[0.5], ls=style.dash(index), color=colour, lw=1.8, label=label)
        points = (spelling.name(str(optimizer)), steps, ends[0.5], "steps", intervals)
        median, low_words, high_words = (values.words(ends[level]) for level in (0.5, 0.25, 0.75))
        band = ("quartiles", low_words, high_words)
        values.note(values.Series(axes, *points, median, *band))
    top = 10 ** (0.9 * math.log10(high) + 0.1 * math.log10(low))
    guide = top * np.sqrt(steps[0] / steps)
    axes.plot(steps, guide, color=style.MUTED, lw=0.9, label="slope of 1/sqrt(t)")
    style.logarithmic_ticks(axes.xaxis, 1, float(steps[-1]))
    style.logarithmic_ticks(axes.yaxis, low, high)
    axes.set_xlabel("step")
    style.title(axes, "effective learning rate", entries)
    style.legend(axes)
    return figure


def _median_over_seeds(rates: NDArray[np.float32]) -> NDArray[np.float64]:
    """The median over the second axis, the seeds, of what is finite; NaN where nothing is.

    A seed that diverged takes nothing with it, and numpy's own function would warn of empty slices.
    """
    finite = np.sort(np.where(np.isfinite(rates), rates, np.inf).astype(np.float64), axis=1)
    count = np.isfinite(finite).sum(axis=1, keepdims=True)
    ends = [np.take_along_axis(finite, np.maximum(n, 0) // 2, axis=1) for n in (count - 1, count)]
    return np.where(count > 0, (ends[0] + ends[1]) / 2, np.nan)[:, 0]


def _positive_range(values: NDArray[np.float64]) -> tuple[float, float]:
    """The ends of a logarithmic axis with some room, also where nothing is finite."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.1, 10.0
    low, high = float(finite.min()), float(finite.max())
    return low / 1.6, max(high, 1.01 * low) * 1.6


def _bin_means(losses: ArrayLike, size: int) -> NDArray[np.float64]:
    """The mean of every `size` steps (the last bin may be shorter); NaN counts as infinite."""
    values = np.asarray(losses, dtype=np.float64)
    values = np.where(np.isnan(values), np.inf, values)
    starts = np.arange(0, values.shape[-1], size)
    counts = np.diff(np.append(starts, values.shape[-1]))
    return np.add.reduceat(values, starts, axis=-1) / counts
