"""Paths on the contours of the loss."""

import jax.numpy as jnp
import numpy as np
import pytest
from plot_cases import axes_of, lines_of

import synthetic_results as synthetic
from rmsprop.study.problems import Problem
from rmsprop.study.report import plots, surfaces
from rmsprop.study.report.plots import export


def test_paths_of_the_first_seed_from_the_common_start(task):
    axes = axes_of(plots.path(task, synthetic.surface))[0]
    (line,) = lines_of(axes, "AdaGrad")
    np.testing.assert_allclose(np.transpose(line.get_data()), task["path"].values[1, 0])
    start = axes.get_lines()[-1]
    np.testing.assert_allclose(np.ravel(start.get_data()), task["path"].values[0, 0, 0])
    contours = axes.collections[0]
    assert len(contours.get_paths()) > 5
    for x, y in task["path"].values[:, 0].reshape(-1, 2):
        assert axes.get_xlim()[0] < x < axes.get_xlim()[1]
        assert axes.get_ylim()[0] < y < axes.get_ylim()[1]
    width, height = np.diff(axes.get_xlim())[0], np.diff(axes.get_ylim())[0]
    box = axes.get_window_extent()
    assert width / box.width == pytest.approx(height / box.height), "one scale for both"


def test_contours_lie_on_the_loss(task):
    figure = plots.path(task, synthetic.surface)
    axes = axes_of(figure)[0]
    contours = axes.collections[0]
    levels = contours.levels
    ratios = levels[1:] / levels[:-1]
    np.testing.assert_allclose(ratios, ratios[0])
    limits = axes.get_xlim(), axes.get_ylim()
    x, y = np.meshgrid(*(np.linspace(*ends, num=120) for ends in limits))
    lowest = synthetic.surface(np.stack([x, y], axis=-1)).min()
    path = contours.get_paths()[-1].vertices
    heights = synthetic.surface(path) - lowest
    # Linear interpolation in a grid of 120 points of a quadratic function: the error is at most
    # an eighth of its largest second derivative, 100, times the squared distance of points.
    error = 100 / 8 * ((x[0, 1] - x[0, 0]) ** 2 + (y[1, 0] - y[0, 0]) ** 2)
    np.testing.assert_allclose(heights, levels[-1], atol=error)


def test_a_diverged_path_does_not_hide_the_others(task):
    lost = task.copy(deep=True)
    lost["path"][0, 0, 10:] = np.nan
    lost["path"][0, 0, 5:10] = 1e30
    axes = axes_of(plots.path(lost))[0]
    assert max(map(abs, (*axes.get_xlim(), *axes.get_ylim()))) < 100
    (line,) = lines_of(axes, "RMSprop")
    assert np.isfinite(line.get_xydata()).all()
    export.png(plots.path(lost))


def test_only_two_parameters_have_a_path(task):
    with pytest.raises(ValueError, match="no variable path"):
        plots.path(task.drop_vars("path"))


def test_the_surface_of_a_problem_is_its_loss():
    bowl = Problem(
        "bowl",
        init=lambda key: jnp.zeros(2),
        loss=lambda parameters, batch: jnp.sum((parameters - batch) ** 2),
        sample=lambda key, step: jnp.array([1.0, 2.0]),
    )
    points = np.array([[[1.0, 2.0], [1.0, 0.0]], [[0.0, 2.0], [4.0, 6.0]]])
    losses = np.asarray(surfaces.surface_of(bowl)(points))
    np.testing.assert_allclose(losses, [[0, 4], [1, 25]])
