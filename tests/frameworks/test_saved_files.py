"""Saved states in files and in the containers of the frameworks, and what is refused of them."""

import io
import json
import pickle
import re
import sys
import zipfile

import jax.numpy as jnp
import numpy as np
import pytest

from rmsprop import frameworks
from rmsprop.frameworks import keras, stable_baselines3, tensorflow, timm, torch

PARAMS = {"dense": {"bias": jnp.zeros(2), "kernel": jnp.zeros((3, 2))}, "out": jnp.zeros(3)}
NAMES = {"dense": {"bias": 1, "kernel": 0}, "out": 2}


def nu(state):
    return next(part for part in state if hasattr(part, "nu")).nu


@pytest.mark.parametrize("module", [torch, timm, stable_baselines3])
def test_a_path_of_a_pickle_is_refused(module, tmp_path):
    port = {torch: "rmsprop", timm: "rmsprop_tf", stable_baselines3: "rmsprop_tf_like"}[module]
    path = tmp_path / "checkpoint.pt"
    for given in (path, str(path)):
        with pytest.raises(TypeError, match=r"torch\.load\(path, weights_only=True\)"):
            module.import_state(getattr(module, port)(0.1), given, PARAMS)


class _Trap:
    """What a malicious file would have executed."""

    def __reduce__(self):
        return (pytest.fail, ("executed",))


def test_nothing_is_executed_from_a_file(tmp_path):
    array = np.array([_Trap()], dtype=object)
    path = tmp_path / "trap.npz"
    with zipfile.ZipFile(path, "w") as archive:
        content = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            content, {"shape": (1,), "fortran_order": False, "descr": "|O"}
        )
        archive.writestr("w/RMSProp.npy", content.getvalue() + pickle.dumps(array))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        tensorflow.import_state(tensorflow.rmsprop(0.1), path, [jnp.zeros(1)], names=["w"])


def test_tensorflow_reads_an_npz_file_and_a_doubled_scope(tmp_path):
    saved = {
        "net/net/w/RMSProp": np.full(2, 4.0, np.float32),
        "net/net/w/RMSProp_1": np.full(2, 5.0, np.float32),
        "net/net/w/RMSProp_2": np.full(2, 6.0, np.float32),
        "net/w": np.zeros(2, np.float32),
        "global_step": np.array(7),
    }
    np.savez(tmp_path / "saved.npz", **saved)
    port = tensorflow.rmsprop(0.1, momentum=0.9, centered=True)
    for given in (saved, tmp_path / "saved.npz", str(tmp_path / "saved.npz")):
        state = tensorflow.import_state(port, given, {"w": jnp.zeros(2)}, names={"w": "net/w"})
        held = {name: value for part in state for name, value in part._asdict().items()}
        assert [float(held[name]["w"][0]) for name in ("mu", "trace")] == [5, -6]


def keras_saved():
    """The variables of Keras' RMSprop, with the kernel before the bias."""
    shapes = [(3, 2), (2,), (3,)]
    values = [np.full(shape, number, np.float32) for number, shape in enumerate(shapes)]
    return [np.int32(3), np.float32(0.1), *values, *(x + 10 for x in values)]


def write_keras(path, values, config=None):
    """A file as Keras writes it."""
    h5py = pytest.importorskip("h5py")
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for number, value in enumerate(values):
            file[f"optimizer/vars/{number}"] = value
        file.create_group("layers")
    if config is None:
        path.write_bytes(content.getvalue())
        return
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model.weights.h5", content.getvalue())
        archive.writestr("config.json", json.dumps({"compile_config": {"optimizer": config}}))


def test_keras_files_are_read(tmp_path):
    port = keras.rmsprop(0.1, momentum=0.9)
    options = {"rho": 0.9, "momentum": 0.9, "epsilon": 1e-7, "weight_decay": None, "clipnorm": None}
    config = {"class_name": "RMSprop", "config": options}
    write_keras(tmp_path / "a.weights.h5", keras_saved())
    write_keras(tmp_path / "a.keras", keras_saved(), config)
    for given in (keras_saved(), tmp_path / "a.weights.h5", str(tmp_path / "a.keras")):
        state = keras.import_state(port, given, PARAMS, names=NAMES)
        trace = next(part for part in state if hasattr(part, "trace")).trace
        assert float(trace["dense"]["kernel"][0, 0]) == -10
        assert float(trace["dense"]["bias"][0]) == -11
        assert float(nu(state)["out"][0]) == 2
        for one, two in zip(
            keras.export_state(port, state, PARAMS, names=NAMES, step=3), keras_saved(), strict=True
        ):
            np.testing.assert_array_equal(one, two, strict=True)
    with pytest.raises(ValueError, match=r"rho is 0\.9 in .*a\.keras and 0\.5 in keras\.rmsprop"):
        keras.import_state(
            keras.rmsprop(0.1, rho=0.5, momentum=0.9), tmp_path / "a.keras", PARAMS, names=NAMES
        )
    with pytest.raises(ValueError, match="the saved optimizer is RMSprop"):
        keras.import_state(keras.adagrad(0.1), tmp_path / "a.keras", PARAMS, names=NAMES)


