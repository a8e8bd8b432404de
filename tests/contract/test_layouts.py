"""A state that one release has saved is read by the next: its layout is a promise."""

import layouts
import pytest

RECORD = layouts.recorded()
MAKERS = layouts.makers()


def test_every_state_is_recorded_and_nothing_else():
    assert set(MAKERS) == set(RECORD)


@pytest.mark.every_case("takes no time")
@pytest.mark.parametrize("name", MAKERS)
def test_the_layout_of_a_state_is_the_recorded_one(name):
    """Of a change the changelog tells, and `convert_state` converts the earlier state."""
    assert layouts.layout(MAKERS[name]()) == RECORD[name]
