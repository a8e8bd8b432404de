"""The command `rmsprop conventions`: why a port does not train as the original does."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rmsprop import frameworks
from rmsprop.commands.options import check_memory, number, whole_number
from rmsprop.commands.output import printing

# The default numbers of steps after which the two parameters are compared.
STEPS = (10, 100, 1000)
# The memory of a random gradient of a thousand parameters, in float64 and in float32, in bytes.
RANDOM_GRADIENT = 1000 * (8 + 4)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `rmsprop conventions` to `parser`, each with its meaning and default.

    Args:
        parser: The parser of the command.
    """
    parser.add_argument(
        "first",
        metavar="ORIGINAL",
        help="a framework's call, in quotes, as it stands in a program: 'torch.optim.RMSprop("
        "model.parameters(), lr=1e-3)', or by the name of the port: 'tensorflow.rmsprop(0.01,"
        " momentum=0.9)', where the learning rate comes first; a rate may be one of Optax's"
        " schedules: 'torch.rmsprop(optax.linear_schedule(7e-4, 0.0, 1000))'",
    )
    parser.add_argument("second", metavar="PORT", help="the call to compare it with")
    parser.add_argument(
        "--scale",
        type=number,
        default=1.0,
        metavar="NUMBER",
        help="standard deviation of the Gaussian gradients; give that of your own gradients, since"
        " the effect of an epsilon depends on it (default: %(default)s)",
    )
    parser.add_argument(
        "--gradients",
        type=Path,
        metavar="FILE.npy",
        help="your own gradients in the place of Gaussian ones: a NumPy array whose first axis"
        " counts the steps (default: Gaussian gradients)",
    )
    parser.add_argument(
        "--steps",
        default=",".join(str(count) for count in STEPS),
        metavar="A,B",
        help="numbers of steps, with commas between them (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=whole_number,
        default=0,
        metavar="N",
        help="seed of the Gaussian gradients and the initial parameters (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints how far the two calls drift apart, which convention is responsible, and what to set.

    Args:
        arguments: The arguments that a parser with `add_arguments` returns.

    Returns:
        The exit code 0.

    Raises:
        ValueError: A call, a number of steps or a file cannot be read.
        TypeError: An optimizer does not take an argument.
        OSError: The file does not exist.
    """
    steps = _steps(arguments.steps)
    if arguments.gradients is None:
        check_memory(max(steps), RANDOM_GRADIENT)
    drift = frameworks.compare_conventions(
        arguments.first,
        arguments.second,
        gradients=_gradients(arguments.gradients),
        scale=arguments.scale,
        steps=steps,
        seed=arguments.seed,
    )
    with printing():
        sys.stdout.write(f"{drift}\n")
    return 0


def _steps(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise ValueError(
            f"steps is {text!r}; it must be numbers of steps with commas between them. Give for"
            " example 10,100."
        ) from None


def _gradients(file: Path | None) -> NDArray[np.number] | None:
    if file is None:
        return None
    if not file.is_file():
        raise ValueError(f"gradients is {file}; it must be a file that exists. Check its name.")
    try:
        gradients = np.load(file, allow_pickle=False)
    except (ValueError, EOFError):
        gradients = None
    if not isinstance(gradients, np.ndarray) or not np.issubdtype(gradients.dtype, np.number):
        raise ValueError(
            f"gradients is {file}; it must be a NumPy file of one array of numbers. Write it with"
            " numpy.save."
        )
    return gradients
