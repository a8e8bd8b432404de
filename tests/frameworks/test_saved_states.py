"""What is refused when a run moves, what is overruled, and which entry belongs to which leaf."""

import io
import json
import pickle
import re
import subprocess
import sys
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rmsprop
from rmsprop import frameworks
from rmsprop.frameworks import keras, stable_baselines3, tensorflow, timm, torch
from rmsprop.frameworks import optax as optax_port

PARAMS = {"dense": {"bias": jnp.zeros(2), "kernel": jnp.zeros((3, 2))}, "out": jnp.zeros(3)}
NAMES = {"dense": {"bias": 1, "kernel": 0}, "out": 2}
GROUP = {"lr": 0.1, "alpha": 0.99, "eps": 1e-8, "momentum": 0, "centered": False}


def entry(*shape, step=3, **slots):
    values = {name: np.full(shape, value, np.float32) for name, value in slots.items()}
    return {"step": np.float32(step)} | values


def torch_saved(**changes):
    """A state of `torch.optim.RMSprop` with the kernel first, transposed."""
    state = {
        0: entry(2, 3, square_avg=1.0),
        1: entry(2, square_avg=2.0),
        2: entry(3, square_avg=3.0),
    }
    return {"state": state, "param_groups": [GROUP | {"params": [0, 1, 2]} | changes]}


def transposed(name, array):
    return array.T if name == 0 else array


def nu(state):
    return next(part for part in state if hasattr(part, "nu")).nu


def counts(state):
    return [int(part.count) for part in state if "count" in part._fields]


def inner(state):
    """The state without the split into real and imaginary parts."""
    return state.inner_state


def test_names_say_which_entry_belongs_to_which_leaf():
    for names in (NAMES, [1, 0, 2], {"dense": {"kernel": 0, "bias": 1}, "out": 2}):
        state = torch.import_state(
            torch.rmsprop(0.1), torch_saved(), PARAMS, names=names, to_ours=transposed
        )
        averages = nu(inner(state))
        assert float(averages["dense"]["kernel"][2, 1]) == 1
        assert float(averages["dense"]["bias"][0]) == 2
        assert float(averages["out"][0]) == 3


def test_torch_names_are_used_where_the_optimizer_has_them():
    saved = torch_saved(param_names=["0.weight", "0.bias", "1"])
    names = {"dense": {"bias": "0.bias", "kernel": "0.weight"}, "out": "1"}
    state = torch.import_state(
        torch.rmsprop(0.1),
        saved,
        PARAMS,
        names=names,
        to_ours=lambda name, x: x.T if name == "0.weight" else x,
    )
    assert float(nu(inner(state))["dense"]["bias"][0]) == 2


def test_one_error_prints_both_sides():
    saved = torch_saved()
    del saved["state"][2]["square_avg"]
    saved["state"][0]["grad_avg"] = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match="does not fit") as error:
        torch.import_state(torch.rmsprop(0.1), saved, PARAMS, names=NAMES)
    text = str(error.value)
    assert "['out'] (3,): 2 has no square_avg" in text
    assert "0: grad_avg, which the optimizer does not have with these options" in text
    assert "['dense']['kernel'] (3, 2) and 0: square_avg (2, 3)" in text
    assert "Pass names" in text


def test_what_is_superfluous_is_listed_and_at_most_ten_of_a_kind():
    params = [jnp.zeros(1)] * 2
    states = {number: entry(1, square_avg=1.0) for number in range(20)}
    saved = {"state": states, "param_groups": [GROUP | {"params": [*range(20)]}]}
    with pytest.raises(ValueError, match="entries without a parameter") as error:
        torch.import_state(torch.rmsprop(0.1), saved, params)
    assert str(error.value).count("square_avg (1,)") == 10
    assert "and 8 more" in str(error.value)
    with pytest.raises(ValueError, match="parameters without an entry") as error:
        torch.import_state(torch.rmsprop(0.1), torch_saved(), [jnp.zeros(1)] * 15)
    assert "[14] (1,)" in str(error.value) or "and 2 more" in str(error.value)


@pytest.mark.parametrize("names", [[0, 1], "abc", {"dense": 1}, [0, 1, 2.5]])
def test_names_that_do_not_belong_to_the_leaves_are_refused(names):
    with pytest.raises(ValueError, match="it must be a tree with the structure"):
        torch.import_state(torch.rmsprop(0.1), torch_saved(), PARAMS, names=names)


