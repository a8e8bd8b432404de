"""Fixtures of the tests of `rmsprop.rows`."""

import pytest
from row_runs import WIDTH

from rmsprop.rows import _updates


@pytest.fixture(scope="module", autouse=True)
def _compiled_quickly(compiled_quickly: None) -> None:
    """Most programs here run once: to compile them is most of the work."""


@pytest.fixture
def small_chunks(monkeypatch):
    """Batches of more than four ids are worked on in several parts, as large ones are on a CPU."""
    monkeypatch.setattr(_updates, "IN_FLIGHT", 4 * WIDTH)
