"""The table of every step, in plain characters on 80 columns."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import numpy as np

from rmsprop.study.steps.minimise import Steps

if TYPE_CHECKING:
    import rich.table

# The name of each optimizer's accumulator. The column of sgd, which has none, holds a dash.
ACCUMULATORS = {"rmsprop": "E[g^2]", "adagrad": "Sum g^2", "sgd": "E[g^2]"}


def table(steps: Steps) -> rich.table.Table:
    """The steps as a table of plain characters, which fits on 80 columns.

    The table has a row for each coordinate of each step. `Update` is the number that was subtracted
    from x. The caption says how to read the table, and whether the run diverged or ended above its
    start.

    Args:
        steps: The numbers of every step.

    Raises:
        ModuleNotFoundError: The package rich is not installed.

    Example:
        >>> from rmsprop.study.steps.minimise import minimise
        >>> table(minimise(lambda x: x**2, 4.0)).row_count
        30
    """
    import rich.box
    import rich.table
    import rich.text

    names = steps.objective.names
    several = len(names) > 1
    rows = rich.table.Table(
        # All strings are `Text`, because rich reads the "[g^2]" of a plain string as a style.
        title=rich.text.Text(f"{title(steps)}\n"),
        caption=rich.text.Text(f"\n{_caption(steps)}"),
        box=rich.box.Box("    \n  | \n -+ \n  | \n -+ \n -+ \n  | \n    \n", ascii=True),
        show_edge=False,
        pad_edge=False,
        title_justify="left",
        caption_justify="left",
    )
    headers = ["x", "Gradient", ACCUMULATORS[steps.optimizer], "Effective LR", "Update"]
    for header in ["Step", *(["Weight"] if several else []), *headers]:
        side = "left" if header == "Weight" else "right"
        rows.add_column(rich.text.Text(header), justify=side, no_wrap=True)
    x, gradient, v = steps.x.tolist(), steps.gradient.tolist(), steps.second_moment.tolist()
    rates, update = steps.effective_learning_rate.tolist(), steps.update.tolist()
    for row, step in enumerate(steps.step.tolist()):
        for i, name in enumerate(names):
            cells = [_number(x[row][i]), _number(gradient[row][i])]
            cells += ["-" if steps.optimizer == "sgd" else _number(v[row][i])]
            cells += [_number(rates[row][i], decimals=6), _number(update[row][i])]
            rows.add_row("" if i else str(step), *([name] if several else []), *cells)
    return rows


def print_table(steps: Steps) -> None:
    """Prints the table to the standard output, as plain text where that is no terminal.

    Args:
        steps: The numbers of every step.

    Raises:
        ModuleNotFoundError: The package rich is not installed.
    """
    import rich.console
    import rich.measure

    rows = table(steps)
    console = rich.console.Console(highlight=False)
    # On a narrow terminal, long lines that the terminal wraps are better than digits cut off.
    unlimited = console.options.update(width=1000)
    console.width = max(80, rich.measure.Measurement.get(console, unlimited, rows).minimum)
    with console.capture() as capture:
        console.print(rows)
    # Rich fills the lines of title and caption with spaces, which are left out.
    for line in capture.get().splitlines():
        sys.stdout.write(f"{line.rstrip()}\n")


def _number(value: float, decimals: int = 4) -> str:
    """A number in fixed point where it has three digits or more and is not wide, else in powers."""
    size = abs(value)
    if value == 0 or 10.0 ** (2 - decimals) <= size < 1e4 or not math.isfinite(size):
        return f"{value:.{decimals}f}"
    return f"{value:.3e}"


def title(steps: Steps) -> str:
    """The title of the run, in two lines: optimizer, function and start; all its settings.

    Args:
        steps: The numbers of every step.

    Example:
        >>> from rmsprop.study.steps.minimise import minimise
        >>> print(title(minimise(lambda x: x**2, 4.0, "sgd")))
        sgd on f from x = 4
        learning rate 0.1
    """
    place = "inside" if steps.settings.get("eps_in_sqrt") else "outside"
    words = {
        "learning_rate": "learning rate {:g}",
        "decay": "decay {:g}",
        "eps": f"eps {{:g}} {place} the root",
        "initial": f"{ACCUMULATORS[steps.optimizer]} from {{:g}}",
    }
    # The usual start of an accumulator, 0, is not mentioned.
    settings = [
        words[name].format(value)
        for name, value in steps.settings.items()
        if name in words and (name, value) != ("initial", 0)
    ]
    coordinates = zip(steps.objective.names, steps.start.tolist(), strict=True)
    start = ", ".join(f"{name} = {value:g}" for name, value in coordinates)
    return f"{steps.optimizer} on {steps.objective.formula} from {start}\n{', '.join(settings)}"


def _caption(steps: Steps) -> str:
    """The caption: how to read the table, and how the run ended."""
    lines = [
        "x is the value after the step, Gradient that before it.",
        "Update = Effective LR * Gradient was subtracted from x.",
    ]
    v, names, settings = ACCUMULATORS[steps.optimizer], steps.objective.names, steps.settings
    if "eps" in settings:
        root = f"sqrt({v} + eps)" if settings["eps_in_sqrt"] else f"(sqrt({v}) + eps)"
        lines += [f"{v} holds the step's own gradient already;"]
        lines += [f"Effective LR = learning rate / {root}."]
    if len(names) == 2:
        first, second = steps.effective_learning_rate[-1].tolist()
        ratio = first / second if second else math.nan
        lines += [f"Effective LR of {names[0]} over that of {names[1]}, last step: {ratio:.4g}."]
    return "\n".join([*lines, *_outcome(steps)])


def _outcome(steps: Steps) -> list[str]:
    """The outcome of the run, in one or two sentences."""
    for name, finite in [
        ("x", np.isfinite(steps.x).all(axis=1)),
        ("f", np.isfinite(steps.value)),
    ]:
        if not finite.all():
            first = steps.step[int(np.argmin(finite))]
            return [
                f"Diverged: {name} is not finite from step {first} on.",
                "Try a smaller learning rate.",
            ]
    start, end, count = steps.start_value, float(steps.value[-1]), len(steps.step)
    lines = [f"f went from {start:.6g} to {end:.6g} in {count} step{'s' if count > 1 else ''}."]
    if end > start:
        lines += ["It ended above its start. Try a smaller learning rate."]
    return lines
