"""The pictures of a comparison: one function each, from results to a matplotlib figure.

Conventions:

* An optimizer has the same colour and line style in every picture; see `rmsprop.study.style`.
* What is infinite is drawn at the edge of the axes, never left out.
"""

from __future__ import annotations

import math
import textwrap

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from rmsprop.study import landscape, style, wording
from rmsprop.study.results import Comparison, Difference
from rmsprop.study.schema import mean_tuning_scores, tuned_names, worst_value

POINTS = 100  # of a curve at most; each is the mean of the steps it stands for


def loss_curves(dataset: xr.Dataset) -> Figure:
    """Training loss against step: median and range over the reporting seeds.

    A point is the mean of a hundredth of the steps, which smooths the noise of the batches; the
    label of the axis says of how many. The line is the median over the seeds, and the band reaches
    from the best seed to the worst: to the top of the axes, where one has diverged.

    Args:
        dataset: results of one task.
    """
    steps = dataset.sizes["step"]
    size = math.ceil(steps / POINTS)
    curves = _binned(dataset["loss"].values, size)
    middles = np.minimum((np.arange(curves.shape[-1]) + 0.5) * size + 0.5, steps)
    diverged = dataset["diverged"].values
    entries = dataset.sizes["optimizer"]
    figure, (axes,) = style.panels(2.4 + style.above(entries), top=style.above(entries))
    low, high = _vertical(axes, curves if diverged.all() else curves[~diverged])
    for index, optimizer in enumerate(dataset["optimizer"].values):
        # of an even number the worse of the middle two: no mean with something infinite
        median = np.quantile(curves[index], 0.5, axis=0, method="higher")
        edges = curves[index].min(axis=0), curves[index].max(axis=0)
        band, line = np.clip(edges, low, high), np.clip(median, low, high)
        axes.fill_between(middles, *band, color=style.colour(index), alpha=0.22, linewidth=0)
        label = wording.short(str(optimizer))
        if diverged[index].any():
            label += f" ({diverged[index].sum()}/{diverged[index].size} diverged)"
        axes.plot(
            middles, line, ls=style.dash(index), color=style.colour(index), lw=1.8, label=label
        )
    axes.set_xlim(0, steps)
    axes.set_xlabel("step")
    unit = f", mean of {size} steps" if size > 1 else ""
    style.title(axes, f"training loss{unit}", entries)
    style.legend(axes)
    return figure


def learning_rates(dataset: xr.Dataset) -> Figure:
    """Tuning score against learning rate: a panel per optimizer, a line per second setting.

    A point is the mean over the tuning seeds, what configurations are chosen by; where three or
    more hyper-parameters were tuned, the best over the others. A ring marks the configuration
    chosen, a cross at the bad end of the axis one that diverged on a tuning seed.

    Args:
        dataset: results of one task.
    """
    tuned = tuned_names(dataset)
    scores = mean_tuning_scores(dataset)
    rates = dataset["learning_rate"].values
    low, high = float(np.nanmin(rates)), float(np.nanmax(rates))
    figure, panels = style.panels(0.8 + 1.75 * len(tuned), rows=len(tuned), right=0.71)
    for index, (axes, (optimizer, names)) in enumerate(zip(panels, tuned.items(), strict=True)):
        _vertical(axes, scores.values, dataset.attrs["choose_by_better"])
        axes.set_xscale("log")
        axes.set_xlim(low / 1.6, high * 1.6)
        style.logarithmic(axes.xaxis, low, high)
        _rate_lines(axes, dataset, optimizer, names, style.colour(index))
        axes.tick_params(labelbottom=axes is panels[-1])
    style.title(panels[0], dataset.attrs["choose_by_label"] + " on the tuning seeds")
    panels[-1].set_xlabel("learning rate")
    return figure


