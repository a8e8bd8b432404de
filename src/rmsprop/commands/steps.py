"""The command `rmsprop steps`: a small function minimised, with every step shown."""

from __future__ import annotations

import argparse
import pathlib
import sys

from rmsprop.study.steps import picture, table
from rmsprop.study.steps.functions import CONDITION, FUNCTIONS, SPELLINGS, Objective, valley
from rmsprop.study.steps.minimise import LEARNING_RATE, OPTIMIZERS, STEPS, minimise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `rmsprop steps` to `parser`, each with its meaning and default."""
    add, rms, rss = parser.add_argument, OPTIMIZERS["rmsprop"], OPTIMIZERS["adagrad"]
    starts = "; ".join(f"{k} {' '.join(f'{x:g}' for x in f.start)}" for k, f in FUNCTIONS.items())
    add(
        "--optimizer",
        choices=tuple(OPTIMIZERS),
        default="rmsprop",
        help="what makes the steps (default: rmsprop)",
    )
    add(
        "--function",
        choices=(*FUNCTIONS, *SPELLINGS),
        default="square",
        help="what is minimised: square is x**2 and may be called so; valley is"
        " (x1**2 + condition * x2**2) / 2; rosenbrock is a curved valley; two-weights has the"
        " constant gradients 0.1 and 10 (default: square)",
    )
    add(
        "--condition",
        type=float,
        metavar="NUMBER",
        help="valley only: how many times more curved it is across than along, at least 1"
        f" (default: {CONDITION:g})",
    )
    add(
        "--start",
        type=float,
        nargs="+",
        metavar="X",
        help=f"where to begin, one number for each coordinate (default: {starts})",
    )
    add(
        "--steps",
        type=int,
        default=STEPS,
        metavar="COUNT",
        help=f"number of steps, at least 1 (default: {STEPS})",
    )
    add(
        "--learning-rate",
        type=float,
        default=LEARNING_RATE,
        metavar="RATE",
        help=f"learning rate, at least 0 (default: {LEARNING_RATE:g})",
    )
    add(
        "--decay",
        type=float,
        metavar="NUMBER",
        help="rmsprop only: share of the running average E[g^2] that each step keeps, at least 0"
        f" and below 1 (default: {rms['decay']:g})",
    )
    add(
        "--eps",
        type=float,
        metavar="NUMBER",
        help="rmsprop, adagrad: added to the denominator, at least 0 (default: rmsprop"
        f" {rms['eps']:g}, adagrad {rss['eps']:g})",
    )
    add(
        "--eps-in-sqrt",
        action=argparse.BooleanOptionalAction,
        help="rmsprop, adagrad: add eps inside the square root, in units of the squared gradient,"
        " or after it, in units of the gradient (default: inside)",
    )
    add(
        "--initial",
        type=float,
        metavar="NUMBER",
        help="rmsprop, adagrad: what the average or sum of squared gradients starts from, at least"
        f" 0 (default: {rms['initial']:g})",
    )
    add(
        "--plot",
        type=pathlib.Path,
        metavar="FILE",
        help="also draw the path and the effective learning rates into FILE, a .png, .svg or .pdf"
        " (default: no picture)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the table, draws the picture if one was asked for, and returns the exit code 0.

    Args:
        arguments: Of a parser with `add_arguments`.

    Raises:
        ValueError: a value out of its range, or an option that the chosen optimizer or function
            does not have.
        ModuleNotFoundError: a package is missing; the message says what to install.
        OSError: the picture cannot be written.
    """
    if arguments.plot is not None:
        picture.check_file(arguments.plot)
    names = ("start", "optimizer", "learning_rate", "decay", "eps", "eps_in_sqrt", "initial")
    options = {name: getattr(arguments, name) for name in (*names, "steps")}
    steps = minimise(_objective(arguments.function, arguments.condition), **options)
    if arguments.plot is not None:  # first, so that a missing package is said before the table
        picture.draw(steps, arguments.plot)
    table.print_table(steps)
    if arguments.plot is not None:
        sys.stdout.write(f"\nThe picture is in {arguments.plot}\n")
    return 0


def _objective(word: str, condition: float | None) -> Objective:
    """The function that a word of the command line names."""
    name = SPELLINGS.get(word, word)
    if condition is None:
        return FUNCTIONS[name]
    if name == "valley":
        return valley(condition)
    raise ValueError(
        f"condition is {condition:g}, but the function {name} has no condition. Leave it out, or"
        f" choose the function valley."
    )
