"""The tasks on the map, as docs/map.md tells of them: tables and sentences from the records."""

from __future__ import annotations

import math
from typing import Any

import beyond
import placing

from rmsprop.study import spelling
from rmsprop.study.maps.plots import ratio_words
from rmsprop.study.maps.predicting import ALWAYS_NO, FRONTIERS, interval, share_words
from rmsprop.study.maps.sentences import line_of

Places = dict[str, placing.Place]
Answers = dict[str, dict[str, str]]


def place_table(places: Places, answers: Answers) -> str:
    """Every task with its numbers, the map's answer and the comparison's."""
    heads = (
        "task",
        "scale, early / late",
        "noise / signal, early",
        "late",
        "seen",
        "drift",
        "x",
        "map, constant",
        "linear",
        "comparison, constant",
        "linear",
    )
    lines = [f"| {' | '.join(heads)} |", f"|---|{'--:|' * (len(heads) - 1)}"]
    for task, place in places.items():
        names = ("shrinking", "noise_early", "noise_late", "seen", "drift", "number")
        numbers = [_short(place[name]) for name in names]
        map_says = ["R" if place["number"] > FRONTIERS[s] else "not R" for s in placing.SCHEDULES]
        cells = [task, *numbers, *map_says, *(answers[task][s] for s in placing.SCHEDULES)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _short(number: float) -> str:
    if math.isnan(number):
        return "-"
    if math.isinf(number):
        return "∞"
    return ratio_words(number) if number >= 1 else f"{number:.2g}"


def agreement_words(places: Places, answers: Answers) -> str:
    """How often the map's answer is the comparison's."""
    both = {s: placing.agreement(places, answers, s) for s in placing.SCHEDULES}
    count = len(places)
    right = [f"{share_words(both[s][0], count)} {line_of(s)}" for s in placing.SCHEDULES]
    never = [str(both[s][1]) for s in placing.SCHEDULES]
    still = [task for task, place in places.items() if place["number"] == 0]
    better = [task for task in still if answers[task]["linear"] == "R"]
    return (
        f"Whether RMSprop is better, the frontiers of x say rightly for"
        f" {spelling.listed(right)}. Whoever says of every task that it is not is right for"
        f" {spelling.listed(never)}. So x does not predict these tasks. In {len(still)} of the"
        f" {count} nothing is seen to drift, so that x is 0, and still RMSprop is better in"
        f" {len(better)} of them under linear decay: {spelling.listed(better)}."
    )


def far_table(record: dict[str, Any]) -> str:
    """The plane without drift in which the way is far."""
    plane = beyond.FAR
    heads = [f"{plane.y} \\ {plane.x}"]
    for schedule in placing.SCHEDULES:
        heads += [f"{schedule}: {value:g}" for value in plane.x_values]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'--:|' * (len(heads) - 1)}"]
    width = len(plane.x_values)
    for row, value in enumerate(plane.y_values):
        here = slice(row * width, (row + 1) * width)
        cells = [cell for s in placing.SCHEDULES for cell in record["far"][s][here]]
        lines.append(f"| {' | '.join([f'{value:g}', *cells])} |")
    return "\n".join(lines)


def rest_words(record: dict[str, Any]) -> str:
    """The row at rest on more seeds."""
    cells = record["rest"]["constant"]
    values = [
        f"{cell} at {noise:g}" for cell, noise in zip(cells, beyond.REST.x_values, strict=True)
    ]
    better = sum(cell.endswith(("A", "(A)")) for cell in cells)
    return (
        f"Where the optimum is at rest and the rate is constant, AdaGrad is better in {better} of"
        f" the {len(cells)} cells on {beyond.SEEDS['rest']} seeds, by noise:"
        f" {spelling.listed(values)}."
    )


def candidate_table(rounds: list[dict[str, Any]]) -> str:
    """What each candidate for a number that predicts does where it is found, and elsewhere."""
    count = sum(len(each["test"]) for each in rounds)
    heads = ["candidate", "wrong where found", *(f"right, {s}" for s in placing.SCHEDULES)]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'--:|' * (len(heads) - 1)}"]
    for name, (words, _) in {**placing.CANDIDATES, "always": placing.ALWAYS}.items():
        wrong = [f"{each['rows'][name]['errors']} of {2 * len(each['find'])}" for each in rounds]
        right = [_right(rounds, name, s) for s in placing.SCHEDULES]
        cells = [words, ", ".join(wrong), *(f"{each} of {count}" for each in right)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _right(rounds: list[dict[str, Any]], name: str, schedule: str) -> int:
    """How many tasks a candidate is right for where it was not found."""
    return sum(each["rows"][name]["right"][schedule] for each in rounds)


def candidate_words(rounds: list[dict[str, Any]]) -> str:
    """Which number is found on each half, and what it is worth on the other."""
    count = sum(len(each["test"]) for each in rounds)
    told = []
    for each in rounds:
        words = placing.CANDIDATES[each["chosen"]][0]
        right = sum(each["rows"][each["chosen"]]["right"].values())
        same = sum(each["rows"]["always"]["right"].values())
        told.append(
            f'Found on {len(each["find"])} tasks, "{words}" is right in {right} of the'
            f" {2 * len(each['test'])} verdicts of the other {len(each['test'])}; always to say"
            f" that RMSprop is not better is right in {same}."
        )
    shares = []
    for schedule in placing.SCHEDULES:
        right = sum(each["rows"][each["chosen"]]["right"][schedule] for each in rounds)
        shares.append(f"{share_words(right, count)} {line_of(schedule)}")
    limits = [_least_words(schedule, count) for schedule in placing.SCHEDULES]
    return (
        f"{' '.join(told)} Together that is {spelling.listed(shares)}. No number of the table is"
        f" shown to be right more often than always no. {' '.join(limits)}"
    )


def _least_words(schedule: str, count: int) -> str:
    """How many tasks a number would have to be right for, so that so few tasks show it."""
    share = ALWAYS_NO[schedule] / count
    clause = line_of(schedule)
    enough = [right for right in range(count + 1) if interval(right, count)[0] > share]
    if not enough:
        return (
            f"{clause[0].upper()}{clause[1:]} {count} tasks are too few to show that of any number."
        )
    return (
        f"{clause[0].upper()}{clause[1:]} {enough[0]} of {count} would have been enough to show it."
    )
