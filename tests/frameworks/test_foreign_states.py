"""What is no saved state, or one of another framework, is refused in one sentence."""

import functools
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rmsprop
from rmsprop import frameworks
from rmsprop.frameworks import (
    chainer,
    jax_examples,
    keras,
    mlx,
    mxnet,
    paddle,
    stable_baselines3,
    tensorflow,
    timm,
    torch,
)

PARAMS = [jnp.ones(2)]
GROUP = {"lr": 0.1, "params": [0]}
SQUARES = np.ones(2, np.float32)
FUNCTIONS = {
    "torch": ("rmsprop", "adagrad"),
    "timm": ("rmsprop_tf",),
    "stable_baselines3": ("rmsprop_tf_like",),
    "keras": ("rmsprop", "adagrad", "legacy_rmsprop", "legacy_adagrad"),
    "tensorflow": ("rmsprop", "adagrad"),
    "optax": ("rmsprop", "adagrad"),
    "paddle": ("rmsprop", "adagrad"),
    "mxnet": ("rmsprop", "adagrad"),
    "mlx": ("rmsprop", "adagrad"),
    "chainer": ("rmsprop", "adagrad"),
    "jax_examples": ("rmsprop", "adagrad"),
}
# What a user may pass by mistake.
MISTAKES = [
    None,
    3,
    b"bytes",
    {},
    {"a": 1},
    {0: 1},
    {"t": "x", "step": None},
    {"w_moment_0": "text", "w/h": "text", "t": 3, "step": 3},
    {"state": [], "param_groups": []},
    {"state": {}, "param_groups": [{"params": [0]}]},
    {"state": {}, "param_groups": [{"lr": 0.1}]},
    {"state": {}, "param_groups": [{"lr": 0.1, "params": 3}]},
    {"state": {}, "param_groups": {"lr": 0.1}},
    {"state": {}, "param_groups": [GROUP | {"params": [[0]]}]},
    {"state": {}, "param_groups": [GROUP | {"params": ["w"]}]},
    {"state": {}, "param_groups": [GROUP | {"lr": [0.1, 0.2]}]},
    {"state": {}, "param_groups": [GROUP | {"lr": "text"}]},
    {"state": {0: {"square_avg": SQUARES, "sum": SQUARES}}, "param_groups": [GROUP]},
    {"state": {0: 5}, "param_groups": [GROUP]},
    {"state": {0: {"step": float("nan"), "square_avg": SQUARES}}, "param_groups": [GROUP]},
    {"state": {0: {"step": 1, "square_avg": "text", "sum": "text"}}, "param_groups": [GROUP]},
    [np.float32(2.5), SQUARES],
    [np.float32(np.nan), SQUARES],
    [np.int32(-1), SQUARES],
    ["text", SQUARES],
    [None, None],
    [[1, [2]], SQUARES],
    object(),
]


def names_for(function):
    """The argument that some of these functions require."""
    required = inspect.signature(function).parameters.get("names")
    return {"names": ["w"]} if required is not None and required.default is required.empty else {}


@pytest.mark.parametrize(
    ("framework", "function"), [(m, f) for m, own in FUNCTIONS.items() for f in own]
)
def test_a_mistake_is_one_clear_error(framework, function):
    module = getattr(frameworks, framework)
    optimizer = getattr(module, function)(0.1)
    for mistake in MISTAKES:
        with pytest.raises((TypeError, ValueError)) as error:
            module.import_state(optimizer, mistake, PARAMS, **names_for(module.import_state))
        # Of this package, and not of Python, NumPy or JAX below it.
        own = ("saved", "state", "param_groups", "step", "t is", "variable", "the saved")
        assert str(error.value).startswith(own), (mistake, error.value)


