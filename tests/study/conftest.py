"""Most comparisons here run a few steps of a small problem."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def _compiled_quickly(compiled_quickly: None) -> None:
    """To compile their programs is most of the work."""
