"""The picture of a run: the path on the function, and the effective learning rates beside it."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from rmsprop._experimental import enable_x64
from rmsprop.study import atomic
from rmsprop.study.steps.minimise import Steps
from rmsprop.study.steps.table import title

if TYPE_CHECKING:
    import matplotlib.axes

ENDINGS = (".png", ".svg", ".pdf")
# Okabe and Ito's colours, which people with any kind of colour vision can tell apart.
BLUE, VERMILION, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
# A path that climbs is shown as far as it stays within this many times the distances it began with.
FARTHEST = 10.0
# More points than these would hide the line that joins them.
MOST_MARKERS = 200


def check_file(file: str | os.PathLike[str]) -> None:
    """Refuses a file that could not be drawn into; to be asked before anything is computed.

    Raises:
        ValueError: an ending other than .png, .svg and .pdf; a folder that does not exist or
            cannot be written to; a folder in place of a file.
    """
    path = pathlib.Path(file)
    if path.suffix.lower() not in ENDINGS:
        wrong = f"it must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}."
    elif path.is_dir():
        wrong = "that is a folder. Name a file in it."
    elif not path.parent.is_dir():
        wrong = f"the folder {path.parent} does not exist. Make it first."
    elif not os.access(path.parent, os.W_OK):
        wrong = f"the folder {path.parent} cannot be written to. Choose another."
    else:
        return
    raise ValueError(f"plot is {path}; {wrong}")


def draw(steps: Steps, file: str | os.PathLike[str]) -> None:
    """Draws the path on the curve or the contours of the function, and the effective rates.

    The file appears only once it is complete, so that an interruption leaves an earlier one as it
    was. The same steps give the same bytes. No other figure or setting of matplotlib is touched.

    Args:
        steps: Of one or two coordinates.
        file: PNG, SVG or PDF, by its ending.

    Raises:
        ValueError: a file that `check_file` refuses; more than two coordinates.
        ModuleNotFoundError: matplotlib is missing.
        OSError: the file cannot be written.
    """
    check_file(file)
    coordinates = len(steps.objective.names)
    if coordinates > 2:
        raise ValueError(
            f"steps has {coordinates} coordinates; one or two can be drawn. Use `table` instead."
        )
    import matplotlib
    import matplotlib.figure

    path = pathlib.Path(file)
    kind = path.suffix.lower()[1:]
    # Without a date, and with this salt for SVG's identifiers, the same steps give the same bytes.
    dates = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    style: dict[Any, Any] = {"font.size": 9, "svg.hashsalt": "rmsprop"}
    style |= {"axes.spines.top": False, "axes.spines.right": False}
    with matplotlib.rc_context(style):
        figure = matplotlib.figure.Figure(figsize=(8.5, 4.6), layout="constrained")
        figure.suptitle(title(steps), fontsize=9)
        left, right = figure.subplots(1, 2)
        (_draw_curve if coordinates == 1 else _draw_contours)(left, steps)
        _draw_rates(right, steps)
        with atomic.replacing(path) as partial:
            figure.savefig(partial, format=kind, dpi=200, metadata=dates[kind])


def _path(steps: Steps) -> tuple[npt.NDArray[np.float64], str]:
    """The points to show, the start first, of shape (points, coordinates); the last one's name."""
    points = np.vstack([steps.start, steps.x])
    known = _with_minimum(steps, points[:1])
    size = max(float(np.abs(known).max()), float(np.ptp(known)), 1.0)
    with np.errstate(all="ignore"):
        near = (np.abs(points - points[0]) <= FARTHEST * size).all(axis=1)
    # A long way down is worth showing; a long way up is a divergence and makes a dot of all else.
    downhill = np.concatenate([[True], steps.value <= steps.start_value])
    shown = np.isfinite(points).all(axis=1) & (near | downhill)
    if shown.all():
        return points, f"after step {len(steps.step)}"
    first = int(np.argmin(shown))
    return points[:first], f"leaves the picture at step {first}"


