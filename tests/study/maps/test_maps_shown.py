"""What a map says: its order, its sentences, its pictures, on results that are made up."""

import numpy as np
import pytest
import xarray as xr

from rmsprop import study
from rmsprop.study.maps import plots, sentences, table
from rmsprop.study.maps.ordering import ordering_of
from rmsprop.study.maps.results import MapResults

NOISES, DRIFTS = (0.1, 1.0), (0.01, 0.1, 1.0, 10.0)
PLANE = study.Plane("made-up", "noise", NOISES, "drift", DRIFTS)


def made_up(ratios, verdicts, names=("rmsprop", "adagrad"), numbers=None):
    """A map of one plane under a constant rate with these ratios and verdicts."""
    ratios = np.array(ratios, float)[None]
    verdicts = np.array(verdicts)[None]
    winners = np.where(
        np.isin(verdicts, ("equal", "undecided")), "", np.where(ratios > 1, names[0], names[1])
    )
    cells, runs = ("line", "y", "x"), ("optimizer", "schedule", "y", "x")
    shape = ratios.shape[1:]
    plain = {
        "ratio": (cells, ratios),
        "low": (cells, ratios * 0.9),
        "high": (cells, ratios * 1.1),
        "p_value": (cells, np.full_like(ratios, 0.01)),
        "adjusted_p_value": (cells, np.full_like(ratios, 0.02)),
        "plain_verdict": (cells, verdicts),
        "verdict": (cells, verdicts),
        "winner": (cells, winners),
        "diverged": (("optimizer", *cells), np.zeros((2, *ratios.shape))),
        "number": (
            ("y", "x"),
            np.outer(DRIFTS, 1 / np.array(NOISES)) if numbers is None else numbers,
        ),
        "configurations": (("optimizer", "y", "x"), np.full((2, *shape), 1)),
        "at_edge": (runs, np.full((2, 1, *shape), "[]")),
        "learning_rate": (("optimizer", "y", "x", "configuration"), np.ones((2, *shape, 1))),
        "risk": ((*runs, "configuration", "seed"), np.ones((2, 1, *shape, 1, 2))),
    }
    coordinates = {
        "line": ["constant"],
        "schedule": ["constant"],
        "optimizer": [*names],
        "x": [*NOISES],
        "y": [*DRIFTS],
        "seed": [0, 1],
    }
    attributes = {"x_dial": "noise", "y_dial": "drift", "base": "{}", "tuning_seeds": 1}
    return MapResults.of({"made-up": xr.Dataset(plain, coordinates, attributes)}, {})


# x is .1 and .01, 1 and .1, 10 and 1, 100 and 10, row by row.
RATIOS = [[0.9, 0.5], [1.0, 0.9], [3.0, 1.02], [30.0, 4.0]]
VERDICTS = [
    ["undecided", "better"],
    ["equal", "slightly better"],
    ["better", "undecided"],
    ["better", "better"],
]


def test_the_order_of_the_cells_and_their_frontier():
    order = ordering_of(made_up(RATIOS, VERDICTS), "constant")
    assert [cell.number for cell in order.cells] == pytest.approx(
        [0.01, 0.1, 0.1, 1, 1, 10, 10, 100]
    )
    # Halfway from 1 to 10 on the scale of logarithms; all three verdicts above it are RMSprop's.
    assert order.frontier == pytest.approx(np.sqrt(10))
    assert order.right == 8
    # The mean ranks of x are 1, 2.5, 2.5, 4.5, 4.5, 6.5, 6.5, 8, those of the ratios 1, 2.5, 2.5,
    # 4, 5, 6, 7, 8: covariance 40, squares 40.5 and 41.5.
    assert order.correlation == pytest.approx(40.5 / np.sqrt(40.5 * 41.5), abs=0.01)


def test_where_nobody_wins_there_is_no_frontier():
    order = ordering_of(made_up(RATIOS, np.full((4, 2), "undecided")), "constant")
    assert np.isnan(order.frontier)
    assert "no x divides them" in sentences.of_order(
        made_up(RATIOS, np.full((4, 2), "undecided")), "constant"
    )


def test_without_numbers_there_is_no_order():
    result = made_up(RATIOS, VERDICTS, numbers=np.full((4, 2), np.nan))
    assert ordering_of(result, "constant") is None
    assert sentences.of_order(result, "constant") == ""
    assert "One number" not in sentences.paragraph(result)


