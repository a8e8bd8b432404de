"""The blocks of `docs/sharding.md`, one after another, on eight devices."""

import pathlib

import pytest

from several_devices import on_eight_devices

pytest.importorskip("orbax.checkpoint")
pytest.importorskip("flax")
pytestmark = pytest.mark.slow

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "sharding.md"


def test_the_blocks_run():
    """They assert what they are to show."""
    assert on_eight_devices("run_page.py", str(PAGE)) == PAGE.read_text().count("```python") > 4
