"""Runs of timm that go on here, and runs from here that go on in timm."""

from collections.abc import Sequence
from typing import Any

import optax

from rmsprop._typing import Tree
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer
from rmsprop.frameworks._saved_arrays import Turn, number_of
from rmsprop.frameworks._torch_groups import (
    OF_TORCH,
    SLOTS_OF_RMSPROP,
    Form,
    export_groups,
    float32_step,
    import_groups,
)


def _options(c: Convention) -> dict[str, object]:
    options: dict[str, object] = {
        "momentum": number_of(c.momentum or 0),
        "alpha": number_of(c.decay),
        "eps": number_of(c.eps),
        "centered": c.centered,
        "weight_decay": number_of(c.weight_decay),
        "decoupled_decay": c.weight_decay_rule != "coupled",
        "corrected_weight_decay": c.weight_decay_rule == "corrected",
        "lr_in_momentum": c.lr_in_momentum,
        "caution": c.caution,
    }
    if c.max_lr is not None:
        options["max_lr_snapshot"] = number_of(c.max_lr)
    return options


_FORMS = {
    "timm.rmsprop_tf": Form(
        _options,
        SLOTS_OF_RMSPROP,
        float32_step,
        {"foreach": None},
        OF_TORCH | {"lr_decay": "torch.adagrad", "betas": "Adam"},
        own="lr_in_momentum",
    )
}


def import_state(
    optimizer: FrameworkOptimizer,
    saved: Any,  # noqa: ANN401 (a dictionary of whatever torch.load returned)
    params: Tree,
    *,
    names: Tree = None,
    to_ours: Turn | None = None,
    new: optax.GradientTransformation | None = None,
    check: bool = True,
) -> Tree:
    """The state of a port with which a run of timm's `RMSpropTF` goes on.

    The arguments are those of `frameworks.torch.import_state`. timm's factory makes two groups, of
    parameters with weight decay and without: move each by itself, or pass `check=False` where the
    coefficient is 0. The buffer has the other sign here where the rate is inside it.

    Args:
        optimizer: `frameworks.timm.rmsprop_tf(...)` with the options of the run.
        saved: What `optimizer.state_dict()` returned; no path.
        params: The parameters, a tree.
        names: For each leaf the number or the name of its entry.
        to_ours: A function `(name, array) -> array` to the layout of the leaf.
        new: An optimizer with other options to go on with.
        check: Compare the options with those of `param_groups`.

    Returns:
        A state of `optimizer`, or of `new`.

    Raises:
        ValueError: Entries or options do not fit.
        TypeError: `optimizer` is no port of timm, or `saved` is a path.

    Example:
        >>> import jax.numpy as jnp, numpy as np, rmsprop
        >>> array = lambda x: np.array([x], np.float32)
        >>> entry = {"step": 1.0, "square_avg": array(1.0), "momentum_buffer": array(0.5)}
        >>> saved = {"state": {0: entry}, "param_groups": [{"lr": 0.1, "params": [0]}]}
        >>> optimizer = rmsprop.frameworks.timm.rmsprop_tf(lr=0.1, momentum=0.9)
        >>> params = [jnp.ones(1)]
        >>> state = rmsprop.frameworks.timm.import_state(optimizer, saved, params)
        >>> updates, state = optimizer.update([jnp.zeros(1)], state)
        >>> print(f"{updates[0][0]:.4f}")
        -0.4500
    """
    return import_groups(
        _FORMS,
        optimizer,
        saved,
        params,
        names=names,
        to_ours=to_ours,
        new=new,
        check=check,
    )


def export_state(
    optimizer: FrameworkOptimizer,
    state: Tree,
    params: Tree,
    *,
    names: Tree = None,
    to_theirs: Turn | None = None,
    step: int | None = None,
    order: Sequence[str] | None = None,
) -> dict[str, Any]:
    """What `optimizer.state_dict()` of timm's `RMSpropTF` would be after this run.

    The arguments are those of `frameworks.torch.export_state`.

    Args:
        optimizer: The port that made the state.
        state: Its state.
        params: The parameters.
        names: For each leaf the number of its parameter, or with `order` its name.
        to_theirs: A function `(name, array) -> array` to timm's layout.
        step: The number of steps so far, where the state does not count them.
        order: The names in PyTorch's order, which number those of `names`.

    Returns:
        A dictionary with `state` and one group in `param_groups`.

    Raises:
        ValueError: The state is not one of the optimizer, or `step` is missing.
        TypeError: `optimizer` is no port of timm.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.timm.rmsprop_tf(lr=0.1, alpha=0.5)
        >>> params = [jnp.ones(1)]
        >>> _, state = optimizer.update([jnp.array([2.0])], optimizer.init(params))
        >>> saved = rmsprop.frameworks.timm.export_state(optimizer, state, params, step=1)
        >>> print(saved["state"][0]["square_avg"])
        [2.5]
    """
    return export_groups(
        _FORMS, optimizer, state, params, names=names, to_theirs=to_theirs, step=step, order=order
    )