def heat_map(dataset: xr.Dataset, optimizer: str) -> Figure:
    """Tuning score over learning rate and the second tuned hyper-parameter of an optimizer.

    A cell is the mean over the tuning seeds; where three or more hyper-parameters were tuned, the
    best over the others. A frame marks the best cell, a cross one that diverged on a tuning seed;
    what was not run is left empty.

    Args:
        dataset: results of one task.
        optimizer: its name.

    Raises:
        ValueError: only the learning rate was tuned.
    """
    names = tuned_names(dataset)[optimizer]
    if len(names) < 2:
        raise ValueError(
            f"{optimizer} has only its {names[0]} tuned, but a heat map needs two "
            "hyper-parameters; show learning_rates instead."
        )
    better = dataset.attrs["choose_by_better"]
    rates, others, cells = _cells(dataset, optimizer, names)
    figure, (axes,) = style.panels(1.0 + 0.3 * len(others), right=0.83, bottom=0.68)
    image = axes.pcolormesh(
        np.ma.masked_invalid(cells),
        cmap="viridis" if better == "lower" else "viridis_r",  # dark is good
        norm=_norm(cells, better),
        edgecolors=style.PAPER,
        linewidth=1,
    )
    for y, x in np.argwhere(np.isinf(cells)):
        axes.plot(x + 0.5, y + 0.5, "x", color=style.MUTED, markersize=5)
    best = np.nanargmin(cells) if better == "lower" else np.nanargmax(cells)
    y, x = np.unravel_index(best, cells.shape)
    frame = Rectangle(
        (float(x), float(y)), 1, 1, fill=False, edgecolor=style.COLOURS[1], linewidth=2.2
    )
    axes.add_patch(frame)
    slanted = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(np.arange(len(rates)) + 0.5, [style.plain(x) for x in rates], **slanted)
    axes.set_yticks(np.arange(len(others)) + 0.5, [style.plain(y) for y in others])
    axes.grid(False)
    axes.set_xlabel("learning rate")
    style.title(axes, f"{wording.axis(names[1])}; colour: {dataset.attrs['choose_by_label']}")
    place = axes.get_position()
    bar = figure.colorbar(image, cax=figure.add_axes((0.85, place.y0, 0.025, place.height)))
    style.quiet(bar.ax)
    if isinstance(image.norm, LogNorm):
        style.logarithmic(bar.ax.yaxis, *image.get_clim())
    return figure


def path(dataset: xr.Dataset, surface: landscape.Surface | None = None) -> Figure:
    """The paths of two parameters on the first reporting seed, on the contours of the loss.

    Every optimizer starts at the circle; a square is where it ends. From one contour to the next,
    the height above the lowest point shown grows by the same factor.

    Args:
        dataset: results of one task with two parameters, so with the variable `path`.
        surface: the loss; without it the paths are drawn alone.

    Raises:
        ValueError: the task has no `path`.
    """
    if "path" not in dataset:
        raise ValueError("this task has no variable path; only a task of two parameters has one.")
    paths = dataset["path"].isel(seed=0).values.astype(np.float64)
    entries = len(paths)
    figure, (axes,) = style.panels(3.1 + style.above(entries), top=style.above(entries))
    low, high = landscape.frame(paths, figure.get_size_inches() * axes.get_position().size)
    if surface is not None:
        landscape.draw(axes, surface, low, high)
    reach = 10 * (high - low)  # beyond the axes, but not beyond what can be drawn
    for index, optimizer in enumerate(dataset["optimizer"].values):
        line = np.clip(np.nan_to_num(paths[index], nan=np.inf), low - reach, high + reach)
        colour, label = style.colour(index), wording.short(str(optimizer))
        width = max(1.2, 2.4 - 0.7 * index)  # the next, on top, leaves the edges of this one
        axes.plot(*line.T, ls=style.dash(index), color=colour, lw=width, label=label, zorder=3)
        axes.plot(*line[-1], "s", color=colour, markersize=6, mec=style.PAPER, zorder=5)
    axes.plot(*paths[0, 0], "o", color=style.PAPER, mec=style.INK, markersize=7, zorder=4)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_xlabel("first parameter")
    style.title(axes, "second parameter", entries)
    style.legend(axes)
    return figure


