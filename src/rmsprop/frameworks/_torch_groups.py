"""Saved states in PyTorch's form: numbered entries, and groups of parameters with their options.

{"state": {0: {"step": ..., "square_avg": ...}, ...},
"param_groups": [{"lr": 0.01, ..., "params": [0, 1, 2]}]}
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import optax

from rmsprop._typing import Tree
from rmsprop.frameworks import _slots as slots_
from rmsprop.frameworks._arguments import parts_of_rate
from rmsprop.frameworks._convention import Convention, FrameworkOptimizer, is_zero
from rmsprop.frameworks._saved_arrays import Entries, Name, Turn, as_numpy, number_of, refuse_file
from rmsprop.frameworks._saved_state import (
    check_options,
    check_port,
    exported,
    imported,
    steps_to_save,
)
from rmsprop.frameworks._slots import MEAN, MOMENTUM, SQUARES

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
    """

    options: Callable[[Convention], dict[str, object]]
    slots: Mapping[str, str]
    step: Callable[[int], object]
    switches: Mapping[str, object]


SLOTS_OF_RMSPROP = {"square_avg": SQUARES, "momentum_buffer": MOMENTUM, "grad_avg": MEAN}


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
    if not isinstance(saved, Mapping) or not {"state", "param_groups"} <= saved.keys():
        content = f"the keys {[*saved][:10]}" if isinstance(saved, Mapping) else f"{type(saved)}"
        raise ValueError(
            f"saved has {content}; what optimizer.state_dict() of PyTorch returns has state and"
            f" param_groups. In a checkpoint of a whole training it is one of the entries."
        )
    groups, states = saved["param_groups"], saved["state"]
    if check:
        _check_groups(convention, form, groups)
    numbers = [number for group in groups for number in group["params"]]
    called = [name for group in groups for name in group.get("param_names", ())]
    order = called if called and _has_words(names) else numbers
    by_number = {number: states.get(number, states.get(str(number), {})) for number in numbers}
    arrays = {
        name: {slot: as_numpy(x) for slot, x in by_number[number].items() if slot != "step"}
        for name, number in zip(order, numbers, strict=True)
        if by_number[number]
    }
    if check and states and not arrays:
        raise ValueError(
            f"state has entries for {', '.join(repr(x) for x in [*states][:10])}, and param_groups"
            f" lists {', '.join(repr(x) for x in numbers[:10])}: no parameter has an entry. Pass"
            f" both as optimizer.state_dict() gave them."
        )
    steps = {number: int(as_numpy(own.get("step", 0))) for number, own in by_number.items()}
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
    _check_numbers(entries.order)
    steps = steps_to_save(optimizer, state, step)
    rate, _ = parts_of_rate(convention.learning_rate)
    group: dict[str, object] = {"lr": number_of(rate, steps)}
    group |= form.options(convention) | dict(form.switches)
    group["params"] = [*entries.order]
    states = {number: {"step": form.step(steps), **own} for number, own in entries.arrays.items()}
    return {"state": states if steps else {}, "param_groups": [group]}


def _check_groups(convention: Convention, form: Form, groups: list[Mapping[str, Any]]) -> None:
    """Refuses groups with other options, and several rates where the port has one."""
    options = form.options(convention)
    for index, group in enumerate(groups):
        check_options(convention.name, f"param_groups[{index}]", group, options)
    rates = [float(as_numpy(group["lr"])) for group in groups]
    for index, rate in enumerate(rates):
        if rate != rates[0]:
            raise ValueError(
                f"lr is {rates[0]} in param_groups[0] and {rate} in param_groups[{index}], and"
                f" {convention.name} has one rate for all. Move each group by itself, as"
                f" saved | {{'param_groups': saved['param_groups'][{index}:{index + 1}]}}, for the"
                f" parameters of the group; check=False takes all groups at the rate of the port."
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


def _check_numbers(order: tuple[Name, ...]) -> None:
    words = [name for name in order if isinstance(name, str)]
    if words:
        raise ValueError(
            f"names has {words[0]!r}; PyTorch numbers its parameters in the order of"
            f" model.parameters(). Pass the number of each: order.index(name) with"
            f" order = [name for name, _ in model.named_parameters()]."
        )