@pytest.mark.parametrize("framework", ["tensorflow", "paddle", "mlx", "chainer"])
@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_a_file_of_another_kind_is_named(framework, content, tmp_path):
    path = tmp_path / "state.npz"
    path.write_bytes(content)
    module = getattr(frameworks, framework)
    with pytest.raises(ValueError, match=r"is no \.npz file of arrays|has no |does not fit"):
        module.import_state(module.adagrad(0.1), path, PARAMS, **names_for(module.import_state))
    with path.open("wb") as file:
        np.save(file, SQUARES)
    with pytest.raises(ValueError, match=r"is no \.npz file of arrays"):
        module.import_state(module.adagrad(0.1), path, PARAMS, **names_for(module.import_state))
    with pytest.raises(FileNotFoundError):
        module.import_state(
            module.adagrad(0.1), tmp_path / "no.npz", PARAMS, **names_for(module.import_state)
        )


@pytest.mark.parametrize(
    "bring",
    [
        lambda steps: torch.import_state(
            torch.rmsprop(0.1),
            {"state": {0: {"step": steps, "square_avg": SQUARES}}, "param_groups": [GROUP]},
            PARAMS,
        ),
        lambda steps: keras.import_state(keras.rmsprop(0.1), [steps, SQUARES], PARAMS),
        lambda steps: chainer.import_state(
            chainer.adagrad(0.1), {"t": steps, "w/h": SQUARES}, PARAMS
        ),
        lambda steps: mlx.import_state(mlx.adagrad(0.1), {"step": steps, "w.v": SQUARES}, PARAMS),
    ],
)
@pytest.mark.parametrize("steps", [-3.7, 2.5, -1, np.nan, np.inf, 2.0**31, np.array([1, 2]), True])
def test_a_saved_number_of_steps_is_checked(bring, steps):
    with pytest.raises(
        (TypeError, ValueError), match=r"must be (the number of steps|an array of numbers)"
    ):
        bring(steps)
    for whole in (3, 3.0, np.float32(3), np.array([3])):
        bring(whole)


def test_a_saved_state_of_another_library_is_told_by_its_groups():
    """Each of PyTorch's, timm's and Stable-Baselines3's has keys that the others lack."""
    entry = {"step": 1.0, "square_avg": SQUARES}
    ports = {
        "torch.rmsprop": (torch.import_state, torch.rmsprop(0.1)),
        "torch.adagrad": (torch.import_state, torch.adagrad(0.1)),
        "timm.rmsprop_tf": (timm.import_state, timm.rmsprop_tf(0.1)),
        "stable_baselines3.rmsprop_tf_like": (
            stable_baselines3.import_state,
            stable_baselines3.rmsprop_tf_like(0.1),
        ),
    }
    for owner, export, optimizer in (
        ("torch.rmsprop", torch.export_state, torch.rmsprop(0.1)),
        ("torch.adagrad", torch.export_state, torch.adagrad(0.1)),
        ("timm.rmsprop_tf", timm.export_state, timm.rmsprop_tf(0.1)),
    ):
        state = optimizer.init(PARAMS)
        saved = export(optimizer, state, PARAMS, step=1)
        for name, (bring, port) in ports.items():
            if name == owner:
                bring(port, saved, PARAMS)
                continue
            with pytest.raises(ValueError, match=rf"\[0\] has \w+, which is of .*{name}"):
                bring(port, saved, PARAMS, check=False)
    # Early releases of PyTorch have the groups of Stable-Baselines3, and timm always had more.
    old = {"state": {0: entry}, "param_groups": [GROUP | {"alpha": 0.99}]}
    torch.import_state(torch.rmsprop(0.1), old, PARAMS)
    port = stable_baselines3.rmsprop_tf_like(0.1)
    stable_baselines3.import_state(port, old, PARAMS)
    with pytest.raises(ValueError, match="has no lr_in_momentum, which all groups of timm"):
        timm.import_state(timm.rmsprop_tf(0.1, alpha=0.99), old, PARAMS)
    torch.import_state(torch.rmsprop(0.1), {"state": {0: entry}, "param_groups": [GROUP]}, PARAMS)


def test_a_saved_state_of_mxnet_is_told_by_its_tuples():
    for name, saved in (("rmsprop", {0: SQUARES}), ("adagrad", {0: (SQUARES,)})):
        with pytest.raises(
            ValueError, match=rf"as MXNet saves it of .* optimizer is mxnet\.{name}"
        ):
            mxnet.import_state(getattr(mxnet, name)(0.1), saved, PARAMS)


