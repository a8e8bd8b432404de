"""The page of the map says what was recorded, and the record says what must come out."""

import json
import re

import against_itself
import write_map

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
