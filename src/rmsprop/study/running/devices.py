"""What the runs are spread over: cores or devices, and their memory."""

from __future__ import annotations

import os
import platform

import jax


def on_cpu() -> bool:
    """Whether the runs are spread over cores, rather than over devices."""
    return jax.default_backend() == "cpu"


def device() -> str:
    """What the numbers were made on; others may round in another way."""
    return f"{jax.devices()[0].device_kind} ({platform.machine()})"


def available_cores() -> int:
    """The cores that this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory() -> int:
    """Half of the machine's memory, or of the device's, in bytes: what a study may take."""
    if not on_cpu():
        limit = (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit")
        if limit:
            return int(limit) // 2
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def compilation_cache_is_sound() -> bool:
    """Whether a program that JAX reads from its cache on disk is the one that was compiled.

    JAX 0.6.0 reads zeros in the place of the arrays that a program holds, so that the same study
    ends with other numbers when it is run again; 0.6.2 does not.
    """
    return jax.__version_info__ >= (0, 6, 2)
