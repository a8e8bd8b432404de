"""The program that runs an optimizer on a problem, and how many runs it maps together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from rmsprop.study.problems import Problem
from rmsprop.study.running.devices import on_cpu

# Runs mapped together on an accelerator, where a chunk should fill the device.
ACCELERATOR_WIDTH = 256


def default_width(problem: Problem) -> int:
    """How many runs are mapped together on the device at hand."""
    return problem.width if on_cpu() else ACCELERATOR_WIDTH


def _mapped(run: Callable[..., Any], width: int) -> Callable[..., Any]:
    if width > 1:
        return jax.vmap(run)

    def alone(hyperparameters: Mapping[str, Any], seeds: Any) -> Any:
        # vmap over one run would still give every array one more dimension
        outcome = run({name: x[0] for name, x in hyperparameters.items()}, seeds[0])
        return jax.tree.map(lambda x: x[None], outcome)

    return alone


def _arguments(names: Sequence[str], width: int) -> tuple[Any, Any]:
    return (
        {name: jax.ShapeDtypeStruct((width,), jnp.float32) for name in names},
        jax.ShapeDtypeStruct((width,), jnp.int32),
    )
