"""The rules of the contract hold within their tolerances, whatever the compiler does."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def _compiled_quickly(compiled_quickly: None) -> None:
    """Many programs of four steps each: to compile them is most of the work."""
