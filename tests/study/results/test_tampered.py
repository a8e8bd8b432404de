"""A file of results that was altered is taken, or refused in one sentence, and nothing else."""

import collections
import itertools
import json

import numpy as np
import pytest
import xarray as xr

import synthetic_results as synthetic
from rmsprop.study.comparison import Comparison
from rmsprop.study.results.labelled import FORMAT
from rmsprop.study.results.validation import check_tree

GRIDS = {
    "rmsprop": {"learning_rate": [1e-2, 1e-1], "one_minus_decay": [0.3, 0.03]},
    "adagrad": {"learning_rate": [1e-2, 1e-1]},
}
TASK = synthetic.task(GRIDS, seeds=6, steps=10, path=True, schedules=("constant", "linear"))
TASK.attrs["fixed"] = json.dumps({"rmsprop": {"bias_correction": True}})
ROOT = {**synthetic.ROOT, "format": FORMAT}

NUMBERS = {
    "f": [np.nan, np.inf, -np.inf, -1.0, 0.0, 1e300],
    "i": [-1, 0, 1, -7, 99, 2**62],
    "b": [True, False],
    "U": ["", "x", "[]", "null", "[5]", "[[]]", "[" * 5000, "tuned", "own", "a\nb"],
}
TYPES = {"f": [int, str, complex], "i": [float, str], "b": [int, str], "U": []}
ATTRIBUTES = ["", "x", "[]", "{}", "null", "5", "[1]", "[null]", '{"a": 1}', "NaN", "[" * 5000]
ATTRIBUTES += ['{"rmsprop": null}', '{"rmsprop": {"default": 5}}', 5, 0, -1, 1.5, np.nan, np.inf]
ATTRIBUTES += [[1, 2], ["a", "b"]]
INSIDE = [None, 5, -1, "x", [], {}, [1], {"a": 1}, float("nan"), [None], "higher", "loss"]


def _values(values):
    """The values of a variable, altered in one way after the other."""
    for dtype in TYPES[values.dtype.kind]:
        finite = np.nan_to_num(values, posinf=9, neginf=-9) if dtype is int else values
        yield dtype.__name__, finite.astype(dtype)
    if values.dtype.kind == "U":
        yield "numbers", np.arange(values.size).reshape(values.shape)
        yield "NaN", np.full(values.shape, np.nan)
    if values.dtype.kind == "i":
        yield "NaN", np.full(values.shape, np.nan)
    for value in NUMBERS[values.dtype.kind]:
        for place in (0, -1, slice(None)):
            altered = values.astype(object)
            altered.flat[place] = value
            yield f"{value!r:.9} at {place}", altered.astype(np.array(value).dtype)
    yield "reversed", values[::-1]


def _paths(value, path=()):
    """The way to each entry of a value out of JSON."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, entry in entries:
        yield (*path, key)
        if isinstance(entry, (dict, list)):
            yield from _paths(entry, (*path, key))


def _texts(text):
    """The text of an attribute, altered in each entry where it is JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        return
    for path in _paths(value):
        for new in (*INSIDE, _paths):  # the last stands for what is left out
            copy = inside = json.loads(text)
            for key in path[:-1]:
                inside = inside[key]
            if new is _paths:
                del inside[path[-1]]
            else:
                inside[path[-1]] = new
            yield json.dumps(copy)


def _attributes(attributes):
    for name, value in attributes.items():
        others = {key: other for key, other in attributes.items() if key != name}
        yield f"{name} left out", others
        yield f"{name} renamed", {**others, "other": value}
        for new in (*ATTRIBUTES, *(_texts(value) if isinstance(value, str) else ())):
            yield f"{name} is {new!r:.80}", {**others, name: new}


