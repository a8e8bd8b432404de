"""What the commands that tune optimizers share: seeds, schedules, memory, compiled programs."""

from __future__ import annotations

import argparse
import math
import os
import re

import jax

from rmsprop.commands.options import whole_number
from rmsprop.study.running.devices import compilation_cache_is_sound
from rmsprop.study.spelling import size
from rmsprop.study.tasks.data import cache_folder

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
# Runs of the smallest tasks take some kB; no run of a problem of any use fits into less than this.
LEAST_MEMORY = 10**6


def add_seeds_and_schedules(parser: argparse.ArgumentParser, seeds: int = 20) -> None:
    """Adds what says how each optimizer is tuned and reported to `parser`.

    Args:
        parser: The parser of the command.
        seeds: The default number of seeds that are reported.
    """
    parser.add_argument(
        "--schedules",
        default="constant,linear",
        metavar="A,B",
        help="schedules of the learning rate, each optimizer tuned under each: constant, linear (to"
        " 0), inverse_sqrt (1/sqrt(t)); with commas between them, or all; default: %(default)s",
    )
    parser.add_argument(
        "--seeds",
        type=whole_number,
        default=seeds,
        metavar="N",
        help="number of seeds that are reported, at least 2, and at least 6 for a verdict; a seed"
        " draws initial parameters, batches and the split of the data; default: %(default)s",
    )
    parser.add_argument(
        "--tuning-seeds",
        type=whole_number,
        default=3,
        metavar="N",
        help="number of the seeds that a verdict chooses hyper-parameters on, over all such"
        " choices; at most half of --seeds; default: %(default)s",
    )
    parser.add_argument(
        "--first-seed",
        type=whole_number,
        default=0,
        metavar="N",
        help="the first seed that is reported; the same comparison on other seeds is one with"
        " --first-seed 1000 or any other number of at least 0; default: %(default)s",
    )


def add_memory(parser: argparse.ArgumentParser) -> None:
    """Adds the option `--memory` to `parser`."""
    parser.add_argument(
        "--memory",
        type=memory_size,
        metavar="SIZE",
        help="memory that the runs under way may take, on each worker of a cluster, such as 4G or"
        " 500M, at least 1M; default: half of what there is",
    )


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """Adds the option `--cluster` to `parser`."""
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="the scheduler of a Dask cluster, such as tcp://10.0.0.1:8786, whose workers make the"
        " runs; they need the packages that are installed here; default: the cores of this machine",
    )


def memory_size(text: str) -> int:
    """A number of bytes from words such as `4G`.

    Raises:
        argparse.ArgumentTypeError: it is none, or less than `LEAST_MEMORY`.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(f"is {text!r}; it must be a size such as 4G or 500M.")
    count = float(match[1]) * UNITS[match[2].upper()]
    if not LEAST_MEMORY <= count < math.inf:
        raise argparse.ArgumentTypeError(
            f"is {text!r}; it must be at least {size(LEAST_MEMORY)}, for example 4G or 500M."
        )
    return int(count)


def keep_compiled_programs() -> None:
    """Lets JAX keep compiled programs on disk, unless the user has said where they belong."""
    if not compilation_cache_is_sound():
        jax.config.update("jax_enable_compilation_cache", False)
        return
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    try:
        folder = cache_folder() / "xla"
    except RuntimeError:  # no home folder: compiled programs are not kept
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
