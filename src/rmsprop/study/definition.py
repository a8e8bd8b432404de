"""Which study a folder holds: when a call goes on with it, how it grows, and what of it is missing.

A definition is plain JSON: the settings that all tasks share, and for each task its own and those
of each optimizer. A study grows by tasks, by optimizers and by seeds; what is there stays. A call
that would leave something out, or mix what cannot be compared, is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Definition = Mapping[str, Any]
# Of each task that has ended, the number of its seeds and the names of its optimizers.
Extent = Mapping[str, tuple[int, Sequence[str]]]

# The settings that all runs of a study share, in words.
_SHARED = {
    "kind": "what it is a study of (a map, or none for a comparison)",
    "first_seed": "the first seed (--first-seed)",
    "tuning_seeds": "the number of seeds that a verdict chooses on (--tuning-seeds)",
    "schedules": "the schedules of the learning rate (--schedules)",
    "device": "the device",
    "numerics": "the settings of JAX in which the study is run",
}
# Those of a task.
_OF_TASK = {
    "steps": "the steps of a run (--steps)",
    "data_sha256": "the data, by their SHA-256",
    "dials": "the values of the dials",
    "choose_by": "the metrics that hyper-parameters are chosen by",
    "report": "the metrics that are reported",
}
# Those of an optimizer on a task.
_OF_OPTIMIZER = {
    "grids": "the grids of its hyper-parameters",
    "defaults": "the defaults that it runs with",
    "schedules": "the schedules that it is tuned under",
}


def grown(folder: object, earlier: Definition, now: Definition) -> dict[str, Any]:
    """The definition of the study in a folder after a further call.

    Args:
        folder: The name of the folder, for sentences.
        earlier: The definition of the study that is there.
        now: That of the call.

    Returns:
        The definition of both: the tasks of the earlier one in their order, then the new ones.

    Raises:
        ValueError: the two cannot be one study.
    """
    if _is_earlier(earlier):
        raise ValueError(
            f"the folder {folder} holds a study of an earlier version of rmsprop; name another"
            f" folder with --out (folder= in Python), or remove this one."
        )
    for key, words in _SHARED.items():
        _same(folder, words, earlier.get(key), now.get(key))
    tasks = dict(earlier["tasks"])
    for name, task in now["tasks"].items():
        if name in tasks:
            _check_task(folder, name, tasks[name], task)
    _check_seeds(folder, earlier, now)
    return {**now, "tasks": tasks | now["tasks"]}


def _is_earlier(definition: Definition) -> bool:
    """Whether a definition is of a version that named optimizers apart from tasks."""
    return "tasks" not in definition or "optimizers" in definition


def _check_task(folder: object, name: str, earlier: Definition, now: Definition) -> None:
    for key, words in _OF_TASK.items():
        _same(folder, f"{words} of the task {name}", earlier.get(key), now.get(key))
    left = [x for x in earlier["optimizers"] if x not in now["optimizers"]]
    if left:
        several = len(left) > 1
        raise ValueError(
            f"the study in the folder {folder} has the optimizer{'s' * several} {_and(left)} on the"
            f" task {name}, which would be left out now; name {'them' if several else 'it'} too"
            f" (what has been run is not run again), or name another folder with --out (folder= in"
            f" Python)."
        )
    for optimizer, there in earlier["optimizers"].items():
        here = now["optimizers"][optimizer]
        if there["reference"] and not here["reference"]:
            continue  # an optimizer of one's own takes the place of a reference
        for key, words in _OF_OPTIMIZER.items():
            of = f"{words} of the optimizer {optimizer} on the task {name}"
            _same(folder, of, there.get(key), here.get(key))


def _check_seeds(folder: object, earlier: Definition, now: Definition) -> None:
    there, here = earlier["seeds"], now["seeds"]
    if here < there:
        _same(folder, "the number of seeds (--seeds)", there, here)
    others = [name for name in earlier["tasks"] if name not in now["tasks"]]
    if here > there and others:
        raise ValueError(
            f"the folder {folder} holds a study on {there} seeds (--seeds) with the tasks"
            f" {', '.join(others)}, which are not named now, and {here} seeds are asked for; name"
            f" all of its tasks, or name another folder with --out (folder= in Python)."
        )


def _same(folder: object, words: str, there: object, here: object) -> None:
    """Refuses a setting that differs."""
    if there != here:
        before, now = _difference(there, here)
        raise ValueError(
            f"the folder {folder} holds a study with other settings: {words}: {before} there, {now}"
            f" now. Name another folder with --out (folder= in Python), or give the setting of that"
            f" study to go on with it."
        )


def _difference(there: object, here: object) -> tuple[str, str]:
    """What differs between two values, as short as it can be said."""
    while isinstance(there, dict) and isinstance(here, dict):
        key = next(k for k in (*here, *there) if there.get(k) != here.get(k))
        there, here = there.get(key), here.get(key)
        if not (isinstance(there, dict) and isinstance(here, dict)):
            return f"{key} {_short(there)}", f"{key} {_short(here)}"
    return _short(there), _short(here)


def _short(value: object) -> str:
    text = "none" if value is None else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def missing(definition: Definition, extent: Extent) -> str:
    """What of a study has not been run to the end, in a sentence with the command that finishes it.

    Args:
        definition: The definition of the study.
        extent: What its results hold so far.

    Returns:
        The sentence, or nothing where nothing is missing.
    """
    parts = [part for of_task in _missing(definition, extent).values() for part in of_task]
    if not parts:
        return ""
    finishing = ", then ".join(commands(definition, extent))
    return f"Still missing from this study: {_and(parts)}. To finish it, run: {finishing}"


def commands(definition: Definition, extent: Extent) -> list[str]:
    """The commands that finish a study, in the order in which they were given."""
    left = _missing(definition, extent)
    tasks = definition.get("tasks", {})
    names = [task["command"] for name, task in tasks.items() if left.get(name)]
    return list(dict.fromkeys(names))


def _missing(definition: Definition, extent: Extent) -> dict[str, list[str]]:
    """What is missing of each task, in words; nothing is known of an earlier version's study."""
    if _is_earlier(definition):
        return {}
    return {
        name: list(_missing_of(name, task, definition["seeds"], extent))
        for name, task in definition.get("tasks", {}).items()
    }


def _missing_of(name: str, task: Definition, seeds: int, extent: Extent) -> Iterator[str]:
    if name not in extent:
        yield name
        return
    there, optimizers = extent[name]
    if seeds > there:
        yield f"{seeds - there} seeds of {name}"
    left = [x for x in task["optimizers"] if x not in optimizers]
    if left:
        yield f"{_and(left)} on {name}"


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
