"""The command `rmsprop steps`: every step of one optimizer or several on a small function."""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import Any

from rmsprop.commands.options import check_memory, number, one_of, several_of, whole_number
from rmsprop.commands.output import printing
from rmsprop.study.steps import picture, table
from rmsprop.study.steps.functions import (
    CONDITION,
    FUNCTIONS,
    LEARNING_RATE,
    SPELLINGS,
    STEPS,
    Objective,
    valley,
)
from rmsprop.study.steps.minimise import OPTIMIZERS, Steps, memory_of, minimise

# With its picture a run needs this many times the memory.
PICTURE = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `rmsprop steps` to `parser`, each with its meaning and default.

    Args:
        parser: The parser of the command.
    """
    add = parser.add_argument
    starts = "; ".join(
        f"{name} {' '.join(f'{x:g}' for x in function.start)}"
        for name, function in FUNCTIONS.items()
    )
    add(
        "--optimizer",
        type=several_of(tuple(OPTIMIZERS)),
        metavar="NAMES",
        default=["rmsprop"],
        help="the optimizers whose steps are shown beside each other, with commas between them, of"
        f" {', '.join(OPTIMIZERS)} (default: rmsprop)",
    )
    add(
        "--function",
        type=one_of((*FUNCTIONS, *SPELLINGS)),
        metavar=f"{{{','.join((*FUNCTIONS, *SPELLINGS))}}}",
        default="square",
        help="the function that is minimised: square is x**2 and may be called so; valley is"
        " (x1**2 + condition * x2**2) / 2; rosenbrock is a curved valley; two-weights has the"
        " constant gradients 0.1 and 10 and no minimum (default: square)",
    )
    add(
        "--condition",
        type=number,
        metavar="NUMBER",
        help="valley only: the ratio of the curvature across to that along it, at least 1"
        f" (default: {CONDITION:g})",
    )
    add(
        "--start",
        type=number,
        nargs="+",
        metavar="X",
        help=f"the start, one number for each coordinate (default: {starts})",
    )
    add(
        "--steps",
        type=whole_number,
        metavar="COUNT",
        help=f"number of steps, at least 1 (default: {_by_function('steps', STEPS)})",
    )
    add(
        "--every",
        type=whole_number,
        metavar="COUNT",
        help="distance between the steps in the table; the last is there too (default: 1 up to 60"
        " steps, so that about 30 are there beyond)",
    )
    _add_hyperparameters(parser)
    add(
        "--plot",
        type=pathlib.Path,
        metavar="FILE",
        help="draw the path and the effective learning rates into FILE too, which must end in .png,"
        " .svg or .pdf (default: no picture)",
    )


def _add_hyperparameters(parser: argparse.ArgumentParser) -> None:
    """Adds the hyper-parameters of the optimizers, with the default of each that has one."""
    add, rmsprop, adagrad = parser.add_argument, OPTIMIZERS["rmsprop"], OPTIMIZERS["adagrad"]
    add(
        "--learning-rate",
        type=number,
        metavar="RATE",
        help=f"learning rate of all optimizers, at least 0 (default: {LEARNING_RATE:g}{_rates()};"
        " that of sgd on valley is 1.9 / condition, just below the largest stable one)",
    )
    add(
        "--decay",
        type=number,
        metavar="NUMBER",
        help="rmsprop only: decay of the running average E[g^2], at least 0 and below 1"
        f" (default: {rmsprop['decay']:g})",
    )
    add(
        "--eps",
        type=number,
        metavar="NUMBER",
        help="rmsprop, adagrad: number added under the root, or to it (--no-eps-in-sqrt), at"
        " least 0 (default: rmsprop"
        f" {rmsprop['eps']:g}, adagrad {adagrad['eps']:g})",
    )
    add(
        "--eps-in-sqrt",
        action=argparse.BooleanOptionalAction,
        help="rmsprop, adagrad: add eps inside the square root, in units of the squared gradient,"
        " or after it, in units of the gradient (default: inside)",
    )
    add(
        "--initial",
        type=number,
        metavar="NUMBER",
        help="rmsprop, adagrad: initial value of the average or sum of squared gradients, at least"
        f" 0 (default: {rmsprop['initial']:g})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the table and draws the picture if the user asks for one.

    Args:
        arguments: The arguments that a parser with `add_arguments` returns.

    Returns:
        The exit code 0.

    Raises:
        ValueError: A value is out of range, or the optimizer or the function does not have an
            option.
        ModuleNotFoundError: The package matplotlib, for a picture, is not installed.
        OSError: The picture cannot be written.
    """
    if arguments.plot is not None:
        picture.check_file(arguments.plot)
    objective = _objective(arguments.function, arguments.condition)
    count = objective.steps if arguments.steps is None else arguments.steps
    times = len(arguments.optimizer) * (1 if arguments.plot is None else PICTURE)
    check_memory(count, memory_of(1, len(objective.names)) * times)
    if arguments.every is not None and arguments.every < 1:
        raise ValueError(
            f"every is {arguments.every}; it must be at least 1, which shows all steps."
        )
    runs = _runs(objective, arguments)
    if arguments.plot is not None:  # before the table, for the sake of a missing package
        picture.draw(runs, arguments.plot)
    with printing():
        table.print_table(runs, arguments.every)
        if arguments.plot is not None:
            sys.stdout.write(f"\nThe picture is in {arguments.plot}\n")
    return 0


def _runs(objective: Objective, arguments: argparse.Namespace) -> list[Steps]:
    """The run of each optimizer; an option is given to those of several that have it.

    Raises:
        ValueError: A value is out of range, or no optimizer has an option.
    """
    return [
        minimise(
            objective,
            arguments.start,
            name,
            learning_rate=arguments.learning_rate,
            steps=arguments.steps,
            **_own_options(name, arguments),
        )
        for name in arguments.optimizer
    ]


def _own_options(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of one optimizer among several: those that it has, or that none of them has."""
    return {
        option: getattr(arguments, option)
        for option in ("decay", "eps", "eps_in_sqrt", "initial")
        if option in OPTIMIZERS[name]
        or not any(option in OPTIMIZERS[other] for other in arguments.optimizer)
    }


def _rates() -> str:
    """The default learning rates of the functions that have their own."""
    rates = {
        name: ", ".join(f"{key} {rate:g}" for key, rate in function.learning_rates.items())
        for name, function in FUNCTIONS.items()
    }
    return "".join(f"; {name} {words}" for name, words in rates.items() if words)


def _by_function(attribute: str, default: float) -> str:
    """The default of an option, and that of each function with its own."""
    values = {name: getattr(function, attribute) for name, function in FUNCTIONS.items()}
    own = [f"; {name} {value:g}" for name, value in values.items() if value != default]
    return f"{default:g}{''.join(own)}"


def _objective(word: str, condition: float | None) -> Objective:
    """The function that a word of the command line names, with a condition number if any."""
    name = SPELLINGS.get(word, word)
    if condition is None:
        return FUNCTIONS[name]
    if name == "valley":
        return valley(condition)
    raise ValueError(
        f"condition is {condition:g}, but the function {name} has no condition. Leave it out, or"
        f" choose the function valley."
    )