def test_entries_that_belong_to_no_parameter_are_listed():
    entry = {"step": 1.0, "square_avg": SQUARES}
    saved = {"state": {0: entry, 7: entry}, "param_groups": [GROUP]}
    with pytest.raises(ValueError, match="entries without a parameter are 7"):
        torch.import_state(torch.rmsprop(0.1), saved, PARAMS, check=False)
    twice = {"state": {0: entry}, "param_groups": [GROUP, GROUP]}
    with pytest.raises(ValueError, match="param_groups lists 0, 0"):
        torch.import_state(torch.rmsprop(0.1), twice, PARAMS)
    for module, saved in (
        (mlx, {"step": 1, "w.v": SQUARES, "w.m": SQUARES}),
        (chainer, {"t": 1, "epoch": 0, "w/t": 1, "w/h": SQUARES, "w/v": SQUARES}),
        (paddle, {"w_moment_0": SQUARES, "w_beta1_pow_acc_0": SQUARES}),
    ):
        with pytest.raises(ValueError, match="which belongs to no slot"):
            module.import_state(module.adagrad(0.1), saved, PARAMS)
    saved = {"w/Adagrad": SQUARES, "b/Adagrad": SQUARES, "w": SQUARES, "global_step": 3}
    with pytest.raises(ValueError, match="b/Adagrad, which belongs to no parameter"):
        tensorflow.import_state(tensorflow.adagrad(0.1), saved, PARAMS, names=["w"])
    # What the frameworks do save beside the slots is passed over.
    saved = {"LR_Scheduler": {"last_epoch": 3}, "master_weights": {}, "w_moment_0": SQUARES}
    paddle.import_state(paddle.adagrad(0.1), saved, PARAMS)


def test_names_in_the_file_and_numbers_may_not_contradict_each_other():
    entries = {number: {"step": 1.0, "square_avg": SQUARES + number} for number in range(2)}
    group = {"lr": 0.1, "params": [0, 1], "param_names": ["out.weight", "out.bias"]}
    saved = {"state": entries, "param_groups": [group]}
    params = {"out": {"bias": jnp.ones(2), "weight": jnp.ones(2)}}
    bring = functools.partial(torch.import_state, torch.rmsprop(0.1), saved, params)
    right = {"out": {"bias": 1, "weight": 0}}
    bring(names=right)
    for wrong in (None, {"out": {"bias": 0, "weight": 1}}):
        with pytest.raises(ValueError, match=r"names has 0 for .*'bias'.*, and param_names"):
            bring(names=wrong)
        bring(names=wrong, check=False)
    group["param_names"] = ["out.weight"]
    with pytest.raises(ValueError, match="2 params and 1 param_names"):
        bring(names=right)


def test_names_are_words_or_numbers_on_both_ways():
    """What an import takes, an export takes, with the order that numbers the words."""
    order = ["out.weight", "out.bias"]
    params = {"out": {"bias": jnp.ones(2), "weight": jnp.ones(3)}}
    words = {"out": {"bias": "out.bias", "weight": "out.weight"}}
    optimizer = torch.rmsprop(0.1)
    state = optimizer.init(params)
    saved = torch.export_state(optimizer, state, params, names=words, step=1, order=order)
    assert saved["param_groups"][0]["params"] == [0, 1]
    assert saved["param_groups"][0]["param_names"] == order
    assert saved["state"][0]["square_avg"].shape == (3,)
    for names in (words, {"out": {"bias": 1, "weight": 0}}):
        torch.import_state(optimizer, saved, params, names=names)
    with pytest.raises(ValueError, match=r"names has 'out\.weight', which the 1 names of order"):
        torch.export_state(optimizer, state, params, names=words, step=1, order=["out.bias"])
    with pytest.raises(ValueError, match="names has 5, which the 2 names of order"):
        torch.export_state(optimizer, state, params, names=[5, 0], step=1, order=order)
    port = keras.rmsprop(0.1)
    paths = {"out": {"bias": "net/out/bias", "weight": "net/out/kernel"}}
    values = keras.export_state(
        port,
        port.init(params),
        params,
        names=paths,
        step=1,
        order=["net/out/kernel", "net/out/bias"],
    )
    assert [x.shape for x in values] == [(), (), (3,), (2,)]