def test_the_sentences_count_the_cells():
    result = made_up(RATIOS, VERDICTS)
    assert sentences.of_plane(result, "made-up") == (
        "RMSprop is better in 3 of 8 cells; AdaGrad in 2. RMSprop is most ahead under a constant"
        " rate at drift 10 and noise 0.1: there AdaGrad's risk is 30.0 times as large. AdaGrad is"
        " most ahead under a constant rate at drift 0.01 and noise 1: there RMSprop's risk is 2.00"
        " times as large."
    )
    assert sentences.paragraph(result) == (
        "Under a constant rate, RMSprop is better than AdaGrad in 3 of 8 cells and AdaGrad in 2; in"
        " 1 the two are equal, and 2 are undecided. One number orders the cells that have a drift"
        " and a noise: x, the drift of the optimum per step, times the shrinking of the gradients,"
        " over the noise. Its rank correlation with the ratio, over 8 cells, is 0.99 under a"
        " constant rate. RMSprop is better above, and not below, x = 3.2 under a constant rate"
        " (true of 8 cells)."
    )
    undecided = made_up(RATIOS, np.full((4, 2), "undecided"))
    assert sentences.of_plane(undecided, "made-up") == (
        "Neither RMSprop nor AdaGrad is better in any cell."
    )
    alone = made_up(RATIOS, np.where(np.array(RATIOS) > 1, VERDICTS, "undecided"))
    assert sentences.of_plane(alone, "made-up").startswith(
        "RMSprop is better in 3 of 8 cells; AdaGrad in none. RMSprop is most ahead"
    )
    assert "AdaGrad is most ahead" not in sentences.of_plane(alone, "made-up")


def test_the_schedules_of_a_plane_are_one_sentence():
    wins = {"constant": 15, "linear": 22}
    assert sentences._in_cells(wins, 30) == (
        "15 of 30 cells under a constant rate and 22 under linear decay"
    )
    assert sentences._in_cells({"constant": 3, "linear": 3}, 30) == (
        "3 of 30 cells under every schedule"
    )
    assert sentences._as_well({"constant": 8, "linear": 5}) == "in 8 and 5"
    assert sentences._as_well({"constant": 5, "linear": 5}) == "in 5"


def test_the_table_has_the_ratios_and_the_marks():
    lines = table.plain(made_up(RATIOS, VERDICTS)).splitlines()
    rows = [line.split() for line in lines[-4:]]
    assert rows == [
        ["0.01", "0.90", "?", "0.50", "A"],
        ["0.1", "1.00", "=", "0.90", "(A)"],
        ["1", "3.0", "R", "1.02", "?"],
        ["10", "30", "R", "4.0", "R"],
    ]
    assert max(map(len, lines)) <= 80


def test_two_optimizers_of_one_letter_have_numbers():
    marks = plots.marks(made_up(RATIOS, VERDICTS, names=("adam", "adagrad")))
    assert marks == {"adam": "1", "adagrad": "2"}


def test_undecided_cells_have_stripes_and_the_others_a_colour_that_grey_keeps():
    figure = plots.plane(made_up(RATIOS, VERDICTS), "made-up", "constant")
    cells = figure.axes[0].patches
    for cell, verdict in zip(cells, np.ravel(VERDICTS), strict=True):
        assert bool(cell.get_hatch()) == (verdict == "undecided")
    # In grey, a larger ratio is lighter.
    decided = [
        (ratio, np.dot(cell.get_facecolor()[:3], (0.2126, 0.7152, 0.0722)))
        for ratio, cell in zip(np.ravel(RATIOS), cells, strict=True)
        if not cell.get_hatch()
    ]
    light = [each for _, each in sorted(decided)]
    assert light == sorted(light)
    words = [text.get_text() for text in figure.axes[0].texts]
    assert [words.count(mark) for mark in ("R", "A", "(A)", "=", "?")] == [3, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(0.516, "0.52"), (1.0, "1.00"), (5.94, "5.9"), (21.4, "21"), (2.0e5, "2e5"), (1e-4, "1e-4")],
)
def test_a_ratio_has_two_digits(ratio, words):
    assert plots.ratio_words(ratio) == words
