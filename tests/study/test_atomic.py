"""A file is there whole or not at all."""

import errno
import os

import pytest

from rmsprop.study.atomic import UNFINISHED, WriteError, replacing, write, writing


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


NUMBERS = {
    errno.ENOSPC: "there is no room left; free some",
    errno.EDQUOT: "there is no room left; free some",
    errno.EACCES: "permission is denied; change its permissions or name another",
    errno.EROFS: "its disk is read-only; name another",
    errno.EIO: "its disk reports an error; name one on another disk",
    errno.ENXIO: f"the system says {os.strerror(errno.ENXIO)!r}; mend that or name another",
}


@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_an_error_of_writing_is_a_sentence_that_names_the_folder(number, tmp_path):
    with pytest.raises(WriteError) as raised, replacing(tmp_path / "numbers"):
        raise OSError(number, os.strerror(number), str(tmp_path / "numbers"))
    expected = f"the folder {tmp_path} cannot be written to: {NUMBERS[number]}."
    assert str(raised.value) == raised.value.strerror == expected
    assert raised.value.errno == number
    assert raised.value.filename is None


def test_a_file_for_which_there_is_no_room(tmp_path, small_files):
    file = tmp_path / "new" / "numbers"
    write(file, b"earlier")
    with small_files(1000), pytest.raises(WriteError, match="a file would be larger than is allow"):
        write(file, bytes(2000))
    assert file.read_bytes() == b"earlier"
    assert [entry.name for entry in file.parent.iterdir()] == ["numbers"]


def test_what_stands_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("precious")
    (tmp_path / "folder").mkdir()
    with pytest.raises(WriteError, match=f"{tmp_path / 'file'} .*: a file stands where a folder"):
        write(tmp_path / "file" / "numbers", b"")
    with pytest.raises(WriteError, match=f"{tmp_path} .*: a folder stands where a file"):
        write(tmp_path / "folder", b"")
    missing = replacing(tmp_path / "nowhere" / "numbers")
    with (
        pytest.raises(WriteError, match=r"nowhere .*: it does not exist; make it"),
        missing as partial,
    ):
        partial.write_text("")
    assert (tmp_path / "file").read_text() == "precious"


def test_the_outermost_block_names_the_folder_and_what_to_do_then(tmp_path):
    inner, outer = writing(tmp_path / "below"), writing(tmp_path, "Then go on.")
    with pytest.raises(WriteError) as raised, outer, inner:
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(raised.value) == (
        f"the folder {tmp_path} cannot be written to: there is no room left; free some. Then go on."
    )