def test_numbers_that_a_framework_cannot_have_are_refused():
    params = [jnp.ones(2), jnp.ones(2)]
    for module in (torch, keras):
        optimizer = module.rmsprop(0.1)
        with pytest.raises(ValueError, match=r"names has -9; .* numbers its parameters from 0"):
            module.export_state(optimizer, optimizer.init(params), params, names=[5, -9], step=1)
    # PyTorch has groups of some of the parameters, Keras one list of all.
    optimizer = torch.rmsprop(0.1)
    state = optimizer.init(params)
    saved = torch.export_state(optimizer, state, params, names=[5, 3], step=1)
    assert saved["param_groups"][0]["params"] == [3, 5]
    optimizer = keras.rmsprop(0.1)
    with pytest.raises(ValueError, match="they must be 0 to 1"):
        keras.export_state(optimizer, optimizer.init(params), params, names=[5, 3], step=1)
    optimizer = mxnet.adagrad(0.1)
    with pytest.raises(ValueError, match="names has -1; MXNet numbers its parameters from 0"):
        mxnet.export_state(optimizer, optimizer.init(params), params, names=[0, -1])
    for module, call in (
        (paddle, {}),
        (mlx, {"step": 1}),
        (chainer, {"step": 1}),
        (tensorflow, {}),
    ):
        optimizer = module.adagrad(0.1)
        with pytest.raises(ValueError, match=r"names has 0; .* calls a parameter by its name"):
            module.export_state(optimizer, optimizer.init(params), params, names=[0, 1], **call)


def test_arguments_of_other_kinds_are_refused():
    saved = {"state": {}, "param_groups": [GROUP | {"param_names": None}]}
    optimizer = torch.rmsprop(0.1)
    torch.import_state(optimizer, saved, PARAMS)
    with pytest.raises(TypeError, match="new is str; it must be an optimizer"):
        torch.import_state(optimizer, saved, PARAMS, new="rmsprop")
    with pytest.raises(ValueError, match="entries without a parameter"):
        torch.import_state(optimizer, saved, {})
    for names, words in ((None, "names is None"), ([0], "calls a parameter by its name")):
        with pytest.raises(ValueError, match=words):
            tensorflow.import_state(
                tensorflow.adagrad(0.1), {"w/Adagrad": SQUARES}, PARAMS, names=names
            )
    port = frameworks.optax.rmsprop(0.1)
    for restored in ({"0": {"nu": [SQUARES]}}, [{"nu": [SQUARES]}]):
        with pytest.raises(ValueError, match="a checkpoint was restored without a target"):
            frameworks.optax.import_state(port, restored, PARAMS)


def test_a_run_does_not_move_inside_of_jit():
    saved = {"state": {0: {"step": 1.0, "square_avg": SQUARES}}, "param_groups": [GROUP]}
    optimizer = torch.rmsprop(0.1)
    with pytest.raises(TypeError, match=r"traced.*outside of jax\.jit"):
        jax.jit(lambda p: torch.import_state(optimizer, saved, p))(PARAMS)
    with pytest.raises(TypeError, match=r"traced.*outside of jax\.jit"):
        jax.jit(lambda x: keras.import_state(keras.rmsprop(0.1), [1, x], PARAMS))(SQUARES)
    with pytest.raises(TypeError, match=r"traced.*outside of jax\.jit"):
        jax.jit(lambda s: torch.export_state(optimizer, s, PARAMS, step=1))(optimizer.init(PARAMS))
    for module in (frameworks.optax, jax_examples):
        port = module.rmsprop(0.1)
        with pytest.raises(TypeError, match=r"traced.*outside of jax\.jit"):
            jax.jit(lambda s, m=module, o=port: m.export_state(o, s, PARAMS))(port.init(PARAMS))


