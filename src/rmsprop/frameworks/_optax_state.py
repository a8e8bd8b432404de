"""States of Optax as those of the ports of Optax, and back: only their classes differ."""

import jax
import numpy as np
import optax

from rmsprop._typing import Tree
from rmsprop.frameworks import _slots as slots_
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer
from rmsprop.frameworks._leaves import Leaves
from rmsprop.frameworks._optax_links import check_links, opened
from rmsprop.frameworks._saved_arrays import Entries, Name, number_of
from rmsprop.frameworks._saved_state import (
    check_options,
    check_port,
    check_state,
    imported,
    refuse_traced,
)
from rmsprop.frameworks._slots import Counts

_PORTS = ("optax.rmsprop", "optax.adagrad")


def import_state(
    optimizer: FrameworkOptimizer,
    saved: Tree,
    params: Tree,
    *,
    step: int | None = None,
    new: optax.GradientTransformation | None = None,
    check: bool = True,
) -> Tree:
    """The state of a port with which a run of Optax goes on.

    `rmsprop.rmsprop` and `rmsprop.adagrad` go on from a state of Optax as it is, unless it is
    centered. The ports have a state of their own; with `new=rmsprop.rmsprop(...)` it becomes one of
    those.

    Args:
        optimizer: `frameworks.optax.rmsprop(...)` or `adagrad(...)` with the options of the run.
        saved: The state of `optax.rmsprop(...)` or `optax.adagrad(...)`, with the
            containers that `init` makes, also inside `optax.inject_hyperparams`, `optax.masked`
            and, between two steps, `optax.MultiSteps`.
        params: The parameters that it belongs to, in the same tree.
        step: The number of steps so far, where the optimizer has a schedule and the saved state
            has no count.
        new: An optimizer with other options to go on with. The state is converted as by
            `rmsprop.convert_state`.
        check: Compare the options with the values of `optax.inject_hyperparams`, but for the rate.

    Returns:
        A state of `optimizer`, or of `new`.

    Raises:
        ValueError: The state does not belong to these parameters or options, `MultiSteps` is in
            the middle of a step, or `step` is missing.
        TypeError: `optimizer` is no port of Optax.

    Example:
        >>> import jax.numpy as jnp, optax, rmsprop
        >>> theirs, params = optax.rmsprop(0.1, centered=True), {"w": jnp.ones(1)}
        >>> _, saved = theirs.update({"w": jnp.ones(1)}, theirs.init(params))
        >>> optimizer = rmsprop.frameworks.optax.rmsprop(0.1, centered=True)
        >>> state = rmsprop.frameworks.optax.import_state(optimizer, saved, params)
        >>> print(f"{state[1].mu['w'][0]:.2f} {state[1].var['w'][0]:.2f}")
        0.10 0.09
    """
    convention = check_port(optimizer, *_PORTS)
    refuse_traced(params, saved)
    leaves = Leaves.of(params)
    state, steps, hyperparams = opened(saved)
    if check:
        check_options(convention.name, "saved.hyperparams", hyperparams, _options(convention))
    check_links(state, _theirs(convention).init(params), convention.name)
    try:
        arrays = slots_.arrays_of(state, leaves)
    except (ValueError, TypeError, KeyError):
        raise ValueError(
            "the arrays of saved do not have the structure of the parameters. Pass the parameters"
            " that the state was made for, and restore a checkpoint with the state that Optax's"
            " init() makes as the target."
        ) from None
    own: dict[Name, dict[str, np.ndarray]] = {
        name: {slot: values[position] for slot, values in arrays.items()}
        for position, name in enumerate(leaves.paths)
    }
    count = slots_.counts_of(state).get("count", steps)
    if None not in (count, step) and count != step:
        raise ValueError(f"step is {step}, but the saved state counts {count}. Leave step out.")
    slots = {slot: slot for slot in slots_.slots_of(optimizer.init(params))}
    return imported(
        optimizer,
        params,
        Entries(leaves.paths, own),
        slots,
        names=None,
        to_ours=None,
        steps=step if count is None else count,
        new=new,
    )


def export_state(optimizer: FrameworkOptimizer, state: Tree, params: Tree) -> Tree:
    """The state with which `optax.rmsprop` or `optax.adagrad` goes on.

    Args:
        optimizer: The port that made the state.
        state: Its state.
        params: The parameters.

    Returns:
        A state of the same call of Optax, with NumPy arrays in the dtypes that Optax keeps: those
        of the parameters, to which float32 accumulators of parameters in half precision are
        rounded. Of a centered optimizer `nu` is `var + abs(mu)**2`.

    Raises:
        ValueError: The state is not one of the optimizer.
        TypeError: `optimizer` is no port of Optax.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer, params = rmsprop.frameworks.optax.rmsprop(0.1), {"w": jnp.ones(1)}
        >>> state = optimizer.init(params)
        >>> print(rmsprop.frameworks.optax.export_state(optimizer, state, params)[0])
        ScaleByRmsState(nu={'w': array([0.], dtype=float32)})
    """
    convention = check_port(optimizer, *_PORTS)
    refuse_traced(params, state)
    check_state(optimizer, state, params)
    leaves = Leaves.of(params)
    template = _theirs(convention).init(params)
    count = slots_.counts_of(state).get("count")
    arrays = slots_.arrays_of(state, leaves)
    counts = None if count is None else Counts(count)
    return jax.tree.map(np.array, slots_.filled(template, leaves, arrays, counts))


def _options(c: Convention) -> dict[str, object]:
    """The options of a convention by Optax's names, but for the rate."""
    if c.decay is None:
        return {"initial_accumulator_value": number_of(c.initial), "eps": number_of(c.eps)}
    return {
        "decay": number_of(c.decay),
        "eps": number_of(c.eps),
        "initial_scale": number_of(c.initial),
        "momentum": number_of(c.momentum or 0),
    }


def _theirs(c: Convention) -> optax.GradientTransformation:
    """Optax's own call of a convention."""
    rate = c.learning_rate if callable(c.learning_rate) else number_of(c.learning_rate)
    if c.decay is None:
        return optax.adagrad(rate, number_of(c.initial), number_of(c.eps))
    return optax.rmsprop(
        rate,
        decay=number_of(c.decay),
        eps=number_of(c.eps),
        initial_scale=number_of(c.initial),
        eps_in_sqrt=c.eps_in_sqrt,
        centered=c.centered,
        momentum=None if c.momentum is None else number_of(c.momentum),
        nesterov=c.nesterov,
        bias_correction=c.bias_correction,
    )
