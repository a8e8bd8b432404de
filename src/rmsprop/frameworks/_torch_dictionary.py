"""The dictionary that PyTorch's `optimizer.state_dict()` returns, taken apart and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rmsprop.frameworks._saved_arrays import as_numpy, steps_of


@dataclass(frozen=True)
class Saved:
    """PyTorch's dictionary after its check.

    Attributes:
        groups: The groups.
        numbers: The numbers of the parameters, in the order of the groups.
        called: Their names, or none where the optimizer was made without.
        entries: By the number of a parameter its entry; empty where it never had a gradient.
    """

    groups: Sequence[Mapping[str, Any]]
    numbers: Sequence[int]
    called: Sequence[str]
    entries: Mapping[int, Mapping[str, Any]]

    def steps(self) -> dict[int, int]:
        """The number of steps of each parameter."""
        return {
            number: steps_of(own["step"] if own else 0, f"state[{number}]['step']")
            for number, own in self.entries.items()
        }


def read(saved: Any) -> Saved:  # noqa: ANN401 (see `import_state`)
    """PyTorch's dictionary, taken apart.

    Raises:
        TypeError: It is something else.
        ValueError: Its entries and its groups do not belong together.
    """
    has = {"state", "param_groups"} <= saved.keys() if isinstance(saved, Mapping) else False
    if not has:
        is_mapping = isinstance(saved, Mapping)
        content = f"the keys {[*saved][:10]}" if is_mapping else f"the type {type(saved).__name__}"
        raise (ValueError if is_mapping else TypeError)(
            f"saved has {content}; what optimizer.state_dict() of PyTorch returns has state and"
            f" param_groups. In a checkpoint of a whole training it is one of the entries."
        )
    groups, states = saved["param_groups"], saved["state"]
    if not isinstance(groups, list | tuple) or not all(isinstance(x, Mapping) for x in groups):
        raise TypeError(f"param_groups is {type(groups).__name__}; it must be a list of groups.")
    for index, group in enumerate(groups):
        lacking = [key for key in ("lr", "params") if key not in group]
        if lacking or not _are_numbers(group["params"]):
            raise ValueError(
                f"param_groups[{index}] has the keys {[*group][:10]}; it must have lr, and params,"
                f" the list of the numbers of its parameters. Pass the groups as"
                f" optimizer.state_dict() gave them."
            )
        if as_numpy(group["lr"], f"param_groups[{index}]['lr']").size != 1:
            raise ValueError(f"param_groups[{index}]['lr'] is {group['lr']}; it must be a number.")
    if not isinstance(states, Mapping):
        raise TypeError(f"state is {type(states).__name__}; it must map numbers to entries.")
    numbers = [number for group in groups for number in group["params"]]
    entries = {number: states.get(number, states.get(str(number), {})) for number in numbers}
    for number, own in entries.items():
        if not isinstance(own, Mapping):
            raise TypeError(
                f"state[{number}] is {type(own).__name__}; it must map names to arrays."
            )
    for number, own in entries.items():
        if own and "step" not in own:
            raise ValueError(
                f"state[{number}] has {', '.join(map(str, own))} and no step, the number of steps."
            )
    unknown = [key for key in states if key not in entries and key not in map(str, entries)]
    if unknown or len(entries) != len(numbers):
        raise ValueError(
            f"state has entries for {_listed([*states])}, and param_groups lists"
            f" {_listed(numbers)}: entries without a parameter are {_listed(unknown)}. Pass both as"
            f" optimizer.state_dict() gave them; of one group alone, its entries alone."
        )
    called = [name for group in groups for name in group.get("param_names") or ()]
    if called and len(called) != len(numbers):
        raise ValueError(
            f"param_groups has {len(numbers)} params and {len(called)} param_names; each parameter"
            f" has one."
        )
    return Saved(groups, numbers, called, entries)


def _are_numbers(params: object) -> bool:
    return isinstance(params, list | tuple) and all(type(number) is int for number in params)


def _listed(keys: Sequence[object]) -> str:
    return ", ".join(map(repr, keys[:10])) + ", ..." * (len(keys) > 10) or "none"