def differences(comparison: Comparison) -> Figure:
    """The paired differences of the reported metric with their 95 % intervals, a row each.

    Every row has a scale of its own, for tasks have different units, with zero in the middle and
    the better values of the first optimizer on the left. An interval without an end is an arrow.

    Args:
        comparison: the results of at least two optimizers.

    Raises:
        ValueError: there is one optimizer only, so nothing to compare.
    """
    rows = comparison.differences()
    if not rows:
        raise ValueError("there is one optimizer only; compare at least two to see a difference.")
    figure, panels = style.panels(
        height=0.4 + 0.95 * len(rows),
        rows=len(rows),
        left=0.05,
        right=0.95,
        top=0.48,
        bottom=0.3,
        hspace=1.6,
    )
    for axes, row in zip(panels, rows, strict=True):
        dataset = comparison.task(row.task)
        optimizers = list(dataset["optimizer"].values)
        colour = style.colour(optimizers.index(row.winner)) if row.winner else style.INK
        _strip(axes, row, colour)
        text = f"{row.task}: {dataset.attrs['report_label']}"
        axes.set_title(text, loc="left", fontsize=9, color=style.INK, pad=16, parse_math=False)
    return figure


def _binned(losses: ArrayLike, size: int) -> NDArray[np.float64]:
    """Mean of every `size` steps (the last bin may be shorter); NaN counts as infinite."""
    values = np.asarray(losses, dtype=np.float64)
    values = np.where(np.isnan(values), np.inf, values)
    starts = np.arange(0, values.shape[-1], size)
    counts = np.diff(np.append(starts, values.shape[-1]))
    return np.add.reduceat(values, starts, axis=-1) / counts


def _ratio_scale(values: NDArray[np.float64], better: str) -> bool:
    """Whether ratios say more of these finite values than differences do.

    They do of losses and errors that span a factor of four; an accuracy stays on a plain scale.
    """
    return better == "lower" and bool(values.min() > 0 and values.max() > 4 * values.min())