def test_numbers_that_would_be_lost_are_refused():
    params = [jnp.ones(2, jnp.float32)]
    bring = functools.partial(torch.import_state, torch.rmsprop(0.1))

    def saved(values):
        return {"state": {0: {"step": 1, "square_avg": values}}, "param_groups": [GROUP]}

    with pytest.raises(ValueError, match=r"the squares of \[0\] have the value 1e\+300, .*x64"):
        bring(saved(np.array([1.0, 1e300])), params)
    bring(saved(np.array([1.0, np.inf])), params)  # as it was saved
    with pytest.raises(ValueError, match=r"0: square_avg \(2,\), which is complex"):
        bring(saved(np.array([1.0, 1.0 + 1j])), params)
    port = frameworks.optax.rmsprop(0.1)
    half = [jnp.ones(2, jnp.float16)]
    state = port.init(half)
    state = jax.tree.map(lambda x: x + 1e5, state)
    with pytest.raises(ValueError, match=r"beyond the range of float16\. Keep .* wider dtype\.$"):
        frameworks.optax.export_state(port, state, half)


def test_complex_leaves_go_on_with_another_optimizer_that_has_them_apart():
    params = [jnp.ones(2, jnp.complex64)]
    squares = np.array([1 + 4j, 4 + 9j], np.complex64)
    saved = {"state": {0: {"step": 1, "square_avg": squares}}, "param_groups": [GROUP]}
    old = torch.rmsprop(0.1)
    state = torch.import_state(old, saved, params, new=torch.rmsprop(0.2))
    assert jax.tree.structure(state) == jax.tree.structure(old.init(params))
    with pytest.raises(
        ValueError,
        match=r"^saved cannot be converted: `optimizer` squares real and imaginary parts",
    ):
        torch.import_state(old, saved, params, new=rmsprop.rmsprop(0.1))


@pytest.mark.parametrize(
    ("framework", "function", "more"),
    [
        ("torch", "rmsprop", {"step": 0}),
        ("torch", "adagrad", {"step": 0}),
        ("keras", "rmsprop", {"step": 0}),
        ("tensorflow", "rmsprop", {"names": ["w"]}),
        ("paddle", "rmsprop", {"names": ["w"]}),
        ("mxnet", "rmsprop", {}),
        ("mlx", "rmsprop", {"names": ["w"], "step": 0}),
        ("chainer", "rmsprop_graves", {"names": ["w"], "step": 0}),
        ("optax", "rmsprop", {}),
        ("jax_examples", "rmsprop", {}),
    ],
)
def test_a_state_before_the_first_step_comes_back(framework, function, more):
    """Also one with other values, which the number of steps does not make false."""
    module = getattr(frameworks, framework)
    optimizer = getattr(module, function)(0.1)
    first = optimizer.init(PARAMS)
    names = {name: more[name] for name in ("names",) if name in more}
    for state in (first, jax.tree.map(lambda x: x + 0.5 if x.ndim else x, first)):
        saved = module.export_state(optimizer, state, PARAMS, **more)
        back = module.import_state(optimizer, saved, PARAMS, **names)
        for one, two in zip(jax.tree.leaves(state), jax.tree.leaves(back), strict=True):
            np.testing.assert_array_equal(one, two)
        arrays = [x for x in jax.tree.leaves(saved) if isinstance(x, np.ndarray)]
        assert all(x.flags.writeable for x in arrays)
        addresses = [x.__array_interface__["data"][0] for x in arrays if x.size]
        assert len({*addresses}) == len(addresses)  # arrays of their own


def test_torch_has_no_entries_of_rmsprop_before_the_first_step_and_those_of_adagrad():
    for optimizer, count in ((torch.rmsprop(0.1), 0), (torch.adagrad(0.1), 1)):
        saved = torch.export_state(optimizer, optimizer.init(PARAMS), PARAMS, step=0)
        assert len(saved["state"]) == count
