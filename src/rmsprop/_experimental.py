"""Everything that the package takes from `jax.experimental`, for each version of JAX.

JAX moves and removes these names without notice.  No other module imports from `jax.experimental`,
so that a new release of JAX needs changes in this module alone.
"""

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import jax

from rmsprop._typing import Tree

# `Any` stands below because no type of an experimental function holds in every version of JAX.
_Function = TypeVar("_Function", bound=Callable[..., Any])


def set_xla_metadata(**attributes: str) -> AbstractContextManager[Any]:
    """A context whose operations have attributes that XLA reads, such as `inlineable="false"`.

    JAX 0.6.0 to 0.10.2 has it in `jax.experimental.xla_metadata`. Where it is missing nothing is
    marked: a step gives the same numbers, but XLA may copy accumulators on a CPU, which makes the
    step slower (`_ordering`).
    """
    function = _optional("jax.experimental.xla_metadata", "set_xla_metadata")
    return nullcontext() if function is None else function(**attributes)


def shard_map(
    function: _Function, *, mesh: jax.sharding.Mesh, in_specs: Tree, out_specs: Tree
) -> _Function:
    """The function applied to the parts of its arguments that each device of the mesh holds.

    JAX's check of the values that vary over devices is switched off. Recent versions of JAX have
    the function at their top level; JAX 0.6.0 has it in `jax.experimental.shard_map`, where the
    check has another name.

    Args:
        function: A function of arrays.
        mesh: The devices.
        in_specs: How the arguments are divided, a tree of `jax.sharding.PartitionSpec`.
        out_specs: How the results are put together, likewise a tree of `PartitionSpec`.

    Raises:
        ImportError: JAX has the function in neither place.
    """
    if hasattr(jax, "shard_map"):
        return jax.shard_map(
            function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False
        )
    older = _required("jax.experimental.shard_map", "shard_map")
    return older(function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_rep=False)


def enable_x64(on: bool = True) -> AbstractContextManager[Any]:
    """A context with double precision, or without it, for the calling thread alone.

    JAX has it at its top level since 0.8; older versions have it in `jax.experimental`.

    Args:
        on: Whether there is double precision.

    Raises:
        ImportError: JAX has the function in neither place.
    """
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(on)
    return _required("jax.experimental", "enable_x64")(on)


def _optional(module: str, name: str) -> Callable[..., Any] | None:
    """The function of this name in a module of JAX, or None where either is missing."""
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None


def _required(module: str, name: str) -> Callable[..., Any]:
    value = _optional(module, name)
    if value is None:
        raise ImportError(
            f"JAX {jax.__version__} has {name} neither at its top level nor in {module}. Install"
            f" a version of JAX between 0.6.0 and 0.10.2, for which this package is tested."
        )
    return value