def _vertical(
    axes: Axes, values: NDArray[np.float64], better: str = "lower"
) -> tuple[float, float]:
    """Set scale and limits of the vertical axis for what is finite, with some room; return them."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return axes.get_ylim()
    low, high = float(finite.min()), float(finite.max())
    if _ratio_scale(finite, better):
        axes.set_yscale("log")
        room = (high / low) ** 0.08
        axes.set_ylim(low / room, high * room)
        style.logarithmic(axes.yaxis, low, high)
    else:
        room = 0.08 * (high - low) or 0.1 * abs(high) or 0.1
        axes.set_ylim(low - room, high + room)
    return axes.get_ylim()


def _rate_lines(
    axes: Axes, dataset: xr.Dataset, optimizer: str, names: list[str], colour: str
) -> None:
    """The panel of one optimizer in `learning_rates`."""
    rates, others, cells = _cells(dataset, optimizer, names)
    worst = worst_value(dataset.attrs["choose_by_better"])
    edge = axes.get_xaxis_transform()
    bad_end = 0.95 if worst > 0 else 0.05
    for number, (other, scores) in enumerate(zip(others, cells, strict=True)):
        # Paler is smaller: an order that is seen on a light page as on a dark one.
        alpha = 0.4 + 0.6 * (number + 1) / len(others)
        dash, marker = style.dash(number), style.MARKERS[number % len(style.MARKERS)]
        shown = np.isfinite(scores)
        label = wording.value(names[1], other) if len(names) > 1 else None
        axes.plot(
            *(rates[shown], scores[shown]), ls=dash, marker=marker, markersize=3.5, linewidth=1.2,
            color=colour, alpha=alpha, label=label,
        )  # fmt: skip
    lost = rates[np.isinf(cells).any(axis=0)]
    if lost.size:
        axes.plot(
            *(lost, np.full(lost.size, bad_end)), "x", transform=edge, color=style.INK,
            markersize=4.5, label="diverged", clip_on=False,
        )  # fmt: skip
    best = dataset.sel(optimizer=optimizer)
    score = mean_tuning_scores(dataset).sel(optimizer=optimizer)[int(best["chosen"])]
    axes.plot(
        *(best["learning_rate"][int(best["chosen"])], score), "o", color=style.INK, markersize=8,
        fillstyle="none", label="chosen", linestyle="none",
    )  # fmt: skip
    place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.04), "ncols": 1}
    heading = [wording.short(optimizer), *map(wording.argument, names[1:2])]
    title = "\n".join(line for text in heading for line in textwrap.wrap(text, 15))
    style.legend(axes, title=title, title_fontsize=9, alignment="left", **place)


def _cells(
    dataset: xr.Dataset, optimizer: str, names: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean tuning scores by learning rate and second hyper-parameter.

    Returns:
        The rates, the values of the second hyper-parameter (one 0 without any), and an array
        (others, rates): the best over any further hyper-parameters, NaN where nothing was run.
    """
    row = dataset.sel(optimizer=optimizer)
    scores = mean_tuning_scores(dataset).sel(optimizer=optimizer).values
    run = np.isfinite(row["learning_rate"].values)
    scores = scores[run]
    rate = _rounded(row["learning_rate"].values[run])
    other = _rounded(row[names[1]].values[run]) if len(names) > 1 else np.zeros_like(rate)
    rates, others = np.unique(rate), np.unique(other)
    best = np.fmin if dataset.attrs["choose_by_better"] == "lower" else np.fmax
    cells = np.full((others.size, rates.size), np.nan)
    at = np.searchsorted(others, other), np.searchsorted(rates, rate)
    for y, x, score in zip(*at, scores, strict=True):
        cells[y, x] = best(cells[y, x], score)
    return rates, others, cells


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """To six digits: a grid that grew by multiplication holds values equal up to the last bits."""
    return np.array([float(f"{value:.6g}") for value in values])


def _norm(cells: NDArray[np.float64], better: str) -> Normalize | None:
    finite = cells[np.isfinite(cells)]
    if finite.size == 0:
        return None
    kind = LogNorm if _ratio_scale(finite, better) else Normalize
    return kind(float(finite.min()), float(finite.max()))


def _strip(axes: Axes, row: Difference, colour: str) -> None:
    """One interval around zero, with who is better on which side."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=style.MUTED, linewidth=1)
    low, value, high = row.metric.low, row.metric.value, row.metric.high
    reach = 1.25 * max((abs(x) for x in (low, value, high) if math.isfinite(x)), default=0)
    if reach == 0:
        reach = 1.0
        axes.set_xticks([0])  # there is no scale
    axes.set_xlim(*((-reach, reach) if row.better == "lower" else (reach, -reach)))
    axes.set_ylim(-1, 1)
    axes.locator_params(axis="x", nbins=5)
    if not math.isnan(low):
        ends = [max(low, -reach), min(high, reach)]
        axes.plot(ends, [0, 0], color=colour, linewidth=3, solid_capstyle="butt")
    for end in {x for x in (low, value, high) if math.isinf(x)}:
        points_right = (end > 0) == (row.better == "lower")
        tip, marker = math.copysign(0.98 * reach, end), ">" if points_right else "<"
        axes.plot(tip, 0, marker, color=colour, markersize=9, clip_on=False)
    if math.isfinite(value):
        axes.plot(value, 0, "o", color=colour, markersize=8, mec=style.PAPER)
    first, second = wording.short(row.first), wording.short(row.second)
    sides = (("left", 0, f"◂ {first} better"), ("right", 1, f"{second} better ▸"))
    for align, side, text in sides:
        axes.annotate(
            *(text, (side, 1.06)), xycoords="axes fraction", ha=align, fontsize=8.5,
            color=style.MUTED, parse_math=False,
        )  # fmt: skip
