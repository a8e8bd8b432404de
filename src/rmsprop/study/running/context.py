"""The settings of JAX that hold where a study is called, carried into the threads that run it.

Settings such as `with jax.enable_x64(True):` hold for one thread. A study traces, compiles and runs
in threads of its own; without this module its programs would be those of the global settings.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax

from rmsprop import _experimental

# Those that change a program, and so the numbers of a run.
NUMERICS = (
    "enable_x64",
    "default_matmul_precision",
    "numpy_dtype_promotion",
    "default_prng_impl",
    "threefry_partitionable",
    "softmax_custom_jvp",
)
# Those that decide whether there are numbers, and where.
_OTHERS = (
    "numpy_rank_promotion",
    "debug_nans",
    "debug_infs",
    "default_device",
    "check_tracer_leaks",
    "transfer_guard",
    "legacy_prng_key",
)
# Those that another process can be given: they are no objects of this one.
_PORTABLE = (*NUMERICS, "numpy_rank_promotion", "debug_nans", "debug_infs")
# What a thread has entered holds as long as the thread.
_entered = threading.local()


def numerics() -> dict[str, object]:
    """The settings of the calling thread that decide the numbers of a run, by name."""
    return {name: value for name, value in _settings().items() if name in NUMERICS}


def portable() -> dict[str, Any]:
    """The settings of the calling thread that a worker in another process runs with, by name."""
    return {name: value for name, value in _settings().items() if name in _PORTABLE}


@contextlib.contextmanager
def entered(settings: Mapping[str, Any]) -> Iterator[None]:
    """A context in which settings of another thread or process hold in this thread.

    Args:
        settings: Values by name, as `portable` gives them.
    """
    here = _settings()
    with contextlib.ExitStack() as stack:
        for name, value in settings.items():
            if here[name] != value:
                # What has no context of its own is the same in all threads.
                of_jax = _experimental.enable_x64 if name == "enable_x64" else getattr(jax, name)
                stack.enter_context(of_jax(value))
        yield


def executor(count: int) -> ThreadPoolExecutor:
    """Threads in which the settings of the calling thread hold.

    Args:
        count: How many threads there are at most.
    """
    return ThreadPoolExecutor(count, initializer=_enter, initargs=(_settings(),))


def _settings() -> dict[str, Any]:
    """The settings of JAX in this thread, as far as this version of JAX has them."""
    names = ((name, f"jax_{name}") for name in (*NUMERICS, *_OTHERS))
    return {name: getattr(jax.config, key) for name, key in names if hasattr(jax.config, key)}


def _enter(settings: Mapping[str, Any]) -> None:
    _entered.stack = contextlib.ExitStack()
    _entered.stack.enter_context(entered(settings))
