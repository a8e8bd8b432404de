"""Files that Keras itself has written, of each kind and precision, go on here."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rmsprop.frameworks import keras as port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.standard_promotion("the frameworks' own"),
]
X = np.random.default_rng(0).standard_normal((8, 2)).astype(np.float32)
Y = X.sum(1, keepdims=True)
NAMES = {"kernel": 0, "bias": 1}


@pytest.fixture
def keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    module = pytest.importorskip("keras")
    yield module
    module.mixed_precision.set_global_policy("float32")


def trained(keras, optimizer, policy="float32"):
    """A model of one layer after two steps."""
    keras.mixed_precision.set_global_policy(policy)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="out")])
    model.compile(optimizer, loss="mse", jit_compile=False)
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    return model


def params_of(model):
    """The parameters of the model as they are in a tree of JAX."""
    kernel, bias = (jnp.asarray(np.asarray(v)) for v in model.trainable_variables)
    return {"kernel": kernel, "bias": bias}


def assert_goes_on(optimizer, state, params, model, tolerance):
    """Both make the same step from the same gradients."""
    expected = [np.asarray(v) for v in model.trainable_variables]
    model.fit(X, Y, batch_size=8, epochs=1, verbose=0)

    def loss(params):
        return jnp.mean((X @ params["kernel"] + params["bias"] - Y) ** 2)

    updates, _ = optimizer.update(jax.grad(loss)(params), state, params)
    after = optax.apply_updates(params, updates)
    for own, variable, before in zip(
        (after["kernel"], after["bias"]), model.trainable_variables, expected, strict=True
    ):
        new = np.asarray(variable)
        assert not np.array_equal(new, before)
        np.testing.assert_allclose(own, new, rtol=0, atol=tolerance * np.abs(new).max())


@pytest.mark.parametrize("ending", ["keras", "weights.h5", "h5"])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_a_file_goes_on(keras, ending, policy, tmp_path):
    model = trained(keras, keras.optimizers.RMSprop(1e-2, momentum=0.9, clipnorm=1.0), policy)
    path = tmp_path / f"model.{ending}"
    (model.save_weights if ending == "weights.h5" else model.save)(path)
    optimizer = port.rmsprop(1e-2, momentum=0.9, clipnorm=1.0)
    params = params_of(model)
    state = port.import_state(optimizer, path, params, names=NAMES)
    live = port.import_state(optimizer, model.optimizer, params, names=NAMES)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), state, live))
    if ending != "weights.h5":
        with pytest.raises(ValueError, match=r"momentum is 0\.9 in .* and 0\.5"):
            port.import_state(
                port.rmsprop(1e-2, momentum=0.5, clipnorm=1.0), path, params, names=NAMES
            )
    # Keras' gradients are in float16 there: about 8 roundings of 2**-11 in a step of about 0.03, of
    # parameters of about 0.1.
    assert_goes_on(optimizer, state, params, model, 4e-6 if policy == "float32" else 1e-3)
    inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    inner.set_weights(port.export_state(optimizer, state, params, names=NAMES, step=2))
    assert float(np.asarray(inner.variables[-2])[0, 0]) == -float(
        np.asarray(jax.tree.leaves(state)[-1])[0, 0]
    )


def test_bfloat16_variables_are_read(keras, tmp_path):
    model = trained(keras, keras.optimizers.Adagrad(1e-2), "bfloat16")
    model.save(tmp_path / "model.keras")
    params = params_of(model)
    state = port.import_state(port.adagrad(1e-2), tmp_path / "model.keras", params, names=NAMES)
    sums = next(part for part in state if hasattr(part, "sum_of_squares")).sum_of_squares
    for own, variable in zip(
        (sums["kernel"], sums["bias"]), model.optimizer.variables[2:], strict=True
    ):
        np.testing.assert_array_equal(own, np.asarray(variable).astype(np.float32))


def test_variables_without_weight_decay_go_on_in_a_chain(keras):
    theirs = keras.optimizers.RMSprop(1e-2, weight_decay=0.5)
    theirs.exclude_from_weight_decay(var_names=["bias"])
    model = trained(keras, theirs)
    params = params_of(model)
    with pytest.raises(ValueError, match="exclude_from_weight_decay"):
        port.import_state(
            port.rmsprop(1e-2, weight_decay=0.5), model.optimizer, params, names=NAMES
        )
    # As the error says.
    alone = port.rmsprop(1e-2)
    state = port.import_state(alone, model.optimizer, params, names=NAMES, check=False)
    mask = {"kernel": True, "bias": False}
    chain = optax.chain(alone, optax.add_decayed_weights(-1e-2 * 0.5, mask))
    joined = (state, *chain.init(params)[1:])
    assert_goes_on(chain, joined, params, model, 4e-6)


@pytest.mark.parametrize("generation", ["legacy", "later"])
def test_a_file_of_tf_keras_goes_on_with_its_port_alone(generation, tmp_path):
    pytest.importorskip("tensorflow")
    tf_keras = pytest.importorskip("tf_keras")
    options = {"momentum": 0.9, "clipnorm": 1.0}
    make = tf_keras.optimizers.RMSprop
    if generation == "legacy":
        make, options = tf_keras.optimizers.legacy.RMSprop, options | {"decay": 0.1}
    model = tf_keras.Sequential([tf_keras.Input((2,)), tf_keras.layers.Dense(1, name="out")])
    model.compile(make(1e-2, **options), loss="mse")
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    model.save(tmp_path / "model.h5")
    kernel, bias = (jnp.asarray(v.numpy()) for v in model.trainable_variables)
    params = {"kernel": kernel, "bias": bias}
    ports = {"legacy": port.legacy_rmsprop, "later": port.rmsprop}
    optimizer = ports[generation](1e-2, **options)
    state = port.import_state(optimizer, tmp_path / "model.h5", params, names=NAMES)
    live = port.import_state(optimizer, model.optimizer, params, names=NAMES)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), state, live))
    other = ports[{"legacy": "later", "later": "legacy"}[generation]](1e-2, momentum=0.9)
    with pytest.raises(ValueError, match=r"TensorFlow 2\.11, whose port is"):
        port.import_state(other, tmp_path / "model.h5", params, names=NAMES, check=False)
    wrong = ports[generation](1e-2, **(options | {"clipnorm": 2.0}))
    with pytest.raises(ValueError, match=r"clipnorm is 1\.0 in .* and 2\.0 in"):
        port.import_state(wrong, tmp_path / "model.h5", params, names=NAMES)
    assert_goes_on(optimizer, state, params, model, 4e-6)
