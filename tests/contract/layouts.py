"""The layout of a state, as it is written into checkpoints: names, shapes and dtypes.

Whoever saves a state with one release reads it with the next. `python layouts.py --record` writes
`recorded_layouts.json` anew; a change in it needs an entry in the changelog and a way to convert
the states of the release before.
"""

import functools
import json
import pathlib
import sys

import jax.numpy as jnp

import rmsprop
from rmsprop import rows, telemetry

RECORD = pathlib.Path(__file__).with_name("recorded_layouts.json")
PARAMS = {"w": jnp.zeros((2, 3)), "b": jnp.zeros(3, jnp.bfloat16), "s": jnp.zeros(())}
COMPLEX = PARAMS | {"z": jnp.zeros(2, jnp.complex64)}


def layout(state):
    """The names of the containers and their fields; the dtype and the shape of each array."""
    if state is None:
        return None
    if hasattr(state, "_fields"):
        fields = {name: layout(getattr(state, name)) for name in state._fields}
        return {type(state).__name__: fields}
    if isinstance(state, dict):
        return {name: layout(value) for name, value in state.items()}
    if isinstance(state, tuple | list):
        return [layout(value) for value in state]
    return f"{state.dtype}[{','.join(map(str, state.shape))}]"


def makers():
    """For each entry of the contract table and each optimizer of rows a function: its state."""
    from table import TABLE

    of_each = {}
    for entry in TABLE:
        params = COMPLEX if entry.has_complex else PARAMS
        of_each[entry.name] = functools.partial(_state_of_entry, entry, params)
    for name, optimizer in around().items():
        of_each[name] = functools.partial(optimizer.init, COMPLEX)
    for name, (optimizer, table) in row_optimizers().items():
        of_each[name] = functools.partial(optimizer.init, table)
    return of_each


def around():
    """What stands around or after the optimizers of the table, and has a state of its own."""
    return {
        "round_stochastically(0)": rmsprop.round_stochastically(0),
        "telemetry.watch(scale_by_rms())": telemetry.watch(rmsprop.scale_by_rms()),
    }


def row_optimizers():
    """The optimizers of rows in the settings that change their state, each with a table."""
    from table import annealed

    settings = {
        "rows.rmsprop(0.1)": rows.rmsprop(0.1),
        "rows.rmsprop(0.1,row_wise=True)": rows.rmsprop(0.1, row_wise=True),
        "rows.rmsprop(0.1,semantics=lazy)": rows.rmsprop(0.1, semantics="lazy"),
        "rows.rmsprop(0.1,decay=annealed,semantics=lazy)": rows.rmsprop(
            0.1, annealed, semantics="lazy"
        ),
        "rows.rmsprop(0.1,bias_correction=True)": rows.rmsprop(0.1, bias_correction=True),
        "rows.adagrad(0.1)": rows.adagrad(0.1),
        "rows.adagrad(0.1,row_wise=True)": rows.adagrad(0.1, row_wise=True),
    }
    return {name: (optimizer, jnp.zeros((5, 3))) for name, optimizer in settings.items()}


def _state_of_entry(entry, params):
    return entry.make().init(params)


def recorded():
    """The layouts of the record."""
    return json.loads(RECORD.read_text(encoding="utf-8"))


if __name__ == "__main__":
    if sys.argv[1:] != ["--record"]:
        sys.exit("usage: python layouts.py --record")
    layouts = {name: layout(state()) for name, state in makers().items()}
    RECORD.write_text(json.dumps(layouts, indent=1) + "\n", encoding="utf-8")
