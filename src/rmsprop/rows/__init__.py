"""RMSprop and AdaGrad for tables (embeddings, sparse features) at the cost of the rows touched.

Conventions.  A table has shape `(rows, *row_shape)`.  A step is given integer `ids` of any shape
and the gradients of a loss with respect to the rows gathered with them, of shape
`ids.shape + row_shape`.  The gradients of a repeated id are added before they are squared, as in
the gradient of the whole table.  Ids that are negative or too large are padding: `gather` returns
zeros for them and `step` ignores them.  (Indexing in JAX would read -1 as the last row.)

A step runs the dense optimizer on the touched rows alone.  This is exact for AdaGrad, where a row
with a zero gradient neither moves nor changes its sum.  RMSprop does not move such a row either,
but the row's average decays: the state therefore counts the steps that each row has seen, and the
factor `decay**missed` is applied when the row is next touched.  `flush` applies it to all rows.

The cost of a step is that of the touched rows if table and state are *donated* to the compiled
function, as in the examples below; otherwise XLA has to copy the table first.  Tables may be
sharded by rows: a jitted step then leaves each row on its device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import optax
from jax.typing import ArrayLike, DTypeLike

from rmsprop import _hyperparameters as hyperparameters
from rmsprop import _optimizers as optimizers
from rmsprop._hyperparameters import ScalarLike, ScalarOrSchedule
from rmsprop._typing import Tree
from rmsprop.rows import _checks as checks
from rmsprop.rows import _sharding as sharding
from rmsprop.rows import _updates as updates
from rmsprop.rows._optimizer import RowOptimizer, RowState, row_optimizer

__all__ = ["RowOptimizer", "RowState", "adagrad", "gather", "rmsprop", "value_and_grad"]


def rmsprop(
    learning_rate: optax.ScalarOrSchedule,  # as in the dense optimizer
    decay: ScalarOrSchedule = 0.9,
    eps: ScalarLike = 1e-8,
    *,
    initial_scale: ScalarLike = 0.0,
    eps_in_sqrt: bool = True,
    centered: bool = False,
    momentum: ScalarLike | None = None,
    bias_correction: bool = False,
    semantics: str = "exact",
    row_wise: bool = False,
    accumulator_dtype: DTypeLike | None = None,
) -> RowOptimizer:
    """RMSprop of one table, equal to `rmsprop.rmsprop` at the cost of the rows touched.

    For a row that is touched at step `t` and was not touched in the `k` steps before::

        v <- ρ^(k + 1) v + (1 - ρ) |g|^2
        θ <- θ - η g / sqrt(v + ε)

    where `g` is the sum of the row's gradients in the batch. When centered, the mean is multiplied
    by `ρ^k` and the variance becomes `ρ^k σ^2 + ρ^k (1 - ρ^k) |m|^2`, which is what `k` dense steps
    with a zero gradient make of them.

    `semantics="lazy"`, which is TensorFlow's, leaves the factor out: the average of a rare row is
    then over its own gradients alone, and ignores the steps that do not touch it. A row that is
    touched every `n` steps with gradients of one size then moves by the rate each time, and not by
    up to `sqrt(n)` times as much.

    Args:
        learning_rate: As in `rmsprop.rmsprop`: a number, a traced scalar or a schedule of the step
            count.
        decay: The decay ρ, at least 0 and below 1. With exact semantics it is a number or a traced
            scalar that is the same at every step; with lazy semantics it may be a schedule.
        eps: The constant ε, at least 0.
        initial_scale: The starting value of the average, at least 0. TensorFlow 1 starts at 1.
        eps_in_sqrt: Whether `eps` is added under the root or to the root.
        centered: Divide by the running standard deviation. Refused with `row_wise`.
        momentum: The coefficient of heavy-ball momentum, at least 0 and below 1; None for no
            buffer. The rate is applied before the buffer, as in TensorFlow. Refused with exact
            semantics and with `row_wise`.
        bias_correction: Divide the average by `1 - decay**t`. Refused with lazy semantics and with
            `centered`.
        semantics: With "exact" the update is equal to the dense one. With "lazy" the average, mean
            and momentum of a row that is not touched stay as they are, as in TensorFlow's sparse
            kernels.
        row_wise: Keep one average for each row, that of the mean of `|g|^2` over the row, as FBGEMM
            does for AdaGrad. The state is then smaller by the number of elements in a row.
        accumulator_dtype: The dtype of average, mean and momentum, float32 or float64; None takes
            at least float32.

    Returns:
        A `RowOptimizer`. `state.dense` is the state of `rmsprop.rmsprop` for the table (for an
        array of shape (rows,) when `row_wise`).

    Raises:
        ValueError: A value is out of its range, or options contradict each other. `step` raises it
            if gradients or state have another shape than table and ids require.
        TypeError: A hyper-parameter is in half precision, the table is not floating point, or the
            ids are not integers.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from rmsprop import rows
        >>> optimizer = rows.rmsprop(learning_rate=0.1, decay=0.9)
        >>> step = jax.jit(optimizer.step, donate_argnums=(0, 1))
        >>> table = jnp.ones((1000, 2))
        >>> state = optimizer.init(table)
        >>> ids = jnp.array([7, 3, 7, -1])  # row 7 twice, and one padding id
        >>> table, state = step(table, state, ids, jnp.ones((4, 2)))
        >>> print(f"{table[7, 0]:.4f} {table[8, 0]:.4f} {state.dense[0].nu[7, 0]:.2f}")
        0.6838 1.0000 0.40

    References:
        The tests of this package show the equality with the dense update. The lazy semantics are
        those of TensorFlow's `SparseApplyRMSProp`, tensorflow/core/kernels/training_ops.cc.
    """
    exact = _is_exact(semantics)
    is_row_wise = hyperparameters.flag("row_wise", row_wise)
    if exact:
        _refuse_inexact(decay, momentum)
    elif hyperparameters.flag("bias_correction", bias_correction):
        raise ValueError(
            'bias_correction=True with semantics="lazy" would divide by 1 - decay**t for all t'
            " steps, but the average of a row has seen only those that touched it. Pass"
            ' semantics="exact" or bias_correction=False.'
        )
    if is_row_wise and (hyperparameters.flag("centered", centered) or momentum is not None):
        raise ValueError(
            f"row_wise=True keeps one number a row, and {'centered' if centered else 'momentum'}"
            f" needs one for each coordinate. Pass only one of the two."
        )
    dense = optimizers.rmsprop(
        learning_rate,
        decay,
        eps,
        initial_scale=initial_scale,
        eps_in_sqrt=eps_in_sqrt,
        centered=centered,
        momentum=momentum,
        bias_correction=bias_correction,
        accumulator_dtype=checks.check_accumulators(accumulator_dtype),
    )
    constant = hyperparameters.decay("decay", decay) if exact and not callable(decay) else None
    return row_optimizer(dense, constant, row_wise=is_row_wise)


def adagrad(
    learning_rate: optax.ScalarOrSchedule,
    initial_accumulator_value: ScalarLike = 0.1,
    eps: ScalarLike = 1e-7,
    *,
    eps_in_sqrt: bool = True,
    row_wise: bool = False,
    accumulator_dtype: DTypeLike | None = None,
) -> RowOptimizer:
    r"""AdaGrad of one table, equal to `rmsprop.adagrad` at the cost of the rows touched.

    One step is::

        s <- s + |g|^2
        θ <- θ - η g / sqrt(s + ε)

    for the touched rows, where `g` is the sum of a row's gradients in the batch. A row that is not
    touched keeps its parameters and its sum, so that it has nothing to catch up with. With
    `row_wise` the sum is one number for the `D` coordinates of a row::

        s <- s + (|g_1|^2 + ... + |g_D|^2) / D

    FBGEMM's exact row-wise AdaGrad is
    `adagrad(learning_rate, 0.0, 1e-8, eps_in_sqrt=False, row_wise=True)`.

    Args:
        learning_rate: As in `rmsprop.adagrad`.
        initial_accumulator_value: The starting value of the sum, at least 0.
        eps: The constant ε, at least 0.
        eps_in_sqrt: Whether `eps` is added under the root or to the root (PyTorch, FBGEMM).
        row_wise: Keep one sum for each row. The state is then smaller by the number of elements in
            a row.
        accumulator_dtype: The dtype of the sum, float32 or float64; None takes at least float32.

    Returns:
        A `RowOptimizer`. `state.dense` is the state of `rmsprop.adagrad` for the table (for an
        array of shape (rows,) when `row_wise`).

    Raises:
        ValueError, TypeError: For the same reasons as in `rows.rmsprop`.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from rmsprop import rows
        >>> optimizer = rows.adagrad(1.0, 0.0, 1e-8, eps_in_sqrt=False, row_wise=True)
        >>> step = jax.jit(optimizer.step, donate_argnums=(0, 1))
        >>> table = jnp.zeros((5, 2))
        >>> state = optimizer.init(table)
        >>> table, state = step(table, state, jnp.array([4]), jnp.array([[3.0, 4.0]]))
        >>> print(f"{state.dense[0].sum_of_squares[4]:.1f} {table[4, 0]:.3f} {table[4, 1]:.3f}")
        12.5 -0.849 -1.131

    References:
        Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
        optimization", JMLR 12, 2011. The row-wise sum is that of FBGEMM, `EXACT_ROWWISE_ADAGRAD` in
        fbgemm_gpu/codegen/genscript/optimizers.py.
    """
    dense = optimizers.adagrad(
        learning_rate,
        initial_accumulator_value,
        eps,
        eps_in_sqrt=eps_in_sqrt,
        accumulator_dtype=checks.check_accumulators(accumulator_dtype),
    )
    return row_optimizer(dense, None, row_wise=hyperparameters.flag("row_wise", row_wise))


def gather(table: jax.Array, ids: ArrayLike) -> jax.Array:
    """The rows with these ids, and zeros for padding.

    Args:
        table: Shape `(rows, *row_shape)`.
        ids: Integers of any shape; negative or too large ones are padding.

    Returns:
        An array of shape `ids.shape + row_shape`, in the table's dtype.

    Raises:
        TypeError: The table is not floating point, or the ids are not integers.

    Example:
        >>> import jax.numpy as jnp
        >>> from rmsprop import rows
        >>> print(rows.gather(jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([1, -1])))
        [[3. 4.]
         [0. 0.]]
    """
    checks.check_table(table)
    table, ids = jnp.asarray(table), jnp.asarray(ids)
    checks.check_ids(ids)

    def rows_or_zeros(table: jax.Array, ids: jax.Array) -> jax.Array:
        places = updates.in_range(ids, table.shape[0])
        return table.at[places].get(mode="fill", fill_value=0)

    return sharding.partitioned(rows_or_zeros, sharding.gathered_like(table, ids), table, ids)


def value_and_grad(
    loss: Callable[..., Tree], argnums: int | Sequence[int] = 0, *, has_aux: bool = False
) -> Callable[..., tuple[Tree, Tree]]:
    """`jax.value_and_grad` with respect to gathered rows, without a gradient of the whole table.

    Args:
        loss: A function `loss(rows, *rest)` of the rows that `gather(table, ids)` returns.
        argnums: The arguments to differentiate with respect to, as in JAX: 0 stands for the rows, 1
            for the first of `rest`. `(0, 1)` gives the gradients of rows and dense parameters
            together.
        has_aux: Whether `loss` returns a pair whose second element is passed on.

    Returns:
        A function `(table, ids, *rest) -> (value, gradients)`. Table and ids may be trees of the
        same structure, for several tables; the loss then gets such a tree of rows. The loss sees
        zeros in the rows of padding ids, and `step` ignores their gradients.

    Example:
        >>> import jax, jax.numpy as jnp, rmsprop
        >>> from rmsprop import rows
        >>> def loss(rows, params, target):
        ...     return ((rows.sum(1) @ params["w"] - target) ** 2).mean()
        >>> table, params = jnp.ones((1000, 4)), {"w": jnp.zeros(4)}
        >>> sparse, dense = rows.rmsprop(0.01), rmsprop.rmsprop(0.01)
        >>> ids = jnp.array([[0, 7], [7, -1]])
        >>> value, (row_gradients, gradients) = rows.value_and_grad(loss, (0, 1))(
        ...     table, ids, params, jnp.array([1.0, 2.0])
        ... )
        >>> row_gradients.shape, gradients["w"].shape
        ((2, 2, 4), (4,))
        >>> table, state = jax.jit(sparse.step)(table, sparse.init(table), ids, row_gradients)
        >>> changes, dense_state = dense.update(gradients, dense.init(params))
    """
    differentiate = jax.value_and_grad(loss, argnums, has_aux)

    def wrapper(table: Tree, ids: Tree, *rest: object, **keywords: object) -> tuple[Tree, Tree]:
        return differentiate(jax.tree.map(gather, table, ids), *rest, **keywords)

    return wrapper


def _is_exact(semantics: str) -> bool:
    if semantics not in ("exact", "lazy"):
        raise ValueError(
            f'semantics is {semantics!r}; it must be "exact" (equal to the dense update) or "lazy"'
            f" (rows that are not touched stand still, as in TensorFlow)."
        )
    return semantics == "exact"


def _refuse_inexact(decay: ScalarOrSchedule, momentum: ScalarLike | None) -> None:
    """Refuses options whose missed steps the factor `decay**missed` cannot make up for."""
    if momentum is not None:
        raise ValueError(
            f"momentum is {momentum!r}, but with momentum a row goes on moving in steps that do"
            f" not touch it, so that every row read after such a step would be stale. Pass"
            f' momentum=None, semantics="lazy" (buffers of untouched rows stand still), or use the'
            f" dense rmsprop.rmsprop."
        )
    if callable(decay):
        raise ValueError(
            "decay is a schedule, but a row catches up with the steps it missed by decay**missed,"
            ' which needs one decay. Pass a number, semantics="lazy", or use the dense'
            " rmsprop.rmsprop."
        )
