"""What names, texts and numbers of a study may be: they are written to files and shown on pages.

All are checked where a problem or an optimizer is made, before anything runs.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import SupportsFloat

# Names become parts of the names of files, which may have 255 bytes.
LONGEST = 100
# The largest float32, for hyper-parameters are float32.
LARGEST = 2.0**128 - 2.0**104
# Categories of Unicode: control characters, and halves of a character.
_UNWRITABLE = ("Cc", "Cs")


def check_task_name(name: object) -> None:
    """Checks that a task's name is a word: it is typed after --tasks and begins names of files.

    Args:
        name: The name.

    Raises:
        TypeError: it is no text.
        ValueError: it is no word, or too long.
    """
    _check_text_type("name", name)
    if len(str(name)) > LONGEST or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", str(name)):
        raise ValueError(
            f"name is {excerpt(name)}; a task's name must be one word of letters, digits, '_', '-'"
            f" and '.', of at most {LONGEST} characters, that begins with a letter or a digit."
        )


def check_line(argument: str, text: object, *, longest: int | None = LONGEST) -> None:
    r"""Checks that a text is one line that can be written anywhere, and is not empty.

    Args:
        argument: What the text is, for the sentence: `"title"`.
        text: The text.
        longest: The most characters it may have; None for any number.

    Raises:
        TypeError: it is no text.
        ValueError: it is empty or too long, or has control characters such as NUL or a line end.

    Example:
        >>> check_line("title", "first line" + chr(10) + "second line")
        Traceback (most recent call last):
        ValueError: title is 'first line\nsecond line'; it must be one line, and not empty.
    """
    check_text(argument, text)
    if not str(text).strip() or "\n" in str(text) or "\t" in str(text):
        raise ValueError(f"{argument} is {excerpt(text)}; it must be one line, and not empty.")
    if longest is not None and len(str(text)) > longest:
        raise ValueError(
            f"{argument} is {excerpt(text)}, of {len(str(text))} characters; it must have at most"
            f" {longest}."
        )


def check_text(argument: str, text: object) -> None:
    """Checks that a text can be written anywhere; it may be empty and have several lines.

    Args:
        argument: What the text is, for the sentence: `"citation"`.
        text: The text.

    Raises:
        TypeError: it is no text.
        ValueError: it has control characters other than line ends and tabulators.
    """
    _check_text_type(argument, text)
    if any(unicodedata.category(x) in _UNWRITABLE and x not in "\n\t" for x in str(text)):
        raise ValueError(
            f"{argument} is {excerpt(text)}; it must be text without control characters, such as"
            f" NUL."
        )


def check_words(argument: str, name: object) -> None:
    """Checks that a name is words of letters, digits and underscores with a space between them.

    Args:
        argument: What the name is, for the sentence.
        name: The name.

    Raises:
        TypeError: it is no text.
        ValueError: it is another text, or too long.
    """
    _check_text_type(argument, name)
    if len(str(name)) > LONGEST or not re.fullmatch(r"[^\W\d]\w*( \w+)*", str(name)):
        raise ValueError(
            f"{argument} is {excerpt(name)}; it must be words of letters, digits and underscores"
            f" that begin with a letter, of at most {LONGEST} characters, such as 'learning_rate'."
        )


def is_number(value: object) -> bool:
    """Whether a value is a Python number that is neither a boolean nor infinite or NaN."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def float_of(value: object) -> float:
    """A number as a float, NaN where the value is none; text is no number.

    Args:
        value: A number of Python, NumPy or JAX, or anything else.
    """
    if not isinstance(value, SupportsFloat):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):  # an array of several, a traced value, 10**400
        return math.nan


def excerpt(value: object) -> str:
    """A value as an error shows it: as Python writes it, of 80 characters at most."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _check_text_type(argument: str, text: object) -> None:
    if not isinstance(text, str):
        raise TypeError(f"{argument} is {excerpt(text)}; it must be text.")
