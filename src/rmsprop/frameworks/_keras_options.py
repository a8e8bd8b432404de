"""The options of a port of Keras by Keras' own names, to compare with those that were saved."""

from collections.abc import Mapping, Sequence
from typing import Any

from rmsprop.frameworks._arguments import parts_of_rate
from rmsprop.frameworks._convention import Convention
from rmsprop.frameworks._keras_arguments import ClipFirst
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
    """Refuses the state of an optimizer of another class.

    Raises:
        ValueError: The class is another one.
    """
    wanted = "Adagrad" if convention.decay is None else "RMSprop"
    # `tf.keras` registers its optimizers in a package called Custom.
    found = str(options.get("class_name", wanted)).rpartition(">")[2]
    if found != wanted:
        raise ValueError(
            f"the saved optimizer is {found}, and {convention.name} goes on from Keras' {wanted}."
        )


def check_generation(
    convention: Convention, paths: Sequence[str], options: Mapping[str, Any]
) -> None:
    """Refuses what the optimizers of the other side of TensorFlow 2.11 have saved.

    Raises:
        ValueError: It is of the other side.
    """
    first = paths[0].partition(":")[0].rpartition("/")[2] if paths else ""
    was_legacy = first == "iter" or ("decay" in options and "weight_decay" not in options)
    was_later = first == "iteration" or "weight_decay" in options
    legacy = is_legacy(convention)
    if (was_legacy and not legacy) or (was_later and legacy):
        kind = convention.name.rpartition(".")[2].removeprefix("legacy_")
        when, port = ("before", f"legacy_{kind}") if was_legacy else ("since", kind)
        raise ValueError(
            f"saved is of an optimizer of Keras {when} TensorFlow 2.11, whose port is"
            f" frameworks.keras.{port}; optimizer is {convention.name}, whose formula differs."
        )


def check_exclusions(saved: object, options: Mapping[str, Any]) -> None:
    """Refuses an optimizer that leaves variables out of its weight decay.

    Raises:
        ValueError: It does.
    """
    saved = getattr(saved, "inner_optimizer", saved)
    left_out = [
        name
        for name, value in getattr(saved, "__dict__", {}).items()
        if name.startswith("_exclude_from_weight_decay") and not name.endswith("_cache") and value
    ]
    if left_out and options.get("weight_decay"):
        raise ValueError(
            "saved leaves variables out of weight decay (exclude_from_weight_decay), and the port"
            " has it for all. Pass check=False with a port without weight_decay, and go on with"
            " optax.chain(port, optax.add_decayed_weights(-rate * weight_decay, mask))."
        )


def with_limits(options: Mapping[str, Any]) -> dict[str, Any]:
    """Saved options with None for limits of gradients, which legacy optimizers then leave out."""
    return {**dict.fromkeys(_LIMITS.values()), **options}


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
    first = [wrapper.clipping for _, wrapper in c.around if isinstance(wrapper, ClipFirst)]
    limits = [*first, *([] if c.clipping is None else [c.clipping])]
    options |= dict.fromkeys(_LIMITS.values())
    options |= {_LIMITS[limit.kind]: number_of(limit.limit) for limit in limits}
    if is_legacy(c):
        return options | {"decay": number_of(parts_of_rate(c.learning_rate)[1])}
    options["weight_decay"] = number_of(c.weight_decay) or None
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
