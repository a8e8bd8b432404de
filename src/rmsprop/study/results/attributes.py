"""The check of the attributes of results, of which those that hold more than a word are JSON."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from rmsprop.study import names

Attributes = Mapping[Hashable, object]


def check_attributes(attributes: Attributes, texts: Iterable[str], numbers: Iterable[str]) -> None:
    """Checks that attributes are there and of a type that netCDF keeps.

    Args:
        attributes: The attributes of a task or of the root; further ones are allowed.
        texts: The names of those that must be text.
        numbers: The names of those that must be numbers.

    Raises:
        ValueError: one sentence that names the first attribute that is wrong.
    """
    for name, value in attributes.items():
        # netCDF has no booleans, dictionaries or None among its attributes
        require(
            isinstance(value, (str, int, float)) and not isinstance(value, bool),
            f"attribute {name} must be text or a number, but is {names.excerpt(value)}; anything"
            f" else goes in as JSON",
        )
    for group, kind, word in ((texts, str, "text"), (numbers, (int, float), "a number")):
        for name in group:
            require(name in attributes, f"attribute {name} is missing")
            require(
                isinstance(attributes[name], kind),
                f"attribute {name} must be {word}, but is {names.excerpt(attributes[name])}",
            )


def check_whole(attributes: Attributes, name: str, least: int) -> None:
    """Checks that an attribute is an integer of at least so much."""
    value = attributes[name]
    require(
        isinstance(value, int) and value >= least,
        f"attribute {name} must be an integer of at least {least}, but is {value!r}",
    )


def check_choice(attributes: Attributes, name: str, *choices: str) -> None:
    """Checks that an attribute is one of some words."""
    require(
        attributes[name] in choices,
        f"attribute {name} must be {' or '.join(map(repr, choices))}, but is"
        f" {names.excerpt(attributes[name])}",
    )


def json_object(attributes: Attributes, name: str) -> dict[str, Any]:
    """The object in an attribute.

    Raises:
        ValueError: the attribute is no JSON, or holds something else.
    """
    value = json_of(attributes[name])
    if not isinstance(value, dict):
        text = names.excerpt(attributes[name])
        raise ValueError(f"attribute {name} must be a JSON object, but is {text}.")
    return value


def check_references(attributes: Attributes, optimizers: Sequence[str]) -> None:
    """Checks the names of the references: some of the optimizers, and not all."""
    references = json_of(attributes["references"])
    require(
        is_list_of(references, optimizers) and {*references} < {*optimizers},
        f"attribute references must list some of the optimizers {list(optimizers)}, but is"
        f" {names.excerpt(references)}",
    )


def check_defaults(
    attributes: Attributes, pairs: Iterable[tuple[str, str]], numbers: Iterable[str] = ()
) -> None:
    """Checks the arguments of complete defaults, and of what is fixed.

    Args:
        attributes: The attributes of a task.
        pairs: The optimizers and settings that ran.
        numbers: Names of optional attributes with arguments by optimizer, such as `fixed`.
    """
    defaults = json_object(attributes, "defaults")
    for optimizer, setting in pairs:
        of_all = defaults.get(optimizer)
        arguments = of_all.get(setting) if isinstance(of_all, dict) else None
        require(
            _is_arguments(arguments),
            f"attribute defaults must hold the arguments of {optimizer} with the defaults"
            f" {setting}, but has {names.excerpt(arguments)}",
        )
    for name in numbers:
        if name in attributes:
            for optimizer, arguments in json_object(attributes, name).items():
                require(
                    _is_arguments(arguments),
                    f"attribute {name} must hold arguments of {optimizer}, but has"
                    f" {names.excerpt(arguments)}",
                )


def metrics_of(attributes: Attributes, expected: Sequence[str]) -> list[dict[str, Any]]:
    """The descriptions of the reported metrics, after their check.

    Args:
        attributes: The attributes of a task.
        expected: The names of the metrics.

    Raises:
        ValueError: one sentence that names the first thing that is wrong.
    """
    metrics = json_of(attributes["metrics"])
    text = names.excerpt(attributes["metrics"])
    require(
        isinstance(metrics, list)
        and all(isinstance(metric, dict) for metric in metrics)
        and [metric.get("name") for metric in metrics] == [*expected],
        f"attribute metrics must describe the metrics {tuple(expected)}, but is {text}",
    )
    for metric in metrics:
        for part in (metric, metric.get("choose_by")):
            require(
                _is_metric(part),
                f"attribute metrics must say name, label and better of {metric['name']} and of what"
                f" it is chosen by, but says {names.excerpt(part)}",
            )
        for key, allowed in (("margin", _is_positive), ("chance", names.is_number)):
            require(
                key in metric and (metric[key] is None or allowed(metric[key])),
                f"attribute metrics must hold a finite number or null as the {key} of"
                f" {metric['name']}, but holds {metric.get(key, 'nothing')!r}",
            )
    headline = metrics[0]
    require(
        (headline["name"], headline["better"], headline["choose_by"]["better"])
        == tuple(attributes[key] for key in ("report", "report_better", "choose_by_better")),
        "attributes report and choose_by must be those of the first of metrics",
    )
    return metrics


def json_of(text: object) -> Any:  # noqa: ANN401 (JSON may be anything)
    """The value of a text of JSON; None where it is none."""
    try:
        return json.loads(str(text))
    except (ValueError, RecursionError):  # also brackets in brackets, thousands of them
        return None


def is_list_of(values: object, allowed: Iterable[str]) -> bool:
    """Whether a value is a list of different names, each of these."""
    known = [*allowed]
    return (
        isinstance(values, list)
        and all(isinstance(value, str) and value in known for value in values)
        and len({*values}) == len(values)
    )


def require(condition: bool, sentence: str) -> None:
    """Raises a ValueError of this sentence, without its full stop, where the condition fails."""
    if not condition:
        raise ValueError(f"{sentence}.")


def _is_metric(part: object) -> bool:
    return (
        isinstance(part, dict)
        and all(isinstance(part.get(key), str) for key in ("name", "label", "better"))
        and part["better"] in ("lower", "higher")
    )


def _is_positive(value: object) -> bool:
    return isinstance(value, (int, float)) and names.is_number(value) and value > 0


def _is_arguments(value: object) -> bool:
    """Whether a value is an object of finite numbers and booleans."""
    return isinstance(value, dict) and all(
        isinstance(number, bool) or names.is_number(number) for number in value.values()
    )