def test_a_name_for_two_leaves_and_one_that_is_not_there_are_refused():
    params = [jnp.zeros(1), jnp.zeros(1)]
    states = {number: entry(1, square_avg=1.0) for number in range(2)}
    saved = {"state": states, "param_groups": [GROUP | {"params": [0, 1]}]}
    with pytest.raises(ValueError, match="0 for two leaves"):
        torch.import_state(torch.rmsprop(0.1), saved, params, names=[0, 0])
    with pytest.raises(ValueError, match="for which names has 7"):
        torch.import_state(torch.rmsprop(0.1), saved, params, names=[0, 7])
    state = torch.rmsprop(0.1).init(params)
    with pytest.raises(ValueError, match="names has 0 for two leaves"):
        torch.export_state(torch.rmsprop(0.1), state, params, names=[0, 0], step=1)
    with pytest.raises(ValueError, match=r"order\.index\(name\)"):
        torch.export_state(torch.rmsprop(0.1), state, params, names=["a", "b"], step=1)


@pytest.mark.parametrize(
    ("option", "theirs", "ours"),
    [
        ("alpha", 0.9, 0.99),
        ("momentum", 0.5, 0),
        ("centered", True, False),
        ("eps", 1e-3, 1e-8),
        ("maximize", True, False),
        ("weight_decay", 0.1, 0.0),
    ],
)
def test_options_that_differ_are_refused_with_both_values(option, theirs, ours):
    saved = torch_saved(**{option: theirs})
    with pytest.raises(ValueError, match=f"{option} is {theirs} in param_groups") as error:
        torch.import_state(torch.rmsprop(0.1), saved, PARAMS, names=NAMES, to_ours=transposed)
    assert f"{ours} in torch.rmsprop" in str(error.value)
    state = torch.import_state(
        torch.rmsprop(0.1), saved, PARAMS, names=NAMES, to_ours=transposed, check=False
    )
    assert float(nu(inner(state))["out"][0]) == 3


def test_the_rate_is_not_compared_but_several_rates_are_refused():
    saved = torch_saved(lr=0.7)
    optimizer = torch.rmsprop(0.1)
    torch.import_state(optimizer, saved, PARAMS, names=NAMES, to_ours=transposed)
    saved["param_groups"][0]["params"] = [0, 1]
    saved["param_groups"].append(GROUP | {"params": [2]})
    with pytest.raises(ValueError, match=r"lr is 0\.7 in param_groups\[0\] and 0\.1 in"):
        torch.import_state(optimizer, saved, PARAMS, names=NAMES, to_ours=transposed)


def test_groups_move_by_themselves_and_are_joined_by_partition():
    saved = torch_saved(lr=0.7)
    saved["param_groups"][0]["params"] = [0, 1]
    saved["param_groups"].append(GROUP | {"params": [2]})
    labels = {"dense": "fast", "out": "slow"}
    ports = {"fast": torch.rmsprop(0.7), "slow": torch.rmsprop(0.1)}
    states, back = {}, []
    for number, (label, port) in enumerate(ports.items()):
        part = {k: v if labels[k] == label else optax.MaskedNode() for k, v in PARAMS.items()}
        names = {k: v if labels[k] == label else optax.MaskedNode() for k, v in NAMES.items()}
        group = saved | {"param_groups": saved["param_groups"][number : number + 1]}
        state = torch.import_state(port, group, part, names=names, to_ours=transposed)
        states[label] = optax.MaskedState(state)
        back.append(
            torch.export_state(port, state, part, names=names, to_theirs=transposed, step=3)
        )
    joined = optax.partition(ports, labels)
    template = joined.init(PARAMS)
    state = template._replace(inner_states=states)
    assert jax.tree.structure(state) == jax.tree.structure(template)
    gradients = jax.tree.map(jnp.ones_like, PARAMS)
    updates, _ = joined.update(gradients, state, PARAMS)
    assert float(updates["out"][0]) == pytest.approx(-0.1 / np.sqrt(0.99 * 3 + 0.01))
    assert float(updates["dense"]["bias"][0]) == pytest.approx(-0.7 / np.sqrt(0.99 * 2 + 0.01))
    assert [group["params"] for own in back for group in own["param_groups"]] == [[0, 1], [2]]
    assert [own["state"].keys() for own in back] == [{0, 1}, {2}]


