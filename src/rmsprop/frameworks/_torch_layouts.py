"""How the parameters of PyTorch stand in a model of Flax or Equinox.

PyTorch                        Flax                          Equinox
Linear.weight (out, in)        Dense kernel (in, out)        weight (out, in)
Conv.weight (out, in, *sizes)  Conv kernel (*sizes, in, out) weight (out, in, *sizes)
Conv.bias (out,)               bias (out,)                   bias (out, 1, ..., 1)
norms: weight                  scale                         weight
Embedding.weight               embedding                     weight
"""

from collections.abc import Mapping, Sequence

import numpy as np

from rmsprop._typing import Tree
from rmsprop.frameworks._parameter_layouts import (
    Layout,
    Place,
    Reshaped,
    Transposed,
    layout_of,
    places_of,
)

# What the last key of a leaf of Flax may be called on the other side.
_ENDINGS = {
    "kernel": ("weight",),
    "scale": ("weight",),
    "embedding": ("weight",),
    "bias": ("bias",),
}


def flax_layout(
    params: Tree, order: Sequence[str], *, renamed: Mapping[str, str] | None = None
) -> Layout:
    """Where the parameters of a module of PyTorch stand in a tree of Flax, and how they lie.

    Kernels of `Dense` and `Conv` are transposed; everything else has the same layout. Transposed
    convolutions and attention have other layouts and are not covered.

    Args:
        params: The parameters, a tree of dictionaries with Flax's names, as `module.init` or
            `nnx.state(model, nnx.Param)` returns it.
        order: The names of PyTorch in its order: `[n for n, _ in model.named_parameters()]`.
        renamed: PyTorch's name of a module by that of Flax, with dots between the levels, where
            the two differ: `{"params.Dense_0": "0"}`.

    Returns:
        A `Layout`: `import_state(..., names=layout.names, to_ours=layout.to_ours)`.

    Raises:
        ValueError: A leaf has no parameter in `order`, or a parameter has no leaf.

    Example:
        >>> import jax.numpy as jnp, numpy as np, rmsprop
        >>> params = {"Dense_0": {"bias": jnp.zeros(2), "kernel": jnp.zeros((3, 2))}}
        >>> layout = rmsprop.frameworks.torch.flax_layout(
        ...     params, ["0.weight", "0.bias"], renamed={"Dense_0": "0"}
        ... )
        >>> layout.names
        {'Dense_0': {'bias': 1, 'kernel': 0}}
        >>> layout.to_ours(0, np.ones((2, 3))).shape
        (3, 2)
    """
    places = places_of(params, order, renamed, _ENDINGS, exact=True)
    kernels = {number for number, leaf in places.items() if leaf.last == "kernel"}
    return layout_of(
        params, places, Transposed(kernels, _last_first), Transposed(kernels, _first_last)
    )


def equinox_layout(
    params: Tree, order: Sequence[str], *, renamed: Mapping[str, str] | None = None
) -> Layout:
    """Where the parameters of a module of PyTorch stand in a module of Equinox, and how they lie.

    The arrays are the same except for the biases of convolutions, which have further axes of
    length 1 in Equinox. Transposed convolutions differ, and have no layout here.

    Args:
        params: The arrays of the module: `eqx.filter(model, eqx.is_inexact_array)`.
        order: The names of PyTorch in its order: `[n for n, _ in model.named_parameters()]`.
        renamed: PyTorch's name of a module by that of Equinox, with dots between the levels, where
            the two differ: `{"layers.0": "0"}`.

    Returns:
        A `Layout`: `import_state(..., names=layout.names, to_ours=layout.to_ours)`.

    Raises:
        ValueError: A leaf has no parameter in `order`, or a parameter has no leaf.

    Example:
        >>> import jax.numpy as jnp, numpy as np, rmsprop
        >>> params = {"conv": {"weight": jnp.zeros((4, 3, 2)), "bias": jnp.zeros((4, 1))}}
        >>> order = ["conv.weight", "conv.bias"]
        >>> layout = rmsprop.frameworks.torch.equinox_layout(params, order)
        >>> layout.to_ours(1, np.ones(4)).shape
        (4, 1)
    """
    places = places_of(params, order, renamed, {}, exact=True)
    shapes = _biases_of_convolutions(places, order)
    flat = {number: (shape[0],) for number, shape in shapes.items()}
    return layout_of(params, places, Reshaped(shapes), Reshaped(flat))


def _biases_of_convolutions(
    places: Mapping[int, Place], order: Sequence[str]
) -> dict[int, tuple[int, ...]]:
    """By its number the shape of each bias that belongs to the kernel of a convolution.

    That has one axis more than the bias, `(out, in, *sizes)` beside `(out, 1, ..., 1)`.
    """
    kernels = {order[number]: place for number, place in places.items()}
    shapes = {}
    for number, place in places.items():
        kernel = kernels.get(order[number].removesuffix("bias") + "weight")
        if place.last != "bias" or len(place.shape) < 2 or kernel is None:
            continue
        if len(kernel.shape) == len(place.shape) + 1 and {*place.shape[1:]} == {1}:
            shapes[number] = place.shape
    return shapes


def _last_first(array: np.ndarray) -> np.ndarray:
    """(out, in, *sizes) as (*sizes, in, out)."""
    return array.transpose(*range(2, array.ndim), 1, 0)


def _first_last(array: np.ndarray) -> np.ndarray:
    """(*sizes, in, out) as (out, in, *sizes)."""
    return array.transpose(array.ndim - 1, array.ndim - 2, *range(array.ndim - 2))
