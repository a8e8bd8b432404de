"""The drift between two conventions, and its table for a terminal of 80 columns."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import jax

from rmsprop.frameworks._convention import FrameworkOptimizer
from rmsprop.frameworks._gradients import Clipping

Conversion: TypeAlias = Literal["square", "root"]

_LABELS = {
    "learning_rate": "learning rate",
    "decay": "accumulation",
    "eps": "epsilon",
    "eps_in_sqrt": "place of epsilon",
    "initial": "starting value",
    "centered": "second moment",
    "bias_correction": "bias correction",
    "momentum": "momentum",
    "lr_in_momentum": "place of the rate",
    "nesterov": "kind of momentum",
    "dampened": "momentum receives",
    "weight_decay": "weight decay",
    "weight_decay_rule": "kind of decay",
    "clipping": "clipping",
    "clip_before_weight_decay": "clipping comes",
    "maximize": "direction",
    "gradient_scale": "gradient scale",
    "caution": "caution",
    "complex_leaves": "complex leaves",
    "around": "around the step",
    "max_lr": "largest rate",
}
_SWITCHES = {
    "eps_in_sqrt": ("under the root", "added to the root"),
    "centered": ("centered", "not centered"),
    "lr_in_momentum": ("before momentum", "after momentum"),
    "nesterov": ("Nesterov", "heavy ball"),
    "dampened": ("(1 - mu) u", "u"),
    "clip_before_weight_decay": ("before decay", "after decay"),
    "maximize": ("maximize", "minimize"),
}


@dataclass(frozen=True)
class Difference:
    """One value in which two conventions differ.

    Attributes:
        axis: The field of `Convention`.
        first: Its value in the first convention.
        second: Its value in the second.
        alone: The drift from the first convention if only this value is the second's, after each
            number of steps; NaN where the other options do not allow the value.
        rest: The drift that remains between the two if only this value of the second is corrected.
        together: The fields that mean nothing without this one and are exchanged with it where one
            side lacks it, such as the kind of a momentum that only one side has. Each is a triple
            of the field, its first value and its second value.
    """

    axis: str
    first: object
    second: object
    alone: tuple[float, ...]
    rest: tuple[float, ...]
    together: tuple[tuple[str, object, object], ...] = ()


@dataclass(frozen=True)
class Remedy:
    """What to set in the second call so that it means what the first one means.

    Attributes:
        call: The port of the second call, `module.function`.
        settings: The arguments to set, each by the port's own name, with its value.
        rest: The fields of `Convention` in which the two differ then, since no argument of the
            second call was found that corrects them and leaves alone what is equal. Each is a
            triple of the field, its value in the first convention and its value in the second.
        optimizer: The second optimizer with these arguments.
        conversion: How the epsilon of `optimizer` comes from the first one where they stand in
            different places: it is its `square` under the root, its `root` added to the root, or
            None where it is the same number or no argument sets it.
    """

    call: str
    settings: tuple[tuple[str, object], ...]
    rest: tuple[tuple[str, object, object], ...]
    optimizer: FrameworkOptimizer
    conversion: Conversion | None = None

    def __str__(self) -> str:
        """Up to three sentences, in the second call's own names."""
        settings = ", ".join(f"{name}={_written(x)}" for name, x in self.settings)
        sentences = [f"Set {settings} in {self.call}."] if settings else []
        if self.conversion is not None:
            owner = "Its epsilon" if settings else f"The epsilon of {self.call}"
            place = "stands under" if self.conversion == "square" else "is added to"
            sentences.append(
                f"{owner} is the {self.conversion} of the first one's, because it {place} the root."
            )
        rest = [
            f"{label(axis)} ({value(axis, second)}, in the first {value(axis, first)})"
            for axis, first, second in self.rest
            if not (axis == "eps" and self.conversion)
        ]
        if rest:
            sentences.append(f"No argument of {self.call} alone corrects: {'; '.join(rest)}.")
        return " ".join(sentences)


@dataclass(frozen=True)
class Drift:
    """The result of `compare_conventions`, which prints as a table.

    Attributes:
        first: The name of the first call.
        second: The name of the second call.
        steps: The numbers of steps.
        travelled: The root mean square distances that the first and the second have moved from the
            start.
        apart: The root mean square distance between the two, divided by the distance that the first
            has moved.
        differences: A `Difference` for each value in which the conventions differ, sorted so that
            the one to correct first comes first; None where a convention is not known.
        gradients: A description of the gradients in words.
        remedy: What to set in the second call; None where it is not known as a call, or where
            nothing differs.
    """

    first: str
    second: str
    steps: tuple[int, ...]
    travelled: tuple[tuple[float, ...], tuple[float, ...]]
    apart: tuple[float, ...]
    differences: tuple[Difference, ...] | None
    gradients: str
    remedy: Remedy | None = None

    def __str__(self) -> str:
        return table(self)