def _tampered():
    """Everything that a file holds, altered: what is altered, the task, the root's attributes."""
    for name in TASK.variables:
        yield f"{name} left out", TASK.drop_vars(name), ROOT
        yield f"{name} renamed", TASK.rename_vars({name: "other"}), ROOT
        variable = TASK.variables[name]
        yield f"{name} transposed", TASK.assign({name: variable.transpose()}), ROOT
        for what, values in _values(variable.values):
            changed = {name: (variable.dims, values)}
            yield f"{name} {what}", TASK.assign(changed), ROOT
    for name in TASK.sizes:
        for count in (0, 1, -1):
            yield f"{count} of {name}", TASK.isel({name: slice(count)}), ROOT
    for what, attributes in _attributes(TASK.attrs):
        altered = TASK.copy()
        altered.attrs = attributes
        yield what, altered, ROOT
    for what, attributes in _attributes(ROOT):
        yield f"root: {what}", TASK, attributes


def _trees(step):
    """Every so many of the alterations, as trees of results."""
    for what, task, root in itertools.islice(_tampered(), None, None, step):
        yield what, xr.DataTree(xr.Dataset(attrs=root), {"t": xr.DataTree(task)})


def _check_sentence(what, error, begin=""):
    sentence = str(error)
    assert sentence.startswith(begin), what
    assert sentence.endswith("."), what
    assert "\n" not in sentence, what
    assert len(sentence) < 500 + len(begin) + 60, what


@pytest.mark.parametrize(
    "step", [40, pytest.param(1, marks=pytest.mark.slow)], ids=["every fortieth", "all"]
)
def test_whatever_is_altered_is_taken_or_refused_in_one_sentence(step):
    outcomes = collections.Counter()
    for what, tree in _trees(step):
        try:
            check_tree(tree)
        except ValueError as error:
            _check_sentence(what, error)
            outcomes["refused"] += 1
        except Exception as error:
            raise AssertionError(what) from error
        else:
            outcomes["taken"] += 1
    assert outcomes["refused"] > outcomes["taken"] > 100 / step


@pytest.mark.slow
def test_whatever_file_is_altered_is_taken_or_refused_in_one_sentence(tmp_path):
    for what, tree in _trees(30):  # each takes 0.1 s
        try:
            content = tree.to_netcdf(engine="h5netcdf")
        except Exception:  # what netCDF itself cannot hold
            continue
        (tmp_path / "results.nc").write_bytes(content)
        try:
            results = Comparison.load(tmp_path)
        except ValueError as error:
            _check_sentence(what, error, str(tmp_path / "results.nc"))
        except Exception as error:
            raise AssertionError(what) from error
        else:
            assert len(results.summary()) > 0, what


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("growth", -1, "growth must be at least 0 where learning_rate has a value"),
        ("growth", 0, "growth must be at least 0 where learning_rate has a value, and -1 where"),
        ("quantile", 0.5, "quantile holds a value twice"),
        ("one_minus_decay", np.inf, "one_minus_decay must "),
        ("state_bytes", -1, "state_bytes must be finite and not negative"),
        ("seconds_per_run", np.inf, "seconds_per_run must be finite and not negative"),
    ],
)
def test_what_is_altered_is_named(name, value, sentence):
    altered = TASK.copy(deep=True)
    altered[name] = altered.variables[name].dims, np.full(altered[name].shape, value)
    with pytest.raises(ValueError, match=sentence):
        Comparison.of({"t": altered}, synthetic.ROOT)


@pytest.mark.parametrize("value", [[1, 2], "x", "x" * 5000, 3.5, np.nan])
def test_a_format_of_another_kind_is_refused_in_one_sentence(value, tmp_path):
    tree = xr.DataTree(xr.Dataset(attrs={**ROOT, "format": value}), {"t": xr.DataTree(TASK)})
    (tmp_path / "results.nc").write_bytes(tree.to_netcdf(engine="h5netcdf"))
    with pytest.raises(ValueError, match=r"has format .*, and this version") as raised:
        Comparison.load(tmp_path)
    _check_sentence("format", raised.value, str(tmp_path / "results.nc"))


def test_every_grid_begins_with_a_configuration_that_came_by_no_growth():
    altered = TASK.copy(deep=True)
    altered["growth"] = altered["growth"].where(altered["growth"] < 0, 1)
    with pytest.raises(ValueError, match="growth must be 0 for a configuration of each optimizer"):
        Comparison.of({"t": altered}, synthetic.ROOT)
