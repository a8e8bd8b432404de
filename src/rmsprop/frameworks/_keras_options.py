"""The options of a port of Keras by Keras' own names, to compare with those that were saved."""

from collections.abc import Mapping
from typing import Any

from rmsprop.frameworks._convention import Convention
from rmsprop.frameworks._keras_step import AccumulateGradients, AverageParameters
from rmsprop.frameworks._saved_arrays import number_of

_LIMITS = {"norm": "clipnorm", "value": "clipvalue", "global_norm": "global_clipnorm"}


def is_legacy(convention: Convention) -> bool:
    return convention.name.startswith("keras.legacy_")


def calls_per_step(convention: Convention) -> int:
    """The number of calls that make one step."""
    wrappers = (wrapper for _, wrapper in convention.around)
    return next((w.steps for w in wrappers if isinstance(w, AccumulateGradients)), 1)


def check_class(convention: Convention, options: Mapping[str, Any]) -> None:
    wanted = "Adagrad" if convention.decay is None else "RMSprop"
    if options.get("class_name", wanted) != wanted:
        raise ValueError(
            f"the saved optimizer is {options['class_name']}, and {convention.name} goes on from"
            f" Keras' {wanted}."
        )


def options_of(c: Convention) -> dict[str, object]:
    """The options of a convention by Keras' names, as far as its state or its steps have them."""
    options: dict[str, object] = {}
    if c.decay is None:
        options["initial_accumulator_value"] = number_of(c.initial)
    else:
        options["rho"] = number_of(c.decay)
        options["momentum"] = number_of(c.momentum or 0)
        options["centered"] = c.centered
    options["epsilon"] = number_of(c.eps)
    if is_legacy(c):
        return options
    options["weight_decay"] = number_of(c.weight_decay) or None
    limit = {} if c.clipping is None else {_LIMITS[c.clipping.kind]: number_of(c.clipping.limit)}
    options |= {name: limit.get(name) for name in _LIMITS.values()}
    scale = number_of(c.gradient_scale)
    options["loss_scale_factor"] = None if scale == 1 else 1 / scale
    options["gradient_accumulation_steps"] = None if calls_per_step(c) == 1 else calls_per_step(c)
    wrappers = (wrapper for _, wrapper in c.around)
    average = next((w for w in wrappers if isinstance(w, AverageParameters)), None)
    options["use_ema"] = average is not None
    if average is not None:
        options["ema_momentum"] = number_of(average.momentum)
        options["ema_overwrite_frequency"] = average.overwrite_every
    return options
