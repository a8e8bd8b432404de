"""The command `rmsprop map`: its options, and what it does."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rmsprop.commands.output import (
    add_quiet,
    console,
    lacks_page,
    say_what_has_ended,
    write_and_print_map,
)
from rmsprop.commands.protocol import (
    add_cluster,
    add_memory,
    add_seeds_and_schedules,
    keep_compiled_programs,
)
from rmsprop.study import interrupts
from rmsprop.study.maps.planes import DEFAULT_PLANES, PLANES

if TYPE_CHECKING:
    from rmsprop.study.running.cluster import Client

DEFAULT_FOLDER = Path("rmsprop-map")
SEEDS = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `rmsprop map` to `parser`."""
    parser.add_argument(
        "--planes",
        default=",".join(DEFAULT_PLANES),
        metavar="A,B",
        help=f"planes, with commas between them, or all: {', '.join(PLANES)}; default: %(default)s",
    )
    parser.add_argument(
        "--optimizer",
        action="append",
        metavar="NAME",
        help="one optimizer, which RMSprop is mapped against, or two, of which the first is mapped"
        " against the second: rmsprop, adagrad, or NAME=module:function, where the function takes a"
        " learning rate first, such as adam=optax:adam; default: rmsprop and adagrad",
    )
    add_seeds_and_schedules(parser, SEEDS)
    add_memory(parser)
    add_cluster(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=DEFAULT_FOLDER,
        metavar="FOLDER",
        help="where the map goes: index.html and its figures, the numbers as results.nc and"
        " cells.csv, and the runs that have ended; the same command goes on where it was stopped,"
        " and one with other planes adds to what is there; default: %(default)s",
    )
    add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Maps, writes the page and prints the tables.

    Raises:
        ValueError: a word that means nothing, or a folder that cannot take the map.
        OSError: the folder cannot be written to, or the cluster cannot be reached.
    """
    from rmsprop.study.running.cluster import connected

    with connected(arguments.cluster) as executor:
        return _run(arguments, executor)


def _run(arguments: argparse.Namespace, executor: Client | None) -> int:
    from rmsprop.study.contenders import CONTENDERS, named
    from rmsprop.study.maps.making import map as make_map
    from rmsprop.study.maps.presentation import Map
    from rmsprop.study.report import files
    from rmsprop.study.running.progress import Bars
    from rmsprop.study.running.schedules import SCHEDULES

    files.prepare(arguments.out)
    chosen = [named(word, Path.cwd()) for word in arguments.optimizer or ()]
    if len(chosen) > 2:
        raise ValueError(
            f"optimizer is named {len(chosen)} times; a map is of two optimizers: name one or two."
        )
    first = [CONTENDERS["rmsprop"]] if len(chosen) == 1 else []
    planes = [name.strip() for name in arguments.planes.split(",")]
    schedules = [name.strip() for name in arguments.schedules.split(",")]
    keep_compiled_programs()
    interrupts.raise_if_interrupted()
    errors = console(stderr=True, quiet=arguments.quiet)
    try:
        result = make_map(
            "all" if planes == ["all"] else planes,
            [*first, *chosen] or None,
            seeds=arguments.seeds,
            tuning_seeds=arguments.tuning_seeds,
            first_seed=arguments.first_seed,
            schedules=tuple(SCHEDULES) if schedules == ["all"] else schedules,
            folder=arguments.out,
            memory=arguments.memory,
            executor=executor,
            command=arguments.command,
            progress=Bars(errors, interrupts.raise_if_interrupted),
        )
        interrupts.raise_if_interrupted()
    except KeyboardInterrupt:
        if lacks_page(arguments.out):
            ended = Map.load(arguments.out)
            say_what_has_ended(errors, ended.planes)
            write_and_print_map(ended, arguments.out, quiet=True)
        raise
    write_and_print_map(result, arguments.out, quiet=arguments.quiet)
    return 0
