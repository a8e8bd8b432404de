"""In which order XLA computes: what a donated accumulator needs to be overwritten without a copy.

An accumulator that was donated is overwritten in place where XLA can tell that whatever else reads
the old one comes first.  On a CPU it often cannot.  Two loops are made of an update and an
accumulator, for there is no loop of two results, and both start from the old accumulator if the new
one is cheap to compute again; then the old one is copied, which costs more than the step has to,
in memory as well.  `lax.optimization_barrier` says how it should be, but XLA drops it before it
forms the loops.  A function that is called and may not be inlined is what it cannot look through.
Where JAX cannot mark a function so (`_experimental`) nothing is prescribed, and XLA may copy.
"""

import jax
from jax import lax

from rmsprop._experimental import set_xla_metadata


def in_order(*arrays: jax.Array) -> tuple[jax.Array, ...]:
    """The same arrays, none of which is used before all of them are computed, and that only once.

    In programs for an accelerator they are returned as they are: one loop computes everything.
    """
    return lax.platform_dependent(*arrays, cpu=_called, default=_as_they_are)


def _called(*arrays: jax.Array) -> tuple[jax.Array, ...]:
    with set_xla_metadata(inlineable="false"):
        return _pass_on(*arrays)


@jax.jit
def _pass_on(*arrays: jax.Array) -> tuple[jax.Array, ...]:
    return tuple(lax.optimization_barrier(arrays))


def _as_they_are(*arrays: jax.Array) -> tuple[jax.Array, ...]:
    return arrays
