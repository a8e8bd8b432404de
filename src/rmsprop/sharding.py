"""Optimizer state that is spread over the devices of a mesh while parameters stay whole (ZeRO-1).

Where a batch is divided over an axis of a mesh, every device of that axis holds the same parameters
and, usually, the same optimizer state.  Only the parameters are needed everywhere.  An update works
on each number alone, so that a device can keep its part of the state, compute its part of the
updates, and receive the other parts of the new parameters from the other devices.  With `n` devices
each holds one `n`-th of the state.

`init` makes such a state, and `shardings` says where its arrays are, for `jax.jit`'s
`out_shardings` and for checkpoints.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.core import Tracer
from jax.sharding import AbstractMesh, Mesh, NamedSharding, PartitionSpec

from rmsprop._trees import check_parameters
from rmsprop._typing import Tree
from rmsprop.rows import RowOptimizer
from rmsprop.telemetry import WatchState

__all__ = ["init", "shardings"]

AnyOptimizer: TypeAlias = optax.GradientTransformation | RowOptimizer
AnyMesh: TypeAlias = Mesh | AbstractMesh


def init(
    optimizer: AnyOptimizer, params: Tree, *, mesh: Mesh, axis: str | Sequence[str] = "data"
) -> Tree:
    """A new state of the optimizer, spread over an axis of a mesh.

    The values are those of `optimizer.init(params)`. Each array of the state is made in its parts,
    so that no device ever holds the whole of it, and lies as `shardings` says.

    Args:
        optimizer: An optimizer of this package, of `rmsprop.frameworks` or of Optax, in any chain
            and wrapper; or one of `rmsprop.rows`.
        params: The parameters; of a row optimizer the table. They are replicated over the axis,
            and may be divided over other axes of the mesh.
        mesh: The devices. Its axes may be automatic or explicit.
        axis: The name of the axis over which the data are divided, or several names.

    Returns:
        The state, with the structure, shapes and dtypes of `optimizer.init(params)`.

    Raises:
        ValueError: The mesh has no such axis, an axis is named twice, or a parameter lies on
            other devices.
        TypeError: `optimizer` has no `init`, `mesh` is no mesh of devices, `axis` is no name, or a
            parameter is no array.

    Warns:
        UserWarning: Arrays of the state stay whole on every device, because none of their axes can
            be divided. They are named, with their sizes in bytes.

    Example:
        >>> import jax, jax.numpy as jnp, rmsprop
        >>> from jax.sharding import NamedSharding, PartitionSpec
        >>> mesh = jax.make_mesh((jax.device_count(),), ("data",))
        >>> whole = NamedSharding(mesh, PartitionSpec())
        >>> params = {"kernel": jax.device_put(jnp.ones((64, 10)), whole)}
        >>> state = rmsprop.sharding.init(rmsprop.rmsprop(0.1), params, mesh=mesh)
        >>> tuple(state[0].nu["kernel"].sharding.spec)
        ('data',)

    References:
        Rajbhandari, Rasley, Ruwase and He, "ZeRO: Memory optimizations toward training trillion
        parameter models", SC 2020, stage 1. https://arxiv.org/abs/1910.02054
    """
    if not isinstance(mesh, Mesh):
        raise TypeError(
            f"mesh is {_kind(mesh)}; it must be a jax.sharding.Mesh of devices, as jax.make_mesh"
            " returns it."
        )
    state, arrays = _placed(optimizer, params, mesh, axis)
    _name_whole(arrays, mesh, axis)
    return jax.jit(optimizer.init, out_shardings=_places(state, arrays, mesh))(params)


def shardings(
    optimizer: AnyOptimizer, params: Tree, *, mesh: AnyMesh, axis: str | Sequence[str] = "data"
) -> Tree:
    """Where the arrays of an optimizer's state lie if it is spread over an axis of a mesh.

    An array of the state lies as its parameter does, and is divided over `axis` in addition: along
    its first axis that no other axis of the mesh divides and whose length is a multiple of the
    number of devices, or else along one that is divided already. Arrays of which no axis can be
    divided, single numbers and random keys lie whole on every device, and so do integers that
    belong to no parameter, and what `rmsprop.telemetry.watch` has seen. What is divided over `axis`
    already, as fully sharded parameters are, stays as it is.

    The result is for `out_shardings` of the compiled step, beside those of the parameters:
    `jax.jit(step, out_shardings=(jax.tree.map(lambda p: p.sharding, params), of_state))`. Without
    the first XLA would leave the parameters divided as the state is. Together with the shapes of
    `jax.eval_shape(optimizer.init, params)` it is the target of a checkpoint that is restored,
    which may have been saved from another mesh.

    Args:
        optimizer: As in `init`.
        params: As in `init`; `jax.ShapeDtypeStruct` with or without a sharding will do.
        mesh: As in `init`; an abstract mesh will do.
        axis: As in `init`.

    Returns:
        A tree of `jax.sharding.NamedSharding` with the structure of `optimizer.init(params)`.

    Raises:
        ValueError: As in `init`.
        TypeError: As in `init`.

    Example:
        >>> import jax, jax.numpy as jnp, rmsprop
        >>> mesh = jax.sharding.AbstractMesh((8,), ("data",))
        >>> params = {"kernel": jax.ShapeDtypeStruct((3, 64), jnp.float32)}
        >>> optimizer = rmsprop.rmsprop(0.1, momentum=0.9)
        >>> of_state = rmsprop.sharding.shardings(optimizer, params, mesh=mesh)
        >>> tuple(of_state[0].nu["kernel"].spec)
        (None, 'data')
    """
    state, arrays = _placed(optimizer, params, mesh, axis)
    return _places(state, arrays, mesh)


class _Parameter(NamedTuple):
    """A parameter: its path, its shape, and how it is divided."""

    path: tuple[Any, ...]
    shape: tuple[int, ...]
    spec: tuple[Any, ...]


class _Array(NamedTuple):
    """An array of the state, how it is to be divided, and whether it had to stay whole."""

    path: tuple[Any, ...]
    struct: jax.ShapeDtypeStruct
    spec: PartitionSpec
    is_left: bool


def _placed(
    optimizer: AnyOptimizer, params: Tree, mesh: AnyMesh, axis: str | Sequence[str]
) -> tuple[Tree, list[_Array]]:
    """The shapes and dtypes of the state, and its arrays with their places."""
    if not callable(getattr(optimizer, "init", None)):
        raise TypeError(
            f"optimizer is {_kind(optimizer)}; it must have the functions init and update, as"
            " rmsprop.rmsprop(0.1) has."
        )
    axes = _checked_axes(mesh, axis)
    check_parameters(params)
    parameters = [*_parameters(params, mesh)]
    state = jax.eval_shape(optimizer.init, params)
    arrays = []
    seen = jax.tree.leaves(_seen(state))
    for (path, struct), is_seen in zip(
        jax.tree_util.tree_flatten_with_path(state)[0], seen, strict=True
    ):
        if is_seen:
            arrays.append(_Array(path, struct, PartitionSpec(), False))
            continue
        model = _model(path, struct.shape, parameters)
        spec = (*(model.spec if model else ()), *[None] * struct.ndim)[: struct.ndim]
        divided = spec
        if _may_be_divided(struct, model):
            divided = _divided(struct.shape, spec, mesh, axes)
        is_left = divided is None
        arrays.append(_Array(path, struct, _partition_spec(divided or spec), is_left))
    return state, arrays


def _seen(state: Tree) -> Tree:
    """Which arrays of the state are what a watch has seen: a few numbers, which are read whole."""

    def of(node: Tree) -> Tree:
        """True for what a watch keeps for itself, and what is inside of it by the same rule."""
        if not isinstance(node, WatchState):
            return False
        own = jax.tree.map(lambda _: True, node._replace(inner_state=None))
        return own._replace(inner_state=_seen(node.inner_state))

    return jax.tree.map(of, state, is_leaf=lambda node: isinstance(node, WatchState))


def _places(state: Tree, arrays: list[_Array], mesh: AnyMesh) -> Tree:
    """The shardings of the arrays in the structure of the state."""
    places = [NamedSharding(mesh, array.spec) for array in arrays]
    return jax.tree.unflatten(jax.tree.structure(state), places)


def _checked_axes(mesh: AnyMesh, axis: str | Sequence[str]) -> tuple[str, ...]:
    """The names of the axes, which the mesh has.

    Raises:
        ValueError: The mesh has no axis of this name.
        TypeError: `mesh` is no mesh, or a name is no string.
    """
    if not isinstance(mesh, Mesh | AbstractMesh):
        raise TypeError(
            f"mesh is {_kind(mesh)}; it must be a jax.sharding.Mesh, as jax.make_mesh returns it."
        )
    given: Sequence[object] = axis if isinstance(axis, list | tuple) else (axis,)
    axes = tuple(name for name in given if isinstance(name, str))
    if len(axes) < len(given):
        raise TypeError(
            f"axis is {axis!r}; it must be the name of one of the mesh's axes, {_axes_of(mesh)}, or"
            " a tuple of names."
        )
    if len({*axes}) < len(axes):
        raise ValueError(f"axis is {axis!r}; it must name each axis once.")
    if not axes or any(name not in mesh.shape for name in axes):
        raise ValueError(f"axis is {axis!r}; it must be one of the mesh's axes, {_axes_of(mesh)}.")
    return axes


def _parameters(params: Tree, mesh: AnyMesh) -> Iterator[_Parameter]:
    """The parameters, each of which lies on the devices of the mesh, or on no particular one.

    Raises:
        ValueError: A parameter lies elsewhere.
    """
    for path, leaf in jax.tree_util.tree_flatten_with_path(params)[0]:
        sharding = _sharding_of(leaf)
        name = f"parameter{jax.tree_util.keystr(path)}"
        remedy = (
            "Put the parameters onto the mesh first: jax.device_put(params,"
            " jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec()))."
        )
        spec: tuple[Any, ...] = ()
        if isinstance(sharding, NamedSharding):
            spec = tuple(sharding.spec)
            sizes = {axis: sharding.mesh.shape[axis] for axis in _names(spec)}
            foreign = [axis for axis, size in sizes.items() if mesh.shape.get(axis) != size]
            if foreign:
                raise ValueError(
                    f"{name} is divided over the axis {foreign[0]!r} ({sizes[foreign[0]]}) of"
                    f" another mesh; the axes of this one are {_axes_of(mesh)}. {remedy}"
                )
        elif sharding is not None and not sharding.is_fully_replicated:
            raise ValueError(
                f"{name} has the sharding {sharding}; it must be a jax.sharding.NamedSharding."
                f" {remedy}"
            )
        if isinstance(mesh, Mesh) and _is_elsewhere(leaf, sharding, mesh):
            raise ValueError(
                f"{name} lies on {_devices(sharding)}, and the mesh has {_devices(mesh)}. {remedy}"
            )
        yield _Parameter(path, np.shape(leaf), spec)


def _sharding_of(leaf: object) -> jax.sharding.Sharding | None:
    """The sharding of an array; of a traced one that of its type, of a NumPy array none."""
    if isinstance(leaf, Tracer):
        return getattr(jax.typeof(leaf), "sharding", None)
    return getattr(leaf, "sharding", None)


def _is_elsewhere(leaf: object, sharding: jax.sharding.Sharding | None, mesh: Mesh) -> bool:
    """Whether an array was put onto other devices than those of the mesh.

    What was put nowhere in particular lies on the first device, and goes wherever it is needed.
    """
    if sharding is None or isinstance(getattr(sharding, "mesh", None), AbstractMesh):
        return False
    is_free = not getattr(leaf, "committed", True)
    return not is_free and sharding.device_set != {*mesh.devices.flat}


def _model(
    path: tuple[Any, ...], shape: tuple[int, ...], parameters: list[_Parameter]
) -> _Parameter | None:
    """The parameter as which an array of the state lies: one of the same shape, or of its rows.

    Of several it is the one whose path ends like that of the array; if even that leaves a choice,
    any will do, since arrays of one shape can be divided alike.
    """

    def likeness(parameter: _Parameter) -> tuple[bool, int, int]:
        """Equal shapes first, then the longest common end of the paths, then the shorter path."""
        pairs = zip(reversed(path), reversed(parameter.path), strict=False)
        equal = [ours == theirs for ours, theirs in pairs]
        return parameter.shape == shape, [*equal, False].index(False), -len(parameter.path)

    of_these_rows = [p for p in parameters if p.shape[: len(shape)] == shape]
    return max(of_these_rows, key=likeness, default=None)


def _may_be_divided(struct: jax.ShapeDtypeStruct, model: _Parameter | None) -> bool:
    """Whether an array grows with the parameters, as counts, rates and random keys do not."""
    is_number = jnp.issubdtype(struct.dtype, jnp.inexact)
    is_counter = jnp.issubdtype(struct.dtype, jnp.integer) and model is not None
    return struct.size > 1 and (is_number or is_counter)


def _divided(
    shape: tuple[int, ...], spec: tuple[Any, ...], mesh: AnyMesh, axes: tuple[str, ...]
) -> tuple[Any, ...] | None:
    """The places of an array's axes with `axes` among them, or None where none can be divided."""
    used = _names(spec)
    new = tuple(axis for axis in axes if axis not in used)
    parts = math.prod(mesh.shape[axis] for axis in new)
    # Parts of the first axis are contiguous in memory, which makes them cheap to send.
    for index in sorted(range(len(shape)), key=lambda index: spec[index] is not None):
        before = _names(spec[index : index + 1])
        if shape[index] % (parts * math.prod(mesh.shape[axis] for axis in before)) == 0:
            both = (*before, *new)
            place = both if len(both) > 1 else next(iter(both), None)
            return (*spec[:index], place, *spec[index + 1 :])
    return None


