"""Loss curves and effective rates show the numbers that they say they show."""

import numpy as np
import pytest
from plot_cases import GRIDS, axes_of, lines_of, view_of

from rmsprop.study.report import plots
from rmsprop.study.report.plots import export
from rmsprop.study.results.schema import QUANTILES


def test_loss_curves_are_median_and_range_of_means_of_steps(task):
    axes = axes_of(plots.loss_curves(task))[0]
    (line,) = lines_of(axes, "RMSprop")
    losses = task["loss"].values[0].astype(float)
    bins = [losses[:, start : start + 3].mean(axis=1) for start in range(0, 230, 3)]
    median = [sorted(seeds)[3] for seeds in bins]  # of six, the worse of the middle two
    np.testing.assert_allclose(line.get_ydata(), median, rtol=1e-12)
    np.testing.assert_allclose(line.get_xdata()[:2], [2, 5])  # the middle of steps 1, 2, 3
    band = axes.collections[0].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(max(map(max, bins)))
    assert band[:, 1].min() == pytest.approx(min(map(min, bins)))
    assert axes.get_yscale() == "log", "a loss that falls by a factor of more than four"
    assert "mean of 3 steps" in axes.texts[0].get_text()


def test_a_diverged_run_takes_the_band_to_the_top(task):
    axes = axes_of(plots.loss_curves(task))[0]
    (line,) = lines_of(axes, "AdaGrad")
    assert line.get_label() == "AdaGrad (1/6 diverged)"
    top = axes.get_ylim()[1]
    band = axes.collections[1].get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(top)
    assert band[band[:, 1] > 0.999 * top, 0].min() == pytest.approx(115, abs=3)  # half of the steps
    assert np.max(line.get_ydata()) < top, "five of six are fine, so the median is"
    lost = view_of(GRIDS, steps=20, diverged={"adagrad": range(8)})
    axes = axes_of(plots.loss_curves(lost))[0]
    (line,) = lines_of(axes, "AdaGrad")
    assert line.get_ydata()[-1] == pytest.approx(axes.get_ylim()[1])


def test_effective_rates_are_medians_over_seeds_of_quantiles_over_coordinates(task):
    rates = task.copy(deep=True)
    rates["effective_rate"][0, 1:3] = np.nan
    rates["effective_rate"][1, :, 2] = np.nan
    axes = axes_of(plots.effective_rates(rates))[0]
    (line,) = lines_of(axes, "RMSprop")
    half = QUANTILES.index(0.5)
    expected = np.median(task["effective_rate"].values[0, [0, 3, 4, 5], :, half], axis=0)
    np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-6)
    (line,) = lines_of(axes, "AdaGrad")
    assert np.isnan(line.get_ydata()).nonzero()[0].tolist() == [2]
    (guide,) = lines_of(axes, "slope")
    steps, values = guide.get_data()
    np.testing.assert_allclose(values[0] / values, np.sqrt(steps / steps[0]))
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    band = axes.collections[0].get_paths()[0].vertices
    low, high = (np.median(task["effective_rate"].values[0, [0, 3, 4, 5], :, i], 0) for i in (1, 3))
    assert band[:, 1].min() == pytest.approx(low.min(), rel=1e-6)
    assert band[:, 1].max() == pytest.approx(high.max(), rel=1e-6)


def test_a_task_without_any_effective_rate_is_drawn(task):
    rates = task.copy(deep=True)
    rates["effective_rate"][:] = np.nan
    assert export.png(plots.effective_rates(rates))
