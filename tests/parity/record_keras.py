"""Records Keras' trajectories: `python tests/parity/record_keras.py`, with Keras 3 and tf_keras.

Keras 3 runs on JAX. tf_keras holds the optimizers of TensorFlow 2.11 (the path `tf_keras` here) and
those before it (`legacy_rmsprop`, `legacy_adagrad`).
"""

import os
from dataclasses import replace

import numpy as np
from trajectories import Case, crossed, gradients, joined, record, start

# Before anything imports Keras: it chooses its backend then, and TensorFlow imports it too.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

FRAMEWORK = "keras"
PACKAGES = ("keras", "jax", "tf_keras", "tensorflow-cpu")
_DTYPES = ("float64", "float32")

# What changes no number: a label.
SILENT = dict.fromkeys(("rmsprop", "adagrad", "legacy_rmsprop", "legacy_adagrad"), ("name",))

_AVERAGE = {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 4}
_ALL_RMSPROP = {
    "rho": 0.95,
    "momentum": 0.9,
    "epsilon": 1e-3,
    "centered": True,
    "weight_decay": 0.05,
    "clipnorm": 1.0,
    **_AVERAGE,
    "loss_scale_factor": 3.0,
    "gradient_accumulation_steps": 3,
}
_ALL_ADAGRAD = {
    "initial_accumulator_value": 0.3,
    "epsilon": 1e-3,
    "weight_decay": 0.05,
    "global_clipnorm": 5.0,
    "use_ema": True,
    "ema_momentum": 0.8,
    "ema_overwrite_frequency": 3,
    "loss_scale_factor": 3.0,
    "gradient_accumulation_steps": 2,
}
_ALL_LEGACY_RMSPROP = {
    "rho": 0.95,
    "momentum": 0.9,
    "epsilon": 1e-3,
    "centered": True,
    "clipnorm": 5.0,
    "clipvalue": 4.0,
    "decay": 0.1,
}
_ALL_LEGACY_ADAGRAD = {
    "initial_accumulator_value": 0.3,
    "epsilon": 1e-3,
    "clipvalue": 4.0,
    "global_clipnorm": 5.0,
    "decay": 0.1,
}

# Cases in which every argument matters: turning any one of them must be noticed.
RICH = [
    Case("rmsprop", _ALL_RMSPROP),
    Case("rmsprop", {k: v for k, v in _ALL_RMSPROP.items() if k != "momentum"}),
    Case("adagrad", _ALL_ADAGRAD),
    Case("legacy_rmsprop", _ALL_LEGACY_RMSPROP),
    Case("legacy_rmsprop", {k: v for k, v in _ALL_LEGACY_RMSPROP.items() if k != "momentum"}),
    Case("legacy_adagrad", _ALL_LEGACY_ADAGRAD),
]

_NEITHER_OR_ALL = ({}, {"momentum": 0.9, "centered": True, "weight_decay": 0.05})

