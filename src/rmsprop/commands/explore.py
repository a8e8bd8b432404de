"""The command `rmsprop explore`: the explorable page as a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rmsprop.commands.output import printing
from rmsprop.study.explorer.page import explore

DEFAULT_FILE = Path("rmsprop-explore.html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `rmsprop explore` to `parser`."""
    parser.add_argument(
        "--out",
        type=Path,
        default=DEFAULT_FILE,
        metavar="FILE",
        help="where the page goes, one file that needs no other and no network; default:"
        " %(default)s",
    )


def run(arguments: argparse.Namespace) -> int:
    """Writes the page and says where it is.

    Raises:
        ValueError: the file is a folder.
        WriteError: the file cannot be written.
    """
    if arguments.out.is_dir():
        raise ValueError(f"out is {arguments.out}; that is a folder. Name a file in it.")
    file = explore().write(arguments.out)
    with printing():
        sys.stdout.write(f"The page is {file}\n")
    return 0
