"""What goes wrong in an RMSprop or AdaGrad, measured: Optax, torch and this library side by side.

`python examples/pitfalls.py` prints a table; without torch its column says so.  `--markdown` prints
it for GitHub, `--write docs/pitfalls.md` puts it between the markers there, and
`--check docs/pitfalls.md` compares what stands there with what happens now.

A case is defined once, and the three libraries get the same gradients and settings.  The learning
rate is 1, so that steps are in units of it, and a step is what is subtracted from zero.  Every cell
is worked out from what the library returned or raised.
"""

import argparse
import importlib
import inspect
import re
import shutil
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import rmsprop

BEGIN, END = "<!-- pitfalls: written by examples/pitfalls.py -->", "<!-- end of pitfalls -->"
MISSING = "not installed"
NUMBER = r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?"
# An error whose message names the way out is a refusal, and any other is a failure.
REMEDIES = ("hyperparam_dtype", "grad_dtype", "bias_correction=False")
NOTE = (
    "Steps are in units of the learning rate. The numbers of a row are the same for all three;"
    " eps stands where each library puts it by default, under the root in Optax's RMSprop and"
    " AdaGrad and in these, beside it in torch's. torch runs in a plain loop, with its settings in"
    " `param_groups`; `lax.scan` and `inject_hyperparams` are for the other two."
)


def number(x):
    return f"{x:,.0f}" if x >= 100 else f"{x:.4g}"


# What a cell says.  `steps` has one row for each step; `moment` is the average or sum of the
# squares at the end, None where the library keeps none under that name.


def largest_step(steps, moment):
    for word, broken in (("NaN", np.isnan(steps)), ("infinite", np.isinf(steps))):
        if broken.any():
            return f"{word} at step {1 + np.argmax(broken.any(axis=1)):,}"
    return f"finite, largest step {number(np.abs(steps).max())}"


last_step = lambda steps, moment: f"last step {number(np.abs(steps[-1]).max())}"
final_moment = lambda steps, moment: number(moment.astype(float).max())
dtype_and_step = lambda steps, moment: f"{moment.dtype} average, {last_step(steps, moment)}"


@dataclass(frozen=True)
class Case:
    name: str
    gradients: np.ndarray  # a row for each step
    optimizer: tuple[str, dict]  # its name, and its settings under Optax's names
    dtype: str = "float32"  # of the gradients
    params_dtype: str | None = None  # where it is another one
    injected: bool = False  # settings as data; torch always has them so, in `param_groups`
    reading: Callable = largest_step
    right: float | None = None  # the number that the cell should have

    @property
    def title(self):
        return self.name if self.right is None else f"{self.name} (right: {number(self.right)})"


def constant(value, steps=1):
    """The same gradient at every step; an array has several coordinates."""
    return np.tile(np.atleast_1d(value), (steps, 1))


RMSPROP = ("rmsprop", {"decay": 0.9, "eps": 1e-8})  # Optax's defaults
SLOW = ("rmsprop", {"decay": 0.999, "eps": 1e-8})
NO_EPS = ("rmsprop", {"decay": 0.9, "eps": 0.0})
CENTERED = ("rmsprop", {"decay": 0.95, "eps": 1e-8, "centered": True})
DQN = ("rmsprop", {"decay": 0.95, "eps": 0.01, "centered": True})
CORRECTED = ("rmsprop", {"decay": 0.9, "eps": 1e-8, "centered": True, "bias_correction": True})
ADAGRAD = ("adagrad", {"initial_accumulator_value": 0.0, "eps": 1e-10})  # torch's defaults

MANY = np.geomspace(0.1, 10, 64)  # each is rounded in its own way
SETTLING = np.concatenate([constant(3.0, 50), constant(1.0, 950)])
OUTLIER = np.concatenate([constant(1e30), constant(1.0, 1_000)])
NORMAL = np.random.default_rng(0).normal(size=(1, 256))

