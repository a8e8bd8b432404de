"""What is read from the state of a watched optimizer, or observed in a step of one's own."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from rmsprop import _layouts as layouts
from rmsprop._hyperparameters import ScalarLike
from rmsprop._trees import is_no_gradient, tree_mismatch
from rmsprop._typing import Tree
from rmsprop.telemetry._measures import NAMES, NOTHING, OVERALL, Samples, measures
from rmsprop.telemetry._sample import by_path, is_watched, magnitudes, record_dtype, sample
from rmsprop.telemetry._watch import (
    WatchState,
    check_shapes,
    checked_eps,
    limit_of,
    moment_links,
    positive,
    squares_of,
    watched,
)


def read(state: Tree) -> dict[str, float]:
    """What `watch` has seen of the step before the last one that it recorded.

    Args:
        state: The state of an optimizer in which there is a `watch`, wherever it is: of a chain, of
            `optax.inject_hyperparams`, a `TrainState` of Flax, an `nnx.Optimizer`.

    Returns:
        Numbers by their names: `"step"`, from 0, and for each leaf and for all of them, which are
        called `all`, such as `"['dense']['kernel']/gradient_norm"` or `"all/gradient_norm"`:

        * `effective_learning_rate_5`, `_50`, `_95`: quantiles of `|u| / |g|` over the
          coordinates whose gradient is not zero; NaN where there are none.
        * `update_to_weight`: `||u|| / ||p||`.
        * `gradient_norm`: `||g||`.
        * `zero_gradients`: the share of the coordinates with a gradient of zero.
        * `eps_dominates`: the share of the coordinates whose second moment is below eps (or its
          root, with an eps outside of it), where both are known; without bias correction.

        All of it is that of the sample, in which a coordinate stands for those that are passed
        over. A leaf without a gradient is left out. There are no numbers before the second step.
        Where several watches have recorded different steps, `"step"` is the last of these.

    Raises:
        ValueError: There is no `watch` in the state, two have seen the same leaf, or the state is
            that of mapped models.
        TypeError: The state is traced.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> from rmsprop import telemetry
        >>> optimizer = telemetry.watch(rmsprop.rmsprop(0.1))
        >>> params = jnp.array([1.0, 2.0])
        >>> state = optimizer.init(params)
        >>> for _ in range(2):
        ...     updates, state = optimizer.update(params, state, params)
        ...     params = params + updates
        >>> print(f"{telemetry.read(state)['all/gradient_norm']:.3f}")
        2.236
    """
    found = [*_watches(getattr(state, "opt_state", state))]
    if not found:
        raise ValueError(
            f"there is no watch in the state, which is"
            f" {layouts.with_article(type(state).__name__)}."
            f" Pass the state of an optimizer that was made by rmsprop.telemetry.watch(optimizer)."
        )
    _check_names(found)
    found = [own for own in found if int(own.step) >= 0]
    records, sizes, limits = {}, [], []
    for own in found:
        records |= {name: np.asarray(record) for name, record in by_path(own.records).items()}
        sizes.append(own.sizes)
        limits.append(own.eps)
    if not records:
        return {}
    samples = Samples(
        *(
            _matrix([record[row] for record in records.values()], fill)
            for row, fill in enumerate(_FILL)
        )
    )
    with jax.debug_nans(False):  # what does not exist is NaN
        table = np.asarray(measures(samples, np.concatenate(sizes), np.concatenate(limits)))
    values = {"step": float(max(own.step for own in found))}
    for name, gradient, numbers in zip(
        (*records, OVERALL), (*samples.gradient, samples.gradient), table, strict=True
    ):
        if (gradient >= 0).any() or np.isnan(gradient).any():
            known = NAMES[:-1] if np.isnan(numbers[-1]) else NAMES
            values |= {f"{name}/{key}": float(numbers[NAMES.index(key)]) for key in known}
    return values


_FILL = (NOTHING, 0.0, 0.0, NOTHING)


def _matrix(rows: list[np.ndarray], fill: float) -> np.ndarray:
    """The rows in a common dtype, filled up to the same length."""
    matrix = np.full((len(rows), max(map(len, rows))), fill, np.result_type(*rows))
    for line, row in zip(matrix, rows, strict=True):
        line[: len(row)] = row
    return matrix


def _check_names(found: list[WatchState]) -> None:
    """Refuses two watches whose numbers would have the same names."""
    names: set[str] = set()
    for own in found:
        for name in by_path(own.records):
            if name in names:
                raise ValueError(
                    f"two watches in the state have seen a parameter{name}, and their numbers would"
                    f" have the same names. Read the state of each optimizer by itself, and put no"
                    f" watch inside of another one."
                )
            names.add(name)


def _watches(state: Tree) -> Iterator[WatchState]:
    """The states of `watch` in a state, with NumPy's arrays."""
    for node in jax.tree.leaves(state, is_leaf=_is_watch):
        if not _is_watch(node):
            continue
        own = jax.tree.map(_concrete, node._replace(inner_state=None), is_leaf=_is_variable)
        if np.ndim(own.count):
            raise ValueError(
                f"the state is that of {np.size(own.count)} models that are mapped. Read them one"
                f" by one: read(jax.tree.map(lambda x: x[0], state))."
            )
        yield own
        yield from _watches(node.inner_state)


def _is_watch(node: object) -> bool:
    return isinstance(node, WatchState)


def _is_variable(node: object) -> bool:
    """Whether a node is a variable of flax.nnx, which this package does not import."""
    return any(base.__module__ == "flax.nnx.variablelib" for base in type(node).__mro__)


