"""Writes what the comparison found where it is published: README.md and docs/comparison.md.

    rmsprop compare --out FOLDER
    python tests/study/write_findings.py --record FOLDER
    rmsprop compare --tasks all --out ANOTHER
    python tests/study/write_findings.py --record-all ANOTHER

keeps the findings of reports in `recorded_findings.json` and writes them into the pages, the first
with a picture of the terminal; without these options it writes what is kept. With `--check` it
writes nothing and fails where a page does not say what is kept, which is a test as well
(`tests/test_readme.py`).
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from pathlib import Path
from typing import Any

from terminal_picture import PICTURE, picture

from rmsprop.study import Comparison

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RECORD = HERE / "recorded_findings.json"
PAGES = ("README.md", "docs/comparison.md")
WIDTH = 120
# The columns of the table, beside the task, the metric and the verdict.
SCHEDULES = ("own", "constant", "linear")


def marks(part: str) -> tuple[str, str]:
    """The lines around a part of a page that this script writes."""
    return f"<!-- {part}: written by tests/study/write_findings.py -->", f"<!-- end of {part} -->"


def findings_of(folder: Path, *, headlines: bool = False) -> dict[str, Any]:
    """What a report found, in words and rounded as it says them.

    Args:
        folder: The folder of the report.
        headlines: Whether each task has a line for its headline metric alone.
    """
    from rmsprop.study import Comparison
    from rmsprop.study.report import sentences
    from rmsprop.study.results.digest import digests

    results = Comparison.load(folder)
    rows = []
    for task in results.tasks:
        (headline,) = results.headlines(task)
        both = headline.first, headline.second
        metrics = results.metrics(task)
        for metric in metrics[:1] if headlines else metrics:
            lines = {
                schedule: results.pair(task, *both, schedule=schedule, metric=metric)
                for schedule in SCHEDULES
            }
            own = lines["own"]
            label = f"{own.metric_label}, {sentences.pair(own)}"
            of_each = {name: str(line.interval) for name, line in lines.items()}
            rows.append(
                {"task": task, "metric": label, "verdict": sentences.verdict(own), **of_each}
            )
    attributes = results.tree.attrs
    return {
        "cores": int(attributes["cores"]),
        "device": attributes["device"],
        "seconds": float(attributes["seconds"]),
        "overall": sentences.overall(digests(results)),
        "across": sentences.across_tasks(digests(results)),
        "answers": sentences.answers(digests(results)),
        "rows": rows,
    }


def parts_of(record: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Each part of the pages, by its name."""
    default, all_tasks = record["default"], record["all"]
    answers = (default["overall"], *default["answers"])
    printed = "\n".join(line for answer in answers for line in _lines(answer, 100))
    cores = f"on {default['cores']} cores"
    time = f"Its runs take {default['seconds']:.0f} seconds {cores}."
    of_all = (
        f"On {all_tasks['cores']} cores the runs take {all_tasks['seconds'] / 60:.0f} minutes."
        f" {all_tasks['overall']} {' '.join(all_tasks['across'])}"
    )
    return {
        "findings": "\n".join(_lines(f"{time} {default['overall']}")),
        "printed": f"```text\n{printed}\n```",
        "lines": "\n".join([*_table(default["rows"]), "", *_lines(" ".join(default["across"]))]),
        "all-tasks": "\n".join([*_lines(of_all), "", *_table(all_tasks["rows"])]),
    }


def _lines(text: str, width: int = WIDTH) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _table(rows: list[dict[str, str]]) -> list[str]:
    heads = ("task", "metric", "each its own schedule", "constant", "linear", "verdict")
    lines = [f"| {' | '.join(heads)} |", "|---|---|--:|--:|--:|---|"]
    for row in rows:
        cells = (row["task"], row["metric"], *(row[name] for name in SCHEDULES), row["verdict"])
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def written(text: str, parts: dict[str, str]) -> str:
    """A page with the parts that it has marks for."""
    for part, content in parts.items():
        begin, end = marks(part)
        if begin in text:
            before, rest = text.split(begin)
            after = rest.split(end)[1]
            text = f"{before}{begin}\n{content}\n{end}{after}"
    return text


def main(words: list[str]) -> int:
    """Records, writes or checks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", type=Path, metavar="FOLDER")
    parser.add_argument("--record-all", type=Path, metavar="FOLDER")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args(words)
    record = json.loads(RECORD.read_text())
    if arguments.record:
        record["default"] = findings_of(arguments.record)
        PICTURE.write_text(picture(Comparison.load(arguments.record)))
    if arguments.record_all:
        record["all"] = findings_of(arguments.record_all, headlines=True)
    if arguments.record or arguments.record_all:
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
    parts = parts_of(record)
    differs = []
    for name in PAGES:
        page = ROOT / name
        before = page.read_text()
        after = written(before, parts)
        if after != before:
            differs.append(name)
            if not arguments.check:
                page.write_text(after)
    if arguments.check and differs:
        print(f"{', '.join(differs)} does not say what {RECORD.name} holds; write it again.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
