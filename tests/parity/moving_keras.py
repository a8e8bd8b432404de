"""Runs of Keras that move: `python tests/parity/moving_keras.py` records their saved states."""

import os

import moving
import numpy as np
from trajectories import Case, crossed

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PACKAGES = ("keras", "jax", "tf_keras", "tensorflow-cpu")
_BOTH = ("float64", "float32")
CASES = [
    *crossed(
        "rmsprop",
        epsilon=[1e-3],
        momentum=[None, 0.9],
        centered=[None, True],
        weight_decay=[None, 0.05],
    ),
    *(
        Case("rmsprop", {"epsilon": 1e-3, "momentum": 0.9, **more}, dtype=dtype)
        for dtype in _BOTH
        for more in (
            {"gradient_accumulation_steps": 3},
            {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 6},
            {
                "gradient_accumulation_steps": 3,
                "use_ema": True,
                "weight_decay": 0.05,
                "clipnorm": 1.0,
                "loss_scale_factor": 2.0,
            },
        )
    ),
    *crossed("adagrad", _BOTH, epsilon=[1e-3], use_ema=[None, True], weight_decay=[None, 0.05]),
    *(
        Case(f, {"epsilon": 1e-3}, dtype=d, changing=False)
        for f in ("rmsprop", "adagrad", "legacy_rmsprop")
        for d in _BOTH
    ),
    *crossed(
        "legacy_rmsprop",
        epsilon=[1e-3],
        momentum=[None, 0.9],
        centered=[None, True],
        decay=[0.1],
    ),
    *crossed("legacy_adagrad", epsilon=[1e-3], decay=[None, 0.1]),
    *(
        Case(function, arguments, dtype=dtype, path="tf_keras")
        for function, arguments in (
            ("rmsprop", {"epsilon": 1e-3, "momentum": 0.9, "centered": True}),
            ("adagrad", {"epsilon": 1e-3}),
        )
        for dtype in _BOTH
    ),
]

RECORDED = [
    Case(
        "rmsprop",
        {
            "epsilon": 1e-3,
            "momentum": 0.9,
            "gradient_accumulation_steps": 3,
            "use_ema": True,
            "weight_decay": 0.05,
            "clipnorm": 1.0,
            "loss_scale_factor": 2.0,
        },
    ),
    Case("rmsprop", {"epsilon": 1e-3, "momentum": 0.9, "centered": True, "weight_decay": 0.05}),
    Case("adagrad", {"epsilon": 1e-3}, dtype="float32", changing=False),
    Case("legacy_rmsprop", {"epsilon": 1e-3, "momentum": 0.9, "centered": True, "decay": 0.1}),
    Case("legacy_adagrad", {"epsilon": 1e-3, "decay": 0.1}, dtype="float32"),
]


def needs(case):
    """The modules of this case."""
    return ("keras",) if _kind(case) is _Keras3 else ("tf_keras", "tensorflow")


class _Keras3:
    """A run in Keras 3 on JAX, in double precision."""

    def __init__(self, case, params):
        import keras

        self._floatx = case.dtype
        keras.config.set_floatx(case.dtype)  # the dtype of the rate
        rates = np.asarray(case.rates(moving.STEPS), case.dtype)

        class Listed(keras.optimizers.schedules.LearningRateSchedule):
            def __call__(self, step):
                return keras.ops.take(rates, step)

        make = {"rmsprop": keras.optimizers.RMSprop, "adagrad": keras.optimizers.Adagrad}
        rate = Listed() if case.changing else case.learning_rate
        self._optimizer = make[case.function](rate, **case.arguments)
        self._params = {
            name: keras.Variable(x, dtype=case.dtype, name=name) for name, x in params.items()
        }
        self._optimizer.build([*self._params.values()])
        keras.config.set_floatx("float32")

    def step(self, gradient, rate):
        import keras

        keras.config.set_floatx(self._floatx)
        pairs = [(keras.ops.array(g), self._params[name]) for name, g in gradient.items()]
        self._optimizer.apply_gradients(pairs)
        keras.config.set_floatx("float32")

    def params(self):
        return {name: np.asarray(p.value) for name, p in self._params.items()}

    def saved(self):
        return [np.asarray(v.value) for v in self._optimizer.variables]

    def load(self, saved):
        self._optimizer.set_weights(saved)


class _Legacy:
    """A run in tf.keras before TensorFlow 2.11."""

    def __init__(self, case, params):
        import tensorflow as tf
        import tf_keras

        legacy = tf_keras.optimizers.legacy
        make = {"legacy_rmsprop": legacy.RMSprop, "legacy_adagrad": legacy.Adagrad}
        self._optimizer = make[case.function](case.learning_rate, **case.arguments)
        self._params = {name: tf.Variable(x, name=name) for name, x in params.items()}
        self._optimizer._create_all_weights([*self._params.values()])

    def step(self, gradient, rate):
        import tensorflow as tf

        self._optimizer.learning_rate = rate
        pairs = [(tf.constant(g), self._params[name]) for name, g in gradient.items()]
        self._optimizer.apply_gradients(pairs)

    def params(self):
        return {name: p.numpy() for name, p in self._params.items()}

    def saved(self):
        return [np.asarray(x) for x in self._optimizer.get_weights()]

    def load(self, saved):
        self._optimizer.set_weights(saved)


class _Later(_Legacy):
    """A run in tf.keras of TensorFlow 2.11 and later, whose list has no rate."""

    def __init__(self, case, params):
        import tensorflow as tf
        import tf_keras

        tf_keras.backend.set_floatx(case.dtype)  # the dtype of the rate
        make = {"rmsprop": tf_keras.optimizers.RMSprop, "adagrad": tf_keras.optimizers.Adagrad}
        self._optimizer = make[case.function](case.learning_rate, **case.arguments)
        self._params = {name: tf.Variable(x, name=name) for name, x in params.items()}
        self._optimizer.build([*self._params.values()])
        tf_keras.backend.set_floatx("float32")

    def saved(self):
        count, *values = [v.numpy() for v in self._optimizer.variables]
        return [count.astype(np.int32), *values]  # int64 in TensorFlow, int32 in Keras on JAX

    def load(self, saved):
        for variable, value in zip(self._optimizer.variables, saved, strict=True):
            variable.assign(value)


def _kind(case):
    """The class of the runs of a case."""
    if case.function.startswith("legacy_"):
        return _Legacy
    return _Later if case.path == "tf_keras" else _Keras3


def Run(case, params):
    return _kind(case)(case, params)


if __name__ == "__main__":
    import jax

    with jax.enable_x64(True):
        moving.record("keras", PACKAGES)
