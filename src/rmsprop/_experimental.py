"""Everything that the package takes from `jax.experimental`, for each version of JAX.

JAX moves and removes these names without notice.  No other module imports from `jax.experimental`,
so that a new release of JAX needs changes in this module alone.
"""

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import jax
import jax.core
import jax.numpy as jnp
from jax import lax

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


def sharded_like(model: object, array: jax.Array) -> jax.Array:
    """The array, divided over devices as the model is, where a program is traced.

    Outside of a program `jnp.full_like` follows its argument, and the array is returned unchanged.
    Inside of one the devices of an automatic mesh are no part of an array's type, and XLA puts an
    array that is computed from no other one onto a single device. JAX 0.6.0 to 0.10.2 divides two
    arrays alike by a function in `jax.experimental.shard_alike`; where it has no rule for a
    transformation, the array is returned unchanged. JAX 0.12 has no such function, and the array is
    chosen by a comparison of the model, whose outcome is known. No number depends on it.

    Args:
        model: A traced array, an array or number from outside of the program, or a sharding. A
            traced constant is of no use, because XLA copies constants for every use.
        array: An array of the same shape, of any dtype.
    """
    if isinstance(model, jax.core.Tracer):
        if not model.ndim or not _several_devices(model):
            return array
        function = _optional("jax.experimental.shard_alike", "shard_alike")
        if function is None:
            # XLA divides what is chosen as it does the reason of the choice. No magnitude is
            # negative, that of a NaN included, so that the array itself is chosen always.
            real = lax.real(model) if jnp.iscomplexobj(model) else model
            magnitude = lax.abs(lax.stop_gradient(real))
            never = lax.lt(magnitude, lax.full_like(magnitude, 0))
            return lax.select(never, lax.add(array, lax.full_like(array, 1)), array)
        try:
            # Of several arrays that are to follow a model that a program computes itself, JAX 0.6.0
            # lets the first one follow, unless each has a copy of the model to itself.
            copy = lax.optimization_barrier(lax.stop_gradient(model))
            return function(copy, array)[1]
        except NotImplementedError:
            return array
    if isinstance(array, jax.core.Tracer):
        # The values of an array that a program closes over would become a constant of it.
        named = jax.sharding.NamedSharding
        sharding = model if isinstance(model, named) else getattr(model, "sharding", None)
        if isinstance(sharding, named) and _automatic(sharding.mesh):
            return lax.with_sharding_constraint(array, sharding)
    return array


def undivided(function: Callable[[jax.Array], jax.Array], array: jax.Array) -> jax.Array:
    """A small part of an array, whole on every device, where the array is divided explicitly.

    On an explicit mesh a slice has to be divided as its array is, which the places of a sample are
    not in general. The axes are automatic inside, and XLA sends what is asked for. JAX 0.6.0 has no
    such function at its top level, and the function is called as it is.

    Args:
        function: A function of one array.
        array: Its argument.
    """
    sharding = jax.typeof(array).sharding
    automatic = getattr(jax.sharding, "auto_axes", None)
    if automatic is None or all(entry is None for entry in sharding.spec):
        return function(array)
    whole = jax.sharding.NamedSharding(sharding.mesh, jax.sharding.PartitionSpec())
    return automatic(function, out_sharding=whole)(array)


def _several_devices(array: jax.core.Tracer) -> bool:
    """Whether a traced array may be divided, here or where the program is to run.

    JAX numbers the pairs that are divided alike, and its compilation cache would not know a program
    again whose pairs have other numbers. On one device there are none.
    """
    return jax.device_count() > 1 or bool(jax.typeof(array).sharding.mesh.axis_names)


def _automatic(mesh: jax.sharding.Mesh | jax.sharding.AbstractMesh) -> bool:
    """Whether all axes of a mesh and of the context are automatic, and none is mapped over."""
    context = jax.sharding.get_abstract_mesh()
    return all(
        kind == jax.sharding.AxisType.Auto
        for kind in (*(mesh.axis_types or ()), *(context.axis_types or ()))
    )


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
