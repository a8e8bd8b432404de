"""The numbers of a comparison as CSV: one file of differences, one of results.

A line is a comparison of two optimizers, or an optimizer under one schedule and setting. Numbers
have all their digits; `results.nc` has what they were made of.
"""

from __future__ import annotations

import csv
import io
import json
import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence

from rmsprop.study.results.digest import Digest
from rmsprop.study.results.statistics import Estimate
from rmsprop.study.results.summary import Difference, Row

DIFFERENCES, RESULTS = "differences.csv", "results.csv"
# Of a map, which has neither.
CELLS = "cells.csv"


def write(of_tasks: Sequence[Digest], folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes both files into a folder.

    Args:
        of_tasks: What the results of each task say.
        folder: A folder that exists.

    Returns:
        The paths of the files. A comparison of one optimizer has an empty file of differences.
    """
    texts = {
        DIFFERENCES: text_of(_difference(row) for digest in of_tasks for row in digest.differences),
        RESULTS: text_of(_result(row) for digest in of_tasks for row in _rows(digest)),
    }
    files = []
    for name, text in texts.items():
        files.append(folder / name)
        files[-1].write_text(text, encoding="utf-8", newline="")
    return files


def _rows(digest: Digest) -> Iterable[Row]:
    """All rows of a task, by schedule and setting; of an optimizer that ran so."""
    for schedule, tuned in digest.rows.items():
        yield from tuned
        for setting in digest.settings[1:]:
            yield from digest.defaults.get((schedule, setting), ())


def _difference(row: Difference) -> dict[str, object]:
    return {
        "task": row.task,
        "schedule": row.schedule,
        "metric": row.metric_name,
        "better": row.better,
        "first": row.first,
        "second": row.second,
        "is_ratio": row.is_ratio,
        **_numbers("estimate", row.interval),
        "margin": "" if row.margin is None else row.margin,
        "verdict": row.verdict,
        "winner": row.winner or "",
        "p_value": row.p_value,
        **_numbers("improvement", row.improvement),
        **_numbers("diverged_first", row.diverged[0]),
        **_numbers("diverged_second", row.diverged[1]),
        "seeds": row.seeds,
        "tuning_seeds": row.tuning_seeds,
        "seeds_needed": "" if row.seeds_needed is None else row.seeds_needed,
        "is_reference": row.is_reference,
    }


def _result(row: Row) -> dict[str, object]:
    return {
        "task": row.task,
        "schedule": row.schedule,
        "setting": row.setting,
        "optimizer": row.optimizer,
        "hyperparameters": json.dumps(dict(row.hyperparameters)),
        **_numbers("metric", row.metric),
        **_numbers("last_loss", row.last_loss),
        **_numbers("final_loss", row.final_loss),
        **_numbers("online_loss", row.online_loss),
        **_numbers("steps_to_target", row.steps_to_target),
        "diverged": row.diverged,
        "runs": row.runs,
        "trials": row.trials,
        "seconds_per_run": row.seconds_per_run,
        "state_bytes": row.state_bytes,
        "parameter_bytes": row.parameter_bytes,
    }


def _numbers(name: str, estimate: Estimate) -> dict[str, float]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def plain(cell: object) -> object:
    """A cell as it is; a text that a spreadsheet would take for a formula begins with a quote."""
    if not isinstance(cell, str) or re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", cell):
        return cell
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def text_of(lines: Iterable[Mapping[str, object]]) -> str:
    """Lines as CSV with a head; nothing but an empty text for no line."""
    lines = [{name: plain(cell) for name, cell in line.items()} for line in lines]
    buffer = io.StringIO()
    if lines:
        writer = csv.DictWriter(buffer, list(lines[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(lines)
    return buffer.getvalue()
