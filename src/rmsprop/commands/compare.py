"""The command `rmsprop compare`: its options, and what it does."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rmsprop.commands.options import whole_number
from rmsprop.commands.output import (
    DEFAULT_FOLDER,
    add_quiet,
    console,
    lacks_page,
    say_what_has_ended,
    write_and_print,
)
from rmsprop.commands.protocol import (
    add_cluster,
    add_memory,
    add_seeds_and_schedules,
    keep_compiled_programs,
)
from rmsprop.study import interrupts, tasks
from rmsprop.study.lookup import late_import, load_object
from rmsprop.study.problems import Problem

if TYPE_CHECKING:
    from rich.console import Console

    from rmsprop.study.optimizers import Optimizer
    from rmsprop.study.running.cluster import Client


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `rmsprop compare` to `parser`."""
    parser.add_argument(
        "--tasks",
        metavar="A,B",
        help="tasks, with commas between them, or all: "
        + ", ".join(f"{name} ({task.about})" for name, task in tasks.TASKS.items())
        + f"; default: {','.join(tasks.QUICK)}",
    )
    parser.add_argument(
        "--problem",
        action="append",
        default=[],
        metavar="module:object",
        help="a problem of your own, a rmsprop.study.Problem or a function that makes one, such as"
        " mine:problem for a file mine.py in this folder, which imports its neighbours at its top,"
        " for later this folder is not searched; may be repeated; default: none",
    )
    parser.add_argument(
        "--optimizer",
        action="append",
        metavar="NAME",
        help="one more optimizer beside rmsprop, adagrad and the references sgd and adam, or an own"
        " one in the place of one of these: NAME=module:function, where the function takes a"
        " learning rate first, such as adam=optax:adam or, for a file mine.py in this folder,"
        " mine=mine:function; or rmsprop-long (memories longer than a run, as a reference that"
        " names the AdaGrad it is); the first is compared with each of the others; may be repeated;"
        " default: none",
    )
    parser.add_argument(
        "--only",
        action="store_true",
        help="compares just the optimizers that are named; default: off",
    )
    _add_protocol(parser)
    add_memory(parser)
    add_cluster(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=DEFAULT_FOLDER,
        metavar="FOLDER",
        help="where the report goes: index.html and its figures, the numbers as results.nc,"
        " differences.csv and results.csv, and the runs that have ended; the same command goes on"
        " where it was stopped, and one with other tasks, more optimizers or more seeds adds to"
        " what is there; default: %(default)s",
    )
    add_quiet(parser)


def _add_protocol(parser: argparse.ArgumentParser) -> None:
    """Adds what says how each optimizer is tuned and reported."""
    add_seeds_and_schedules(parser)
    parser.add_argument(
        "--no-references",
        action="store_true",
        help="leaves out SGD with momentum and Adam, which show where the others stand;"
        " default: off",
    )
    parser.add_argument(
        "--steps",
        type=whole_number,
        metavar="N",
        help="steps of every run, a multiple of 10 up to 1,000,000; default: each task's own",
    )


def run(arguments: argparse.Namespace) -> int:
    """Compares, writes the report and prints the table.

    Raises:
        ValueError: a word that means nothing, or a folder that cannot take the report.
        ImportError: a package that a task needs is missing.
        OSError: the folder cannot be written to, or the cluster cannot be reached.
    """
    from rmsprop.study.running.cluster import connected

    with connected(arguments.cluster) as executor:
        return _run(arguments, executor)


def _run(arguments: argparse.Namespace, executor: Client | None) -> int:
    from rmsprop.study.comparison import compare
    from rmsprop.study.report import files
    from rmsprop.study.running.progress import Bars
    from rmsprop.study.running.schedules import SCHEDULES

    files.prepare(arguments.out)
    optimizers = _optimizers(arguments)
    problems = _problems(arguments)
    schedules = [name.strip() for name in arguments.schedules.split(",")]
    keep_compiled_programs()
    interrupts.raise_if_interrupted()
    errors = console(stderr=True, quiet=arguments.quiet)
    try:
        comparison = compare(
            problems,
            optimizers,
            seeds=arguments.seeds,
            tuning_seeds=arguments.tuning_seeds,
            first_seed=arguments.first_seed,
            steps=arguments.steps,
            schedules=tuple(SCHEDULES) if schedules == ["all"] else schedules,
            references=not (arguments.only or arguments.no_references),
            folder=arguments.out,
            memory=arguments.memory,
            executor=executor,
            command=arguments.command,
            progress=Bars(errors, interrupts.raise_if_interrupted),
        )
        interrupts.raise_if_interrupted()
    except KeyboardInterrupt:
        _report_on_what_has_ended(arguments.out, problems, errors)
        raise
    write_and_print(comparison, problems, arguments.out, quiet=arguments.quiet)
    return 0


def _report_on_what_has_ended(folder: Path, problems: list[Problem], errors: Console) -> None:
    """Writes the page of the tasks that had ended when the study was interrupted, if any."""
    from rmsprop.study.results.labelled import Results

    if lacks_page(folder):
        results = Results.load(folder)
        say_what_has_ended(errors, results.tasks)
        write_and_print(results, problems, folder, quiet=True)


def _optimizers(arguments: argparse.Namespace) -> list[Optimizer] | None:
    """What is compared: RMSprop, AdaGrad and what is named, or just that."""
    from rmsprop.study import contenders

    here = Path.cwd()  # modules of this folder can be named
    named = [contenders.named(word, here) for word in arguments.optimizer or ()]
    if arguments.only:
        if not named:
            raise ValueError(
                "--only compares just the optimizers that are named, and none is; name them with"
                " --optimizer, such as --only --optimizer rmsprop --optimizer adam=optax:adam."
            )
        return named
    others = {optimizer.name: optimizer for optimizer in named}
    pair = [others.pop(name, default) for name, default in contenders.CONTENDERS.items()]
    return [*pair, *others.values()]


def _problems(arguments: argparse.Namespace) -> list[Problem]:
    """The tasks that are named, and the user's own problems."""
    if arguments.tasks is None:
        names = [] if arguments.problem else list(tasks.QUICK)
    elif arguments.tasks.strip() == "all":
        names = list(tasks.TASKS)
    else:
        names = [name.strip() for name in arguments.tasks.split(",")]
    return [*map(tasks.task, names), *map(_own_problem, arguments.problem)]


def _own_problem(place: str) -> Problem:
    """The problem that `module:name` names, or that the function of this name makes."""
    problem = load_object(place, f"problem {place!r}", Path.cwd())
    if callable(problem):
        try:
            problem = problem()
        except (Exception, SystemExit) as error:  # whatever a stranger's function raises
            reason = (str(error).strip() or "no reason is given").splitlines()[0]
            raise ValueError(
                f"problem {place!r} fails when it is made: {type(error).__name__}: {reason}"
                f"{'' if reason.endswith('.') else '.'}{late_import(error, Path.cwd())}"
            ) from error
    if not isinstance(problem, Problem):
        raise ValueError(
            f"problem {place!r} is {type(problem).__name__}; it must be a rmsprop.study.Problem or"
            f" a function without arguments that makes one."
        )
    return problem
