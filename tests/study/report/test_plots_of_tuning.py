"""Learning rates, heat maps and budgets show the numbers that they say they show."""

import numpy as np
import pytest
from matplotlib.colors import LogNorm, to_rgb
from plot_cases import GRIDS, axes_of, lines_of, view_of

from rmsprop.study.report import plots
from rmsprop.study.report.plots import tuning
from rmsprop.study.results import trials


def test_learning_rates_show_mean_scores_the_choice_and_what_diverged(task):
    first, second = axes_of(plots.learning_rates(task))
    assert [line.get_label() for line in first.get_lines()] == ["0.97", "0.7", "diverged", "chosen"]
    (line,) = lines_of(first, "0.97")
    scores = task["tuning_score"].values[0]
    slow = [scores[2 * rate + 1].mean() for rate in range(3)]  # the last rate diverged
    np.testing.assert_allclose(line.get_xdata(), [1e-4, 1e-2, 1e-1])
    np.testing.assert_allclose(line.get_ydata(), slow, rtol=1e-12)
    (lost,) = lines_of(first, "diverged")
    assert list(lost.get_xdata()) == [1.0]
    assert lost.get_ydata()[0] > 0.9, "at the bad end, which is the top"
    assert lost.get_transform() == first.get_xaxis_transform(), "so 0.9 is a share of the axes"
    (ring,) = lines_of(first, "chosen")
    chosen = int(task["chosen"][0])
    assert ring.get_xdata()[0] == float(task["learning_rate"][0, chosen])
    assert ring.get_ydata()[0] == pytest.approx(scores[chosen].mean())
    assert not lines_of(second, "diverged")
    assert (first.get_xscale(), first.get_yscale()) == ("log", "log")
    assert first.get_xlim() == second.get_xlim()
    assert first.get_ylim() == second.get_ylim()
    assert [a.get_legend().get_title().get_text() for a in (first, second)] == [
        "RMSprop\ndecay",
        "AdaGrad",
    ]


def test_where_higher_is_better_the_bad_end_is_below():
    axes = axes_of(plots.learning_rates(view_of(GRIDS, steps=10, better="higher")))[0]
    (lost,) = lines_of(axes, "diverged")
    assert lost.get_ydata()[0] < 0.1
    assert axes.get_yscale() == "linear"


