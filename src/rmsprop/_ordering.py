"""The order of computation in which XLA overwrites a donated accumulator without a copy.

XLA overwrites a donated accumulator in place where it can tell that everything else that reads the
old one comes first.  On a CPU it often cannot.  It computes an update and an accumulator in two
loops, since a loop has one result only, and both start from the old accumulator if the new one is
cheap to compute again.  XLA then copies the old one, which costs more time and memory than the step
needs.  `lax.optimization_barrier` would prescribe the order, but XLA removes it before it forms the
loops.  XLA cannot look through the call of a function that may not be inlined, and the arrays pass
such a call here.  Where JAX cannot mark a function so (`_experimental`) no order is prescribed, and
XLA may copy.
"""

import jax
from jax import lax

from rmsprop._experimental import set_xla_metadata


def in_order(*arrays: jax.Array) -> tuple[jax.Array, ...]:
    """The same arrays, none of which is used before all of them have been computed, each once.

    In programs for an accelerator they are returned unchanged: one loop computes everything.
    """
    return lax.platform_dependent(*arrays, cpu=_through_a_call, default=_unchanged)


def _through_a_call(*arrays: jax.Array) -> tuple[jax.Array, ...]:
    with set_xla_metadata(inlineable="false"):
        return _pass_on(*arrays)


@jax.jit
def _pass_on(*arrays: jax.Array) -> tuple[jax.Array, ...]:
    return tuple(lax.optimization_barrier(arrays))


def _unchanged(*arrays: jax.Array) -> tuple[jax.Array, ...]:
    return arrays
