"""Dials and planes: their values, and what is refused."""

import math

import pytest

from rmsprop import study
from rmsprop.study.maps.dials import DIALS, number_of, settings
from rmsprop.study.maps.planes import DEFAULT_PLANES, PLANES, planes_of


def test_a_plane_turns_two_dials_and_holds_the_others():
    plane = study.Plane("mine", "noise", (0.1, 1.0), "drift", (0.0, 0.1), {"shrinking": 10.0})
    cells = plane.cells()
    assert [(cell["drift"], cell["noise"]) for cell in cells] == [
        (0.0, 0.1),
        (0.0, 1.0),
        (0.1, 0.1),
        (0.1, 1.0),
    ]
    assert {cell["shrinking"] for cell in cells} == {10.0}
    assert {cell["horizon"] for cell in cells} == {DIALS["horizon"].default}


def test_the_number_is_drift_times_shrinking_over_noise():
    assert number_of(settings({"drift": 0.03, "noise": 0.1, "shrinking": 10})) == pytest.approx(3)
    assert math.isnan(number_of(settings({"noise": 0.1})))
    assert math.isnan(number_of(settings({"drift": 0.1, "noise": 0})))


def test_default_planes_are_known_and_all_names_are_their_own():
    assert set(DEFAULT_PLANES) <= set(PLANES)
    assert all(name == plane.name for name, plane in PLANES.items())
    assert [plane.name for plane in planes_of("all")] == [*PLANES]
    assert planes_of("drift-noise") == [PLANES["drift-noise"]]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"x": "nois"}, r"dial 'nois' is unknown.*noise"),
        ({"x": "drift"}, "name each dial once"),
        ({"x_values": ()}, "it must be ascending"),
        ({"x_values": (1.0, 0.1)}, "it must be ascending"),
        ({"x_values": (-1.0,)}, "noise is -1.0; it must be a number from 0"),
        ({"x_values": ("1",)}, "noise is '1'; it must be a number"),
        ({"x": "horizon", "x_values": (15.0,)}, "horizon is 15.0; it must be a multiple of 10"),
        ({"base": {"shrinking": math.nan}}, "shrinking is nan"),
        ({"name": "two words"}, "must be one word"),
    ],
)
def test_a_plane_that_cannot_be_is_refused(change, sentence):
    plane = {
        "name": "mine",
        "x": "noise",
        "x_values": (0.1, 1.0),
        "y": "drift",
        "y_values": (0.0, 0.1),
        "base": {},
    }
    with pytest.raises(ValueError, match=sentence):
        study.Plane(**{**plane, **change})


@pytest.mark.parametrize(
    ("planes", "error", "sentence"),
    [
        ((), ValueError, "there is no plane"),
        (("drift-nois",), ValueError, r"plane 'drift-nois' is unknown.*drift-noise"),
        (("drift-noise", "drift-noise"), ValueError, "is named twice"),
        ((3,), TypeError, "planes holds 3"),
    ],
)
def test_planes_that_cannot_be_are_refused(planes, error, sentence):
    with pytest.raises(error, match=sentence):
        planes_of(planes)
