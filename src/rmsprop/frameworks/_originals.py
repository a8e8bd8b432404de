"""The names that the frameworks themselves have for their optimizers, and the port of each.

A name is understood as far as it is written: `torch.optim.RMSprop`, `optim.RMSprop` after `from
torch import optim`, and `RMSpropTF`, which timm alone has.  Of a name that several frameworks have
the reading is taken that alone has the arguments of the call; where several have them, or none, it
is refused with its readings.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

EXAMPLE = (
    "Write it as torch.rmsprop(lr=1e-2), say, or as the framework has it:"
    " torch.optim.RMSprop(params, lr=1e-2)."
)

# By port the full names of the original.
_ORIGINALS = {
    "chainer.rmsprop": ("chainer.optimizers.RMSprop",),
    "chainer.rmsprop_graves": ("chainer.optimizers.RMSpropGraves",),
    "chainer.adagrad": ("chainer.optimizers.AdaGrad",),
    "flux.rmsprop": ("Flux.RMSProp", "Flux.Optimise.RMSProp", "Optimisers.RMSProp"),
    "flux.adagrad": ("Flux.AdaGrad", "Flux.Optimise.AdaGrad", "Optimisers.AdaGrad"),
    "jax_examples.rmsprop": ("jax.example_libraries.optimizers.rmsprop",),
    "jax_examples.rmsprop_momentum": ("jax.example_libraries.optimizers.rmsprop_momentum",),
    "jax_examples.adagrad": ("jax.example_libraries.optimizers.adagrad",),
    "keras.rmsprop": ("keras.optimizers.RMSprop", "tensorflow.keras.optimizers.RMSprop"),
    "keras.adagrad": ("keras.optimizers.Adagrad", "tensorflow.keras.optimizers.Adagrad"),
    "keras.legacy_rmsprop": (
        "keras.optimizers.legacy.RMSprop",
        "tensorflow.keras.optimizers.legacy.RMSprop",
        "tensorflow.compat.v1.keras.optimizers.RMSprop",
        "keras.optimizers.rmsprop",  # an alias, before Keras 2.4
    ),
    "keras.legacy_adagrad": (
        "keras.optimizers.legacy.Adagrad",
        "tensorflow.keras.optimizers.legacy.Adagrad",
        "tensorflow.compat.v1.keras.optimizers.Adagrad",
    ),
    "mlx.rmsprop": ("mlx.optimizers.RMSprop",),
    "mlx.adagrad": ("mlx.optimizers.Adagrad",),
    "mxnet.rmsprop": ("mxnet.optimizer.RMSProp",),
    "mxnet.adagrad": ("mxnet.optimizer.AdaGrad",),
    "paddle.rmsprop": ("paddle.optimizer.RMSProp", "paddle.fluid.optimizer.RMSPropOptimizer"),
    "paddle.adagrad": ("paddle.optimizer.Adagrad", "paddle.fluid.optimizer.AdagradOptimizer"),
    "stable_baselines3.rmsprop_tf_like": (
        "stable_baselines3.common.sb2_compat.rmsprop_tf_like.RMSpropTFLike",
    ),
    "tensorflow.rmsprop": (
        "tensorflow.compat.v1.train.RMSPropOptimizer",
        "tensorflow.train.RMSPropOptimizer",
    ),
    "tensorflow.adagrad": (
        "tensorflow.compat.v1.train.AdagradOptimizer",
        "tensorflow.train.AdagradOptimizer",
    ),
    "timm.rmsprop_tf": ("timm.optim.RMSpropTF", "timm.optim.rmsprop_tf.RMSpropTF"),
    "torch.rmsprop": ("torch.optim.RMSprop", "torch.optim.rmsprop.RMSprop"),
    "torch.adagrad": ("torch.optim.Adagrad", "torch.optim.adagrad.Adagrad"),
}
# Other names of modules: those under which they are imported by custom, and equal ones.
_SAME = {
    "tf": ("tensorflow",),
    "mx": ("mxnet",),
    "optim": ("torch.optim", "timm.optim", "mlx.optimizers"),
    "tf_keras": ("tensorflow.keras",),
    "tensorflow.optimizers": ("tensorflow.keras.optimizers",),
    "tensorflow.keras.optimizers.experimental": ("tensorflow.keras.optimizers",),
}
# The positional arguments of originals, where they are not those of the port.
_PADDLE = ("learning_rate", "rho", "epsilon", "momentum", "centered")
_AFTER = ("weight_decay", "grad_clip", "name")
_FLUID_AFTER = ("parameter_list", "regularization", "grad_clip", "name")
_ORDERS = {
    "keras.optimizers.rmsprop": ("lr", "rho", "epsilon", "decay"),
    "paddle.optimizer.RMSProp": (*_PADDLE, "parameters", *_AFTER),
    "paddle.optimizer.Adagrad": ("learning_rate", "epsilon", "parameters", *_AFTER),
    "paddle.fluid.optimizer.RMSPropOptimizer": (*_PADDLE, *_FLUID_AFTER),
    "paddle.fluid.optimizer.AdagradOptimizer": ("learning_rate", "epsilon", *_FLUID_AFTER),
}
# The frameworks whose classes take the parameters first.
_PARAMETERS_FIRST = ("stable_baselines3", "timm", "torch")


class Original(NamedTuple):
    """What a name stands for.

    Attributes:
        name: The full name of the original, or the name of the port.
        port: The name of the port, `module.function`.
        order: The names of its positional arguments where they are not those of the port; None
            otherwise.
        parameters_first: Whether the parameters come before the port's own arguments.
    """

    name: str
    port: str
    order: tuple[str, ...] | None = None
    parameters_first: bool = False


def original(
    name: str,
    imports: Mapping[str, str],
    ports: Iterable[str],
    misfit: Callable[[Original], str],
) -> tuple[Original | None, str]:
    """What a dotted name stands for.

    Args:
        name: The name, such as `optim.RMSprop`.
        imports: The full names of what has been imported, by the names in the program.
        ports: The names of all ports.
        misfit: Why an original does not take the arguments of the call; empty where it does. Only
            the originals of a name that several have are asked.

    Returns:
        The original and an empty text; or None and a sentence that says why there is none.
    """
    originals = {full: port for port, names in _ORIGINALS.items() for full in names}
    originals |= {port: port for port in ports}
    root, dot, rest = name.partition(".")
    names = _same(imports.get(root, root) + dot + rest)
    readings = {originals[full]: full for full in names if full in originals}
    if not readings and root not in imports:
        for full, port in originals.items():
            if any(full.endswith(f".{end}") for end in names):
                readings.setdefault(port, full)
    if not readings:
        return None, _unknown(names[0], originals)
    return _the_one(name, [_original(full, port) for port, full in readings.items()], misfit)


def _original(full: str, port: str) -> Original:
    first = full != port and port.partition(".")[0] in _PARAMETERS_FIRST
    return Original(full, port, _ORDERS.get(full), first)


def _the_one(
    name: str, readings: list[Original], misfit: Callable[[Original], str]
) -> tuple[Original | None, str]:
    """The one reading of a name that takes the arguments; or None, and why it is not one."""
    if len(readings) == 1:
        return readings[0], ""
    reasons = {reading: misfit(reading) for reading in sorted(readings)}
    fits = [reading for reading, reason in reasons.items() if not reason]
    if len(fits) == 1:
        return fits[0], ""
    if not fits:
        whys = " ".join(f"{x.name}: {reason.rstrip('.')}." for x, reason in reasons.items())
        return None, f"{name} may be one of {len(reasons)}, and none takes these arguments. {whys}"
    return None, (
        f"{name} may be {', '.join(x.name for x in fits)}. Write the one that is meant in full, or"
        f" its import before it: 'from torch.optim import RMSprop; RMSprop(params, lr=1e-2)'."
    )


def _same(name: str) -> list[str]:
    """The name with the modules that it may stand for in the place of other names of them."""
    names = [name]
    for other, modules in _SAME.items():
        for known in [*names]:
            if known.startswith(f"{other}."):
                names.remove(known)
                names += [module + known.removeprefix(other) for module in modules]
    for package in ("rmsprop.", "frameworks."):
        names += [each.removeprefix(package) for each in names if each.startswith(package)]
    return names


def _unknown(name: str, originals: Mapping[str, str]) -> str:
    """Why no original has a name: its framework is not here, or has other optimizers."""
    root, last = name.partition(".")[0], name.rpartition(".")[2]
    modules = sorted({port.partition(".")[0] for port in originals.values()})
    names = sorted(full for full in originals if full.startswith(f"{root}."))
    if "." not in name:
        names = sorted({full.rpartition(".")[2] for full in originals})
        sentence = f"{name} is no optimizer that is here; these are {', '.join(names)}."
    elif not names:
        sentence = f"{name} names no framework that is here; these are {', '.join(modules)}."
        last, names = root, modules
    elif root in modules and name.count(".") == 1:
        names = [full.removeprefix(f"{root}.") for full in names if full in originals.values()]
        sentence = f"{root} has no optimizer {last!r}; it has {', '.join(names)}."
    else:
        sentence = f"{name} is no optimizer that is here; of {root} these are: {', '.join(names)}."
        last = name
    return f"{sentence}{near(last, names)} {EXAMPLE}"


def near(word: str, names: Iterable[str]) -> str:
    """A space and the question whether a near name was meant; empty where none is near."""
    close = difflib.get_close_matches(word, [*names], n=2)
    return f" Did you mean {' or '.join(close)}?" if close else ""
