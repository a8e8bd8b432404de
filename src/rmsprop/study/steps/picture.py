"""The picture of a run: its path on the function, and its effective learning rates beside it."""

from __future__ import annotations

import io
import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

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

# The endings of the files that can be drawn.
ENDINGS = (".png", ".svg", ".pdf")
# The colours of Okabe and Ito, which people with any kind of colour vision can tell apart.
BLUE, VERMILION, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
# A path that climbs leaves the picture when its distance from the start exceeds this many times the
# size of the start and the minimum.
FARTHEST = 10.0
# With more points than these, markers would hide the line between them.
MOST_MARKERS = 200


def check_file(file: str | os.PathLike[str]) -> None:
    """Refuses a file that a picture could not be written to, before anything is computed.

    Args:
        file: The path of the file.

    Raises:
        ValueError: The path does not end in .png, .svg or .pdf, is a folder, or lies in a folder
            that does not exist or cannot be written to.
    """
    path = pathlib.Path(file)
    if path.suffix.lower() not in ENDINGS:
        reason = f"it must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}."
    elif path.is_dir():
        reason = "that is a folder. Name a file in it."
    elif not path.parent.is_dir():
        reason = f"the folder {path.parent} does not exist. Make it first."
    elif not os.access(path.parent, os.W_OK):
        reason = f"the folder {path.parent} cannot be written to. Choose another."
    else:
        return
    raise ValueError(f"plot is {path}; {reason}")


def draw(steps: Steps, file: str | os.PathLike[str]) -> None:
    """Draws the path on the curve or the contours of a function, and the effective learning rates.

    The file appears when it is complete, so that an interruption leaves an earlier file as it was.
    The same steps give the same bytes. No other figure and no setting of matplotlib is changed.

    Args:
        steps: The numbers of every step, for one or two coordinates.
        file: The path of the file. Its ending chooses between PNG, SVG and PDF.

    Raises:
        ValueError: `check_file` refuses the file, or there are more than two coordinates.
        ModuleNotFoundError: The package matplotlib is not installed.
        WriteError: The file cannot be written.
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
    with matplotlib.rc_context(
        {
            "font.size": 9,
            "svg.hashsalt": "rmsprop",
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    ):
        figure = matplotlib.figure.Figure(figsize=(8.5, 4.6), layout="constrained")
        figure.suptitle(title(steps), fontsize=9)
        left, right = figure.subplots(1, 2)
        (_draw_curve if coordinates == 1 else _draw_contours)(left, steps)
        _draw_rates(right, steps)
        content = io.BytesIO()  # not the file, for matplotlib fails in its own ways on a full disk
        figure.savefig(content, format=kind, dpi=200, metadata=dates[kind])
    atomic.write(path, content.getvalue())


def _path(steps: Steps) -> tuple[npt.NDArray[np.float64], str]:
    """The points to draw, start first, of shape (points, coordinates), and a label for the last."""
    points = np.vstack([steps.start, steps.x])
    landmarks = _with_minimum(steps, points[:1])
    size = max(float(np.abs(landmarks).max()), float(np.ptp(landmarks)), 1.0)
    with np.errstate(all="ignore"):
        near = (np.abs(points - points[0]) <= FARTHEST * size).all(axis=1)
    # A long way down is worth a picture. A long way up is a divergence, which would shrink all else
    # to a dot.
    downhill = np.concatenate([[True], steps.value <= steps.start_value])
    inside = np.isfinite(points).all(axis=1) & (near | downhill)
    if inside.all():
        return points, f"after step {len(steps.step)}"
    first = int(np.argmin(inside))
    return points[:first], f"leaves the picture at step {first}"


def _with_minimum(steps: Steps, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    minimum = steps.objective.minimum
    return points if minimum is None else np.vstack([points, minimum])


def _values(steps: Steps, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The values of the function at `points` of shape (..., coordinates)."""
    with enable_x64():
        rows = jnp.asarray(points.reshape(-1, points.shape[-1]))
        flat = jax.vmap(steps.objective.function)(rows)
    return np.asarray(flat).reshape(points.shape[:-1])


def _window(steps: Steps, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Limits around the points and the minimum, intervals of one length, shape (coordinates, 2)."""
    content = _with_minimum(steps, points)
    middle = content.min(axis=0) / 2 + content.max(axis=0) / 2
    half = 0.6 * float(np.ptp(content, axis=0).max()) or 1.0
    # Far from 0, the two ends of a shorter interval would be one number after rounding.
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
    # Both coordinates have one scale, because the picture compares how far each of them moves.
    axes.set(
        xlabel=first,
        ylabel=second,
        title="Path on the contours",
        box_aspect=1,
        xlim=window[0],
        ylim=window[1],
    )


def _levels(steps: Steps, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The heights of the contours: evenly spaced on a slope, geometrically towards a minimum."""
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
    """Draws the path as points and lines, its two ends, the minimum and a legend."""
    marker = "o" if len(x) <= MOST_MARKERS else ""
    axes.plot(x, y, color=BLUE, linewidth=0.9, marker=marker, markersize=3, label="path")
    if minimum is not None:
        axes.plot(*minimum, color=BLACK, linestyle="", marker="x", markersize=8, label="minimum")
    axes.plot(x[0], y[0], color=GREEN, linestyle="", marker="s", markersize=7, label="start")
    axes.plot(x[-1], y[-1], color=VERMILION, linestyle="", marker="D", markersize=6, label=last)
    _legend_below(axes)


def _draw_rates(axes: matplotlib.axes.Axes, steps: Steps) -> None:
    import matplotlib.ticker

    # The second curve is thinner, so that the first is visible below it where they coincide.
    styles = [(BLUE, "o", 5.0, 2.0), (VERMILION, "s", 2.5, 0.8)]
    rates = steps.effective_learning_rate
    for name, curve, (colour, marker, size, width) in zip(
        steps.objective.names, rates.T, styles, strict=False
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
    positive = rates[np.isfinite(rates) & (rates > 0)]
    spread = positive.max() / positive.min() if positive.size else 1.0
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