def label(axis: str) -> str:
    """The name of a field of `Convention` in words."""
    return _LABELS.get(axis, axis)


def value(axis: str, x: object) -> str:
    """The value of a field in words."""
    if axis in _SWITCHES:
        return _SWITCHES[axis][0 if x else 1]
    if callable(x):
        return "a schedule"
    if axis == "decay":
        return "sum" if x is None else f"decay {_number(x)}"
    if isinstance(x, Clipping):
        return f"{x.kind.replace('_', ' ')} {_number(x.limit)}"
    if isinstance(x, tuple):
        return ", ".join(name for name, _ in x) or "none"
    if isinstance(x, bool):
        return "yes" if x else "no"
    return _number(x)


def table(drift: Drift) -> str:
    """The table of a drift, at most 80 columns wide for up to four numbers of steps."""
    counts = [f"{n:,}" for n in drift.steps]
    ratios = [_ratio(b, a) for a, b in zip(*drift.travelled, strict=True)]
    lines = [
        f"{drift.first} (the first) against {drift.second} (the second)",
        drift.gradients,
        "",
        *_differences(drift),
        "",
        _row("After this number of steps", counts),
        _row("distance moved by the first", _cells(drift.travelled[0])),
        _row("distance moved by the second", _cells(drift.travelled[1])),
        _row("  relative to the first", _cells(ratios)),
        _row("distance apart, relative to the first", _cells(drift.apart)),
    ]
    for heading, field in (
        ("distance apart if the first takes over only", "alone"),
        ("distance apart if the second corrects only", "rest"),
    ):
        if drift.differences:
            lines.append(heading)
        for k, difference in enumerate(drift.differences or (), 1):
            name = f"  {k} {label(difference.axis)}"
            lines.append(_row(name, _cells(getattr(difference, field))))
    return "\n".join([*lines, *_verdict(drift)])


def _differences(drift: Drift) -> list[str]:
    if drift.differences is None:
        return [
            "Which convention is responsible is known for the calls of rmsprop.frameworks that",
            "follow a Convention; one of these two does not.",
        ]
    if not drift.differences:
        return ["The two calls mean the same: no convention differs."]
    cells = [("", "the first", "the second")]
    for k, d in enumerate(drift.differences, 1):
        cells.append((f"{k} {label(d.axis)}", value(d.axis, d.first), value(d.axis, d.second)))
        cells += [(f"  {label(n)}", value(n, x), value(n, y)) for n, x, y in d.together]
    return [f"{name:<26}{first:<26.25}{second:.28}".rstrip() for name, first, second in cells]


def _row(name: str, cells: Sequence[str]) -> str:
    return f"{name:<{max(0, 80 - 10 * len(cells))}}" + "".join(f"{cell:>10}" for cell in cells)


def _cells(numbers: Sequence[float]) -> list[str]:
    return [_short(x) for x in numbers]


def _verdict(drift: Drift) -> list[str]:
    if not drift.differences:
        return []
    n, apart = drift.steps[-1], drift.apart[-1]
    best = drift.differences[0]
    correction = f"{label(best.axis)} ({value(best.axis, best.first)})"
    if drift.travelled[0][-1] == drift.travelled[1][-1] == 0:
        verdict = "Neither of the two has moved: the gradients are zero, or too small for float32."
    elif apart < 1e-3:
        verdict = f"After {n:,} steps the two agree: their relative distance is {_short(apart)}."
    elif len(drift.differences) == 1:
        verdict = f"The only difference is the {correction}."
    elif not best.rest[-1] < 0.9 * apart:
        verdict = "No single correction brings the second much nearer to the first."
    else:
        verdict = f"To correct first: {correction}."
    lines = ["", verdict]
    if drift.remedy is not None:
        lines += textwrap.wrap(str(drift.remedy), 80, break_on_hyphens=False)
    return lines


def _written(x: object) -> str:
    """A value of an argument, as it is written in a call."""
    if callable(x):
        return "<the rates of the first>"
    if isinstance(x, jax.Array):
        x = x.item()
    module = type(x).__module__.rpartition(".")
    return f"{module[2]}.{x!r}" if module[0] == "rmsprop.frameworks" else repr(x)


def _ratio(b: float, a: float) -> float:
    return b / a if a else (math.inf if b else 1.0)


def _short(x: float) -> str:
    """A number with three digits; a dash for NaN, which marks what could not be run."""
    if math.isnan(x):
        return "-"
    if 0 < abs(x) < 1e-6:  # the rounding of float32
        return "<1e-6"
    if x != 0 and (abs(x) < 1e-3 or abs(x) >= 1e5):
        return f"{x:.1e}"
    return f"{x:.3g}" if abs(x) < 1000 else f"{x:,.0f}"


def _number(x: object) -> str:
    if isinstance(x, jax.Array) and jax.numpy.ndim(x) == 0:
        x = float(x)
    return "none" if x is None else (f"{x:.6g}" if isinstance(x, float | int) else str(x))
