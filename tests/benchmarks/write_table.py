"""Writes the benchmarks' record where it is published, in docs/speed.md.

    pytest tests/benchmarks --json tests/benchmarks/recorded.json
    python tests/benchmarks/write_table.py

A record of an accelerator, `recorded-<device>.json`, which `accelerator.py` writes, has a section.
With `--check` it writes nothing and fails where the page does not show the record, which is a test
as well (`tests/test_readme.py`).
"""

import argparse
import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs/speed.md"
BEGIN, END = "<!-- speed: written by tests/benchmarks/write_table.py -->", "<!-- end of speed -->"

OPTIMIZERS = {
    "rmsprop": "RMSprop",
    "rmsprop with momentum": "RMSprop with momentum",
    "rmsprop, centered": "centered RMSprop",
    "adagrad": "AdaGrad",
}
TREES = {
    "1 leaf": "1 leaf",
    "161 leaves": "161 leaves (ResNet-50)",
    "292 leaves": "292 leaves (GPT-2)",
    "1000 leaves": "1,000 leaves",
}


class Record:
    """The lines of the benchmarks' table, to be found by the words that their races begin with."""

    def __init__(self, record):
        self.lines = record["rows"]
        self.tasks = record.get("tasks", [])
        versions = {k: v.split("+")[0] for k, v in record["versions"].items()}
        self.where = (
            f"{record['device']}, {record['cores']} cores; JAX {versions['jax']},"
            f" Optax {versions['optax']}, PyTorch {versions['torch']}, Python {versions['python']}"
        )

    def race(self, words):
        """The lines of the race whose title begins so, by contender."""
        found = [line for line in self.lines if line["race"].startswith(words)]
        return {line["contender"]: line for line in found}

    def parameters(self, tree):
        (size,) = {
            re.search(rf"{tree} \(([\d.]+) M\)", line["race"])[1]
            for line in self.lines
            if f"{tree} (" in line["race"]
        }
        return size


def figure(x):
    """Two decimals below 10, none above; a dash for what was not measured."""
    if x is None:
        return "–"
    return f"{x:.2f}" if x < 10 else f"{x:,.0f}"


def rows_of(header, lines):
    yield f"| {' | '.join(header)} |"
    yield "|" + "---|" * len(header)
    yield from (f"| {' | '.join(line)} |" for line in lines)
    yield ""


def steps(record):
    """Over Optax: this library, torch in its kinds, the share of a copy's bandwidth, compiling."""
    header = ["time over Optax's, below 1 is faster"]
    header += [f"{name}, {record.parameters(tree)} M" for tree, name in TREES.items()]
    races = {
        (key, tree): record.race(f"step, {key}, {tree}") for key in OPTIMIZERS for tree in TREES
    }

    def cells(key, contenders, field="ratio"):
        found = ([races[key, tree].get(c) for c in contenders] for tree in TREES)
        return [" / ".join(figure(line and line[field]) for line in lines) for lines in found]

    lines = [
        [f"update step, {name}", *cells(key, ["this library"])] for key, name in OPTIMIZERS.items()
    ]
    for key, name in OPTIMIZERS.items():
        kinds = ["single", "foreach"] + ["fused"] * (key == "adagrad")
        title = f"torch, {name}: {' / '.join(kinds)}"
        lines.append([title, *cells(key, [f"torch, {kind}" for kind in kinds])])
    lines += compilation(record)
    share = cells("rmsprop", ["this library"], "of_copy")
    lines.append(["bandwidth as a share of a copy's, RMSprop (1 at most)", *share])
    yield from rows_of(header, lines)


def compilation(record):
    """Over Optax, and of bfloat16 accumulators over float32, which Optax does not have."""
    for key, name in OPTIMIZERS.items():
        builds = [record.race(f"all three, {key}, {tree}") for tree in TREES]
        ratios = [build["this library"]["ratio"] if build else None for build in builds]
        yield [f"CPU time to trace, lower and compile, {name}", *map(figure, ratios)]
    narrow, title = "this library, bfloat16 accumulators", "the same of bfloat16 over float32"
    builds = [record.race(f"all three, rmsprop, {tree}") for tree in TREES]
    ratios = [build[narrow]["ratio"] / build["this library"]["ratio"] for build in builds]
    yield [f"{title}, RMSprop", *map(figure, ratios)]


def accumulators(record):
    """bfloat16 over float32: time, and bytes a parameter of state and at the peak."""
    held = record.race("accumulators, rmsprop, 161 leaves")
    kinds = ["bfloat16 accumulators", "bfloat16 throughout"]
    header = ["time over float32's, 161 leaves", *OPTIMIZERS.values()]
    header += ["bytes a parameter of RMSprop: state / peak"]
    lines = []
    for kind in ["float32", *kinds]:
        races = [record.race(f"accumulators, {key}, 161 leaves") for key in OPTIMIZERS]
        memory = f"{held[kind]['state']:.0f} / {held[kind]['peak']:.0f}"
        lines.append([kind, *(figure(race[kind]["ratio"]) for race in races), memory])
    yield from rows_of(header, lines)