CASES = (
    # An eps of 1e-8 is 0 in float16: 0/0 (optax#1784). The square of 1e-4 is 0 there too: x/0.
    Case("float16, gradient 0", constant(0.0), RMSPROP, "float16"),
    Case("float16, gradient 1e-4", constant(1e-4), RMSPROP, "float16"),
    Case("float16 AdaGrad, gradient 1e-4", constant(1e-4), ADAGRAD, "float16", right=1.0),
    Case("eps=0, gradient 0", constant(0.0), NO_EPS),
    # Its square is below the normal numbers of float32: XLA flushes it to 0, and torch does not.
    Case("eps=0, gradient 1e-20", constant(1e-20), NO_EPS, right=0.1**-0.5),
    # E[g^2] - E[g]^2 tends to 0, and rounding makes it negative; optax#1785 would clamp it.
    Case("centered, gradient 3 for 50 steps, then 1", SETTLING, CENTERED),
    Case("centered, constant gradients of 0.1 to 10", constant(MANY, 2_000), CENTERED),
    Case("the same with eps=0.01", constant(MANY, 2_000), DQN),
    # The corrected variance of a single gradient is 0 by definition.
    Case("centered with bias correction, first step", NORMAL, CORRECTED),
    # An increment below half a unit in the last place changes nothing.
    Case(
        "bfloat16, average of 8,000 ones at decay 0.999",
        *(constant(1.0, 8_000), SLOW, "bfloat16"),
        reading=final_moment,
        right=1 - 0.999**8_000,
    ),
    Case(
        "bfloat16 AdaGrad, sum of 8,000 ones",
        *(constant(1.0, 8_000), ADAGRAD, "bfloat16"),
        reading=final_moment,
        right=8_000.0,
    ),
    # The state takes the dtype of the gradients at the first step (optax#1038).
    Case(
        "bfloat16 parameters, float32 gradients, in `lax.scan`",
        *(constant(1.0, 10), RMSPROP, "float32", "bfloat16"),
        right=0.1**-0.5,
    ),
    # The wrapper casts the settings to the dtype of the parameters, where 0.999 is 1.
    Case(
        "bfloat16, decay 0.999 by `inject_hyperparams`",
        *(constant(1.0, 10), SLOW, "bfloat16"),
        injected=True,
        right=0.001**-0.5,
    ),
    # Its square is infinite, and the average stays so: nothing moves any more.
    Case("a gradient of 1e30, then 1,000 ones", OUTLIER, RMSPROP, reading=last_step, right=1.0),
    # |g|^2 is real. torch has its own root for real and imaginary part (pytorch#66671).
    Case("complex gradient 3+4j", constant(3 + 4j), RMSPROP, "complex64", reading=dtype_and_step),
)


# The libraries: a case in, its steps and its final moment out.


def run_jax(library, case):
    name, settings = case.optimizer
    factory = getattr(library, name)
    if case.injected:
        factory = optax.inject_hyperparams(factory)
    # Dtypes are mixed on purpose, also where a user's own configuration does not allow it.
    with jax.numpy_dtype_promotion("standard"):
        optimizer = factory(learning_rate=1.0, **settings)
        gradients = jnp.asarray(case.gradients, case.dtype)
        params = jnp.zeros(gradients.shape[1:], case.params_dtype or case.dtype)

        def step(state, gradient):
            updates, state = optimizer.update(gradient, state, params)
            return state, -updates

        state, steps = jax.jit(lambda s: jax.lax.scan(step, s, gradients))(optimizer.init(params))
    field = "sum_of_squares" if name == "adagrad" else "nu"
    wide = complex if jnp.iscomplexobj(steps) else float
    moment = optax.tree_utils.tree_get(state, field)
    return np.asarray(steps).astype(wide), None if moment is None else np.asarray(moment)


