"""Saved states in PyTorch's form: numbered entries, and groups of parameters with their options.

{"state": {0: {"step": ..., "square_avg": ...}, ...},
"param_groups": [{"lr": 0.01, ..., "params": [0, 1, 2]}]}
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import optax

from rmsprop._typing import Tree
from rmsprop.frameworks import _slots as slots_
from rmsprop.frameworks._arguments import parts_of_rate
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer, is_zero
from rmsprop.frameworks._leaves import Leaves, dotted
from rmsprop.frameworks._pairing import names_of, numbers_in
from rmsprop.frameworks._saved_arrays import (
    Entries,
    Name,
    Turn,
    as_numpy,
    check_numbers,
    number_of,
    refuse_file,
)
from rmsprop.frameworks._saved_state import (
    check_options,
    check_port,
    exported,
    imported,
    is_at_start,
    steps_to_save,
)
from rmsprop.frameworks._slots import MEAN, MOMENTUM, SQUARES
from rmsprop.frameworks._torch_dictionary import Saved, read

_FILE = (
    "A checkpoint of PyTorch is a pickle, from which nothing is executed here. Read it by"
    " torch.load(path, weights_only=True), and pass the dictionary that optimizer.state_dict() gave"
)


@dataclass(frozen=True)
class Form:
    """How one optimizer saves itself.

    Attributes:
        options: The options of a group, as a convention has them.
        slots: The slots by PyTorch's names.
        step: The number of steps as it is written.
        switches: Options on which no number depends, as they are written.
        foreign: By the key of a group that only another optimizer has, the name of that one.
        own: A key that all its groups have, or none; groups with `alpha` and without it are of
            another optimizer.
        is_lazy: Whether a parameter has no entry before its first step.
    """

    options: Callable[[Convention], dict[str, object]]
    slots: Mapping[str, str]
    step: Callable[[int], object]
    switches: Mapping[str, object]
    foreign: Mapping[str, str]
    own: str | None = None
    is_lazy: bool = True


SLOTS_OF_RMSPROP = {"square_avg": SQUARES, "momentum_buffer": MOMENTUM, "grad_avg": MEAN}

# Keys of groups that the optimizers of one library have, and those of the others do not.
OF_TIMM = dict.fromkeys(("lr_in_momentum", "decoupled_decay"), "timm.rmsprop_tf")
OF_TORCH = dict.fromkeys(("maximize", "capturable", "differentiable"), "torch.rmsprop")


def float32_step(steps: int) -> np.ndarray:
    """The number of steps as PyTorch keeps it."""
    return np.asarray(steps, np.float32)


def import_groups(
    forms: Mapping[str, Form],
    optimizer: FrameworkOptimizer,
    saved: Any,  # noqa: ANN401 (what a framework saves)
    params: Tree,
    *,
    names: Tree,
    to_ours: Turn | None,
    new: optax.GradientTransformation | None,
    check: bool,
) -> Tree:
    """The state of a port from PyTorch's dictionary."""
    convention = check_port(optimizer, *forms)
    form = forms[convention.name]
    refuse_file(saved, _FILE + ".")
    content = read(saved)
    _check_kind(convention, form, content.groups)
    if check:
        _check_groups(convention, form, content.groups)
        _check_names(params, names, content)
    by_name = bool(content.called) and _has_words(names)
    order: Sequence[Name] = content.called if by_name else content.numbers
    arrays = {
        name: {
            slot: as_numpy(x, f"state[{number}][{slot!r}]")
            for slot, x in content.entries[number].items()
            if slot != "step"
        }
        for name, number in zip(order, content.numbers, strict=True)
        if content.entries[number]
    }
    steps = content.steps()
    slots = _slots_of(optimizer, form, params)
    falls = not is_zero(parts_of_rate(convention.learning_rate)[1])
    if check and falls and len({*steps.values()}) > 1:
        fewest, most = min(steps, key=steps.__getitem__), max(steps, key=steps.__getitem__)
        raise ValueError(
            f"entry {fewest} has taken {steps[fewest]} steps and entry {most} {steps[most]}, and"
            f" with lr_decay PyTorch lowers the rate of each by its own; {convention.name} counts"
            f" them for all together. Move them apart, with optax.partition, or pass check=False to"
            f" go on from the largest."
        )
    return imported(
        optimizer,
        params,
        Entries(tuple(order), arrays),
        slots,
        names=names,
        to_ours=to_ours,
        steps=max(steps.values(), default=0),
        new=new,
        may_lack=True,
        negated=_negated(convention),
    )


