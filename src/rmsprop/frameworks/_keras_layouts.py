"""How the variables of Keras stand in a model of Flax.

The arrays are the same. Keras calls `scale` and `bias` of a norm `gamma` and `beta`, and it has the
kernel of a layer before its bias.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from rmsprop._typing import Tree
from rmsprop.frameworks._parameter_layouts import Layout, layout_of, places_of
from rmsprop.frameworks._saved_arrays import Name

# What the last key of a leaf of Flax may be called on the other side.
_ENDINGS = {
    "kernel": ("kernel",),
    "scale": ("gamma",),
    "embedding": ("embeddings",),
    "bias": ("bias", "beta"),
}


def flax_layout(
    params: Tree, order: Sequence[str], *, renamed: Mapping[str, str] | None = None
) -> Layout:
    """Where the variables of a model of Keras stand in a tree of Flax. The arrays are the same.

    Transposed convolutions differ, and have no layout here.

    Args:
        params: The parameters, a tree of dictionaries with Flax's names.
        order: The paths of Keras in its order: `[v.path for v in model.trainable_variables]`. What
            a path has before the name of the layer need not be in the tree.
        renamed: Keras' name of a layer by that of Flax, with slashes between the levels, where the
            two differ: `{"params/Dense_0": "hidden"}`.

    Returns:
        A `Layout`: `import_state(..., names=layout.names)`.

    Raises:
        ValueError: A leaf has no variable in `order`, or a variable has no leaf.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> params = {"out": {"bias": jnp.zeros(2), "kernel": jnp.zeros((3, 2))}}
        >>> order = ["sequential/out/kernel", "sequential/out/bias"]
        >>> rmsprop.frameworks.keras.flax_layout(params, order).names
        {'out': {'bias': 1, 'kernel': 0}}
    """
    places = places_of(params, order, renamed, _ENDINGS, exact=False)
    return layout_of(params, places, _same, _same)


def _same(name: Name, array: np.ndarray) -> np.ndarray:
    del name
    return array