def test_a_parameter_without_a_gradient_has_the_starting_values():
    saved = torch_saved()
    del saved["state"][2]
    state = torch.import_state(torch.rmsprop(0.1), saved, PARAMS, names=NAMES, to_ours=transposed)
    assert float(nu(inner(state))["out"][0]) == 0
    group = GROUP | {"params": [0], "momentum": 0}
    port = stable_baselines3.rmsprop_tf_like(0.1)
    never = stable_baselines3.import_state(
        port, {"state": {}, "param_groups": [group]}, [jnp.zeros(2)]
    )
    assert float(nu(never)[0][0]) == 1


def test_what_is_not_trained_has_no_entry():
    params = {"count": jnp.zeros([], jnp.int32), "w": jnp.zeros(1)}
    saved = {"state": {0: entry(1, square_avg=4.0)}, "param_groups": [GROUP | {"params": [0]}]}
    optimizer = torch.rmsprop(0.1)
    state = torch.import_state(optimizer, saved, params)
    averages = nu(inner(state))
    assert averages["count"] is None
    assert float(averages["w"][0]) == 4
    back = torch.export_state(optimizer, state, params, step=3)
    assert [*back["state"]] == [0]


def test_steps_that_differ_matter_where_the_rate_falls_with_them():
    saved = {
        "state": {0: entry(1, sum=1.0), 1: entry(1, sum=1.0, step=5)},
        "param_groups": [{"lr": 0.1, "lr_decay": 0.1, "params": [0, 1]}],
    }
    params = [jnp.zeros(1)] * 2
    falling = torch.adagrad(0.1, lr_decay=0.1)
    with pytest.raises(ValueError, match="entry 0 has taken 3 steps and entry 1 5"):
        torch.import_state(falling, saved, params)
    state = torch.import_state(falling, saved, params, check=False)
    assert torch.export_state(falling, state, params)["state"][0]["step"] == 5
    saved["param_groups"][0]["lr_decay"] = 0
    torch.import_state(torch.adagrad(0.1), saved, params)


def test_the_number_of_steps_is_asked_for_where_nobody_counts_it():
    optimizer, params = torch.rmsprop(0.1), [jnp.zeros(1)]
    with pytest.raises(ValueError, match="step is missing"):
        torch.export_state(optimizer, optimizer.init(params), params)
    scheduled = torch.rmsprop(optax.linear_schedule(0.1, 0.0, 10))
    with pytest.raises(ValueError, match="step is 4, but the state counts 0"):
        torch.export_state(scheduled, scheduled.init(params), params, step=4)
    port = tensorflow.rmsprop(optax.linear_schedule(0.1, 0.0, 10))
    saved = {"w/RMSProp": np.ones(1), "w/RMSProp_1": np.zeros(1)}
    with pytest.raises(ValueError, match="step is missing"):
        tensorflow.import_state(port, saved, params, names=["w"])
    state = tensorflow.import_state(port, saved, params, names=["w"], step=4)
    assert counts(state) == [4]


def test_an_option_changes_while_the_run_moves():
    saved = torch_saved(momentum=0.9)
    for own in saved["state"].values():
        own["momentum_buffer"] = np.ones_like(own["square_avg"])
    old = torch.rmsprop(0.1, momentum=0.9)
    new = rmsprop.rmsprop(optax.constant_schedule(0.1), momentum=0.9, eps_in_sqrt=False)
    arguments = {"names": NAMES, "to_ours": transposed}
    state = torch.import_state(old, saved, PARAMS, new=new, **arguments)
    assert jax.tree.structure(state) == jax.tree.structure(new.init(PARAMS))
    trace = next(part for part in state if hasattr(part, "trace")).trace
    assert float(trace["out"][0]) == pytest.approx(-0.1)  # the rate is inside it now
    assert counts(state) == [3]
    plain = torch.import_state(old, saved, PARAMS, **arguments)
    expected = rmsprop.convert_state(plain, PARAMS, old, new, step=3)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), state, expected))


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


