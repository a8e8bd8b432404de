"""Files of Keras that are something else, and optimizers of Keras' two generations."""

import json
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rmsprop.frameworks import chainer, keras

h5py = pytest.importorskip("h5py")

PARAMS = [jnp.ones(2), jnp.ones(3)]
VALUES = [np.int64(3), np.float32(0.1), np.full(2, 4.0, np.float32), np.full(3, 5.0, np.float32)]
LEGACY = [VALUES[0], *VALUES[2:]]
OPTIONS = {"learning_rate": 0.1, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False}
LATER = OPTIONS | {"weight_decay": None, "clipnorm": None, "use_ema": False}


def nu(state):
    return next(part for part in state if hasattr(part, "nu")).nu


def zipped(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return path


def whole_model(path, names, values, options, class_name="RMSprop"):
    """A `.h5` file of a whole model."""
    with h5py.File(path, "w") as file:
        group = file.create_group("optimizer_weights")
        group.attrs["weight_names"] = names
        for name, value in zip(names, values, strict=True):
            group[name] = value
        config = {"optimizer_config": {"class_name": class_name, "config": options}}
        file.attrs["training_config"] = json.dumps(config)
    return path


def weights(path, values, group="optimizer/vars"):
    with h5py.File(path, "a") as file:
        for number, value in enumerate(values):
            file[f"{group}/{number}"] = value
    return path


def test_files_of_another_kind_are_named(tmp_path):
    port = keras.rmsprop(0.1)
    weights(tmp_path / "good.weights.h5", VALUES)
    good = (tmp_path / "good.weights.h5").read_bytes()
    for path, sentence in (
        (zipped(tmp_path / "a.keras", config_json="{}"), "a zip file, and no .keras file"),
        (zipped(tmp_path / "b.keras", model_weights_h5=good), "a zip file, and no .keras file"),
        (
            zipped(tmp_path / "c.keras", config_json="no JSON", model_weights_h5=good),
            "a zip file, and no .keras file",
        ),
        (
            zipped(tmp_path / "d.keras", config_json="{}", model_weights_h5=b"no HDF5"),
            "is no HDF5 file",
        ),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(ValueError, match=sentence):
            keras.import_state(port, path, PARAMS)
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(ValueError, match="is no HDF5 file"):
        keras.import_state(port, tmp_path / "text.h5", PARAMS)
    with pytest.raises(FileNotFoundError):
        keras.import_state(port, tmp_path / "nowhere.h5", PARAMS)
    for config in ("[]", '{"compile_config": 3}', '{"compile_config": {"optimizer": "rmsprop"}}'):
        path = zipped(tmp_path / "e.keras", config_json=config, model_weights_h5=good)
        assert float(nu(keras.import_state(port, path, PARAMS))[0][0]) == 4
    with h5py.File(tmp_path / "groups.h5", "w") as file:
        file.create_group("optimizer/vars/0")
    with pytest.raises(ValueError, match="has no array 0"):
        keras.import_state(port, tmp_path / "groups.h5", PARAMS)
    for content in ("optimizer", "optimizer/vars", "optimizer_weights"):
        with h5py.File(tmp_path / "array.h5", "w") as file:
            file[content] = VALUES[2]
        with pytest.raises(ValueError, match="has no variables of an optimizer"):
            keras.import_state(port, tmp_path / "array.h5", PARAMS)


def test_a_damaged_file_is_read_or_refused_in_one_sentence(tmp_path):
    """Whatever bytes are wrong: a value may be another one, and nothing else is raised."""
    rng = np.random.default_rng(0)
    names = ["RMSprop/iter:0", "RMSprop/w/rms:0", "RMSprop/b/rms:0"]
    np.savez(tmp_path / "c.npz", **{"t": np.array(3), "w/h": VALUES[2], "b/h": VALUES[3]})
    cases = [
        (whole_model(tmp_path / "a.h5", names, LEGACY, OPTIONS), keras.legacy_rmsprop(0.1)),
        (weights(tmp_path / "b.h5", VALUES), keras.rmsprop(0.1)),
        (tmp_path / "c.npz", chainer.adagrad(0.1)),
    ]
    for path, port in cases:
        module = chainer if path.suffix == ".npz" else keras
        content, refused = path.read_bytes(), 0
        for _ in range(60):
            damaged = bytearray(content)
            for place in rng.integers(0, len(content), 40):
                damaged[place] = rng.integers(0, 256)
            path.write_bytes(damaged)
            try:
                module.import_state(port, path, PARAMS)
            except (ValueError, TypeError):
                refused += 1
        assert refused > 5


def test_nothing_outside_of_a_file_is_read(tmp_path):
    port = keras.rmsprop(0.1)
    other = weights(tmp_path / "other.h5", VALUES)
    for number, link in enumerate(
        (
            h5py.ExternalLink(str(other), "optimizer/vars/2"),
            h5py.ExternalLink(str(tmp_path / "nowhere.h5"), "x"),
            h5py.SoftLink("/elsewhere"),
        )
    ):
        path = weights(tmp_path / f"link{number}.h5", [*VALUES[:2]])
        with h5py.File(path, "a") as file:
            file["optimizer/vars/2"], file["optimizer/vars/3"] = link, VALUES[3]
        with pytest.raises(ValueError, match="has a link in the place of 2"):
            keras.import_state(port, path, PARAMS)
    with h5py.File(tmp_path / "group.h5", "w") as file:
        file["optimizer"] = h5py.ExternalLink(str(other), "optimizer")
    with pytest.raises(ValueError, match="has a link in the place of optimizer"):
        keras.import_state(port, tmp_path / "group.h5", PARAMS)
    with h5py.File(tmp_path / "legacy.h5", "w") as file:
        file["optimizer_weights"] = h5py.ExternalLink(str(other), "optimizer")
    with pytest.raises(ValueError, match="has a link in the place of optimizer_weights"):
        keras.import_state(port, tmp_path / "legacy.h5", PARAMS)
    path = weights(tmp_path / "virtual.h5", [*VALUES[:2]])
    layout = h5py.VirtualLayout((2,), np.float32)
    layout[:] = h5py.VirtualSource(str(other), "optimizer/vars/2", (2,), np.float32)
    (tmp_path / "raw").write_bytes(VALUES[3].tobytes())
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("optimizer/vars/2", layout)
        file["optimizer/vars/3"] = VALUES[3]
    with pytest.raises(ValueError, match="the values of 2 lie in another file"):
        keras.import_state(port, path, PARAMS)
    path = weights(tmp_path / "external.h5", VALUES[:3])
    with h5py.File(path, "a") as file:
        place = [(str(tmp_path / "raw"), 0, 12)]
        file.create_dataset("optimizer/vars/3", (3,), np.float32, external=place)
    with pytest.raises(ValueError, match="the values of 3 lie in another file"):
        keras.import_state(port, path, PARAMS)


def test_each_generation_of_keras_has_its_port(tmp_path):
    slots = ["w/rms:0", "b/rms:0"]
    old = whole_model(
        tmp_path / "old.h5",
        ["RMSprop/iter:0", *(f"RMSprop/{slot}" for slot in slots)],
        LEGACY,
        OPTIONS | {"decay": 0.0},
    )
    names = ["iteration:0", "RMSprop/velocity/w:0", "RMSprop/velocity/b:0"]
    new = whole_model(tmp_path / "new.h5", names, LEGACY, LATER, "Custom>RMSprop")
    for check in (True, False):
        keras.import_state(keras.legacy_rmsprop(0.1), old, PARAMS, check=check)
        keras.import_state(keras.rmsprop(0.1), new, PARAMS, check=check)
        with pytest.raises(
            ValueError, match=r"before TensorFlow 2\.11, whose port is .*\.legacy_rmsprop"
        ):
            keras.import_state(keras.rmsprop(0.1), old, PARAMS, check=check)
        with pytest.raises(
            ValueError, match=r"since TensorFlow 2\.11, whose port is frameworks\.keras\.rmsprop;"
        ):
            keras.import_state(keras.legacy_rmsprop(0.1), new, PARAMS, check=check)
    for port, values in ((keras.legacy_rmsprop(0.1), VALUES), (keras.legacy_adagrad(0.1), VALUES)):
        with pytest.raises(ValueError, match=r"the second is the rate of Keras 3, whose port is"):
            keras.import_state(port, values, PARAMS)


@pytest.mark.parametrize(
    ("options", "saved"),
    [
        ({"decay": 0.1}, {}),
        ({"clipnorm": 1.0}, {}),
        ({"clipvalue": 0.5}, {"clipnorm": 1.0}),
        ({"clipnorm": 1.0, "clipvalue": 0.5}, {"clipnorm": 1.0}),
        ({"global_clipnorm": 1.0}, {}),
        ({}, {"decay": 0.1}),
        ({}, {"clipvalue": 0.5}),
    ],
)
def test_limits_and_decay_of_a_legacy_file_are_compared(options, saved, tmp_path):
    names = ["RMSprop/iter:0", "RMSprop/w/rms:0", "RMSprop/b/rms:0"]
    right = whole_model(tmp_path / "right.h5", names, LEGACY, OPTIONS | {"decay": 0.0} | options)
    wrong = whole_model(tmp_path / "wrong.h5", names, LEGACY, OPTIONS | {"decay": 0.0} | saved)
    port = keras.legacy_rmsprop(0.1, **options)
    keras.import_state(port, right, PARAMS)
    with pytest.raises(ValueError, match="the optimizer is not the one that was saved"):
        keras.import_state(port, wrong, PARAMS)
    keras.import_state(port, wrong, PARAMS, check=False)


def test_the_optimizer_inside_of_a_loss_scale_goes_on(tmp_path):
    own = [np.int32(0), np.float32(0), np.int32(7), np.float32(2.0**15)]
    path = weights(tmp_path / "a.weights.h5", [*own, *VALUES])
    weights(path, VALUES, "optimizer/inner_optimizer/vars")
    port = keras.rmsprop(0.1)
    assert float(nu(keras.import_state(port, path, PARAMS))[1][0]) == 5
    names = [
        *(f"loss_scale_optimizer/{x}" for x in ("iteration", "learning_rate")),
        *(f"loss_scale_optimizer/{x}" for x in ("step_counter", "dynamic_scale")),
        *(f"rm_sprop/{x}" for x in ("iteration", "learning_rate", "w_velocity", "b_velocity")),
    ]
    options = {"inner_optimizer": {"class_name": "RMSprop", "config": LATER}}
    path = whole_model(tmp_path / "a.h5", names, [*own, *VALUES], options, "LossScaleOptimizer")
    assert float(nu(keras.import_state(port, path, PARAMS))[1][0]) == 5
    with pytest.raises(ValueError, match=r"rho is 0\.9 in .* and 0\.5"):
        keras.import_state(keras.rmsprop(0.1, rho=0.5), path, PARAMS)
    with pytest.raises(ValueError, match=r"Pass optimizer\.inner_optimizer\.variables"):
        keras.import_state(port, [*own, *VALUES], PARAMS)


def test_bfloat16_is_read_from_a_file(tmp_path):
    values = [np.asarray(x).astype(jnp.bfloat16) for x in VALUES[2:]]
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        for number, value in enumerate([*VALUES[:2], *values]):
            file[f"optimizer/vars/{number}"] = value
            if number > 1:
                file[f"optimizer/vars/{number}"].attrs["dtype"] = "bfloat16"
    state = keras.import_state(keras.rmsprop(0.1), tmp_path / "a.weights.h5", PARAMS)
    assert [float(x[0]) for x in nu(state)] == [4, 5]
    assert all(x.dtype == jnp.float32 for x in jax.tree.leaves(nu(state)))


def test_an_optimizer_that_excludes_variables_from_weight_decay_is_refused():
    class Excluding:
        _exclude_from_weight_decay_pattern = "bias"

        def __init__(self, decay):
            self._exclude_from_weight_decay_pattern = "bias"
            self.variables = VALUES
            self.decay = decay

        def get_config(self):
            return LATER | {"weight_decay": self.decay}

    Excluding.__name__ = "RMSprop"
    with pytest.raises(ValueError, match="exclude_from_weight_decay"):
        keras.import_state(keras.rmsprop(0.1, weight_decay=0.1), Excluding(0.1), PARAMS)
    keras.import_state(keras.rmsprop(0.1), Excluding(0.1), PARAMS, check=False)
    keras.import_state(keras.rmsprop(0.1), Excluding(None), PARAMS)