def _concrete(leaf: Tree) -> np.ndarray:
    leaf = leaf[...] if _is_variable(leaf) else leaf
    if isinstance(leaf, Tracer):
        raise TypeError(
            "the state is traced, and its numbers are not known yet. Call rmsprop.telemetry.read"
            " outside of jax.jit; rmsprop.telemetry.observe is for inside."
        )
    return np.asarray(leaf)


def observe(
    gradients: Tree,
    updates: Tree,
    params: Tree,
    state: Tree = None,
    *,
    coordinates: int = 256,
    eps: ScalarLike | None = None,
    eps_in_sqrt: bool = True,
) -> dict[str, jax.Array]:
    """The numbers of `read`, of one step, computed by a pure function in a step of one's own.

    Args:
        gradients: The gradients of the step.
        updates: Its updates, which are kept in memory for it.
        params: The parameters before the step.
        state: The state of the optimizer after the step, in which the second moments are looked
            for; they are needed for `eps_dominates` alone, and so is `eps`.
        coordinates: As in `watch`.
        eps: The constant of the denominator; without it `eps_dominates` is left out.
        eps_in_sqrt: Whether `eps` stands under the root.

    Returns:
        Arrays of shape () by the names that `read` has, without the step. What does not exist is
        NaN, such as a rate where every gradient is zero; `jax_debug_nans` takes it for an error.

    Raises:
        TypeError: `coordinates` is no integer, or a parameter is no array.
        ValueError: `coordinates` is below 1, there are no parameters, the trees or their shapes
            differ, or a gradient has no update.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> params, gradients = {"w": jnp.ones(3)}, {"w": jnp.array([0.0, 1.0, 2.0])}
        >>> optimizer = rmsprop.adagrad(0.1, initial_accumulator_value=0.0)
        >>> updates, state = optimizer.update(gradients, optimizer.init(params))
        >>> seen = rmsprop.telemetry.observe(gradients, updates, params, state, eps=1e-7)
        >>> print(*(f"{seen[f'all/{name}']:.2f}" for name in ("zero_gradients", "gradient_norm")))
        0.33 2.24
    """
    coordinates = positive("coordinates", coordinates)
    denominator = checked_eps(eps, eps_in_sqrt)
    if params is None:
        raise ValueError(
            "params is None; they must be the parameters before the step. Call"
            " observe(gradients, updates, params)."
        )
    squares: dict[str, jax.Array] = {}
    for link in moment_links(state) if denominator is not None else []:
        squares = by_path(squares_of(link)) | squares
    leaves, _ = jax.tree_util.tree_flatten_with_path(watched(params), is_leaf=lambda x: x is None)
    columns = [
        _leaves_like(params, tree, name)
        for tree, name in ((gradients, "gradients"), (updates, "updates"))
    ]
    dtypes = [record_dtype(p) for path, p in leaves if p is not None and is_watched(p, path)]
    dtype = np.result_type(np.float32, *dtypes)
    names, known, sizes, rows = [], [], [], []
    for (path, p), gradient, update in zip(leaves, *columns, strict=True):
        if p is None or is_no_gradient(gradient) or not is_watched(p, path):
            continue
        name = jax.tree_util.keystr(path)
        check_shapes(f"gradient{name}", p, gradient)
        if is_no_gradient(update):
            raise ValueError(
                f"parameter{name} has a gradient and no update. Pass those of one step, with a zero"
                f" where nothing is to change."
            )
        check_shapes(f"the update of parameter{name}", p, update)
        moment = squares.get(name)
        if moment is not None and moment.shape != np.shape(p):
            moment = None
        names.append(name)
        known.append(moment is not None)
        sizes.append(np.size(p))
        row = [_magnitudes(x, coordinates, dtype) for x in (gradient, p, update)]
        if moment is None:
            row.append(jnp.full_like(row[0], NOTHING))
        else:
            row.append(_magnitudes(moment, coordinates, dtype))
        rows.append(row)
    if not rows:
        return {}
    samples = _stacked(rows)
    limit = jnp.float32(NOTHING) if denominator is None else limit_of(*denominator)
    table = measures(samples, jnp.asarray(sizes, jnp.float32), jnp.broadcast_to(limit, len(sizes)))
    return {
        f"{name}/{key}": table[i, j]
        for i, (name, is_known) in enumerate(
            zip((*names, OVERALL), (*known, any(known)), strict=True)
        )
        for j, key in enumerate(NAMES if is_known else NAMES[:-1])
    }


def _leaves_like(params: Tree, tree: Tree, name: str) -> list[Tree]:
    """The leaves of a tree in the order of those of the parameters, whose structure it has."""
    structure = jax.tree.structure(watched(params), is_leaf=lambda x: x is None)
    try:
        return structure.flatten_up_to(tree)
    except (ValueError, TypeError, KeyError):
        raise ValueError(
            tree_mismatch(tree, params, (name, "parameters"), "Pass those of one step.")
        ) from None


def _stacked(rows: list[list[jax.Array]]) -> Samples:
    """The samples of all leaves, filled up to the same length."""
    places = max(row[0].size for row in rows)
    return Samples(
        *(
            jnp.stack([jnp.pad(x, (0, places - x.size), constant_values=_FILL[k]) for x in column])
            for k, column in enumerate(zip(*rows, strict=True))
        )
    )


def _magnitudes(array: jax.Array, coordinates: int, dtype: np.dtype) -> jax.Array:
    return magnitudes(sample(jnp.asarray(array), coordinates), dtype)
