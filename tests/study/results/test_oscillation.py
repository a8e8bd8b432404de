"""Side changes of paths, by hand."""

import numpy as np
import pytest

from rmsprop.study.results.oscillation import side_changes

ACROSS = np.array([0.6, -0.8])
ALONG = np.array([0.8, 0.6])


def _path(sides):
    steps = np.arange(len(sides))[:, None]
    return 3 * steps * ALONG + np.asarray(sides, float)[:, None] * ACROSS


@pytest.mark.parametrize(
    ("sides", "share"),
    [
        ([1, 2, 3], 0.0),
        ([1, -1, 1], 1.0),
        ([1, -1, -2, 1, 1], 0.5),
        ([1, -1, np.nan, np.nan], 1.0),
        ([1, np.inf, np.nan], np.nan),
    ],
)
def test_side_changes_for_each_step(sides, share):
    np.testing.assert_equal(side_changes([_path(sides)], ACROSS), [share])


def test_each_path_apart():
    paths = [_path([1, -1, 1]), _path([1, 1, -1])]
    np.testing.assert_allclose(side_changes(paths, ACROSS), [1.0, 0.5])
    np.testing.assert_allclose(side_changes(paths, ALONG), [0.0, 0.0])


@pytest.mark.parametrize(("sides", "share"), [([1, 0, -1], 0.5), ([1, 0, 1], 0.0), ([0, 1], 0.0)])
def test_a_point_on_the_floor_is_on_the_side_it_came_from(sides, share):
    path = np.stack([np.arange(len(sides)), sides], axis=1)
    np.testing.assert_equal(side_changes([path], [0.0, 1.0]), [share])
