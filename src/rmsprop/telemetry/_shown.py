"""The numbers of `read` as a table in a terminal, and those of a whole run as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rmsprop.telemetry._measures import OVERALL, RATES

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

_TITLES = {
    "update_to_weight": "update / weight",
    "gradient_norm": "gradient norm",
}
_HEADS = {  # of the table
    "effective_learning_rate_5": "rate\n5 %",
    "effective_learning_rate_50": "\n50 %",
    "effective_learning_rate_95": "\n95 %",
    "update_to_weight": "update\n/weight",
    "gradient_norm": "grad.\nnorm",
    "zero_gradients": "zero\ngrad.",
    "eps_dominates": "v <\neps",
}


def table(values: Mapping[str, float]) -> Table:
    """The numbers of one step, a line for each leaf: `rich.print(table(read(state)))`.

    Args:
        values: What `read` returns, or `observe`.

    Returns:
        A table of rich, with the effective learning rate by its three quantiles. What no leaf has
        is no column.

    Raises:
        ImportError: rich is not installed; `pip install '.[study]'` has it.

    Example:
        >>> import jax.numpy as jnp
        >>> from rmsprop import telemetry
        >>> gradients, params = jnp.array([3.0, 4.0]), jnp.ones(2)
        >>> values = telemetry.observe({"w": gradients}, {"w": -0.1 * gradients}, {"w": params})
        >>> telemetry.table(values).row_count  # the leaf, and all of them
        2
    """
    from rich import box
    from rich.table import Table

    leaves = list(dict.fromkeys(name.rpartition("/")[0] for name in values if "/" in name))
    known = [key for key in _HEADS if any(f"{leaf}/{key}" in values for leaf in leaves)]
    title = f"step {values['step']:.0f}" if "step" in values else None
    shown = Table(title=title, box=box.SIMPLE, padding=(0, 1, 0, 0))
    shown.add_column("leaf", overflow="fold")
    for key in known:
        shown.add_column(_HEADS[key], justify="right", no_wrap=True)
    for leaf in leaves:
        cells = [_figure(values.get(f"{leaf}/{key}"), key) for key in known]
        if leaf == OVERALL:
            shown.add_section()
        # Paths have brackets, which rich would read as markup.
        shown.add_row(leaf.replace("[", r"\["), *cells)
    return shown


def _figure(x: float | None, key: str) -> str:
    if x is None:
        return "–"
    return f"{x:.0%}" if key in ("zero_gradients", "eps_dominates") else f"{float(x):.2g}"


def plot(history: Sequence[Mapping[str, float]], leaf: str = OVERALL) -> Figure:
    """The numbers of a run over its steps.

    Args:
        history: What `read` has returned, one after the other; without numbers they are left out.
        leaf: The leaf that is shown, by its path such as `"['dense']['kernel']"`; all of them by
            default.

    Returns:
        A figure of matplotlib with four axes: effective learning rate (median, and from 5 to 95 %),
        update over weight, gradient norm, and shares in percent.

    Raises:
        ValueError: `history` has no numbers, or none of that leaf.
        ImportError: matplotlib is not installed; `pip install '.[study]'` has it.

    Example:
        >>> import jax.numpy as jnp
        >>> from rmsprop import telemetry
        >>> gradients, params = jnp.array([3.0, 4.0]), jnp.ones(2)
        >>> seen = telemetry.observe(gradients, -0.1 * gradients, params)
        >>> history = [{"step": k} | seen for k in range(3)]
        >>> len(telemetry.plot(history).axes)
        4
    """
    from matplotlib.figure import Figure

    rows = {row["step"]: row for row in history if "step" in row}  # each step once
    if not rows:
        raise ValueError(
            "history has no numbers; it must hold what rmsprop.telemetry.read(state) returns, which"
            " is empty before the second step."
        )
    names = sorted(
        {name.rpartition("/")[0] for row in rows.values() for name in row if "/" in name}
    )
    if leaf not in names:
        raise ValueError(f"leaf is {leaf!r}; it must be one of {', '.join(names)}.")
    steps = sorted(rows)

    def column(key: str) -> list[float]:
        return [float(rows[step].get(f"{leaf}/{key}", float("nan"))) for step in steps]

    figure = Figure(figsize=(9, 6), layout="constrained")
    figure.suptitle("all leaves" if leaf == OVERALL else leaf)
    axes = figure.subplots(2, 2, sharex=True).flat
    low, middle, high = (column(key) for key in RATES)
    axes[0].fill_between(steps, low, high, alpha=0.25, linewidth=0, label="5 to 95 %")
    axes[0].plot(steps, middle, label="median")
    axes[1].plot(steps, column("update_to_weight"))
    axes[2].plot(steps, column("gradient_norm"))
    for ax, title in zip(axes, ("effective learning rate", *_TITLES.values()), strict=False):
        ax.set_title(title)
        ax.set_yscale("log", nonpositive="mask")
    for key, label in (("zero_gradients", "zero gradients"), ("eps_dominates", "eps dominates")):
        axes[3].plot(steps, [100 * x for x in column(key)], label=label)
    axes[3].set_title("share of coordinates, %")
    axes[3].set_ylim(-2, 102)
    axes[0].legend()
    axes[3].legend()
    for ax in axes[2:4]:
        ax.set_xlabel("step")
    return figure