def _with_minimum(steps: Steps, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    minimum = steps.objective.minimum
    return points if minimum is None else np.vstack([points, minimum])


def _values(steps: Steps, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The function at `points` of shape (..., coordinates)."""
    with enable_x64():
        rows = jnp.asarray(points.reshape(-1, points.shape[-1]))
        flat = jax.vmap(steps.objective.function)(rows)
    return np.asarray(flat).reshape(points.shape[:-1])


def _window(steps: Steps, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Limits around the points and the minimum, of one length, of shape (coordinates, 2)."""
    seen = _with_minimum(steps, points)
    middle = seen.min(axis=0) / 2 + seen.max(axis=0) / 2
    half = 0.6 * float(np.ptp(seen, axis=0).max()) or 1.0
    # Far from 0 an interval needs some size to have two ends at all.
    half = max(half, 1e-9 * float(np.abs(middle).max()))
    return np.stack([middle - half, middle + half], axis=-1)


def _draw_curve(axes: matplotlib.axes.Axes, steps: Steps) -> None:
    points, last = _path(steps)
    grid = np.linspace(*_window(steps, points)[0].tolist(), num=400)[:, None]
    axes.plot(grid[:, 0], _values(steps, grid), color="0.6", linewidth=1.5, zorder=1)
    heights = _values(steps, points)
    minimum = steps.objective.minimum
    bottom = None if minimum is None else (minimum[0], float(_values(steps, np.asarray(minimum))))
    _draw_path(axes, points[:, 0], heights, bottom, last)
    axes.set(
        xlabel=steps.objective.names[0],
        ylabel=steps.objective.formula,
        title="Path on the function",
    )


def _draw_contours(axes: matplotlib.axes.Axes, steps: Steps) -> None:
    points, last = _path(steps)
    window = _window(steps, points)
    horizontal, vertical = (np.linspace(low, high, 300) for low, high in window)
    values = _values(steps, np.stack(np.meshgrid(horizontal, vertical), axis=-1))
    finite = values[np.isfinite(values)]
    if finite.size and finite.min() < finite.max():
        axes.contour(
            horizontal,
            vertical,
            values,
            levels=_levels(steps, finite),
            colors="0.7",
            linewidths=0.7,
            linestyles="solid",
        )
    _draw_path(axes, points[:, 0], points[:, 1], steps.objective.minimum, last)
    first, second = steps.objective.names
    # One length for both coordinates: which of them moves how far is what there is to see.
    axes.set(
        xlabel=first,
        ylabel=second,
        title="Path on the contours",
        box_aspect=1,
        xlim=window[0],
        ylim=window[1],
    )


def _levels(steps: Steps, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Heights of the contours: even on a slope, ever closer towards a minimum to show its floor."""
    minimum = steps.objective.minimum
    if minimum is None:
        return np.linspace(values.min(), values.max(), 14)
    bottom = float(_values(steps, np.asarray(minimum)))
    return bottom + (values.max() - bottom) * np.geomspace(1e-4, 1, 15)


def _draw_path(
    axes: matplotlib.axes.Axes,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    minimum: Sequence[float] | None,
    last: str,
) -> None:
    """The path as points joined by lines, its two ends, the minimum, and a legend."""
    marker = "o" if len(x) <= MOST_MARKERS else ""
    axes.plot(x, y, color=BLUE, linewidth=0.9, marker=marker, markersize=3, label="path")
    if minimum is not None:
        axes.plot(*minimum, color=BLACK, linestyle="", marker="x", markersize=8, label="minimum")
    axes.plot(x[0], y[0], color=GREEN, linestyle="", marker="s", markersize=7, label="start")
    axes.plot(x[-1], y[-1], color=VERMILION, linestyle="", marker="D", markersize=6, label=last)
    _legend_below(axes)


def _draw_rates(axes: matplotlib.axes.Axes, steps: Steps) -> None:
    import matplotlib.ticker

    # The second curve is thinner, so that the first can be seen below it where they are the same.
    looks = [(BLUE, "o", 5.0, 2.0), (VERMILION, "s", 2.5, 0.8)]
    rates = steps.effective_learning_rate
    for name, curve, (colour, marker, size, width) in zip(
        steps.objective.names, rates.T, looks, strict=False
    ):
        marker = marker if len(curve) <= MOST_MARKERS else ""
        axes.plot(
            steps.step,
            curve,
            color=colour,
            marker=marker,
            markersize=size,
            linewidth=width,
            label=name,
        )
    shown = rates[np.isfinite(rates) & (rates > 0)]
    spread = shown.max() / shown.min() if shown.size else 1.0
    if spread > 5:
        axes.set_yscale("log")
        if spread < 1e4:
            axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    else:
        axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.set(
        xlabel="step",
        ylabel="effective learning rate = update / gradient",
        title="Effective learning rate",
    )
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    if rates.shape[1] > 1:
        _legend_below(axes)


def _legend_below(axes: matplotlib.axes.Axes) -> None:
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.14),
        ncols=4,
        frameon=False,
        handletextpad=0.4,
        columnspacing=1.2,
    )
