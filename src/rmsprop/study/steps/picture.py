"""The picture of runs: their paths on the function, and the effective learning rates beside."""

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
from rmsprop.study.steps.sentences import title

if TYPE_CHECKING:
    import matplotlib.axes

# The endings of the files that can be drawn.
ENDINGS = (".png", ".svg", ".pdf")
# The colours of Okabe and Ito, which people with any kind of colour vision can tell apart.
BLUE, VERMILION, GREEN, BLACK = "#0072B2", "#D55E00", "#009E73", "#000000"
# Of several optimizers each has its colour and the marker of its last point; the start is black.
COLOURS = {"sgd": VERMILION, "adagrad": GREEN, "rmsprop": BLUE}
ENDS = {"sgd": "o", "adagrad": "^", "rmsprop": "D"}
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


def draw(runs: Sequence[Steps], file: str | os.PathLike[str]) -> None:
    """Draws the paths on the curve or the contours of a function, and the effective learning rates.

    The file appears when it is complete, so that an interruption leaves an earlier file as it was.
    The same steps give the same bytes. No other figure and no setting of matplotlib is changed.

    Args:
        runs: The numbers of every step, of one optimizer or several on one function of one or two
            coordinates.
        file: The path of the file. Its ending chooses between PNG, SVG and PDF.

    Raises:
        ValueError: `check_file` refuses the file, or there are more than two coordinates.
        ModuleNotFoundError: The package matplotlib is not installed.
        WriteError: The file cannot be written.
    """
    check_file(file)
    coordinates = len(runs[0].objective.names)
    if coordinates > 2:
        raise ValueError(
            f"runs has {coordinates} coordinates; one or two can be drawn. Use `table` instead."
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
        height = 4.6 + 0.25 * (len(runs) - 1)
        figure = matplotlib.figure.Figure(figsize=(8.5, height), layout="constrained")
        figure.suptitle(title(runs), fontsize=9)
        left, right = figure.subplots(1, 2)
        (_draw_curve if coordinates == 1 else _draw_contours)(left, runs)
        _draw_rates(right, runs)
        content = io.BytesIO()  # not the file, for matplotlib fails in its own ways on a full disk
        figure.savefig(content, format=kind, dpi=200, metadata=dates[kind])
    atomic.write(path, content.getvalue())


def _path(run: Steps) -> tuple[npt.NDArray[np.float64], str]:
    """The points to draw, start first, of shape (points, coordinates), and a label for the last."""
    points = run.x
    landmarks = _with_minimum(run, points[:1])
    size = max(float(np.abs(landmarks).max()), float(np.ptp(landmarks)), 1.0)
    with np.errstate(all="ignore"):
        near = (np.abs(points - points[0]) <= FARTHEST * size).all(axis=1)
    # A long way down is worth a picture. A long way up is a divergence, which would shrink all else
    # to a dot.
    downhill = run.value <= run.value[0]
    inside = np.isfinite(points).all(axis=1) & (near | downhill)
    if inside.all():
        return points, f"after step {len(run.update)}"
    first = int(np.argmin(inside))
    return points[:first], f"leaves the picture at step {first}"


def _with_minimum(run: Steps, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    minimum = run.objective.minimum
    return points if minimum is None else np.vstack([points, minimum])


def _values(run: Steps, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The values of the function at `points` of shape (..., coordinates)."""
    with enable_x64():
        rows = jnp.asarray(points.reshape(-1, points.shape[-1]))
        flat = jax.vmap(run.objective.function)(rows)
    return np.asarray(flat).reshape(points.shape[:-1])


def _window(runs: Sequence[Steps]) -> npt.NDArray[np.float64]:
    """Limits around the paths and the minimum, intervals of one length, shape (coordinates, 2)."""
    content = _with_minimum(runs[0], np.vstack([_path(run)[0] for run in runs]))
    middle = content.min(axis=0) / 2 + content.max(axis=0) / 2
    half = 0.6 * float(np.ptp(content, axis=0).max()) or 1.0
    # Far from 0, the two ends of a shorter interval would be one number after rounding.
    half = max(half, 1e-9 * float(np.abs(middle).max()))
    return np.stack([middle - half, middle + half], axis=-1)


def _draw_curve(axes: matplotlib.axes.Axes, runs: Sequence[Steps]) -> None:
    first = runs[0]
    grid = np.linspace(*_window(runs)[0].tolist(), num=400)[:, None]
    axes.plot(grid[:, 0], _values(first, grid), color="0.6", linewidth=1.5, zorder=1)
    minimum = first.objective.minimum
    bottom = None if minimum is None else (minimum[0], float(_values(first, np.asarray(minimum))))
    paths = [(points[:, 0], _values(run, points)) for run in runs for points, _ in [_path(run)]]
    _draw_paths(axes, runs, paths, bottom)
    axes.set(
        xlabel=first.objective.names[0],
        ylabel=first.objective.formula,
        title=f"Path{'s' if len(runs) > 1 else ''} on the function",
    )


def _draw_contours(axes: matplotlib.axes.Axes, runs: Sequence[Steps]) -> None:
    first, window = runs[0], _window(runs)
    horizontal, vertical = (np.linspace(low, high, 300) for low, high in window)
    values = _values(first, np.stack(np.meshgrid(horizontal, vertical), axis=-1))
    finite = values[np.isfinite(values)]
    if finite.size and finite.min() < finite.max():
        axes.contour(
            horizontal,
            vertical,
            values,
            levels=_levels(first, finite),
            colors="0.7",
            linewidths=0.7,
            linestyles="solid",
        )
    paths = [(points[:, 0], points[:, 1]) for run in runs for points, _ in [_path(run)]]
    _draw_paths(axes, runs, paths, first.objective.minimum)
    # Both coordinates have one scale, because the picture compares how far each of them moves.
    axes.set(
        xlabel=first.objective.names[0],
        ylabel=first.objective.names[1],
        title=f"Path{'s' if len(runs) > 1 else ''} on the contours",
        box_aspect=1,
        xlim=window[0],
        ylim=window[1],
    )


def _levels(run: Steps, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The heights of the contours: evenly spaced on a slope, geometrically towards a minimum."""
    minimum = run.objective.minimum
    if minimum is None:
        return np.linspace(values.min(), values.max(), 14)
    bottom = float(_values(run, np.asarray(minimum)))
    return bottom + (values.max() - bottom) * np.geomspace(1e-4, 1, 15)


def _draw_paths(
    axes: matplotlib.axes.Axes,
    runs: Sequence[Steps],
    paths: Sequence[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]],
    minimum: Sequence[float] | None,
) -> None:
    """Draws each path as points and lines, its two ends, the minimum and a legend."""
    alone = len(runs) == 1
    start, end = (GREEN, VERMILION) if alone else (BLACK, "")
    for run, (x, y) in zip(runs, paths, strict=True):
        colour, last = BLUE if alone else COLOURS[run.optimizer], _path(run)[1]
        marker = "o" if len(x) <= MOST_MARKERS else ""
        label = "path" if alone else None
        axes.plot(x, y, color=colour, linewidth=0.9, marker=marker, markersize=3, label=label)
        axes.plot(
            x[-1],
            y[-1],
            color=end or colour,
            linestyle="",
            marker=ENDS["rmsprop" if alone else run.optimizer],
            markersize=6,
            label=last if alone else f"{run.optimizer}, {last}",
            zorder=4,
        )
    if minimum is not None:
        axes.plot(*minimum, color=BLACK, linestyle="", marker="x", markersize=8, label="minimum")
    x, y = paths[0]
    axes.plot(x[0], y[0], color=start, linestyle="", marker="s", markersize=7, label="start")
    _legend_below(axes, columns=4 if alone else 2)


def _draw_rates(axes: matplotlib.axes.Axes, runs: Sequence[Steps]) -> None:
    alone, names = len(runs) == 1, runs[0].objective.names
    # The second curve is thinner, so that the first is visible below it where they coincide. Of
    # several optimizers that of the second coordinate is dashed.
    styles = [(BLUE, "o", 5.0, 2.0, "-"), (VERMILION, "s", 2.5, 0.8, "-" if alone else "--")]
    for run in runs:
        steps = np.arange(len(run.update))
        for name, curve, (colour, marker, size, width, line) in zip(
            names, run.effective_learning_rate.T, styles, strict=False
        ):
            axes.plot(
                steps,
                curve,
                color=colour if alone else COLOURS[run.optimizer],
                marker=marker if len(curve) <= MOST_MARKERS else "",
                markersize=size,
                linewidth=width,
                linestyle=line,
                label=_rate_label(run, name, alone=alone),
            )
    _scale_rates(axes, np.concatenate([run.effective_learning_rate.ravel() for run in runs]))
    axes.set(
        xlabel="step",
        ylabel="effective learning rate = update / gradient",
        title="Effective learning rate",
    )
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    if len(names) > 1 or not alone:
        _legend_below(axes, columns=4 if alone else 3)


def _rate_label(run: Steps, name: str, *, alone: bool) -> str:
    """The label of a curve: the coordinate, after the optimizer where there are several."""
    if alone:
        return name
    return f"{run.optimizer}, {name}" if len(run.objective.names) > 1 else run.optimizer


def _scale_rates(axes: matplotlib.axes.Axes, rates: npt.NDArray[np.float64]) -> None:
    """A linear scale from 0, or a logarithmic one where the rates differ widely."""
    import matplotlib.ticker

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


def _legend_below(axes: matplotlib.axes.Axes, columns: int) -> None:
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.14),
        ncols=columns,
        frameon=False,
        handletextpad=0.4,
        columnspacing=1.2,
    )
