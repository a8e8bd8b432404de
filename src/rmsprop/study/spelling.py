"""How names and numbers are written for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

# RMSprop whose memory is longer than a run.
LONG_MEMORY = "rmsprop-long"
NAMES: Mapping[str, str] = {
    "rmsprop": "RMSprop",
    LONG_MEMORY: "RMSprop, long memory",
    "adagrad": "AdaGrad",
    "sgd": "SGD",
    "adam": "Adam",
}
SCHEDULES: Mapping[str, str] = {
    "constant": "constant",
    "linear": "linear to 0",
    "inverse_sqrt": "1/sqrt(t)",
    "own": "each its own",
}
SETTINGS: Mapping[str, str] = {"torch": "PyTorch", "keras": "Keras", "optax": "Optax"}
# Hyper-parameters searched as one minus themselves, so that their grid can be logarithmic.
ONE_MINUS = "one_minus_"


def name(optimizer: str) -> str:
    """An optimizer as people write it; one we do not know, as it is."""
    return NAMES.get(optimizer, optimizer)


def short(optimizer: str) -> str:
    """Its name where there is little room: of 20 characters at most."""
    return clipped(name(optimizer), 20)


def clipped(text: str, length: int) -> str:
    """Text of so many characters at most."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def schedule(name: str) -> str:
    """A schedule of the learning rate in words."""
    return SCHEDULES.get(name, name)


def setting(name: str) -> str:
    """A setting in words: whose defaults they are, `tuned`, or `default` for an own factory's."""
    return SETTINGS.get(name, name)


def defaults(setting_name: str) -> str:
    """Complete defaults in words: `defaults of PyTorch`, or `default` for an own factory's."""
    known = setting_name in SETTINGS
    return f"defaults of {SETTINGS[setting_name]}" if known else setting_name


def metric(label: str) -> str:
    """The name of a metric in a sentence that goes on: a comma ends what a comma began."""
    return f"{label}," if "," in label else label


def axis(hyperparameter: str) -> str:
    """A hyper-parameter as the label of an axis: `1 - decay` for `one_minus_decay`."""
    if hyperparameter.startswith(ONE_MINUS):
        return f"1 - {axis(hyperparameter.removeprefix(ONE_MINUS))}"
    return hyperparameter.replace("_", " ")


def argument(hyperparameter: str) -> str:
    """A hyper-parameter as it is passed: `decay` for `one_minus_decay`."""
    return axis(hyperparameter.removeprefix(ONE_MINUS))


def value(hyperparameter: str, number: float) -> str:
    """The value as it is passed: `0.99` for `one_minus_decay` 0.01."""
    if hyperparameter.startswith(ONE_MINUS) and number <= 0:  # a decay of 1 and more
        return f"{1 - number:.3g}"
    if hyperparameter.startswith(ONE_MINUS):
        decimals = max(0, 1 - math.floor(math.log10(number)))  # two digits of what was searched
        return f"{round(1 - number, decimals):g}"
    return f"{number:.3g}"


def settings(hyperparameters: Mapping[str, float]) -> str:
    """All of a configuration, with commas."""
    return ", ".join(f"{argument(key)} {value(key, at)}" for key, at in hyperparameters.items())


def seconds(number: float) -> str:
    """A duration of two digits, or `unknown`."""
    return "unknown" if math.isnan(number) else f"{number:.2g}"


def durations(numbers: Sequence[float]) -> list[str]:
    """Durations in seconds that stand in one line, all in one unit: `79 µs`, `120 µs`."""
    known = [x for x in numbers if not math.isnan(x)]
    least = min(known, default=1.0)
    unit, factor = ("µs", 1e6) if least < 1e-3 else ("ms", 1e3) if least < 1 else ("s", 1.0)
    decimals = 1 if least * factor < 10 else 0
    return [
        "unknown" if math.isnan(x) else f"{float(f'{x * factor:.2g}'):,.{decimals}f} {unit}"
        for x in numbers
    ]


def number(value: float) -> str:
    """A number of three significant digits, zeros included: `0.540`; ∞ for an infinite one."""
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    rounded = f"{value:.2e}"
    power = int(rounded.partition("e")[2])
    return f"{float(rounded):.{max(0, 2 - power)}f}" if -4 <= power < 6 else rounded


def size(count: float) -> str:
    """A number of bytes: `104 kB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:  # else three digits would be written as a power
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.0f} TB" if count >= 999.5 else f"{count:.3g} TB"


def times(count: int) -> str:
    """How often: `once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def trial_count(count: int) -> str:
    """`1 trial`, `3 trials`."""
    return f"{count} trial{'s' if count > 1 else ''}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words with commas, and `last` before the last of them."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))
