"""A view into a run: effective learning rates, update-to-weight ratios, and where eps decides.

`watch` goes around any optimizer of Optax and keeps in its state what a few coordinates of each
leaf went through.  `read` makes numbers of it, which any logger takes:

    optimizer = telemetry.watch(rmsprop.rmsprop(1e-3), every=100)
    ...
    logger.log(telemetry.read(state))

`observe` is a pure function of gradients, updates and parameters for a step of one's own, `table`
shows the numbers in a terminal, and `plot` those of a whole run.
"""

from rmsprop.telemetry._read import observe, read
from rmsprop.telemetry._shown import plot, table
from rmsprop.telemetry._watch import WatchState, watch

__all__ = ["WatchState", "observe", "plot", "read", "table", "watch"]
