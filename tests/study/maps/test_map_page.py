"""The page of the map says what was recorded, and the record says what must come out."""

import json
import re

import against_itself
import beyond
import placing
import pytest
import write_map

from rmsprop.study import TASKS
from rmsprop.study.maps import predicting
from rmsprop.study.maps.dials import DIALS, settings
from rmsprop.study.maps.planes import PLANES

RECORD = json.loads(write_map.RECORD.read_text())


def test_the_page_says_what_was_recorded():
    assert write_map.main(["--check"]) == 0


def test_the_page_has_every_dial_with_its_default_and_every_plane():
    text = write_map.PAGE.read_text()
    rows = dict(re.findall(r"^\| `(\w+)` .* \| ([\d.]+) \|$", text, re.M))
    assert {name: float(value) for name, value in rows.items()} == settings()
    assert [*rows] == [*DIALS]
    assert all(f"`{name}`" in text for name in PLANES)
    assert set(RECORD["planes"]) == set(PLANES)


def test_the_record_is_of_the_planes_that_there_are():
    for name, kept in RECORD["planes"].items():
        plane = PLANES[name]
        assert (kept["x"], kept["y"]) == (plane.x, plane.y)
        assert [*map(float, kept["x_values"])] == [*plane.x_values]
        assert [*map(float, kept["y_values"])] == [*plane.y_values]


def test_what_must_come_out_is_recorded():
    """The same cells as in `test_known_cells.py`, which runs them; here in no time."""
    drift, both = RECORD["planes"]["drift-noise"], RECORD["planes"]["shrinking-drift"]
    at_rest = drift["grids"]["constant"][0]
    assert sum(cell.endswith(("A", "(A)")) for cell in at_rest) >= 5
    assert all(float(cell.split()[0]) < 1 for cell in at_rest)
    column = both["x_values"].index("0.03")
    for row, shrinking in enumerate(both["y_values"]):
        if float(shrinking) >= 100:
            ratio, mark = both["grids"]["constant"][row][column].split()
            assert (float(ratio) > 3, mark) == (True, "R")
    for row, value in enumerate(drift["y_values"]):
        for column, noise in enumerate(drift["x_values"]):
            if float(value) >= 0.03:
                assert 0.9 < float(drift["grids"]["constant"][row][column].split()[0]) < 1.1
            if float(value) >= float(noise):
                assert drift["grids"]["linear"][row][column].endswith("R")


def test_rmsprop_is_recorded_to_be_seldom_better_than_itself():
    """Nominal are 5 in 100 before the correction, and fewer after it."""
    counts = json.loads(against_itself.RECORD.read_text())["counts"]
    assert len(counts) >= 60
    shares = against_itself.shares(counts)
    assert len(shares) == 3
    assert all(share["before"] <= 0.07 for share in shares.values())


def test_the_optimum_at_rest_is_adagrads_on_more_seeds():
    cells = json.loads(beyond.RECORD.read_text())["rest"]["constant"]
    assert len(cells) == 6
    assert all(cell.endswith(("A", "(A)")) for cell in cells)


def test_a_far_way_without_drift_is_rmsprops_under_linear_decay():
    rows = json.loads(beyond.RECORD.read_text())["far"]["linear"]
    assert beyond.FAR.y_values[-1] == 10_000
    assert [rows[6].split()[1], rows[0].split()[1]] == ["R", "A"]


def test_what_is_said_of_a_problem_is_what_was_found_on_the_tasks():
    places, answers = json.loads(placing.RECORD.read_text()), placing.winners()
    assert [*places] == [*answers] == [*TASKS]
    assert len(places) == predicting.TASKS
    for schedule in placing.SCHEDULES:
        right, never = placing.agreement(places, answers, schedule)
        assert right == predicting.RIGHT[schedule]
        assert never == predicting.ALWAYS_NO[schedule]
        # The frontiers are those of the recorded map, whose sentence rounds them to two digits.
        words = {"constant": "under a constant rate", "linear": "under linear decay"}[schedule]
        frontier = f"x = {predicting.FRONTIERS[schedule]:.2g} {words}"
        assert frontier in RECORD["answer"]


def test_no_number_that_was_tried_is_shown_to_predict():
    """Else `sentences_of` says too little: every interval holds the share that "no" gets."""
    places, answers = json.loads(placing.RECORD.read_text()), placing.winners()
    rounds = placing.tested(places, answers)
    for schedule in placing.SCHEDULES:
        right = {
            name: sum(each["rows"][name]["right"][schedule] for each in rounds)
            for name in rounds[0]["rows"]
        }
        for name in placing.CANDIDATES:
            low, _ = predicting.interval(right[name], predicting.TASKS)
            assert low < predicting.ALWAYS_NO[schedule] / predicting.TASKS
        assert right["always"] == predicting.ALWAYS_NO[schedule]


def test_the_tasks_are_split_by_a_rule_and_forms_of_one_stay_together():
    first, second = placing.halves([*TASKS])
    assert sorted(first + second) == sorted(TASKS)
    assert {"digits", "digits-wide"} <= {*first}
    assert {"bible", "bible-books"} <= {*first}
    assert (first[0], second[0], first[-1], second[-1]) == (
        "valley",
        "rosenbrock",
        "characters",
        "flights",
    )


@pytest.mark.parametrize(
    ("values", "is_first", "expected"),
    [
        ([1, 2, 3, 4], [False, False, True, True], (2.5, 0)),
        ([1, 2, 3, 4], [False, True, False, True], (1.5, 1)),
        ([1, 1, 1], [True, False, False], (1, 1)),
        ([1, 1, 1], [True, True, False], (-float("inf"), 1)),
        ([float("nan"), 2, float("inf")], [False, False, True], (2, 0)),
    ],
)
def test_a_threshold_makes_the_fewest_errors(values, is_first, expected):
    assert placing.threshold(values, is_first) == expected