def test_a_keras_list_of_another_length_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has 6 variables of the shapes"):
        keras.import_state(
            keras.rmsprop(0.1, momentum=0.9, centered=True),
            keras_saved()[:-2],
            PARAMS,
            names=NAMES,
        )
    with pytest.raises(ValueError, match="entries without a parameter"):
        keras.import_state(keras.rmsprop(0.1), keras_saved(), PARAMS, names=NAMES)
    write_keras(tmp_path / "empty.weights.h5", [])
    with pytest.raises(ValueError, match="has no variables of an optimizer"):
        keras.import_state(keras.rmsprop(0.1), tmp_path / "empty.weights.h5", PARAMS)


def test_a_missing_h5py_is_told_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install '\.\[keras\]'"):
        keras.import_state(keras.rmsprop(0.1), tmp_path / "a.keras", PARAMS)


class _Variable:
    """A variable of Keras, as far as it is read."""

    def __init__(self, path, value):
        self.path, self._value = path, value

    def numpy(self):
        return self._value


@pytest.mark.parametrize(
    ("module", "call", "sentence"),
    [
        (frameworks.paddle, "adagrad", "A .pdopt file of Paddle is a pickle"),
        (frameworks.mxnet, "adagrad", "The states that MXNet writes are a pickle"),
        (frameworks.mlx, "adagrad", "Of MLX's files .npz is read here"),
        (frameworks.chainer, "adagrad", "Chainer's files are .npz files"),
    ],
)
def test_other_files_are_refused_with_what_to_do(module, call, sentence):
    with pytest.raises(TypeError, match=re.escape(sentence)):
        module.import_state(getattr(module, call)(0.1), "state.bin", [jnp.zeros(1)])
    with pytest.raises(TypeError, match="it must map"):
        module.import_state(getattr(module, call)(0.1), [1], [jnp.zeros(1)])


@pytest.mark.parametrize(
    ("module", "saved", "missing"),
    [
        (frameworks.mlx, {"w": {"v": np.zeros(1)}}, "saved has no step"),
        (frameworks.chainer, {"w/h": np.zeros(1)}, "saved has no t"),
    ],
)
def test_a_saved_state_without_its_count_is_refused(module, saved, missing):
    with pytest.raises(ValueError, match=missing):
        module.import_state(module.adagrad(0.1), saved, [jnp.zeros(1)])


def test_a_state_of_mlx_is_read_as_a_tree_flat_and_from_a_file(tmp_path):
    arrays = [np.full(2, 4.0, np.float32), np.full(3, 5.0, np.float32)]
    tree = {"step": np.uint64(3), "layers": [{"w": {"v": arrays[0]}}, {"w": {"v": arrays[1]}}]}
    flat = {"step": np.uint64(3), "layers.0.w.v": arrays[0], "layers.1.w.v": arrays[1]}
    np.savez(tmp_path / "state.npz", **flat)
    port = frameworks.mlx.rmsprop(0.1)
    for given in (tree, flat, tmp_path / "state.npz"):
        names = ["layers.1.w", "layers.0.w"]
        state = frameworks.mlx.import_state(port, given, [jnp.zeros(3), jnp.zeros(2)], names=names)
        assert [float(x[0]) for x in nu(state)] == [5, 4]


def test_arrays_of_mxnet_that_the_options_do_not_have_are_listed():
    saved = {0: (np.zeros(1), np.zeros(1), np.zeros(1))}
    with pytest.raises(ValueError, match="0: array 1, which the optimizer does not have"):
        frameworks.mxnet.import_state(frameworks.mxnet.rmsprop(0.1), saved, [jnp.zeros(1)])


def test_keras_variables_have_names():
    paths = ["dense_kernel", "dense_bias", "out"]
    values = keras_saved()
    variables = [
        _Variable(f"rm_sprop/{path}", value)
        for path, value in zip(
            [
                "iteration",
                "learning_rate",
                *(f"{p}_velocity" for p in paths),
                *(f"{p}_momentum" for p in paths),
            ],
            values,
            strict=True,
        )
    ]
    names = {"dense": {"bias": "dense/bias", "kernel": "dense/kernel"}, "out": "out"}
    port = keras.rmsprop(0.1, momentum=0.9)
    state = keras.import_state(port, variables, PARAMS, names=names)
    assert float(nu(state)["dense"]["bias"][0]) == 1
    with pytest.raises(ValueError, match="saved has no names"):
        keras.import_state(port, values, PARAMS, names=names)
