"""Reads the variables of an optimizer from the files that Keras writes, by h5py alone."""

import importlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_WEIGHTS = "model.weights.h5"


class Stored(NamedTuple):
    """The variables of an optimizer.

    Attributes:
        values: Their values, in Keras' order.
        paths: Their paths, or none.
        options: The options of the optimizer by Keras' names, with `class_name`, or none.
    """

    values: Sequence[Any]
    paths: Sequence[str]
    options: Mapping[str, Any]


def read(path: str) -> Stored:
    """The variables in a `.keras` file, a `.weights.h5` file, or a model of `tf.keras` in `.h5`.

    Arrays and text are read; nothing that the file may contain is executed.

    Raises:
        ValueError: The file has no optimizer.
        ModuleNotFoundError: h5py is missing.
    """
    h5py = _h5py()
    options: Mapping[str, Any] = {}
    content: Any = path
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            content = io.BytesIO(archive.read(_WEIGHTS))
            options = _options(json.loads(archive.read("config.json")))
    with h5py.File(content, "r") as file:
        if "optimizer_weights" in file:
            group = file["optimizer_weights"]
            names = [str(_text(name)) for name in group.attrs["weight_names"]]
            settings = json.loads(_text(file.attrs.get("training_config", "{}")))
            return Stored([group[name][()] for name in names], names, _legacy_options(settings))
        group = file.get("optimizer/vars", {})
        values = [group[str(number)][()] for number in range(len(group))]
    if not values:
        raise ValueError(
            f"{path} has no variables of an optimizer. Keras writes them for a model that was"
            f" compiled and trained, with model.save or model.save_weights."
        )
    return Stored(values, [], options)


def _options(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options of the optimizer in the description of a model."""
    optimizer = (config.get("compile_config") or {}).get("optimizer")
    if not isinstance(optimizer, Mapping):
        return {}
    return {"class_name": optimizer.get("class_name", ""), **optimizer.get("config", {})}


def _legacy_options(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    optimizer = settings.get("optimizer_config")
    if not isinstance(optimizer, Mapping):
        return {}
    return {"class_name": optimizer.get("class_name", ""), **optimizer.get("config", {})}


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _h5py() -> Any:  # noqa: ANN401 (a module)
    try:
        return importlib.import_module("h5py")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the files of Keras are read by h5py, which is missing; in a clone of rmsprop,"
            " pip install '.[keras]'",
            name=error.name,
        ) from None
