"""What the page "How to choose" says is what its sources say."""

import json
import re
from math import log
from pathlib import Path

import pytest

from rmsprop.study.results.statistics import Estimate
from rmsprop.study.results.verdicts import verdict

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def _prose(name):
    return " ".join((DOCS / name).read_text().split())


PAGE = _prose("choose.md")


@pytest.fixture(scope="module")
def rows():
    """The lines of the comparison of all tasks, by task."""
    record = json.loads((ROOT / "tests/study/recorded_findings.json").read_text())["all"]
    return {row["task"]: row for row in record["rows"]}


def _by_schedule():
    """The verdicts under a constant rate and under linear decay, as the map's page has them."""
    text = (DOCS / "map.md").read_text()
    table = text.split("<!-- places:")[1].split("<!-- end of places -->")[0]
    lines = [re.split(r"\s*\|\s*", line.strip("| ")) for line in table.splitlines() if "|" in line]
    return [line[-2:] for line in lines[2:]]


def test_the_verdicts_of_all_tasks_are_counted(rows):
    verdicts = [row["verdict"] for row in rows.values()]
    counts = [
        sum(verdict.startswith(words) for verdict in verdicts)
        for words in ("RMSprop is better", "AdaGrad is better", "equal", "not decided")
    ]
    assert sum(counts) == len(rows) == 13
    ours, theirs, equal, open_ = counts
    assert (
        f"RMSprop is better on {ours}, AdaGrad on {theirs}, the two are equal on {equal},"
        f" and {open_} are not decided"
    ) in PAGE


def test_the_verdicts_under_each_schedule_are_counted(rows):
    verdicts = _by_schedule()
    assert len(verdicts) == 13
    constant, linear = ([line[k] for line in verdicts] for k in (0, 1))
    slight = _slightly_better(rows, "linear")
    assert slight["A"] == 0
    plain = re.sub(r"\[(\w+)\]\(\S+\)", r"\1", PAGE)
    assert (
        f"it is better on {linear.count('R')} of the 13 tasks, on {slight['R']} of them slightly,"
        f" AdaGrad on {linear.count('A')} ("
    ) in plain
    slight = _slightly_better(rows, "constant")
    assert (
        f"it is better on {constant.count('A')} of the 13 tasks, on {slight['A']} of them slightly,"
        f" RMSprop on {constant.count('R')}, on {slight['R']} slightly ("
    ) in plain


def _slightly_better(rows, schedule):
    """On how many tasks each is slightly better: beyond equality, and not beyond the margin."""
    counts = {"R": 0, "A": 0}
    for row in rows.values():
        value, low, high = map(float, re.findall(r"-?[\d.]+(?:e-?\d+)?", row[schedule]))
        if row["metric"].endswith("RMSprop / AdaGrad"):  # a loss; below 1 RMSprop is better
            difference, margin = Estimate(-log(value), -log(high), -log(low)), log(1.05)
        else:
            difference, margin = Estimate(value, low, high), 0.005
        if verdict(difference, margin) == "slightly better":
            counts["R" if difference.value > 0 else "A"] += 1
    return counts


@pytest.mark.parametrize(
    ("task", "schedule", "sentence"),
    [
        ("scale-change", "own", "on `scale-change` its loss is {} of AdaGrad's"),
        ("rare", "constant", "on `rare` RMSprop's loss is {} of AdaGrad's"),
        ("reddi", "own", "on `reddi`, {}"),
        ("digits", "linear", "on digits its test loss is {} of AdaGrad's under the linear decay"),
        ("digits", "constant", "and {} under a constant rate"),
    ],
)
def test_figures_of_the_comparison(rows, task, schedule, sentence):
    assert sentence.format(rows[task][schedule]) in PAGE


def test_the_probability_of_improvement():
    record = json.loads((ROOT / "tests/study/recorded_findings.json").read_text())["all"]
    figures = re.search(r"probability of ([\d.]+ \[[\d., ]+\])", " ".join(record["across"]))[1]
    assert f"beats AdaGrad with a probability of {figures}" in PAGE


@pytest.mark.parametrize(
    ("source", "there", "here"),
    [
        ("theory.md", "too short from $C = 7$ on, 0.99 from $C = 21$ on", "from C = 7 on, 0.99"),
        ("theory.md", "makes a step of 3.16, 10.00 and 31.62", "at most 3.16 learning rates"),
        ("theory.md", "makes a step of 3.16, 10.00 and 31.62", "and 31.62 with 0.999"),
        ("theory.md", "first step is 31.6 learning rates long", "first step is 31.6 learning"),
        ("theory.md", "and 1e-3 is 0.010, 0.100 and 0.995", "gradients of 1e-6 it leaves 0.010"),
        ("../examples/loops/README.md", "| PyTorch | 145.8 [", "episodes of 145.8 steps"),
        ("../examples/loops/README.md", "| with a start at 1 | 22.2 [", "of 22.2 after a start"),
        ("comparison.md", "of 10, 30 and 100 steps", "over 10, 30 and 100 steps"),
        (
            "map.md",
            "RMSprop is better than AdaGrad in 27 of 211 cells and AdaGrad in 113",
            "AdaGrad is better in 113 of 211 cells and RMSprop in 27",
        ),
    ],
)
def test_figures_of_other_pages(source, there, here):
    assert there in _prose(source)
    assert here in PAGE
