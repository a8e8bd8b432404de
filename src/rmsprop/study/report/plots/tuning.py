"""Pictures of tuning: the learning rate, a second hyper-parameter, the budget."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from rmsprop.study import spelling
from rmsprop.study.report.plots import style, values
from rmsprop.study.report.plots.style import fit_vertical_axis, ratio_scale
from rmsprop.study.results import trials
from rmsprop.study.results.schema import (
    mean_tuning_scores,
    raced_to_the_end,
    tuned_names,
    worst_value,
)
from rmsprop.study.results.trials import Budget

# The colours of a number on a cell, which are the same on a light page and on a dark one.
ON_LIGHT, ON_DARK = "#0a0a0a", "#fefefe"


def learning_rates(dataset: xr.Dataset) -> Figure:
    """Tuning score against learning rate: a panel per optimizer, a line per second setting.

    A point is the mean over the tuning seeds that a configuration ran on, by which the race goes;
    where three or more hyper-parameters were tuned, the best over the others, of those that were
    raced to the end if there is one. A ring marks the configuration chosen, a cross at the bad end
    of the axis one that diverged on a tuning seed.

    Args:
        dataset: A view of the results of one task.
    """
    tuned = tuned_names(dataset)
    scores = mean_tuning_scores(dataset)
    rates = dataset["learning_rate"].values
    low, high = float(np.nanmin(rates)), float(np.nanmax(rates))
    figure, panels = style.panels(0.8 + 1.75 * len(tuned), rows=len(tuned), right=0.71)
    for index, (axes, (optimizer, names)) in enumerate(zip(panels, tuned.items(), strict=True)):
        fit_vertical_axis(axes, scores.values, dataset.attrs["choose_by_better"])
        axes.set_xscale("log")
        axes.set_xlim(low / 1.6, high * 1.6)
        style.logarithmic_ticks(axes.xaxis, low, high)
        _rate_lines(axes, dataset, optimizer, names, style.colour(index))
        axes.tick_params(labelbottom=axes is panels[-1])
    style.title(panels[0], dataset.attrs["choose_by_label"] + " on the tuning seeds")
    panels[-1].set_xlabel("learning rate")
    return figure


def heat_map(dataset: xr.Dataset, optimizer: str) -> Figure:
    """Tuning score over learning rate and the second tuned hyper-parameter of an optimizer.

    A cell is the mean over the tuning seeds that a configuration ran on; where three or more
    hyper-parameters were tuned, the best over the others, of those that were raced to the end if
    there is one. A frame marks the configuration chosen, which need not be the best cell: it was
    chosen among the finalists on more seeds. A cross diverged on a tuning seed; what was not run is
    left empty.

    Args:
        dataset: A view of the results of one task.
        optimizer: The name of the optimizer.

    Raises:
        ValueError: The optimizer has only its learning rate tuned.
    """
    names = tuned_names(dataset)[optimizer]
    if len(names) < 2:
        raise ValueError(
            f"{optimizer} has only its {names[0]} tuned, but a heat map needs two "
            "hyper-parameters; show learning_rates instead."
        )
    better = dataset.attrs["choose_by_better"]
    rates, others, cells = _cells(dataset, optimizer, names)
    cells = cells.T  # learning rates, of which there are more, downwards
    label = dataset.attrs["choose_by_label"]
    title = f"learning rate upwards; in the cells: {label}"
    lines = textwrap.wrap(title, 56)
    figure, (axes,) = style.panels(
        0.75 + 0.15 * len(lines) + 0.19 * len(rates), top=0.16 + 0.15 * len(lines), left=0.17
    )
    image = axes.pcolormesh(
        np.ma.masked_invalid(cells),
        cmap="viridis" if better == "lower" else "viridis_r",  # dark is good
        norm=_norm(cells, better),
        edgecolors=style.PAPER,
        linewidth=1,
    )
    _write_cells(axes, image, cells, room=axes.get_position().width * style.WIDTH / len(others))
    row = dataset.sel(optimizer=optimizer)
    chosen = row.isel(configuration=int(row["chosen"]))
    y, x = (
        int(np.searchsorted(grid, trials.six_digits(chosen[name])[0]))
        for grid, name in zip((rates, others), names[:2], strict=True)
    )
    frame = Rectangle(
        (float(x), float(y)), 1, 1, fill=False, edgecolor=style.COLOURS[1], linewidth=2.2
    )
    axes.add_patch(frame)
    _note_cells(axes, optimizer, names, (rates, others, cells), (y, x))
    axes.set_xticks(np.arange(len(others)) + 0.5, [style.plain(x) for x in others])
    axes.set_yticks(np.arange(len(rates)) + 0.5, [style.plain(y) for y in rates])
    axes.grid(False)
    axes.set_xlabel(spelling.axis(names[1]))
    style.title(axes, "\n".join(lines))
    return figure


def _note_cells(
    axes: Axes,
    optimizer: str,
    names: Sequence[str],
    grid: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    chosen: tuple[int, int],
) -> None:
    """The scores of a heat map by rows, for those who ask for them.

    Args:
        axes: The axes of the map.
        optimizer: The name of the optimizer.
        names: The names of the two hyper-parameters.
        grid: The learning rates, the values of the second, and the scores.
        chosen: The row and the column of the configuration chosen.
    """
    rates, others, cells = grid
    across = np.arange(len(others)) + 0.5
    where = [spelling.value(names[1], other) for other in others]
    for place, rate in enumerate(rates):
        words = [_score(float(score), (place, x) == chosen) for x, score in enumerate(cells[place])]
        name = f"{spelling.name(optimizer)}, {spelling.settings({names[0]: rate})}"
        y = np.where(np.isnan(cells[place]), np.nan, place + 0.5)
        key = spelling.argument(names[1])
        values.note(values.Series(axes, name, across, y, key, where, words))


def _score(score: float, chosen: bool) -> str:
    """A tuning score in words, and whether it is that of the configuration chosen."""
    words = "diverged" if np.isinf(score) else spelling.number(score)
    return f"{words}, the chosen configuration lies in this cell" if chosen else words


def _write_cells(axes: Axes, image: QuadMesh, cells: NDArray[np.float64], room: float) -> None:
    """Writes each score into its cell, black or white as the ground asks, or a cross.

    Args:
        axes: The axes to write on.
        image: The cells with their colours.
        cells: The scores.
        room: The width of a cell, in inches.
    """
    words = _with_same_digits(cells)
    longest = max((len(word) for word in words.values()), default=1)
    size = min(7.5, 72 * room / (0.66 * longest))
    for place, score in np.ndenumerate(cells):
        y, x = place
        if np.isinf(score):
            axes.plot(x + 0.5, y + 0.5, "x", color=style.MUTED, markersize=5)
        elif np.isfinite(score):
            red, green, blue, _ = image.to_rgba(np.array([score]))[0]
            light = 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2 > 0.18
            axes.text(
                x + 0.5,
                y + 0.5,
                words[place],
                ha="center",
                va="center",
                fontsize=size,
                color=ON_LIGHT if light else ON_DARK,
            )


def _with_same_digits(cells: NDArray[np.float64]) -> dict[tuple[int, ...], str]:
    """The finite scores, all with as many decimals: two digits of the smallest and of their range.

    The largest has four digits at most. Where it is very large or small, each has two digits.
    """
    finite = np.abs(cells[np.isfinite(cells)])
    if finite.size == 0 or not 1e-4 <= (largest := float(finite.max())) < 1e5:
        decimals = None
    else:
        apart = [x for x in (finite[finite > 0].min(), np.ptp(finite) / 10) if x > 0]
        enough = 1 - math.floor(math.log10(min(apart)))
        decimals = max(0, min(enough, 3 - math.floor(math.log10(largest))))
    return {
        place: f"{score:.2g}" if decimals is None else f"{score:.{decimals}f}"
        for place, score in np.ndenumerate(cells)
        if np.isfinite(score)
    }


def budget(dataset: xr.Dataset, budgets: Sequence[Budget] | None = None) -> Figure:
    """What the best of so many configurations is expected to be worth on other seeds.

    The line is the mean over the reporting seeds of the expectation over all ways to draw so many
    of the first grid, the band its 95 % interval; see `rmsprop.study.results.trials.budget_of`. A
    line begins where not all of the configurations drawn may have diverged.

    Args:
        dataset: A view of the results of one task.
        budgets: That of each of its optimizers, where they are known already.
    """
    alike = dataset.attrs["choose_by_better"] == dataset.attrs["report_better"]
    better = dataset.attrs["choose_by_better"]
    optimizers = [str(name) for name in dataset["optimizer"].values]
    budgets = budgets or [trials.budget_of(dataset, name) for name in optimizers]
    entries = len(optimizers)
    figure, (axes,) = style.panels(2.2 + style.head_height(entries), top=style.head_height(entries))
    low, high = fit_vertical_axis(axes, np.concatenate([x.expected for x in budgets]), better)
    for index, (name, each) in enumerate(zip(optimizers, budgets, strict=True)):
        counts = np.arange(1, each.expected.size + 1)
        finite = np.isfinite(each.expected)
        band = np.clip((each.low[finite], each.high[finite]), low, high)
        colour = style.colour(index)
        axes.fill_between(counts[finite], *band, alpha=0.22, linewidth=0, color=colour)
        line = np.where(finite, each.expected, np.nan)
        label = style.entry(name)
        axes.plot(counts, line, ls=style.dash(index), color=colour, lw=1.8, label=label)
        points = (counts, line, "best of", [*map(str, counts)], values.words(each.expected))
        ends = (values.words(each.low), values.words(each.high))
        interval = ("95 % interval", *ends)
        values.note(values.Series(axes, spelling.name(name), *points, *interval))
    most = max(2, *(each.expected.size for each in budgets))
    axes.set_xscale("log")
    axes.set_xlim(1, most)
    style.logarithmic_ticks(axes.xaxis, 1, most)
    axes.set_xlabel("configurations tried")
    label = dataset.attrs["report_label" if alike else "choose_by_label"]
    style.title(axes, f"expected best {label}", entries)
    style.legend(axes)
    return figure


def _rate_lines(
    axes: Axes, dataset: xr.Dataset, optimizer: str, names: list[str], colour: str
) -> None:
    """Draws the panel of one optimizer in `learning_rates`."""
    rates, others, cells = _cells(dataset, optimizer, names)
    worst = worst_value(dataset.attrs["choose_by_better"])
    edge = axes.get_xaxis_transform()
    bad_end = 0.95 if worst > 0 else 0.05
    for number, (other, scores) in enumerate(zip(others, cells, strict=True)):
        # Paler is smaller: an order that is seen on a light page as on a dark one.
        alpha = 0.4 + 0.6 * (number + 1) / len(others)
        dash, marker = style.dash(number), style.MARKERS[number % len(style.MARKERS)]
        finite = np.isfinite(scores)
        label = spelling.value(names[1], other) if len(names) > 1 else None
        axes.plot(
            rates[finite],
            scores[finite],
            ls=dash,
            marker=marker,
            markersize=3.5,
            linewidth=1.2,
            color=colour,
            alpha=alpha,
            label=label,
        )
        setting = f", {spelling.argument(names[1])} {label}" if label else ""
        values.note(
            values.Series(
                axes,
                f"{spelling.name(optimizer)}{setting}",
                rates,
                np.where(np.isinf(scores), _height(axes, bad_end), scores),
                "learning rate",
                [f"{rate:.3g}" for rate in rates],
                [_score(score, False) for score in scores],
            )
        )
    diverged = rates[np.isinf(cells).any(axis=0)]
    if diverged.size:
        crosses = {"color": style.INK, "markersize": 4.5, "clip_on": False}
        ends = np.full(diverged.size, bad_end)
        axes.plot(diverged, ends, "x", transform=edge, label="diverged", **crosses)
    trial = dataset.sel(optimizer=optimizer)
    number = int(trial["chosen"])
    score = mean_tuning_scores(dataset).sel(optimizer=optimizer)[number]
    rate = float(trial["learning_rate"][number])
    axes.plot(
        rate, score, "o", color=style.INK, markersize=8, fillstyle="none", label="chosen", ls="none"
    )
    heading = [spelling.short(optimizer), *map(spelling.argument, names[1:2])]
    title = "\n".join(line for text in heading for line in textwrap.wrap(text, 15))
    style.legend(axes, title)


def _height(axes: Axes, share: float) -> float:
    """The value at a share of the height of axes."""
    pixels = axes.transAxes.transform((0, share))
    return float(axes.transData.inverted().transform(pixels)[1])


def _cells(
    dataset: xr.Dataset, optimizer: str, names: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The mean tuning scores by learning rate and second hyper-parameter.

    Returns:
        The rates, the values of the second hyper-parameter (one 0 without any), and an array
        (others, rates): the best over any further hyper-parameters, NaN where nothing was run;
        among those that were raced to the end where there is one.
    """
    row = dataset.sel(optimizer=optimizer)
    run = np.isfinite(row["learning_rate"].values)
    scores, raced = mean_tuning_scores(row).values[run], raced_to_the_end(row).values[run]
    rate = trials.six_digits(row["learning_rate"].values[run])
    other = trials.six_digits(row[names[1]].values[run]) if len(names) > 1 else np.zeros_like(rate)
    rates, others = np.unique(rate), np.unique(other)
    cells = np.full((others.size, rates.size), np.nan)
    better = dataset.attrs["choose_by_better"]
    for y, value in enumerate(others):
        line = other == value
        at, best = trials.best_by(rate[line], scores[line], better, raced[line])
        cells[y, np.searchsorted(rates, at)] = best
    return rates, others, cells


def _norm(cells: NDArray[np.float64], better: str) -> Normalize | None:
    """The scale of the colours; None where no cell is finite."""
    finite = cells[np.isfinite(cells)]
    if finite.size == 0:
        return None
    kind = LogNorm if ratio_scale(finite, better) else Normalize
    return kind(float(finite.min()), float(finite.max()))