def _names(spec: tuple[Any, ...]) -> tuple[str, ...]:
    """The axes of a mesh that a specification names."""
    entries = ((entry,) if isinstance(entry, str) else entry or () for entry in spec)
    return tuple(name for entry in entries for name in entry)


def _partition_spec(spec: tuple[Any, ...]) -> PartitionSpec:
    """The specification without the axes at the end that are not divided."""
    while spec and spec[-1] is None:
        spec = spec[:-1]
    return PartitionSpec(*spec)


_SHOWN = 6


def _name_whole(arrays: list[_Array], mesh: Mesh, axis: str | Sequence[str]) -> None:
    """Warns of the arrays of which no axis can be divided, the largest first."""
    sizes = [(_bytes(array.struct), array) for array in arrays if array.is_left]
    if not sizes:
        return
    sizes.sort(key=lambda size: -size[0])
    names = [
        f"state{jax.tree_util.keystr(array.path)} of shape {array.struct.shape} ({number:,} bytes)"
        for number, array in sizes[:_SHOWN]
    ]
    if len(sizes) > _SHOWN:
        names.append(f"and {len(sizes) - _SHOWN} more")
    parts = math.prod(mesh.shape[name] for name in _checked_axes(mesh, axis))
    total = sum(_bytes(array.struct) for array in arrays)
    warnings.warn(
        f"{len(sizes)} of {len(arrays)} arrays of the optimizer state stay whole on every device,"
        f" {sum(number for number, _ in sizes):,} of {total:,} bytes, because none of their axes"
        f" can be divided into {parts} parts: {', '.join(names)}.",
        stacklevel=3,
    )


def _bytes(struct: jax.ShapeDtypeStruct) -> int:
    """The size of an array; a random key counts as nothing."""
    return struct.size * getattr(struct.dtype, "itemsize", 0)


def _axes_of(mesh: AnyMesh) -> str:
    """The names and the sizes of a mesh's axes, for messages."""
    return ", ".join(f"{name!r} ({size})" for name, size in mesh.shape.items()) or "none"


def _devices(place: jax.sharding.Sharding | Mesh | None) -> str:
    """The devices of a place, for messages."""
    flat = place.devices.flat if isinstance(place, Mesh) else getattr(place, "device_set", ())
    devices = sorted(flat, key=lambda device: device.id)
    names = ", ".join(str(device) for device in devices[:4])
    return names + (f", ... ({len(devices)} devices)" if len(devices) > 4 else "")


def _kind(value: object) -> str:
    return f"an object of type {type(value).__name__}"
