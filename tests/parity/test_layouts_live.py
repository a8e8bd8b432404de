"""Parameters in the layout of Flax and Equinox give PyTorch's and Keras' outputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rmsprop.frameworks import keras as keras_port
from rmsprop.frameworks import torch as torch_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.standard_promotion("the frameworks' own"),
]
PICTURES = np.random.default_rng(0).standard_normal((2, 3, 8, 6)).astype(np.float32)
# A sum of 27 products and one of 4, of numbers around 1, in float32.
TOLERANCE = 1e-5


@pytest.fixture
def torch_model():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    conv, norm = torch.nn.Conv2d(3, 4, 3), torch.nn.LayerNorm(4)
    linear = torch.nn.Linear(4, 5)
    model = torch.nn.ModuleDict({"conv": conv, "norm": norm, "out": linear})
    with torch.no_grad():
        norm.weight.uniform_(0.5, 1.5)
        norm.bias.uniform_(-1, 1)
        hidden = conv(torch.tensor(PICTURES)).mean((2, 3))
        expected = linear(norm(hidden)).numpy()
    named = dict(model.named_parameters())
    return [*named], [*named.values()], expected


def test_flax_has_the_outputs_of_torch(torch_model):
    linen = pytest.importorskip("flax.linen")
    order, values, expected = torch_model

    class Model(linen.Module):
        @linen.compact
        def __call__(self, x):
            x = linen.Conv(4, (3, 3), padding="VALID", name="conv")(x).mean((1, 2))
            return linen.Dense(5, name="out")(linen.LayerNorm(epsilon=1e-5, name="norm")(x))

    inputs = jnp.asarray(PICTURES.transpose(0, 2, 3, 1))
    params = Model().init(jax.random.key(0), inputs)
    layout = torch_port.flax_layout(
        params, order, renamed={f"params.{name}": name for name in ("conv", "norm", "out")}
    )
    output = Model().apply(layout.params(values), inputs)
    np.testing.assert_allclose(output, expected, atol=TOLERANCE)
    for one, two in zip(layout.arrays(layout.params(values)), values, strict=True):
        np.testing.assert_array_equal(one, two.detach().numpy())


def test_equinox_has_the_outputs_of_torch(torch_model):
    eqx = pytest.importorskip("equinox")
    order, values, expected = torch_model
    keys = jax.random.split(jax.random.key(0))
    model = {
        "conv": eqx.nn.Conv2d(3, 4, 3, key=keys[0]),
        "norm": eqx.nn.LayerNorm(4),
        "out": eqx.nn.Linear(4, 5, key=keys[1]),
    }
    params, static = eqx.partition(model, eqx.is_inexact_array)
    layout = torch_port.equinox_layout(params, order)
    moved = eqx.combine(jax.tree.map(jnp.asarray, layout.params(values)), static)

    def forward(x):
        return moved["out"](moved["norm"](moved["conv"](x).mean((1, 2))))

    np.testing.assert_allclose(jax.vmap(forward)(PICTURES), expected, atol=TOLERANCE)
    for one, two in zip(layout.arrays(layout.params(values)), values, strict=True):
        np.testing.assert_array_equal(one, two.detach().numpy())


def test_flax_has_the_outputs_of_keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras, linen = pytest.importorskip("keras"), pytest.importorskip("flax.linen")
    inputs = PICTURES.transpose(0, 2, 3, 1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(inputs.shape[1:]),
            layers.Conv2D(4, 3, name="conv", bias_initializer="normal"),
            layers.GlobalAveragePooling2D(),
            layers.LayerNormalization(
                epsilon=1e-5, name="norm", gamma_initializer="normal", beta_initializer="normal"
            ),
            layers.Dense(5, name="out", bias_initializer="normal"),
        ]
    )

    class Model(linen.Module):
        @linen.compact
        def __call__(self, x):
            x = linen.Conv(4, (3, 3), padding="VALID", name="conv")(x).mean((1, 2))
            return linen.Dense(5, name="out")(linen.LayerNorm(epsilon=1e-5, name="norm")(x))

    params = Model().init(jax.random.key(0), inputs)["params"]
    layout = keras_port.flax_layout(params, [v.path for v in model.trainable_variables])
    output = Model().apply({"params": layout.params(model.trainable_variables)}, inputs)
    np.testing.assert_allclose(output, np.asarray(model(inputs)), atol=TOLERANCE)


def nu(state):
    return next(part for part in state.inner_state if hasattr(part, "nu")).nu


def test_a_state_of_flax_nnx_has_readable_paths_and_names_by_path():
    nnx = pytest.importorskip("flax.nnx")

    class Model(nnx.Module):
        def __init__(self, rngs):
            self.hidden = nnx.Linear(2, 3, rngs=rngs)
            self.layers = nnx.List([nnx.Linear(3, 3, rngs=rngs)])

    params = nnx.state(Model(nnx.Rngs(0)), nnx.Param)
    order = ["hidden.weight", "hidden.bias", "layers.0.weight", "layers.0.bias"]
    layout = torch_port.flax_layout(params, order)
    entries = {
        number: {"step": 1.0, "square_avg": np.full(shape, 1.0 + number, np.float32)}
        for number, shape in enumerate([(3, 2), (3,), (3, 3), (3,)])
    }
    saved = {"state": entries, "param_groups": [{"lr": 0.1, "params": [0, 1, 2, 3]}]}
    optimizer = torch_port.rmsprop(0.1)
    state = torch_port.import_state(
        optimizer, saved, params, names=layout.names, to_ours=layout.to_ours
    )
    paths = {  # the leaves of `nu`, without its variables
        jax.tree_util.keystr(path): float(x.ravel()[0])
        for path, x in jax.tree_util.tree_flatten_with_path(nnx.to_pure_dict(nu(state)))[0]
    }
    assert paths == {
        "['hidden']['bias']": 2,
        "['hidden']['kernel']": 1,
        "['layers'][0]['bias']": 4,
        "['layers'][0]['kernel']": 3,
    }
    # The same by plain trees of numbers and of names, whatever holds them.
    pure = {
        "hidden": {"bias": 1, "kernel": 0},
        "layers": {0: {"bias": 3, "kernel": 2}},
    }
    words = jax.tree.map(lambda number: order[number], pure)
    saved["param_groups"][0]["param_names"] = order
    for names in (pure, words):
        by_path = torch_port.import_state(
            optimizer,
            saved,
            params,
            names=names,
            to_ours=lambda name, x: x.T if x.ndim == 2 else x,
        )
        assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), by_path, state))
    entries[1]["square_avg"] = np.ones(5, np.float32)
    with pytest.raises(ValueError, match="does not fit") as error:
        torch_port.import_state(
            optimizer, saved, params, names=layout.names, to_ours=layout.to_ours
        )
    assert "    ['hidden']['bias'] (3,) and 1: square_avg (5,)" in str(error.value)
    back = torch_port.export_state(
        optimizer, state, params, names=layout.names, to_theirs=layout.to_theirs, step=1
    )
    np.testing.assert_array_equal(back["state"][2]["square_avg"], entries[2]["square_avg"])
