"""The command `rmsprop`: its options, and what it says when something is wrong.

Beside the package itself, which brings jax and optax, only the standard library is imported until a
command runs, so that a missing extra is one sentence instead of a traceback.
"""

import argparse
import importlib
import os
import shlex
import signal
import sys
from collections.abc import Sequence

from jax.errors import JaxRuntimeError

from rmsprop.commands.failures import sentence_of
from rmsprop.commands.options import ERROR, WRONG_USE, Parser
from rmsprop.commands.output import OutputError, discard, printing
from rmsprop.study import interrupts
from rmsprop.study.lookup import suggestion

INTERRUPTED = 128 + signal.SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: The words after the program's name; None for those of this process.

    Returns:
        The exit code: 0, 2 for wrong use, 130 after Ctrl-C.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    words = [word.encode(errors="backslashreplace").decode() for word in words]
    # After `>&-` there is nowhere to print to.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 (it is open to the end)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    try:
        with printing():  # also what --help prints; not at the end of Python, where it is too late
            return _run(words)
    except BrokenPipeError:  # `rmsprop steps | head` has seen enough
        discard(sys.stdout)
        return 0
    except OutputError as error:
        if os.environ.get("RMSPROP_TRACEBACK"):
            raise
        discard(sys.stdout)
        return _refuse(sentence_of(error, argparse.Namespace(options={})))


def _run(words: Sequence[str]) -> int:
    """Reads the words and runs the command that they name.

    Raises:
        BrokenPipeError: nobody reads what is printed.
        OutputError: nothing can be printed.
    """
    parser, commands = _parser()
    if words and not words[0].startswith("-") and words[0] not in commands:
        near = suggestion(words[0], commands)
        parser.error(f"there is no command {words[0]}; it must be {', '.join(commands)}.{near}")
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        commands[next(word for word in words if word in commands)].unknown(unknown)
    arguments.command = shlex.join(["rmsprop", *words])
    try:
        with interrupts.remembered():
            return arguments.run(arguments)
    except KeyboardInterrupt:
        print(
            "\nrmsprop: interrupted; the report in the folder is whole, if any, and the same"
            " command goes on from here.",
            file=sys.stderr,
        )
        return INTERRUPTED
    except (BrokenPipeError, OutputError):
        raise
    except ImportError as error:
        if "pip install" in str(error) or not isinstance(error, ModuleNotFoundError):
            return _refuse(str(error))
        return _refuse(
            f"the package {error.name} is missing; in a clone of rmsprop, pip install '.[study]'"
            " installs what the commands need."
        )
    except (ValueError, TypeError, OSError, MemoryError, JaxRuntimeError) as error:
        if os.environ.get("RMSPROP_TRACEBACK"):
            raise
        return _refuse(sentence_of(error, arguments))


def _refuse(sentence: str) -> int:
    print(f"{ERROR}{sentence}", file=sys.stderr)
    return WRONG_USE


# The commands by their names, which are those of their modules: help, and description.
_COMMANDS = {
    "compare": (
        "tune optimizers, compare them on real data, write a report",
        "Compares RMSprop with AdaGrad (or any Optax optimizers) on real data: sweeps learning"
        " rates and a second hyper-parameter of each, chooses on some seeds, reports on others"
        " with bootstrap intervals, prints a table and writes a report to open in a browser.",
    ),
    "map": (
        "map when RMSprop beats AdaGrad, over sparsity, noise, drift, shrinking",
        "Maps where RMSprop beats AdaGrad (or any other optimizer) on a family of stochastic"
        " quadratic problems with dials for sparsity, noise, drift of the optimum, shrinking of"
        " the gradients, condition number, rotation and horizon: tunes both in every cell,"
        " prints the planes and writes a page to open in a browser.",
    ),
    "report": (
        "write the report of a folder's results again, without running anything",
        "Reads the results of a comparison or of a map out of its folder and writes the page and"
        " the pictures again; nothing is run.",
    ),
    "steps": (
        "show every step of optimizers on a small function",
        "Shows every step of an optimizer, or of several beside each other, that minimises a"
        " small function: as a table, and as a picture if you ask for one.",
    ),
    "explore": (
        "write a page on which the optimizers are explored in a browser",
        "Writes one page to open in a browser: choose a function, click the start, move"
        " learning rates, decay, eps and momentum, and see what gradient descent, AdaGrad,"
        " RMSprop and Adam do, step by step.",
    ),
    "conventions": (
        "say how far two frameworks' calls drift apart, and why",
        "Runs two frameworks' optimizers on the same gradients, says how far apart their"
        " parameters are after some steps, and which convention (the place of epsilon, the"
        " starting value, ...) is responsible for how much of it.",
    ),
}


def _parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser, and those of the commands by their names."""
    import rmsprop

    parser = Parser(
        prog="rmsprop",
        description="RMSprop and AdaGrad for JAX: compared on real data, or watched step by step.",
        epilog="Set RMSPROP_TRACEBACK=1 to see where in the code an error comes from.",
    )
    parser.add_argument("--version", action="version", version=f"rmsprop {rmsprop.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    parsers = {}
    for name, (short, description) in _COMMANDS.items():
        command = importlib.import_module(f"rmsprop.commands.{name}")
        own = commands.add_parser(name, help=short, description=description)
        command.add_arguments(own)
        own.set_defaults(run=command.run, options=own.options)
        parsers[name] = own
    return parser, parsers
