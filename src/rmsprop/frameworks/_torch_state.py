"""Runs of PyTorch that go on here, and runs from here that go on in PyTorch."""

from collections.abc import Sequence
from typing import Any

import optax

from rmsprop._typing import Tree
from rmsprop.frameworks._arguments import parts_of_rate
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer
from rmsprop.frameworks._saved_arrays import Turn, number_of
from rmsprop.frameworks._slots import SQUARES
from rmsprop.frameworks._torch_groups import (
    OF_TIMM,
    SLOTS_OF_RMSPROP,
    Form,
    export_groups,
    float32_step,
    import_groups,
)


def _options_of_rmsprop(c: Convention) -> dict[str, object]:
    return {
        "momentum": number_of(c.momentum or 0),
        "alpha": number_of(c.decay),
        "eps": number_of(c.eps),
        "centered": c.centered,
        "weight_decay": number_of(c.weight_decay),
        "maximize": c.maximize,
    }


def _options_of_adagrad(c: Convention) -> dict[str, object]:
    return {
        "lr_decay": number_of(parts_of_rate(c.learning_rate)[1]),
        "eps": number_of(c.eps),
        "weight_decay": number_of(c.weight_decay),
        "initial_accumulator_value": number_of(c.initial),
        "maximize": c.maximize,
    }


_FORMS = {
    "torch.rmsprop": Form(
        _options_of_rmsprop,
        SLOTS_OF_RMSPROP,
        float32_step,
        {"foreach": None, "differentiable": False, "capturable": False},
        OF_TIMM | {"lr_decay": "torch.adagrad", "betas": "Adam"},
    ),
    "torch.adagrad": Form(
        _options_of_adagrad,
        {"sum": SQUARES},
        float32_step,
        {"foreach": None, "differentiable": False, "fused": None},
        dict.fromkeys(("alpha", "centered"), "torch.rmsprop") | {"betas": "Adam"},
        is_lazy=False,
    ),
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
    """The state of a port with which a run of PyTorch goes on.

    Args:
        optimizer: `frameworks.torch.rmsprop(...)` or `adagrad(...)` with the options of the run.
        saved: What `optimizer.state_dict()` returned in PyTorch, with tensors or arrays. A path is
            refused, because a checkpoint is a pickle: pass what
            `torch.load(path, weights_only=True)` returns for the optimizer.
        params: The parameters, a tree. Those that are not trained have no entry.
        names: For each leaf the number of its entry, which is its place in the groups one after
            the other, and so in `model.parameters()` where the optimizer was made from these; or
            its name where the optimizer was made from
            `model.named_parameters()`: a tree with the structure of `params`, or a sequence in the
            order of its leaves. None takes the order of the leaves. JAX sorts the keys of a
            dictionary, so that two arrays of one shape may change places without notice: pass the
            numbers where the leaves come from one.
        to_ours: A function `(name, array) -> array`, which gives the array the layout of the leaf.
            `flax_layout` and `equinox_layout` make one.
        new: An optimizer with other options to go on with. The state is converted as by
            `rmsprop.convert_state`, and the number of steps is the one that was saved.
        check: Compare the options of the optimizer with those of `param_groups`, the rates of the
            groups with each other, and, with `lr_decay`, the numbers of steps of the parameters.
            The rate itself is not compared, since schedulers of PyTorch change it.

    Returns:
        A state of `optimizer`, or of `new`. A parameter that never had a gradient has the starting
        values.

    Raises:
        ValueError: Entries are missing, superfluous or have another shape: the error lists both
            sides by path and name. Options differ from the saved ones.
        TypeError: `optimizer` is no port of PyTorch, or `saved` is a path.

    Example:
        >>> import jax.numpy as jnp, numpy as np, rmsprop
        >>> saved = {
        ...     "state": {0: {"step": 3.0, "square_avg": np.array([4.0], np.float32)}},
        ...     "param_groups": [{"lr": 0.1, "alpha": 0.99, "params": [0]}],
        ... }
        >>> optimizer = rmsprop.frameworks.torch.rmsprop(lr=0.1)
        >>> params = {"w": jnp.ones(1)}
        >>> state = rmsprop.frameworks.torch.import_state(optimizer, saved, params)
        >>> updates, state = optimizer.update({"w": jnp.array([2.0])}, state)
        >>> print(f"{updates['w'][0]:.4f}")
        -0.1000
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
    """What `optimizer.state_dict()` of PyTorch would be after this run, with NumPy arrays.

    `load_state_dict` of PyTorch takes it with tensors in the place of arrays:
    `jax.tree.map(lambda x: torch.tensor(x) if isinstance(x, np.ndarray) else x, saved)`.

    Args:
        optimizer: The port that made the state.
        state: Its state.
        params: The parameters.
        names: For each leaf the number of its parameter, as in `import_state`, or with `order` its
            name.
        to_theirs: A function `(name, array) -> array` to PyTorch's layout.
        step: The number of steps so far. It is needed where the state does not count them, which
            it does with a schedule or `lr_decay` alone.
        order: PyTorch's names in its order, `[name for name, _ in model.named_parameters()]`. They
            number those of `names`, and become `param_names`.

    Returns:
        A dictionary with `state` and one group in `param_groups`, whose `lr` is that of the coming
        step. Of a centered optimizer `square_avg` is `var + mu**2`. How PyTorch is to run the step
        (`foreach`, `fused`, `capturable`) is left to it. Arrays have the dtype of the state, which
        is at least float32; PyTorch narrows them to that of the parameter. State of a scheduler is
        none of the optimizer's.

    Raises:
        ValueError: The state is not one of the optimizer, `names` are no numbers from 0 and
            not in `order`, or `step` is missing.
        TypeError: `optimizer` is no port of PyTorch.

    Example:
        >>> import jax.numpy as jnp, rmsprop
        >>> optimizer = rmsprop.frameworks.torch.adagrad(lr=0.1)
        >>> params = [jnp.ones(1)]
        >>> _, state = optimizer.update([jnp.array([2.0])], optimizer.init(params))
        >>> saved = rmsprop.frameworks.torch.export_state(optimizer, state, params, step=1)
        >>> print(saved["state"][0]["sum"], saved["param_groups"][0]["lr"])
        [4.] 0.1
    """
    return export_groups(
        _FORMS, optimizer, state, params, names=names, to_theirs=to_theirs, step=step, order=order
    )
