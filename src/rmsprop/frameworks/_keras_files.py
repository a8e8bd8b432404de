"""Reads the variables of an optimizer from the files that Keras writes, by h5py alone.

Nothing outside of the file is read: an HDF5 file may have links to other files, and datasets whose
values lie in other files, which are refused.
"""

import importlib
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from rmsprop.frameworks._saved_arrays import DAMAGED

_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_HARD = 0  # the type of a link to an object of the same file, `h5py.h5l.TYPE_HARD`
_FILES = "Keras writes .keras and .weights.h5 files, and .h5 files of whole models"


class _RefusedError(ValueError):
    """What a file has is not read, though it is not damaged."""


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

    def of_inner(self) -> "Stored":
        """The variables of the optimizer inside of a `LossScaleOptimizer`.

        That has four of its own before them, of which the scale and its count are part of no step.
        """
        options = self.options
        if options.get("class_name") == "LossScaleOptimizer":
            options = _description(options.get("inner_optimizer"))
        names = [path.partition(":")[0].rpartition("/")[2] for path in self.paths[:4]]
        if names != ["iteration", "learning_rate", "step_counter", "dynamic_scale"]:
            return self._replace(options=options)
        return Stored(self.values[4:], self.paths[4:], options)


def read(path: str) -> Stored:
    """The variables in a `.keras` file, a `.weights.h5` file, or a model of `tf.keras` in `.h5`.

    Arrays and text are read; nothing that the file may contain is executed.

    Raises:
        ValueError: The file is of another kind, has no optimizer, or refers to another file.
        ModuleNotFoundError: h5py is missing.
    """
    h5py = _h5py()
    if os.path.isdir(path):
        raise ValueError(f"{path} is a folder. {_FILES}; save the model as one of these.")
    options: Mapping[str, Any] = {}
    content: Any = path
    if zipfile.is_zipfile(path):
        content, options = _unpacked(path)
    try:
        with h5py.File(content, "r") as file:
            legacy = _child(file, "optimizer_weights")
            stored = _variables(file, options) if legacy is None else _whole_model(file, legacy)
    except (FileNotFoundError, PermissionError):
        raise
    except _RefusedError as error:
        raise ValueError(f"{path} is not read: {error}") from None
    except DAMAGED as error:
        raise ValueError(f"{path} is no HDF5 file, or a damaged one: {error}. {_FILES}.") from None
    if not stored.values:
        raise ValueError(
            f"{path} has no variables of an optimizer. Keras writes them for a model that was"
            f" compiled and trained, with model.save or model.save_weights; tf.keras writes those"
            f" of its legacy optimizers in .h5 files of whole models alone."
        )
    return stored


def _unpacked(path: str) -> tuple[io.BytesIO, Mapping[str, Any]]:
    """The weights in a `.keras` file, and the options of the optimizer."""
    try:
        with zipfile.ZipFile(path) as archive:
            content, config = archive.read(_WEIGHTS), json.loads(archive.read(_CONFIG))
    except (FileNotFoundError, PermissionError):
        raise
    except DAMAGED as error:
        raise ValueError(
            f"{path} is a zip file, and no .keras file, which has {_WEIGHTS} and {_CONFIG}:"
            f" {error}."
        ) from None
    compiled = _part(config, "compile_config")
    return io.BytesIO(content), _description(_part(compiled, "optimizer"))


def _variables(file: Any, options: Mapping[str, Any]) -> Stored:  # noqa: ANN401 (of h5py)
    """What a `.weights.h5` file has."""
    optimizer = _child(file, "optimizer")
    inner = _child(optimizer, "inner_optimizer")  # of a LossScaleOptimizer
    group = _child(optimizer if inner is None else inner, "vars")
    numbers = range(len(group)) if hasattr(group, "keys") else ()
    return Stored([_array(group, str(number)) for number in numbers], [], options)


def _whole_model(file: Any, group: Any) -> Stored:  # noqa: ANN401 (of h5py)
    """What a `.h5` file of a whole model has."""
    names = [_text(name) for name in np.atleast_1d(group.attrs.get("weight_names", ()))]
    try:
        settings = json.loads(_text(file.attrs.get("training_config", "{}")))
    except ValueError:
        settings = None
    options = _description(_part(settings, "optimizer_config"))
    return Stored([_array(group, name) for name in names], names, options)


def _child(group: Any, name: str) -> Any:  # noqa: ANN401 (of h5py)
    """What a group has under a name, or None.

    Raises:
        ValueError: It is a link to something else.
    """
    node = group
    for part in name.strip("/").split("/"):
        links = getattr(getattr(node, "id", None), "links", None)  # of a group
        if links is None or not links.exists(part.encode()):  # `part in node` would follow a link
            return None
        if links.get_info(part.encode()).type != _HARD:
            raise _RefusedError(
                f"the file has a link in the place of {name}, which may lead to another file. Keras"
                f" writes none; nothing outside of the file is read."
            )
        node = node[part]
    return node


def _array(group: Any, name: str) -> np.ndarray:  # noqa: ANN401 (of h5py)
    """The values of a dataset.

    Raises:
        ValueError: There is none, or its values lie in another file.
    """
    dataset = _child(group, name)
    if dataset is None or not hasattr(dataset, "is_virtual"):
        raise _RefusedError(
            f"the file has no array {name} among the variables of the optimizer. {_FILES}."
        )
    if dataset.is_virtual or dataset.external:
        raise _RefusedError(
            f"the values of {name} lie in another file. Keras writes none like this; nothing"
            f" outside of the file is read."
        )
    values = dataset[()]
    return values.view(jnp.bfloat16) if dataset.attrs.get("dtype") == "bfloat16" else values


def _description(optimizer: object) -> Mapping[str, Any]:
    """The options of an optimizer as Keras describes it, with `class_name`; or none."""
    if not isinstance(optimizer, Mapping) or not isinstance(optimizer.get("config"), Mapping):
        return {}
    return {"class_name": optimizer.get("class_name", ""), **optimizer["config"]}


def _part(settings: object, name: str) -> object:
    return settings.get(name) if isinstance(settings, Mapping) else None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _h5py() -> Any:  # noqa: ANN401 (a module)
    try:
        return importlib.import_module("h5py")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the files of Keras are read by h5py, which is missing; in a clone of rmsprop,"
            " pip install '.[keras]'",
            name=error.name,
        ) from None
