"""What `rmsprop steps` does, as a NumPy loop written out, and how its printed table is read."""

import re
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


GRADIENTS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "square": lambda x: 2 * x,
    "valley": lambda x: np.array([x[0], 100 * x[1]]),
    "rosenbrock": lambda x: np.array(
        [-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)]
    ),
    "two-weights": lambda x: np.array([0.1, 10.0]),
}


def loop(
    gradient_of: Callable[[FloatArray], FloatArray],
    start: Sequence[float] | FloatArray,
    optimizer: str,
    learning_rate: float,
    steps: int,
    decay: float,
    eps: float,
    eps_in_sqrt: bool,
    initial: float,
) -> list[FloatArray]:
    """Rows of x after, gradient before, accumulator, effective learning rate, update."""
    x = np.array(start, np.float64)
    v = np.full_like(x, initial)
    rows = []
    for _ in range(steps):
        g = gradient_of(x)
        if optimizer == "rmsprop":
            v = decay * v + (1 - decay) * g * g
        elif optimizer == "adagrad":
            v = v + g * g
        if optimizer == "sgd":
            rate = np.full_like(x, learning_rate)
        elif eps_in_sqrt:
            rate = learning_rate / np.sqrt(v + eps)
        else:
            rate = learning_rate / (np.sqrt(v) + eps)
        x = x - rate * g
        rows.append((x, g, v if optimizer != "sgd" else np.full_like(x, np.nan), rate, rate * g))
    return [np.array(column) for column in zip(*rows, strict=True)]


def table_cells(out: str) -> list[list[str]]:
    """The cells of every row of the table in `out`, without its head: what stands below a rule.

    The rule is `-----+------` where columns have bars between them, and `-----  ----` without.
    """
    lines = out.splitlines()
    (place,) = (i for i, line in enumerate(lines) if line.startswith("----"))
    rows = lines[place + 1 : lines.index("", place)]
    gaps = [
        m.span() for m in re.finditer(r"-\+-|  " if "+" in lines[place] else "  ", lines[place])
    ]
    starts, ends = [0, *(end for _, end in gaps)], [*(start for start, _ in gaps), None]
    return [[row[a:b].strip() for a, b in zip(starts, ends, strict=True)] for row in rows]
