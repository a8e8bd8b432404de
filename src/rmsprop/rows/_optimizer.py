"""The dense optimizer on touched rows: state, step, flush and conversions of the state."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax
from jax.typing import ArrayLike

from rmsprop._hyperparameters import Scalar
from rmsprop._precision import widen
from rmsprop._states import check_fields, check_links, increment, zero_count
from rmsprop._typing import Tree
from rmsprop.rows import _checks as checks
from rmsprop.rows import _sharding as sharding
from rmsprop.rows import _updates as updates


class RowState(NamedTuple):
    """State of an optimizer of one table; its structure, shapes and dtypes never change.

    Attributes:
        dense: The state of the dense optimizer. With exact RMSprop each row of it is as it was
            after the step in which the row was last touched; `to_dense` brings all rows up to date.
        count: The number of steps taken so far, int32, shape (); None where rows have nothing to
            catch up with.
        seen: The number of these steps that each row's moments include, int32, shape (rows,); or
            None.
    """

    dense: Tree
    count: jax.Array | None  # pyright: ignore[reportIncompatibleMethodOverride] (as in Optax)
    seen: jax.Array | None


# The libraries whose functions take gradient transformations, and call their `init` and `update`.
_OF_TRANSFORMATIONS = {
    "optax": "optax.chain or another wrapper of Optax's",
    "flax": "a training state or an optimizer of Flax's",
}
_NO_TRANSFORMATION = (
    "a RowOptimizer is not a gradient transformation: it has no update, but step, which changes the"
    " touched rows of one table. It cannot be inside of {place}. Keep it beside the optimizer of"
    " the dense parameters, with a state of its own: state = optimizer.init(table), then table,"
    " state = optimizer.step(table, state, ids, row_gradients). Clip or scale row_gradients before"
    " that call. A rate that changes is a schedule, or a traced number: call rows.rmsprop(rate) or"
    " rows.adagrad(rate) inside of the compiled function."
)


class RowOptimizer(NamedTuple):
    """The pure functions of an optimizer; `step` is for `jax.jit` with `donate_argnums=(0, 1)`.

    It is not a gradient transformation. A wrapper of Optax or a training state of Flax that reads
    it is refused, at the latest when the state is made.

    Attributes:
        init: `init(table) -> state`.
        step: `step(table, state, ids, row_gradients) -> (table, state)`, both with unchanged shapes
            and dtypes. A row of the table is rounded once, from float32 or wider.
        flush: `flush(state) -> state` brings every row up to date, at the cost of a pass over the
            state.
        to_dense: `to_dense(state) -> dense_state` flushes the state and returns exactly that of the
            dense optimizer of this package with the same arguments, for checkpoints or to continue
            with that optimizer.
        from_dense: `from_dense(dense_state) -> state` is the inverse. It takes a state of Optax's
            as well.
    """

    init: Callable[[jax.Array], RowState]
    step: Callable[[jax.Array, RowState, ArrayLike, ArrayLike], tuple[jax.Array, RowState]]
    flush: Callable[[RowState], RowState]
    to_dense: Callable[[RowState], Tree]
    from_dense: Callable[[Tree], RowState]

    if not TYPE_CHECKING:  # type checkers would accept any attribute

        def __getattribute__(self, name: str) -> object:
            """The attribute. Optax and Flax are refused the one that they read first.

            They would take `init` from any object, and miss `update` at the first step.

            Raises:
                TypeError: A function of Optax or Flax reads `init`.
                AttributeError: There is no such attribute.
            """
            if name == "init":
                caller = sys._getframe(1).f_globals.get("__name__", "")
                place = _OF_TRANSFORMATIONS.get(caller.partition(".")[0])
                if place is not None:
                    raise TypeError(_NO_TRANSFORMATION.format(place=place))
            elif name == "update":
                raise AttributeError(_NO_TRANSFORMATION.format(place="a loop that calls update"))
            return tuple.__getattribute__(self, name)


def row_optimizer(
    dense: optax.GradientTransformationExtraArgs, decay: Scalar | None, *, row_wise: bool
) -> RowOptimizer:
    """The dense optimizer on the touched rows; with a decay they first catch up."""
    rows = _TouchedRows(dense, decay, row_wise)
    return RowOptimizer(rows.init, rows.step, jax.jit(rows.flush), rows.to_dense, rows.from_dense)


@dataclasses.dataclass(frozen=True, eq=False)
class _TouchedRows:
    """The functions of a `RowOptimizer`, and what they share.

    Attributes:
        dense: The dense optimizer.
        decay: The decay of its first link, by which rows catch up; None where they have nothing to
            catch up with.
        row_wise: Whether there is one accumulator for each row.
    """

    dense: optax.GradientTransformationExtraArgs
    decay: Scalar | None
    row_wise: bool

    @functools.cached_property
    def fields(self) -> tuple[tuple[str, ...], ...]:
        """The names of the fields of each link's state."""
        state = jax.eval_shape(self.dense.init, jax.ShapeDtypeStruct((1,), jnp.float32))
        return tuple(link._fields for link in state)

    def init(self, table: jax.Array) -> RowState:
        checks.check_table(table)
        table = jnp.asarray(table)
        like = sharding.model_of_rows(table, updates.row_dtype(table)) if self.row_wise else table
        return self.with_counts(self.dense.init(like), table)

    def from_dense(self, dense_state: Tree) -> RowState:
        self.check_dense(dense_state)
        return self.with_counts(dense_state, jax.tree.leaves(dense_state[0])[-1])

    def with_counts(self, dense_state: Tree, like: jax.Array) -> RowState:
        """The state of a table whose steps begin; its counts are on the devices of the rows."""
        if self.decay is None:
            return RowState(dense_state, None, None)
        return RowState(dense_state, zero_count(), sharding.one_a_row(like, jnp.int32))

    def to_dense(self, state: RowState) -> Tree:
        if self.row_wise:
            raise ValueError(
                "row_wise=True keeps one accumulator a row, and the dense optimizer would need one"
                " for each coordinate. Save flush(state) itself."
            )
        return self.flush(state).dense

    def flush(self, state: RowState) -> RowState:
        self.check_state(state)
        if self.decay is None or state.count is None or state.seen is None:
            return state
        dense_state = _catch_up(state.dense, state.count - state.seen, self.decay)
        # No row has seen more steps than `count`. The maximum keeps the sharding of `seen`.
        return RowState(dense_state, state.count, jnp.maximum(state.seen, state.count))

    def step(
        self, table: jax.Array, state: RowState, ids: ArrayLike, row_gradients: ArrayLike
    ) -> tuple[jax.Array, RowState]:
        checks.check_table(table)
        table, ids, gradients = map(jnp.asarray, (table, ids, row_gradients))
        checks.check_batch(table, ids, gradients)
        self.check_state(state)
        state = jax.tree.map(jnp.asarray, state)  # a restored one may hold arrays of NumPy
        shape = table.shape[:1] if self.row_wise else table.shape
        checks.check_same_rows(state.dense, state.seen, shape)
        return sharding.partitioned(self.checked_step, (table, state), table, state, ids, gradients)

    def checked_step(
        self, table: jax.Array, state: RowState, ids: jax.Array, gradients: jax.Array
    ) -> tuple[jax.Array, RowState]:
        rows = table.shape[0]
        targets, sums = updates.sum_by_row(
            updates.in_range(ids.reshape(-1), rows),
            widen(gradients.reshape(ids.size, *table.shape[1:]), jnp.dtype(jnp.float32)),
            rows,
        )
        last, seen, count = None, state.seen, state.count
        if seen is not None and count is not None:
            last, count = updates.take(seen, targets), increment(count)
            # No row has seen more steps than `count`. The maximum makes the write wait for the
            # read; otherwise XLA would copy `seen` in order to do the two in any order.
            seen = updates.put(seen, targets, lax.max(last, lax.full_like(last, count)))
        work = functools.partial(self.update_rows, state)
        table, dense_state = updates.in_chunks(work, (table, state.dense), (targets, sums, last))
        return table, RowState(dense_state, count, seen)

    def update_rows(self, before: RowState, arrays: Tree, batch: Tree) -> Tree:
        """Runs the dense optimizer on some rows, with its counts from before the step."""
        table, dense_state = arrays
        targets, sums, last = batch
        targets = lax.optimization_barrier(targets)  # so that XLA computes them once
        dense_state = _map_rows(lambda x: updates.fetch(x, targets), dense_state)
        old = jax.tree.map(
            lambda count, x: updates.take(x, targets) if x.ndim else count,
            before.dense,
            dense_state,
        )
        if self.decay is not None:
            old = _catch_up(old, before.count - last, self.decay)
        if self.row_wise:
            changes, new = updates.rescale_rows(self.dense, sums, old)
        else:
            changes, new = self.dense.update(sums, old)
        dense_state = jax.tree.map(
            lambda x, rows: updates.put(x, targets, rows) if x.ndim else rows, dense_state, new
        )
        return updates.move(table, targets, jnp.asarray(changes)), dense_state

    def check_dense(self, dense_state: Tree) -> None:
        if type(dense_state) is tuple:
            for state, fields in zip(dense_state, self.fields, strict=False):
                check_fields(state, fields)
        check_links(dense_state, len(self.fields))

    def check_state(self, state: RowState) -> None:
        check_fields(state, RowState._fields)
        self.check_dense(state.dense)
        counted = self.decay is not None
        if (state.count is not None) != counted or (state.seen is not None) != counted:
            raise ValueError(
                f"the state counts {'no steps' if state.count is None else 'steps'}, but this"
                f" optimizer {'needs them' if counted else 'has no use for that'}: exact RMSprop"
                f" counts steps, lazy RMSprop and AdaGrad do not. Use the state that its own init()"
                f" or from_dense() made, with the same options."
            )


def _catch_up(dense: Tree, missed: jax.Array, decay: Scalar) -> Tree:
    """The dense state (or rows of it) with its first link, the moments, brought up to date."""
    return (updates.catch_up(dense[0], missed, decay), *dense[1:])


def _map_rows(function: Callable[[jax.Array], jax.Array], dense: Tree) -> Tree:
    """Applies a function to the arrays that have the rows of the table, and not to counts."""
    return jax.tree.map(lambda x: function(x) if x.ndim else x, dense)
