"""Factorisations of matrices on a CPU, of which no two may be under way at once.

The factorisation of a batch of matrices blocks a thread until other threads have done its parts
(jaxlib 0.10.2).  Two of them may therefore wait for each other for ever, in one program or in two.
Those of single matrices do not.
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax

from rmsprop.study.running.devices import on_cpu

_T = TypeVar("_T")
# What the name of each factorisation begins with in the text of a program for a CPU.
FACTORING = "lapack_"
# One of several matrices; of three diagonals, whose arguments have one dimension less, of any.
_OF_A_BATCH = re.compile(rf"@{FACTORING}(?:\w*gtsv|\w+\([^\n]*: \(tensor<(?:\d+x){{3,}})")
# The calls of programs that factor batches hold it.
ONE_AT_A_TIME = threading.Lock()


def factors_batches(text: str) -> bool:
    """Whether a program for a CPU, as `jax.stages.Lowered.as_text` gives it, factors batches."""
    return _OF_A_BATCH.search(text) is not None


@functools.cache
def one_after_the_other() -> dict[str, str]:
    """The compiler's option for a program that computes one thing after the other.

    Older versions of jaxlib do not know it; with 0.6.0 no program has been seen to wait.
    """
    option = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}
    try:
        jax.jit(lambda x: x).lower(0.0).compile(compiler_options=dict(option))
    except jax.errors.JaxRuntimeError:
        return {}
    return option


def called(
    function: Callable[..., _T], *arguments: jax.Array | Mapping[str, jax.Array], **options: object
) -> _T:
    """What a function returns that is compiled with these options, and factors one at a time."""
    lowered = jax.jit(function).lower(*arguments)
    chosen: dict[str, Any] = dict(options)
    if not on_cpu() or not factors_batches(lowered.as_text()):
        return lowered.compile(compiler_options=chosen)(*arguments)
    with ONE_AT_A_TIME:
        compiled = lowered.compile(compiler_options=chosen | one_after_the_other())
        return jax.block_until_ready(compiled(*arguments))
