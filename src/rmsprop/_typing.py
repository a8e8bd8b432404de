"""Names for what annotations cannot say more exactly."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax

Tree: TypeAlias = Any
"""A pytree of arrays: any nesting of containers that JAX knows, those of users among them."""

LeafFunction: TypeAlias = Callable[..., tuple[jax.Array, ...]]
"""`(gradient, *accumulators) -> (update, *new accumulators)`; with `noise` where stores round."""