def export_groups(
    forms: Mapping[str, Form],
    optimizer: FrameworkOptimizer,
    state: Tree,
    params: Tree,
    *,
    names: Tree,
    to_theirs: Turn | None,
    step: int | None,
    order: Sequence[str] | None,
) -> dict[str, Any]:
    """PyTorch's dictionary with NumPy arrays, from the state of a port."""
    convention = check_port(optimizer, *forms)
    form = forms[convention.name]
    entries = exported(
        optimizer,
        state,
        params,
        _slots_of(optimizer, form, params),
        names=names,
        to_theirs=to_theirs,
        negated=_negated(convention),
    )
    numbered = {numbers_in(order, name, "PyTorch"): name for name in entries.order}
    remedy = (
        "Pass order=[name for name, _ in model.named_parameters()], in which each has its number."
    )
    check_numbers(numbered, "PyTorch", remedy)
    numbers = sorted(number for number in numbered if isinstance(number, int))
    steps = steps_to_save(optimizer, state, step)
    rate, _ = parts_of_rate(convention.learning_rate)
    group: dict[str, object] = {"lr": number_of(rate, steps)}
    group |= form.options(convention) | dict(form.switches)
    group["params"] = numbers
    if order is not None:
        group["param_names"] = [order[number] for number in numbers]
    # Before its first step RMSprop of PyTorch has no entries.
    is_new = form.is_lazy and steps == 0 and is_at_start(optimizer, state, params)
    states = {
        number: {"step": form.step(steps), **entries.arrays[numbered[number]]} for number in numbers
    }
    return {"state": {} if is_new else states, "param_groups": [group]}


def _check_kind(convention: Convention, form: Form, groups: Sequence[Mapping[str, Any]]) -> None:
    """Refuses the groups of another optimizer, which its keys tell.

    Raises:
        ValueError: They are those of another one.
    """
    for index, group in enumerate(groups):
        for key, owner in form.foreign.items():
            if key in group:
                raise ValueError(
                    f"param_groups[{index}] has {key}, which is of {owner}, and {convention.name}"
                    f" has none. Pass the port of the optimizer that was saved."
                )
        if form.own is not None and "alpha" in group and form.own not in group:
            raise ValueError(
                f"param_groups[{index}] has no {form.own}, which all groups of {convention.name}"
                f" have. Pass the port of the optimizer that was saved: of PyTorch, or of"
                f" Stable-Baselines3."
            )


def _check_groups(convention: Convention, form: Form, groups: Sequence[Mapping[str, Any]]) -> None:
    """Refuses groups with other options, and several rates where the port has one."""
    options = form.options(convention)
    for index, group in enumerate(groups):
        check_options(convention.name, f"param_groups[{index}]", group, options)
    rates = [as_numpy(group["lr"], f"param_groups[{i}]['lr']") for i, group in enumerate(groups)]
    for index, rate in enumerate(rates):
        if rate != rates[0]:
            raise ValueError(
                f"lr is {rates[0]} in param_groups[0] and {rate} in param_groups[{index}], and"
                f" {convention.name} has one rate for all. Move each group by itself, with its"
                f" entries of state, for the parameters of the group (docs/move.md);"
                f" check=False takes all groups at the rate of the port."
            )


def _check_names(params: Tree, names: Tree, content: Saved) -> None:
    """Refuses numbers that contradict the names in the file.

    They are compared where the names there and the paths here are the same words, so that no
    parameter has been renamed.

    Raises:
        ValueError: A leaf is to have the entry of another name.
    """
    leaves = Leaves.of(params)
    here = [dotted(keys) for keys in leaves.keys]
    if not content.called or sorted(here) != sorted(content.called) or _has_words(names):
        return
    called = dict(zip(content.numbers, content.called, strict=True))
    chosen = names_of(leaves, names) or content.numbers
    for path, own, number in zip(leaves.paths, here, chosen, strict=True):
        if isinstance(number, int) and called.get(number, own) != own:
            raise ValueError(
                f"names has {number} for {path}, and param_names says that {number} is"
                f" {called[number]!r}. Pass the name of each parameter, or check=False where they"
                f" are meant to differ."
            )


def _slots_of(optimizer: FrameworkOptimizer, form: Form, params: Tree) -> dict[str, str]:
    """The slots that the optimizer has with its options."""
    kept = slots_.slots_of(optimizer.init(params))
    return {theirs: ours for theirs, ours in form.slots.items() if ours in kept}


def _negated(convention: Convention) -> tuple[str, ...]:
    """With the rate inside the buffer, PyTorch's form subtracts it, and Optax's adds it."""
    return ("momentum_buffer",) if convention.lr_in_momentum else ()


def _has_words(names: Tree) -> bool:
    return any(isinstance(leaf, str) for leaf in jax.tree.leaves(names))
