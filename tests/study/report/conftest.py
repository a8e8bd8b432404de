"""Fixtures of several files: made-up results to draw."""

from typing import Any

import pytest
from plot_cases import GRIDS, view_of


@pytest.fixture(scope="module")
def task() -> Any:
    """230 steps, so 77 points of three steps each but the last, of two; an even number of seeds."""
    return view_of(GRIDS, steps=230, seeds=6, path=True, diverged={"adagrad": [2]})