def tables(record):
    """Steps on rows against dense ones, from the gradients of the rows and of the whole table."""
    header = ["table of 64 columns", "touched", "dense Optax", "here", "times faster"]
    lines = []
    for race, dense in (
        ("1,000,000 rows of 64", "Optax, dense, from row gradients"),
        ("1,000,000 rows of 64", "Optax, dense, gradient given"),
        ("100,000 rows, 1,000", "Optax, dense, from row gradients"),
        ("1,000,000 rows, a tenth", "Optax, dense, gradient given"),
    ):
        found = record.race(race)
        touched = next(iter(found.values()))["race"].split(", ", 1)[1].split(" touched")[0]
        touched = touched.split(", ")[-1]
        touched = f"{int(touched):,}" if touched.isdigit() else touched
        for name in ("RMSprop", "AdaGrad", "AdaGrad, row-wise"):
            if name in found:
                times = [found[c]["milliseconds"] for c in (dense, name)]
                kind = "gradient given" if dense.endswith("given") else "from the same gradients"
                lines.append(
                    [
                        f"{race.split(' rows')[0]} rows, {name}",
                        touched,
                        f"{figure(times[0])} ms, {kind}",
                        f"{figure(times[1])} ms",
                        figure(found[dense]["ratio"] / found[name]["ratio"]),
                    ]
                )
    yield from rows_of(header, lines)


def passes(record):
    """A step of AdaGrad on one array in passes over memory, of which a copy makes two."""
    race = record.race("passes, adagrad")
    lines = [
        [name, f"{line['milliseconds']:.1f} ms", f"{2 * line['ratio']:.1f}"]
        for name, line in race.items()
        if line["left_out"] is None
    ]
    yield from rows_of(["AdaGrad, one array of 8 M", "time", "passes over memory"], lines)


def watching(record):
    """Steps that are watched against those that are not."""
    watched = ["watched, every step", "watched, every 100th"]
    trees = [tree for tree in TREES if record.race(f"watch, rmsprop, {tree}")]
    if not trees:  # a record that is older than they are
        return
    header = ["time over the step that is not watched, RMSprop", *(TREES[tree] for tree in trees)]
    races = [record.race(f"watch, rmsprop, {tree}") for tree in trees]
    lines = [[kind, *(figure(race[kind]["ratio"]) for race in races)] for kind in watched]
    yield from rows_of(header, lines)


def tasks(record):
    """What the runs of the study cost, task by task."""
    header = ["task", "steps", "runs a second", "of the peak", "memory", "first result after"]
    lines = [
        [
            task["name"],
            f"{task['steps']:,}",
            figure(task["runs_a_second"]),
            "–" if task["of_peak"] is None else f"{task['of_peak']:.0%}",
            f"{figure(task['megabytes'])} MB",
            f"{task['first_result']:.1f} s",
        ]
        for task in record.tasks
    ]
    yield from rows_of(header, lines)


def table(record):
    """The section of the page."""
    yield f"Medians of the ratios within one run: {record.where}."
    yield ""
    for part in (steps, accumulators, watching, passes, tables, tasks):
        yield from part(record)
    runs = record.race("digits training runs")
    others = [
        f"{figure(line['ratio'])} times as fast as {name}"
        for name, line in runs.items()
        if name != "study engine"
    ]
    rate = 1000 / runs["study engine"]["milliseconds"]
    yield (
        f"The study trains {rate:.0f} digits networks a second, 500 steps each, the metrics after"
        f" every tenth of a run included: {'; '.join(others)}."
    )


def of_accelerator(content):
    """What `accelerator.py` recorded on one device: the figures to reach, and what was checked."""
    record = Record(content)
    lines = [
        [
            goal["work"],
            f"{'at least' if goal['at_least'] else 'at most'} {goal['limit']:g}",
            figure(goal["figure"]),
        ]
        for goal in content["goals"]
    ]
    parts = [f"Medians within one run: {record.where}.", ""]
    parts += rows_of(["on this device", "wanted", "measured"], lines)
    parts += [f"* {name}: {remark}." for name, remark in content["remarks"].items()]
    parts += [f"* Not run: {name} ({why})." for name, why in content["unmeasured"].items()]
    return "\n".join(parts)


def text_of_the_page():
    """All of it: the record of the CPU, and those of accelerators."""
    texts = ["\n".join(table(Record(json.loads((HERE / "recorded.json").read_text()))))]
    devices = sorted(HERE.glob("recorded-*.json"))
    texts += [of_accelerator(json.loads(file.read_text())) for file in devices]
    return "\n\n".join(texts)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    page = PAGE.read_text()
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    written = f"{before}{BEGIN}\n{text_of_the_page()}\n{END}{after}"
    if not check:
        PAGE.write_text(written)
    elif page != written:
        sys.exit(f"{PAGE.name} does not show the record: run this without --check")


if __name__ == "__main__":
    main()
