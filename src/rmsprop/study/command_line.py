"""The command `rmsprop`: its options, and what it says when something is wrong.

Beside the package itself, which brings jax and optax, only the standard library is imported until a
command runs, so that a missing extra is one sentence instead of a traceback.
"""

import argparse
import contextlib
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

INTERRUPTED = 128 + signal.SIGINT
WRONG_USE = 2
DEFAULT_TASKS = ("valley", "digits", "bible")


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
        with _interrupts_are_kept():
            return arguments.run(arguments)
    except KeyboardInterrupt:
        print("\nrmsprop: interrupted; the report in the folder is whole, if any.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `rmsprop steps | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ImportError as error:
        if "rmsprop[study]" in str(error) or not isinstance(error, ModuleNotFoundError):
            return _refuse(str(error))
        return _refuse(
            f"the package {error.name} is missing; install what the commands need with"
            f" pip install 'rmsprop[study]'."
        )
    except (ValueError, TypeError, OSError) as error:
        if os.environ.get("RMSPROP_TRACEBACK"):
            raise
        return _refuse(str(error))


_interrupted = threading.Event()


@contextlib.contextmanager
def _interrupts_are_kept() -> Iterator[None]:
    """Ctrl-C ends the command also where a library swallows the exception, as imports may."""

    def interrupt(signal_number: int, frame: FrameType | None) -> None:
        _interrupted.set()
        print("\nrmsprop: stopping as soon as the runs under way have ended", file=sys.stderr)
        raise KeyboardInterrupt

    _interrupted.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _stop_if_interrupted() -> None:
    if _interrupted.is_set():
        raise KeyboardInterrupt


def _refuse(sentence: str) -> int:
    print(f"rmsprop: error: {sentence}", file=sys.stderr)
    return WRONG_USE


def _parser() -> argparse.ArgumentParser:
    import rmsprop
    from rmsprop.study import conventions, steps

    parser = argparse.ArgumentParser(
        prog="rmsprop",
        description="RMSprop and AdaGrad for JAX: compared on real data, or watched step by step.",
        epilog="Set RMSPROP_TRACEBACK=1 to see where in the code an error comes from.",
    )
    parser.add_argument("--version", action="version", version=f"rmsprop {rmsprop.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    compare = commands.add_parser(
        "compare",
        help="tune optimizers, compare them on real data, write a report",
        description=(
            "Compares RMSprop with AdaGrad (or any Optax optimizers) on real data: sweeps learning"
            " rates and a second hyper-parameter of each, chooses on some seeds, reports on others"
            " with bootstrap intervals, prints a table and writes a report to open in a browser."
        ),
    )
    _add_compare_arguments(compare)
    compare.set_defaults(run=_compare)
    single = commands.add_parser(
        "steps",
        help="minimise a function by hand and print every step",
        description="Minimises a function by hand and prints every step of the optimizer.",
    )
    steps.add_arguments(single)
    single.set_defaults(run=steps.run)
    calls = commands.add_parser(
        "conventions",
        help="say how far two frameworks' calls drift apart, and why",
        description=(
            "Runs two frameworks' optimizers on the same gradients, says how far apart their"
            " parameters are after some steps, and which convention (the place of epsilon, the"
            " starting value, ...) is responsible for how much of it."
        ),
    )
    conventions.add_arguments(calls)
    calls.set_defaults(run=conventions.run)
    return parser


def _add_compare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tasks",
        default=",".join(DEFAULT_TASKS),
        metavar="A,B",
        help="tasks, with commas between them: valley (two dimensions, no data), digits (1,797"
        " handwritten digits, an MLP), bible (31,102 verses, sparse bags of words); default:"
        " %(default)s",
    )
    parser.add_argument(
        "--optimizer",
        action="append",
        metavar="NAME",
        help="an optimizer: rmsprop, adagrad, or your own as NAME=module:function, where the"
        " function takes a learning rate first, such as adam=optax:adam or, for a file mine.py in"
        " this folder, mine=mine:function; repeat the option to"
        " compare several, the first with each of the others; default: rmsprop and adagrad",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=10,
        metavar="N",
        help="number of seeds that are reported, at least 2, and at least 5 for a verdict; three"
        " others are used for tuning; default: %(default)s",
    )
    parser.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help="steps of every run, 10 to 1,000,000; default: each task's own (300 to 500)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("rmsprop-report"),
        metavar="FOLDER",
        help="folder for the report: index.html, the figures as PNG, the numbers as results.nc;"
        " an earlier report in it is replaced when the new one is complete; default: %(default)s",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="print nothing but errors; default: off"
    )


def _compare(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from rmsprop.study import landscape, problems, progress, protocol, report, sweeps, wording

    report.prepare(arguments.out)
    sys.path.insert(0, "")  # as `python -m` does: modules in the current folder can be named
    optimizers = [sweeps.named(name) for name in arguments.optimizer or ("rmsprop", "adagrad")]
    tasks = [problems.task(name.strip()) for name in arguments.tasks.split(",")]
    _keep_compiled_programs()
    errors = Console(stderr=True, quiet=arguments.quiet)
    _stop_if_interrupted()
    result = protocol.compare(
        tasks,
        optimizers,
        seeds=arguments.seeds,
        steps=arguments.steps,
        command=arguments.command,
        progress=progress.Bars(errors, _stop_if_interrupted),
    )
    _stop_if_interrupted()
    surfaces = {task.name: landscape.surface_of(task) for task in tasks if task.path is not None}
    page = report.write(result, arguments.out, surfaces)
    out = Console(quiet=arguments.quiet)
    out.print(report.table(result))
    for sentence in (*wording.limits(result), *wording.answers(result)):
        out.print(sentence, highlight=False, markup=False)
    out.print(f"\nThe report is {page}", highlight=False, markup=False, soft_wrap=True)
    return 0


def _keep_compiled_programs() -> None:
    """Lets JAX keep compiled programs on disk, unless the user has said where they belong."""
    import jax

    from rmsprop.study import data

    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    try:
        folder = data.cache_folder() / "xla"
    except RuntimeError:  # no home folder: compiled programs are not kept
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