def run_torch(case):
    torch = importlib.import_module("torch")
    name, settings = case.optimizer
    factory = {"rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad}[name]
    settings = {"alpha" if key == "decay" else key: value for key, value in settings.items()}
    for key in settings.keys() - inspect.signature(factory).parameters:
        raise NotImplementedError(f"no option `{key}`")
    gradients = torch.tensor(case.gradients).to(getattr(torch, case.dtype))
    dtype = getattr(torch, case.params_dtype or case.dtype)
    param = torch.nn.Parameter(torch.zeros(gradients.shape[1:], dtype=dtype))
    optimizer, steps = factory([param], lr=1.0, **settings), []
    for gradient in gradients:
        param.data.zero_()
        param.grad = gradient
        optimizer.step()
        steps.append(-param.detach().clone())
    moment = optimizer.state[param]["sum" if name == "adagrad" else "square_avg"]
    if dtype.itemsize < 4:
        moment = moment.float()  # NumPy has no bfloat16
    wide = torch.complex128 if dtype.is_complex else torch.float64
    return torch.stack(steps).to(wide).numpy(), moment.numpy()


COLUMNS = {"Optax": partial(run_jax, optax), "torch": run_torch, "here": partial(run_jax, rmsprop)}


def cell(run, case):
    try:
        return case.reading(*run(case))
    except ModuleNotFoundError:
        return MISSING
    except NotImplementedError as error:
        return str(error)
    except (TypeError, ValueError, RuntimeError) as error:
        for remedy in REMEDIES:
            if remedy in str(error):
                return f"refused, names `{remedy.partition('=')[0]}`"
        return type(error).__name__ + (" in `lax.scan`" if "scan" in str(error) else "")


def measured():
    """By row title, the cell of every column."""
    return {case.title: {c: cell(run, case) for c, run in COLUMNS.items()} for case in CASES}


def versions():
    found = {}
    for name in ("Optax", "torch", "JAX"):
        try:
            found[name] = importlib.import_module(name.lower()).__version__.partition("+")[0]
        except ModuleNotFoundError:
            found[name] = MISSING
    return found


def lines_below(width):
    return textwrap.wrap(", ".join(map(" ".join, versions().items())) + f". {NOTE}", width)


def rows(table):
    return [("case", *COLUMNS), *((title, *cells.values()) for title, cells in table.items())]


def plain(table, width):
    """The table for a terminal of that many columns."""
    other = width // 4 - 3
    widths = [width - 3 * (other + 2), other, other, other]
    rule = "-" * width
    lines = [rule]
    for row in rows(table):
        cells = [textwrap.wrap(t.replace("`", ""), w) for t, w in zip(row, widths, strict=True)]
        for i in range(max(map(len, cells))):
            parts = [(c[i : i + 1] or [""])[0].ljust(w) for c, w in zip(cells, widths, strict=True)]
            lines.append("  ".join(parts).rstrip())
        lines.append(rule)
    return "\n".join([*lines, *lines_below(width)]).replace("`", "")


def markdown(table):
    head, *body = (f"| {' | '.join(row)} |" for row in rows(table))
    return "\n".join([head, "|---" * (1 + len(COLUMNS)) + "|", *body, "", *lines_below(120)])


def differences(table, text):
    """What stands between the markers and is not in the table, one line each.

    Words have to be equal, and numbers within a tenth: without the newer instructions of a
    processor and with JAX 0.6 they moved by less than a hundredth (a NaN by one step), and one
    rounding in bfloat16 is half a hundredth. The column of another library is compared where its
    version is the published one.
    """
    published = text.partition(BEGIN)[2].partition(END)[0]
    lines = [line for line in published.splitlines() if line.startswith("| ")][1:]
    shown = {row[0]: row[1:] for row in (line.strip("| ").split(" | ") for line in lines)}
    if list(shown) != list(table):
        return [f"the rows are {list(shown)}, and should be {list(table)}"]
    known = {name for name, version in versions().items() if f"{name} {version}" in published}
    return [
        f"{title}, {column}: published is {old!r}, measured {cells[column]!r}"
        for title, cells in table.items()
        for column, old in zip(COLUMNS, shown[title], strict=True)
        if column in known | {"here"} and not _agree(old, cells[column])
    ]


def _agree(old, new):
    values = [[float(x.replace(",", "")) for x in re.findall(NUMBER, t)] for t in (old, new)]
    words = [re.sub(NUMBER, "#", text) for text in (old, new)]
    return words[0] == words[1] and np.allclose(*values, rtol=0.1, atol=0)


def main():
    parser = argparse.ArgumentParser(description="The pitfalls of RMSprop and AdaGrad, measured.")
    parser.add_argument("--markdown", action="store_true", help="print the table for GitHub")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put it between the markers")
    parser.add_argument("--check", type=Path, metavar="FILE", help="compare what stands there")
    arguments = parser.parse_args()
    if arguments.write and MISSING in versions().values():
        sys.exit("What is published has a column for torch: install torch first.")
    table = measured()
    if arguments.write:
        before, _, rest = arguments.write.read_text().partition(BEGIN)
        _, end, after = rest.partition(END)
        if not end:
            sys.exit(f"{arguments.write} has no lines\n{BEGIN}\n{END}")
        arguments.write.write_text(f"{before}{BEGIN}\n{markdown(table)}\n{END}{after}")
    elif arguments.check:
        found = differences(table, arguments.check.read_text())
        print("\n".join(found) or f"{len(table)} cases are as published")
        sys.exit(bool(found))
    else:
        width = min(100, max(80, shutil.get_terminal_size().columns))
        print(markdown(table) if arguments.markdown else plain(table, width))


if __name__ == "__main__":
    main()
