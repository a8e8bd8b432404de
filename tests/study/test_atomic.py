"""A file is there whole or not at all."""

import pytest

from rmsprop.study.atomic import UNFINISHED, replacing


def test_the_earlier_file_stays_until_the_block_has_ended(tmp_path):
    file = tmp_path / "numbers"
    file.write_text("earlier")
    with replacing(file) as partial:
        partial.write_text("later")
        assert partial.parent == file.parent
        assert partial.name.startswith(UNFINISHED)
        assert file.read_text() == "earlier"
    assert file.read_text() == "later"
    assert [entry.name for entry in tmp_path.iterdir()] == ["numbers"]


@pytest.mark.parametrize("error", [OSError("full"), KeyboardInterrupt()])
def test_a_block_that_fails_leaves_the_earlier_file_and_nothing_else(tmp_path, error):
    file = tmp_path / "numbers"
    file.write_text("earlier")

    def interrupted():
        with replacing(file) as partial:
            partial.write_text("half")
            raise error

    with pytest.raises(type(error)):
        interrupted()
    assert file.read_text() == "earlier"
    assert [entry.name for entry in tmp_path.iterdir()] == ["numbers"]
