"""What a study keeps on disk: whole files, checked, of one study only."""

import errno
import json
import os

import numpy as np
import pytest

from rmsprop.study import folder
from rmsprop.study.folder import StudyFolder

DEFINITION = {"seeds": 5, "tasks": {"digits": {"steps": 500, "optimizers": {}, "command": "x"}}}
ARRAYS = {"loss": np.linspace(0, 1, 5, dtype=np.float32), "finite": np.array([True, False])}


def test_what_was_kept_comes_back(tmp_path):
    StudyFolder(tmp_path / "new").put("name", ARRAYS)
    found = StudyFolder(tmp_path / "new").get("name")
    assert found.keys() == ARRAYS.keys()
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype


def test_without_a_folder_nothing_is_kept():
    kept = StudyFolder(None)
    kept.begin(DEFINITION)
    kept.put("name", ARRAYS)
    assert kept.get("name") is None
    assert kept.earlier() is None


@pytest.mark.parametrize("damage", ["flip", "cut", "longer", "empty"])
def test_a_damaged_file_is_noticed_wherever(tmp_path, damage):
    kept = StudyFolder(tmp_path)
    kept.put("name", ARRAYS)
    file = tmp_path / folder.RUNS / "name.chunk"
    whole = file.read_bytes()
    for place in range(0, len(whole), 13):
        content = bytearray(whole)
        if damage == "flip":
            content[place] ^= 0x10
        elif damage == "cut":
            del content[place:]
        elif damage == "longer":
            content += b"x" * (place + 1)
        else:
            content = b""
        file.write_bytes(content)
        kept.damaged.clear()
        assert kept.get("name") is None
        assert kept.damaged == [str(file)]
    kept.put("name", ARRAYS)  # made again
    assert kept.get("name") is not None


def test_other_settings_are_refused_and_nothing_is_lost(tmp_path):
    StudyFolder(tmp_path).begin(DEFINITION)
    StudyFolder(tmp_path).begin(dict(DEFINITION))  # the same goes on
    before = (tmp_path / folder.DEFINITION).read_bytes()
    with pytest.raises(ValueError, match=r"the device: none there, .cpu. now"):
        StudyFolder(tmp_path).begin({**DEFINITION, "device": "cpu"})
    assert (tmp_path / folder.DEFINITION).read_bytes() == before


def test_the_times_of_all_parts_add_up(tmp_path, monkeypatch):
    """A part that was killed counts up to the last chunk before which time was written down."""
    now = iter(range(0, 1000, 10))
    monkeypatch.setattr(folder.time, "perf_counter", lambda: float(next(now)))
    first = StudyFolder(tmp_path)
    first.begin(DEFINITION)
    first.put("name", ARRAYS)
    spent = first.seconds()
    assert spent > 0
    second = StudyFolder(tmp_path)
    second.begin(DEFINITION)
    assert 0 < second.seconds() - (spent - 10) < spent + 20
    assert second.seconds() > spent


@pytest.mark.parametrize("content", ["{", "[]", ""])
def test_a_definition_that_cannot_be_read(tmp_path, content):
    (tmp_path / folder.DEFINITION).write_text(content)
    with pytest.raises(ValueError, match=r"study.json cannot be read, .*name another folder"):
        StudyFolder(tmp_path).begin(DEFINITION)
    assert (tmp_path / folder.DEFINITION).read_text() == content


def test_a_damaged_definition_beside_runs_is_written_anew(tmp_path):
    """The names of the runs decide which are taken, so that none of another study can be."""
    kept = StudyFolder(tmp_path)
    kept.begin(DEFINITION)
    kept.put("name", ARRAYS)
    (tmp_path / folder.DEFINITION).write_text("")
    again = StudyFolder(tmp_path)
    again.begin(DEFINITION)
    assert again.damaged == [str(tmp_path / folder.DEFINITION)]
    assert json.loads((tmp_path / folder.DEFINITION).read_text()) == DEFINITION
    assert again.get("name") is not None


def test_a_full_disk_is_said_and_leaves_nothing_half(tmp_path, monkeypatch):
    kept = StudyFolder(tmp_path)
    kept.put("first", ARRAYS)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(folder.Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"no room left; free some\. Then .*command again.*is kept"):
        kept.put("second", ARRAYS)
    assert [f.name for f in (tmp_path / folder.RUNS).iterdir()] == ["first.chunk"]
    assert kept.get("first") is not None


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OSError, match=r"cannot be written to: a file stands where"):
        StudyFolder(tmp_path / "file").put("name", ARRAYS)
    assert (tmp_path / "file").read_text() == "precious"


def test_names_tell_all_parts_apart():
    assert folder.digest("ab", "c") != folder.digest("a", "bc")
    assert folder.digest(b"ab") == folder.digest("ab")


def test_the_definition_can_be_read_by_people(tmp_path):
    StudyFolder(tmp_path).begin(DEFINITION)
    assert json.loads((tmp_path / folder.DEFINITION).read_text()) == DEFINITION


@pytest.mark.parametrize("name", [folder.RUNS, folder.DEFINITION])
@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_the_place_of_a_part_is_refused(tmp_path, name, there):
    """What it points to is of somebody else."""
    study, others = tmp_path / "study", tmp_path / "others"
    study.mkdir()
    (study / name).symlink_to(others)
    if there:
        others.mkdir()
    with pytest.raises(ValueError, match=rf"{name} is a link to .*others, .*remove the link or"):
        StudyFolder(study).begin(DEFINITION)
    assert [file.name for file in study.iterdir()] == [name]
    assert others.exists() == there
    assert not list(tmp_path.glob("others/*"))


def test_the_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "study").symlink_to(tmp_path / "disk")
    StudyFolder(tmp_path / "study").begin(DEFINITION)
    assert (tmp_path / "disk" / folder.DEFINITION).is_file()
