"""Options of the command line: how their values are read, and what is said where one is wrong."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from rmsprop.study.lookup import suggestion
from rmsprop.study.running.devices import available_memory
from rmsprop.study.spelling import size

# The exit code for wrong use, and what every error begins with, whatever finds it.
WRONG_USE = 2
ERROR = "rmsprop: error: "


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong as all other errors are said: in one line."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (as argparse has them)
        """Makes a parser, as `argparse.ArgumentParser` does, to which -1e-3 is a number too."""
        super().__init__(*args, **kwargs)
        self._negative_number_matcher = re.compile(r"-\.?\d")  # its own knows no powers of ten

    @property
    def options(self) -> dict[str, str]:
        """The long form of each option, by the name of its value."""
        return {
            action.dest: next(x for x in action.option_strings if x.startswith("--"))
            for action in self._actions
            if action.option_strings
        }

    def error(self, message: str) -> NoReturn:
        """Ends the program with one line.

        Args:
            message: What argparse says: `argument --steps: ` and the sentence of a reader of this
                module, or a sentence of its own.
        """
        sentence = re.sub(r"^argument (\S+): is ", r"\1 is ", message)
        sentence = re.sub(r"^argument ", "", sentence)
        stop = "" if sentence.endswith((".", "?")) else "."
        self.exit(WRONG_USE, f"{ERROR}{sentence}{stop} See {self.prog} --help.\n")

    def unknown(self, words: Sequence[str]) -> NoReturn:
        """Ends the program where words are left over, with the option that was meant if any."""
        option = words[0].partition("=")[0]
        near = suggestion(option, self.options.values()) if option.startswith("-") else ""
        what = "option" if option.startswith("-") else "argument"
        self.error(f"there is no {what} {option}.{near}")


def whole_number(text: str) -> int:
    """Reads a whole number.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"is {text!r}; it must be a whole number.") from None


def number(text: str) -> float:
    """Reads a number.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"is {text!r}; it must be a number.") from None


def one_of(names: Sequence[str]) -> Callable[[str], str]:
    """A reader of one of several names, which asks for a near one where there is no such name.

    Args:
        names: What can be named.
    """

    def read(text: str) -> str:
        """The name, if it is one."""
        if text not in names:
            raise argparse.ArgumentTypeError(
                f"is {text!r}; it must be one of {', '.join(names)}.{suggestion(text, names)}"
            )
        return text

    return read


def several_of(names: Sequence[str]) -> Callable[[str], list[str]]:
    """A reader of several different names with commas between them, each as `one_of` reads it.

    Args:
        names: What can be named.
    """
    read_one = one_of(names)

    def read(text: str) -> list[str]:
        """The names, if all are known and none is there twice."""
        words = [read_one(word.strip()) for word in text.split(",")]
        if twice := next((word for word in words if words.count(word) > 1), None):
            raise argparse.ArgumentTypeError(f"is {text!r}; it must name {twice} once.")
        return words

    return read


def as_typed(sentence: str, arguments: argparse.Namespace) -> str:
    """A sentence of the library with the options of a command in the place of its arguments.

    Args:
        sentence: A sentence such as `tuning_seeds is 0; it must be at least 1.`
        arguments: The values of the command's options, and in `options` the options themselves.

    Example:
        >>> given = argparse.Namespace(tuning_seeds=0, options={"tuning_seeds": "--tuning-seeds"})
        >>> as_typed("tuning_seeds is 0; it must be at least 1.", given)
        '--tuning-seeds is 0; it must be at least 1.'
    """
    for name, option in arguments.options.items():
        value = getattr(arguments, name, None)
        if isinstance(value, bool):
            given = option if value else option.replace("--", "--no-", 1)
            sentence = sentence.replace(f"{name} is {value}", f"{given} is given")
        # A name of one word is also a word of the language, but for the subject of the sentence.
        place = rf"(?<![\w.-]){name}(?![\w=])" if "_" in name else rf"^{name}(?= is )"
        sentence = re.sub(place, option, sentence)
    return sentence


def check_memory(steps: int, of_one: int) -> None:
    """Refuses more steps than fit into memory, before the first of them.

    Args:
        steps: The number of steps.
        of_one: The memory that each of them needs, in bytes.

    Raises:
        ValueError: there is not so much memory.
    """
    allowed = available_memory()
    if steps * of_one > allowed:
        raise ValueError(
            f"steps is {steps:,}; it must be at most {allowed // of_one:,} here, for these would"
            f" need about {size(steps * of_one)} of memory, and {size(allowed)}, half of what there"
            f" is, may be taken. Ask for fewer."
        )