def test_heat_map_cells_by_hand():
    """Three hyper-parameters: the best over the third; a combination that was not run is empty."""
    grid = {"learning_rate": [0.1, 0.01], "one_minus_decay": [0.3, 0.03, 0.003], "eps": [1e-8, 1]}
    task = view_of({"rmsprop": grid}, steps=10)
    # as (rate, 1 - decay, eps): 12 configurations, the score of each tuning seed the same
    scores = np.array([8, 7, 4, 5, 3, 9, 60, 50, np.inf, np.inf, np.inf, 20], dtype=float)
    task["tuning_score"][0] = scores[:, None]
    task["learning_rate"][0, 6:8] = np.nan  # not run
    task["chosen"][0] = 2
    mesh = axes_of(plots.heat_map(task, "rmsprop"))[0].collections[0]
    # A line for each rate, 0.01 and 0.1, a column for each 1 - decay.
    expected = np.ma.masked_invalid([[20, np.inf, np.nan], [3, 4, 7]])
    np.testing.assert_array_equal(mesh.get_array().mask, expected.mask)
    np.testing.assert_array_equal(mesh.get_array().compressed(), [20, 3, 4, 7])
    assert isinstance(mesh.norm, LogNorm)
    axes = axes_of(plots.heat_map(task, "rmsprop"))[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0.003", "0.03", "0.3"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["0.01", "0.1"]
    cells = {text.get_position(): text.get_text() for text in axes.texts[:4]}
    assert cells == {(0.5, 0.5): "20.0", (0.5, 1.5): "3.0", (1.5, 1.5): "4.0", (2.5, 1.5): "7.0"}
    (frame,) = axes.patches
    assert frame.get_xy() == (1, 1), "what was chosen, though 3 is better"
    (cross,) = axes.get_lines()
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (1.5, 0.5)
    assert axes.get_xlabel() == "1 - decay"


def test_heat_map_of_a_better_higher_score_frames_the_highest():
    task = view_of(GRIDS, steps=10, better="higher")
    axes = axes_of(plots.heat_map(task, "rmsprop"))[0]
    means = task["tuning_score"].values[0].mean(axis=1)
    rate, decay = divmod(int(np.argmax(means)), 2)
    assert axes.patches[0].get_xy() == (1 - decay, rate), "decays ascend, the grid descends"
    assert axes.collections[0].get_cmap().name == "viridis_r"


def test_values_of_a_grown_grid_that_differ_in_the_last_bits_are_one():
    task = view_of(GRIDS, steps=10)
    task["learning_rate"][0, 1] *= 1 + 1e-15
    mesh = axes_of(plots.heat_map(task, "rmsprop"))[0].collections[0]
    assert mesh.get_array().shape == (4, 2)


def test_a_heat_map_needs_two_hyperparameters(task):
    with pytest.raises(ValueError, match="adagrad has only its learning_rate tuned"):
        plots.heat_map(task, "adagrad")


def test_what_was_raced_out_is_in_no_cell_that_has_another():
    """Three hyper-parameters: the best over the third is one that was raced to the end."""
    grid = {"learning_rate": [0.1, 0.01], "one_minus_decay": [0.3], "eps": [1e-8, 1]}
    task = view_of({"rmsprop": grid}, steps=10)
    task["tuning_score"][0] = np.array([8.0, 7.0, 4.0, 5.0])[:, None]
    task["tuning_score"][0, 1:3, 1:] = np.nan
    mesh = axes_of(plots.heat_map(task, "rmsprop"))[0].collections[0]
    assert mesh.get_array().ravel().tolist() == [5, 8]


def test_the_expected_best_and_its_interval_are_drawn(task):
    axes = axes_of(plots.budget(task))[0]
    (line,) = lines_of(axes, "RMSprop")
    budget = trials.budget_of(task, "rmsprop")
    np.testing.assert_allclose(line.get_ydata(), budget.expected)
    # The rate of 1 came by growing, so there are six of eight configurations.
    assert list(line.get_xdata()) == [1, 2, 3, 4, 5, 6]
    band = axes.collections[0].get_paths()[0].vertices
    low, high = axes.get_ylim()
    assert band[:, 1].min() == pytest.approx(max(low, budget.low.min()))
    assert band[:, 1].max() == pytest.approx(min(high, budget.high.max()))
    (line,) = lines_of(axes, "AdaGrad")
    assert np.isnan(line.get_ydata()).all(), "all of its finalists diverged on a seed"
    assert axes.texts[0].get_text() == "expected best test error (share of images)"


def test_what_may_all_have_diverged_has_no_expectation():
    lost = view_of(GRIDS, steps=10)
    lost["tuning_score"][1, 0] = np.inf
    lost["finalist_configuration"][1] = [1, -1, -1, -1]
    lost["finalist_report"][1, 0, 1:] = np.nan
    axes = axes_of(plots.budget(lost))[0]
    (line,) = lines_of(axes, "AdaGrad")
    assert np.isnan(line.get_ydata()).tolist() == [True, False]


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([0.4441, 0.64], ["0.444", "0.640"]),
        ([0.0512, 52.09], ["0.05", "52.09"]),
        ([0.09, 2.6], ["0.090", "2.600"]),
        ([1e-9, 2e7], ["1e-09", "2e+07"]),
        ([0.0, 1234.5], ["0", "1234"]),
        ([0.5, 0.5], ["0.50", "0.50"]),
    ],
)
def test_the_numbers_of_a_heat_map_have_the_same_decimals(scores, words):
    assert [*tuning._with_same_digits(np.array([[*scores, np.inf, np.nan]])).values()] == words


def test_a_number_of_a_heat_map_is_seen_on_its_cell():
    axes = axes_of(plots.heat_map(view_of(GRIDS, steps=10), "rmsprop"))[0]
    (mesh,) = axes.collections
    scores = mesh.get_array()
    assert scores.count() > 4
    for text in axes.texts[: scores.count()]:
        x, y = text.get_position()
        *ground, _ = mesh.to_rgba(scores[int(y), int(x)])
        assert _contrast(to_rgb(text.get_color()), ground) > 4.5


def _contrast(one, other):
    """The contrast of two colours as WCAG 2 defines it."""

    def luminance(colour):
        linear = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in colour]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