CASES = [
    *RICH,
    *(replace(case, dtype="float32") for case in RICH),
    *crossed(
        "rmsprop",
        ("float64",),
        epsilon=[1e-3],
        momentum=[None, 0.9],
        centered=[None, True],
        weight_decay=[None, 0.05],
    ),
    *(Case("rmsprop", {"epsilon": 1e-3, **more}, dtype="float32") for more in _NEITHER_OR_ALL),
    *(
        Case("rmsprop", {"epsilon": 1e-3, "momentum": 0.9, name: 2.0})
        for name in ("clipnorm", "clipvalue", "global_clipnorm")
    ),
    *(
        Case("rmsprop", {"epsilon": 1e-3, "momentum": 0.9, **more})
        for more in ({"gradient_accumulation_steps": 4}, _AVERAGE, {"use_ema": True})
    ),
    Case("rmsprop", {"clipnorm": 0.0, "weight_decay": 0.0, "epsilon": 1e-3}),
    *crossed(
        "adagrad",
        ("float64",),
        epsilon=[1e-3],
        initial_accumulator_value=[None, 0.3],
        weight_decay=[None, 0.05],
    ),
    *crossed(
        "legacy_rmsprop",
        ("float64",),
        epsilon=[1e-3],
        momentum=[None, 0.9],
        centered=[None, True],
        decay=[None, 0.1],
    ),
    *(
        Case("legacy_rmsprop", {"momentum": 0.9, "epsilon": epsilon, name: 2.0})
        for name, epsilon in (("clipnorm", 1e-3), ("clipvalue", 0), ("global_clipnorm", None))
    ),
    *crossed("legacy_adagrad", ("float64",), epsilon=[1e-3], decay=[None, 0.1]),
    *(
        Case(function, arguments, dtype=dtype, path="tf_keras")
        for function, arguments in (
            ("rmsprop", {"epsilon": 1e-3, "momentum": 0.9, "centered": True, "weight_decay": 0.05}),
            ("rmsprop", {"epsilon": 1e-3, "rho": 0.95, "clipnorm": 2.0}),
            ("adagrad", {"epsilon": 1e-3, "weight_decay": 0.05, "global_clipnorm": 2.0}),
        )
        for dtype in _DTYPES
    ),
    *(
        Case(function, dtype=dtype, changing=changing)
        for function in ("rmsprop", "adagrad", "legacy_rmsprop", "legacy_adagrad")
        for dtype, changing in (("float64", True), ("float64", False), ("float32", True))
    ),
]


def ours(case):
    """tf_keras makes a float32 tensor of the weight decay, Keras 3 does not."""
    if case.path != "tf_keras" or "weight_decay" not in case.arguments:
        return {}
    return {"weight_decay": float(np.float32(case.arguments["weight_decay"]))}


def needs(case):
    """The modules of this case."""
    if case.function.startswith("legacy_") or case.path == "tf_keras":
        return ("tf_keras", "tensorflow")
    return ("keras",)


def trajectory(case):
    """The parameters after each step, as Keras computes them."""
    return (_keras_trajectory if needs(case) == ("keras",) else _tf_keras_trajectory)(case)


def _keras_trajectory(case):
    import jax
    import keras

    assert keras.backend.backend() == "jax", "KERAS_BACKEND must be jax"
    with jax.enable_x64(True):
        keras.config.set_floatx(case.dtype)  # the dtype of the rate
        rates = np.asarray(case.rates(), case.dtype)

        class Listed(keras.optimizers.schedules.LearningRateSchedule):
            def __call__(self, step):
                return keras.ops.take(rates, step)

        make = {"rmsprop": keras.optimizers.RMSprop, "adagrad": keras.optimizers.Adagrad}
        rate = Listed() if case.changing else case.learning_rate
        optimizer = make[case.function](rate, **case.arguments)
        params = {
            name: keras.Variable(value, dtype=case.dtype)
            for name, value in start(case.dtype).items()
        }
        after = []
        for gradient in gradients(case.dtype):
            pairs = [(keras.ops.array(gradient[name]), p) for name, p in params.items()]
            optimizer.apply_gradients(pairs)
            after.append(joined({name: np.asarray(p.value) for name, p in params.items()}))
        keras.config.set_floatx("float32")
        return np.stack(after)


def _tf_keras_trajectory(case):
    import tensorflow as tf
    import tf_keras

    legacy = case.function.startswith("legacy_")
    module = tf_keras.optimizers.legacy if legacy else tf_keras.optimizers
    make = module.RMSprop if case.function.endswith("rmsprop") else module.Adagrad
    if not legacy:  # there the dtype of the rate, here the rate is float32 at any rate
        tf_keras.backend.set_floatx(case.dtype)
    optimizer = make(case.learning_rate, **case.arguments)
    params = {name: tf.Variable(value) for name, value in start(case.dtype).items()}
    after = []
    for gradient, rate in zip(gradients(case.dtype), case.rates(), strict=True):
        optimizer.learning_rate = rate
        optimizer.apply_gradients([(tf.constant(gradient[n]), p) for n, p in params.items()])
        after.append(joined({name: p.numpy() for name, p in params.items()}))
    tf_keras.backend.set_floatx("float32")
    return np.stack(after)


if __name__ == "__main__":
    record(FRAMEWORK, CASES, trajectory, PACKAGES)
