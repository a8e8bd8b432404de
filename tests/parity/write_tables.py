"""Writes the measured agreement where it is published: docs/parity.md, and every docstring.

`python tests/parity/write_tables.py` measures every port against the recordings and writes;
with `--check` it compares what is written with what it measures, and fails where a figure is more
than four times the published one: other versions of JAX and other processors round differently.
"""

import argparse
import importlib
import json
import re
import sys
import textwrap
from pathlib import Path

import jax
import ours
import trajectories
from recorded import RECORDS, recordings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/parity.md"
BEGIN, END = "<!-- parity: written by tests/parity/write_tables.py -->", "<!-- end of parity -->"
NAMES = {
    "chainer": "Chainer",
    "flux": "Optimisers.jl (Flux)",
    "jax_examples": "JAX's example libraries",
    "keras": "Keras",
    "mlx": "MLX",
    "mxnet": "MXNet",
    "optax": "Optax",
    "paddle": "PaddlePaddle",
    "papers": "the papers",
    "stable_baselines3": "Stable-Baselines3",
    "tensorflow": "TensorFlow",
    "timm": "timm",
    "torch": "PyTorch",
}
TRANSCRIBED = ("flux", "papers")


def measured():
    """The worst difference by framework and function, in double and in single precision."""
    worst = {}
    for framework, record in sorted(RECORDS.items()):
        for case in record.CASES:
            found = ours.trajectory(framework, case)
            difference = trajectories.difference(found, recordings(framework)[case.name])
            width = {"complex128": "float64", "complex64": "float32"}.get(case.dtype, case.dtype)
            of_function = worst.setdefault((framework, case.function), {})
            of_function[width] = max(of_function.get(width, 0.0), difference)
            of_function["cases"] = of_function.get("cases", 0) + 1
    return worst


def against(framework, function):
    """What was run, such as `PyTorch 2.13.0`."""
    if framework in TRANSCRIBED:
        return "a transcription in NumPy; the original was never run"
    found = json.loads(str(recordings(framework)["versions"]))
    own = f"{NAMES[framework]} {next(iter(found.values())).partition('+')[0]}"
    if framework != "keras":
        return own
    tf_keras = f"tf_keras {found['tf_keras']}"
    return tf_keras if function.startswith("legacy") else f"{own}, {tf_keras}"


def table(worst):
    """The table of the page."""
    lines = [
        "| framework | function | cases | float64 | float32 | against |",
        "|---|---|---|---|---|---|",
    ]
    for (framework, function), of_function in worst.items():
        cells = [_figure(of_function.get(width)) for width in ("float64", "float32")]
        name = f"`{framework}.{function}`"
        count = str(of_function["cases"])
        row = [NAMES[framework], name, count, *cells, against(framework, function)]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def sentence(framework, function, of_function):
    """The paragraph of a docstring."""
    figures = " and ".join(
        f"{_figure(of_function[width])} in {width}"
        for width in ("float64", "float32")
        if width in of_function
    )
    return (
        f"Agreement: the parameters differ by at most {figures}, relative to the largest value of"
        f" each coordinate, over {trajectories.STEPS} steps of {of_function['cases']} runs, most"
        f" with a changing rate, from {against(framework, function)}."
    )


def _figure(x):
    return "–" if x is None else ("0" if x == 0 else f"{x:.1e}")


def _write(path, pattern, text):
    before = path.read_text()
    after, count = re.subn(pattern, lambda match: text, before, flags=re.S)
    assert count == 1, f"{path}: {count} places for {pattern}"
    path.write_text(after)


def write(worst):
    """Writes the table and the docstrings."""
    for (framework, function), of_function in worst.items():
        path = ROOT / "src/rmsprop/frameworks" / f"{framework}.py"
        source = path.read_text()
        begin = re.search(rf"^def {function}\(", source, re.M).start()
        paragraph = re.compile(r"    Agreement: .*?(?=\n\n|\n    \"\"\")", re.S)
        text = textwrap.fill(
            sentence(framework, function, of_function),
            100,
            initial_indent=" " * 4,
            subsequent_indent=" " * 4,
        )
        rest, count = paragraph.subn(lambda match, text=text: text, source[begin:], count=1)
        assert count == 1, f"{path}: {function} has no paragraph 'Agreement:'"
        path.write_text(source[:begin] + rest)
    _write(PAGE, f"{BEGIN}.*{END}", f"{BEGIN}\n{table(worst)}\n{END}")


def check(worst):
    """What is written and does not hold here, one line each."""
    published = PAGE.read_text().split(BEGIN)[1].split(END)[0]
    problems = []
    for (framework, function), of_function in worst.items():
        row = next((r for r in published.splitlines() if f"`{framework}.{function}`" in r), None)
        if row is None:
            problems.append(f"{framework}.{function} is missing in {PAGE.name}")
            continue
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        module = importlib.import_module(f"rmsprop.frameworks.{framework}")
        said = " ".join(getattr(module, function).__doc__.split())
        for width, cell in zip(("float64", "float32"), cells[3:5], strict=True):
            found = of_function.get(width)
            if (found is None) != (cell == "–"):
                problems.append(f"{framework}.{function}: {width} is {cell}, measured {found}")
            elif found is not None:
                floor = 1e-16 if width == "float64" else 6e-8  # one rounding
                if found > 4 * max(float(cell), floor):
                    problems.append(f"{framework}.{function}: {width} is {cell}, measured {found}")
                if f"{cell} in {width}" not in said:
                    problems.append(f"{framework}.{function}: the docstring does not say {cell}")
    rows = [r for r in published.splitlines() if "`" in r]
    if len(rows) != len(worst):
        problems.append(f"{PAGE.name} has {len(rows)} rows, and there are {len(worst)} functions")
    return problems


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    jax.config.update("jax_enable_x64", True)
    found = measured()
    if parser.parse_args().check:
        problems = check(found)
        print("\n".join(problems) or f"{len(found)} functions agree as published")
        sys.exit(bool(problems))
    write(found)
    print(table(found))
