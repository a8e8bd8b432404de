"""The same runs, as they go on here, and as they go on there from here."""

import importlib
import inspect
import re

import jax
import jax.numpy as jnp
import moving
import numpy as np
import optax

from rmsprop import frameworks

NAMES = {name: moving.ORDER.index(name) for name in moving.ORDER}


def port(framework, case):
    """The module of the framework here, and the optimizer of the case."""
    module = getattr(frameworks, framework)
    own = importlib.import_module(f"moving_{framework}")
    more = own.ours(case) if hasattr(own, "ours") else {}
    rates = jnp.asarray(np.asarray(case.rates(moving.STEPS)))
    rate = (lambda count: rates[count]) if case.changing else case.learning_rate
    return module, getattr(module, case.function)(rate, **(case.arguments | more))


def turn(name, array):
    """The layout of the other side, by the number or the name of the entry."""
    return moving.turned(moving.ORDER[name], array)


def from_there(framework, case, saved, params):
    """The optimizer here and the state with which it goes on."""
    module, optimizer = port(framework, case)
    arguments = _arguments(framework, module.import_state, "to_ours")
    return optimizer, module.import_state(optimizer, saved, params, **arguments)


def to_there(framework, optimizer, state, params):
    """What the framework would have saved after the first steps."""
    export = getattr(frameworks, framework).export_state
    return export(optimizer, state, params, **_arguments(framework, export, "to_theirs"))


def _arguments(framework, function, turning):
    """The arguments of a function that have to do with the other side."""
    own = moving.module(framework)
    arguments = {
        "names": getattr(own, "NAMES", NAMES),
        turning: getattr(own, "turn", turn),
        "step": moving.BEFORE,
    }
    taken = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in taken}


def follow(optimizer, state, params, steps):
    """The parameters after each step, and the last state."""
    after = []
    update = jax.jit(optimizer.update)
    for gradient, _ in steps:
        updates, state = update(jax.tree.map(jnp.asarray, gradient), state, params)
        params = optax.apply_updates(params, updates)
        after.append(params)
    return after, state


def differences(saved, back, path=""):
    """The paths at which two saved states differ, and by how much relative to what was saved."""
    if isinstance(saved, dict):
        for key in {*saved} | {*back}:
            if key in saved and key in back:
                yield from differences(saved[key], back[key], f"{path}/{key}")
            else:
                yield f"{path}/{key}", np.inf
    elif hasattr(saved, "packed_state"):  # of JAX's example libraries, whose tuple ends differently
        yield from differences(saved[:1], back[:1], path)
    elif isinstance(saved, list | tuple):
        if len(saved) != len(back):
            yield path, np.inf
        for number, (one, two) in enumerate(zip(saved, back, strict=False)):
            yield from differences(one, two, f"{path}/{number}")
    elif isinstance(saved, np.ndarray | np.generic | jax.Array):
        one, two = np.asarray(saved), np.asarray(back)
        if one.shape != two.shape or one.dtype != two.dtype:
            yield path, np.inf
        elif one.tobytes() != two.tobytes():
            distance = np.abs(one.astype(np.complex128) - two.astype(np.complex128))
            yield path, float(np.max(distance / np.maximum(np.abs(one), np.finfo(one.dtype).tiny)))
    elif saved != back:
        yield path, np.inf


def unexplained(framework, case, saved, back):
    """The differences that are no rounding of a centered average and not among what is lost."""
    own = moving.module(framework)
    lost = own.lost(case) if hasattr(own, "lost") else getattr(own, "LOST", "nothing")
    # A variance is rounded once when it moves and once when it moves back, relative to the average
    # of the squares that it was taken from.
    rounding = 2 * np.finfo(case.dtype).eps if _is_centered(case) else 0
    return [
        (path, size)
        for path, size in differences(saved, back)
        if size > rounding and not re.fullmatch(lost, path)
    ]


def _is_centered(case):
    return case.arguments.get("centered", False) or case.function == "rmsprop_graves"


def assert_moves_here(framework, case):
    """20 steps there, then 20 more in both; what was saved comes back bit for bit."""
    steps = moving.stream(case)
    run = moving.begin(framework, case)
    params = moving.follow(framework, run, steps[: moving.BEFORE])[-1]
    saved = run.saved()
    expected = moving.follow(framework, run, steps[moving.BEFORE :])
    params = jax.tree.map(jnp.asarray, params)
    optimizer, state = from_there(framework, case, saved, params)
    back = to_there(framework, optimizer, state, params)
    assert unexplained(framework, case, saved, back) == []
    after, _ = follow(optimizer, state, params, steps[moving.BEFORE :])
    assert moving.difference(after, expected) <= moving.TOLERANCE[case.dtype]