def test_neither_pickle_nor_a_framework_is_imported():
    code = (
        "import sys, jax.numpy as jnp, numpy as np, optax; import rmsprop.frameworks as f;"
        "before = set(sys.modules);"
        "[getattr(f, name) for name in f.MODULES];"
        "print(*sorted(m for m in set(sys.modules) - before if '.' not in m))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == []


def test_what_is_no_saved_state_is_refused():
    optimizer = torch.rmsprop(0.1)
    with pytest.raises(ValueError, match="keys \\['model', 'optimizer'\\]"):
        torch.import_state(optimizer, {"model": {}, "optimizer": torch_saved()}, PARAMS)
    with pytest.raises(TypeError, match=r"it must be frameworks\.torch\.rmsprop"):
        torch.import_state(keras.rmsprop(0.1), torch_saved(), PARAMS)
    with pytest.raises(TypeError, match="passed to import_state as new="):
        torch.import_state(rmsprop.rmsprop(0.1), torch_saved(), PARAMS)
    with pytest.raises(ValueError, match=r"the state is not one of torch\.rmsprop"):
        torch.export_state(optimizer, rmsprop.rmsprop(0.1).init(PARAMS), PARAMS, step=1)
    with pytest.raises(TypeError, match="load_checkpoint"):
        tensorflow.import_state(tensorflow.rmsprop(0.1), "model.ckpt", [jnp.zeros(1)], names=["w"])
    with pytest.raises(TypeError, match="must map names to arrays"):
        tensorflow.import_state(tensorflow.rmsprop(0.1), [1], [jnp.zeros(1)], names=["w"])


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


def test_half_precision_is_widened_and_comes_back():
    params = [jnp.zeros(4, jnp.float16)]
    values = np.array([1e-5, 0.1, 3.0, 6e4], np.float16)
    saved = {
        "state": {0: {"step": np.float32(1), "square_avg": values}},
        "param_groups": [GROUP | {"params": [0]}],
    }
    optimizer = torch.rmsprop(0.1)
    state = torch.import_state(optimizer, saved, params)
    assert nu(inner(state))[0].dtype == jnp.float32
    back = torch.export_state(optimizer, state, params, step=1)["state"][0]["square_avg"]
    np.testing.assert_array_equal(back.astype(np.float16), values)


def test_optax_states_in_other_parameters_are_refused():
    port = optax_port.rmsprop(0.1)
    saved = optax.rmsprop(0.1).init({"other": jnp.zeros(2)})
    with pytest.raises(ValueError, match="do not have the structure"):
        optax_port.import_state(port, saved, PARAMS)
    with pytest.raises(ValueError, match="has no momentum"):
        optax_port.import_state(
            optax_port.rmsprop(0.1, momentum=0.9), optax.rmsprop(0.1).init(PARAMS), PARAMS
        )


def test_layouts_of_flax_and_equinox():
    flax = {"params": {"conv": {"kernel": np.zeros((5, 4, 3, 2)), "bias": np.zeros(2)}}}
    order = ["0.weight", "0.bias"]
    layout = torch.flax_layout(flax, order, renamed={"params.conv": "0"})
    weight = np.arange(120.0).reshape(2, 3, 5, 4)
    params = layout.params([weight, np.ones(2)])
    kernel = params["params"]["conv"]["kernel"]
    for out in range(2):
        for channel in range(3):
            np.testing.assert_array_equal(kernel[:, :, channel, out], weight[out, channel])
    for one, two in zip(layout.arrays(params), [weight, np.ones(2)], strict=True):
        np.testing.assert_array_equal(one, two)
    equinox = {"weight": np.zeros((2, 3, 5, 4)), "bias": np.zeros((2, 1, 1))}
    layout = torch.equinox_layout(equinox, order, renamed={"": "0"})
    assert layout.params([weight, np.ones(2)])["bias"].shape == (2, 1, 1)
    assert [x.shape for x in layout.arrays(equinox)] == [(2, 3, 5, 4), (2,)]


def test_leaves_and_names_that_do_not_belong_together_are_listed():
    with pytest.raises(ValueError, match="do not belong together") as error:
        torch.flax_layout({"a": {"kernel": np.zeros((1, 1))}}, ["b.weight"])
    assert "['a']['kernel'], sought as a.weight" in str(error.value)
    assert "Names without a leaf: b.weight" in str(error.value)
    with pytest.raises(ValueError, match="sought as a/gamma"):
        frameworks.keras.flax_layout({"a": {"scale": np.zeros(1)}}, ["m/b/gamma"])
