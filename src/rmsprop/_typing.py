"""Names of types that annotations cannot express more exactly."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax

Tree: TypeAlias = Any
"""A pytree of arrays: any nesting of containers that JAX knows, including those of users."""

LeafFunction: TypeAlias = Callable[..., tuple[jax.Array, ...]]
"""`(gradient, *accumulators) -> (update, *new ones)`, with `noise` where stores are rounded."""
