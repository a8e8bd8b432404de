"""The command `rmsprop`: its options, and what it says when something is wrong.

Beside the package itself, which brings jax and optax, only the standard library is imported until a
command runs, so that a missing extra is one sentence instead of a traceback.
"""

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Sequence

from rmsprop.study import interrupts

INTERRUPTED = 128 + signal.SIGINT
WRONG_USE = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: The words after the program's name; None for those of this process.

    Returns:
        The exit code: 0, 2 for wrong use, 130 after Ctrl-C.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    words = [word.encode(errors="backslashreplace").decode() for word in words]
    arguments = _parser().parse_args(words)
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
    except BrokenPipeError:  # `rmsprop steps | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ImportError as error:
        if "pip install" in str(error) or not isinstance(error, ModuleNotFoundError):
            return _refuse(str(error))
        return _refuse(
            f"the package {error.name} is missing; in a clone of rmsprop, pip install '.[study]'"
            " installs what the commands need."
        )
    except (ValueError, TypeError, OSError) as error:
        if os.environ.get("RMSPROP_TRACEBACK"):
            raise
        if isinstance(error, OSError) and error.strerror and not error.filename:
            return _refuse(error.strerror)  # a sentence of ours, without the number before it
        return _refuse(str(error))


def _refuse(sentence: str) -> int:
    print(f"rmsprop: error: {sentence}", file=sys.stderr)
    return WRONG_USE


def _parser() -> argparse.ArgumentParser:
    import rmsprop
    from rmsprop.commands import compare, conventions, report, steps

    parser = argparse.ArgumentParser(
        prog="rmsprop",
        description="RMSprop and AdaGrad for JAX: compared on real data, or watched step by step.",
        epilog="Set RMSPROP_TRACEBACK=1 to see where in the code an error comes from.",
    )
    parser.add_argument("--version", action="version", version=f"rmsprop {rmsprop.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    of_compare = commands.add_parser(
        "compare",
        help="tune optimizers, compare them on real data, write a report",
        description=(
            "Compares RMSprop with AdaGrad (or any Optax optimizers) on real data: sweeps learning"
            " rates and a second hyper-parameter of each, chooses on some seeds, reports on others"
            " with bootstrap intervals, prints a table and writes a report to open in a browser."
        ),
    )
    compare.add_arguments(of_compare)
    of_compare.set_defaults(run=compare.run)
    of_report = commands.add_parser(
        "report",
        help="write the report of a folder's results again, without running anything",
        description=(
            "Reads the results of a comparison out of its folder and writes the page and the"
            " pictures again; nothing is run."
        ),
    )
    report.add_arguments(of_report)
    of_report.set_defaults(run=report.run)
    of_steps = commands.add_parser(
        "steps",
        help="show every step of an optimizer on a small function",
        description="Shows every step of an optimizer that minimises a small function.",
    )
    steps.add_arguments(of_steps)
    of_steps.set_defaults(run=steps.run)
    of_conventions = commands.add_parser(
        "conventions",
        help="say how far two frameworks' calls drift apart, and why",
        description=(
            "Runs two frameworks' optimizers on the same gradients, says how far apart their"
            " parameters are after some steps, and which convention (the place of epsilon, the"
            " starting value, ...) is responsible for how much of it."
        ),
    )
    conventions.add_arguments(of_conventions)
    of_conventions.set_defaults(run=conventions.run)
    return parser
